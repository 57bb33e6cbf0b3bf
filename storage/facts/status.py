"""What a status answer is made of."""

from dataclasses import dataclass, field
from datetime import date, datetime

from storage.facts.dependents import Frozen
from storage.facts.runs import Duration, Run
from storage.facts.sources import Freshness, Source


@dataclass(frozen=True, slots=True)
class SourceStatus:
    """Three separate states of one source (connection, run, freshness) and the times behind them."""

    source: Source
    freshness: Freshness
    #: the newest run that became ready, in full or None
    last_ready: Run | None
    #: the newest run that failed or was cancelled, unless a later one read from the provider and became ready
    last_finished: Run | None
    #: the run that holds the source now
    active: Run | None
    #: when the clock collects next; None for push sources and disconnected ones
    next_run_at: datetime | None
    duration: Duration | None
    #: provider reads of this month and the budget, where reads are metered
    reads: tuple[int, int] | None = None
    #: the schedule was stretched to save the read budget: minutes now in force
    stretched_minutes: int | None = None
    #: when the provider last told of a change by itself; None where it never did
    changed_at: datetime | None = None
    #: by when the next file is usually here, where files are delivered in a rhythm that is known; may be past
    next_file_at: datetime | None = None
    #: what stands still because the source is disconnected
    frozen: tuple[Frozen, ...] = ()

    @property
    def changes_wait(self) -> bool:
        """Whether the provider told of a change that is not in the data yet."""
        return self.changed_at is not None and (
            self.last_data_refresh is None or self.changed_at > self.last_data_refresh
        )

    @property
    def last_data_refresh(self) -> datetime | None:
        """The `source_as_of` of the newest run that became ready."""
        return self.last_ready.clocks.source_as_of if self.last_ready else None


@dataclass(frozen=True, slots=True)
class Again:
    """What a refresh was asked to read once more."""

    #: what people call the kind of record; empty: all of the source
    label: str
    #: only what changed since that day, in the organization's zone; None: everything
    since: date | None


@dataclass(frozen=True, slots=True)
class RefreshStatus:
    """A refresh, its runs and who is told."""

    id: str
    organization_id: str
    organization: str
    requested_at: datetime
    #: display name of the first asker; None for the clock
    requested_by: str | None
    #: whether everything was asked for, or one source
    everything: bool
    runs: tuple[tuple[Source, Run], ...]
    #: `source_as_of` of each source before this refresh, by source id
    before: dict[str, datetime | None]
    #: names of everyone who joined, the asker first
    people: tuple[str, ...]
    escalated_at: datetime | None
    acknowledged_by: str | None
    finished_at: datetime | None
    #: next timer collection by source id, for sources that are not collected on demand
    next_collection: dict[str, datetime | None]
    durations: dict[str, Duration | None]
    #: the newest failed collection by source id, where none has succeeded since
    failing: dict[str, Run] = field(default_factory=dict)
    #: who else waits, by source id, for the runs that this refresh waits for no more
    goes_on_for: dict[str, tuple[str, ...]] = field(default_factory=dict)
    #: set where it was asked for by `/data reread`: it has one run then
    again: Again | None = None
