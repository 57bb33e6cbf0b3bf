"""After any sequence of postings and of good, late, repeated, moved, cut and forged mails, both sides are equal."""

import os
import random
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path

import pytest

from connectors.netsuite.connector import NetSuiteConnector
from sandbox.providers.netsuite import Mailed
from tests.connectors.mailed.post import NAME, Post, post
from tests.connectors.netsuite.test_any_sequence import _Hoarding, _look

_SEEDS = range(40 if os.environ.get("SOAK") else 1)
_STEPS = 15


@pytest.mark.parametrize("seed", _SEEDS)
@pytest.mark.parametrize("replaces", ["nothing", "all", "period"])
async def test_any_sequence_of_mails_ends_in_what_the_account_has(tmp_path: Path, replaces: str, seed: int) -> None:
    await _plays(tmp_path, replaces, seed, NetSuiteConnector())


async def _plays(folder: Path, replaces: str, seed: int, connector: NetSuiteConnector) -> None:
    chance = random.Random(seed)
    office = post(folder, replaces=replaces, period="Period" if replaces == "period" else "")
    here, account = office.here, office.here.netsuite
    here.world.connector = connector
    removed = 0 if replaces == "nothing" else 2
    account.post(10, date(2026, 10, 1))
    older = office.mail(60)
    office.put(older)
    await here.world.collect()
    for step in range(_STEPS):
        here.world.clock.advance(timedelta(hours=1))
        match chance.randrange(8):
            case 0:
                account.post(2, date(2026, 10 + chance.randrange(2), 1))
            case 1:
                account.mutate(changed=3, removed=removed)
            case 2:
                older = office.mail(10)
                office.put(older)
            case 3:  # the old mail again, or its file as if it were new
                office.put(
                    older if chance.random() < 0.5 else replace(older, message_id=f"<late-{step}@netsuite.invalid>")
                )
            case 4:
                _move(office, chance)
            case 5:
                path = office.put(office.mail(7).raw[:-400], "cut.eml", here.at(7))
                await _look(here)
                path.unlink()
            case 6:
                office.put(_forged(office, chance))
            case _:
                await _look(here)
    here.world.clock.advance(timedelta(hours=1))
    office.put(office.mail(5))
    done = await here.world.collect()
    here.assert_same()
    assert done.source_as_of == here.at(5)


def _move(office: Post, chance: random.Random) -> None:
    """Give every mail another place, as a mailbox does that numbers its mails anew."""
    for path in sorted(office.folder.iterdir()):
        path.rename(path.with_name(f"{chance.randrange(10**9)}-{path.name[-40:]}"))


def _forged(office: Post, chance: random.Random) -> Mailed:
    """Return somebody's mail that says that the ledger is something else."""
    lines = office.here.netsuite.csv().splitlines(keepends=True)
    mail = office.mail(3, files=[(NAME, b"".join(lines[:1] + lines[-2:]))])
    return replace(mail, results=[]) if chance.random() < 0.5 else replace(mail, sender="x@evil.example")


async def test_the_twin_that_takes_nothing_away_is_caught(tmp_path: Path) -> None:
    caught = 0
    for seed in range(3):
        try:
            await _plays(tmp_path / str(seed), "all", seed, _Hoarding())
        except AssertionError:
            caught += 1
    assert caught
