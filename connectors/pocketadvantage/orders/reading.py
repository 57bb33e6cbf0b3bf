"""Rows of the view into orders: what cannot be read is an order that says why, and keeps no other from being read."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from connectors.pocketadvantage.orders.places import CURSORS, DatabasePlace
from connectors.pocketadvantage.orders.positions import position_of
from connectors.pocketadvantage.orders.values import Row, ValueRefused
from storage.facts.exchange_orders import Order, OrderLine, OrderRead, ShipTo, Wish

#: lines of one order
MOST_LINES = 2000
_HEADER = (
    "status", "order_date", "cust_no", "req_ship_date", "ship_to_1", "ship_to_2", "ship_to_3", "ship_to_4",
    "ship_to_5", "ship_to_city", "ship_to_state", "ship_to_zip", "ship_to_country", "salesrep", "po_no", "terms",
    "memo", "discount", "currency",
)  # fmt: skip
_SHORT, _LONG, _LONGEST = 64, 255, 4000


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one revision of one order."""

    rows: Sequence[Mapping[str, Any]]
    #: there are more rows than an order may have
    too_many: bool = False


def grouped(rows: Iterator[Mapping[str, Any]]) -> Iterator[Group]:
    """Yield rows that follow each other and are of one revision of one order."""
    kept: list[Mapping[str, Any]] = []
    key: tuple[Any, Any] | None = None
    count = 0
    for row in rows:
        # Two numbers that differ in spaces alone are two orders.
        mine = (row.get("number_", row.get("order_no")), row.get("revision"))
        if key is not None and mine != key:
            yield Group(kept, count > MOST_LINES)
            kept, count = [], 0
        key = mine
        count += 1
        if count <= MOST_LINES:
            kept.append(row)
    if kept:
        yield Group(kept, count > MOST_LINES)


def read(place: DatabasePlace, group: Group) -> OrderRead:
    """Return what the rows say."""
    rows = [Row(row) for row in group.rows]
    first, problem = rows[0], ""
    gone = all(str(row.raw("status")).strip() == Wish.CANCELLED for row in rows)
    wish = Wish.CANCELLED if gone else Wish.READY
    positions = [position_of(row.raw(place.cursor)) for row in rows]
    print_ = _fingerprint(group.rows)
    try:
        number, revision, named = first.text("order_no", _SHORT, needed=True), first.whole("revision"), True
    except ValueRefused as refused:
        # Still told, once, under a name of ours.
        number, revision, named, problem = f"unnamed {print_[:12]}", 0, False, str(refused)
    order = None
    if not problem and wish is Wish.READY:
        try:
            _whole(group, rows)
            order = _order(place.cust_id, number, revision, rows)
        except ValueRefused as refused:
            problem = str(refused)
    if not problem and not all(positions):
        problem = f"{place.cursor} does not say when it was changed"
    position = max((one for one in positions if one), default="")
    return OrderRead(place.cust_id, number, revision, wish, position, print_, order, problem, named)


def _whole(group: Group, rows: Sequence[Row]) -> None:
    if group.too_many:
        raise ValueRefused(f"it has more than {MOST_LINES} lines")
    for name in _HEADER:
        if len({_comparable(row.raw(name)) for row in rows}) > 1:
            raise ValueRefused(f"its lines disagree about {name}")


def _order(cust_id: str, number: str, revision: int, rows: Sequence[Row]) -> Order:
    head = rows[0]
    lines = [_line(place, row) for place, row in enumerate(rows, 1)]
    if len({line.line_no for line in lines}) < len(lines):
        raise ValueRefused("two of its lines have the same line_no")
    day = head.day("order_date", needed=True)
    assert day is not None
    currency = head.text("currency", 3).upper()
    if currency and not (len(currency) == 3 and currency.isascii() and currency.isalpha()):
        raise ValueRefused("currency is no code of three letters")
    return Order(
        cust_id=cust_id,
        order_no=number,
        revision=revision,
        order_date=day,
        customer_no=head.text("cust_no", _SHORT, needed=True),
        lines=tuple(sorted(lines, key=_in_order)),
        ship_date=head.day("req_ship_date"),
        ship_to=_ship_to(head),
        sales_rep=head.text("salesrep", _LONG),
        po_no=head.text("po_no", _SHORT),
        terms=head.text("terms", _SHORT),
        memo=head.text("memo", _LONGEST),
        discount=head.decimal("discount"),
        currency=currency,
    )


def _ship_to(head: Row) -> ShipTo:
    lines = tuple(line for n in range(1, 6) if (line := head.text(f"ship_to_{n}", _LONG)))
    return ShipTo(
        lines,
        head.text("ship_to_city", _LONG),
        head.text("ship_to_state", _LONG),
        head.text("ship_to_zip", _SHORT),
        head.text("ship_to_country", _LONG),
    )


def _line(place: int, row: Row) -> OrderLine:
    try:
        quantity = row.decimal("qty", needed=True)
        assert quantity is not None
        return OrderLine(
            line_no=row.text("line_no", _SHORT, needed=True),
            item_no=row.text("item_no", 100, needed=True),
            quantity=quantity,
            unit_price=row.decimal("unit_price"),
            uom=row.text("uom", _SHORT),
            tax_code=row.text("tax_code", _SHORT),
            note=row.text("note", _LONGEST),
        )
    except ValueRefused as refused:
        number = str(row.raw("line_no"))
        known = number.isascii() and number.isalnum() and len(number) <= 10
        raise ValueRefused(f"line {number if known else place}: {refused}") from None


def _in_order(line: OrderLine) -> tuple[int, int, str]:
    return (0, int(line.line_no), "") if line.line_no.isascii() and line.line_no.isdigit() else (1, 0, line.line_no)


def _comparable(value: Any) -> str:
    return "" if value is None else str(value).strip()


def _fingerprint(rows: Sequence[Mapping[str, Any]]) -> str:
    said = sorted(repr([(name, str(row[name])) for name in sorted(row) if name not in CURSORS]) for row in rows)
    return hashlib.sha256("\n".join(said).encode("utf-8", "backslashreplace")).hexdigest()[:32]
