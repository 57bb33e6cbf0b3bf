"""`tidings keys rotate` beside a working Tidings: tokens are renewed, read and connected all the while, and none is lost.

Each worker is what a process is: a database of its own, a loop of its own, and keys that may be those of before the
last restart. The provider takes each refresh token once.
"""

import asyncio
import itertools
import os
import threading
import time
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from connectors.oauth import Tokens
from jobs.leasing import leased
from jobs.tokens import StoredTokens
from storage.credentials import BotGrant, Credentials, Place, open_installation, seal_credentials, seal_installation
from storage.facts.clock import SystemClock
from storage.facts.installations import InstallKey
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, ConnectionState, Provider
from storage.records import connections, installations, sealed
from storage.records.connections import GrantToStore
from storage.rotation import Resealed, install_lease, reseal
from storage.seal import Seal, SealError, new_key
from storage.seed_file import parse_seed
from storage.seeding import Seeding, organization_id, write_seed
from storage.sessions import Database, Session, open_database
from storage.tables import ConnectionRow, InstallationRow
from tests.storage.test_seeding import MODES, NOW

ROTATIONS = 40 if os.environ.get("SOAK") else 3
SOURCES, INSTALLED = 4, InstallKey("", "T9")
ORGANIZATION = organization_id("busy")
CLOCK = SystemClock()
PATIENCE = 60.0


@dataclass
class World:
    """What the provider has given out, and what went wrong."""

    database: Database
    seals: list[Seal]
    newest: int = 0
    #: what is renewed -> the number of its newest refresh token
    given: dict[str, int] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)
    read: int = 0
    stopped: threading.Event = field(default_factory=threading.Event)

    def renew(self, name: str, refresh: Secret | None) -> Credentials:
        """Take a refresh token and give the next; one that was taken before is the end of the grant."""
        if refresh != Secret(f"refresh-{name}-{self.given[name]}"):
            self.lost.append(f"{name}: its refresh token is an old one")
        self.given[name] += 1
        return self.newest_of(name)

    def newest_of(self, name: str) -> Credentials:
        """Return the tokens that the provider would take."""
        number = self.given[name]
        return Credentials(Secret(f"access-{name}-{number}"), Secret(f"refresh-{name}-{number}"))

    def total(self) -> int:
        """How often anything was renewed."""
        return sum(self.given.values())

    def until(self, true: Callable[[], bool]) -> None:
        """Look again and again."""
        deadline = time.monotonic() + PATIENCE
        while not true():
            assert time.monotonic() < deadline, "nothing goes on"
            time.sleep(0.002)


#: How all is sealed anew.
Rotate = Callable[[World, Seal], Resealed]


# -- what a working Tidings does ---------------------------------------------------------------------------------------


async def _renewals(world: World, mine: Database, behind: int) -> None:
    """Renew one grant after the other, by the product's own store; `behind`: keys of that many rotations ago."""
    names = [name for name in world.given if name != INSTALLED.team_id]
    for name in itertools.cycle(names):
        store = StoredTokens(mine, CLOCK, world.seals[max(0, world.newest - behind)], name)
        async with store.lease():
            held = await store.load()
            fresh = world.renew(name, held.refresh)
            await store.save(Tokens(fresh.access, fresh.refresh, CLOCK.now() + timedelta(hours=1)))
        if world.stopped.is_set():
            return


async def _installation(world: World, mine: Database, behind: int) -> None:
    """Renew a Slack installation's tokens, as its keeper does."""
    while not world.stopped.is_set():
        seal = world.seals[max(0, world.newest - behind)]
        async with leased(mine, install_lease(INSTALLED), seconds=30, patience=PATIENCE, busy=AssertionError):
            found = await mine.reading(lambda session: installations.find(session, INSTALLED))
            assert found is not None
            grant = open_installation(seal, INSTALLED, found.version, found.tokens or b"")
            fresh = world.renew(INSTALLED.team_id, grant.refresh)
            text = seal_installation(seal, INSTALLED, found.version + 1, BotGrant(fresh.access, fresh.refresh))
            if not await mine.writing(lambda session: installations.renewed(session, found, text, None)):  # noqa: B023 - run at once
                world.lost.append("the installation's new token was not stored")


async def _reads(world: World, mine: Database, behind: int) -> None:
    """Open every grant without a lease, as each refresh does, and connect a new source now and then."""
    made = 0
    while not world.stopped.is_set():
        seal = world.seals[max(0, world.newest - behind)]
        for name in sorted(name for name in world.given if name != INSTALLED.team_id):
            held = await StoredTokens(mine, CLOCK, seal, name).load()
            assert held.refresh is not None
            assert held.refresh.reveal().startswith(f"refresh-{name}-")
            world.read += 1
        if made < 8:
            made += 1
            await mine.writing(lambda session: _connected(session, seal, f"9{made:06}"))  # noqa: B023 - run at once


def _connected(session: Session, seal: Seal, account: str) -> str:
    """Store a new source's grant, as a confirmed flow does."""
    place = Place(ORGANIZATION, Provider.QUICKBOOKS, account, 1)
    grant = GrantToStore(
        credentials=seal_credentials(seal, place, Credentials(Secret("a"), Secret("r"))), version=1, scopes="", region="",
        state=ConnectionState.CONNECTED, reason=None, environment="here", connected_by="", access_expires_at=None,
        refresh_expires_at=None, hard_expires_at=None,
    )  # fmt: skip
    return connections.add_source(
        session, ORGANIZATION, Provider.QUICKBOOKS, account, label=account, company="C", mode=CollectMode.TIMER,
        schedule_minutes=60, grant=grant, now=NOW,
    )  # fmt: skip


@contextmanager
def working(world: World) -> Iterator[None]:
    """Let all of that go on, in threads, until the block ends."""

    def run(work: Callable[[World, Database, int], Coroutine[Any, Any, None]], behind: int) -> None:
        mine = open_database(world.database.url)
        try:
            asyncio.run(work(world, mine, behind))
        except Exception as error:  # noqa: BLE001 - a worker's end is what is looked for
            world.lost.append(f"a worker ended: {error!r}")
        finally:
            mine.close()

    doing = [(_renewals, 0), (_renewals, 1), (_installation, 1), (_reads, 0)]
    threads = [threading.Thread(target=run, args=(work, behind)) for work, behind in doing]
    for thread in threads:
        thread.start()
    try:
        yield
    finally:
        world.stopped.set()
        for thread in threads:
            thread.join(PATIENCE)


# -- rotating beside it ------------------------------------------------------------------------------------------------


def played(database: Database, rotate: Rotate) -> World:
    """Rotate through several keys under load; return what became of it."""
    keys = [Secret(new_key()) for _ in range(ROTATIONS + 1)]
    # Whoever is one restart behind seals with the key before, and knows the next one.
    world = World(database, [Seal([keys[at], *keys]) for at in range(len(keys))])
    _seeded(world)
    with working(world):
        for number in range(1, ROTATIONS + 1):
            if world.lost:
                break
            before = world.total()
            world.until(lambda: world.total() >= before + 3 or bool(world.lost))  # noqa: B023 - looked at at once
            world.newest = number
            for _ in range(3):
                if not rotate(world, world.seals[number]).busy:
                    break
        world.until(lambda: world.read > 0 or bool(world.lost))
    # Nobody works with the key before any more: the last rotation finds all of it.
    assert reseal(database, world.seals[-1]).busy == 0
    return world


def _seeded(world: World) -> None:
    text = "format: 1\norganization: {key: busy, name: Busy, timezone: UTC}\nworkspaces: [{team: T0BUSY, name: B}]\n"
    seed = parse_seed(text, "busy.yaml", {})
    world.database.in_write(lambda session: write_seed(session, seed, Seeding(world.seals[0], NOW, MODES)))
    for number in range(SOURCES):
        name = world.database.in_write(lambda session: _connected(session, world.seals[0], f"80000{number}"))  # noqa: B023 - run at once
        world.given[name] = 0
        place = Place(ORGANIZATION, Provider.QUICKBOOKS, f"80000{number}", 1)
        text_ = seal_credentials(world.seals[0], place, world.newest_of(name))
        world.database.in_write(lambda session: _put(session, name, text_))  # noqa: B023 - run at once
    world.given[INSTALLED.team_id] = 0
    fresh = world.newest_of(INSTALLED.team_id)
    tokens = seal_installation(world.seals[0], INSTALLED, 1, BotGrant(fresh.access, fresh.refresh))
    row = InstallationRow(enterprise_id="", team_id="T9", app_id="A", bot_user_id="U", scopes="", version=1,
                          installed_by="U", installed_at=NOW, tokens=tokens)  # fmt: skip
    world.database.in_write(lambda session: session.add(row))


def _put(session: Session, source_id: str, text: bytes, version: int = 1) -> None:
    values = {"credentials": text, "version": version}
    statement = update(ConnectionRow).where(col(ConnectionRow.source_id) == source_id).values(**values)
    session.connection().execute(statement)


def wrong(world: World) -> list[str]:
    """Return what was lost, what the newest key alone does not open, and what is not the newest of its kind."""
    alone, found = world.seals[-1], list(world.lost)
    with world.database.read() as session:
        for place in sealed.PLACES:
            for key in sealed.keys(session, place):
                text, binding = sealed.held(session, place, key) or (b"", ())
                if not alone.is_current(text):
                    found.append(f"{place.name} {key}: an older key")
                try:
                    opened = alone.open(text, *binding)
                except SealError as error:
                    found.append(f"{place.name} {key}: {error}")
                    continue
                name = INSTALLED.team_id if place.table is InstallationRow else key[0]
                if name in world.given and f'"refresh-{name}-{world.given[name]}"' not in opened:
                    found.append(f"{place.name} {key}: not the newest tokens")
    return found


def ours(world: World, seal: Seal) -> Resealed:
    """Rotate as the command does."""
    return reseal(world.database, seal)


def blind(world: World, seal: Seal) -> Resealed:
    """The twin takes no lease and compares no version: it writes what it read, whatever is there by now."""
    (place,) = [place for place in sealed.PLACES if place.table is ConnectionRow]
    name = min(world.given.keys() - {INSTALLED.team_id})
    # A renewal under way may write over it once or twice: it goes on until it has done its harm.
    while not world.lost:
        text, binding = world.database.in_read(lambda session: sealed.held(session, place, (name,))) or (b"", ())
        version = int(binding[-1]) + 1
        again = seal.close(seal.open(text, *binding), *binding[:-1], str(version))
        before = world.given[name]
        world.until(lambda: world.given[name] > before or bool(world.lost))  # noqa: B023 - looked at at once
        world.database.in_write(lambda session: _put(session, name, again, version))  # noqa: B023 - run at once
    return Resealed(sealed=1)


@pytest.mark.parametrize("rotate, loses", [(ours, False), (blind, True)])
def test_nothing_is_lost_while_keys_rotate(database: Database, rotate: Rotate, *, loses: bool) -> None:
    world = played(database, rotate)
    found = wrong(world)
    assert bool(found) is loses, found
    assert world.read
