"""Items in stock, where they are, and what changed of that."""

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
