"""What lies in Amazon's warehouses, and what customers sent back there."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from random import Random
from typing import Any

from sandbox.providers.amazon.reports import InvalidInputError
from sandbox.providers.amazon.trade import PRODUCTS
from storage.facts.clock import Clock

RETURNS = "GET_FBA_FULFILLMENT_CUSTOMER_RETURNS_DATA"
RETURN_COLUMNS = (
    "return-date", "order-id", "sku", "asin", "fnsku", "product-name", "quantity", "fulfillment-center-id",
    "detailed-disposition", "reason", "status", "license-plate-number", "customer-comments",
)  # fmt: skip
COMMENT = "I am Jane Doe and this is my comment"


class Stock:
    """The stock of one seller in every marketplace."""

    def __init__(self, markets: tuple[str, ...], clock: Clock) -> None:
        self.clock = clock
        #: how many products a page holds
        self.page = 3
        self._of: dict[str, dict[str, dict[str, Any]]] = {
            market: {sku: self._summary(sku, asin, name, 20 + n) for n, (sku, asin, name, _) in enumerate(PRODUCTS)}
            for market in markets
        }

    def move(self, random: Random) -> None:
        """Change the stock of one product everywhere."""
        sku = random.choice(PRODUCTS)[0]
        for products in self._of.values():
            if sku in products:
                products[sku] = self._summary(
                    sku, products[sku]["asin"], products[sku]["productName"], random.randrange(99)
                )

    def drop(self, sku: str) -> None:
        """Let a product vanish from the lists."""
        for products in self._of.values():
            products.pop(sku, None)

    def answer(self, query: Mapping[str, str]) -> dict[str, Any]:
        """Return a page of a marketplace's stock (InvalidInputError)."""
        market = query.get("marketplaceIds", "")
        if (
            query.get("granularityType") != "Marketplace"
            or query.get("granularityId") != market
            or market not in self._of
        ):
            raise InvalidInputError("granularityType, granularityId and marketplaceIds must name one marketplace.")
        start = int(query.get("nextToken", "page-0").removeprefix("page-"))
        found = list(self._of[market].values())
        told: dict[str, Any] = {
            "payload": {
                "granularity": {"granularityType": "Marketplace", "granularityId": market},
                "inventorySummaries": found[start : start + self.page],
            }
        }
        if len(found) > start + self.page:
            told["pagination"] = {"nextToken": f"page-{start + self.page}"}
        return told

    def truth(self) -> list[dict[str, Any]]:
        """Return every product's stock with its marketplace."""
        return [
            {**one, "marketplaceId": market, "id": f"{market}|{sku}|{one['fnSku']}|{one['condition']}"}
            for market, products in self._of.items()
            for sku, one in products.items()
        ]

    def _summary(self, sku: str, asin: str, name: str, quantity: int) -> dict[str, Any]:
        return {
            "asin": asin, "fnSku": f"X00{asin[-7:]}", "sellerSku": sku, "condition": "NewItem", "productName": name,
            "lastUpdatedTime": self.clock.now().replace(microsecond=0).isoformat(), "totalQuantity": quantity + 7,
            "inventoryDetails": {
                "fulfillableQuantity": quantity, "inboundWorkingQuantity": 0, "inboundShippedQuantity": 2,
                "inboundReceivingQuantity": 0,
                "reservedQuantity": {
                    "totalReservedQuantity": 4, "pendingCustomerOrderQuantity": 3, "pendingTransshipmentQuantity": 1,
                    "fcProcessingQuantity": 0,
                },
                "researchingQuantity": {"totalResearchingQuantity": 0, "researchingQuantityBreakdown": []},
                "unfulfillableQuantity": {"totalUnfulfillableQuantity": 1, "customerDamagedQuantity": 1},
            },
        }  # fmt: skip


@dataclass
class Returned:
    """What came back."""

    found: list[dict[str, str]] = field(default_factory=list)

    def take(self, order: Mapping[str, Any], at: datetime) -> None:
        """Take one unit of an order back."""
        item = order["items"][0]
        self.found.append(
            {
                "return-date": at.replace(microsecond=0).isoformat(), "order-id": order["amazon-order-id"],
                "sku": item["sku"], "asin": item["asin"], "fnsku": f"X00{item['asin'][-7:]}",
                "product-name": item["product-name"], "quantity": "1", "fulfillment-center-id": "PHX7",
                "detailed-disposition": ("SELLABLE", "CUSTOMER_DAMAGED")[len(self.found) % 2],
                "reason": "UNWANTED_ITEM", "status": "Unit returned to inventory",
                "license-plate-number": _plate(self.found),
                "customer-comments": COMMENT,
            }
        )  # fmt: skip

    def rows(self, start: datetime, end: datetime) -> Iterator[dict[str, str]]:
        """Yield the returns of a time."""
        for one in self.found:
            if start <= datetime.fromisoformat(one["return-date"]) < end:
                yield one

    def truth(self) -> list[dict[str, str]]:
        """Return every return under its key."""
        names = ("order-id", "sku", "fnsku", "license-plate-number", "return-date")
        return [{**one, "id": "|".join([*(one[name] for name in names), "1"])} for one in self.found]


def _plate(found: list[dict[str, str]]) -> str:
    return f"LPN{len(found):09d}"
