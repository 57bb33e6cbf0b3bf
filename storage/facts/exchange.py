"""The exchange with PocketAdvantage: pairs of objects, their runs, what was held or left out."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, time
from enum import StrEnum

_TIME = r"[0-2][0-9]:[0-5][0-9]"
_SCHEDULE = re.compile(
    rf"(?:nightly (?P<at>{_TIME})|every (?P<every>[1-9][0-9]{{0,3}}))"
    rf"(?: within (?P<opens>{_TIME})-(?P<closes>{_TIME}))?",
    re.ASCII,
)


class Direction(StrEnum):
    """Which way records go, seen from QuickBooks."""

    #: QuickBooks to PocketAdvantage
    OUT = "out"
    #: PocketAdvantage to QuickBooks
    IN = "in"


class Mode(StrEnum):
    """How much of a pair goes each time."""

    #: always everything
    FULL = "full"
    #: what is new since it went last
    INCREMENTAL = "incremental"


class Pair(StrEnum):
    """What is exchanged; each is one way, with a switch, a schedule and a history of its own."""

    CUSTOMERS = "customers"
    ITEMS = "items"
    VENDORS = "vendors"
    SALES_REPS = "sales_reps"
    INVOICES = "invoices"
    ORDERS = "orders"

    @property
    def label(self) -> str:
        """What people read: ``Sales reps``."""
        return self.value.replace("_", " ").capitalize()

    @property
    def direction(self) -> Direction:
        """Which way it goes."""
        return Direction.IN if self is Pair.ORDERS else Direction.OUT

    @property
    def mode(self) -> Mode:
        """How much goes each time."""
        return Mode.INCREMENTAL if self in {Pair.INVOICES, Pair.ORDERS} else Mode.FULL


#: The pairs that are files.
FILES = tuple(pair for pair in Pair if pair.direction is Direction.OUT)


class RunState(StrEnum):
    """Where one run of a pair stands."""

    QUEUED = "queued"
    #: for QuickBooks, or for the next attempt after an outage; `why` says for what, `next_at` until when
    WAITING = "waiting"
    BUILDING = "building"
    #: a guard stopped it, and a person is asked
    HELD = "held"
    #: what goes is decided, and is being put there
    PUBLISHING = "publishing"
    DONE = "done"
    #: the far side has exactly that already; nothing was sent
    UNCHANGED = "unchanged"
    FAILED = "failed"
    #: a dry run that ended; nothing was sent
    DRY = "dry"
    #: was held; a person let it go, as a run of its own
    RELEASED = "released"
    #: was held; a person, or a later run, decided that it does not go
    DISCARDED = "discarded"

    @property
    def active(self) -> bool:
        """Whether it still holds its pair."""
        return self in ACTIVE_STATES


ACTIVE_STATES = (RunState.QUEUED, RunState.WAITING, RunState.BUILDING, RunState.PUBLISHING)


class Trigger(StrEnum):
    """Why a run began."""

    SCHEDULE = "schedule"
    PERSON = "person"
    DRY = "dry"
    RELEASE = "release"
    RESTORE = "restore"
    REPLAY = "replay"


class Guard(StrEnum):
    """What stops a file until a person has looked."""

    #: far fewer rows than the last good file
    SHRINK = "shrink"
    #: no row at all
    EMPTY = "empty"


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a pair runs, in the organization's zone; ``str`` of it is what is stored.

    Once a night, or at an interval. With a window it runs by itself only inside: ``nightly 02:00 within 01:00-05:00``,
    ``every 60 within 01:00-05:00``, ``every 15``.
    """

    #: local time of day, whole minutes; None: at an interval
    at: time | None = None
    #: minutes; None: once a night
    every: int | None = None
    #: from when to when it may run; the end may lie after midnight
    window: tuple[time, time] | None = None

    def __post_init__(self) -> None:
        if (self.at is None) == (self.every is None):
            raise ValueError("a schedule is a time of day or an interval")
        if self.at is not None and self.window is None:
            raise ValueError("a nightly schedule has a window")
        if self.window is not None and self.window[0] == self.window[1]:
            raise ValueError("a window has a length")
        if self.every is not None and not 1 <= self.every <= 1440:
            raise ValueError("an interval is 1 minute to 24 hours")
        if self.at is not None and self.window is not None and not _inside(self.at, self.window):
            raise ValueError("the time lies inside the window")

    def __str__(self) -> str:
        words = f"nightly {self.at:%H:%M}" if self.at is not None else f"every {self.every}"
        return f"{words} within {self.window[0]:%H:%M}-{self.window[1]:%H:%M}" if self.window else words


def read_schedule(text: str) -> Schedule:
    """Return the schedule that a text stands for (ValueError)."""
    found = _SCHEDULE.fullmatch(text)
    if found is None:
        raise ValueError(f"not a schedule: {text!r}")
    window = None
    if found["opens"]:
        window = (time.fromisoformat(found["opens"]), time.fromisoformat(found["closes"]))
    return Schedule(
        time.fromisoformat(found["at"]) if found["at"] else None,
        int(found["every"]) if found["every"] else None,
        window,
    )


def _inside(at: time, window: tuple[time, time]) -> bool:
    opens, closes = window
    return opens <= at < closes if opens < closes else at >= opens or at < closes


@dataclass(frozen=True, slots=True)
class LastGood:
    """What the far side has of a pair, as it was put there last."""

    run_id: str
    rows: int
    size: int
    sha256: str
    #: the data is as old as that
    as_of: datetime
    at: datetime


@dataclass(frozen=True, slots=True)
class ExchangePair:
    """One directed pair of objects of one connection."""

    id: str
    organization_id: str
    #: the PocketAdvantage connection
    source_id: str
    #: the QuickBooks company
    books_id: str
    pair: Pair
    on: bool
    schedule: Schedule
    #: of the organization, for the schedule
    zone: str
    schedule_version: int
    #: when its next run begins by itself; None: never
    due_at: datetime | None
    last: LastGood | None = None
    #: since when people stopped it for a while, and who; None: it runs
    paused_at: datetime | None = None
    paused_by: str = ""
    #: since when a run of it is missing; None: nothing is
    missed_since: datetime | None = None

    @property
    def runs(self) -> bool:
        """Whether the clock starts it."""
        return self.on and self.paused_at is None


@dataclass(frozen=True, slots=True)
class Held:
    """What a guard found, for the person who decides."""

    guard: Guard
    before: int
    after: int
    #: keys of some that were in the last good file and are not in this one
    gone: tuple[str, ...] = ()
    #: how many they are in all
    gone_count: int = 0


@dataclass(frozen=True, slots=True)
class Reject:
    """One record that was left out of a file, and why."""

    key: str
    field: str
    #: plain words
    reason: str
    #: what people call it: an invoice's number, a customer's name; empty where the key says it
    name: str = ""


@dataclass(frozen=True, slots=True)
class Counts:
    """What a run did to what the far side has: records, not rows."""

    added: int = 0
    updated: int = 0
    removed: int = 0

    @property
    def touched(self) -> int:
        """Records that are different after the run."""
        return self.added + self.updated + self.removed


@dataclass(frozen=True, slots=True)
class ExchangeRun:
    """One run of one pair."""

    id: str
    organization_id: str
    source_id: str
    books_id: str
    pair_id: str
    pair: Pair
    trigger: Trigger
    #: the local day or the instant that it stands for, or the click; once for each pair
    slot: str
    state: RunState
    #: grows with each start; whoever holds an older one may no longer write
    attempt: int
    #: the member; empty: the clock
    asked_by: str
    requested_at: datetime
    #: when it was due
    slot_at: datetime
    #: past that it is given up, and said to be missing
    deadline: datetime
    started_at: datetime | None = None
    finished_at: datetime | None = None
    #: when it is looked at again
    next_at: datetime | None = None
    #: for what it waits, or why it failed: plain words
    why: str = ""
    #: machine code of the same
    code: str = ""
    #: QuickBooks' data in it is as old as that
    as_of: datetime | None = None
    #: the state of the lake that it was made from
    snapshot: int | None = None
    #: the run that brought that data
    books_run: str = ""
    #: version of the mapping
    mapping: str = ""
    #: the night to which an incremental file belongs
    night: str = ""
    rows: int = 0
    #: rows of the last good file
    rows_before: int | None = None
    skipped: int = 0
    rejected: int = 0
    #: characters that the file rules replaced
    replaced: int = 0
    size: int = 0
    sha256: str = ""
    counts: Counts = Counts()
    #: where the file before it was put
    archived_as: str = ""
    #: the name was missing for a moment, because the server cannot replace; an admin accepted that
    gap: bool = False
    held: Held | None = None
    #: the guards that a person let through, and how many rows they agreed to
    agreed: Mapping[str, int] = field(default_factory=dict)
    #: the run that it releases, replays or restores
    of_run: str = ""
    #: it began later than it should
    late: bool = False
    #: everything was read anew, and why; plain words
    note: str = ""
