"""Orders, by their last update: one report of at most 30 days each, one record per order with its items as lines.

Amazon's file has a row per item and no number for it, so an order's items are kept together and replaced together. An
item's prices are those of the whole line, not of one unit; they are blank while an order is pending.
"""

from collections.abc import Iterator, Sequence

import msgspec

from connectors.amazon.document import Text
from connectors.amazon.flat import Amounts, Found, Sheet, amounts, moment, sheet, whole
from connectors.amazon.parcels import PARCEL, Row, parcels
from connectors.amazon.spans import Kind
from connectors.errors import Broken
from connectors.shapes import Field, Lines, Shape
from storage.facts.streams import ColumnType

TYPE = "GET_FLAT_FILE_ALL_ORDERS_DATA_BY_LAST_UPDATE_GENERAL"
KIND = Kind(TYPE, "Orders", first=2, more=3)

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


def orders(text: Text, parcel: int = PARCEL) -> Found:
    """Turn a report into one record per order (Broken for anything that cannot be read without guessing)."""
    found = sheet(text, "Orders", _NEEDED)
    money = amounts(found, _PRICES)
    unknown = tuple(name for name in found.places if name not in _KNOWN)
    return Found(_records(found, money, parcel), unknown)


def _records(found: Sheet, money: Amounts, parcel: int) -> Iterator[list[bytes]]:
    for rows in parcels(((_key(row), row) for row in found.rows()), found.text.size, parcel):
        grouped: dict[str, list[Row]] = {}
        for row in rows:
            grouped.setdefault(_key(row), []).append(row)
        yield [_record(of_order, money) for of_order in grouped.values()]


def _key(row: Row) -> str:
    key = row.get("amazon-order-id")
    if key is None:
        raise Broken("Orders: the report has an item without an order", code="record_unreadable")
    return key


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
