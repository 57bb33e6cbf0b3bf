"""What the Slack edge shows: how fresh the data is, what happened, and why."""

from collections.abc import Sequence
from typing import Any, Protocol

from jobs.pages.service import PageLink
from jobs.refresh.ask import Place, TriggerKey
from jobs.timelines import SentAgain
from storage.facts.audit import AuditPage
from storage.facts.begun import Begun
from storage.facts.deliveries import Channel
from storage.facts.estimates import Calibration
from storage.facts.explain import Explanation
from storage.facts.feedback import Feedback, Given, Verdict
from storage.facts.home import Index
from storage.facts.landed import LandedAnswer, Sought
from storage.facts.metric_why import MetricWhy
from storage.facts.people import Actor, SlackIdentity
from storage.facts.receipts import ReceiptPage
from storage.facts.runs import Run
from storage.facts.shared import Answer
from storage.facts.sources import Source
from storage.facts.status import SourceStatus
from storage.facts.talk import Conversation
from storage.facts.timelines import Timeline


class Status(Protocol):
    """How fresh the data is, and what happened."""

    async def sources(self, actor: Actor) -> list[Source]:
        """Return the sources of the actor's organization."""
        ...

    async def connections(self, actor: Actor) -> list[Source]:
        """Return its connections: the sources, and what files and orders go over."""
        ...

    async def all(self, actor: Actor, *, with_durations: bool = False) -> list[SourceStatus]:
        """Return the status of all of them; with how long each one's runs take where that is wanted."""
        ...

    async def one(self, actor: Actor, source_id: str) -> SourceStatus:
        """Return the status of one."""
        ...

    async def history(self, actor: Actor, source_id: str | None, limit: int = 10) -> tuple[list[Run], dict[str, str]]:
        """Return runs, newest first, and their receipts."""
        ...

    async def begun(self, actor: Actor, source_ids: Sequence[str], limit: int = 50) -> list[Begun]:
        """Return the newest runs of some sources with who asked for them."""
        ...

    async def calibration(self, actor: Actor, source_id: str) -> Calibration | None:
        """Return how well the estimates of time held; for admins."""
        ...


class OpenHome(Protocol):
    """A Home that is open."""

    @property
    def identity(self) -> SlackIdentity:
        """Whose."""
        ...

    @property
    def showing(self) -> str:
        """Filter and page."""
        ...


class Home(Protocol):
    """The data source index."""

    async def index(self, actor: Actor) -> Index:
        """Return every source; for admins also how the organization is set up."""
        ...

    async def opened(self, actor: Actor, showing: str) -> None:
        """Write down that the person looks at it now, and at what."""
        ...

    async def take_changed(self) -> Sequence[OpenHome]:
        """Return the open Homes that have changed; each is the caller's to draw."""
        ...

    async def drawn(self, view: Any) -> None:
        """Say that one of them is drawn."""
        ...

    async def refused(self, view: Any) -> bool:
        """Say that one of them could not be drawn; whether it is tried again."""
        ...


class Feedbacks(Protocol):
    """What people say of results."""

    async def give(self, actor: Actor, of: str | Given, verdict: Verdict, words: str = "") -> None:
        """Keep it; the last counts."""
        ...

    async def told(self, actor: Actor, source_id: str | None = None) -> list[Feedback]:
        """Return what was said, for admins."""
        ...


class Talk(Protocol):
    """What a follow-up refers to."""

    async def last(self, actor: Actor, where: Conversation) -> str | None:
        """Return what the person asked there last, as it was kept."""
        ...

    async def keep(self, actor: Actor, where: Conversation, asked: str | None) -> None:
        """Keep what the person asked there, or nothing any more."""
        ...


class Audit(Protocol):
    """Who did what."""

    async def newest(self, actor: Actor, limit: int = 20) -> AuditPage:
        """Return the newest entries."""
        ...


class Receipts(Protocol):
    """What became of finished runs."""

    async def one(self, actor: Actor, receipt_id: str) -> ReceiptPage:
        """Return one with its names; NotFoundError for a missing one and for somebody else's."""
        ...


class Timelines(Protocol):
    """What became of messages."""

    async def of(self, actor: Actor, named: str) -> Timeline:
        """Return what became of the messages about something; NotFoundError for a missing one."""
        ...

    async def again(self, actor: Actor, delivery_id: str, channel: Channel, trigger: TriggerKey) -> SentAgain:
        """Send one to the person again."""
        ...

    async def missed(self, actor: Actor) -> bool:
        """Mail the result that went by Slack alone while the person was asked for the address."""
        ...

    async def test(self, actor: Actor, trigger: TriggerKey) -> str:
        """Send a test; returns its id."""
        ...


class Landings(Protocol):
    """Whether a change is in the data."""

    async def landed(
        self, actor: Actor, wanted: Sought, source_ids: Sequence[str], trigger: TriggerKey
    ) -> LandedAnswer:
        """Return what is there, or watch for it."""
        ...


class Explains(Protocol):
    """Why data is as old as it is."""

    async def why(self, actor: Actor, source_id: str, *, asks_mail: bool = False) -> Explanation:
        """Return the one cause; NotFoundError for a missing source and for somebody else's."""
        ...

    async def metric(self, actor: Actor, words: str) -> MetricWhy | None:
        """Return the way of the data of the metric that the words name; None when they name none."""
        ...

    async def metric_of(self, actor: Actor, metric_id: str) -> MetricWhy:
        """Return the same by its id; NotFoundError for a missing one and for somebody else's."""
        ...

    async def about(self, actor: Actor, delivery_id: str) -> list[str]:
        """Return the ids of the sources that a message of ours is about; none for somebody else's."""
        ...


class Sharing(Protocol):
    """Answers for all of a channel."""

    async def share(self, actor: Actor, place: Place, card: str, wanted: Answer) -> str:
        """Have the answer posted there, once for a card; returns the channel's name."""
        ...


class Pages(Protocol):
    """Answers as pages of a browser."""

    async def link(self, actor: Actor, about: str) -> PageLink:
        """Return a link to the page of a source or metric, by its id."""
        ...
