"""What a sentence is understood as."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from zoneinfo import ZoneInfo

from storage.facts.sources import Source


class Intent(StrEnum):
    """What one question asks for; none of them starts anything."""

    STATUS = "status"
    WHEN_LAST = "when_last"
    WHEN_NEXT = "when_next"
    WHY_STALE = "why_stale"
    WHO_STARTED = "who_started"
    HOW_LONG = "how_long"
    IS_RUNNING = "is_running"
    WHAT_CHANGED = "what_changed"
    LANDED = "landed"
    HISTORY = "history"
    DISCONNECTED = "disconnected"
    HOW_RECONNECT = "how_reconnect"
    WHAT_CAN_REFRESH = "what_can_refresh"
    METRICS = "metrics"
    #: leads to the card that asks, never further
    REFRESH = "refresh"
    HELP = "help"
    NOT_UNDERSTOOD = "not_understood"


#: What belongs to no source.
WITHOUT_SOURCES = frozenset({Intent.HELP, Intent.NOT_UNDERSTOOD})


@dataclass(frozen=True, slots=True)
class Span:
    """A time that was named: an instant (`at`), or from `start` to before `end`; an open end is None."""

    text: str
    start: datetime | None = None
    end: datetime | None = None
    at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One question."""

    intent: Intent
    #: ids of the sources that were named, or that are meant by what was asked before; empty and `everything`: all
    source_ids: tuple[str, ...] = ()
    #: all sources, less `except_ids`
    everything: bool = False
    except_ids: tuple[str, ...] = ()
    #: what was named as a source and is none
    unknown: tuple[str, ...] = ()
    #: providers that were named and of which no source is connected
    absent: tuple[str, ...] = ()
    span: Span | None = None
    #: a member's name, or a name as it was typed
    person: str | None = None
    document: str | None = None
    amount: str | None = None
    metric: str | None = None
    #: "it" was said, and nothing before tells what that is
    unclear: bool = False
    #: the words that it was understood from
    words: str = ""


@dataclass(frozen=True, slots=True)
class Understood:
    """A whole message: its questions in order, and whether anything may be offered in the answer."""

    asked: tuple[Asked, ...]
    #: False wherever the words say no to anything
    offers: bool = True
    #: the message says that something must not be done
    declined: bool = False
    #: one before it in the thread said so, and nothing has been wished for since
    still: bool = False


@dataclass(frozen=True, slots=True)
class World:
    """What the reader of a sentence knows: the asker's own sources and people, and the time where they are."""

    sources: tuple[Source, ...]
    now: datetime
    zone: ZoneInfo
    #: members' names by the id that mentions hold
    people: Mapping[str, str] = field(default_factory=dict)
    #: the name of whoever asks
    asker: str = ""
    #: words that name the organization itself
    organization: str = ""
    #: whose mention is no word at all: the bot's own
    bot_user: str = ""
