"""The GraphQL documents, for Admin API 2026-10. A test checks them against the published schema and our scopes.

Only what finance needs is asked for: no names, addresses, mail or phone of customers (Shopify's "level 2" protected
data), so that an app without that approval reads everything.
"""

API_VERSION = "2026-10"

#: What the documents need; ``read_all_orders`` lifts Shopify's limit of 60 days of orders.
SCOPES = (
    "read_orders",
    "read_all_orders",
    "read_products",
    "read_customers",
    "read_inventory",
    "read_shopify_payments_accounts",
    "read_shopify_payments_payouts",
    "read_draft_orders",
    "read_discounts",
)

LINE = """
fragment Line on LineItem {
  id title variantTitle sku vendor quantity currentQuantity refundableQuantity taxable isGiftCard requiresShipping
  product { id }
  variant { id }
  originalUnitPriceSet { shopMoney { amount } }
  originalTotalSet { shopMoney { amount } }
  discountedTotalSet { shopMoney { amount } }
  totalDiscountSet { shopMoney { amount } }
  discountAllocations { allocatedAmountSet { shopMoney { amount } } }
  taxLines { title rate priceSet { shopMoney { amount } } }
}
"""

SHIPPING = """
fragment Shipping on ShippingLine {
  id title code source isRemoved
  originalPriceSet { shopMoney { amount } }
  discountedPriceSet { shopMoney { amount } }
  discountAllocations { allocatedAmountSet { shopMoney { amount } } }
  taxLines { title rate priceSet { shopMoney { amount } } }
}
"""

DISCOUNT = """
fragment Discount on DiscountApplication {
  __typename index allocationMethod targetSelection targetType
  value { ... on MoneyV2 { amount currencyCode } ... on PricingPercentageValue { percentage } }
  ... on DiscountCodeApplication { code }
  ... on AutomaticDiscountApplication { title }
  ... on ManualDiscountApplication { title }
  ... on ScriptDiscountApplication { title }
}
"""

_REFUND_LINE = """
fragment RefundLine on RefundLineItem {
  id quantity restockType restocked
  lineItem { id sku title }
  subtotalSet { shopMoney { amount } }
  totalTaxSet { shopMoney { amount } }
}
"""

_REFUND_SHIPPING = """
fragment RefundShipping on RefundShippingLine {
  id
  shippingLine { id title }
  subtotalAmountSet { shopMoney { amount } }
  taxAmountSet { shopMoney { amount } }
}
"""

VARIANT = """
fragment Variant on ProductVariant {
  id legacyResourceId title sku barcode price compareAtPrice taxable position inventoryQuantity inventoryPolicy
  createdAt updatedAt
  inventoryItem { id tracked unitCost { amount currencyCode } }
}
"""

#: What is asked of an order, but for its connections.
ORDER_FIELDS = """
      id legacyResourceId name createdAt updatedAt processedAt cancelledAt closedAt cancelReason test confirmed edited
      displayFinancialStatus displayFulfillmentStatus returnStatus currencyCode presentmentCurrencyCode taxesIncluded
      taxExempt sourceName poNumber tags discountCodes paymentGatewayNames subtotalLineItemsQuantity
      currentSubtotalLineItemsQuantity
      customer { id }
      subtotalPriceSet { shopMoney { amount } }
      totalPriceSet { shopMoney { amount } presentmentMoney { amount } }
      totalTaxSet { shopMoney { amount } }
      totalDiscountsSet { shopMoney { amount } }
      totalShippingPriceSet { shopMoney { amount } }
      totalTipReceivedSet { shopMoney { amount } }
      totalRefundedSet { shopMoney { amount } }
      totalRefundedShippingSet { shopMoney { amount } }
      totalReceivedSet { shopMoney { amount } }
      totalOutstandingSet { shopMoney { amount } }
      netPaymentSet { shopMoney { amount } }
      currentSubtotalPriceSet { shopMoney { amount } }
      currentTotalPriceSet { shopMoney { amount } }
      currentTotalTaxSet { shopMoney { amount } }
      currentTotalDiscountsSet { shopMoney { amount } }
      currentTotalDutiesSet { shopMoney { amount } }
      taxLines { title rate priceSet { shopMoney { amount } } }
      refunds { id legacyResourceId createdAt processedAt updatedAt totalRefundedSet { shopMoney { amount } } }
      transactions {
        id kind status test gateway manualPaymentGateway createdAt processedAt errorCode paymentId settlementCurrency
        settlementCurrencyRate
        parentTransaction { id }
        amountSet { shopMoney { amount } presentmentMoney { amount currencyCode } }
        fees { id type rate amount { amount currencyCode } taxAmount { amount } }
      }
"""
ORDERS = (
    """
query Orders(
  $first: Int!, $after: String, $query: String, $lines: Int!, $shipping: Int!, $discounts: Int!
) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
"""
    + ORDER_FIELDS
    + """      lineItems(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ...Line } }
      shippingLines(first: $shipping) { pageInfo { hasNextPage endCursor } nodes { ...Shipping } }
      discountApplications(first: $discounts) { pageInfo { hasNextPage endCursor } nodes { ...Discount } }
    }
  }
}
"""
    + LINE
    + SHIPPING
    + DISCOUNT
)

#: The rest of an order's own lists, where they are longer than a page of orders shows.
ORDER_SHIPPING = (
    """
query OrderShipping($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    shippingLines(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Shipping } }
  }
}
"""
    + SHIPPING
)
ORDER_DISCOUNTS = (
    """
query OrderDiscounts($id: ID!, $first: Int!, $after: String) {
  order(id: $id) {
    discountApplications(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Discount } }
  }
}
"""
    + DISCOUNT
)

#: What refunds gave back: connections inside a list of the order, so they are asked for by the refunds' own ids.
REFUNDS = (
    """
query Refunds($ids: [ID!]!, $lines: Int!, $shipping: Int!) {
  nodes(ids: $ids) {
    ... on Refund {
      id
      refundLineItems(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ...RefundLine } }
      refundShippingLines(first: $shipping) { pageInfo { hasNextPage endCursor } nodes { ...RefundShipping } }
    }
  }
}
"""
    + _REFUND_LINE
    + _REFUND_SHIPPING
)
REFUND_LINES = (
    """
query RefundLines($id: ID!, $first: Int!, $after: String) {
  refund(id: $id) {
    refundLineItems(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...RefundLine } }
  }
}
"""
    + _REFUND_LINE
)
REFUND_SHIPPING = (
    """
query RefundShipping($id: ID!, $first: Int!, $after: String) {
  refund(id: $id) {
    refundShippingLines(first: $first, after: $after) {
      pageInfo { hasNextPage endCursor }
      nodes { ...RefundShipping }
    }
  }
}
"""
    + _REFUND_SHIPPING
)

ORDER_LINES = (
    """
query OrderLines($id: ID!, $first: Int!, $after: String) {
  order(id: $id) { lineItems(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Line } } }
}
"""
    + LINE
)

PRODUCT_FIELDS = """
      id legacyResourceId title handle status vendor productType createdAt updatedAt publishedAt tags totalInventory
      tracksInventory isGiftCard
"""
PRODUCTS = (
    """
query Products($first: Int!, $after: String, $query: String, $lines: Int!) {
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
"""
    + PRODUCT_FIELDS
    + """      variants(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ...Variant } }
    }
  }
}
"""
    + VARIANT
)

PRODUCT_VARIANTS = (
    """
query ProductVariants($id: ID!, $first: Int!, $after: String) {
  product(id: $id) {
    variants(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Variant } }
  }
}
"""
    + VARIANT
)

CUSTOMER_FIELDS = """
      id legacyResourceId createdAt updatedAt state locale tags taxExempt verifiedEmail numberOfOrders
      amountSpent { amount currencyCode }
"""
CUSTOMERS = (
    """
query Customers($first: Int!, $after: String, $query: String) {
  customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
"""
    + CUSTOMER_FIELDS
    + """    }
  }
}
"""
)

_STOCK = """
fragment Level on InventoryLevel {
  id isActive updatedAt
  location { id }
  available: quantities(names: ["available"]) { quantity }
  committed: quantities(names: ["committed"]) { quantity }
  incoming: quantities(names: ["incoming"]) { quantity }
  onHand: quantities(names: ["on_hand"]) { quantity }
  reserved: quantities(names: ["reserved"]) { quantity }
}
"""
_ITEM = (
    """
fragment Item on InventoryItem {
  id legacyResourceId sku tracked requiresShipping countryCodeOfOrigin harmonizedSystemCode createdAt updatedAt
  unitCost { amount currencyCode }
  inventoryLevels(first: $levels, includeInactive: true) { pageInfo { hasNextPage endCursor } nodes { ...Level } }
}
"""
    + _STOCK
)
INVENTORY = (
    """
query Inventory($first: Int!, $after: String, $query: String, $reverse: Boolean, $levels: Int!) {
  inventoryItems(first: $first, after: $after, query: $query, reverse: $reverse) {
    pageInfo { hasNextPage endCursor }
    nodes { ...Item }
  }
}
"""
    + _ITEM
)
INVENTORY_LEVELS = (
    """
query InventoryLevels($id: ID!, $first: Int!, $after: String) {
  inventoryItem(id: $id) {
    inventoryLevels(first: $first, after: $after, includeInactive: true) {
      pageInfo { hasNextPage endCursor }
      nodes { ...Level }
    }
  }
}
"""
    + _STOCK
)
INVENTORY_BY_ID = (
    """
query InventoryById($ids: [ID!]!, $levels: Int!) {
  nodes(ids: $ids) { ... on InventoryItem { ...Item } }
}
"""
    + _ITEM
)
LOCATIONS = """
query Locations($first: Int!, $after: String) {
  locations(first: $first, after: $after, includeInactive: true, includeLegacy: true, sortKey: ID) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId name isActive isFulfillmentService fulfillsOnlineOrders shipsInventory createdAt updatedAt
      deactivatedAt
      address { city provinceCode countryCode }
    }
  }
}
"""
#: Which items a location's stock changed of: a change of stock does not move the item's own time of change.
LEVEL_CHANGES = """
query LevelChanges($id: ID!, $first: Int!, $after: String, $query: String) {
  location(id: $id) {
    inventoryLevels(first: $first, after: $after, query: $query, includeInactive: true) {
      pageInfo { hasNextPage endCursor }
      nodes { id item { id } }
    }
  }
}
"""

PAYOUTS = """
query Payouts($first: Int!, $after: String, $query: String) {
  shopifyPaymentsAccount {
    payouts(first: $first, after: $after, query: $query, sortKey: ISSUED_AT) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id legacyResourceId issuedAt status transactionType
        net { amount currencyCode }
        summary {
          chargesGross { amount } chargesFee { amount }
          refundsFeeGross { amount } refundsFee { amount }
          adjustmentsGross { amount } adjustmentsFee { amount }
          reservedFundsGross { amount } reservedFundsFee { amount }
          retriedPayoutsGross { amount } retriedPayoutsFee { amount }
          advanceGross { amount } advanceFees { amount }
        }
      }
    }
  }
}
"""
BALANCE_TRANSACTIONS = """
query BalanceTransactions($first: Int!, $after: String, $query: String, $reverse: Boolean) {
  shopifyPaymentsAccount {
    balanceTransactions(first: $first, after: $after, query: $query, reverse: $reverse, sortKey: PROCESSED_AT) {
      pageInfo { hasNextPage endCursor }
      nodes {
        id type sourceType sourceId sourceOrderTransactionId transactionDate test adjustmentReason
        amount { amount currencyCode }
        fee { amount }
        net { amount }
        associatedOrder { id name }
        associatedPayout { id }
      }
    }
  }
}
"""

_DRAFT_LINE = """
fragment DraftLine on DraftOrderLineItem {
  id title variantTitle sku vendor quantity custom taxable isGiftCard requiresShipping
  product { id }
  variant { id }
  originalUnitPriceSet { shopMoney { amount } }
  originalTotalSet { shopMoney { amount } }
  discountedTotalSet { shopMoney { amount } }
  totalDiscountSet { shopMoney { amount } }
  taxLines { title rate priceSet { shopMoney { amount } } }
}
"""
DRAFT_ORDERS = (
    """
query DraftOrders($first: Int!, $after: String, $query: String, $lines: Int!) {
  draftOrders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId name createdAt updatedAt completedAt invoiceSentAt reserveInventoryUntil status ready
      currencyCode presentmentCurrencyCode taxesIncluded taxExempt poNumber tags discountCodes totalQuantityOfLineItems
      customer { id }
      order { id }
      appliedDiscount { title value valueType amountSet { shopMoney { amount } } }
      totalLineItemsPriceSet { shopMoney { amount } }
      totalDiscountsSet { shopMoney { amount } }
      subtotalPriceSet { shopMoney { amount } }
      totalShippingPriceSet { shopMoney { amount } }
      totalTaxSet { shopMoney { amount } }
      totalPriceSet { shopMoney { amount } presentmentMoney { amount } }
      taxLines { title rate priceSet { shopMoney { amount } } }
      lineItems(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ...DraftLine } }
    }
  }
}
"""
    + _DRAFT_LINE
)
DRAFT_LINES = (
    """
query DraftLines($id: ID!, $first: Int!, $after: String) {
  draftOrder(id: $id) {
    lineItems(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...DraftLine } }
  }
}
"""
    + _DRAFT_LINE
)

_CHECKOUT_LINE = """
fragment CheckoutLine on AbandonedCheckoutLineItem {
  id title variantTitle sku quantity
  product { id }
  variant { id }
  originalUnitPriceSet { shopMoney { amount } }
  originalTotalPriceSet { shopMoney { amount } }
  discountedTotalPriceSet { shopMoney { amount } }
}
"""
#: Without the link that takes a buyer back to the checkout: it opens what they typed.
CHECKOUTS = (
    """
query Checkouts($first: Int!, $after: String, $query: String, $lines: Int!) {
  abandonedCheckouts(first: $first, after: $after, query: $query, sortKey: ID) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id name createdAt updatedAt completedAt taxesIncluded discountCodes
      customer { id }
      totalLineItemsPriceSet { shopMoney { amount } }
      totalDiscountSet { shopMoney { amount } }
      subtotalPriceSet { shopMoney { amount } }
      totalTaxSet { shopMoney { amount } }
      totalDutiesSet { shopMoney { amount } }
      totalPriceSet { shopMoney { amount currencyCode } presentmentMoney { amount currencyCode } }
      taxLines { title rate priceSet { shopMoney { amount } } }
      lineItems(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ...CheckoutLine } }
    }
  }
}
"""
    + _CHECKOUT_LINE
)
CHECKOUT_LINES = (
    """
query CheckoutLines($id: ID!, $first: Int!, $after: String) {
  node(id: $id) {
    ... on AbandonedCheckout {
      lineItems(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...CheckoutLine } }
    }
  }
}
"""
    + _CHECKOUT_LINE
)

_DATED = "title status createdAt updatedAt startsAt endsAt asyncUsageCount discountClasses"
_COMBINES = "combinesWith { orderDiscounts productDiscounts shippingDiscounts }"
_CODED = (
    "appliesOncePerCustomer usageLimit totalSales { amount currencyCode } codesCount { count }"
    " codes(first: $codes) { nodes { code } }"
)
_LEAST = """
    minimumRequirement {
      ... on DiscountMinimumQuantity { greaterThanOrEqualToQuantity }
      ... on DiscountMinimumSubtotal { greaterThanOrEqualToSubtotal { amount currencyCode } }
    }
"""
_VALUE = """
    ... on DiscountPercentage { percentage }
    ... on DiscountAmount { amount { amount currencyCode } appliesOnEachItem }
"""
_GETS = f"customerGets {{ value {{ {_VALUE} }} }}"
_GETS_MORE = f"""
    customerGets {{
      value {{ ... on DiscountOnQuantity {{ quantity {{ quantity }} effect {{ {_VALUE} }} }} }}
    }}
"""
#: Every kind of discount there is; of a discount with many codes the first one, and how many there are.
DISCOUNTS = f"""
query Discounts($first: Int!, $after: String, $query: String, $codes: Int = 1) {{
  discountNodes(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {{
    pageInfo {{ hasNextPage endCursor }}
    nodes {{
      id
      discount {{
        __typename
        ... on DiscountCodeBasic {{ {_DATED} summary {_COMBINES} {_CODED} {_LEAST} {_GETS} }}
        ... on DiscountCodeBxgy {{ {_DATED} summary {_COMBINES} {_CODED} {_GETS_MORE} }}
        ... on DiscountCodeFreeShipping {{
          {_DATED} summary {_COMBINES} {_CODED} {_LEAST} maximumShippingPrice {{ amount currencyCode }}
        }}
        ... on DiscountCodeApp {{ {_DATED} {_COMBINES} {_CODED} }}
        ... on DiscountAutomaticBasic {{ {_DATED} summary {_COMBINES} {_LEAST} {_GETS} }}
        ... on DiscountAutomaticBxgy {{ {_DATED} summary {_COMBINES} {_GETS_MORE} }}
        ... on DiscountAutomaticFreeShipping {{
          {_DATED} summary {_COMBINES} {_LEAST} maximumShippingPrice {{ amount currencyCode }}
        }}
        ... on DiscountAutomaticApp {{ {_DATED} {_COMBINES} }}
      }}
    }}
  }}
}}
"""

SHOP = "query Shop { shop { id name myshopifyDomain } }"

#: The only document that changes anything: the app removes itself. Not among DOCUMENTS, which only read.
UNINSTALL = "mutation Uninstall { appUninstall { userErrors { code } } }"

ORDER_COUNT = "query OrderCount($query: String) { ordersCount(limit: null, query: $query) { count precision } }"
PRODUCT_COUNT = "query ProductCount($query: String) { productsCount(limit: null, query: $query) { count precision } }"
CUSTOMER_COUNT = (
    "query CustomerCount($query: String) { customersCount(query: $query, limit: null) { count precision } }"
)
DRAFT_COUNT = "query DraftCount { draftOrdersCount(limit: null) { count precision } }"
CHECKOUT_COUNT = "query CheckoutCount { abandonedCheckoutsCount(limit: null) { count precision } }"
DISCOUNT_COUNT = "query DiscountCount { discountNodesCount(limit: null) { count precision } }"

ORDER_KEYS = """
query OrderKeys($first: Int!, $after: String) {
  orders(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
PRODUCT_KEYS = """
query ProductKeys($first: Int!, $after: String) {
  products(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
CUSTOMER_KEYS = """
query CustomerKeys($first: Int!, $after: String) {
  customers(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
DRAFT_KEYS = """
query DraftKeys($first: Int!, $after: String) {
  draftOrders(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
CHECKOUT_KEYS = """
query CheckoutKeys($first: Int!, $after: String) {
  abandonedCheckouts(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
DISCOUNT_KEYS = """
query DiscountKeys($first: Int!, $after: String) {
  discountNodes(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""

#: Every document by name, for the check against the schema.
DOCUMENTS = {
    "Orders": ORDERS,
    "OrderLines": ORDER_LINES,
    "OrderShipping": ORDER_SHIPPING,
    "OrderDiscounts": ORDER_DISCOUNTS,
    "Refunds": REFUNDS,
    "RefundLines": REFUND_LINES,
    "RefundShipping": REFUND_SHIPPING,
    "Products": PRODUCTS,
    "ProductVariants": PRODUCT_VARIANTS,
    "Customers": CUSTOMERS,
    "Inventory": INVENTORY,
    "InventoryLevels": INVENTORY_LEVELS,
    "InventoryById": INVENTORY_BY_ID,
    "Locations": LOCATIONS,
    "LevelChanges": LEVEL_CHANGES,
    "Payouts": PAYOUTS,
    "BalanceTransactions": BALANCE_TRANSACTIONS,
    "DraftOrders": DRAFT_ORDERS,
    "DraftLines": DRAFT_LINES,
    "Checkouts": CHECKOUTS,
    "CheckoutLines": CHECKOUT_LINES,
    "Discounts": DISCOUNTS,
    "Shop": SHOP,
    "OrderCount": ORDER_COUNT,
    "ProductCount": PRODUCT_COUNT,
    "CustomerCount": CUSTOMER_COUNT,
    "OrderKeys": ORDER_KEYS,
    "ProductKeys": PRODUCT_KEYS,
    "CustomerKeys": CUSTOMER_KEYS,
    "DraftCount": DRAFT_COUNT,
    "CheckoutCount": CHECKOUT_COUNT,
    "DiscountCount": DISCOUNT_COUNT,
    "DraftKeys": DRAFT_KEYS,
    "CheckoutKeys": CHECKOUT_KEYS,
    "DiscountKeys": DISCOUNT_KEYS,
}
