"""The whole product dies while it reads for the first time, period by period: what was committed is not read again."""

import json
import os
import re
import signal
from collections import Counter
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from sqlmodel import col, select

from bot.cli.seed import modes
from bot.cli.stories import truths
from bot.cli.stories.comparing import compared
from connectors.base import mark
from sandbox.providers.amazon.shop import Shop
from sandbox.providers.catalogue import SHOP
from sandbox.world import SEED_FILE
from storage.facts.runs import Run, RunState, Trigger
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from storage.records import runs, sources
from storage.seal import Seal
from storage.seed_file import CredentialsSeed, SourceSeed, load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import RunRow
from tests.faults.lives import ForkServer
from tests.faults.world import DANIEL, World, world_on

SELLER = "A2TEMERITYUS01"
SOAK = bool(os.environ.get("SOAK"))
#: the second period is in, and nobody was told; the third was read and is not in
COMMITTED, READ = "warehouse.after_commit:2", "run.collected"
#: where else it dies on its way to the end
FURTHER = ("warehouse.before_commit", "run.loaded", "run.before_end", "run.after_end") if SOAK else ()


@pytest.fixture(params=["sqlite", "postgres"] if SOAK else ["sqlite"])
def database(request: pytest.FixtureRequest) -> Database:
    found: Database = request.getfixturevalue(f"{request.param}_database")
    return found


@pytest.mark.timeout(900)
def test_a_shops_first_read_goes_on_where_it_was_killed(database: Database, tmp_path: Path, server: ForkServer) -> None:
    with world_on(database, tmp_path, server, size=40) as world:
        world.slices = True
        source = _source(world, Provider.SHOPIFY)
        world.begin(crash_at=COMMITTED)
        world.asked(DANIEL, "refresh shopify")
        _died(world)
        border, asked = _border(world, source, "orders"), len(world.sandbox.shopify.journal.entries)
        _dies_and_ends(world, source)
        assert _orders_read_again(world, border, asked) == []
        assert _wrong(world, source, truths.shopify(world.sandbox.shopify.shops[SHOP])) == []


@pytest.mark.timeout(900)
def test_a_sellers_first_read_goes_on_where_it_was_killed(
    sqlite_database: Database, tmp_path: Path, server: ForkServer
) -> None:
    """Amazon makes its reports at its own pace: between two deaths so much time passes that it allows some more."""
    with world_on(sqlite_database, tmp_path, server, size=2) as world:
        world.slices = True
        source, shop = _amazon(world), world.sandbox.amazon.shops[SELLER]
        world.do(lambda: _trades(shop, world.clock.now(), *(timedelta(days) for days in range(20, 170, 15))))
        world.begin(crash_at="warehouse.after_commit")
        world.asked(DANIEL, "refresh amazon")
        _died(world)
        committed = _fetched(world)
        for point in (READ, "warehouse.after_commit") if SOAK else (READ,):
            _pause(world, shop)
            world.begin(crash_at=point)
            _died(world)
        _pause(world, shop)
        world.begin()
        assert world.look(lambda: _whole(world, source), 60), world.life
        world.settled(120)
        assert [run.trigger for run in _runs(world, source)] == [Trigger.REQUEST, Trigger.OLDER, Trigger.OLDER]
        assert committed
        assert {one: times for one, times in _fetched(world).items() if one in committed and times > 1} == {}
        made = Counter((one.type, one.marketplaces, one.start, one.end) for one in shop.desk.made.values())
        assert [one for one, times in made.items() if times > 1] == []
        truth = truths.amazon(world.sandbox.amazon, SELLER, world.clock.now(), again=False)
        assert _wrong(world, source, truth) == []


@pytest.mark.timeout(900)
def test_a_cursor_that_is_not_saved_with_its_rows_is_caught(
    sqlite_database: Database, tmp_path: Path, server: ForkServer
) -> None:
    """The same check on a twin that commits a period without its cursor."""
    with world_on(sqlite_database, tmp_path, server, size=40) as world:
        world.slices = True
        world.begin(crash_at="warehouse.after_commit", twin="cursors-later")
        world.asked(DANIEL, "refresh shopify")
        _died(world)
        assert _cursor(world, _source(world, Provider.SHOPIFY), "orders") is None
        asked = len(world.sandbox.shopify.journal.entries)
        world.begin()
        # Where its cursor would stand does not matter: the whole list is read again.
        assert world.look(lambda: _orders_read_again(world, date.max, asked), 60), world.life


def _died(world: World) -> None:
    assert world.life is not None
    assert world.life.died() == -signal.SIGKILL, world.life.tail()


def _dies_and_ends(world: World, source: Source) -> None:
    """Let it die some more, and then read all that is left by itself."""
    for point in (READ, *FURTHER):
        world.begin(crash_at=point)
        _died(world)
    world.begin()
    last = world.look(lambda: _whole(world, source), 60)
    assert last, world.life.tail() if world.life else ""
    world.settled(120)
    ended = [run for run in _runs(world, source) if run.state is RunState.READY]
    assert [run.trigger for run in ended][1:] == [Trigger.OLDER] * (len(ended) - 1)
    assert len(ended) > 2


def _source(world: World, provider: Provider) -> Source:
    found = world.database.in_read(lambda session: sources.sources_of(session, world.organization_id))
    return next(source for source in found if source.provider is provider)


def _amazon(world: World) -> Source:
    """Let the organization have an account at Amazon, too."""
    grant = world.sandbox.amazon.oauth.grant(SELLER)
    more = SourceSeed(
        provider=Provider.AMAZON,
        account=SELLER,
        company="Temerity Goods",
        region="na",
        credentials=CredentialsSeed(refresh_token=SecretStr(grant.refresh_token)),
    )
    seed = load_seed(SEED_FILE, world.do(world.sandbox.credentials))
    how = Seeding(Seal([Secret(world.settings["SECRET_KEYS"])]), world.clock.now(), modes())
    seed = seed.model_copy(update={"sources": [more]})
    world.database.in_write(lambda session: write_seed(session, seed, how))
    return _source(world, Provider.AMAZON)


def _trades(shop: Shop, now: datetime, *ago: timedelta) -> None:
    """Leave no report of a period empty, nor of what is new: that costs looks at Amazon's list, which are few."""
    for each in (timedelta(minutes=2), *ago):
        shop.trade.sell(now - each)
        shop.give_back(now - each)


def _pause(world: World, shop: Shop) -> None:
    """Let Amazon's buckets fill again, and business go on."""
    world.pass_time(minutes=16)
    world.do(lambda: _trades(shop, world.clock.now()))


def _fetched(world: World) -> Counter[str]:
    """Return how often each document was fetched."""
    entries = world.sandbox.amazon.journal.entries
    return Counter(one.path for one in entries if one.operation == "download")


def _runs(world: World, source: Source) -> list[Run]:
    def read(session: Session) -> list[Run]:
        rows = session.exec(select(RunRow).where(RunRow.source_id == source.id).order_by(col(RunRow.requested_at)))
        return [runs.as_run(row) for row in rows]

    return world.database.in_read(read)


def _whole(world: World, source: Source) -> bool:
    newest = _runs(world, source)[-1]
    return newest.state is RunState.READY and not newest.older


def _cursor(world: World, source: Source, stream: str) -> str | None:
    return world.warehouse().cursors(source.id).get(stream)


def _border(world: World, source: Source, stream: str) -> date:
    """Return back to which day a stream is in."""
    found = mark(_cursor(world, source, stream), world.clock.now())
    assert found is not None
    return date.fromisoformat(found.back_to)


def _wrong(world: World, source: Source, truth: Any) -> list[str]:
    expected = world.do(lambda: list(truth))
    with world.warehouse().reader() as reader:
        wrong, rows = compared(reader, source, expected)
    assert rows
    return wrong


def _orders_read_again(world: World, border: date, since: int) -> list[str]:
    """Return the searches for orders, after so many requests, that are for what was in by then.

    Changes are looked for again, and the period that was in flight at the first death is read twice.
    """
    searches: list[str] = []
    for entry in world.sandbox.shopify.journal.entries[since:]:
        asked = json.loads(entry.detail or "{}")
        if entry.entity == "orders" and "query" in asked and asked["after"] is None:
            searches.append(asked["query"])
    ends = {one: re.search(r"created_at:<'([0-9-]{10})", one) for one in searches}
    again = [
        one for one, end in ends.items()
        if not (date.fromisoformat(end[1]) <= border if end else "updated_at:>=" in one)
    ]  # fmt: skip
    counted = Counter(one for one in searches if ends[one])
    return [*again, *(one for one, times in counted.items() if times > 2)]
