"""The part of Shopify's Admin schema 2026-10 that is served here; a contract test compares it with the real one."""

from sandbox.providers.shopify import sdl_bulk, sdl_offers

CONNECTED = (
    "Order", "LineItem", "Product", "ProductVariant", "Customer", "RefundLineItem", "RefundShippingLine",
    "ShippingLine", "DiscountApplication", "InventoryItem", "InventoryLevel", "Location",
    "ShopifyPaymentsPayout", "ShopifyPaymentsBalanceTransaction", *sdl_offers.CONNECTED, *sdl_bulk.CONNECTED,
)  # fmt: skip

_PAGE = "after: String, before: String, first: Int, last: Int"
_SEARCH = "query: String, reverse: Boolean = false, savedSearchId: ID"

_DISCOUNT = """
  allocationMethod: DiscountApplicationAllocationMethod!
  index: Int!
  targetSelection: DiscountApplicationTargetSelection!
  targetType: DiscountApplicationTargetType!
  value: PricingValue!
"""

_TYPES = f"""
schema {{ query: QueryRoot mutation: Mutation }}

scalar BigInt
scalar DateTime
scalar Decimal
scalar HTML
scalar Money
scalar UnsignedInt64
scalar URL

enum CurrencyCode {{ USD EUR CAD GBP }}
enum CountryCode {{ US CA GB DE FR }}
enum CountPrecision {{ AT_LEAST EXACT }}
enum CustomerState {{ DECLINED DISABLED ENABLED INVITED }}
enum OrderCancelReason {{ CUSTOMER DECLINED FRAUD INVENTORY OTHER STAFF }}
enum OrderDisplayFinancialStatus {{ AUTHORIZED EXPIRED PAID PARTIALLY_PAID PARTIALLY_REFUNDED PENDING REFUNDED VOIDED }}
enum OrderDisplayFulfillmentStatus {{
  FULFILLED IN_PROGRESS ON_HOLD OPEN PARTIALLY_FULFILLED PENDING_FULFILLMENT RESTOCKED SCHEDULED UNFULFILLED
}}
enum OrderReturnStatus {{ INSPECTION_COMPLETE IN_PROGRESS NO_RETURN RETURNED RETURN_FAILED RETURN_REQUESTED }}
enum OrderSortKeys {{ CREATED_AT ID ORDER_NUMBER PROCESSED_AT TOTAL_PRICE UPDATED_AT }}
enum BalanceTransactionSortKeys {{ AMOUNT ID PROCESSED_AT }}
enum PayoutSortKeys {{ AMOUNT ID ISSUED_AT }}
enum ShopifyPaymentsBalanceTransactionPayoutStatus {{ CANCELED FAILED IN_TRANSIT PAID PENDING SCHEDULED }}
enum ShopifyPaymentsPayoutStatus {{ CANCELED FAILED IN_TRANSIT PAID SCHEDULED }}
enum ShopifyPaymentsPayoutTransactionType {{ DEPOSIT WITHDRAWAL }}
enum ShopifyPaymentsSourceType {{ ADJUSTMENT CHARGE DISPUTE REFUND TRANSFER }}
enum ShopifyPaymentsTransactionType {{ ADJUSTMENT CHARGE REFUND TRANSFER }}
enum LocationSortKeys {{ ID NAME RELEVANCE }}
enum ProductSortKeys {{ CREATED_AT ID PUBLISHED_AT TITLE UPDATED_AT VENDOR }}
enum CustomerSortKeys {{ CREATED_AT ID NAME UPDATED_AT }}
enum ProductVariantSortKeys {{ ID POSITION SKU TITLE INVENTORY_QUANTITY }}
enum ProductStatus {{ ACTIVE ARCHIVED DRAFT }}
enum ProductVariantInventoryPolicy {{ CONTINUE DENY }}
enum DiscountApplicationAllocationMethod {{ ACROSS EACH ONE }}
enum DiscountApplicationTargetSelection {{ ALL ENTITLED EXPLICIT }}
enum DiscountApplicationTargetType {{ LINE_ITEM SHIPPING_LINE }}
enum OrderTransactionErrorCode {{ CARD_DECLINED EXPIRED_CARD GENERIC_ERROR }}
enum OrderTransactionKind {{ AUTHORIZATION CAPTURE CHANGE EMV_AUTHORIZATION REFUND SALE SUGGESTED_REFUND VOID }}
enum OrderTransactionStatus {{ AWAITING_RESPONSE ERROR FAILURE PENDING SUCCESS UNKNOWN }}
enum RefundLineItemRestockType {{ CANCEL LEGACY_RESTOCK NO_RESTOCK RETURN }}

interface Node {{ id: ID! }}

type QueryRoot {{
  currentAppInstallation: AppInstallation!
  inventoryItems({_PAGE}, query: String, reverse: Boolean = false): InventoryItemConnection!
  location(id: ID): Location
  locations(
    {_PAGE}, includeInactive: Boolean = false, includeLegacy: Boolean = false, query: String, reverse: Boolean = false,
    sortKey: LocationSortKeys = NAME
  ): LocationConnection!
  inventoryItem(id: ID!): InventoryItem
  nodes(ids: [ID!]!): [Node]!
  refund(id: ID!): Refund
  customer(id: ID!): Customer
  customersCount(limit: Int = 10000, query: String): Count
  customers({_PAGE}, query: String, reverse: Boolean = false, sortKey: CustomerSortKeys = ID): CustomerConnection!
  order(id: ID!): Order
  orders({_PAGE}, {_SEARCH}, sortKey: OrderSortKeys = PROCESSED_AT): OrderConnection!
  ordersCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  product(id: ID!): Product
  productsCount(limit: Int = 10000, query: String, savedSearchId: ID): Count
  products({_PAGE}, {_SEARCH}, sortKey: ProductSortKeys = ID): ProductConnection!
  productVariants({_PAGE}, {_SEARCH}, sortKey: ProductVariantSortKeys = ID): ProductVariantConnection!
  shop: Shop!
  shopifyPaymentsAccount: ShopifyPaymentsAccount
}}

type Mutation {{ appUninstall: AppUninstallPayload tagsAdd(id: ID!, tags: [String!]!): TagsAddPayload }}
type AppUninstallPayload {{ userErrors: [AppUninstallAppUninstallError!]! }}
type AppUninstallAppUninstallError {{ code: AppUninstallAppUninstallErrorCode field: [String!] message: String! }}
enum AppUninstallAppUninstallErrorCode {{
  APP_NOT_FOUND APP_NOT_INSTALLED APP_UNINSTALL_ERROR USER_PERMISSIONS_INSUFFICIENT
}}
type TagsAddPayload {{ node: Node userErrors: [UserError!]! }}
type UserError {{ field: [String!] message: String! }}

type AccessScope {{ description: String! handle: String! }}
type AppInstallation implements Node {{ id: ID! accessScopes: [AccessScope!]! }}
type Count {{ count: Int! precision: CountPrecision! }}
type MoneyBag {{ presentmentMoney: MoneyV2! shopMoney: MoneyV2! }}
type MoneyV2 {{ amount: Decimal! currencyCode: CurrencyCode! }}
type PageInfo {{ endCursor: String hasNextPage: Boolean! hasPreviousPage: Boolean! startCursor: String }}
type SelectedOption {{ name: String! value: String! }}
type TaxLine {{ priceSet: MoneyBag! rate: Float ratePercentage: Float title: String! }}
type ShopPlan {{ displayName: String! partnerDevelopment: Boolean! shopifyPlus: Boolean! }}

type Shop implements Node {{
  id: ID!
  contactEmail: String!
  createdAt: DateTime!
  currencyCode: CurrencyCode!
  email: String!
  ianaTimezone: String!
  myshopifyDomain: String!
  name: String!
  plan: ShopPlan!
  taxesIncluded: Boolean!
  timezoneOffset: String!
  updatedAt: DateTime!
  url: URL!
}}

type MailingAddress implements Node {{
  id: ID!
  address1: String
  city: String
  company: String
  country: String
  countryCodeV2: CountryCode
  firstName: String
  lastName: String
  name: String
  province: String
  provinceCode: String
  zip: String
}}

type CustomerEmailAddress {{ emailAddress: String! }}
type CustomerPhoneNumber {{ phoneNumber: String! }}

type Customer implements Node {{
  id: ID!
  amountSpent: MoneyV2!
  createdAt: DateTime!
  defaultAddress: MailingAddress
  defaultEmailAddress: CustomerEmailAddress
  defaultPhoneNumber: CustomerPhoneNumber
  displayName: String!
  email: String
  firstName: String
  lastName: String
  lastOrder: Order
  legacyResourceId: UnsignedInt64!
  locale: String!
  note: String
  numberOfOrders: UnsignedInt64!
  orders({_PAGE}, query: String, reverse: Boolean = false, sortKey: OrderSortKeys = ID): OrderConnection!
  phone: String
  state: CustomerState!
  tags: [String!]!
  taxExempt: Boolean!
  updatedAt: DateTime!
  verifiedEmail: Boolean!
}}

type ShopifyPaymentsAccount implements Node {{
  id: ID!
  activated: Boolean!
  balanceTransactions(
    {_PAGE}, hideTransfers: Boolean = false, {_SEARCH}, sortKey: BalanceTransactionSortKeys = PROCESSED_AT
  ): ShopifyPaymentsBalanceTransactionConnection!
  payouts(
    {_PAGE}, {_SEARCH}, sortKey: PayoutSortKeys = ISSUED_AT, transactionType: ShopifyPaymentsPayoutTransactionType
  ): ShopifyPaymentsPayoutConnection!
}}

type ShopifyPaymentsAssociatedOrder {{ id: ID! name: String! }}
type ShopifyPaymentsBalanceTransactionAssociatedPayout {{
  id: ID
  status: ShopifyPaymentsBalanceTransactionPayoutStatus
}}

type ShopifyPaymentsBalanceTransaction implements Node {{
  id: ID!
  adjustmentReason: String
  amount: MoneyV2!
  associatedOrder: ShopifyPaymentsAssociatedOrder
  associatedPayout: ShopifyPaymentsBalanceTransactionAssociatedPayout!
  fee: MoneyV2!
  net: MoneyV2!
  sourceId: BigInt
  sourceOrderTransactionId: BigInt
  sourceType: ShopifyPaymentsSourceType
  test: Boolean!
  transactionDate: DateTime!
  type: ShopifyPaymentsTransactionType!
}}

type ShopifyPaymentsPayoutSummary {{
  adjustmentsFee: MoneyV2!
  adjustmentsGross: MoneyV2!
  advanceFees: MoneyV2!
  advanceGross: MoneyV2!
  chargesFee: MoneyV2!
  chargesGross: MoneyV2!
  refundsFee: MoneyV2!
  refundsFeeGross: MoneyV2!
  reservedFundsFee: MoneyV2!
  reservedFundsGross: MoneyV2!
  retriedPayoutsFee: MoneyV2!
  retriedPayoutsGross: MoneyV2!
}}

type ShopifyPaymentsPayout implements Node {{
  id: ID!
  issuedAt: DateTime!
  legacyResourceId: UnsignedInt64!
  net: MoneyV2!
  status: ShopifyPaymentsPayoutStatus!
  summary: ShopifyPaymentsPayoutSummary!
  transactionType: ShopifyPaymentsPayoutTransactionType!
}}

type InventoryQuantity implements Node {{ id: ID! name: String! quantity: Int! updatedAt: DateTime }}

type InventoryLevel implements Node {{
  id: ID!
  createdAt: DateTime!
  isActive: Boolean!
  item: InventoryItem!
  location: Location!
  quantities(names: [String!]!): [InventoryQuantity!]!
  updatedAt: DateTime!
}}

type LocationAddress {{ city: String countryCode: String provinceCode: String }}

type Location implements Node {{
  id: ID!
  address: LocationAddress!
  createdAt: DateTime!
  deactivatedAt: String
  fulfillsOnlineOrders: Boolean!
  inventoryLevels(
    {_PAGE}, includeInactive: Boolean = false, query: String, reverse: Boolean = false
  ): InventoryLevelConnection!
  isActive: Boolean!
  isFulfillmentService: Boolean!
  legacyResourceId: UnsignedInt64!
  name: String!
  shipsInventory: Boolean!
  updatedAt: DateTime!
}}

type InventoryItem implements Node {{
  id: ID!
  countryCodeOfOrigin: CountryCode
  createdAt: DateTime!
  harmonizedSystemCode: String
  inventoryLevels(
    {_PAGE}, includeInactive: Boolean = false, query: String, reverse: Boolean = false
  ): InventoryLevelConnection!
  legacyResourceId: UnsignedInt64!
  requiresShipping: Boolean!
  sku: String
  tracked: Boolean!
  unitCost: MoneyV2
  updatedAt: DateTime!
}}

type ProductOption implements Node {{ id: ID! name: String! position: Int! values: [String!]! }}

type Product implements Node {{
  id: ID!
  createdAt: DateTime!
  description(truncateAt: Int): String!
  descriptionHtml: HTML!
  handle: String!
  hasOnlyDefaultVariant: Boolean!
  isGiftCard: Boolean!
  legacyResourceId: UnsignedInt64!
  options(first: Int): [ProductOption!]!
  productType: String!
  publishedAt: DateTime
  status: ProductStatus!
  tags: [String!]!
  title: String!
  totalInventory: Int!
  tracksInventory: Boolean!
  updatedAt: DateTime!
  variants({_PAGE}, reverse: Boolean = false, sortKey: ProductVariantSortKeys = POSITION): ProductVariantConnection!
  variantsCount: Count
  vendor: String!
}}

type ProductVariant implements Node {{
  id: ID!
  availableForSale: Boolean!
  barcode: String
  compareAtPrice: Money
  createdAt: DateTime!
  displayName: String!
  inventoryItem: InventoryItem!
  inventoryPolicy: ProductVariantInventoryPolicy!
  inventoryQuantity: Int
  legacyResourceId: UnsignedInt64!
  position: Int!
  price: Money!
  product: Product!
  selectedOptions: [SelectedOption!]!
  sku: String
  taxable: Boolean!
  title: String!
  updatedAt: DateTime!
}}

interface DiscountApplication {{
  allocationMethod: DiscountApplicationAllocationMethod!
  index: Int!
  targetSelection: DiscountApplicationTargetSelection!
  targetType: DiscountApplicationTargetType!
  value: PricingValue!
}}
type AutomaticDiscountApplication implements DiscountApplication {{ {_DISCOUNT} title: String! }}
type DiscountCodeApplication implements DiscountApplication {{ {_DISCOUNT} code: String! }}
type ManualDiscountApplication implements DiscountApplication {{ {_DISCOUNT} description: String title: String! }}
type ScriptDiscountApplication implements DiscountApplication {{ {_DISCOUNT} title: String! }}
union PricingValue = MoneyV2 | PricingPercentageValue
type PricingPercentageValue {{ percentage: Float! }}
type DiscountAllocation {{ allocatedAmountSet: MoneyBag! discountApplication: DiscountApplication! }}

type LineItem implements Node {{
  id: ID!
  currentQuantity: Int!
  discountAllocations: [DiscountAllocation!]!
  discountedTotalSet(withCodeDiscounts: Boolean = false): MoneyBag!
  discountedUnitPriceSet: MoneyBag!
  isGiftCard: Boolean!
  name: String!
  originalTotalSet: MoneyBag!
  originalUnitPriceSet: MoneyBag!
  product: Product
  quantity: Int!
  refundableQuantity: Int!
  requiresShipping: Boolean!
  sku: String
  taxLines(first: Int): [TaxLine!]!
  taxable: Boolean!
  title: String!
  totalDiscountSet: MoneyBag!
  unfulfilledQuantity: Int!
  variant: ProductVariant
  variantTitle: String
  vendor: String
}}

type ShippingLine {{
  id: ID
  code: String
  discountAllocations: [DiscountAllocation!]!
  isRemoved: Boolean!
  discountedPriceSet: MoneyBag!
  originalPriceSet: MoneyBag!
  source: String
  taxLines: [TaxLine!]!
  title: String!
}}

type RefundLineItem {{
  id: ID
  lineItem: LineItem!
  priceSet: MoneyBag!
  quantity: Int!
  restockType: RefundLineItemRestockType!
  restocked: Boolean!
  subtotalSet: MoneyBag!
  totalTaxSet: MoneyBag!
}}

type RefundShippingLine implements Node {{
  id: ID!
  shippingLine: ShippingLine!
  subtotalAmountSet: MoneyBag!
  taxAmountSet: MoneyBag!
}}

type TransactionFee implements Node {{
  id: ID!
  amount: MoneyV2!
  rate: Decimal!
  taxAmount: MoneyV2!
  type: String!
}}

type OrderTransaction implements Node {{
  id: ID!
  amountSet: MoneyBag!
  createdAt: DateTime!
  errorCode: OrderTransactionErrorCode
  fees: [TransactionFee!]!
  gateway: String
  kind: OrderTransactionKind!
  manualPaymentGateway: Boolean!
  parentTransaction: OrderTransaction
  paymentId: String
  processedAt: DateTime
  settlementCurrency: CurrencyCode
  settlementCurrencyRate: Decimal
  status: OrderTransactionStatus!
  test: Boolean!
}}

type Refund implements Node {{
  id: ID!
  createdAt: DateTime
  legacyResourceId: UnsignedInt64!
  note: String
  processedAt: DateTime!
  refundLineItems({_PAGE}, reverse: Boolean = false): RefundLineItemConnection!
  refundShippingLines({_PAGE}, reverse: Boolean = false): RefundShippingLineConnection!
  totalRefundedSet: MoneyBag!
  updatedAt: DateTime!
}}

type Order implements Node {{
  id: ID!
  billingAddress: MailingAddress
  cancelReason: OrderCancelReason
  cancelledAt: DateTime
  closed: Boolean!
  closedAt: DateTime
  confirmed: Boolean!
  createdAt: DateTime!
  currencyCode: CurrencyCode!
  currentSubtotalLineItemsQuantity: Int!
  currentSubtotalPriceSet: MoneyBag!
  currentTotalDiscountsSet: MoneyBag!
  currentTotalDutiesSet: MoneyBag
  currentTotalPriceSet: MoneyBag!
  currentTotalTaxSet: MoneyBag!
  customer: Customer
  customerLocale: String
  discountApplications({_PAGE}, reverse: Boolean = false): DiscountApplicationConnection!
  discountCode: String
  discountCodes: [String!]!
  displayFinancialStatus: OrderDisplayFinancialStatus
  displayFulfillmentStatus: OrderDisplayFulfillmentStatus!
  edited: Boolean!
  email: String
  fullyPaid: Boolean!
  legacyResourceId: UnsignedInt64!
  lineItems({_PAGE}, reverse: Boolean = false): LineItemConnection!
  name: String!
  netPaymentSet: MoneyBag!
  note: String
  number: Int!
  originalTotalPriceSet: MoneyBag!
  paymentGatewayNames: [String!]!
  phone: String
  poNumber: String
  presentmentCurrencyCode: CurrencyCode!
  processedAt: DateTime!
  refunds(first: Int): [Refund!]!
  returnStatus: OrderReturnStatus!
  shippingAddress: MailingAddress
  shippingLine: ShippingLine
  shippingLines({_PAGE}, includeRemovals: Boolean = false, reverse: Boolean = false): ShippingLineConnection!
  sourceName: String
  subtotalLineItemsQuantity: Int!
  subtotalPriceSet: MoneyBag
  tags: [String!]!
  taxExempt: Boolean!
  taxLines: [TaxLine!]!
  taxesIncluded: Boolean!
  test: Boolean!
  totalDiscountsSet: MoneyBag
  totalOutstandingSet: MoneyBag!
  totalPriceSet: MoneyBag!
  totalReceivedSet: MoneyBag!
  totalRefundedSet: MoneyBag!
  totalRefundedShippingSet: MoneyBag!
  totalShippingPriceSet: MoneyBag!
  totalTaxSet: MoneyBag
  totalTipReceivedSet: MoneyBag!
  transactions(capturable: Boolean, first: Int, manuallyResolvable: Boolean): [OrderTransaction!]!
  updatedAt: DateTime!
}}
"""

SDL = (
    _TYPES
    + sdl_offers.TYPES
    + sdl_bulk.TYPES
    + "".join(
        f"type {name}Connection {{ edges: [{name}Edge!]! nodes: [{name}!]! pageInfo: PageInfo! }}\n"
        f"type {name}Edge {{ cursor: String! node: {name}! }}\n"
        for name in CONNECTED
    )
)
