"""One life in the storm of renewals: our own keeper of grants over real stored grants, and twins of its token store.

It looks at sources at random, each look through the connector, the token keeper, the lease and the compare-and-swap,
as runs and the daily look do, and beside that it sweeps for renewals that were left behind. What it read and saved is
written down for the oracle, tokens as fingerprints.
"""

import asyncio
import contextlib
import os
import random
import signal
from collections.abc import AsyncIterator, Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from connectors.base import ProviderSettings
from connectors.oauth import Tokens
from connectors.registry import connector_for
from connectors.wire import HttpLimits
from jobs.crashpoints import crash_point
from jobs.ground import Ground, Warehouses
from jobs.incidents.keeping import GrantKeeper
from jobs.notify.notifier import Notifier
from jobs.tokens import StoredTokens
from jobs.work import Work
from sandbox.providers.edge import fingerprint
from sandbox.shared_clock import SharedClock
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import sources
from storage.seal import Seal
from storage.sessions import Database, Session, open_database
from tests.faults.witness import Witness

#: The test's own points, in the lease: the stored tokens are read and nothing is asked yet; an answer came and nothing
#: of ours has looked at it yet.
HELD, ANSWERED = "storm.held", "storm.answered"
#: Long enough that a busy machine is not taken for a silent provider: an answer that is not awaited may lose a token.
HTTP = HttpLimits(connect=20, read=20, total=20, attempts=2, retry_total=40)
_SWEEP_SECONDS = 0.3


async def storm(plan: Mapping[str, Any], ready: Callable[[str], None]) -> None:
    """Look and sweep until told to stop, or for as many looks as the plan allows; then sweep on."""
    stop = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, stop.set)
    database = open_database(plan["database"])
    ground = _ground(plan, database)
    keeper = GrantKeeper(ground, Notifier(_left, support_channel="", support_email=""), _left)
    ready("storm")
    looks = Looks(plan, keeper, database, ground.witness, stop)
    tasks = [asyncio.create_task(looks.go()) for _ in range(plan["side_by_side"])]
    if plan["twin"] != "never-rescues":
        tasks.append(asyncio.create_task(_sweep(keeper, stop)))
    await stop.wait()
    await asyncio.gather(*tasks)
    database.close()


def _left(session: Session, work: Work) -> None:
    """Leave work to an engine that is not there: deliveries stay rows."""
    _ = session, work


@dataclass
class Looks:
    """Several lookers share one number of looks."""

    plan: Mapping[str, Any]
    keeper: GrantKeeper
    database: Database
    witness: Witness
    stop: asyncio.Event
    done: int = 0
    chance: random.Random = field(default_factory=random.Random)

    async def go(self) -> None:
        while not self.stop.is_set() and self.done != self.plan["looks"]:
            self.done += 1
            source = await self._source(self.chance.choice(self.plan["sources"]))
            said = "lost"
            if source.connection is not ConnectionState.DISCONNECTED:
                error = await self.keeper.look(source.id)
                said = error.code if error else ""
            self.witness.write("looked", account=source.account, said=said)
            await asyncio.sleep(self.chance.uniform(0, self.plan["pause"]))

    async def _source(self, source_id: str) -> Source:
        return await self.database.reading(lambda session: sources.source(session, source_id))


async def _sweep(keeper: GrantKeeper, stop: asyncio.Event) -> None:
    sweep = keeper.rescue()
    while not stop.is_set():
        await sweep()
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), _SWEEP_SECONDS)


def _ground(plan: Mapping[str, Any], database: Database) -> "StormGround":
    return StormGround(
        database=database,
        clock=SharedClock(path=Path(plan["clock"])),
        seal=Seal([Secret(plan["key"])]),
        warehouses=Warehouses(plan["warehouse"]),
        providers={Provider.QUICKBOOKS: _provider(plan["provider"])},
        connector_for=connector_for,
        read_budget=0,
        checkpoint=_checkpoint(plan["freeze_at"]),
        lease_seconds=plan["lease"],
        witness=Witness(Path(plan["witness"])),
        store=STORES[plan["twin"]],
    )


def _provider(said: Mapping[str, str]) -> ProviderSettings:
    secret = Secret(said["QUICKBOOKS_CLIENT_SECRET"])
    api, auth, token = (said[f"QUICKBOOKS_{name}_URL"] for name in ("API", "AUTH", "TOKEN"))
    return ProviderSettings(said["QUICKBOOKS_CLIENT_ID"], secret, api, auth, token, HTTP)


def _checkpoint(freeze_at: str | None) -> Callable[[str], None]:
    left = [freeze_at]

    def checkpoint(name: str) -> None:
        if name == left[0]:
            left[0] = None
            os.kill(os.getpid(), signal.SIGSTOP)
        crash_point(name)

    return checkpoint


class WitnessedTokens(StoredTokens):
    """Our own token store; what is read and saved is written down."""

    witness: Witness
    account: str
    _inside = False

    async def load(self) -> Tokens:
        tokens = await super().load()
        self._note("held" if self._inside else "read", tokens)
        if self._inside:
            self._checkpoint(HELD)
        return tokens

    async def save(self, tokens: Tokens) -> None:
        self._checkpoint(ANSWERED)
        await self._put(tokens)
        self._note("saved", tokens)

    async def _put(self, tokens: Tokens) -> None:
        await super().save(tokens)

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        async with super().lease():
            self._inside = True
            try:
                yield
            finally:
                self._inside = False

    def _note(self, kind: str, tokens: Tokens) -> None:
        access, refresh = tokens.access, tokens.refresh
        assert refresh is not None
        marks = (fingerprint(access.reveal()), fingerprint(refresh.reveal()))
        self.witness.write(kind, account=self.account, access=marks[0], refresh=marks[1])


class NoLease(WitnessedTokens):
    """Twin: lets everybody renew at once."""

    @contextlib.asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        self._inside = True
        yield


class UsesFirst(WitnessedTokens):
    """Twin: says that tokens are saved and saves them a little later."""

    _late: asyncio.Task[None] | None = None

    async def save(self, tokens: Tokens) -> None:
        async def later() -> None:
            await asyncio.sleep(0.4)
            await super(UsesFirst, self).save(tokens)

        self._late = asyncio.create_task(later())


class Believes(WitnessedTokens):
    """Twin: the second look in a lease sees what the first one saw, so that a refusal is believed at once."""

    _seen: Tokens | None = None

    async def load(self) -> Tokens:
        if not self._inside:
            return await super().load()
        self._seen = self._seen or await super().load()
        return self._seen


class Overwrites(WitnessedTokens):
    """Twin: takes over whatever version is there before it writes."""

    async def _put(self, tokens: Tokens) -> None:
        self._version = (await self._grant()).version
        await super()._put(tokens)


STORES: dict[str, type[WitnessedTokens]] = {
    "": WitnessedTokens,
    "no-lease": NoLease,
    "uses-first": UsesFirst,
    "believes": Believes,
    "overwrites": Overwrites,
    "never-rescues": WitnessedTokens,
}


@dataclass(frozen=True, kw_only=True)
class StormGround(Ground):
    """The ground of runs, whose token stores are witnessed."""

    witness: Witness
    store: type[WitnessedTokens]

    def tokens(self, source: Source) -> StoredTokens:
        store = self.store(
            self.database,
            self.clock,
            self.seal,
            source.id,
            lease_seconds=self.lease_seconds,
            checkpoint=self.checkpoint,
        )
        store.witness, store.account = self.witness, source.account
        return store
