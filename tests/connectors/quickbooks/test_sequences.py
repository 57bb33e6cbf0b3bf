"""Whatever happens in a company and on the way there, while it is read and between, a good run has it row by row."""

import os
from datetime import date, timedelta
from random import Random
from typing import Any

import pytest

from connectors.errors import ConnectorError
from connectors.limits import Rate, Unlimited
from connectors.past import Slicing
from connectors.quickbooks.connector import QuickBooksConnector
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from storage.facts.clock import OffsetClock
from storage.facts.streams import Batch
from tests.connectors.quickbooks.test_collect import assert_true
from tests.connectors.quickbooks.test_past import transfer
from tests.connectors.worlds import REALM, World, quickbooks_world

FAULTS = (Kind.SERVER_ERROR, Kind.RESET, Kind.HTML, Kind.TRUNCATE, Kind.UNAUTHORIZED, Kind.RATE_LIMIT)
#: more than a page: with odd seeds they are read by periods
TRANSFERS = 1010
SMALL = Slicing(above=1000, most=400)


class Meddler(Unlimited):
    """Lets the company work on between two calls of a read."""

    def __init__(self, chance: Random) -> None:
        super().__init__()
        self._chance = chance
        self.app: QuickBooks | None = None

    async def reserve(self, key: str, rate: Rate, cost: float = 1) -> float:
        if self.app is not None and self._chance.random() < 0.05:
            something_happens(self.app, self._chance)
        return 0.0


class Killed(Exception):  # noqa: N818 - the end of a process, not an error of ours
    """The process ends."""


def something_happens(app: QuickBooks, chance: Random) -> None:
    books = app.books[REALM]
    books.mutate(
        chance.randrange(10**6),
        new=chance.randrange(3),
        changed=chance.randrange(4),
        deleted=chance.randrange(2),
        voided=chance.randrange(2),
        deactivated=chance.randrange(2),
        documents=chance.randrange(9),
    )
    there = sorted(books.ids("Transfer"))
    books.fill("Transfer", [moved(app, chance, int(chance.choice(there)))])
    books.change(remove=[("Transfer", chance.choice(there))], at=app.clock.now())


def moved(app: QuickBooks, chance: Random, number: int) -> dict[str, Any]:
    """Return a transfer as it is now: of another amount, perhaps on another day."""
    assert isinstance(app.clock, OffsetClock)
    on: date = app.clock.now().date() - timedelta(days=chance.randrange(700))
    return transfer(number, on, app.clock, amount=chance.randrange(1, 10**6))


def something_fails(app: QuickBooks, chance: Random) -> None:
    for _ in range(chance.randrange(3)):
        operation = chance.choice(["query", "cdc", "report"])
        app.script.add(Rule(chance.choice(FAULTS), operation=operation, skip=chance.randrange(9), times=4))


async def collected(world: World, *, dies: int = 0) -> bool:
    """Collect as a run does, until all periods are in; of one that failed, or died at its n-th batch, nothing stays."""
    before = {name: dict(rows) for name, rows in world.kept.rows.items()}
    lines = {name: dict(found) for name, found in world.kept.lines.items()}
    keep, left = world.kept.sink, dies

    async def sink(batch: Batch) -> None:
        nonlocal left
        left -= 1
        if left == 0:
            raise Killed
        await keep(batch)

    world.kept.sink = sink  # type: ignore[method-assign] # the process dies within
    good, older = True, False
    try:
        older = bool((await world.collect()).older)
    except* (ConnectorError, Killed):
        world.kept.rows, world.kept.lines = before, lines
        good = False
    finally:
        world.kept.sink = keep  # type: ignore[method-assign]
    world.clock.advance(timedelta(minutes=1))
    return await collected(world) if older and not dies else good


@pytest.mark.parametrize("seed", range(1, 21 if os.environ.get("SOAK") else 2))
async def test_any_sequence_ends_in_what_the_company_has(seed: int) -> None:
    chance, clock = Random(seed), OffsetClock()
    app = QuickBooks.generated(seed=seed, invoices=30, documents=3, clock=clock)
    app.books[REALM].fill("Transfer", [moved(app, chance, 50_000 + number) for number in range(TRANSFERS)])
    meddler = Meddler(chance)
    async with quickbooks_world(app, clock, limiter=meddler) as world:
        world.connector = QuickBooksConnector(SMALL if seed % 2 else None)
        for _ in range(2):
            something_fails(app, chance)
            meddler.app = app
            for _ in range(2):
                clock.advance(timedelta(minutes=chance.choice([3, 20, 70])))
                something_happens(app, chance)
                await collected(world, dies=chance.choice([0, 0, 1, 3]))
            meddler.app = None
            app.script.clear()
            # What no call tells of is counted once a day.
            clock.advance(timedelta(hours=25))
            something_happens(app, chance)
            clock.advance(timedelta(minutes=1))
            assert await collected(world)
            assert_true(world, app)
        assert not app.journal.mutating()
