"""How the exchange stands, for whoever looks at it."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from storage.facts.exchange import ExchangePair, ExchangeRun, Pair, Reject
from storage.facts.sources import Source


@dataclass(frozen=True, slots=True)
class PairView:
    """One arrow of the process map."""

    pair: ExchangePair
    #: the newest run, whatever came of it; dry runs are not among them
    last: ExchangeRun | None = None
    active: ExchangeRun | None = None
    #: waits for a person
    held: ExchangeRun | None = None
    #: by then its next run, or the one that works, is over or is told as missing; None: nothing is expected
    expected_by: datetime | None = None


@dataclass(frozen=True, slots=True)
class ExchangeView:
    """One connection to PocketAdvantage, its company in QuickBooks, and the arrows between them."""

    #: the PocketAdvantage connection
    source: Source
    #: the QuickBooks company
    books: Source | None
    pairs: tuple[PairView, ...]
    #: QuickBooks' data is as old as that now; None: it was never ready
    as_of: datetime | None = None
    #: whether an admin let Tidings create orders in QuickBooks
    may_write: bool = False
    #: QuickBooks companies to choose from, while nobody said whose records go there; it has no pairs before
    companies: tuple[Source, ...] = ()


@dataclass(frozen=True, slots=True)
class NightView:
    """What came of one night of a connection's files."""

    source: Source
    #: its local date
    night: str
    #: each file that was due, with its last run of the night; None: it did not run
    files: tuple[tuple[Pair, ExchangeRun | None], ...]
    #: what these left out, some of it
    left_out: Mapping[Pair, tuple[Reject, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class RunView:
    """One run with what it left out."""

    run: ExchangeRun
    pair: ExchangePair
    #: some of them
    rejects: tuple[Reject, ...] = ()
    #: PocketAdvantage is disconnected: nothing runs until it is reconnected
    lost: bool = False


@dataclass(frozen=True, slots=True)
class FileVersion:
    """An earlier file of a pair that lies in the archive of the far side."""

    name: str
    size: int
    at: datetime
