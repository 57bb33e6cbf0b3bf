"""What is not remembered here is looked for there: erased connections, equal numbers, many orders of one moment."""

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from connectors.quickbooks.estimates import Estimates
from jobs.exchange.orders import turn as turns
from jobs.exchange.orders.turn import Turn
from storage.facts.exchange_orders import Into, OrderRead, OrderState
from storage.records import exchange, exchange_orders, sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, SourceRow
from tests.jobs.exchange.orders.taken import ORGANIZATION, SOURCE, Stage, staged
from tests.jobs.exchange.orders.test_taking import NeverLooks

OTHER = "src_other"


@pytest.mark.parametrize("sink, loses", [(Estimates, False), (NeverLooks, True)])
async def test_orders_of_an_erased_connection_are_not_written_again(
    sqlite_database: Database,
    tmp_path: Path,
    sink: type[Estimates],
    loses: bool,  # noqa: FBT001 - a case
) -> None:
    async with staged(sqlite_database, tmp_path, sink=sink) as stage:
        numbers = stage.inventiv.arrive(3, stage.clock.now())
        await stage.turn()
        stage.database.in_write(lambda session: exchange_orders.forget(session, SOURCE))
        stage.inventiv.amend(numbers[0], stage.clock.now())
        (fresh,) = stage.inventiv.arrive(1, stage.clock.now())
        await stage.through()
        assert bool(stage.complaints([*numbers, fresh])) == loses


def _second(stage: Stage) -> None:
    """Let another connection bring the same orders into the same company."""

    def write(session: Session) -> None:
        row = session.get_one(SourceRow, SOURCE).model_dump()
        session.add(SourceRow(**{**row, "id": OTHER, "account": "ACME02", "label": "other"}))
        session.flush()
        now = stage.clock.now()
        session.add(ConnectionRow(source_id=OTHER, organization_id=ORGANIZATION, state="connected", since=now))
        for source_id in (SOURCE, OTHER):
            exchange.add_pair(session, id=f"pair_{source_id}", organization_id=ORGANIZATION, source_id=source_id,
                              books_id=stage.wanted.books.id, pair="orders", schedule="every 15",
                              created_at=now)  # fmt: skip

    stage.database.in_write(write)


async def test_two_connections_with_the_same_numbers_touch_no_estimate_of_each_other(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path) as stage:
        _second(stage)
        numbers = stage.inventiv.arrive(3, stage.clock.now())
        other = replace(
            stage.wanted, source=stage.database.in_read(lambda session: sources.source(session, OTHER)), width=1
        )
        await asyncio.gather(stage.turn(), turns.take(stage.ground, other, books=stage.books))
        await stage.turn()
        assert [len(stage.estimates(number)) for number in numbers] == [1, 1, 1]

        def kept(session: Session) -> list[tuple[OrderState, str]]:
            found = [
                exchange_orders.revisions(session, source, number)[0]
                for source in (SOURCE, OTHER)
                for number in numbers
            ]
            return sorted((one.state, one.reason) for one in found)

        states = stage.database.in_read(kept)
        assert [state for state, _ in states] == [OrderState.BLOCKED] * 3 + [OrderState.CONFIRMED] * 3
        assert all("same QuickBooks company" in reason for _, reason in states[:3])


@pytest.mark.parametrize("into, taken", [(Into("estimate", "src_books"), True), (Into("desktop"), False)])
async def test_a_number_of_an_estimate_is_free_for_a_sales_order(
    sqlite_database: Database, tmp_path: Path, into: Into, *, taken: bool
) -> None:
    """One connection's orders become Estimates, another one's go into QuickBooks Desktop, and both count from 1."""
    async with staged(sqlite_database, tmp_path) as stage:
        _second(stage)
        (number,) = stage.inventiv.arrive(1, stage.clock.now())
        await stage.turn()

        def asked(session: Session) -> set[str]:
            found = replace(exchange_orders.revisions(session, SOURCE, number)[0], source_id=OTHER)
            return exchange_orders.taken_elsewhere(session, [found], into)

        assert sqlite_database.in_read(asked) == ({number} if taken else set())


class Small(Turn):
    """Two pages of four orders."""

    most_pages, most_orders = 2, 4


class CountsAll(Small):
    """A twin that counts pages of what it knows."""

    async def keep_page(self, found: list[OrderRead], upto: str) -> bool:  # type: ignore[override]  # as it is called
        await super().keep_page(found, upto)
        return True


@pytest.mark.parametrize("kind, loses", [(Small, False), (CountsAll, True)])
async def test_what_is_read_again_keeps_nothing_new_out(
    sqlite_database: Database,
    tmp_path: Path,
    kind: type[Turn],
    loses: bool,  # noqa: FBT001 - a case
) -> None:
    async with staged(sqlite_database, tmp_path, kind=kind) as stage:
        numbers = stage.inventiv.arrive(14, stage.clock.now() - timedelta(hours=5))
        for _ in range(3):
            await stage.turn()
        assert (len(stage.estimates()) < len(numbers)) == loses


async def test_content_that_changed_is_not_claimed_by_who_saw_the_former(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        stage.may_write = False
        (number,) = stage.inventiv.arrive(1, stage.clock.now())
        await stage.turn()
        seen = stage.kept(number)
        stage.inventiv.correct(number, stage.clock.now(), memo="another one")
        await stage.turn()
        now = stage.clock.now()
        claim = stage.database.in_write(
            lambda session: exchange_orders.claim(session, seen, Into("estimate"), now, now)
        )
        assert not claim


class LooksAtTwo(Turn):
    """Looks at two orders in one go."""

    look = 2


async def test_orders_that_cannot_be_sent_keep_no_later_one_out(sqlite_database: Database, tmp_path: Path) -> None:
    """However many there are, looked at by so many at once."""
    async with staged(sqlite_database, tmp_path, kind=LooksAtTwo) as stage:
        bad = [stage.inventiv.bad("unknown item", stage.clock.now() - timedelta(minutes=5)) for _ in range(3)]
        for _ in range(2):
            numbers = stage.inventiv.arrive(3, stage.clock.now())
            await stage.turn()
            assert stage.complaints(numbers, bad) == []
            stage.clock.advance(timedelta(minutes=15))
