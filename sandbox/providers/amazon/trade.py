"""What a seller sells: orders with their items, as the rows of Amazon's flat files will say them."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from random import Random
from typing import Any

#: What is sold: sku, asin, name, price.
PRODUCTS = (
    ("OIL-100", "B00SAMPLE1", 'Chain "Pro" Oil 100ml', "10.00"),
    ("MUG-2", "B00SAMPLE2", "Café mug – 2 pack", "15.50"),
    ("BELL-1", "B00SAMPLE3", "Bell", "7.25"),
    ("TENT-4", "B00SAMPLE4", "Tent for four, über light", "219.99"),
)
ORDER_COLUMNS = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status",
    "fulfillment-channel", "sales-channel", "order-channel", "url", "ship-service-level", "product-name", "sku", "asin",
    "item-status", "quantity", "currency", "item-price", "item-tax", "shipping-price", "shipping-tax",
    "gift-wrap-price", "gift-wrap-tax", "item-promotion-discount", "ship-promotion-discount", "ship-city", "ship-state",
    "ship-postal-code", "ship-country", "promotion-ids", "is-business-order", "purchase-order-number",
    "price-designation",
)  # fmt: skip
#: What the files say of people; a reader may keep none of it.
PERSONAL = {
    "ship-city": "BAYSHORE", "ship-state": "CA", "ship-postal-code": "94326-0001",
    "purchase-order-number": "PO-JANE-DOE",
}  # fmt: skip
_OF_ORDER = (
    "amazon-order-id", "merchant-order-id", "purchase-date", "last-updated-date", "order-status",
    "fulfillment-channel", "sales-channel", "order-channel", "ship-service-level", "ship-country",
)  # fmt: skip


@dataclass
class Trade:
    """The business of one seller; everything may be changed while it runs."""

    seller: str
    #: country, channel, currency
    market: tuple[str, str, str]
    random: Random
    orders: dict[str, dict[str, Any]] = field(default_factory=dict)

    @classmethod
    def generated(cls, seller: str, market: tuple[str, str, str], count: int, now: datetime) -> "Trade":
        """Make a business with orders of the last two months."""
        trade = cls(seller, market, Random(seller))
        for _ in range(count):
            trade.sell(now - timedelta(minutes=trade.random.randrange(20, 60 * 24 * 60)))
        return trade

    def sell(self, at: datetime) -> str:
        """Take an order; it is pending, shipped or cancelled."""
        number = len(self.orders) + 1
        country, channel, currency = self.market
        key = f"{113 + number % 3}-{number:07d}-{self.random.randrange(10**7):07d}"
        status = self.random.choice(("Shipped", "Shipped", "Shipped", "Pending", "Cancelled"))
        self.orders[key] = {
            "amazon-order-id": key, "merchant-order-id": key, "purchase-date": _stamp(at),
            "last-updated-date": _stamp(at), "order-status": status, "fulfillment-channel": "Amazon",
            "sales-channel": channel, "ship-service-level": "Expedited", "ship-country": country,
            "is-business-order": number % 7 == 0,
            "items": sorted((self._item(status, currency, product) for product in self._chosen()), key=_sku),
        }  # fmt: skip
        return key

    def ship(self, key: str, at: datetime) -> None:
        """Let a pending order leave: it is priced and stamped anew."""
        order = self.orders[key]
        products = {product[0]: product for product in PRODUCTS}
        currency = self.market[2]
        order["items"] = [self._item("Shipped", currency, products[item["sku"]]) for item in order["items"]]
        order |= {"order-status": "Shipped", "last-updated-date": _stamp(at)}

    def go_on(self, new: int, changed: int, at: datetime) -> dict[str, int]:
        """Let business go on: some new orders, some that change."""
        for _ in range(new):
            self.sell(at)
        keys = self.random.sample(sorted(self.orders), min(changed, len(self.orders)))
        for key in keys:
            self.ship(key, at)
        return {"orders": new, "changed": len(keys)}

    def truth(self) -> list[dict[str, Any]]:
        """Return every order."""
        return list(self.orders.values())

    def rows(self, start: datetime, end: datetime) -> Iterator[dict[str, str]]:
        """Yield the flat file's rows of the orders that were last updated in a time."""
        for order in self.orders.values():
            if not start <= datetime.fromisoformat(order["last-updated-date"]) < end:
                continue
            own = {name: order[name] for name in _OF_ORDER if name in order}
            for item in order["items"]:
                yield {**own, **PERSONAL, **item, "is-business-order": str(order["is-business-order"]).lower()}

    def _chosen(self) -> list[tuple[str, str, str, str]]:
        return self.random.sample(PRODUCTS, self.random.choice((1, 1, 2, 3)))

    def _item(self, status: str, currency: str, product: tuple[str, str, str, str]) -> dict[str, str]:
        sku, asin, name, price = product
        quantity = 0 if status == "Cancelled" else self.random.choice((1, 1, 2, 5))
        item = {
            "sku": sku, "asin": asin, "product-name": name, "currency": currency, "quantity": str(quantity),
            "item-status": "Unshipped" if status == "Pending" else status,
        }  # fmt: skip
        if status != "Shipped":
            return item
        total = Decimal(price) * quantity
        item |= {"item-price": f"{total.normalize():f}", "item-tax": f"{total * Decimal('0.08'):.2f}"}
        if self.random.random() < 0.3:
            item |= {"item-promotion-discount": "2.0", "promotion-ids": "PAWS-V2-SAMPLE"}
        return item


def _sku(item: dict[str, str]) -> str:
    return item["sku"]


def _stamp(at: datetime) -> str:
    return at.replace(microsecond=0).isoformat()
