"""What is looked at before an order is sent: each refusal is one plain sentence and the one thing to do."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from decimal import ROUND_HALF_UP, Decimal

from jobs.exchange.orders.books import BooksNow, Item
from storage.facts.exchange_orders import ESTIMATE, Order, OrderLine, shown

#: QuickBooks' own lengths, by what an order becomes: its number, the sales rep, a line of the address, the memo
_LENGTHS = {"estimate": (21, 31, 500, 1000), "desktop": (11, 31, 41, 4095)}
_MOST_AMOUNT = Decimal("99999999999.99")
#: kinds of items that cannot stand in a line by themselves
_NO_LINES = frozenset({"Category", "Group"})
NOT_COLLECTED = (
    "QuickBooks' customers and items are not imported yet, so it cannot be checked: it is sent after the next import."
)


@dataclass(frozen=True, slots=True)
class Passed:
    """The order with QuickBooks' own ids and prices."""

    order: Order


@dataclass(frozen=True, slots=True)
class Stopped:
    """Why it is not sent."""

    reason: str


def check(order: Order, books: BooksNow | None, target: str) -> Passed | Stopped:
    """Hold an order against QuickBooks as it was imported last."""
    if books is None:
        return Stopped(NOT_COLLECTED)
    problem = next(_problems(order, books, target), None)
    if problem is not None:
        return Stopped(problem)
    return Passed(_named(order, books) if target == "desktop" else _filled(order, books))


def _problems(order: Order, books: BooksNow, target: str) -> Iterator[str]:
    """Yield what stands against it; the first is what people are told."""
    yield from _of_customer(order, books)
    yield from _of_lengths(order, target)
    if target == ESTIMATE:
        yield from _of_number(order, books)
    for line in order.lines:
        yield from (f"Line {line.line_no}: {problem}" for problem in _of_line(line, books))
    yield from _of_amounts(order, books)
    if books.closed is not None and order.order_date <= books.closed:
        yield (
            f"The books are closed up to {books.closed:%Y-%m-%d} in QuickBooks, and it is dated"
            f" {order.order_date:%Y-%m-%d}: give it a later date, or open the books."
        )


def _of_customer(order: Order, books: BooksNow) -> Iterator[str]:
    customer = books.customers.get(order.customer_no)
    if customer is None:
        yield f"Customer {order.customer_no} is not in QuickBooks: add it there, or correct the number."
        return
    if not customer.active:
        yield f"Customer {order.customer_no} is inactive in QuickBooks: make it active there, or correct the number."
    currency = customer.currency or books.home_currency
    if order.currency and currency and order.currency != currency:
        yield (
            f"It is in {order.currency}, and customer {order.customer_no} is in {currency} in QuickBooks:"
            " correct one of the two."
        )


def _of_lengths(order: Order, target: str) -> Iterator[str]:
    number, rep, line, memo = _LENGTHS[target]
    if len(order.order_no) > number:
        yield (
            f"Its number has {len(order.order_no)} characters, and QuickBooks takes {number}:"
            " give it a shorter one in PocketAdvantage."
        )
    if len(order.sales_rep) > rep:
        yield f"Its sales rep has {len(order.sales_rep)} characters, and QuickBooks takes {rep}: shorten the name."
    if any(len(one) > line for one in order.ship_to.lines):
        yield f"A line of its address has more than {line} characters: shorten it."
    if len(order.memo) > memo:
        yield f"Its memo has {len(order.memo):,} characters, and QuickBooks takes {memo:,}: shorten it."


def number_taken(order_no: str) -> str:
    """Return why an order does not go whose number somebody gave to another estimate."""
    return f"QuickBooks has another estimate with the number {order_no}: give one of the two another number."


def _of_number(order: Order, books: BooksNow) -> Iterator[str]:
    others = [note for note in books.numbers.get(order.order_no, ()) if note != f"PA {order.order_no}"]
    if others:
        yield number_taken(order.order_no)


def _of_line(line: OrderLine, books: BooksNow) -> Iterator[str]:
    found = _items(line, books)
    listed = books.items.get(line.item_no, ())
    if not listed:
        yield f"item {line.item_no} is not in QuickBooks: add it there, or correct the number."
    elif not found:
        yield f"item {line.item_no} is inactive in QuickBooks: make it active there, or take another one."
    elif len(found) > 1:
        names = shown(item.name for item in found)
        yield f"several items in QuickBooks have the number {line.item_no} ({names}): give each its own SKU."
    elif found[0].type in _NO_LINES:
        yield f"item {line.item_no} is a {found[0].type.lower()} in QuickBooks: take the items in it."
    elif line.unit_price is None and found[0].price is None:
        yield f"it has no price, and item {line.item_no} has none in QuickBooks: enter one of the two."
    if line.quantity <= 0:
        yield f"its quantity is {line.quantity}: enter one above 0."
    if line.unit_price is not None and line.unit_price < 0:
        yield "its price is below 0: enter a discount of the order."


def _of_amounts(order: Order, books: BooksNow) -> Iterator[str]:
    if not order.lines:
        yield "It has no lines: add one, or cancel it."
    if order.discount is not None and order.discount < 0:
        yield "Its discount is below 0: enter it as a positive amount."
    amounts = [
        (line.quantity * (_price(line, books) or Decimal(0))).quantize(Decimal("0.01"), ROUND_HALF_UP)
        for line in order.lines
    ]
    if sum(amounts, Decimal(0)) > _MOST_AMOUNT:
        yield "Its amount is larger than QuickBooks takes: check quantities and prices."
    elif order.discount is not None and order.discount > sum(amounts, Decimal(0)):
        yield "Its discount is larger than its lines: correct one of them."


def _items(line: OrderLine, books: BooksNow) -> Sequence[Item]:
    return [item for item in books.items.get(line.item_no, ()) if item.active]


def _price(line: OrderLine, books: BooksNow) -> Decimal | None:
    if line.unit_price is not None:
        return line.unit_price
    found = _items(line, books)
    return found[0].price if found else None


def _named(order: Order, books: BooksNow) -> Order:
    """QuickBooks Desktop knows none of QuickBooks Online's ids: its customers and items go by their names."""
    filled = _filled(order, books)
    lines = tuple(replace(line, item_id=_items(line, books)[0].name) for line in filled.lines)
    return replace(filled, customer_id=books.customers[order.customer_no].name, lines=lines)


def _filled(order: Order, books: BooksNow) -> Order:
    lines = tuple(
        replace(line, item_id=_items(line, books)[0].id, unit_price=_price(line, books)) for line in order.lines
    )
    customer = books.customers[order.customer_no]
    currency = order.currency if books.several_currencies else ""
    return replace(
        order, customer_id=customer.id, lines=lines, currency=currency, sales_rep_field=books.sales_rep_field
    )
