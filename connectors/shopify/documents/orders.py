"""Orders with their lines and transactions, and what refunds gave back."""

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

ORDER_LINES = (
    """
query OrderLines($id: ID!, $first: Int!, $after: String) {
  order(id: $id) { lineItems(first: $first, after: $after) { pageInfo { hasNextPage endCursor } nodes { ...Line } } }
}
"""
    + LINE
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

ORDER_COUNT = "query OrderCount($query: String) { ordersCount(limit: null, query: $query) { count precision } }"

ORDER_KEYS = """
query OrderKeys($first: Int!, $after: String) {
  orders(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
