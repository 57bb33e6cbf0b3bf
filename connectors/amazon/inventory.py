"""Stock in Amazon's warehouses: the present one, per marketplace and product, read whole each time."""

from collections.abc import AsyncIterator, Mapping

import msgspec

from connectors.amazon.calls import Calls, unreadable
from connectors.errors import Broken
from connectors.shapes import Field, Shape
from storage.facts.streams import ColumnType

_PATH = "/fba/inventory/v1/summaries"
_PAGES = 20_000
_COUNT = ColumnType.INTEGER
_DETAILS = "inventoryDetails"
_RESERVED, _UNFULFILLABLE = f"{_DETAILS}.reservedQuantity", f"{_DETAILS}.unfulfillableQuantity"
INVENTORY = Shape(
    "inventory",
    "Inventory",
    (
        Field("id", "id"),
        Field("marketplace_id", "marketplaceId"),
        Field("sku", "sellerSku"),
        Field("asin", "asin"),
        Field("fnsku", "fnSku"),
        Field("condition", "condition"),
        Field("product_name", "productName"),
        Field("updated_at", "lastUpdatedTime", ColumnType.TIMESTAMP),
        Field("total_quantity", "totalQuantity", _COUNT),
        Field("fulfillable_quantity", f"{_DETAILS}.fulfillableQuantity", _COUNT),
        Field("inbound_working_quantity", f"{_DETAILS}.inboundWorkingQuantity", _COUNT),
        Field("inbound_shipped_quantity", f"{_DETAILS}.inboundShippedQuantity", _COUNT),
        Field("inbound_receiving_quantity", f"{_DETAILS}.inboundReceivingQuantity", _COUNT),
        Field("reserved_quantity", f"{_RESERVED}.totalReservedQuantity", _COUNT),
        Field("reserved_for_orders_quantity", f"{_RESERVED}.pendingCustomerOrderQuantity", _COUNT),
        Field("reserved_for_transfer_quantity", f"{_RESERVED}.pendingTransshipmentQuantity", _COUNT),
        Field("reserved_in_processing_quantity", f"{_RESERVED}.fcProcessingQuantity", _COUNT),
        Field("researching_quantity", f"{_DETAILS}.researchingQuantity.totalResearchingQuantity", _COUNT),
        Field("unfulfillable_quantity", f"{_UNFULFILLABLE}.totalUnfulfillableQuantity", _COUNT),
        Field("customer_damaged_quantity", f"{_UNFULFILLABLE}.customerDamagedQuantity", _COUNT),
        Field("warehouse_damaged_quantity", f"{_UNFULFILLABLE}.warehouseDamagedQuantity", _COUNT),
        Field("expired_quantity", f"{_UNFULFILLABLE}.expiredQuantity", _COUNT),
    ),
    updated="lastUpdatedTime",
)

#: What Amazon's published model says a record has, our own key and marketplace, and what its details have.
KNOWN = frozenset(
    {
        "id", "marketplaceId", "asin", "condition", "fnSku", _DETAILS, "lastUpdatedTime", "productName", "sellerSku",
        "stores", "totalQuantity",
    }
)  # fmt: skip
INNER: Mapping[str, frozenset[str]] = {
    _DETAILS: frozenset(
        {
            "fulfillableQuantity", "inboundReceivingQuantity", "inboundShippedQuantity", "inboundWorkingQuantity",
            "researchingQuantity", "reservedQuantity", "unfulfillableQuantity",
        }
    )
}  # fmt: skip


class _Key(msgspec.Struct, rename="camel"):
    seller_sku: str
    fn_sku: str = ""
    asin: str = ""
    condition: str = ""


class _Result(msgspec.Struct, rename="camel"):
    inventory_summaries: list[msgspec.Raw]


class _Paging(msgspec.Struct, rename="camel"):
    next_token: str | None = None


class _Answer(msgspec.Struct):
    payload: _Result
    pagination: _Paging | None = None


async def pages(calls: Calls, marketplace: str) -> AsyncIterator[list[bytes]]:
    """Yield a marketplace's stock, page by page; each record gets its marketplace and a key."""
    params = {
        "details": "true", "granularityType": "Marketplace", "granularityId": marketplace, "marketplaceIds": marketplace
    }  # fmt: skip
    token: str | None = None
    asked: set[str] = set()
    while True:
        answer = await calls.send("inventory", _PATH, params | ({"nextToken": token} if token else {}))
        try:
            page = msgspec.json.decode(answer.body, type=_Answer)
            records = [_keyed(record, marketplace) for record in page.payload.inventory_summaries]
        except msgspec.MsgspecError as error:
            raise unreadable("stock", answer) from error
        yield records
        token = page.pagination.next_token if page.pagination else None
        if not token:
            return
        if token in asked or len(asked) > _PAGES:
            raise Broken("Amazon's list of stock does not end", code="paging_stuck")
        asked.add(token)


def _keyed(record: msgspec.Raw, marketplace: str) -> bytes:
    said = msgspec.json.decode(record, type=_Key)
    key = f"{marketplace}|{said.seller_sku}|{said.fn_sku}|{said.condition}"
    # The rest of the record stays as it came, numbers included.
    return msgspec.json.encode({"id": key, "marketplaceId": marketplace})[:-1] + b"," + bytes(record).lstrip()[1:]
