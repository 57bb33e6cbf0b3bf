"""Draft orders, abandoned checkouts and discounts in the schema that is served."""

_PAGE = "after: String, before: String, first: Int, last: Int"
_SEARCH = "query: String, reverse: Boolean = false, savedSearchId: ID"
_COUNT = "limit: Int = 10000, query: String, savedSearchId: ID"
CONNECTED = (
    "DraftOrder", "DraftOrderLineItem", "AbandonedCheckout", "AbandonedCheckoutLineItem", "DiscountNode",
    "DiscountRedeemCode",
)  # fmt: skip

_DISCOUNT = """
  asyncUsageCount: Int!
  combinesWith: DiscountCombinesWith!
  createdAt: DateTime!
  discountClasses: [DiscountClass!]!
  endsAt: DateTime
  startsAt: DateTime!
  status: DiscountStatus!
  title: String!
  updatedAt: DateTime!
"""
_CODED = f"""
  appliesOncePerCustomer: Boolean!
  codes(
    {_PAGE}, query: String, reverse: Boolean = false, savedSearchId: ID, sortKey: DiscountCodeSortKeys = ID
  ): DiscountRedeemCodeConnection!
  codesCount: Count
  totalSales: MoneyV2
  usageLimit: Int
"""
_LEAST = "minimumRequirement: DiscountMinimumRequirement summary: String!"
_BUYS = "customerGets: DiscountCustomerGets! summary: String!"

TYPES = f"""
enum AbandonedCheckoutSortKeys {{ CREATED_AT ID TOTAL_PRICE }}
enum DiscountClass {{ ORDER PRODUCT SHIPPING }}
enum DiscountCodeSortKeys {{ CODE CREATED_AT ID }}
enum DiscountSortKeys {{ ID UPDATED_AT }}
enum DiscountStatus {{ ACTIVE EXPIRED SCHEDULED }}
enum DraftOrderAppliedDiscountType {{ FIXED_AMOUNT PERCENTAGE }}
enum DraftOrderSortKeys {{ ID TOTAL_PRICE UPDATED_AT }}
enum DraftOrderStatus {{ COMPLETED INVOICE_SENT OPEN }}

extend type QueryRoot {{
  abandonedCheckouts({_PAGE}, {_SEARCH}, sortKey: AbandonedCheckoutSortKeys = ID): AbandonedCheckoutConnection!
  abandonedCheckoutsCount({_COUNT}): Count
  discountNodes({_PAGE}, {_SEARCH}, sortKey: DiscountSortKeys = ID): DiscountNodeConnection!
  discountNodesCount({_COUNT}): Count
  draftOrder(id: ID!): DraftOrder
  draftOrders({_PAGE}, {_SEARCH}, sortKey: DraftOrderSortKeys = ID): DraftOrderConnection!
  draftOrdersCount({_COUNT}): Count
  node(id: ID!): Node
}}

type DraftOrderAppliedDiscount {{
  amountSet: MoneyBag!
  description: String!
  title: String
  value: Float!
  valueType: DraftOrderAppliedDiscountType!
}}

type DraftOrderLineItem implements Node {{
  id: ID!
  custom: Boolean!
  discountedTotalSet: MoneyBag!
  isGiftCard: Boolean!
  originalTotalSet: MoneyBag!
  originalUnitPriceSet: MoneyBag!
  product: Product
  quantity: Int!
  requiresShipping: Boolean!
  sku: String
  taxLines: [TaxLine!]!
  taxable: Boolean!
  title: String!
  totalDiscountSet: MoneyBag!
  variant: ProductVariant
  variantTitle: String
  vendor: String
}}

type DraftOrder implements Node {{
  id: ID!
  appliedDiscount: DraftOrderAppliedDiscount
  completedAt: DateTime
  createdAt: DateTime!
  currencyCode: CurrencyCode!
  customer: Customer
  discountCodes: [String!]!
  invoiceSentAt: DateTime
  legacyResourceId: UnsignedInt64!
  lineItems({_PAGE}, reverse: Boolean = false): DraftOrderLineItemConnection!
  name: String!
  order: Order
  poNumber: String
  presentmentCurrencyCode: CurrencyCode!
  ready: Boolean!
  reserveInventoryUntil: DateTime
  status: DraftOrderStatus!
  subtotalPriceSet: MoneyBag!
  tags: [String!]!
  taxExempt: Boolean!
  taxLines: [TaxLine!]!
  taxesIncluded: Boolean!
  totalDiscountsSet: MoneyBag!
  totalLineItemsPriceSet: MoneyBag!
  totalPriceSet: MoneyBag!
  totalQuantityOfLineItems: Int!
  totalShippingPriceSet: MoneyBag!
  totalTaxSet: MoneyBag!
  updatedAt: DateTime!
}}

type AbandonedCheckoutLineItem implements Node {{
  id: ID!
  discountedTotalPriceSet: MoneyBag!
  originalTotalPriceSet: MoneyBag!
  originalUnitPriceSet: MoneyBag!
  product: Product
  quantity: Int!
  sku: String
  title: String
  variant: ProductVariant
  variantTitle: String
}}

type AbandonedCheckout implements Node {{
  id: ID!
  completedAt: DateTime
  createdAt: DateTime!
  customer: Customer
  discountCodes: [String!]!
  lineItems({_PAGE}, reverse: Boolean = false): AbandonedCheckoutLineItemConnection!
  name: String!
  subtotalPriceSet: MoneyBag!
  taxLines: [TaxLine!]!
  taxesIncluded: Boolean!
  totalDiscountSet: MoneyBag!
  totalDutiesSet: MoneyBag
  totalLineItemsPriceSet: MoneyBag!
  totalPriceSet: MoneyBag!
  totalTaxSet: MoneyBag
  updatedAt: DateTime!
}}

type DiscountCombinesWith {{
  orderDiscounts: Boolean!
  productDiscounts: Boolean!
  shippingDiscounts: Boolean!
}}
type DiscountAmount {{ amount: MoneyV2! appliesOnEachItem: Boolean! }}
type DiscountPercentage {{ percentage: Float! }}
type DiscountQuantity {{ quantity: UnsignedInt64! }}
type DiscountOnQuantity {{ effect: DiscountEffect! quantity: DiscountQuantity! }}
union DiscountEffect = DiscountAmount | DiscountPercentage
union DiscountCustomerGetsValue = DiscountAmount | DiscountOnQuantity | DiscountPercentage
type DiscountCustomerGets {{ value: DiscountCustomerGetsValue! }}
type DiscountMinimumQuantity {{ greaterThanOrEqualToQuantity: UnsignedInt64! }}
type DiscountMinimumSubtotal {{ greaterThanOrEqualToSubtotal: MoneyV2! }}
union DiscountMinimumRequirement = DiscountMinimumQuantity | DiscountMinimumSubtotal
type DiscountRedeemCode {{ id: ID! asyncUsageCount: Int! code: String! }}

type DiscountCodeBasic {{ {_DISCOUNT} {_CODED} {_LEAST} customerGets: DiscountCustomerGets! }}
type DiscountCodeBxgy {{ {_DISCOUNT} {_CODED} {_BUYS} }}
type DiscountCodeFreeShipping {{ {_DISCOUNT} {_CODED} {_LEAST} maximumShippingPrice: MoneyV2 }}
type DiscountCodeApp {{ {_DISCOUNT} {_CODED} }}
type DiscountAutomaticBasic {{ {_DISCOUNT} {_LEAST} customerGets: DiscountCustomerGets! }}
type DiscountAutomaticBxgy {{ {_DISCOUNT} {_BUYS} }}
type DiscountAutomaticFreeShipping {{ {_DISCOUNT} {_LEAST} maximumShippingPrice: MoneyV2 totalSales: MoneyV2 }}
type DiscountAutomaticApp {{ {_DISCOUNT} }}
union Discount = DiscountCodeBasic | DiscountCodeBxgy | DiscountCodeFreeShipping | DiscountCodeApp
  | DiscountAutomaticBasic | DiscountAutomaticBxgy | DiscountAutomaticFreeShipping | DiscountAutomaticApp
type DiscountNode implements Node {{ id: ID! discount: Discount! }}
"""
