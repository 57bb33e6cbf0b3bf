"""What a pair is expected to do by when is seen, and support is told where not even its sweep comes."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from connectors.pocketadvantage.transfer.port import WHOLE
from jobs.desk import Desk
from jobs.expectations.judging import EXCHANGE_ENDED, EXCHANGED, Judge
from jobs.expectations.ledger import Ledger
from jobs.expectations.reporting import Reporter, SupportPlaces
from storage.facts.exchange import Pair, RunState
from storage.facts.expectations import ExpectationKind, Expected
from storage.facts.people import Role
from storage.records import exchange, expectations
from storage.sessions import Database, Session
from tests.jobs.exchange.nights import Company, actor, company

#: the window of New York's night opens, and closes
DUE, CLOSES = datetime(2026, 10, 31, 6, tzinfo=UTC), datetime(2026, 10, 31, 9, tzinfo=UTC)
PLACES = SupportPlaces("T0SUPPORT/C0DATASUP", "data-support@tidings.example")


class Forgetful(Judge):
    """Twin: files and orders are nobody's business but their own sweep's."""

    def late(self, session: Session, now: datetime) -> list[Expected]:
        return [one for one in super().late(session, now) if one.kind is not ExpectationKind.EXCHANGE]


def missing(world: Company, at: datetime, *, loses: bool = False) -> list[str]:
    """Let the ledger look then, by a process that runs; return the pairs that it misses."""
    judge = (Forgetful if loses else Judge)(frozenset())
    ledger = Ledger(world.database, world.clock, judge, Reporter(world.database, world.enqueue, PLACES))
    for seconds in (200, 150, 100, 50, 0):
        world.clock.at = at - timedelta(seconds=seconds)
        ledger.tick()
    found = world.database.in_read(expectations.still_missing)
    return [one.subject for one in found if one.kind is ExpectationKind.EXCHANGE]


@pytest.mark.parametrize("loses", [False, True])
async def test_a_night_that_nobody_begins_is_missed(sqlite_database: Database, tmp_path: Path, *, loses: bool) -> None:
    world = company(sqlite_database, tmp_path)
    world.on(Pair.CUSTOMERS, Pair.ITEMS)
    world.collect()
    world.clock.at = DUE - timedelta(minutes=1)
    views = await world.service(Desk(sqlite_database.url)).view(actor(Role.VIEWER))
    by = {one.pair.pair: one.expected_by for one in views[0].pairs}
    assert (by[Pair.CUSTOMERS], by[Pair.VENDORS]) == (CLOSES, None), "what is off is expected by nobody"
    assert missing(world, DUE + EXCHANGED - timedelta(minutes=1)) == []
    both = [] if loses else sorted(world.pair(one).id for one in (Pair.CUSTOMERS, Pair.ITEMS))
    assert sorted(missing(world, DUE + EXCHANGED + timedelta(minutes=1), loses=loses)) == both
    # Once it is made up for, by itself or because a person stops it, nothing is missing.
    await world.worked()
    assert missing(world, DUE + EXCHANGED + timedelta(minutes=10), loses=loses) == []


@pytest.mark.parametrize("loses", [False, True])
async def test_a_run_that_nobody_ends_is_missed(sqlite_database: Database, tmp_path: Path, *, loses: bool) -> None:
    world = company(sqlite_database, tmp_path)
    world.on(Pair.CUSTOMERS)
    world.collect()
    world.clock.at = DUE
    await world.sweep()  # it is begun, and nobody works
    pair = world.pair(Pair.CUSTOMERS)
    assert missing(world, CLOSES + EXCHANGE_ENDED - timedelta(minutes=5), loses=loses) == []
    assert missing(world, CLOSES + EXCHANGE_ENDED + timedelta(minutes=1), loses=loses) == ([] if loses else [pair.id])
    run = sqlite_database.in_read(lambda session: exchange.active(session, pair.id))
    assert run is not None
    sqlite_database.in_write(lambda session: exchange.advance(session, run, state=RunState.FAILED))
    assert missing(world, CLOSES + EXCHANGE_ENDED + timedelta(minutes=10), loses=loses) == []


def test_a_file_that_began_in_time_has_all_of_its_own() -> None:
    assert timedelta(seconds=WHOLE) + timedelta(minutes=15) <= EXCHANGE_ENDED
