"""What the Slack edge needs to know of who is told what, where and when."""

from typing import Protocol

from jobs.refresh.ask import Place, TriggerKey
from jobs.subscriptions.own import OwnChanges
from storage.facts.digests import DigestView
from storage.facts.own import Own
from storage.facts.people import Actor
from storage.facts.quiet import Quiet, QuietView, Rhythm
from storage.facts.subscriptions import ChannelChoices, Choices, Topic, Ways


class Subscriptions(Protocol):
    """What people are told."""

    async def mine(self, actor: Actor) -> Choices:
        """Return what the person chose."""
        ...

    async def choose(
        self, actor: Actor, source_id: str | None, topics: frozenset[Topic], ways: Ways | None, trigger: TriggerKey
    ) -> Choices:
        """Change it."""
        ...


class OwnMessages(Protocol):
    """One's own messages, all at once."""

    async def mine(self, actor: Actor) -> Own:
        """Return how they stand."""
        ...

    async def save(self, actor: Actor, wanted: OwnChanges, trigger: TriggerKey) -> Own:
        """Save what was changed."""
        ...


class ChannelChoosing(Protocol):
    """What channels are told."""

    async def seen(self, actor: Actor, place: Place) -> ChannelChoices:
        """Return what the channel is told."""
        ...

    async def choose(
        self,
        actor: Actor,
        place: Place,
        source_id: str | None,
        topics: frozenset[Topic],
        told: bool | None,  # noqa: FBT001 - told, not told, or by the default
        trigger: TriggerKey,
    ) -> ChannelChoices:
        """Change it; asks Slack."""
        ...


class QuietHours(Protocol):
    """Hours in which a person wants to hear nothing."""

    async def mine(self, actor: Actor) -> QuietView:
        """Return how they stand."""
        ...

    async def choose(self, actor: Actor, hours: Quiet | None, trigger: TriggerKey) -> QuietView:
        """Set them; None: none."""
        ...


class Digests(Protocol):
    """What happened, once a day."""

    async def seen(self, actor: Actor, place: Place) -> DigestView:
        """Return the digests that come to the person and there."""
        ...

    async def choose(
        self, actor: Actor, rhythm: Rhythm | None, ways: Ways, place: Place, trigger: TriggerKey
    ) -> DigestView:
        """Set the person's own."""
        ...

    async def choose_here(self, actor: Actor, rhythm: Rhythm | None, place: Place, trigger: TriggerKey) -> DigestView:
        """Set the channel's."""
        ...

    async def instead(self, actor: Actor, source_id: str | None, topics: frozenset[Topic], trigger: TriggerKey) -> None:
        """Tell of topics in the digest alone."""
        ...
