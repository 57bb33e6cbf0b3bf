"""Why a metric stands where it stands: the way of its data as a chain of links, each with what is known of it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.facts.explain import Explanation
from storage.facts.metrics import Shown


class LinkKind(StrEnum):
    """The links, in the order in which data travels."""

    SOURCE = "source"
    STREAM = "stream"
    TABLE = "table"
    DEFINITION = "definition"
    SCHEDULE = "schedule"


class LinkState(StrEnum):
    """Where a link stands."""

    FINE = "fine"
    LATE = "late"
    EMPTY = "empty"
    #: records are left out
    PARTLY = "not whole"
    BROKEN = "broken"


class LinkCause(StrEnum):
    """What is known of a link."""

    WELL = "well"
    #: what `/data why` says of the source
    SOURCE = "source"
    #: the source is connected again, and the metric still stands still
    FROZEN = "frozen"
    #: streams that the last run could not read
    UNREAD = "unread"
    #: what is read once a day was not read for two days
    DAILY = "daily"
    NOT_IMPORTED = "not_imported"
    NO_RECORDS = "no_records"
    NO_VALUE = "no_value"
    #: records without a day
    LEFT_OUT = "left_out"
    BROKEN = "broken"
    #: the newest definition is not calculated yet
    NOT_YET = "not_yet"
    #: newer data is there and is calculated right now, or in a moment
    CALCULATING = "calculating"
    #: several attempts came to nothing
    FAILING = "failing"
    #: it is not current, and nothing of the above: said as it is, never as well
    UNEXPLAINED = "unexplained"


@dataclass(frozen=True, slots=True)
class Turn:
    """When a source's metrics are calculated next."""

    #: None: nothing is due before the next collection
    due_at: datetime | None
    #: attempts in a row that came to nothing, with the one that may be under way
    attempts: int


@dataclass(frozen=True, slots=True)
class MetricEvidence:
    """All that the chain looks at; rows of the database alone."""

    now: datetime
    shown: Shown
    #: of its source
    source: Explanation
    #: what it is calculated from, as the provider's streams: ``general_ledger``
    streams: Sequence[str]
    #: the one of them that is read once a day
    daily: str
    turn: Turn | None
    #: when its newest definition was written, and by whom
    written_at: datetime | None
    written_by: str


@dataclass(frozen=True, slots=True)
class Link:
    """One link and what is known of it."""

    kind: LinkKind
    state: LinkState
    cause: LinkCause = LinkCause.WELL
    #: the instant that its words are about
    at: datetime | None = None
    #: what the words name
    names: tuple[str, ...] = ()
    #: why, in words that were written down
    said: str = ""


@dataclass(frozen=True, slots=True)
class MetricWhy:
    """The chain of one metric; the first link that is not fine is the cause."""

    links: tuple[Link, ...]
    evidence: MetricEvidence

    @property
    def cause(self) -> Link | None:
        """The first link that is not fine; None when all are."""
        return next((one for one in self.links if one.state is not LinkState.FINE), None)
