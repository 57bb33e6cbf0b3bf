"""Webhooks that Tidings sends: to whom, about what, and what became of each."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum


class EventType(StrEnum):
    """What a receiver can be told of."""

    #: fresh data can be imported
    SOURCE_READY = "source.ready"
    #: nothing new comes until somebody reconnects
    SOURCE_DISCONNECTED = "source.disconnected"
    #: a refresh takes longer than it may, and support was called
    REFRESH_OVERDUE = "refresh.overdue"
    #: values of a metric are other than before
    METRIC_UPDATED = "metric.updated"
    #: a run of the exchange began to build
    EXCHANGE_STARTED = "exchange.started"
    #: PocketAdvantage, or QuickBooks, has what a run brought
    EXCHANGE_COMPLETED = "exchange.completed"
    #: a run was held, failed or is missing
    EXCHANGE_ERRORED = "exchange.errored"
    #: objects that a run added, updated and removed on the other side
    EXCHANGE_CHANGED = "exchange.changed"
    #: somebody tries whether messages arrive
    TEST = "tidings.test"


#: What a receiver is told of unless it is said otherwise.
TOLD_OF = (
    EventType.SOURCE_READY,
    EventType.SOURCE_DISCONNECTED,
    EventType.REFRESH_OVERDUE,
    EventType.METRIC_UPDATED,
    EventType.EXCHANGE_STARTED,
    EventType.EXCHANGE_COMPLETED,
    EventType.EXCHANGE_ERRORED,
    EventType.EXCHANGE_CHANGED,
)
#: From one attempt to the next: eight attempts over 28 hours, as the Standard Webhooks specification suggests.
PAUSES = tuple(timedelta(seconds=seconds) for seconds in (5, 5 * 60, 30 * 60, 2 * 3600, 5 * 3600, 10 * 3600, 10 * 3600))
ATTEMPTS = len(PAUSES) + 1
#: A receiver that accepted nothing for so long is told nothing more until somebody looks.
GIVE_UP_AFTER = timedelta(days=5)
#: How long the secret before the newest one signs as well.
OLD_SECRET_FOR = timedelta(hours=24)
#: How long messages can be sent again.
KEPT_FOR = timedelta(days=35)


class SendState(StrEnum):
    """Where one message to one receiver stands."""

    PENDING = "pending"
    SENT = "sent"
    #: eight attempts, and nobody took it
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """A receiver: an address of the customer."""

    id: str
    organization_id: str
    url: str
    events: tuple[EventType, ...]
    created_at: datetime
    #: since when nothing was accepted there
    failing_since: datetime | None
    #: nothing is sent there any more, and why
    stopped_at: datetime | None
    stopped_because: str


@dataclass(frozen=True, slots=True)
class Send:
    """One message to one receiver."""

    id: str
    endpoint_id: str
    #: the id that the receiver sees, the same for every attempt
    message_id: str
    type: EventType
    state: SendState
    attempts: int
    #: when the next attempt is due
    due_at: datetime | None
    sent_at: datetime | None
    #: the receiver's status, or in safe words why there was none
    answer: str
    created_at: datetime
