"""Transactions as Amazon's finances list them: one per shipped order, deferred at first, and one for each fee."""

import secrets
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any

import msgspec

from sandbox.providers.amazon.reports import InvalidInputError
from storage.facts.clock import Clock

_LONGEST = timedelta(days=180)
_LATEST = timedelta(minutes=2)


@dataclass
class Ledger:
    """The transactions of one seller."""

    seller: str
    #: id and name of the marketplace
    market: tuple[str, str]
    currency: str
    clock: Clock
    entries: dict[str, dict[str, Any]] = field(default_factory=dict)
    #: how many transactions a page holds
    page: int = 20
    _tokens: dict[str, tuple[dict[str, str], int]] = field(default_factory=dict)

    def book(self, orders: Iterable[Mapping[str, Any]]) -> None:
        """Book each shipped order that is not in yet; what is older than a week is released."""
        for order in orders:
            key = f"{self.seller}-{order['amazon-order-id']}"
            if order["order-status"] == "Shipped" and key not in self.entries:
                self.entries[key] = self._shipment(key, order)

    def release(self) -> int:
        """Release what was deferred; returns how many."""
        deferred = [one for one in self.entries.values() if one["status"] == "DEFERRED"]
        for one in deferred:
            one["status"] = "DEFERRED_RELEASED"
        return len(deferred)

    def answer(self, query: Mapping[str, str]) -> bytes:
        """Return a page of the list (InvalidInputError)."""
        asked = {name: value for name, value in query.items() if name != "nextToken"}
        if "postedAfter" not in asked:
            raise InvalidInputError("Start date cannot be null")
        now = self.clock.now()
        after = datetime.fromisoformat(asked["postedAfter"])
        before = datetime.fromisoformat(asked["postedBefore"]) if "postedBefore" in asked else now - _LATEST
        if before > now - _LATEST or after >= before:
            raise InvalidInputError("Dates must be more than two minutes ago, and in order")
        start = 0
        if "nextToken" in query:
            if self._tokens.get(query["nextToken"], ({}, 0))[0] != asked:
                raise InvalidInputError("nextToken belongs to another question")
            start = self._tokens[query["nextToken"]][1]
        found = [] if before - after > _LONGEST else [
            one for one in self.entries.values() if after <= datetime.fromisoformat(one["posted"]) < before
        ]  # fmt: skip
        payload: dict[str, Any] = {"transactions": [self._told(one) for one in found[start : start + self.page]]}
        if len(found) > start + self.page:
            token = secrets.token_urlsafe(8)
            self._tokens[token] = (asked, start + self.page)
            payload["nextToken"] = token
        return msgspec.json.encode({"payload": payload})

    def truth(self) -> list[dict[str, Any]]:
        """Return every transaction with its breakdowns as one list."""
        found = []
        for one in self.entries.values():
            lines = [_line(None, path, amount, leaf, self.currency) for path, amount, leaf in one["parts"]]
            for number, item in enumerate(one["items"]):
                of = {"item": number, "sku": item["sku"], "asin": item["asin"], "quantity": item["quantity"]}
                lines += [_line(of, path, amount, leaf, self.currency) for path, amount, leaf in item["parts"]]
            found.append(
                {
                    "transactionId": one["id"], "transactionType": "Shipment", "transactionStatus": one["status"],
                    "description": "Order Payment", "postedDate": one["posted"], "order": one["order"],
                    "totalAmount": {"currencyAmount": one["total"], "currencyCode": self.currency},
                    "marketplaceDetails": {"marketplaceId": self.market[0], "marketplaceName": self.market[1]},
                    "sellingPartnerMetadata": {"accountType": "Standard Orders"}, "group": "group-1",
                    "deferralReason": "DD7", "maturityDate": one["matures"], "lines": lines,
                }
            )  # fmt: skip
        return found

    def _shipment(self, key: str, order: Mapping[str, Any]) -> dict[str, Any]:
        items = []
        for item in order["items"]:
            price, tax = Decimal(item["item-price"]), Decimal(item["item-tax"])
            fee = (-price * Decimal("0.15")).quantize(Decimal("0.01"))
            parts = _parts(price, tax, fee)
            items.append({"sku": item["sku"], "asin": item["asin"], "quantity": int(item["quantity"]), "parts": parts})
        sums = [sum((item["parts"][n][1] for item in items), Decimal(0)) for n in (1, 2, 4)]
        posted = datetime.fromisoformat(order["last-updated-date"])
        old = self.clock.now() - posted > timedelta(days=7)
        return {
            "id": key, "order": order["amazon-order-id"], "posted": posted.isoformat(),
            "matures": (posted + timedelta(days=7)).isoformat(), "status": "RELEASED" if old else "DEFERRED",
            "total": sum(sums, Decimal(0)), "parts": _parts(*sums), "items": items,
        }  # fmt: skip

    def _told(self, one: Mapping[str, Any]) -> dict[str, Any]:
        return {
            "sellingPartnerMetadata": {
                "sellingPartnerId": self.seller, "accountType": "Standard Orders", "marketplaceId": self.market[0],
            },
            "relatedIdentifiers": [
                {"relatedIdentifierName": "ORDER_ID", "relatedIdentifierValue": one["order"]},
                {"relatedIdentifierName": "FINANCIAL_EVENT_GROUP_ID", "relatedIdentifierValue": "group-1"},
            ],
            "transactionType": "Shipment", "transactionId": one["id"], "transactionStatus": one["status"],
            "description": "Order Payment", "postedDate": one["posted"], "totalAmount": self._money(one["total"]),
            "marketplaceDetails": {"marketplaceId": self.market[0], "marketplaceName": self.market[1]},
            "contexts": [{"contextType": "DeferredContext", "deferralReason": "DD7", "maturityDate": one["matures"]}],
            "items": [
                {
                    "description": item["sku"], "totalAmount": self._money(item["parts"][0][1] + item["parts"][3][1]),
                    "breakdowns": self._tree(item["parts"]),
                    "contexts": [
                        {
                            "contextType": "ProductContext", "asin": item["asin"], "sku": item["sku"],
                            "quantityShipped": item["quantity"], "fulfillmentNetwork": "AFN",
                        }
                    ],
                }
                for item in one["items"]
            ],
            "breakdowns": self._tree(one["parts"]),
        }  # fmt: skip

    def _tree(self, parts: list[tuple[str, Decimal, bool]]) -> list[dict[str, Any]]:
        roots: list[dict[str, Any]] = []
        for path, amount, _ in parts:
            *above, name = path.split("/")
            made = {"breakdownType": name, "breakdownAmount": self._money(amount), "breakdowns": []}
            (roots if not above else roots[-1]["breakdowns"]).append(made)
        return roots

    def _money(self, amount: Decimal) -> dict[str, Any]:
        return {"currencyCode": self.currency, "currencyAmount": msgspec.Raw(f"{amount:f}".encode())}


def _parts(price: Decimal, tax: Decimal, fee: Decimal) -> list[tuple[str, Decimal, bool]]:
    """Return path, amount and whether it is a leaf, from the top down."""
    return [
        ("Sales", price + tax, False),
        ("Sales/ProductCharges", price, True),
        ("Sales/Tax", tax, True),
        ("Expenses", fee, False),
        ("Expenses/AmazonFees", fee, True),
    ]


def _line(of: Mapping[str, Any] | None, path: str, amount: Decimal, leaf: bool, currency: str) -> dict[str, Any]:  # noqa: FBT001 - as it stands in the tuple
    name = path.rpartition("/")[2]
    return {
        **(of or {}), "level": path.count("/"), "path": path, "type": name, "leaf": leaf, "amount": amount,
        "currency": currency,
    }  # fmt: skip
