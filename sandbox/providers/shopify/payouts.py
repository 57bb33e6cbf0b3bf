"""Shopify Payments: each payment becomes a balance transaction, and the balance is paid out day by day."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from sandbox.providers.shopify.make import decimal, worth
from sandbox.providers.shopify.money import gid
from sandbox.providers.shopify.oauth import Grant
from sandbox.providers.shopify.paging import Connection
from sandbox.providers.shopify.plan import Resolver
from sandbox.providers.shopify.store import Node, Store, number, text_of

PAYOUT, ENTRY = "ShopifyPaymentsPayout", "ShopifyPaymentsBalanceTransaction"
SCOPES = ("read_shopify_payments_accounts", "read_shopify_payments_payouts")
_FIRST = 90_000_000_001
#: from a payment to the day on which it is paid out
_WAIT = timedelta(days=2)
_SUMMARY = ("adjustmentsFee", "adjustmentsGross", "advanceFees", "advanceGross", "chargesFee", "chargesGross",
            "refundsFee", "refundsFeeGross", "reservedFundsFee", "reservedFundsGross", "retriedPayoutsFee",
            "retriedPayoutsGross")  # fmt: skip


def entries(orders: Iterable[Node]) -> list[Node]:
    """Return the balance transactions of some orders' payments that moved money, none of them paid out yet."""
    return [
        _entry(order, payment)
        for order in orders
        if not order["test"] and not order["cancelledAt"]
        for payment in order["transactions"]
        if payment["kind"] in {"SALE", "REFUND"}
    ]


def by_day(found: Iterable[Node], until: datetime) -> list[Node]:
    """Return payouts of balance transactions, a day's each, and those transactions with their payout."""
    days: dict[datetime, list[Node]] = defaultdict(list)
    for entry in found:
        issued = datetime.fromisoformat(entry["transactionDate"]) + _WAIT
        days[issued.replace(hour=7, minute=0, second=0)].append(entry)
    return [node for issued, of_day in sorted(days.items()) if issued < until for node in paid_out(of_day, issued)]


def paid_out(found: list[Node], at: datetime) -> list[Node]:
    """Return a payout of some balance transactions, and these with it."""
    id_ = _FIRST + int(at.timestamp())
    net = sum(_cents(entry["net"]) for entry in found)
    summary = dict.fromkeys(_SUMMARY, 0)
    for entry in found:
        charge = entry["type"] == "CHARGE"
        summary["chargesGross" if charge else "refundsFeeGross"] += _cents(entry["amount"])
        summary["chargesFee" if charge else "refundsFee"] += _cents(entry["fee"])
    payout: Node = {"__typename": PAYOUT, "id": gid(PAYOUT, id_), "legacyResourceId": str(id_)}
    payout |= {"issuedAt": text_of(at), "status": "PAID", "net": _money(net)}
    payout |= {"transactionType": "DEPOSIT" if net >= 0 else "WITHDRAWAL"}
    payout |= {"summary": {name: _money(cents) for name, cents in summary.items()}}
    said = {"id": payout["id"], "status": "PAID"}
    return [payout, *(entry | {"associatedPayout": said} for entry in found)]


def waiting(store: Store) -> list[Node]:
    """Return the balance transactions that are not paid out."""
    return [entry for entry in store.truth(ENTRY) if entry["associatedPayout"]["id"] is None]


def resolvers(store: Store, require: Any, grant: Grant) -> dict[tuple[str, str], Resolver]:
    """Return the readers of Shopify Payments; a shop without it has no account."""
    return {
        ("QueryRoot", "shopifyPaymentsAccount"): partial(_account, store, partial(require, grant)),
        ("ShopifyPaymentsAccount", "payouts"): partial(_nodes, store, "payouts", PAYOUT),
        ("ShopifyPaymentsAccount", "balanceTransactions"): partial(_nodes, store, "balanceTransactions", ENTRY),
    }


def _account(store: Store, require: Any, _source: Any, _arguments: Mapping[str, Any]) -> Node | None:
    for scope in SCOPES:
        require("shopifyPaymentsAccount", scope)
    if not store.about["paid"]:
        return None
    return {"__typename": "ShopifyPaymentsAccount", "id": gid("ShopifyPaymentsAccount", 1), "activated": True}


def _nodes(store: Store, field: str, kind: str, _source: Any, arguments: Mapping[str, Any]) -> Connection:
    return store.connection(field, kind, arguments)


def _entry(order: Node, payment: Node) -> Node:
    back = payment["kind"] == "REFUND"
    cents = -worth(payment["amountSet"]) if back else worth(payment["amountSet"])
    fee = sum(_cents(fee["amount"]) for fee in payment["fees"])
    id_ = number(payment["id"])
    node: Node = {"__typename": ENTRY, "id": gid(ENTRY, id_), "type": "REFUND" if back else "CHARGE"}
    node |= {"sourceType": node["type"], "sourceId": str(id_ + 7), "sourceOrderTransactionId": str(id_)}
    node |= {"transactionDate": payment["processedAt"], "test": False, "adjustmentReason": None}
    node |= {"amount": _money(cents), "fee": _money(fee), "net": _money(cents - fee)}
    node |= {"associatedOrder": {"id": order["id"], "name": order["name"]}}
    return node | {"associatedPayout": {"id": None, "status": "PENDING"}}


def _money(cents: int) -> Node:
    return {"amount": decimal(cents), "currencyCode": "USD"}


def _cents(money: Node) -> int:
    return worth({"shopMoney": money})
