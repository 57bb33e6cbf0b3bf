"""What is offered and not yet sold: draft orders, abandoned checkouts and discounts, each read once an hour.

Their windows of change are those of the orders. Of a discount the count of uses moves without its time of change: once
a day all discounts are read.
"""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from connectors.base import Mark
from connectors.shopify import shapes
from connectors.shopify.connection import Root
from connectors.shopify.documents import offers as documents
from connectors.shopify.lists import Inner
from connectors.shopify.reading import Reader, Reading, last_whole

#: So often they are looked at, however often the shop is refreshed.
EVERY = timedelta(minutes=55)
#: So often discounts are read whole.
WHOLE_EVERY = timedelta(hours=24)

DRAFTS = Root(
    shape=shapes.DRAFT_ORDERS,
    field="draftOrders",
    name="DraftOrders",
    document=documents.DRAFT_ORDERS,
    first=8,
    count_name="DraftCount",
    count_document=documents.DRAFT_COUNT,
    count_field="draftOrdersCount",
    keys_name="DraftKeys",
    keys_document=documents.DRAFT_KEYS,
    inners=(Inner("lineItems", "lines", 5, "DraftLines", documents.DRAFT_LINES, "draftOrder"),),
)
CHECKOUTS = Root(
    shape=shapes.CHECKOUTS,
    field="abandonedCheckouts",
    name="Checkouts",
    document=documents.CHECKOUTS,
    first=8,
    count_name="CheckoutCount",
    count_document=documents.CHECKOUT_COUNT,
    count_field="abandonedCheckoutsCount",
    keys_name="CheckoutKeys",
    keys_document=documents.CHECKOUT_KEYS,
    by_id=True,
    inners=(Inner("lineItems", "lines", 5, "CheckoutLines", documents.CHECKOUT_LINES, "node"),),
)
DISCOUNTS = Root(
    shape=shapes.DISCOUNTS,
    field="discountNodes",
    name="Discounts",
    document=documents.DISCOUNTS,
    first=8,
    count_name="DiscountCount",
    count_document=documents.DISCOUNT_COUNT,
    count_field="discountNodesCount",
    keys_name="DiscountKeys",
    keys_document=documents.DISCOUNT_KEYS,
)
#: what each of them needs of the installation
SCOPES = {
    DRAFTS.shape.name: ("read_draft_orders",),
    CHECKOUTS.shape.name: ("read_orders",),
    DISCOUNTS.shape.name: ("read_discounts",),
}
ROOTS = (DRAFTS, CHECKOUTS, DISCOUNTS)


class Hourly:
    """Reads one of them when its hour has come."""

    def __init__(self, reader: Reader, *, whole_every: timedelta | None = None) -> None:
        self._reader = reader
        self._whole_every = whole_every

    async def read(self, since: Mark | None, until: datetime) -> list[Reading]:
        """Read what changed since the mark, all of it without one or where that is due; nothing before its hour."""
        if since is not None and until - since.read_to < EVERY:
            return []
        if self._whole_every is None:
            return [replace(await self._reader.read(since, until), keep=True)]
        last = last_whole(since)
        due = last is None or until - last > self._whole_every
        reading = await self._reader.read(None if due else since, until)
        noted = until if reading.full or last is None else last
        return [replace(reading, cursor=Mark(until, noted.astimezone(UTC).isoformat()), keep=True)]
