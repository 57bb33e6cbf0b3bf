"""Customers, without anything that names them."""

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

CUSTOMER_COUNT = (
    "query CustomerCount($query: String) { customersCount(query: $query, limit: null) { count precision } }"
)

CUSTOMER_KEYS = """
query CustomerKeys($first: Int!, $after: String) {
  customers(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
