"""The world around the product: stand-ins that are never killed, a database, a warehouse, and people who ask."""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import TypeVar

from sqlmodel import col, select

from bot.cli.seed import modes
from bot.web import SLACK_PATH
from sandbox.misbehave import Rule
from sandbox.providers.catalogue import REALM, SHOP
from sandbox.shared_clock import SharedClock
from sandbox.slack import Message
from sandbox.world import SEED_FILE, Plan, Sandbox, SandboxThread, sandbox_in_thread
from storage.facts.people import SlackIdentity
from storage.facts.runs import ACTIVE_STATES
from storage.facts.secret import Secret
from storage.records import organizations
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import (
    ClickRow,
    DeliveryRow,
    RefreshRow,
    RunRow,
    SeenTriggerRow,
    SourceRow,
)
from storage.warehouse import Warehouse
from templates import actions
from tests.faults.lives import ForkServer, Life
from tests.faults.witness import Witness

T = TypeVar("T")
TEAM, CHANNEL = "T0TEMERITY", "C0FINANCE"
MAYA, DANIEL, NOOR = "U0MAYA", "U0DANIEL", "U0NOMAIL"
ADDRESSES = {MAYA: "maya@temeritygoods.example", DANIEL: "daniel@temeritygoods.example"}
_UNSETTLED = ("pending", "sending")


class NotSettledError(AssertionError):
    """Something was left undone for longer than it may take."""


@dataclass
class World:
    """Everything that survives the lives of the product."""

    folder: Path
    clock: SharedClock
    outside: SandboxThread
    database: Database
    settings: dict[str, str]
    organization_id: str
    server: ForkServer
    witness: Witness
    scheduled: bool = False
    #: whether first reads take several runs, however few records there are
    slices: bool = False
    #: attempts of a run before it fails
    attempts: int = 40
    #: ids of the cards whose confirmation was acknowledged to the person
    accepted: list[str] = field(default_factory=list)
    clicked: set[str] = field(default_factory=set)
    life: Life | None = None
    lives: int = 0

    @property
    def sandbox(self) -> Sandbox:
        return self.outside.sandbox

    # Lives

    def begin(
        self, *, crash_at: str | None = None, freeze_at: str | None = None, twin: str = "", **settings: str
    ) -> Life:
        """Begin a life, and let Slack send its requests there once it is ready."""
        life = self.beside(crash_at=crash_at, freeze_at=freeze_at, twin=twin, **settings)
        self.life = life
        if life.is_ready().url:
            self.sandbox.slack.request_url = life.url + SLACK_PATH
        return life

    def beside(
        self, *, crash_at: str | None = None, freeze_at: str | None = None, twin: str = "", **settings: str
    ) -> Life:
        """Begin a life without waiting, beside the one that takes Slack's requests."""
        self.lives += 1
        return self.server.live(
            {
                "settings": {**self.settings, **settings},
                "clock": str(self.clock.path),
                "witness": str(self.witness.path),
                "log": str(self.folder / f"life-{self.lives}.log"),
                "crash_at": crash_at,
                "freeze_at": freeze_at,
                "twin": twin,
                "scheduled": self.scheduled,
                "slices": self.slices,
                "attempts": self.attempts,
            },
            self.witness,
        )

    # People

    def ask(self, user: str = MAYA, words: str = "refresh shopify", *, seconds: float = 10) -> str | None:
        """Ask, get the card and confirm it; return the card's id, or None when the product was not there for it."""
        slack = self.sandbox.slack
        answer = self.outside.call(slack.command(user, CHANNEL, "/data", words))
        if not answer.ok:
            return None
        found = self.look(lambda: self._card(user), seconds)
        if found is None:
            return None
        card, message = found
        self.clicked.add(card)
        answer = self.outside.call(slack.click(user, message, actions.REFRESH_CONFIRM))
        if answer.ok:
            self.accepted.append(card)
        return card

    def asked(self, user: str = MAYA, words: str = "refresh shopify") -> str:
        """Ask, and insist that it is accepted."""
        card = self.ask(user, words)
        assert card in self.accepted, self.life.tail() if self.life else "nobody lives"
        return card

    def _card(self, user: str) -> tuple[str, Message] | None:
        for message in reversed(self.sandbox.slack.messages(CHANNEL, viewer=user)):
            button = message.actions.get(actions.REFRESH_CONFIRM)
            if button is None:
                continue
            card = str(json.loads(button["value"])["c"])
            if card not in self.clicked:
                return card, message
        return None

    # Waiting

    def look(self, look: Callable[[], T | None], seconds: float) -> T | None:
        """Look until something is found; None when the life ended or the time is up."""
        deadline = time.monotonic() + seconds
        while not (found := look()):
            if time.monotonic() > deadline or (self.life is not None and not self.life.alive):
                return None
            time.sleep(0.05)
        return found

    def settled(self, seconds: float = 30) -> None:
        """Wait until nothing is left to do (NotSettledError names what is)."""
        deadline = time.monotonic() + seconds
        while undone := self.undone():
            if time.monotonic() > deadline:
                raise NotSettledError(f"left undone after {seconds} s: {undone}")
            time.sleep(0.1)

    def settle_within(self, seconds: float) -> bool:
        """Give it that long; whether nothing is left."""
        return self.look(lambda: not self.undone(), seconds) is not None

    def collected(self, seconds: float) -> None:
        """Wait until every source was collected by its timer since now."""
        since = self.clock.now()

        def read(session: Session) -> bool:
            rows = session.exec(select(RunRow).where(RunRow.state == "ready", col(RunRow.collects))).all()
            fresh = {row.source_id for row in rows if row.source_as_of and row.source_as_of > since}
            return len(fresh) == len(session.exec(select(SourceRow.id)).all())

        assert self.look(lambda: self.database.in_read(read), seconds), self.life.tail() if self.life else ""

    def undone(self) -> list[str]:
        """What waits: accepted requests without an effect, refreshes, runs, deliveries."""

        def read(session: Session) -> list[str]:
            seen = set(session.exec(select(SeenTriggerRow.trigger_id)))
            clicks = session.exec(select(ClickRow.trigger_id))
            refreshes = session.exec(select(RefreshRow.id).where(col(RefreshRow.finished_at).is_(None)))
            runs = session.exec(select(RunRow.id, RunRow.state).where(col(RunRow.state).in_(ACTIVE_STATES)))
            left = session.exec(
                select(DeliveryRow.kind, DeliveryRow.channel, DeliveryRow.state, DeliveryRow.attempts).where(
                    col(DeliveryRow.state).in_(_UNSETTLED)
                )
            )
            return [
                *(f"request {card}" for card in self.accepted if card not in seen),
                *(f"click {one}" for one in clicks),
                *(f"refresh {one}" for one in refreshes),
                *(f"run {one}" for one in runs),
                *(f"delivery {tuple(one)}" for one in left),
            ]

        return self.database.in_read(read)

    # What happens outside

    def do(self, work: Callable[[], T]) -> T:
        """Do something among the stand-ins, in their thread."""

        async def there() -> T:
            return work()

        return self.outside.call(there())

    def business(self, *, seed: int, new: int = 2, changed: int = 2, deleted: int = 1) -> None:
        """Let things change at both providers."""

        def work() -> None:
            self.sandbox.quickbooks.mutate(REALM, seed=seed, new=new, changed=changed, deleted=deleted)
            # Without the scope read_all_orders, which the seed does not have, deleted orders are kept.
            self.sandbox.shopify.mutate(SHOP, seed=seed, new=new, changed=changed, deleted=0)

        self.do(work)

    def trouble(self, *rules: Rule, provider: str = "shopify") -> None:
        """Let a provider misbehave."""
        script = getattr(self.sandbox, provider).script
        self.do(lambda: script.add(*rules))

    def honest(self) -> None:
        """Let everybody behave from now on."""

        def work() -> None:
            self.sandbox.slack.stop_lying()
            self.sandbox.mail.stop_lying()
            self.sandbox.shopify.script.clear()
            self.sandbox.quickbooks.script.clear()

        self.do(work)

    def pass_time(self, **by: float) -> None:
        self.clock.advance(timedelta(**by))

    def warehouse(self) -> Warehouse:
        return Warehouse(self.settings["WAREHOUSE_URL"], self.organization_id)


@contextlib.contextmanager
def world_on(
    database: Database,
    folder: Path,
    server: ForkServer,
    *,
    size: int = 12,
    scheduled: bool = False,
    shared_lake: bool = bool(os.environ.get("SOAK")),
    **settings: str,
) -> Iterator[World]:
    """Make a world on a fresh database; the product is not started.

    With Postgres the warehouse's catalog may be there too, for several processes at once (slower).
    """
    folder.mkdir(parents=True, exist_ok=True)
    clock = SharedClock(path=folder / "clock")
    with sandbox_in_thread(Plan(size=size, rates=False), clock) as outside:
        key = new_key()
        values = {
            **outside.sandbox.environment(),
            "DATABASE_URL": database.url,
            "WAREHOUSE_URL": _warehouse_url(database, folder, shared=shared_lake),
            "SECRET_KEYS": key,
            "PORT": "0",
            **settings,
        }
        seed = load_seed(SEED_FILE, outside.sandbox.credentials())
        seeding = Seeding(Seal([Secret(key)]), clock.now(), modes())
        organization_id = database.in_write(lambda session: write_seed(session, seed, seeding)).organization_id
        database.in_write(lambda session: _confirm_addresses(session, clock))
        world = World(
            folder, clock, outside, database, values, organization_id, server, Witness(folder / "witness"), scheduled
        )
        try:
            yield world
        finally:
            if world.life is not None:
                world.life.kill()


def _warehouse_url(database: Database, folder: Path, *, shared: bool) -> str:
    if database.is_sqlite or not shared:
        return str(folder / "warehouse")
    return f"{database.url.replace('+psycopg', '')}?data={folder / 'warehouse'}"


def _confirm_addresses(session: Session, clock: SharedClock) -> None:
    for user, address in ADDRESSES.items():
        member = organizations.member_by_identity(session, SlackIdentity(TEAM, user))
        assert member is not None
        organizations.set_email(session, member.id, address, confirmed_at=clock.now(), refused_at=None)
