"""The documents of bulk operations: what is asked of each record is what its pages ask, with whole lists inside."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from connectors.shopify.documents import customers, orders, products

#: How far our operations are; the address of a file opens it without a token.
_OPERATION = "id status errorCode createdAt completedAt objectCount rootObjectCount fileSize url query"
BULK_STATUS = f"query BulkStatus($id: ID!) {{ bulkOperation(id: $id) {{ {_OPERATION} }} }}"
BULK_RECENT = (
    'query BulkRecent($first: Int!) { bulkOperations(first: $first, query: "operation_type:query")'
    f" {{ nodes {{ {_OPERATION} }} }} }}"
)


@dataclass(frozen=True, slots=True)
class Bulk:
    """A bulk query, and where its lines belong."""

    query: str
    #: type of a line that has a parent -> the parent's list that it is of
    lists: Mapping[str, str]
    #: lists whose elements keep their type
    typed: frozenset[str] = frozenset()

    def within(self, terms: str) -> str:
        """Return the query for what a search finds; the terms hold no double quotes."""
        head, opening, rest = self.query[1:].partition("{")
        return f'{{{head.rstrip()}(query: "{terms}") {opening}{rest}' if terms else self.query

    def terms_of(self, query: str) -> str | None:
        """Return what one of our queries searches for; None for a query that is not ours."""
        text = " ".join(query.split())
        found = re.search(r'\(query: "([^"]*)"\)', text)
        terms = found[1] if found else ""
        return terms if text == self.within(terms) else None

    @property
    def fields(self) -> tuple[str, ...]:
        """The lists in the order in which a page shows them."""
        return tuple(dict.fromkeys(self.lists.values()))


def _inside(fragment: str) -> str:
    """Return what a fragment selects."""
    return fragment.partition("{")[2].rpartition("}")[0]


def _list(field: str, fragment: str) -> str:
    selected = _inside(fragment)
    typename = "" if "__typename" in selected else "__typename "
    return f"{field} {{ edges {{ node {{ {typename}{selected} }} }} }}"


def _query(field: str, *parts: str) -> str:
    """Return the query in one line: Shopify tells it back, and we know our own by it."""
    return " ".join(f"{{ {field} {{ edges {{ node {{ {' '.join(parts)} }} }} }} }}".split())


ORDERS = Bulk(
    _query(
        "orders",
        orders.ORDER_FIELDS,
        _list("lineItems", orders.LINE),
        _list("shippingLines", orders.SHIPPING),
        _list("discountApplications", orders.DISCOUNT),
    ),
    {
        "LineItem": "lineItems",
        "ShippingLine": "shippingLines",
        "AutomaticDiscountApplication": "discountApplications",
        "DiscountCodeApplication": "discountApplications",
        "ManualDiscountApplication": "discountApplications",
        "ScriptDiscountApplication": "discountApplications",
    },
    frozenset({"discountApplications"}),
)
PRODUCTS = Bulk(
    _query("products", products.PRODUCT_FIELDS, _list("variants", products.VARIANT)), {"ProductVariant": "variants"}
)
CUSTOMERS = Bulk(_query("customers", customers.CUSTOMER_FIELDS), {})

#: Every bulk query by name, for the check against the schema.
BULK_QUERIES = {
    "BulkOrders": ORDERS.query,
    "BulkProducts": PRODUCTS.query,
    "BulkCustomers": CUSTOMERS.query,
    "BulkOrdersOfPeriod": ORDERS.within("created_at:>='2026-01-01T00:00:00Z' created_at:<'2026-02-01T00:00:00Z'"),
}
BULK_DOCUMENTS = {"BulkStatus": BULK_STATUS, "BulkRecent": BULK_RECENT}
