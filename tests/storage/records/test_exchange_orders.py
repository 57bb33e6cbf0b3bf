"""What is kept of orders: each revision once, moved by one alone, and a cursor that passes only what is settled."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest

from storage.facts.exchange_orders import Into, KeptOrder, Order, OrderLine, OrderRead, OrderState, Wish, Written
from storage.facts.sources import Source
from storage.records import exchange_orders, sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, OrganizationRow, SourceRow

ORGANIZATION = "org_1"
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
INTO = Into("estimate", "src_books")


def read(
    number: str, revision: int = 1, at: int = 0, *, problem: str = "", wish: Wish = Wish.READY, memo: str = ""
) -> OrderRead:
    order = Order(
        "ACME01", number, revision, date(2026, 11, 22), "7", (OrderLine("1", "A", Decimal("1.5")),), memo=memo
    )
    readable = not problem and wish is Wish.READY
    return OrderRead(
        "ACME01",
        number,
        revision,
        wish,
        f"t{at:04d}",
        f"{number}{revision}{memo}{problem}",
        order if readable else None,
        problem,
    )


class Books:
    """Orders of one source."""

    def __init__(self, database: Database) -> None:
        self.database = database
        with database.write() as session:
            session.add(OrganizationRow(id=ORGANIZATION, name="Temerity Goods", timezone="UTC", created_at=NOW))
            session.flush()
            session.add(SourceRow(id="src_1", organization_id=ORGANIZATION, provider="pocketadvantage", account="ACME01",
                                  label="pocketadvantage_ACME01", company="Temerity", mode="exchange",
                                  schedule_minutes=60, created_at=NOW, updated_at=NOW))  # fmt: skip
            session.flush()
            session.add(ConnectionRow(source_id="src_1", organization_id=ORGANIZATION, state="connected", since=NOW))
        self.source: Source = database.in_read(lambda session: sources.source(session, "src_1"))

    def do(self, work: Callable[..., Any], *given: Any, **named: Any) -> Any:
        return self.database.in_write(lambda session: work(session, *given, **named))

    def keep(self, *found: OrderRead) -> Any:
        return self.do(exchange_orders.keep, self.source, found, NOW)

    def due(self, at: datetime = NOW) -> list[KeptOrder]:
        found: list[KeptOrder] = self.do(exchange_orders.due, self.source.id, at, 100)
        return found

    def sent(self, one: KeptOrder) -> KeptOrder:
        assert self.do(exchange_orders.claim, one, INTO, NOW, NOW + timedelta(minutes=3))
        found: KeptOrder = self.do(exchange_orders.find, one.id)
        return found

    def states(self) -> dict[tuple[str, int], str]:
        def look(session: Session) -> dict[tuple[str, int], str]:
            numbers = {one.order_no for one in self.due(NOW + timedelta(days=1))} | {"A", "B", "C"}
            found = [one for number in numbers for one in exchange_orders.revisions(session, self.source.id, number)]
            return {(one.order_no, one.revision): one.state.value for one in found}

        return self.database.in_read(look)


@pytest.fixture
def books(database: Database) -> Books:
    return Books(database)


def test_each_revision_is_kept_once_and_the_last_one_counts(books: Books) -> None:
    assert books.keep(read("A", 1, 1), read("B", 1, 2, problem="line 1: qty is no number")).new == 2
    assert books.keep(read("A", 1, 1), read("B", 1, 2, problem="line 1: qty is no number")).new == 0
    assert books.keep(read("A", 3, 4), read("A", 2, 3)).new == 2
    assert books.states() == {("A", 1): "superseded", ("A", 2): "superseded", ("A", 3): "new", ("B", 1): "blocked"}
    assert books.keep(read("B", 1, 5)).revived == 1
    assert [(one.order_no, one.order is not None) for one in books.due()] == [("A", True), ("B", True)]


def test_one_alone_sends_an_order_and_an_old_one_moves_nothing(books: Books) -> None:
    books.keep(read("A"))
    (one,) = books.due()
    mine = books.sent(one)
    assert not books.do(exchange_orders.claim, one, INTO, NOW, NOW)
    assert books.due() == []
    (late,) = books.due(NOW + timedelta(minutes=4))
    theirs = books.sent(late)
    assert not books.do(exchange_orders.move, mine, OrderState.FAILED, NOW, reason="x")
    assert books.do(exchange_orders.move, theirs, OrderState.CONFIRMED, NOW, written=Written("145", "A", "0"))
    (found,) = books.do(exchange_orders.by_target, ORGANIZATION, "145")
    assert (found.state, found.order, found.request_id) == (OrderState.CONFIRMED, None, one.request_id)
    assert books.do(exchange_orders.by_order, ORGANIZATION, "A") == [found]
    assert books.do(exchange_orders.by_target, "org_other", "145") == []


def test_a_later_revision_waits_for_the_earlier_one(books: Books) -> None:
    books.keep(read("A"))
    mine = books.sent(books.due()[0])
    books.keep(read("A", 2, memo="more"))
    assert books.due() == []
    assert books.do(exchange_orders.has_later, mine)
    books.do(exchange_orders.move, mine, OrderState.CONFIRMED, NOW, written=Written("145", "A", "0"))
    (second,) = books.due()
    assert books.do(exchange_orders.before, second, INTO) == Written("145", "A", "0")
    second = books.sent(second)
    books.do(exchange_orders.move, second, OrderState.CONFIRMED, NOW, written=Written("145", "A", "1"))
    assert books.states() == {("A", 1): "superseded", ("A", 2): "confirmed"}


@pytest.mark.parametrize("into", [INTO, Into("estimate", "src_other"), Into("desktop")])
def test_what_an_order_became_elsewhere_says_nothing_here(books: Books, into: Into) -> None:
    """Under that id there may be something else in another company, and in QuickBooks Desktop."""
    books.keep(read("A"))
    books.do(exchange_orders.move, books.sent(books.due()[0]), OrderState.CONFIRMED, NOW, written=Written("145", "A"))
    books.keep(read("A", 2, memo="more"))
    (second,) = books.due()
    here = into == INTO
    assert books.do(exchange_orders.before, second, into) == (Written("145", "A") if here else None)
    (first,) = [one for one in books.do(exchange_orders.by_order, ORGANIZATION, "A") if one.revision == 1]
    assert books.do(exchange_orders.again, first, NOW)
    first = books.do(exchange_orders.find, first.id)
    assert books.do(exchange_orders.claim, first, into, NOW, NOW)
    assert (books.do(exchange_orders.find, first.id).written is not None) == here


def test_who_waits_for_an_earlier_revision_takes_no_place_of_others(books: Books) -> None:
    books.keep(read("A", 1, 1))
    books.sent(books.due()[0])
    books.keep(read("A", 2, 2, memo="more"), read("B", 1, 3))
    found = books.do(exchange_orders.due, books.source.id, NOW, 1)
    assert [(one.order_no, one.revision) for one in found] == [("B", 1)]


def test_the_cursor_passes_only_what_is_settled(books: Books) -> None:
    books.keep(read("A", 1, 1), read("B", 1, 2), read("C", 1, 3, problem="x"))
    first, second = books.due()[:2]
    source = books.source.id
    assert books.do(exchange_orders.advance, source, "v_one", "t0003", NOW) == "t0001"
    first = books.sent(first)
    assert books.do(exchange_orders.advance, source, "v_one", "t0003", NOW) == "t0001"
    books.do(exchange_orders.move, first, OrderState.FAILED, NOW, reason="no")
    assert books.do(exchange_orders.advance, source, "v_one", "t0003", NOW) == "t0002"
    books.do(exchange_orders.move, books.sent(second), OrderState.CONFIRMED, NOW, written=Written("1", "B"))
    assert books.do(exchange_orders.advance, source, "v_one", "t0003", NOW) == "t0003"
    assert books.do(exchange_orders.cursor, source, "v_one") == "t0003"
    books.do(exchange_orders.forget, source)
    assert books.do(exchange_orders.cursor, source, "v_one") == ""
    assert books.do(exchange_orders.counts, source) == {}


def test_up_to_where_one_view_was_read_says_nothing_of_another(books: Books) -> None:
    """Nor does what is open of it hold a view where changes have numbers."""
    books.keep(read("A", 1, 1))
    source = books.source.id
    assert books.do(exchange_orders.advance, source, "v_one", "t0003", NOW) == "t0001"
    assert books.do(exchange_orders.cursor, source, "v_two") == ""
    assert books.do(exchange_orders.advance, source, "v_two", "n0009", NOW) == "n0009"
    assert books.do(exchange_orders.cursor, source, "v_two") == "n0009"
    assert books.do(exchange_orders.cursor, source, "v_one") == "", "it is read anew, should it come back"


def test_what_is_told_is_told_once_and_news_again(books: Books) -> None:
    books.keep(read("A", 1, 1), read("B", 1, 2, problem="x"))
    source = books.source.id
    (told,) = books.do(exchange_orders.unanswered, source, 10)
    assert told.order_no == "B"
    books.do(exchange_orders.answered, [told], NOW)
    assert books.do(exchange_orders.unanswered, source, 10) == []
    one = books.due()[0]
    assert books.do(exchange_orders.block, one, "Customer 7 is not in QuickBooks.")
    again = books.do(exchange_orders.find, one.id)
    assert not books.do(exchange_orders.block, again, "Customer 7 is not in QuickBooks.")
    assert [one.reason for one in books.do(exchange_orders.unanswered, source, 10)] == [
        "Customer 7 is not in QuickBooks."
    ]


def test_a_change_without_a_revision_is_said(books: Books) -> None:
    books.keep(read("A"))
    one = books.sent(books.due()[0])
    books.do(exchange_orders.move, one, OrderState.CONFIRMED, NOW, written=Written("1", "A"))
    books.keep(read("A", memo="other"))
    (said,) = books.do(exchange_orders.unanswered, books.source.id, 10)
    assert (said.state, said.reason) == (OrderState.CONFIRMED, exchange_orders.CHANGED_QUIETLY)
    assert books.due() == []
