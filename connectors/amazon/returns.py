"""Returns to Amazon's warehouses, by the day on which they came in. What customers wrote is not kept.

Amazon gives a return no number: its key is made of what does not change (order, product, unit, time), and of a number
where all of that is the same.
"""

from collections import Counter
from collections.abc import Iterator
from datetime import timedelta

import msgspec

from connectors.amazon.document import Text
from connectors.amazon.flat import Found, Sheet, moment, sheet, whole
from connectors.amazon.parcels import PARCEL, Row, parcels
from connectors.amazon.spans import Kind
from connectors.errors import Broken
from connectors.shapes import Field, Shape
from storage.facts.streams import ColumnType

TYPE = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
#: A return may be listed some days after its day.
KIND = Kind(TYPE, "Returns", first=2, more=2, overlap=timedelta(days=7))

RETURNS = Shape(
    "returns",
    "Returns",
    (
        Field("id", "id"),
        Field("returned_at", "return-date", ColumnType.TIMESTAMP),
        Field("order_id", "order-id"),
        Field("sku", "sku"),
        Field("asin", "asin"),
        Field("fnsku", "fnsku"),
        Field("product_name", "product-name"),
        Field("quantity", "quantity", ColumnType.INTEGER),
        Field("fulfillment_center_id", "fulfillment-center-id"),
        Field("disposition", "detailed-disposition"),
        Field("reason", "reason"),
        Field("status", "status"),
        Field("license_plate_number", "license-plate-number"),
    ),
    updated="return-date",
)
_KNOWN = {field.path for field in RETURNS.fields}
_NEEDED = ("return-date", "order-id", "sku", "quantity", "detailed-disposition", "reason")
_KEY = ("order-id", "sku", "fnsku", "license-plate-number", "return-date")


def returns(text: Text, parcel: int = PARCEL) -> Found:
    """Turn a report into one record per return (Broken for anything that cannot be read without guessing)."""
    found = sheet(text, KIND.label, _NEEDED)
    return Found(_records(found, parcel), tuple(name for name in found.places if name not in _KNOWN))


def _records(found: Sheet, parcel: int) -> Iterator[list[bytes]]:
    for rows in parcels(((_order(row), row) for row in found.rows()), found.text.size, parcel):
        seen: Counter[str] = Counter()
        yield [_record(row, seen) for row in sorted(rows, key=lambda row: msgspec.json.encode(row, order="sorted"))]


def _order(row: Row) -> str:
    if "order-id" not in row:
        raise Broken("Returns: the report has a return without an order", code="record_unreadable")
    return row["order-id"]


def _record(row: Row, seen: Counter[str]) -> bytes:
    """Return a row under its key; all rows with the same one are counted by the same counter."""
    row["return-date"] = moment(row.get("return-date", ""), KIND.label).isoformat()
    if "quantity" in row:
        row["quantity"] = whole(row["quantity"], KIND.label)
    key = "|".join(row.get(name, "") for name in _KEY)
    seen[key] += 1
    return msgspec.json.encode({"id": f"{key}|{seen[key]}", **row})
