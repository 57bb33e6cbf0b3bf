"""What a person chose to be told, about which source, and how; without a choice the defaults hold."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from storage.facts.deliveries import Channel

#: How a message may reach somebody; none of them: off.
Ways = frozenset[Channel]
BOTH: Ways = frozenset({Channel.SLACK, Channel.EMAIL})
MAIL: Ways = frozenset({Channel.EMAIL})
OFF: Ways = frozenset()


class Topic(StrEnum):
    """What messages are about. Calls to support and answers to one's own clicks are no choice of anybody's."""

    #: data is ready to import
    READY = "ready"
    #: a refresh or a run failed, or runs keep failing
    FAILED = "failed"
    #: a source is not as fresh as it was promised
    LATE = "late"
    #: a source lost its connection, or is about to
    DISCONNECTED = "disconnected"
    #: a file or an order of the exchange is held, failed or is missing
    EXCHANGE = "exchange"
    #: a night of the exchange's files is over
    SENT = "sent"


@dataclass(frozen=True, slots=True)
class Choice:
    """One choice of one person."""

    #: None: every source
    source_id: str | None
    topic: Topic
    ways: Ways
    changed_at: datetime
    #: told once a day, and not one by one
    digest: bool = False
    #: mail was turned off, and nothing else chosen: as without a choice, but not by mail
    no_mail: bool = False


@dataclass(frozen=True, slots=True)
class ChannelChoice:
    """One choice of one channel, made by an admin."""

    #: None: every source
    source_id: str | None
    topic: Topic
    told: bool


@dataclass(frozen=True, slots=True)
class ChannelChoices:
    """What one channel is told."""

    choices: tuple[ChannelChoice, ...]
    #: names of the sources that they name
    sources: Mapping[str, str]
    #: whether an admin lets Tidings speak there; nothing is told elsewhere
    allowed: bool
    #: whether it was allowed first: without a choice it is told of what is wrong
    first: bool


@dataclass(frozen=True, slots=True)
class Choices:
    """Everything that one person chose."""

    choices: tuple[Choice, ...]
    #: names of the sources that they name
    sources: Mapping[str, str]
    #: where mail goes; None: nowhere
    address: str | None
