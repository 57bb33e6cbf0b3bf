"""What the exchange needs of the outside: where files go, and a turn of the orders."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from connectors.errors import Broken, ConnectorError
from connectors.pocketadvantage.looking import of_connection
from connectors.pocketadvantage.transfer.opening import Operator, open_remote
from connectors.pocketadvantage.transfer.places import Place
from connectors.pocketadvantage.transfer.port import Remote
from jobs.exchange.fil import FilRules
from storage.facts.exchange import Counts, ExchangeRun, Reject
from storage.facts.sources import Source


@dataclass(frozen=True, slots=True)
class FarSide:
    """Where a connection's files are handed over, and how PocketAdvantage wants them."""

    place: Place
    operator: Operator
    rules: FilRules = field(default_factory=FilRules)
    #: an admin accepted that a server which replaces no file has none of that name for a moment
    accept_gap: bool = False

    @asynccontextmanager
    async def open(self) -> AsyncIterator[Remote]:
        """Hold one connection for one job (ConnectorError)."""
        try:
            async with open_remote(self.place, self.operator) as remote:
                yield remote
        except Broken as error:
            said = of_connection(error)
            if said is error:
                raise
            raise said from error


class FarSides(Protocol):
    """Knows where the files of a connection go."""

    async def of(self, source: Source) -> FarSide:
        """Return where that is; Reconnect or Broken where what was declared is missing or cannot be."""
        ...


@dataclass(frozen=True, slots=True)
class OrderMoves:
    """Which orders are others in QuickBooks after a turn, by the numbers that PocketAdvantage gave them."""

    added: tuple[str, ...] = ()
    updated: tuple[str, ...] = ()
    removed: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class OrdersTaken:
    """What one turn of the orders came to."""

    #: orders that were read
    read: int = 0
    counts: Counts = field(default_factory=Counts)
    #: orders that wait for something outside
    waiting: int = 0
    moves: OrderMoves = OrderMoves()
    #: orders that were left out, and the first of them with their reasons
    left_out: int = 0
    problems: tuple[Reject, ...] = ()
    #: orders that were taken again, and are in QuickBooks as they were
    there: int = 0
    #: the next turn begins then at the latest
    again_at: datetime | None = None
    #: why it could not go on; what was read by then is kept
    stopped: ConnectorError | None = None
    #: another worker is at it
    busy: bool = False


class Orders(Protocol):
    """Takes orders in."""

    async def take(self, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:
        """Read, check and write what is there; safe at any time, from any number of workers (ConnectorError)."""
        ...

    async def dry(self, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:
        """Read and check, and write nothing anywhere (ConnectorError)."""
        ...
