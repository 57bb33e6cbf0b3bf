"""What depends on a source, and stands still with it: frozen, with the reason and as of when."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class DependentKind(StrEnum):
    """The kinds of things that depend on a source."""

    #: what lets the clock collect the source
    SCHEDULE = "schedule"
    #: a number that is calculated from the source
    METRIC = "metric"
    #: files and orders that go over the connection; has the id of its connection
    EXCHANGE = "exchange"


@dataclass(frozen=True, slots=True)
class Dependent:
    """One thing that depends on a source."""

    kind: DependentKind
    #: of the thing itself; a schedule has the id of its source
    id: str
    #: in words for people: ``every 60 minutes``
    name: str
    #: what the organization calls its metrics
    noun: str = "Metric"


@dataclass(frozen=True, slots=True)
class Frozen:
    """A dependent that stands still, because its source is disconnected."""

    dependent: Dependent
    #: why, in the words of the connection
    reason: str
    since: datetime
    #: the instant up to which its data went; None where none was ever loaded, or all of it was erased
    as_of: datetime | None
