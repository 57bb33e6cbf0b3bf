"""What can be asked for by name: the commands after `/data`, and a question in plain words (see `bot.asking`)."""

from dataclasses import dataclass
from enum import StrEnum


class Intent(StrEnum):
    """What is asked for; the values are entries of the dispatch table."""

    #: plain words: read with the asker's own sources at hand, and never more than a card that asks comes of them
    QUESTION = "question"
    STATUS = "status"
    #: leads to the card that asks, never further
    REFRESH = "refresh"
    HISTORY = "history"
    HELP = "help"
    #: lead to a page, never further
    CONNECT = "connect"
    RECONNECT = "reconnect"
    DISCONNECT = "disconnect"
    MEMBERS = "members"
    CHANNEL = "channel"
    SCHEDULE = "schedule"
    PROMISE = "promise"
    METRICS = "metrics"
    METRIC = "metric"
    MUTE = "mute"
    SNOOZE = "snooze"
    ESCALATION = "escalation"
    REREAD = "reread"
    EXCHANGE = "exchange"
    AUDIT = "audit"
    RECEIPT = "receipt"
    DELIVERIES = "deliveries"
    NOTIFY = "notify"
    WEBHOOKS = "webhooks"
    API = "api"
    WHY = "why"
    LANDED = "landed"
    UNKNOWN = "unknown"


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked for, and the words that may name a source."""

    intent: Intent
    about: str = ""
