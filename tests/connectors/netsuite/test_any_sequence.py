"""After any sequence of postings, changes, removals and bad deliveries, the next good file makes both sides equal."""

import contextlib
import os
import random
from datetime import date, timedelta
from pathlib import Path

import pytest

from connectors.errors import ConnectorError
from connectors.netsuite.connector import NetSuiteConnector
from connectors.netsuite.reading import FeedReader
from sandbox.providers.netsuite import AMERICAN, GERMAN
from tests.connectors.netsuite.place import Place, place

_SEEDS = range(40 if os.environ.get("SOAK") else 3)
_STEPS = 15


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.parametrize("replaces", ["nothing", "all", "period"])
async def test_any_sequence_ends_in_what_the_account_has(tmp_path: Path, replaces: str, seed: int) -> None:
    await _plays(tmp_path, replaces, seed, NetSuiteConnector())


async def _plays(folder: Path, replaces: str, seed: int, connector: NetSuiteConnector) -> None:
    chance = random.Random(seed)
    style = chance.choice((AMERICAN, GERMAN))
    here = place(folder, style, replaces=replaces, period="Period" if replaces == "period" else "")
    here.world.connector = connector
    account, removed = here.netsuite, 0 if replaces == "nothing" else 2
    account.post(10, date(2026, 10, 1))
    account.deliver(account.csv(style), at=here.at(60))
    await here.world.collect()
    older = account.csv(style)
    for step in range(_STEPS):
        here.world.clock.advance(timedelta(hours=1))
        match chance.randrange(7):
            case 0:
                account.post(2, date(2026, 10 + chance.randrange(2), 1))
            case 1:
                account.mutate(changed=3, removed=removed)
            case 2:  # a good file, which is then the oldest that may come late
                older = account.csv(style)
                account.deliver(older, at=here.at(10))
            case 3:  # an old file, late or as if it were new: late ones change nothing
                account.deliver(older, at=here.at(59 + step), written=here.at(2))
            case 4:  # a beginning, whole a look later
                path = account.deliver(account.csv(style)[:-20], at=here.at(5), written=here.world.clock.now())
                await _look(here)
                account.write(path, account.csv(style), here.at(2))
            case 5:  # a file that cannot be read, corrected before the next one
                path = account.deliver(b"\x1f\x8bno gzip", at=here.at(7))
                await _look(here)
                path.unlink()
            case _:
                await _look(here)
    here.world.clock.advance(timedelta(hours=1))
    account.deliver(account.csv(style), at=here.at(5))
    done = await here.world.collect()
    here.assert_same()
    assert done.source_as_of == here.at(5)


class _Keeps(FeedReader):
    """The twin: takes nothing away."""

    async def _drop(self, prefix: str, keys: set[str], path: str, *, sure: bool) -> None:
        _ = prefix, keys, path, sure


class _Hoarding(NetSuiteConnector):
    reader = _Keeps


async def test_the_twin_that_takes_nothing_away_is_caught(tmp_path: Path) -> None:
    caught = 0
    for seed in range(5):
        try:
            await _plays(tmp_path / str(seed), "all", seed, _Hoarding())
        except AssertionError:
            caught += 1
    assert caught


async def _look(here: Place) -> None:
    """Collect as the clock does; a run that fails leaves everything as it was."""
    before = {key: dict(row) for key, row in here.rows().items()}
    batches = len(here.world.kept.batches)
    with contextlib.suppress(ConnectorError):
        await here.world.collect()
        return
    # What a failed run handed over is never committed by the warehouse; here it is taken back.
    here.world.kept.rows["transaction_lines"] = before
    del here.world.kept.batches[batches:]
