"""No flood: beyond so many messages in an hour to one reader or of one company, the rest is told in one, soon after.

What is over the cap waits for the next quarter of an hour and is told then in one message to that reader by that way
(`jobs.subscriptions.holding`). Nothing is left out: each message keeps its row, with the reason. Calls for help,
answers to whoever pressed something, codes and the summaries themselves are never capped. Messages that are sent at the
same moment do not see each other, so that a few more than the cap may go.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from jobs.metrics.weekly import WEEKLY
from jobs.notify.kinds import (
    ACCESS_ASKED,
    ACCESS_DECIDED,
    AGAIN,
    CONNECTION_TICKET,
    ESCALATIONS,
    MAIL_OFF,
    REFRESH_BEAT,
    REFRESH_CARD,
    REFRESH_FINISHED,
    TEST,
)
from jobs.subscriptions.digesting import DIGEST
from storage.facts.deliveries import CONNECT_CODE, Delivery
from storage.facts.operators import OPERATORS_KINDS
from storage.records import flow_of_messages as flow
from storage.records import quiet
from storage.sessions import Session

#: several messages that were held, in one
BUNDLE = "held_bundle"
PERIOD = timedelta(hours=1)
WAIT = timedelta(minutes=15)
#: Calls for help, what opens access, answers to presses, what comes once a day or week, the operator's, the summaries.
NEVER_CAPPED = (
    ESCALATIONS
    | OPERATORS_KINDS
    | {CONNECT_CODE, AGAIN, TEST, REFRESH_CARD, REFRESH_BEAT, MAIL_OFF, CONNECTION_TICKET, ACCESS_ASKED, ACCESS_DECIDED}
    | {DIGEST, WEEKLY, BUNDLE}
)
_BEGINS = "more than "


@dataclass(frozen=True, slots=True)
class Caps:
    """Messages in an hour."""

    #: to one person or address or in one channel
    reader: int = 30
    #: of one company, to everybody
    company: int = 1_000


@dataclass(frozen=True, slots=True)
class Capped:
    """Until when a message waits, and why."""

    until: datetime
    reason: str


def capped(session: Session, delivery: Delivery, now: datetime, caps: Caps) -> Capped | None:
    """Return until when the message waits because too many were sent; None where it is sent now."""
    if delivery.kind in NEVER_CAPPED or _answers(session, delivery):
        return None
    since = now - PERIOD
    if flow.to_reader(session, delivery.destination, since, NEVER_CAPPED, caps.reader) >= caps.reader:
        return Capped(next_turn(now), f"{_BEGINS}{caps.reader:,} messages in an hour came to one reader")
    if flow.of_company(session, delivery.organization_id, since, caps.company) >= caps.company:
        return Capped(next_turn(now), f"{_BEGINS}{caps.company:,} messages in an hour went out for the company")
    return None


def was_capped(delivery: Delivery) -> bool:
    """Whether a held message is held because of a cap."""
    return (delivery.reason or "").startswith(_BEGINS)


def next_turn(now: datetime) -> datetime:
    """Return the next quarter of an hour: the same for all that wait, so that they are one message."""
    seconds = WAIT.total_seconds()
    return datetime.fromtimestamp((now.timestamp() // seconds + 1) * seconds, UTC)


def _answers(session: Session, delivery: Delivery) -> bool:
    """Whether it is the answer to somebody who pressed, in their place."""
    if delivery.kind != REFRESH_FINISHED or delivery.member_id is None:
        return False
    return quiet.joined_at(session, delivery.subject.partition(".")[0], delivery.member_id) is not None
