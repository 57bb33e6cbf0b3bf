"""What is expected to happen by a time, and what becomes of it: a silence is an event like any other."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class ExpectationKind(StrEnum):
    """What is expected."""

    #: the clock starts the run of a slot; the subject is the source, the slot the slot's key
    SLOT = "slot"
    #: a run that nobody asked for comes to its end, or moves; the subject is the run
    COLLECTION = "collection"
    #: a file is delivered to a source, by the rhythm of those before; the subject is the source
    FILE = "file"
    #: a message of the outbox is settled; the subject is the delivery
    DELIVERY = "delivery"
    #: the clock of a process beats; the subject is the process
    HEARTBEAT = "heartbeat"
    #: the daily test notification is seen; the subject is the channel that it goes by
    CANARY = "canary"
    #: a pair of the exchange begins when it is due, and a run of it ends by its time; the subject is the pair, the slot
    #: is that time, or the run
    EXCHANGE = "exchange"


class ExpectationState(StrEnum):
    """What became of it."""

    EXPECTED = "expected"
    MET = "met"
    #: it was not there in its time; nobody has been told yet
    MISSED = "missed"
    #: it was not there in its time, and support has been told
    REPORTED = "reported"
    #: nobody waits for it any more: the schedule was changed, the source disconnected, the process stopped in order
    VOID = "void"


@dataclass(frozen=True, slots=True)
class Expected:
    """What is to be expected from now on: once for each kind, subject and slot."""

    kind: ExpectationKind
    subject: str
    slot: str
    #: when it should happen
    due_at: datetime
    #: when its absence is an event
    alarm_at: datetime
    organization_id: str | None = None
    source_id: str | None = None


@dataclass(frozen=True, slots=True)
class Expectation:
    """One row of the ledger."""

    id: str
    kind: ExpectationKind
    subject: str
    slot: str
    due_at: datetime
    alarm_at: datetime
    organization_id: str | None
    source_id: str | None
    state: ExpectationState
    missed_at: datetime | None
    #: when it came after all, or was waited for no more
    settled_at: datetime | None
    report_id: str | None


@dataclass(frozen=True, slots=True)
class ReportSum:
    """What one report speaks of, added up."""

    kind: ExpectationKind
    count: int
    #: how many of them came after all, and when the last did
    settled: int
    settled_at: datetime | None
    first_due: datetime
    last_due: datetime


@dataclass(frozen=True, slots=True)
class Pulse:
    """What can be seen of a Tidings from its database alone."""

    #: when the next beat of the clock that beat last is due; None: no clock beats, or the last one stopped in order
    clock_due_at: datetime | None
    #: worker processes with a sign of life, by the database's clock
    workers: int
    #: the earliest alarm time of all that is expected; long past: nobody looks
    next_alarm_at: datetime | None
    #: how many deliveries wait, since when the oldest, and when any of them was last tried
    unsent: int
    unsent_since: datetime | None
    tried_at: datetime | None
    #: whether there is any source that the clock should start
    has_sources: bool
