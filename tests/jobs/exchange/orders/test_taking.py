"""Each order arrives in QuickBooks once, whatever happens on the way; what cannot is said, and keeps no other."""

import asyncio
import os
from collections.abc import Sequence
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from connectors.errors import ConnectorError, Reconnect, Refused, Retry
from connectors.oauth import MemoryTokens
from connectors.quickbooks.estimates import Estimates
from jobs.exchange.orders import turn as turns
from jobs.exchange.orders.replaying import replay
from jobs.exchange.orders.settling import settled
from jobs.exchange.orders.sink import Waiting
from jobs.exchange.orders.taking import NOT_ALLOWED
from jobs.exchange.orders.turn import Turn
from sandbox.exchange.inventiv import BAD
from sandbox.misbehave import Kind, Rule
from sandbox.providers.catalogue import REALM
from storage.credentials import Credentials, Place, seal_credentials
from storage.facts.exchange_orders import Order, OrderRead, OrderState, Refusal, Trace, Written
from storage.records import exchange_orders
from storage.sessions import Database
from storage.tables import ConnectionRow
from tests.connectors.worlds import QUICK, hearing
from tests.jobs.exchange.orders.taken import ORGANIZATION, SOURCE, Stage, staged

POINTS = ("orders.kept", "orders.claimed", "orders.sent", "orders.settled", "orders.answered")


async def test_orders_become_estimates_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        numbers = stage.inventiv.arrive(
            35, stage.clock.now() - timedelta(hours=1), salesrep="Marisol Vega", memo="Ring twice", discount="0.05"
        )
        done = await stage.turn()
        assert (done.stopped, done.read, done.counts.added, done.problems) == (None, 35, 35, ())
        assert stage.complaints(numbers) == []
        writes = stage.writes()
        assert writes == 2
        again = await stage.turn()
        assert (again.counts.touched, stage.writes()) == (0, writes)
        (estimate,) = stage.estimates(numbers[0])
        row = stage.inventiv.rows(numbers[0])[0]
        assert estimate["DocNumber"] == numbers[0]
        assert (estimate["TxnDate"], estimate["ShipDate"]) == (row["order_date"], row["req_ship_date"])
        assert estimate["CustomField"][0]["StringValue"] == "Marisol Vega"
        assert (estimate["CustomerMemo"]["value"], estimate["ShipAddr"]["City"]) == ("Ring twice", "Oakland")
        assert [line["Amount"] for line in estimate["Line"] if line["DetailType"] == "DiscountLineDetail"]
        found = stage.database.in_read(lambda session: exchange_orders.by_target(session, ORGANIZATION, estimate["Id"]))
        assert [one.order_no for one in found] == [numbers[0]]
        (kept,) = stage.database.in_read(lambda session: exchange_orders.by_order(session, ORGANIZATION, numbers[0]))
        assert (kept.state, kept.order, kept.written and kept.written.number) == (
            OrderState.CONFIRMED,
            None,
            numbers[0],
        )
        cursor = stage.database.in_read(
            lambda session: exchange_orders.cursor(session, SOURCE, stage.wanted.place.name)
        )
        assert cursor == max(stage.kept(number).position for number in numbers)


async def test_a_bad_order_says_why_and_keeps_no_other(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        now, inventiv = stage.clock.now(), stage.inventiv
        bad = {kind: inventiv.bad(kind, now) for kind in BAD}
        inventiv.put("SO-" + "1" * 20, 1, now)
        inventiv.put("SO-TAKEN", 1, now)
        stage.app.books[REALM].change(put=[("Estimate", _estimate(stage, "SO-TAKEN", "by hand"))], at=now)
        bad |= {"long number": "SO-" + "1" * 20, "number taken": "SO-TAKEN"}
        good = inventiv.arrive(3, now)
        done = await stage.turn()
        assert stage.complaints(good) == []
        assert {one.key for one in done.problems} == set(bad.values())
        reasons = {kind: stage.kept(number).reason for kind, number in bad.items()}
        assert (
            reasons["unknown customer"] == "Customer 999999 is not in QuickBooks: add it there, or correct the number."
        )
        assert reasons["no quantity"] == "Line 1: its quantity is 0: enter one above 0."
        assert "23 characters, and QuickBooks takes 21" in reasons["long number"]
        assert "another estimate with the number SO-TAKEN" in reasons["number taken"]
        assert (
            reasons["quantity in Arabic"]
            == "It cannot be read: line 1: qty is no number. Put that right in PocketAdvantage."
        )
        answers = inventiv.answers()
        assert {answers[number, 1]["sync_error"] for number in bad.values()} == set(reasons.values())
        # Said once; put right, they go.
        assert (await stage.turn()).problems == ()
        inventiv.correct(bad["unknown customer"], now, cust_no=inventiv.customers[0])
        inventiv.correct_lines(bad["no quantity"], now, qty="2")
        fixed = [bad["unknown customer"], bad["no quantity"]]
        await stage.through()
        assert stage.complaints([*good, *fixed]) == []
        assert inventiv.answers()[fixed[0], 1]["sync_error"] is None


def _estimate(stage: Stage, number: str, note: str) -> dict[str, Any]:
    books = stage.app.books[REALM]
    first = next(iter(books.truth("Invoice")))
    return {
        **first,
        "Id": books.next_id(),
        "DocNumber": number,
        "PrivateNote": note,
        "TxnStatus": "Pending",
        "LinkedTxn": [],
    }


async def test_customers_items_and_periods_are_looked_at(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        now, books = stage.clock.now(), stage.app.books[REALM]
        stage.books.closed = date(2020, 1, 31)
        (late,) = stage.inventiv.arrive(1, now, order_date="2020-01-31")
        customer, other = stage.inventiv.customers[:2]
        (idle,) = stage.inventiv.arrive(1, now, cust_no=customer)
        (good,) = stage.inventiv.arrive(1, now, cust_no=other)
        (long,) = stage.inventiv.arrive(1, now, cust_no=other, salesrep="x" * 32)
        (minus,) = stage.inventiv.arrive(1, now, cust_no=other, discount="99999999")
        (wordy,) = stage.inventiv.arrive(1, now, cust_no=other, memo="x" * 1001)
        record = {**(books.tables["Customer"].get(customer) or {}), "Active": False}
        books.change(put=[("Customer", record)], at=now)
        await stage.turn()
        assert "closed up to 2020-01-31" in stage.kept(late).reason
        assert "inactive in QuickBooks" in stage.kept(idle).reason
        assert "QuickBooks takes 31" in stage.kept(long).reason
        assert "discount is larger" in stage.kept(minus).reason
        assert "memo has 1,001 characters, and QuickBooks takes 1,000" in stage.kept(wordy).reason
        assert stage.complaints([good], [late, idle, long, minus, wordy]) == []


async def test_amendments_and_cancels_follow(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        inventiv = stage.inventiv
        numbers = inventiv.arrive(6, stage.clock.now())
        await stage.turn()
        changed, gone, invoiced, closed, deleted, reopened = numbers
        books = stage.app.books[REALM]
        (bill,), (shut,), (lost,) = (stage.estimates(number) for number in (invoiced, closed, deleted))
        now = stage.clock.now()
        books.change(put=[("Estimate", {**bill, "LinkedTxn": [{"TxnId": "77", "TxnType": "Invoice"}]}),
                          ("Estimate", {**shut, "TxnStatus": "Closed"})], remove=[("Estimate", lost["Id"])], at=now)  # fmt: skip
        for number in (changed, invoiced, closed, deleted):
            inventiv.amend(number, now)
        for number in (gone, reopened):
            inventiv.cancel(number, now)
        never = inventiv.arrive(1, now)[0]
        inventiv.cancel(never, now)
        done = await stage.turn()
        assert (done.counts.updated, done.counts.removed) == (1, 3)
        assert stage.complaints([changed], cancelled=[gone, reopened, never]) == []
        assert stage.estimates(changed)[0]["SyncToken"] == "1"
        assert [stage.kept(number).state for number in (invoiced, closed, deleted)] == [OrderState.FAILED] * 3
        assert "became an invoice" in stage.kept(invoiced).reason
        assert "is closed" in stage.kept(closed).reason
        assert "no longer in QuickBooks" in stage.kept(deleted).reason
        assert inventiv.answers()[gone, 2]["sync_status"] == "CANCELLED"
        assert stage.estimates(never) == []
        inventiv.amend(reopened, stage.clock.now())
        await stage.turn()
        assert stage.complaints([changed, reopened]) == []
        assert stage.estimates(reopened)[0]["TxnStatus"] == "Pending"


class TakesAnyNumber(Estimates):
    """A twin that does not care whose number it is."""

    def is_taken(self, order: Order) -> bool:
        return False


@pytest.mark.parametrize("sink, made", [(Estimates, 0), (TakesAnyNumber, 1)])
async def test_a_number_that_somebody_typed_into_quickbooks_meanwhile_is_not_used_twice(
    sqlite_database: Database, tmp_path: Path, sink: type[Estimates], made: int
) -> None:
    """It is not in the lake yet: the last look before sending finds it."""
    async with staged(sqlite_database, tmp_path, sink=sink) as stage:
        first, second, other = stage.inventiv.arrive(3, stage.clock.now())
        await stage.turn()
        books = stage.app.books[REALM]
        (typed,) = stage.estimates(other)
        (number,) = stage.inventiv.arrive(1, stage.clock.now())
        copy = {**typed, "Id": books.next_id(), "DocNumber": number, "PrivateNote": "typed in by hand"}
        books.change(put=[("Estimate", copy)], at=stage.clock.now())
        (beside,) = stage.inventiv.arrive(1, stage.clock.now())
        stage.books.behind = True
        await stage.turn()
        assert len(stage.estimates(number)) == made
        assert len(stage.estimates(beside)) == 1
        if not made:
            assert "another estimate with the number" in stage.inventiv.answers()[number, 1]["sync_error"]
        assert stage.complaints([first, second, other, beside]) == []


async def test_without_permission_nothing_is_sent(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        numbers = stage.inventiv.arrive(2, stage.clock.now())
        stage.may_write = False
        done = await stage.turn()
        assert (stage.writes(), [one.reason for one in done.problems]) == (0, [NOT_ALLOWED] * 2)
        assert stage.inventiv.answers()[numbers[0], 1]["sync_error"] == NOT_ALLOWED
        stage.may_write = True
        await stage.turn()
        assert stage.complaints(numbers) == []


async def test_a_company_that_allowed_no_writing_is_asked_for_nothing(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.inventiv.arrive(1, stage.clock.now())
        wanted = turns.OrdersIn(stage.wanted.source, stage.wanted.books, stage.wanted.place, stage.wanted.allowed)
        done = await turns.take(stage.ground, wanted, books=stage.books)
        assert [one.reason for one in done.problems] == [NOT_ALLOWED]
        assert list(stage.app.journal.entries) == []


async def test_a_company_that_allowed_it_is_written_to(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        numbers = stage.inventiv.arrive(2, stage.clock.now())
        books = stage.wanted.books
        assert isinstance(stage.access.tokens, MemoryTokens)
        tokens = stage.access.tokens.tokens
        credentials = Credentials(tokens.access, expires_at=tokens.expires_at)
        sealed = seal_credentials(stage.ground.seal, Place(ORGANIZATION, books.provider, books.account, 0), credentials)
        with stage.database.write() as session:
            row = session.get_one(ConnectionRow, books.id)
            row.credentials, row.can_write = sealed, True
            session.add(row)
        ground = replace(stage.ground, providers={books.provider: stage.access.settings})
        wanted = turns.OrdersIn(stage.wanted.source, books, stage.wanted.place, stage.wanted.allowed)
        done = await turns.take(ground, wanted, books=stage.books)
        assert (done.stopped, done.counts.added) == (None, 2)
        assert stage.complaints(numbers) == []


class Few(Estimates):
    """Three with one call."""

    @property
    def most(self) -> int:
        return 3


class NeverLooks(Estimates):
    """Sends again what is in doubt, without a look."""

    async def find_many(
        self, wanted: Sequence[tuple[Order, str]], traces: Sequence[Trace] = ()
    ) -> list[Written | None]:
        return [None] * len(wanted)


class ByNumber(Estimates):
    """Looks for an order by its number alone."""

    async def find_many(
        self, wanted: Sequence[tuple[Order, str]], traces: Sequence[Trace] = ()
    ) -> list[Written | None]:
        return await super().find_many(wanted)


class AllOrNothing(Estimates):
    """One order that is refused takes those beside it with it."""

    async def create_many(self, wanted: Sequence[tuple[Order, str]], batch: str) -> list[Written | ConnectorError]:
        outcomes = await super().create_many(wanted, batch)
        refused = [one for one in outcomes if isinstance(one, Refused)]
        return list(refused[:1] * len(wanted)) if refused else outcomes


class CursorFirst(Turn):
    """Says what was read before it kept it."""

    async def keep_page(self, found: Sequence[OrderRead], upto: str) -> bool:
        await self.advance(upto)
        self.ground.checkpoint("orders.kept")
        await self.write(lambda session: exchange_orders.keep(session, self.source, found, self.ground.clock.now()))
        return True


LOST = [
    Rule(Kind.RESET, path="/batch", accept=True),
    Rule(Kind.HANG, path="/batch"),
    Rule(Kind.RESET, path="/batch", accept=False),
]
if os.environ.get("SOAK"):
    LOST += [
        Rule(Kind.TRUNCATE, path="/batch", fraction=0.5),
        Rule(Kind.SERVER_ERROR, path="/batch", status=504, accept=True),
        Rule(Kind.HTML, path="/batch", accept=True),
    ]


@pytest.mark.parametrize(
    "rule, sink, loses",
    [*((rule, Estimates, False) for rule in LOST), (LOST[0], NeverLooks, True)],
    ids=lambda given: f"{given.kind}-{given.accept}" if isinstance(given, Rule) else "",
)
async def test_an_answer_that_is_lost_makes_no_second_estimate(
    sqlite_database: Database, tmp_path: Path, rule: Rule, sink: type[Estimates], *, loses: bool
) -> None:
    async with staged(sqlite_database, tmp_path, sink=sink, limits=hearing(rule.kind, QUICK)) as stage:
        numbers = stage.inventiv.arrive(4, stage.clock.now())
        stage.app.script.add(rule)
        first = await stage.turn()
        assert first.counts.added == 0
        assert first.again_at is not None
        assert stage.kept(numbers[0]).state is OrderState.SENDING
        # Before QuickBooks has given up on it, nobody looks, and nobody sends.
        writes = stage.writes()
        assert (await stage.turn()).counts.added == 0
        assert stage.writes() == writes
        await stage.through()
        assert (stage.complaints(numbers) != []) is loses


@pytest.mark.parametrize("sink, loses", [(Estimates, False), (ByNumber, True)])
@pytest.mark.parametrize("settled", [False, True])
async def test_what_a_person_renamed_is_not_written_again(
    sqlite_database: Database, tmp_path: Path, sink: type[Estimates], *, loses: bool, settled: bool
) -> None:
    """While its writing is in doubt, or before somebody has it taken again."""
    async with staged(sqlite_database, tmp_path, sink=sink, limits=hearing(LOST[0].kind, QUICK)) as stage:
        renamed, other = stage.inventiv.arrive(2, stage.clock.now())
        if not settled:
            stage.app.script.add(LOST[0])
        await stage.turn()
        (there,) = stage.estimates(renamed)
        stage.clock.advance(timedelta(minutes=1))
        stage.app.books[REALM].change(put=[("Estimate", {**there, "DocNumber": "BY-HAND"})], at=stage.clock.now())
        if settled:
            sqlite_database.in_write(lambda session: replay(session, SOURCE, renamed, stage.clock.now()))
        await stage.through()
        assert len(stage.estimates(renamed)) == (2 if loses else 1)
        if not loses:
            written = stage.kept(renamed).written
            assert written is not None
            assert (written.target_id, written.number) == (there["Id"], "BY-HAND")
            assert stage.complaints([renamed, other]) == []


async def test_a_number_without_its_note_is_left_to_a_person(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, limits=hearing(LOST[0].kind, QUICK)) as stage:
        bare, other = stage.inventiv.arrive(2, stage.clock.now())
        stage.app.script.add(LOST[0])
        await stage.turn()
        (there,) = stage.estimates(bare)
        stage.app.books[REALM].change(put=[("Estimate", {**there, "PrivateNote": ""})], at=stage.clock.now())
        await stage.through()
        assert stage.estimates(bare) == [], "no second one is made"
        assert "another estimate with the number" in stage.kept(bare).reason
        assert stage.complaints([other]) == []


class KnowsNoIds(Estimates):
    """A twin that takes what lost its number and its note for something else."""

    def renamed(self, order: Order) -> str | None:
        return None


@pytest.mark.parametrize("sink, loses", [(Estimates, False), (KnowsNoIds, True)])
async def test_what_lost_its_number_and_its_note_is_left_to_a_person(
    sqlite_database: Database, tmp_path: Path, sink: type[Estimates], *, loses: bool
) -> None:
    """It is there still, under the id that QuickBooks gave it: a second one would be the order twice."""
    async with staged(sqlite_database, tmp_path, sink=sink) as stage:
        (number,) = stage.inventiv.arrive(1, stage.clock.now())
        await stage.turn()
        (there,) = stage.estimates(number)
        books, lost = stage.app.books[REALM], {**there, "DocNumber": "BY-HAND", "PrivateNote": "for Ann"}
        books.change(put=[("Estimate", lost)], at=stage.clock.now())
        sqlite_database.in_write(lambda session: replay(session, SOURCE, number, stage.clock.now()))
        await stage.through()
        assert len(stage.estimates(number)) == loses
        if loses:
            return
        assert "has the number BY-HAND in QuickBooks now" in stage.kept(number).reason
        assert stage.inventiv.answers()[number, 1]["sync_status"] == "FAILED"
        books.change(put=[("Estimate", {**lost, "PrivateNote": f"PA {number}"})], at=stage.clock.now())
        sqlite_database.in_write(lambda session: replay(session, SOURCE, number, stage.clock.now()))
        await stage.through()
        assert stage.complaints([number]) == []


async def test_quickbooks_pace_is_kept_and_nothing_is_in_doubt(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, width=1, sink=Few) as stage:
        numbers = stage.inventiv.arrive(7, stage.clock.now())
        stage.app.script.add(Rule(Kind.RATE_LIMIT, path="/batch", nth=2))
        done = await stage.turn()
        assert (done.counts.added, getattr(done.stopped, "code", "")) == (3, "throttled")
        assert done.again_at is not None
        assert stage.kept(numbers[-1]).state is OrderState.NEW
        await stage.through()
        assert stage.complaints(numbers) == []
        # Before a call that writes there is one look; what was refused for its pace needs no other.
        looks = [one.entity for one in stage.app.journal.entries if one.operation == "query"]
        assert (len(looks), set(looks)) == (stage.writes(), {"Estimate"})


async def test_a_silent_quickbooks_is_not_asked_on_and_on(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, width=1, sink=Few) as stage:
        numbers = stage.inventiv.arrive(12, stage.clock.now())
        stage.app.script.add(Rule(Kind.SERVER_ERROR, path="/batch", times=None))
        done = await stage.turn()
        assert isinstance(done.stopped, Retry)
        assert stage.writes() == 3
        stage.app.script.clear()
        await stage.through()
        assert stage.complaints(numbers) == []


async def test_a_lost_grant_stops_the_turn_and_loses_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        numbers = stage.inventiv.arrive(2, stage.clock.now())
        stage.app.script.add(Rule(Kind.REVOKE, path="/batch"))
        done = await stage.turn()
        assert isinstance(done.stopped, Reconnect)
        assert stage.kept(numbers[0]).state is OrderState.NEW


@pytest.mark.parametrize("sink, loses", [(Estimates, False), (AllOrNothing, True)])
async def test_what_quickbooks_refuses_keeps_no_other(
    sqlite_database: Database, tmp_path: Path, sink: type[Estimates], *, loses: bool
) -> None:
    async with staged(sqlite_database, tmp_path, sink=sink) as stage:
        numbers = stage.inventiv.arrive(5, stage.clock.now())
        # QuickBooks knows better than what was imported: this tax code is not there.
        (bad,) = stage.inventiv.arrive(1, stage.clock.now())
        stage.inventiv.correct_lines(bad, stage.clock.now(), tax_code="99")
        done = await stage.turn()
        assert bad in {one.key for one in done.problems}
        assert "does not know its customer, an item or a tax code" in stage.kept(bad).reason
        assert (stage.complaints(numbers, [bad]) != []) is loses


@pytest.mark.parametrize("kind, loses", [(Turn, False), (CursorFirst, True)])
async def test_killed_at_every_point(
    sqlite_database: Database, tmp_path: Path, kind: type[Turn], *, loses: bool
) -> None:
    async with staged(sqlite_database, tmp_path, width=1, kind=kind) as stage:
        start = stage.clock.now() - timedelta(days=20)
        good: list[str] = []
        for place, point in enumerate(POINTS):
            # A day later each: the overlap of the next reading does not cover it.
            at = start + timedelta(days=place)
            good += [number for hour in range(4) for number in stage.inventiv.arrive(1, at + timedelta(hours=3 * hour))]
            if place == 3:
                stage.inventiv.amend(good[0], at)
                stage.inventiv.cancel(good.pop(1), at)
            await stage.dies_at(point)
            stage.clock.advance(timedelta(minutes=8))
        good += stage.inventiv.arrive(1, start + timedelta(days=len(POINTS)))
        await stage.through()
        assert (stage.complaints(good) != []) is loses


async def test_killed_in_the_middle_of_second_tries(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, width=1) as stage:
        numbers = stage.inventiv.arrive(5, stage.clock.now())
        stage.app.script.add(Rule(Kind.RESET, path="/batch", accept=False))
        await stage.turn()
        for point in ("orders.claimed", "orders.sent", "orders.settled", "orders.sent"):
            stage.clock.advance(timedelta(minutes=8))
            await stage.dies_at(point, 2)
        stage.clock.advance(timedelta(minutes=8))
        await stage.through()
        assert stage.complaints(numbers) == []


async def test_two_workers_at_once_write_each_order_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        numbers = stage.inventiv.arrive(20, stage.clock.now())
        first, second = await asyncio.gather(stage.turn(), stage.turn())
        assert sorted((first.busy, second.busy)) == [False, True] or stage.complaints(numbers) == []
        # A lease that ran out under a worker that lives: both are at it.
        numbers += stage.inventiv.arrive(20, stage.clock.now())
        turn = Turn(stage.ground, stage.wanted, stage.books)
        other = Turn(stage.ground, stage.wanted, stage.books)
        await asyncio.gather(turn.run(), other.run())
        assert stage.complaints(numbers) == []


async def test_a_person_lets_an_order_go_again_and_it_is_there_once(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        number, other = stage.inventiv.arrive(2, stage.clock.now())
        await stage.turn()

        def again(which: str) -> str:
            return stage.database.in_write(lambda session: replay(session, SOURCE, which, stage.clock.now())).said

        assert "looked for in QuickBooks" in again(number)
        writes = stage.writes()
        await stage.through()
        assert (stage.complaints([number, other]), stage.writes()) == ([], writes)
        # Deleted there, it is made again, though QuickBooks remembers the request.
        (made,) = stage.estimates(number)
        stage.app.books[REALM].change(remove=[("Estimate", made["Id"])], at=stage.clock.now())
        again(number)
        assert "on its way already" in again(number)
        await stage.through()
        assert stage.complaints([number, other]) == []
        assert again("SO-NONE").startswith("No order SO-NONE")
        # Gone from the view, and in QuickBooks: all is well.
        again(other)
        stage.inventiv.correct(other, stage.clock.now(), status="HELD")
        await stage.through()
        assert (stage.kept(other).state, stage.kept(other).reason) == (OrderState.CONFIRMED, "")
        (made,) = stage.estimates(other)
        # Gone from both: said, and nothing is sent.
        stage.app.books[REALM].change(remove=[("Estimate", made["Id"])], at=stage.clock.now())
        again(other)
        await stage.through()
        assert "no longer shows it" in stage.kept(other).reason
        assert stage.estimates(other) == []


class Desk:
    """QuickBooks Desktop: takes orders, and answers when it likes."""

    target = "desktop"

    def __init__(self, session: object) -> None:
        self.taken: list[str] = []

    async def find(self, order: Order, request_id: str) -> Written | None:
        return None

    async def create(self, order: Order, request_id: str) -> Written:
        raise Waiting("QuickBooks Desktop asks for it.")

    async def change(self, order: Order, request_id: str, before: Written) -> Written:
        raise Waiting("QuickBooks Desktop asks for it.")

    async def cancel(self, order: Order, request_id: str, before: Written) -> None:
        raise Waiting("QuickBooks Desktop asks for it.")


async def test_an_order_that_is_answered_later_waits(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, sink=Desk) as stage:
        number, refused = stage.inventiv.arrive(2, stage.clock.now())
        assert (await stage.turn()).waiting == 2
        assert stage.inventiv.answers()[number, 1]["sync_status"] == "WAITING"
        waiting = stage.database.in_read(lambda session: exchange_orders.waiting(session, SOURCE))
        assert [one.order_no for one in waiting] == [number, refused]
        assert all(one.order is not None for one in waiting)

        def settle(which: int, outcome: Written | Refusal) -> bool:
            now = stage.clock.now()
            return (
                stage.database.in_write(lambda session: settled(session, waiting[which].id, outcome, now)) is not None
            )

        assert settle(0, Written("8A-1", "1001", "77"))
        assert settle(1, Refusal("Item A is inactive in QuickBooks."))
        assert not settle(0, Written("8A-2", "1001"))
        await stage.turn()
        answers = stage.inventiv.answers()
        assert (answers[number, 1]["sync_status"], answers[number, 1]["sync_id"]) == ("SENT", "8A-1")
        assert answers[refused, 1]["sync_error"] == "Item A is inactive in QuickBooks."


async def test_hostile_numbers_are_found_again(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        numbers = ["O'Neil\\5", "%' OR '1'='1", "<b>1</b>", "=cmd|1"]
        for number in numbers:
            stage.inventiv.put(number, 1, stage.clock.now())
        stage.app.script.add(Rule(Kind.RESET, path="/batch", accept=True))
        await stage.turn()
        await stage.through()
        assert stage.complaints(numbers) == []


async def test_a_dry_run_says_what_would_be_and_writes_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.inventiv.arrive(3, stage.clock.now())
        bad = stage.inventiv.bad("unknown item", stage.clock.now())
        said = await turns.dry_run(stage.ground, stage.wanted, books=stage.books)
        assert (said.read, said.counts.added, [one.key for one in said.problems]) == (4, 3, [bad])
        assert (stage.writes(), stage.inventiv.answers()) == (0, {})
        assert stage.database.in_read(lambda session: exchange_orders.counts(session, SOURCE)) == {}
        await stage.turn()
        assert (await turns.dry_run(stage.ground, stage.wanted, books=stage.books)).counts.added == 0


async def test_a_database_that_is_away_stops_no_sending(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        numbers = stage.inventiv.arrive(2, stage.clock.now())
        stage.app.script.add(Rule(Kind.RATE_LIMIT, path="/batch"))
        await stage.turn()
        stage.inventiv.path.rename(tmp_path / "away.db")
        stage.clock.advance(timedelta(minutes=8))
        done = await stage.turn()
        assert (getattr(done.stopped, "code", ""), done.counts.added) == ("database_missing", 2)
        (tmp_path / "away.db").rename(stage.inventiv.path)
        await stage.turn()
        assert stage.complaints(numbers) == []
