"""What the Slack edge needs of metrics."""

from collections.abc import Mapping
from typing import Protocol

from jobs.metrics.files import Links
from jobs.metrics.making import Saved
from jobs.metrics.posting import Posted
from jobs.refresh.ask import Place, TriggerKey
from storage.facts.metric_drafts import Draft, Filling, Pick
from storage.facts.metrics import PostTime, Shown
from storage.facts.people import Actor
from storage.facts.restated import Restated


class Making(Protocol):
    """Metrics through a form."""

    async def begin(self, actor: Actor, card: str, wanted: str = "", *, by_name: bool = False) -> Filling:
        """Return what the form shows first."""
        ...

    async def filled(self, actor: Actor, draft: Draft, fields: Mapping[str, str], *, more: bool) -> Filling:
        """Return the draft with what stands in the form."""
        ...

    async def search(self, actor: Actor, draft: Draft, field: str, words: str) -> list[Pick] | None:
        """Return what a menu offers."""
        ...

    async def preview(self, actor: Actor, draft: Draft) -> Shown:
        """Return what the draft would come to."""
        ...

    async def save(self, actor: Actor, draft: Draft, trigger: TriggerKey) -> Saved:
        """Make or change it."""
        ...

    async def delete(self, actor: Actor, metric_id: str, trigger: TriggerKey) -> Saved:
        """Delete it."""
        ...

    async def noun(self, actor: Actor) -> str:
        """Return what metrics are called."""
        ...

    async def name_all(self, actor: Actor, noun: str, trigger: TriggerKey) -> str:
        """Call them otherwise."""
        ...


class Metrics(Protocol):
    """Numbers that are calculated from QuickBooks."""

    async def all(self, actor: Actor) -> list[Shown]:
        """Return all of them."""
        ...

    async def one(self, actor: Actor, name: str) -> Shown:
        """Return one with its last values."""
        ...

    async def restated(self, actor: Actor, name: str) -> tuple[Shown, list[Restated]]:
        """Return one, and its values of closed periods that moved."""
        ...

    async def preview(self, actor: Actor, words: str) -> Shown:
        """Return what the words would make."""
        ...

    async def make(self, actor: Actor, words: str, trigger: TriggerKey) -> str:
        """Make it."""
        ...


class MetricPosts(Protocol):
    """Where metrics are posted once a week."""

    async def post(
        self, actor: Actor, name: str, place: Place | None, trigger: TriggerKey, when: PostTime | None = None
    ) -> Posted:
        """Post one there, or nowhere; all of that channel at that time, where one is named."""
        ...

    async def at(self, actor: Actor, place: Place, when: PostTime, trigger: TriggerKey) -> Posted:
        """Post what is posted there at that time from now on."""
        ...


class MetricFiles(Protocol):
    """Metrics to download."""

    async def links(self, actor: Actor, wanted: str) -> Links:
        """Return links to one, by its name or id."""
        ...
