"""What an order's refunds gave back, line by line.

The order shows its refunds as a plain list, and Shopify prices connections inside such a list as if every order had
many refunds. Few have one: so the page of orders tells the refunds' ids, and their lines are asked for by these.
"""

from collections.abc import Sequence

import msgspec

from connectors.errors import Broken
from connectors.shopify.documents import orders as documents
from connectors.shopify.graph import Graph
from connectors.shopify.lists import Inner, Parts, complete

#: Refunds asked for together: so many cost less than one query may, by the strictest reading of Shopify's prices.
AT_ONCE = 10

LINES = Inner("refundLineItems", "lines", 5, "RefundLines", documents.REFUND_LINES, "refund")
SHIPPING = Inner("refundShippingLines", "shipping", 2, "RefundShipping", documents.REFUND_SHIPPING, "refund")
_INNERS = (LINES, SHIPPING)
_NOTHING = msgspec.Raw(b'{"nodes":[]}')


async def with_refunds(graph: Graph, orders: Sequence[Parts]) -> None:
    """Put the lines of their refunds into some orders."""
    found = [(order, msgspec.json.decode(order["refunds"], type=list[Parts])) for order in orders if _refunded(order)]
    refunds = {_id(refund): refund for _, refunds in found for refund in refunds}
    keys = list(refunds)
    for start in range(0, len(keys), AT_ONCE):
        await _lines(graph, refunds, keys[start : start + AT_ONCE])
    for order, kept in found:
        order["refunds"] = msgspec.Raw(msgspec.json.encode(kept))


async def _lines(graph: Graph, refunds: dict[str, Parts], keys: list[str]) -> None:
    sizes = {inner.variable: inner.first for inner in _INNERS}
    data = await graph.ask("Refunds", documents.REFUNDS, {"ids": keys, **sizes})
    try:
        nodes = msgspec.json.decode(data, type=dict[str, list[Parts | None]])["nodes"]
    except (msgspec.MsgspecError, KeyError) as error:
        raise Broken("Shopify sent refunds of an unknown shape", code="page_unreadable") from error
    said = {_id(node): node for node in nodes if node}
    for key in keys:
        for inner in _INNERS:
            if key in said:
                await complete(graph, inner, key, said[key], "Refunds")
            # A refund that is gone went with its order, which the next look at the orders will show.
            refunds[key][inner.field] = said[key][inner.field] if key in said else _NOTHING


def _refunded(order: Parts) -> bool:
    return bytes(order.get("refunds", b"[]")) not in {b"[]", b"null"}


def _id(parts: Parts) -> str:
    try:
        return msgspec.json.decode(parts["id"], type=str)
    except (msgspec.MsgspecError, KeyError) as error:
        raise Broken("Shopify sent a refund without an id", code="record_unreadable") from error
