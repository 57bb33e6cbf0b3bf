"""Products with their variants."""

VARIANT = """
fragment Variant on ProductVariant {
  id legacyResourceId title sku barcode price compareAtPrice taxable position inventoryQuantity inventoryPolicy
  createdAt updatedAt
  inventoryItem { id tracked unitCost { amount currencyCode } }
}
"""

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

PRODUCT_COUNT = "query ProductCount($query: String) { productsCount(limit: null, query: $query) { count precision } }"

PRODUCT_KEYS = """
query ProductKeys($first: Int!, $after: String) {
  products(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
