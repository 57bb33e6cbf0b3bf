"""What is offered and not yet sold: draft orders, abandoned checkouts, discounts."""

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

DRAFT_COUNT = "query DraftCount { draftOrdersCount(limit: null) { count precision } }"

DRAFT_KEYS = """
query DraftKeys($first: Int!, $after: String) {
  draftOrders(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""

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

CHECKOUT_COUNT = "query CheckoutCount { abandonedCheckoutsCount(limit: null) { count precision } }"

CHECKOUT_KEYS = """
query CheckoutKeys($first: Int!, $after: String) {
  abandonedCheckouts(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""

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

DISCOUNT_COUNT = "query DiscountCount { discountNodesCount(limit: null) { count precision } }"

DISCOUNT_KEYS = """
query DiscountKeys($first: Int!, $after: String) {
  discountNodes(first: $first, after: $after, sortKey: ID) { pageInfo { hasNextPage endCursor } nodes { id } }
}
"""
