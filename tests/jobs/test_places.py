"""Ten calls of one company at once, over all processes: whoever reads it shares the places in the database."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from connectors.http import Http
from connectors.limits import Unlimited
from connectors.oauth import MemoryTokens, TokenEndpoint, TokenKeeper, Tokens, TokenStyle
from connectors.places import PlaceLost
from connectors.reads import Call
from connectors.wire import HttpLimits, Wire
from jobs.places import MOST, DatabasePlaces
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from storage.records import places
from storage.sessions import Database
from tests.connectors.tiny import Asked, said, tiny
from tests.waiting import eventually

KEY = "quickbooks:9341450000000001"
#: a lease of the tests: long enough for a busy machine, short enough to be waited for
LEASE = 3.0


@dataclass
class Company:
    """Answers after a moment, and counts what is under way."""

    now: int = 0
    most: int = 0
    answered: int = 0

    async def __call__(self, asked: Asked) -> bytes:
        _ = asked
        self.now += 1
        self.most = max(self.most, self.now)
        await asyncio.sleep(0.01)
        self.now -= 1
        self.answered += 1
        return said(200, b"{}")


async def _collect(url: str, found: DatabasePlaces | None) -> None:
    """Ask thirty times side by side, as a collection does; each is a process of its own as far as the places go."""
    clock = OffsetClock()
    async with Wire(url, limits=HttpLimits()) as wire:
        endpoint = TokenEndpoint(url, "id", Secret("s"), TokenStyle.BASIC_FORM)
        keeper = TokenKeeper(MemoryTokens(Tokens(Secret("t" * 20))), endpoint, clock=clock, limits=wire.limits)
        http = Http(
            wire, keeper, clock=clock, limiter=Unlimited(), key=KEY, rates=(), headers=lambda _: {},
            judge=lambda _: None, places=found,
        )  # fmt: skip
        try:
            await asyncio.gather(*(http.send(Call("GET", "/page", "page")) for _ in range(30)))
        finally:
            await http.close()


async def _three(database: Database, *, counted: bool = True) -> None:
    company = Company()
    async with tiny(company) as served:
        each = [DatabasePlaces(database, seconds=LEASE) if counted else None for _ in range(3)]
        await asyncio.gather(*(_collect(served.url, one) for one in each))
    assert company.answered == 90
    assert company.most <= MOST


async def test_three_collections_of_one_company_share_its_places(database: Database) -> None:
    await _three(database)
    with database.write() as session:
        assert places.take(session, KEY, "next", most=MOST, least=0, seconds=1).places == MOST  # all came back


async def test_the_check_sees_collections_that_do_not_count(sqlite_database: Database) -> None:
    with pytest.raises(AssertionError):
        await _three(sqlite_database, counted=False)


def test_places_are_parted_among_those_who_are_there(database: Database) -> None:
    def take(holder: str, least: int = 0, seconds: float = 60) -> int:
        with database.write() as session:
            return places.take(session, KEY, holder, most=9, least=least, seconds=seconds).places

    assert take("a") == 9
    assert take("b") == 0  # seen from now on
    assert take("a", least=6) == 6  # six are still under way
    assert take("b") == 3
    assert take("a", least=2) == 4
    assert take("b") == 4
    with database.write() as session:
        places.give_back(session, KEY, "a")
    assert take("b") == 9
    assert take("b", seconds=-1) == 9  # and dies
    assert take("c") == 9
    assert take("b", least=9) == 0  # too late: others have them


class _Outlasting(DatabasePlaces):
    """Goes on with its calls when its time is over."""

    @contextlib.asynccontextmanager
    async def place(self, key: str) -> AsyncIterator[None]:
        await self._begin(key)
        yield


async def _killed(database: Database, kind: type[DatabasePlaces]) -> None:
    """Let a holder stand still with all places in use; its heir gets them, when no call of the dead is left."""
    dead, heir = kind(database, seconds=LEASE), DatabasePlaces(database, seconds=LEASE)
    under_way = 0

    async def call(of: DatabasePlaces) -> None:
        nonlocal under_way
        with contextlib.suppress(PlaceLost):
            async with of.place(KEY):
                under_way += 1
                try:
                    await asyncio.Event().wait()
                finally:
                    under_way -= 1

    calls = [asyncio.create_task(call(dead)) for _ in range(MOST)]
    try:
        await eventually(lambda: under_way == MOST, seconds=60)
        assert dead._keeper is not None
        dead._keeper.cancel()
        calls.append(asyncio.create_task(call(heir)))
        await eventually(lambda: heir.waits or calls[-1].done() or heir._busy, seconds=60)
        await eventually(lambda: heir._busy == 1, seconds=60)
        assert under_way <= MOST
    finally:
        for one in calls:
            one.cancel()
        await asyncio.gather(*calls, return_exceptions=True)
        await heir.close()


async def test_the_places_of_a_killed_holder_return_when_its_calls_are_over(database: Database) -> None:
    await _killed(database, DatabasePlaces)


async def test_the_check_sees_calls_that_outlast_their_places(sqlite_database: Database) -> None:
    with pytest.raises(AssertionError):
        await _killed(sqlite_database, _Outlasting)
