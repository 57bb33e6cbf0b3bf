"""The orders of an earlier run are taken again by one press, and none of them stands in QuickBooks twice."""

from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.quickbooks.estimates import Estimates
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.exchange.mappings import chosen
from jobs.exchange.orders import turn as turns
from jobs.exchange.orders.replaying import replay, run_again
from jobs.exchange.orders.turn import Turn
from jobs.exchange.pairs import confirmed
from jobs.exchange.service import ExchangeService
from jobs.refresh.ask import TriggerKey
from sandbox.providers.catalogue import REALM
from storage.facts.exchange import ExchangeRun, Pair, RunState, Trigger
from storage.facts.exchange_orders import OrderState
from storage.facts.people import Role
from storage.records import exchange, exchange_orders
from storage.sessions import Database, Session
from storage.tables import MemberRow, WorkspaceRow
from tests.jobs.exchange.nights import actor
from tests.jobs.exchange.orders.taken import CUST_ID, ORGANIZATION, SOURCE, Killed, Stage, staged
from tests.jobs.exchange.orders.test_taking import NeverLooks


def begun(stage: Stage, slot: str) -> ExchangeRun:
    """Let a run of the orders begin now, as the clock does it."""
    now = stage.clock.now()

    def write(session: Session) -> ExchangeRun:
        if not exchange.pairs_of_source(session, SOURCE):
            confirmed(session, ORGANIZATION, SOURCE, "src_books", now)
            session.add(WorkspaceRow(team_id="T1", organization_id=ORGANIZATION, name="Temerity"))
            session.flush()
            for role in ("manager", "viewer"):
                session.add(MemberRow(id=f"mem_{role}", organization_id=ORGANIZATION, team_id="T1", user_id=f"U{role}",
                                      name=role, role=role))  # fmt: skip
        pair = next(one for one in exchange.pairs_of_source(session, SOURCE) if one.pair is Pair.ORDERS)
        exchange.add_run(
            session, id=f"xrn_{slot}", organization_id=ORGANIZATION, source_id=SOURCE, books_id="src_books",
            pair_id=pair.id, pair=pair.pair.value, trigger=Trigger.SCHEDULE.value, slot=slot, requested_at=now,
            slot_at=now, deadline=now, started_at=now,
        )  # fmt: skip
        return exchange.run(session, f"xrn_{slot}")

    return stage.database.in_write(write)


def ended(stage: Stage, run: ExchangeRun) -> None:
    values = {"state": RunState.DONE, "finished_at": stage.clock.now()}
    stage.database.in_write(lambda session: exchange.advance(session, run, **values))


@pytest.mark.parametrize("loses", [False, True])
async def test_a_run_is_taken_again_and_each_order_is_there_once(
    sqlite_database: Database, tmp_path: Path, *, loses: bool
) -> None:
    async with staged(sqlite_database, tmp_path, sink=NeverLooks if loses else Estimates) as stage:
        service = ExchangeService(Desk(sqlite_database.url), stage.clock, lambda _session, _work: None, None, chosen)  # type: ignore[arg-type]  # no file is asked for
        (before,) = stage.inventiv.arrive(1, stage.clock.now())
        await stage.turn()
        stage.clock.advance(timedelta(minutes=15))
        numbers = stage.inventiv.arrive(3, stage.clock.now())
        run = begun(stage, "1")
        with pytest.raises(TooLateError, match="works right now"):
            await service.replay(actor(), run.id, TriggerKey("T1", "0"))
        await stage.turn()
        ended(stage, run)
        stage.clock.advance(timedelta(minutes=15))
        empty = begun(stage, "2")
        ended(stage, empty)
        with pytest.raises(TooLateError, match="no order that can be taken again"):
            await service.replay(actor(), empty.id, TriggerKey("T1", "2"))
        (made,) = stage.estimates(numbers[0])
        stage.app.books[REALM].change(remove=[("Estimate", made["Id"])], at=stage.clock.now())
        for who, which, why in (
            (actor(Role.VIEWER), run.id, NotAllowedError),
            (actor(organization="org_2"), run.id, NotFoundError),
            (actor(), "xrn_of_nobody", NotFoundError),
        ):
            with pytest.raises(why):
                await service.replay(who, which, TriggerKey("T1", f"{which} {why}"))
        for _ in range(2):
            again = await service.replay(actor(), run.id, TriggerKey("T1", "3"))
        assert (again.trigger, again.of_run) == (Trigger.REPLAY, run.id)
        await run_again(stage.ground, again)
        taken = await stage.turn()
        if loses:
            assert stage.complaints([before, *numbers]) != []
            return
        assert (taken.there, taken.counts.added) == (2, 1), "two are there, and the one that was deleted is made again"
        assert stage.complaints([before, *numbers]) == []


@pytest.mark.parametrize("loses", [False, True])
async def test_a_death_between_two_portions_takes_no_order_again_twice(
    sqlite_database: Database, tmp_path: Path, *, loses: bool
) -> None:
    """Each portion is whole. The twin does not know since when they are wanted again."""
    async with staged(sqlite_database, tmp_path) as stage:
        numbers = stage.inventiv.arrive(4, stage.clock.now())
        first = begun(stage, "1")
        await stage.turn()
        ended(stage, first)
        stage.clock.advance(timedelta(minutes=15))
        run = begun(stage, "2")
        run = replace(run, of_run=first.id, requested_at=run.requested_at + timedelta(days=30 * loses))
        stage.dies.at, stage.dies.left = "orders.again", 2
        with pytest.raises(Killed):
            await run_again(stage.ground, run, at_once=1)
        states = [stage.kept(number).state for number in numbers]
        assert states == [OrderState.SENDING] * 2 + [OrderState.CONFIRMED] * 2
        # Somebody else's turn comes in between.
        stage.clock.advance(timedelta(minutes=1))
        await stage.turn()
        await run_again(stage.ground, run, at_once=3)
        await stage.turn()
        assert stage.complaints(numbers) == []
        once = [exchange_orders.request_id(SOURCE, (CUST_ID, number, 1), 1) for number in numbers]
        assert ([stage.kept(number).request_id for number in numbers] != once) == loses


class Guesses(Turn):
    """Twin: what it did not come to read is no longer there."""

    async def _ingested(self) -> turns._Read:
        found = await super()._ingested()
        due = await self._read(lambda session: exchange_orders.due(session, SOURCE, self._now(), 10))
        self._gone |= {one.id: "It is not there any more." for one in due if one.order is None}
        return found


class OneByOne(Turn):
    """Reads one of them in a turn."""

    at_once = 1


class GuessesOneByOne(Guesses, OneByOne):
    """Twin: the same, and guesses."""


@pytest.mark.parametrize("how", ["nobody answers", "more than one turn reads"])
@pytest.mark.parametrize("loses", [False, True])
async def test_what_is_taken_again_waits_until_it_was_read(
    sqlite_database: Database,
    tmp_path: Path,
    how: str,
    *,
    loses: bool,
) -> None:
    async with staged(sqlite_database, tmp_path, kind=Guesses if loses else Turn) as stage:
        # It cannot be sent, and stays before them in the order of their changes.
        bad = stage.inventiv.bad("unknown item", stage.clock.now() - timedelta(minutes=1))
        numbers = stage.inventiv.arrive(2, stage.clock.now())
        await stage.turn()
        for number in numbers:
            (made,) = stage.estimates(number)
            stage.app.books[REALM].change(remove=[("Estimate", made["Id"])], at=stage.clock.now())
        stage.clock.advance(timedelta(minutes=15))
        for number in numbers:
            sqlite_database.in_write(lambda session: replay(session, SOURCE, number, stage.clock.now()))  # noqa: B023 - called at once
        answering = stage.wanted
        if how == "nobody answers":
            stage.wanted = replace(answering, place=replace(answering.place, view="v_that_is_gone"))
        else:
            stage.kind = GuessesOneByOne if loses else OneByOne
        await stage.turn()
        left = [one for one in map(stage.kept, numbers) if one.state is not OrderState.CONFIRMED]
        assert len(left) == (2 if how == "nobody answers" else 1)
        assert all(one.state is OrderState.SENDING for one in left) != loses
        if loses:
            return
        assert all("could not be asked yet" in one.reason for one in left)
        stage.wanted = answering
        await stage.through()
        assert stage.complaints(numbers, [bad]) == []
