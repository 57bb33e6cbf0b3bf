"""What becomes of an order: refunded, shipped, cancelled; and of the customer who placed it."""

from datetime import datetime
from decimal import Decimal

from sandbox.providers.shopify.make import Purse, decimal, net, off, worth
from sandbox.providers.shopify.money import gid, moved
from sandbox.providers.shopify.store import Node, number, text_of


def refund(order: Node, at: datetime) -> Node:
    """Return the order with its first line refunded, tax included, and its shipping; only for a whole order."""
    line = order["lineItems"][0]
    purse = Purse(euro=order["presentmentCurrencyCode"] == "EUR")
    subtotal = net(line)
    tax = sum(worth(tax["priceSet"]) for tax in line["taxLines"])
    id_ = number(order["id"]) % 10**10 + 10**11
    item: Node = {
        "id": gid("RefundLineItem", id_ + 1),
        "lineItem": line,
        "quantity": line["quantity"],
        "restockType": "RETURN",
    }
    item |= {"restocked": True, "priceSet": line["discountedUnitPriceSet"], "subtotalSet": purse.bag(subtotal)}
    shipped = order["shippingLines"][0]
    fee = worth(shipped["discountedPriceSet"])
    sent: Node = {"id": gid("RefundShippingLine", id_ + 2), "shippingLine": shipped}
    sent |= {"subtotalAmountSet": purse.bag(fee), "taxAmountSet": purse.bag(0)}
    total = subtotal + tax + fee
    when = {"createdAt": text_of(at), "processedAt": text_of(at), "updatedAt": text_of(at)}
    made: Node = {"id": gid("Refund", id_), "legacyResourceId": str(id_), "note": "Returned, unused", **when}
    made |= {"refundLineItems": [item | {"totalTaxSet": purse.bag(tax)}], "totalRefundedSet": purse.bag(total)}
    made |= {"__typename": "Refund", "refundShippingLines": [sent] if fee else []}
    left = worth(order["totalPriceSet"]) - total
    lines = [line | {"currentQuantity": 0, "refundableQuantity": 0}, *order["lineItems"][1:]]
    whole = len(lines) == 1 and left == 0
    return order | {
        "lineItems": lines,
        "refunds": [made],
        "transactions": [*order["transactions"], moved(order, "REFUND", purse.bag(total), at)],
        "updatedAt": text_of(at),
        "returnStatus": "RETURNED",
        "currentSubtotalLineItemsQuantity": sum(line["currentQuantity"] for line in lines),
        "displayFinancialStatus": "REFUNDED" if whole else "PARTIALLY_REFUNDED",
        "totalRefundedSet": purse.bag(total),
        "totalRefundedShippingSet": purse.bag(fee),
        "netPaymentSet": purse.bag(left),
        "currentSubtotalPriceSet": purse.bag(worth(order["currentSubtotalPriceSet"]) - subtotal),
        "currentTotalDiscountsSet": purse.bag(worth(order["totalDiscountsSet"]) - off(line)),
        "currentTotalTaxSet": purse.bag(worth(order["currentTotalTaxSet"]) - tax),
        "currentTotalPriceSet": purse.bag(left),
    }


def fulfil(order: Node, at: datetime) -> Node:
    """Return the order shipped and closed."""
    lines = [line | {"unfulfilledQuantity": 0} for line in order["lineItems"]]
    done = {"displayFulfillmentStatus": "FULFILLED", "closed": True, "closedAt": text_of(at), "updatedAt": text_of(at)}
    return order | done | {"lineItems": lines}


def cancel(order: Node, at: datetime) -> Node:
    """Return the order cancelled and its payment void."""
    purse = Purse(euro=order["presentmentCurrencyCode"] == "EUR")
    nothing = purse.bag(0)
    fields = ("currentSubtotalPriceSet", "currentTotalDiscountsSet", "currentTotalTaxSet", "currentTotalPriceSet")
    lines = [line | {"currentQuantity": 0, "refundableQuantity": 0} for line in order["lineItems"]]
    gone: Node = {"cancelledAt": text_of(at), "cancelReason": "CUSTOMER", "closed": True, "closedAt": text_of(at)}
    gone |= {"displayFinancialStatus": "VOIDED", "updatedAt": text_of(at), "lineItems": lines, "netPaymentSet": nothing}
    void = moved(order, "VOID", order["totalPriceSet"], at)
    return (
        order
        | gone
        | {"transactions": [*order["transactions"], void]}
        | {"totalReceivedSet": nothing, "fullyPaid": False, "currentSubtotalLineItemsQuantity": 0}
        | dict.fromkeys(fields, nothing)
    )


def ordered(customer: Node, cents: int, at: datetime, orders: int = 1) -> Node:
    """Return the customer with more orders and more (or less) spent."""
    spent = int(Decimal(customer["amountSpent"]["amount"]) * 100) + cents
    return customer | {
        "numberOfOrders": str(int(customer["numberOfOrders"]) + orders),
        "amountSpent": {"amount": decimal(spent), "currencyCode": "USD"},
        "updatedAt": text_of(at),
    }
