"""The provider's side of a play."""

import asyncio
import contextlib
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random

from bot.cli.stories.truths import Records, Rows
from connectors.base import Connector
from sandbox.misbehave import Kind
from storage.credentials import Credentials
from storage.facts.clock import OffsetClock
from storage.facts.sources import Provider
from storage.warehouse.reader import Reader

FAULTS = (Kind.SERVER_ERROR, Kind.RESET, Kind.HTML, Kind.TRUNCATE, Kind.UNAUTHORIZED, Kind.RATE_LIMIT)


class Quick(OffsetClock):
    """It stands still but for what a test lets pass, and for whoever waits."""

    def __init__(self) -> None:
        super().__init__(base=lambda: datetime(2026, 11, 18, 4, 0, tzinfo=UTC))

    async def sleep(self, seconds: float) -> None:
        """Let the time pass without waiting for it."""
        self.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)


@dataclass(frozen=True)
class Connection:
    """What a connection to a stand-in needs."""

    account: str
    grant: Credentials
    #: settings that lead to the stand-in
    environment: Mapping[str, str]
    region: str = ""


class Side(ABC):
    """A stand-in, and what may happen there."""

    provider: Provider
    #: streams that are not of the provider, or that nothing fills here
    beside: frozenset[str] = frozenset()

    def __init__(self) -> None:
        self.clock = Quick()

    @abstractmethod
    def served(self, organization_id: str) -> contextlib.AbstractAsyncContextManager[Connection]:
        """Serve it for an organization."""

    @abstractmethod
    def connector(self) -> Connector:
        """Return what reads it."""

    @abstractmethod
    def happens(self, chance: Random) -> None:
        """Let records come, change and go."""

    @abstractmethod
    def fails(self, chance: Random) -> None:
        """Let some of the next calls fail."""

    @abstractmethod
    def heals(self) -> None:
        """Let nothing fail any more."""

    @abstractmethod
    def truth(self, until: datetime) -> Iterable[Records | Rows]:
        """Return what is there."""

    def arrives(self) -> None:  # noqa: B027 - what we are asked to fetch need not come
        """Let come what a good run needs."""

    def wrong(self, reader: Reader, source_id: str) -> list[str]:
        """Return what else is not as it should be."""
        _ = reader, source_id
        return []
