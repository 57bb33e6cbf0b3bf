"""Events that providers send, as facts."""

from dataclasses import dataclass
from datetime import datetime

from storage.facts.sources import Provider


@dataclass(frozen=True, slots=True)
class Event:
    """What a signed body of a provider says, about one account."""

    #: the same for each delivery of the event, within its provider
    id: str
    #: in the provider's words
    topic: str
    #: the shop or realm that it is about
    account: str
    #: what acting on it needs to know; empty where its name says everything
    body: str = ""


@dataclass(frozen=True, slots=True)
class Webhook:
    """An event that was kept."""

    provider: Provider
    event_id: str
    topic: str
    account: str
    #: when it came
    at: datetime
    #: sealed; None once it was acted on
    body: bytes | None
    settled_at: datetime | None
    outcome: str | None

    @property
    def key(self) -> str:
        """The name of its work."""
        return f"{self.provider.value}/{self.event_id}"
