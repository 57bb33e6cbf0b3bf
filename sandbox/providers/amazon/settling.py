"""Settlements: Amazon's own files about what it paid out, in the way of writing of the seller's region."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

from sandbox.providers.amazon.reports import Paper, flat

SETTLEMENT = "GET_V2_SETTLEMENT_REPORT_DATA_FLAT_FILE_V2"
COLUMNS = (
    "settlement-id", "settlement-start-date", "settlement-end-date", "deposit-date", "total-amount", "currency",
    "transaction-type", "order-id", "merchant-order-id", "adjustment-id", "shipment-id", "marketplace-name",
    "amount-type", "amount-description", "amount", "fulfillment-id", "posted-date", "posted-date-time",
    "order-item-code", "merchant-order-item-id", "merchant-adjustment-item-id", "sku", "quantity-purchased",
    "promotion-id",
)  # fmt: skip
_PERIOD = timedelta(days=14)


@dataclass
class Settlements:
    """The settlements of one seller; `european` files have commas in amounts and points in days."""

    channel: str
    currency: str
    european: bool
    heads: list[dict[str, Any]] = field(default_factory=list)
    lines: list[dict[str, Any]] = field(default_factory=list)

    def settle(self, orders: Iterable[dict[str, Any]], end: datetime) -> Paper:
        """Close a period: every shipped order of it with its fees, and what else Amazon takes."""
        end = end.replace(microsecond=0)
        key, start = str(21000000001 + len(self.heads)), end - _PERIOD
        found: list[dict[str, Any]] = []

        def add(kind: str, amount_type: str, what: str, amount: Decimal, at: datetime, **more: str) -> None:
            number = len(found) + 1
            found.append(
                {
                    "id": f"{key}-{number}", "line": number, "settlement-id": key, "transaction-type": kind,
                    "amount-type": amount_type, "amount-description": what, "amount": f"{amount:.2f}",
                    "marketplace-name": self.channel, "posted-date-time": at.isoformat(), **more,
                }
            )  # fmt: skip

        for order in orders:
            at = datetime.fromisoformat(order["last-updated-date"])
            if order["order-status"] != "Shipped" or not start <= at < end:
                continue
            for item in order["items"]:
                price = Decimal(item["item-price"])
                of = {"order-id": order["amazon-order-id"], "sku": item["sku"], "quantity-purchased": item["quantity"]}
                add("Order", "ItemPrice", "Principal", price, at, **of)
                add("Order", "ItemPrice", "Tax", Decimal(item["item-tax"]), at, **of)
                add(
                    "Order",
                    "ItemWithheldTax",
                    "MarketplaceFacilitatorTax-Principal",
                    -Decimal(item["item-tax"]),
                    at,
                    **of,
                )
                add("Order", "ItemFees", "Commission", -price * Decimal("0.15"), at, **of)
        add("ServiceFee", "Cost of Advertising", "TransactionTotalAmount", Decimal("-4.25"), end - timedelta(hours=1))
        add(
            "other-transaction",
            "other-transaction",
            "Current Reserve Amount",
            Decimal("-10.00"),
            end - timedelta(hours=1),
        )
        total = sum((Decimal(line["amount"]) for line in found), Decimal(0))
        head = {
            "settlement-id": key, "settlement-start-date": start.isoformat(), "settlement-end-date": end.isoformat(),
            "deposit-date": (end + timedelta(days=2)).isoformat(), "total-amount": f"{total:.2f}",
            "currency": self.currency, "lines": len(found),
        }  # fmt: skip
        self.heads.append(head)
        self.lines += found
        return Paper(self._written(head, found))

    def _written(self, head: dict[str, Any], lines: list[dict[str, Any]]) -> str:
        first = {name: str(head[name]) for name in COLUMNS if name in head}
        for name in ("settlement-start-date", "settlement-end-date", "deposit-date"):
            first[name] = self._time(head[name])
        first["total-amount"] = self._amount(head["total-amount"])
        rows = [first]
        for line in lines:
            row = {name: str(line[name]) for name in COLUMNS if name in line}
            row["amount"] = self._amount(line["amount"])
            row["posted-date-time"] = self._time(line["posted-date-time"])
            row["posted-date"] = row["posted-date-time"][:10]
            rows.append(row)
        return flat(COLUMNS, rows) or ""

    def _amount(self, said: str) -> str:
        return said.replace(".", ",") if self.european else said

    def _time(self, said: str) -> str:
        form = "%d.%m.%Y %H:%M:%S UTC" if self.european else "%Y-%m-%d %H:%M:%S UTC"
        return datetime.fromisoformat(said).strftime(form)
