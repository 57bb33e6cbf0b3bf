"""What moves the money of an order: its discounts and its payments."""

from datetime import datetime

from sandbox.providers.shopify.store import Node, number, text_of

#: of each payment, in percent and cents, as Shopify Payments charges it
_RATE, _FLAT = 29, 30
_CODED = "WELCOME10"


def gid(kind: str, id_: int) -> str:
    """Return a gid."""
    return f"gid://shopify/{kind}/{id_}"


def discount(order: int) -> Node:
    """Return the discount of an order: a code over the whole order, or a sale on its lines."""
    node: Node = {"index": 0, "targetSelection": "ALL", "targetType": "LINE_ITEM"}
    node |= {"value": {"__typename": "PricingPercentageValue", "percentage": 10.0}}
    if order % 2:
        return node | {"__typename": "DiscountCodeApplication", "allocationMethod": "ACROSS", "code": _CODED}
    return node | {"__typename": "AutomaticDiscountApplication", "allocationMethod": "EACH", "title": "Autumn sale"}


def codes(application: Node | None) -> list[str]:
    """Return the codes that the buyer entered."""
    return [application["code"]] if application is not None and "code" in application else []


def paid(order: int, amount: Node, cents: int, at: datetime, *, test: bool) -> Node:
    """Return the payment of an order, with the fee that Shopify Payments kept."""
    fee = -(-cents * _RATE // 1000) + _FLAT
    id_ = order + 10**12
    kept: Node = {"id": gid("TransactionFee", id_), "type": "processing_fee", "rate": "0.029"}
    kept |= {"amount": {"amount": f"{fee // 100}.{fee % 100:02d}", "currencyCode": "USD"}}
    kept |= {"taxAmount": {"amount": "0.0", "currencyCode": "USD"}}
    return _transaction(id_, "SALE", amount, at, test=test) | {"parentTransaction": None, "fees": [kept]}


def moved(order: Node, kind: str, amount: Node, at: datetime) -> Node:
    """Return what happens to the payment of an order later: REFUND or VOID."""
    first, place = order["transactions"][0], len(order["transactions"])
    id_ = number(first["id"]) + place * 10**12
    return _transaction(id_, kind, amount, at, test=order["test"]) | {"parentTransaction": first, "fees": []}


def _transaction(id_: int, kind: str, amount: Node, at: datetime, *, test: bool) -> Node:
    node: Node = {"id": gid("OrderTransaction", id_), "kind": kind, "status": "SUCCESS", "errorCode": None}
    node |= {"gateway": "shopify_payments", "manualPaymentGateway": False, "test": test, "paymentId": f"r{id_}.1"}
    node |= {"amountSet": amount, "createdAt": text_of(at), "processedAt": text_of(at)}
    return node | {"settlementCurrency": "USD", "settlementCurrencyRate": None}
