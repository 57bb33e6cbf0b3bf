"""Deliveries: one message to one place by one channel."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: a one-time code to prove a browser with, by DM
CONNECT_CODE = "connect_code"
#: every admin is told that somebody connected or reconnected an account
CONNECTION_CHANGED = "connection_changed"
#: every admin is told that somebody disconnected a source
DISCONNECTED = "disconnected"
#: ... and that its data was erased, or that its access must be taken back at the provider
DISCONNECT_ENDED = "disconnect_ended"
#: every admin is told that orders may be created in QuickBooks, or may not any more
ORDERS_WRITING = "orders_writing"
#: Kinds whose facts are sealed, because they open something: forgotten as soon as the delivery is settled.
SEALED_KINDS = frozenset({CONNECT_CODE})


class Channel(StrEnum):
    """How a delivery travels."""

    SLACK = "slack"
    EMAIL = "email"


class DeliveryState(StrEnum):
    """Where one delivery stands."""

    PENDING = "pending"
    #: the intent is committed; the call may or may not have happened
    SENDING = "sending"
    SENT = "sent"
    #: nobody can tell whether it arrived; not sent again by this channel
    UNCONFIRMED = "unconfirmed"
    #: refused for good, or given up
    FAILED = "failed"
    #: deliberately not sent; the reason is stored
    SKIPPED = "skipped"
    #: waits for the end of a person's quiet hours
    HELD = "held"


@dataclass(frozen=True, slots=True)
class Delivery:
    """One message to one place by one channel, with its key, attempts and outcome."""

    id: str
    organization_id: str
    kind: str
    #: what it is about: a refresh id
    subject: str
    channel: Channel
    #: ``team/channel`` or an address
    destination: str
    member_id: str | None
    state: DeliveryState
    attempts: int
    #: how often it was sent again although nobody could tell whether it had arrived
    doubts: int
    intent_at: datetime | None
    sent_at: datetime | None
    #: Slack's ts or the Message-ID
    external_id: str | None
    #: why it was not sent, or not confirmed
    reason: str | None
    created_at: datetime
    #: no attempt after this instant: the words would no longer be true
    expires_at: datetime
    #: what the mail server said to the last attempt, as it said it
    reply: str | None = None
    #: when the outcome was written down
    settled_at: datetime | None = None
    #: when the quiet hours end for which it is or was held
    held_until: datetime | None = None
