"""Refreshes, runs and receipts as facts."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from storage.facts.past import Older
from storage.facts.streams import StreamCounts


class RunState(StrEnum):
    """Where one execution for one source stands."""

    QUEUED = "queued"
    RUNNING = "running"
    #: a person asked to stop it; the worker stops between two steps
    CANCELLING = "cancelling"
    READY = "ready"
    FAILED = "failed"
    CANCELLED = "cancelled"

    @property
    def active(self) -> bool:
        """Whether the run still holds its source."""
        return self in ACTIVE_STATES


ACTIVE_STATES = (RunState.QUEUED, RunState.RUNNING, RunState.CANCELLING)


class Stage(StrEnum):
    """What a running run is doing."""

    COLLECTING = "collecting"
    PROCESSING = "processing"


class Trigger(StrEnum):
    """Who or what asked for a run."""

    REQUEST = "request"
    SCHEDULE = "schedule"
    FIRST_READ = "first_read"
    #: a first read that goes on by itself with older periods
    OLDER = "older_periods"


class FailureKind(StrEnum):
    """What to do about a failure; see connectors.errors."""

    RETRY = "retry"
    RECONNECT = "reconnect"
    BROKEN = "broken"
    PARTIAL = "partial"
    #: a full read came back suspiciously small and waits for a person
    HELD = "held"


class Result(StrEnum):
    """What a run came to."""

    #: rows are different now
    CHANGED = "changed"
    #: the provider was asked, and has nothing that is not here
    VERIFIED = "verified_unchanged"
    #: only what was collected before was looked at, and nothing of it waited
    NOTHING_WAITED = "nothing_waited"
    #: zero or far fewer rows than usual came: held, a person decides
    SUSPICIOUS = "suspicious_empty"
    #: some streams could not be read; the others are in
    PARTIAL = "partial"
    FAILED = "failed"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a run failed, where, and the reference that support can look up."""

    kind: FailureKind
    #: machine code, such as ``invalid_grant``
    code: str
    #: safe words; never a secret
    detail: str
    stage: Stage
    reference: str


@dataclass(frozen=True, slots=True)
class Held:
    """What a full read that waits for a person found: how many records of a stream instead of how many."""

    stream: str
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Missing:
    """Streams that a run could not read, for a reason of their own: their rows and cursors stayed as they were."""

    streams: tuple[str, ...]
    #: what people read: "Inventory"
    label: str
    kind: FailureKind
    code: str
    #: safe words; never a secret
    detail: str
    #: the instant up to which their rows are complete; None: they were never read
    as_of: datetime | None


@dataclass(frozen=True, slots=True)
class Partly:
    """How far a source came that is only in part as fresh as its newest run."""

    missing: tuple[Missing, ...]
    #: up to when every other stream is complete
    rest_as_of: datetime | None
    #: labels of the other streams
    rest: tuple[str, ...] = ()
    #: when the missing ones are tried again by themselves
    again_at: datetime | None = None
    #: how many runs in a row could not read them
    times: int = 1


@dataclass(frozen=True, slots=True)
class Clocks:
    """The four clocks; no message shows an unlabelled time."""

    requested_at: datetime
    #: the instant up to which every change at the provider is in the warehouse
    source_as_of: datetime | None = None
    loaded_at: datetime | None = None
    ready_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Run:
    """One execution for one source."""

    id: str
    organization_id: str
    source_id: str
    trigger: Trigger
    state: RunState
    stage: Stage | None
    #: grows with each claim; a worker with an older one may no longer write
    generation: int
    attempt: int
    clocks: Clocks
    started_at: datetime | None
    finished_at: datetime | None
    #: raw rows read so far
    rows: int
    #: raw rows expected, where the provider tells
    rows_expected: int | None
    #: a sign of life of whoever works on it; says nothing about rows
    progress_at: datetime | None
    #: when the next automatic attempt starts, while the run waits for one
    next_attempt_at: datetime | None
    failure: Failure | None
    counts: Mapping[str, StreamCounts] = field(default_factory=dict)
    #: when its rows or its stage last moved
    moved_at: datetime | None = None
    #: set while the read waits for a person, see FailureKind.HELD
    held: Held | None = None
    #: the least records per stream that a person agreed to, after an earlier read was held
    agreed: Mapping[str, int] = field(default_factory=dict)
    #: it was cancelled for the refresh that is looked at only; it goes on for others
    goes_on: bool = False
    #: set when streams are missing in what it loaded; its `source_as_of` is then that of the oldest of them
    partly: Partly | None = None
    #: plain sentences worth showing with it
    notes: tuple[str, ...] = ()
    #: the streams that it reads alone; empty: everything
    only: tuple[str, ...] = ()
    #: None while it is under way
    result: Result | None = None
    #: streams whose older records are not in yet after it
    older: tuple[Older, ...] = ()
    #: it waits: other readings of the same account have all calls that the provider allows at once
    waits_turn: bool = False

    @property
    def changed(self) -> int:
        """Rows that are different after the run, over all streams."""
        return sum(count.touched for count in self.counts.values())


@dataclass(frozen=True, slots=True)
class Receipt:
    """The immutable record of a finished run."""

    id: str
    run_id: str
    organization_id: str
    source_id: str
    #: position in the organization's chain, from 1
    sequence: int
    clocks: Clocks
    counts: Mapping[str, StreamCounts]
    stage_seconds: Mapping[str, float]
    snapshot_before: int | None
    snapshot_after: int | None
    #: hash of what was loaded
    fingerprint: str
    previous_hash: str
    hash: str
    #: what is missing in it
    partly: Partly | None = None
    #: what began the run; None in receipts that were written before this was noted
    trigger: Trigger | None = None
    #: ids of the members who asked for it or joined
    asked_by: tuple[str, ...] = ()
    #: the release of Tidings that wrote it
    release: str = ""
    #: version of what was read and how it was made ready; empty in receipts that were written before this was noted
    configuration: str = ""


@dataclass(frozen=True, slots=True)
class Duration:
    """How long good runs of a source took lately, in seconds; None below 5 runs."""

    p50: float
    p90: float
    runs: int
