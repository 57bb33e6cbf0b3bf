"""What happened since the last digest, and how things stand."""

from dataclasses import dataclass
from datetime import datetime

from storage.facts.exchange import Pair
from storage.facts.exchange import RunState as ExchangeState
from storage.facts.incidents import Incident
from storage.facts.metrics import Shown
from storage.facts.quiet import Digest
from storage.facts.runs import RunState
from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import SourceStatus


@dataclass(frozen=True, slots=True)
class Ended:
    """How many runs of a source ended in one way."""

    source_id: str
    state: RunState
    #: whether a full read was held for a person
    held: bool
    #: whether rows are different since
    changed: bool
    count: int


@dataclass(frozen=True, slots=True)
class Happened:
    """What a digest is made of."""

    organization: str
    since: datetime
    statuses: tuple[SourceStatus, ...]
    ended: tuple[Ended, ...]
    #: those that began or ended since, and those that are open
    incidents: tuple[Incident, ...]
    #: messages to the reader that did not arrive, or may not have
    undelivered: int
    #: those that are posted in channels, on Mondays, each with its last values
    metrics: tuple[Shown, ...] = ()
    #: how many runs of each pair of the exchange ended in which way
    exchanged: tuple[tuple[Pair, ExchangeState, int], ...] = ()

    @property
    def nothing(self) -> bool:
        """Whether there is nothing to tell, and all is well; metrics are something to tell."""
        events = any(one.changed or one.state is RunState.FAILED for one in self.ended)
        return not (events or self.incidents or self.undelivered or self.unwell or self.metrics or self.exchanged)

    @property
    def unwell(self) -> tuple[SourceStatus, ...]:
        """Sources that are not fresh; one that a person disconnected is told as an incident when it was."""
        return tuple(
            one
            for one in self.statuses
            if one.source.connection is ConnectionState.CONNECTED and one.freshness is not Freshness.FRESH
        )


@dataclass(frozen=True, slots=True)
class DigestView:
    """Which digests somebody sees where they ask."""

    mine: Digest | None
    zone: str
    #: of the channel where it was asked
    here: Digest | None = None
    here_zone: str = "UTC"
