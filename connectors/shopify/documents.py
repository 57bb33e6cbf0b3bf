"""The GraphQL documents, for Admin API 2026-10. A test checks them against the published schema and our scopes.

Only what finance needs is asked for: no names, addresses, mail or phone of customers (Shopify's "level 2" protected
data), so that an app without that approval reads everything.
"""

API_VERSION = "2026-10"

#: What the documents need; ``read_all_orders`` lifts Shopify's limit of 60 days of orders.
SCOPES = ("read_orders", "read_all_orders", "read_products", "read_customers")

_LINE = """
fragment Line on LineItem {
  id title variantTitle sku vendor quantity currentQuantity refundableQuantity taxable isGiftCard requiresShipping
  product { id }
  variant { id }
  originalUnitPriceSet { shopMoney { amount } }
  originalTotalSet { shopMoney { amount } }
  discountedTotalSet { shopMoney { amount } }
  totalDiscountSet { shopMoney { amount } }
}
"""

_VARIANT = """
fragment Variant on ProductVariant {
  id legacyResourceId title sku barcode price compareAtPrice taxable position inventoryQuantity inventoryPolicy
  createdAt updatedAt
  inventoryItem { id tracked unitCost { amount currencyCode } }
}
"""

ORDERS = (
    """
query Orders($first: Int!, $after: String, $query: String, $lines: Int!) {
  orders(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
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
      lineItems(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ...Line } }
    }
  }
}
"""
    + _LINE
)

ORDER_LINES = (
    """
query OrderLines($id: ID!, $first: Int!, $after: String) {
  order(id: $id) { lineItems(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Line } } }
}
"""
    + _LINE
)

PRODUCTS = (
    """
query Products($first: Int!, $after: String, $query: String, $lines: Int!) {
  products(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId title handle status vendor productType createdAt updatedAt publishedAt tags totalInventory
      tracksInventory isGiftCard
      variants(first: $lines) { pageInfo { hasNextPage endCursor } nodes { ...Variant } }
    }
  }
}
"""
    + _VARIANT
)

PRODUCT_VARIANTS = (
    """
query ProductVariants($id: ID!, $first: Int!, $after: String) {
  product(id: $id) {
    variants(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Variant } }
  }
}
"""
    + _VARIANT
)

CUSTOMERS = """
query Customers($first: Int!, $after: String, $query: String) {
  customers(first: $first, after: $after, query: $query, sortKey: UPDATED_AT) {
    pageInfo { hasNextPage endCursor }
    nodes {
      id legacyResourceId createdAt updatedAt state locale tags taxExempt verifiedEmail numberOfOrders
      amountSpent { amount currencyCode }
    }
  }
}
"""

SHOP = "query Shop { shop { id name myshopifyDomain } }"

#: The only document that changes anything: the app removes itself. Not among DOCUMENTS, which only read.
UNINSTALL = "mutation Uninstall { appUninstall { userErrors { code } } }"

ORDER_COUNT = "query OrderCount { ordersCount(limit: null) { count precision } }"
PRODUCT_COUNT = "query ProductCount { productsCount(limit: null) { count precision } }"
CUSTOMER_COUNT = "query CustomerCount { customersCount(limit: null) { count precision } }"

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

#: Every document by name, for the check against the schema.
DOCUMENTS = {
    "Orders": ORDERS,
    "OrderLines": ORDER_LINES,
    "Products": PRODUCTS,
    "ProductVariants": PRODUCT_VARIANTS,
    "Customers": CUSTOMERS,
    "Shop": SHOP,
    "OrderCount": ORDER_COUNT,
    "ProductCount": PRODUCT_COUNT,
    "CustomerCount": CUSTOMER_COUNT,
    "OrderKeys": ORDER_KEYS,
    "ProductKeys": PRODUCT_KEYS,
    "CustomerKeys": CUSTOMER_KEYS,
}
