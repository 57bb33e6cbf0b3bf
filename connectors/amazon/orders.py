"""Orders, by their last update: one report of at most 30 days each, one record per order with its items as lines.

Amazon's file has a row per item and no number for it, so an order's items are kept together and replaced together. An
item's prices are those of the whole line, not of one unit; they are blank while an order is pending.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import msgspec

from connectors.amazon.flat import Amounts, amounts, moment, sheet, whole
from connectors.amazon.reports import Text, Wanted
from connectors.base import OVERLAP, Mark
from connectors.errors import Broken
from connectors.shapes import Field, Lines, Shape
from storage.facts.streams import ColumnType

TYPE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
#: Amazon makes a report of orders for at most this long a time.
SPAN = timedelta(days=30)
#: How far back orders are read, and how many whole spans of that at first and with each later collection.
HISTORY = timedelta(days=730)
FIRST_SPANS, MORE_SPANS = 2, 4

_MONEY, _COUNT, _TIME = ColumnType.MONEY, ColumnType.INTEGER, ColumnType.TIMESTAMP
_ORDER = (
    Field("id", "amazon-order-id"),
    Field("merchant_order_id", "merchant-order-id"),
    Field("purchased_at", "purchase-date", _TIME),
    Field("updated_at", "last-updated-date", _TIME),
    Field("status", "order-status"),
    Field("fulfillment_channel", "fulfillment-channel"),
    Field("sales_channel", "sales-channel"),
    Field("order_channel", "order-channel"),
    Field("ship_service_level", "ship-service-level"),
    Field("ship_country", "ship-country"),
    Field("is_business_order", "is-business-order", ColumnType.BOOLEAN),
)
_PRICES = (
    "item-price", "item-tax", "shipping-price", "shipping-tax", "gift-wrap-price", "gift-wrap-tax",
    "item-promotion-discount", "ship-promotion-discount",
)  # fmt: skip
_ITEM = (
    Field("sku", "sku"),
    Field("asin", "asin"),
    Field("product_name", "product-name"),
    Field("item_status", "item-status"),
    Field("quantity", "quantity", _COUNT),
    Field("currency", "currency"),
    *(Field(name.replace("-", "_"), name, _MONEY) for name in _PRICES),
    Field("promotion_ids", "promotion-ids"),
    Field("price_designation", "price-designation"),
)
ORDERS = Shape("orders", "Orders", _ORDER, (Lines("order_items", "items", _ITEM),), updated="last-updated-date")

_OF_ORDER = frozenset(field.path for field in _ORDER)
_NEEDED = ("amazon-order-id", "purchase-date", "last-updated-date", "order-status", "sku", "quantity", "currency")
_KNOWN = _OF_ORDER | {field.path for field in _ITEM} | {
    "url", "number-of-items", "is-replacement-order", "is-exchange-order", "original-order-id", "order-invoice-type",
    "fulfilled-by",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Plan:
    """Which spans to read, the oldest first, and how far back everything is in afterwards."""

    wanted: tuple[Wanted, ...]
    back_to: datetime
    #: whether all of the history is in afterwards
    complete: bool


def plan(since: Mark | None, until: datetime, marketplaces: tuple[str, ...]) -> Plan:
    """Plan one collection: what changed since the last one, and some more of the past until all of it is there."""
    # Amazon takes whole seconds: the next one, so that everything up to `until` is in.
    end = until + timedelta(microseconds=-until.microsecond % 1_000_000)
    floor = _aligned(until - HISTORY)
    spans: list[tuple[datetime, datetime]] = []
    if since is None:
        back_to, more, made_since = _aligned(until), FIRST_SPANS, None
        spans.append((back_to, end))
    else:
        back_to, more, made_since = _back_to(since), MORE_SPANS, since.read_to
        spans += reversed(list(_spans(since.read_to - OVERLAP, end)))
    while more > 0 and back_to > floor:
        spans.append((back_to - SPAN, back_to))
        back_to, more = back_to - SPAN, more - 1
    least = max(until - timedelta(minutes=30), since.read_to + timedelta(seconds=1) if since else until - SPAN)
    wanted = [
        Wanted(
            TYPE, "Orders", marketplaces, start, stop, made_since=made_since,
            least_end=min(least, end) if stop == end else None,
        )
        for start, stop in reversed(spans)
    ]  # fmt: skip
    return Plan(tuple(wanted), back_to, back_to <= floor)


def _aligned(moment: datetime) -> datetime:
    """Return the last border before an instant; borders stand still, so that a later attempt finds its report."""
    epoch = datetime.fromtimestamp(0, UTC)
    return epoch + (moment - epoch) // SPAN * SPAN


def _spans(start: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while until - start > SPAN:
        yield start, start + SPAN
        start += SPAN
    yield start, until


def _back_to(since: Mark) -> datetime:
    try:
        return datetime.fromisoformat(since.newest).astimezone(UTC)
    except ValueError:
        return since.read_to


@dataclass(frozen=True, slots=True)
class Found:
    """The orders of one report, and the columns in it that nobody knew."""

    records: list[bytes]
    unknown: tuple[str, ...]


def orders(text: Text) -> Found:
    """Turn a report into one record per order (Broken for anything that cannot be read without guessing)."""
    found = sheet(text.text, "Orders", _NEEDED)
    money = amounts(found, _PRICES)
    grouped: dict[str, list[dict[str, str]]] = {}
    for row in found.rows():
        key = row.get("amazon-order-id")
        if key is None:
            raise Broken("Orders: the report has an item without an order", code="record_unreadable")
        grouped.setdefault(key, []).append(row)
    unknown = tuple(name for name in found.places if name not in _KNOWN)
    return Found([_record(rows, money) for rows in grouped.values()], unknown)


def _record(rows: Sequence[dict[str, str]], money: Amounts) -> bytes:
    newest = max(rows, key=lambda row: moment(row.get("last-updated-date", ""), "Orders"))
    order: dict[str, object] = {name: newest[name] for name in newest if name in _OF_ORDER}
    moment(newest.get("purchase-date", ""), "Orders")
    business = newest.get("is-business-order")
    if business is not None:
        if business.lower() not in {"true", "false"}:
            raise Broken("Orders: is-business-order is neither true nor false", code="value_unreadable")
        order["is-business-order"] = business.lower() == "true"
    items = [_item(row, money) for row in rows]
    items.sort(key=lambda item: (item.get("sku", ""), msgspec.json.encode(item, order="sorted")))
    return msgspec.json.encode({**order, "items": items})


def _item(row: dict[str, str], money: Amounts) -> dict[str, str]:
    item = {name: said for name, said in row.items() if name not in _OF_ORDER}
    for name in _PRICES:
        if name in item:
            item[name] = money.read(item[name])
    if "quantity" in item:
        item["quantity"] = whole(item["quantity"], "Orders")
    return item
