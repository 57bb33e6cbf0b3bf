"""What is asked of QuickBooks Desktop: sales orders in qbXML, whose elements have one order and fixed lengths.

Nothing is cut to fit: what QuickBooks Desktop cannot keep is refused with the field and its length, before it is sent.
"""

import re
from collections.abc import Mapping
from datetime import date
from decimal import Decimal

from jobs.exchange.desktop.answers import Found
from jobs.exchange.desktop.xml_out import can_keep, leaf, node, plain
from storage.facts.exchange_orders import Order, OrderLine, ShipTo

#: the newest version whose sales orders we know
NEWEST = (16, 0)
_OLDEST = (8, 0)
#: lengths, by element; a name of a list may have levels
_LENGTHS: Mapping[str, int] = {
    "RefNumber": 11, "PONumber": 25, "Memo": 4095, "Other": 29, "Desc": 4095, "UnitOfMeasure": 31,
    "City": 31, "State": 21, "PostalCode": 13, "Country": 31, "FullName": 209,
    **{f"Addr{number}": 41 for number in range(1, 6)},
}  # fmt: skip
_CALLED: Mapping[str, str] = {
    "RefNumber": "the order number", "PONumber": "the PO number", "Memo": "the memo", "Other": "the order number",
    "Desc": "the note of a line", "UnitOfMeasure": "the unit of a line", "City": "the city", "State": "the state",
    "PostalCode": "the postal code", "Country": "the country", "FullName": "a name",
    **{f"Addr{number}": f"line {number} of the address" for number in range(1, 6)},
}  # fmt: skip
#: in which they must come; qbXML refuses any other order
_HEADER = (
    "CustomerRef", "TxnDate", "RefNumber", "ShipAddress", "PONumber", "TermsRef", "SalesRepRef", "ShipDate",
    "IsManuallyClosed", "Memo", "Other",
)  # fmt: skip
_LINE = ("TxnLineID", "ItemRef", "Desc", "Quantity", "UnitOfMeasure", "Rate", "SalesTaxCodeRef")
_ADDRESS = (*(f"Addr{number}" for number in range(1, 6)), "City", "State", "PostalCode", "Country")
#: how QuickBooks Desktop writes ids of its lists: 80000001-1795000000
_LIST_ID = re.compile(r"[0-9A-F]{1,8}-[0-9]{1,12}", re.ASCII)
#: digits behind the point that it keeps
_PLACES = 5
_LARGEST = Decimal(10) ** 10


class CannotKeepError(Exception):
    """QuickBooks Desktop cannot keep this order as it is; the text says what to change."""


def marker(order: Order) -> str:
    """Return by what we know the order again in QuickBooks, where numbers are not unique."""
    return f"PA {order.order_no} r{order.revision}"


def version(major: str, minor: str) -> str:
    """Return the version to speak with a QuickBooks Desktop that speaks up to that one."""
    known = (int(major), int(minor)) if _small(major) and _small(minor) else NEWEST
    chosen = max(_OLDEST, min(NEWEST, known))
    return f"{chosen[0]}.{chosen[1]}"


def message(spoken: str, request: str) -> str:
    """Return the whole message around one request."""
    body = f'<QBXMLMsgsRq onError="stopOnError">{request}</QBXMLMsgsRq>'
    return f'<?xml version="1.0" encoding="utf-8"?><?qbxml version="{spoken}"?>{node("QBXML", body)}'


def query(message_id: str, order: Order, txn_id: str = "") -> str:
    """Ask for the order by the id that it has in QuickBooks, else for all of its number; with their lines."""
    wanted = leaf("TxnID", txn_id) if txn_id else _text("RefNumber", order.order_no)
    return _request("SalesOrderQueryRq", message_id, wanted + leaf("IncludeLineItems", "true"))


def add(message_id: str, order: Order) -> str:
    """Write the order anew."""
    lines = "".join(node("SalesOrderLineAdd", _in_order(_LINE, _line(line))) for line in _lines(order))
    inside = _in_order(_HEADER, _header(order)) + lines
    return _request("SalesOrderAddRq", message_id, node("SalesOrderAdd", inside))


def change(message_id: str, order: Order, before: Found) -> str:
    """Let the order say what this revision says: lines that are not in it any more go."""
    anew = {"TxnLineID": leaf("TxnLineID", "-1")}
    lines = "".join(node("SalesOrderLineMod", _in_order(_LINE, _line(line) | anew)) for line in _lines(order))
    inside = _named(before) + _in_order(_HEADER, _header(order)) + lines
    return _request("SalesOrderModRq", message_id, node("SalesOrderMod", inside))


def close(message_id: str, order: Order, before: Found) -> str:
    """Close the order: nothing of it is shipped or invoiced any more."""
    closed = {"IsManuallyClosed": leaf("IsManuallyClosed", "true"), "Other": _text("Other", marker(order))}
    inside = _named(before) + _in_order(_HEADER, closed)
    return _request("SalesOrderModRq", message_id, node("SalesOrderMod", inside))


def check(order: Order) -> None:
    """Pass when QuickBooks Desktop can keep the order; CannotKeepError says what to change."""
    add("1", order)


def _request(name: str, message_id: str, inside: str) -> str:
    return f'<{name} requestID="{message_id}">{inside}</{name}>'


def _named(before: Found) -> str:
    return leaf("TxnID", before.txn_id) + leaf("EditSequence", before.edit_sequence)


def _in_order(names: tuple[str, ...], pieces: Mapping[str, str]) -> str:
    return "".join(pieces.get(name, "") for name in names)


def _lines(order: Order) -> tuple[OrderLine, ...]:
    if not order.lines:
        raise CannotKeepError("the order has no lines")
    return order.lines


def _header(order: Order) -> dict[str, str]:
    if order.discount:
        raise CannotKeepError("QuickBooks Desktop has no discount for a whole sales order: put it on the lines")
    return {
        "CustomerRef": _reference("CustomerRef", order.customer_id, order.customer_no, "the customer"),
        "TxnDate": leaf("TxnDate", order.order_date.isoformat()),
        "RefNumber": _text("RefNumber", order.order_no),
        "ShipAddress": _address(order.ship_to),
        "PONumber": _text("PONumber", order.po_no),
        "TermsRef": _reference("TermsRef", "", order.terms, "the terms"),
        "SalesRepRef": _reference("SalesRepRef", "", order.sales_rep, "the sales rep"),
        "ShipDate": _day("ShipDate", order.ship_date),
        "Memo": _text("Memo", f"{marker(order)} {order.memo}"),
        "Other": _text("Other", marker(order)),
    }


def _line(line: OrderLine) -> dict[str, str]:
    if not (line.item_id or line.item_no).strip():
        raise CannotKeepError(f"line {plain(line.line_no)} names no item")
    return {
        "ItemRef": _reference("ItemRef", line.item_id, line.item_no, "an item"),
        "Desc": _text("Desc", line.note),
        "Quantity": _number("Quantity", line.quantity),
        "UnitOfMeasure": _text("UnitOfMeasure", line.uom),
        "Rate": _number("Rate", line.unit_price),
        "SalesTaxCodeRef": _reference("SalesTaxCodeRef", "", line.tax_code, "the tax code of a line"),
    }


def _address(to: ShipTo) -> str:
    lines = [line for line in to.lines if plain(line)]
    if len(lines) > 5:
        raise CannotKeepError(f"the address has {len(lines)} lines; QuickBooks Desktop keeps 5")
    known = {f"Addr{number}": line for number, line in enumerate(lines, 1)}
    known |= {"City": to.city, "State": to.state, "PostalCode": to.postal_code, "Country": to.country}
    inside = "".join(_text(name, known[name]) for name in _ADDRESS if name in known)
    return node("ShipAddress", inside) if inside else ""


def _text(name: str, text: str) -> str:
    """Return the element; nothing where there is no text."""
    said, most = plain(text), _LENGTHS[name]
    if len(said) > most:
        raise CannotKeepError(f"{_CALLED[name]} has {len(said)} characters; QuickBooks Desktop keeps {most}")
    return leaf(name, said) if said else ""


def _reference(name: str, list_id: str, full_name: str, called: str) -> str:
    """Return what names an entry of a list: its id in QuickBooks Desktop where that is known, else its name.

    What was found for the order may be a name as well; a mere number is an id of QuickBooks Online, which says nothing.
    """
    if _LIST_ID.fullmatch(list_id):
        return node(name, leaf("ListID", list_id))
    said = plain(full_name if not list_id or list_id.isdigit() else list_id)
    if not said:
        if name == "CustomerRef":
            raise CannotKeepError("the order names no customer")
        return ""
    if not can_keep(said):
        raise CannotKeepError(f"{called} has a character that QuickBooks Desktop does not know: {said[:60]}")
    if len(said) > _LENGTHS["FullName"]:
        raise CannotKeepError(f"{called} has {len(said)} characters; QuickBooks Desktop keeps {_LENGTHS['FullName']}")
    return node(name, leaf("FullName", said))


def _number(name: str, value: Decimal | None) -> str:
    if value is None:
        return ""
    called = "the quantity" if name == "Quantity" else "the price"
    if not value.is_finite() or abs(value) >= _LARGEST or value != round(value, _PLACES):
        raise CannotKeepError(
            f"{called} of a line is {value}; QuickBooks Desktop keeps {_PLACES} digits after the point"
        )
    return leaf(name, f"{value:f}")


def _day(name: str, on: date | None) -> str:
    return leaf(name, on.isoformat()) if on else ""


def _small(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) <= 3
