"""Why a source's data is as old as it is: the evidence that was found, and the one cause that follows from it."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.facts.deliveries import Delivery
from storage.facts.people import Role
from storage.facts.runs import Run
from storage.facts.status import SourceStatus


class Cause(StrEnum):
    """The leaves of the tree, in the order in which they are looked for: the first that holds is the cause."""

    DISCONNECTED_ON_PURPOSE = "disconnected_on_purpose"
    #: the provider said so by itself: the app was removed there
    DISCONNECTED_BY_PROVIDER = "disconnected_by_provider"
    #: the access was refused when it was used
    DISCONNECTED_LOST = "disconnected_lost"
    STOPPING = "stopping"
    #: a run waits, and no process of ours works
    NO_WORKER = "no_worker"
    #: a run is under way, and nobody has given a sign of life of it for long
    STUCK = "stuck"
    #: the provider asked us to slow down
    RATE_LIMIT = "rate_limit"
    #: the provider still makes the report or the file that was asked for
    PROVIDER_PREPARES = "provider_prepares"
    WAITS_ATTEMPT = "waits_attempt"
    #: other readings of the same account make all calls that are allowed at once
    WAITS_TURN = "waits_turn"
    QUEUED = "queued"
    COLLECTING = "collecting"
    PROCESSING = "processing"
    HELD = "held"
    FAILED_KNOWN = "failed_known"
    FAILED_UNKNOWN = "failed_unknown"
    ATTENTION = "attention"
    #: streams could not be read
    PARTIAL = "partial"
    SCHEDULE_OFF = "schedule_off"
    #: a collection was due and was not started: our own trouble
    CLOCK_STOPPED = "clock_stopped"
    CANCELLED = "cancelled"
    NEVER_READ = "never_read"
    #: the confirmation of their refresh did not arrive, as far as anybody can tell
    DELIVERY_FAILED = "delivery_failed"
    DELIVERY_PENDING = "delivery_pending"
    STRETCHED = "stretched"
    NO_NEW_FILE = "no_new_file"
    #: older than the question: it is collected by a timer, whose time has not come
    TIMER_NOT_DUE = "timer_not_due"
    #: older than the question: a collection that was under way already was joined
    JOINED = "joined"
    #: deliberately not sent, such as mail to somebody who confirmed no address
    DELIVERY_SKIPPED = "delivery_skipped"
    OLDER_PERIODS = "older_periods"
    PROVIDER_LAG = "provider_lag"
    #: late, and nothing of the above: said as it is, never as well
    UNEXPLAINED = "unexplained"
    UNCHANGED = "unchanged"
    WELL = "well"


class Acts(StrEnum):
    """Who has to do something."""

    YOU = "you"
    MANAGER = "manager"
    ADMIN = "admin"
    SUPPORT = "support"
    #: it goes on by itself, or nothing is wrong
    NOBODY = "nobody"


class NextStep(StrEnum):
    """The one button that helps."""

    NONE = "none"
    RECONNECT = "reconnect"
    REFRESH = "refresh"
    SEE_HELD = "see_held"
    READ_MISSING = "read_missing"
    TICKET = "ticket"
    RECEIPT = "receipt"
    #: what became of the confirmation, and a button that sends it again
    RESEND = "resend"


@dataclass(frozen=True, slots=True)
class AskedBefore:
    """The newest refresh of the source that whoever asks why waited for, and what became of its confirmation."""

    refresh_id: str
    requested_at: datetime
    finished_at: datetime | None
    #: what it did for this source
    run: Run
    #: confirmations to them: e-mail and Slack
    deliveries: tuple[Delivery, ...] = ()
    #: when support is told, while it is open; or was
    support_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """All that the tree looks at; gathered in a handful of queries."""

    now: datetime
    status: SourceStatus
    #: role of whoever asks
    reader: Role
    asked: AskedBefore | None = None
    #: the provider itself took the access back
    by_provider: bool = False
    #: whether a process that does the work has given a sign of life lately
    worker_alive: bool = True
    #: a time that was due by the schedule and has seen no run
    missed_at: datetime | None = None
    #: until when the provider wants no calls
    blocked_until: datetime | None = None
    #: how far the provider is behind its own events, in the connector's sentence
    lag: str | None = None
    #: receipt of the newest good run
    receipt: str | None = None
    #: when the clock looks next by itself, for delivered files too; None where it does not
    next_at: datetime | None = None
    #: they ask for the message that did not come, not for the data
    asks_mail: bool = False
    #: from whom confirmations by mail come
    sender: str = ""

    @property
    def data_as_of(self) -> datetime | None:
        """Up to when the data that can be imported is complete."""
        return self.status.last_data_refresh

    @property
    def older_than_question(self) -> bool:
        """Whether the data is older than their refresh, which has ended."""
        asked, as_of = self.asked, self.data_as_of
        return asked is not None and asked.finished_at is not None and as_of is not None and as_of < asked.requested_at


@dataclass(frozen=True, slots=True)
class Explanation:
    """One cause, who has to act, what comes by itself and when, and the evidence that it follows from."""

    cause: Cause
    acts: Acts
    step: NextStep
    #: the next automatic attempt
    next_at: datetime | None
    evidence: Evidence
