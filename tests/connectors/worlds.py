"""A connection to a stand-in, and a dictionary that keeps what a collection hands over, as the warehouse would."""

import contextlib
from collections.abc import AsyncIterator, Collection, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from connectors.base import Access, Collected, Connector, ProviderSettings, Tokens, open_session
from connectors.errors import worst
from connectors.limits import Limiter, Unlimited
from connectors.oauth import MemoryTokens
from connectors.quickbooks.connector import QuickBooksConnector
from connectors.shopify.connector import ShopifyConnector
from connectors.wire import HttpLimits
from sandbox.misbehave import Kind
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify
from storage.facts.clock import Clock, OffsetClock
from storage.facts.secret import Secret
from storage.facts.streams import Batch

REALM = "9341450000000001"
SHOP = "temeritygoods.myshopify.com"
#: few attempts with short pauses; a slow machine is not taken for a provider that says nothing
QUICK = HttpLimits(connect=10, read=20, total=30, attempts=3, retry_total=20, longest_wait=2, body=8 << 20)
QUIET = replace(QUICK, attempts=1)


def hearing(kind: Kind, limits: HttpLimits) -> HttpLimits:
    """Return these, or shorter ones for a provider that says nothing: a test waits for none of the real time-outs."""
    return replace(limits, read=0.6, total=3) if kind is Kind.HANG else limits


def in_the_morning(clock: OffsetClock) -> OffsetClock:
    """Move the clock to ten the next morning (UTC), for what must not meet a midnight, here or in America."""
    now = clock.now()
    clock.advance(timedelta(days=1) - (now - now.replace(hour=10, minute=0, second=0, microsecond=0)))
    return clock


@dataclass
class Kept:
    """Rows by stream and key; lines by table and parent. Upserts, deletes and full reads as the warehouse does them."""

    rows: dict[str, dict[str, dict[str, Any]]] = field(default_factory=dict)
    lines: dict[str, dict[str, list[dict[str, Any]]]] = field(default_factory=dict)
    cursors: dict[str, str] = field(default_factory=dict)
    #: keys handed over by the collection that is running
    came: dict[str, set[str]] = field(default_factory=dict)
    batches: list[Batch] = field(default_factory=list)
    times_keys_asked: int = 0

    async def sink(self, batch: Batch) -> None:
        name = batch.stream.name
        self.batches.append(batch)
        held = self.rows.setdefault(name, {})
        came = self.came.setdefault(name, set())
        batch.rows.validate(full=True)
        for row in batch.rows.to_pylist():
            held[row["id"]] = row
            came.add(row["id"])
            for child in batch.stream.children:
                self.lines.setdefault(child.name, {}).pop(row["id"], None)
        for name_of_child, table in batch.children.items():
            for line in table.to_pylist():
                self.lines.setdefault(name_of_child, {}).setdefault(line["parent_id"], []).append(line)
        for key in batch.deleted:
            held.pop(key, None)
            came.discard(key)

    def commit(self, done: Collected) -> None:
        for name in done.full:
            came = self.came.get(name, set())
            self.rows[name] = {key: row for key, row in self.rows.get(name, {}).items() if key in came}
        self.cursors = {**self.cursors, **done.cursors}

    async def count(self, stream: str) -> int:
        return len(self.rows.get(stream, {}))

    async def keys(self, stream: str) -> Collection[str]:
        self.times_keys_asked += 1
        return set(self.rows.get(stream, {}))

    async def among(self, stream: str, keys: Collection[str]) -> Collection[str]:
        return self.rows.get(stream, {}).keys() & set(keys)


@dataclass
class World:
    """One provider, one connection."""

    connector: Connector
    access: Access
    clock: OffsetClock
    kept: Kept
    told: list[tuple[str, int, int | None]] = field(default_factory=list)

    async def collect(
        self, cursors: Mapping[str, str] | None = None, *, until: datetime | None = None, partly: bool = False
    ) -> Collected:
        """Run one collection and commit it, as a run does; what could not be read is raised unless `partly`."""
        self.kept.came = {}
        start = until or self.clock.now()
        given = self.kept.cursors if cursors is None else cursors
        async with open_session(self.connector, self.access) as session:
            done = await self.connector.collect(
                session, given, start, self.kept.sink, lambda *told: self.told.append(told)
            )
        if done.aside and not partly:
            raise worst([one.error for one in done.aside])
        self.kept.commit(done)
        return done

    @property
    def tokens(self) -> MemoryTokens:
        found = self.access.tokens
        assert isinstance(found, MemoryTokens)
        return found


def access_to(
    environment: Mapping[str, str], prefix: str, account: str, tokens: MemoryTokens, clock: Clock, kept: Kept,
    *, limits: HttpLimits = QUICK, limiter: Limiter | None = None,
) -> Access:  # fmt: skip
    settings = ProviderSettings(
        client_id=environment[f"{prefix}_CLIENT_ID"],
        client_secret=Secret(environment[f"{prefix}_CLIENT_SECRET"]),
        api_url=environment[f"{prefix}_API_URL"],
        auth_url=environment[f"{prefix}_AUTH_URL"],
        token_url=environment[f"{prefix}_TOKEN_URL"],
        limits=limits,
    )
    return Access(account, settings, tokens, clock, limiter or Unlimited(), kept)


@contextlib.asynccontextmanager
async def quickbooks_world(app: QuickBooks, clock: OffsetClock, **more: Any) -> AsyncIterator[World]:
    """Serve a QuickBooks stand-in and connect to it."""
    async with serve(app.app) as served:
        grant = app.oauth.grant(REALM)
        tokens = MemoryTokens(
            Tokens(Secret(grant.access_token), Secret(grant.refresh_token), clock.now() + timedelta(hours=1))
        )
        kept = Kept()
        access = access_to(app.environment(served.url), "QUICKBOOKS", REALM, tokens, clock, kept, **more)
        yield World(QuickBooksConnector(), access, clock, kept)


SCOPES = ("read_orders", "read_all_orders", "read_products", "read_customers")


@contextlib.asynccontextmanager
async def shopify_world(
    app: Shopify, clock: OffsetClock, *, scopes: tuple[str, ...] = SCOPES, **more: Any
) -> AsyncIterator[World]:
    """Serve a Shopify stand-in and connect to it."""
    async with serve(app.app) as served:
        grant = app.oauth.grant(SHOP, scopes=scopes)
        tokens = MemoryTokens(
            Tokens(
                Secret(grant.access_token),
                Secret(grant.refresh_token or ""),
                clock.now() + timedelta(hours=1),
                scopes=scopes,
            )
        )
        kept = Kept()
        access = access_to(app.environment(served.url), "SHOPIFY", SHOP, tokens, clock, kept, **more)
        yield World(ShopifyConnector(), access, clock, kept)


def with_limits(world: World, limits: HttpLimits) -> None:
    """Change what calls may take."""
    world.access = replace(world.access, settings=replace(world.access.settings, limits=limits))
