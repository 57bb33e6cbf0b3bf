"""What became of the messages about one thing, as somebody who may see them is told."""

from dataclasses import dataclass
from enum import StrEnum

from storage.facts.deliveries import Delivery


class Reader(StrEnum):
    """Whom a message was for."""

    #: whoever looks
    YOU = "you"
    MEMBER = "member"
    CHANNEL = "channel"
    SUPPORT = "support"


@dataclass(frozen=True, slots=True)
class Told:
    """One delivery, and whom it was for."""

    delivery: Delivery
    reader: Reader
    #: the member's name, or Slack's id of the channel; empty for support
    name: str
    #: the kind of message that it says again, where it is a repetition
    kind: str


@dataclass(frozen=True, slots=True)
class Timeline:
    """Every message about one thing, the oldest first."""

    #: what was looked for, by our id
    subject: str
    told: tuple[Told, ...]
    #: the id of a delivery that may be sent to the reader again; None where there is none
    again: str | None
    #: whether the reader confirmed an address, so that it can be mailed
    by_mail: bool
