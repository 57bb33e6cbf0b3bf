"""What runs stand on: database, clock, seal, connectors and one warehouse per organization."""

import asyncio
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial
from importlib import import_module
from threading import Lock
from typing import TYPE_CHECKING

from connectors.base import Access, Connector, ProviderSettings
from jobs.figures import Figures
from jobs.leasing import LEASE_SECONDS
from jobs.limits import DatabaseLimiter
from jobs.threads import in_thread
from jobs.tokens import StoredTokens
from storage.facts.clock import Clock
from storage.facts.sources import Provider, Source
from storage.seal import Seal
from storage.sessions import Database

if TYPE_CHECKING:
    from storage.warehouse import Standing, Warehouse


class Warehouses:
    """The warehouse of each organization, opened when it is first needed."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._open: dict[str, Warehouse] = {}
        self._lock = Lock()

    @property
    def url(self) -> str:
        """Where the lakes are; may hold a password."""
        return self._url

    def of(self, organization_id: str) -> "Warehouse":
        """Return the organization's warehouse."""
        from storage.warehouse import Warehouse

        with self._lock:
            if organization_id not in self._open:
                self._open[organization_id] = Warehouse(self._url, organization_id)
            return self._open[organization_id]


@dataclass(frozen=True)
class Ground:
    """Everything a run needs, passed around as one."""

    database: Database
    clock: Clock
    seal: Seal
    warehouses: Warehouses
    providers: Mapping[Provider, ProviderSettings]
    connector_for: Callable[[Provider], Connector]
    read_budget: int
    checkpoint: Callable[[str], None] = field(default=lambda _name: None)
    #: how long a holder of a lease that died is waited for
    lease_seconds: float = LEASE_SECONDS
    figures: Figures = field(default_factory=Figures)

    def warm(self) -> None:
        """Import what runs need, some 0.2 s: in a thread and before the first run, so that nobody waits for it."""
        from storage.warehouse.memory import share_one_heap

        share_one_heap()
        import_module("storage.warehouse.warehouse")
        for provider in self.providers:
            self.connector_for(provider)

    def connector(self, source: Source) -> Connector:
        """Return the connector of a source."""
        return self.connector_for(source.provider)

    def held(self, source: Source) -> "HeldRows":
        """Return what the warehouse holds of a source, for one run."""
        return HeldRows(self.warehouses.of(source.organization_id), source)

    def access(self, source: Source, held: "HeldRows | None" = None, *, only: Collection[str] = ()) -> Access:
        """Return what the connector is given about the source's connection; `only` are streams that it reads alone."""
        return Access(
            account=source.account,
            settings=self.providers[source.provider],
            tokens=self.tokens(source),
            clock=self.clock,
            limiter=DatabaseLimiter(self.database, self.clock, source.id, self.figures),
            held=held or self.held(source),
            region=source.region,
            environment=source.environment,
            organization=source.organization_id,
            only=frozenset(only),
        )

    def tokens(self, source: Source) -> StoredTokens:
        """Return what keeps the tokens of a source."""
        return StoredTokens(
            self.database,
            self.clock,
            self.seal,
            source.id,
            lease_seconds=self.lease_seconds,
            checkpoint=self.checkpoint,
        )


class HeldRows:
    """What the warehouse holds of a source now, for connectors that look for deleted records by comparing."""

    def __init__(self, warehouse: "Warehouse", source: Source) -> None:
        self._warehouse = warehouse
        self._source = source
        # The organization's lease is not held while a run reads, but no other run of this source is active.
        self._standing: asyncio.Task[Standing] | None = None

    async def cursors(self) -> Mapping[str, str]:
        """Return the saved cursors."""
        return (await self._stands()).cursors

    async def count(self, stream: str) -> int:
        """Return how many live rows there are."""
        return (await self._stands()).counts.get(self._table(stream), 0)

    async def keys(self, stream: str) -> Collection[str]:
        """Return their keys."""
        standing = await self._stands()
        return await in_thread(lambda: self._warehouse.keys(self._source.id, self._table(stream), standing))

    async def among(self, stream: str, keys: Collection[str]) -> Collection[str]:
        """Return which of these keys they have."""
        standing = await self._stands()
        ask = partial(self._warehouse.keys, self._source.id, self._table(stream), standing, among=keys)
        return await in_thread(ask) if keys else ()

    async def _stands(self) -> "Standing":
        """Look once for all questions of a run."""
        if self._standing is None:
            self._standing = asyncio.ensure_future(in_thread(lambda: self._warehouse.standing(self._source.id)))
        return await self._standing

    def _table(self, stream: str) -> str:
        return f"raw_{self._source.provider}_{stream}"
