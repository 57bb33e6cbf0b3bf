"""Twins of who is told what, where and when."""

import asyncio
from dataclasses import dataclass, field

from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError
from jobs.errors import NotFoundError
from jobs.refresh.ask import Place, TriggerKey
from jobs.subscriptions.own import OwnChanges
from storage.facts.digests import DigestView
from storage.facts.own import Own
from storage.facts.people import Action, Actor
from storage.facts.quiet import Digest, Quiet, QuietView, Rhythm
from storage.facts.subscriptions import ChannelChoice, ChannelChoices, Choice, Choices, Topic, Ways
from tests.bot.twins.world import SHOP


@dataclass
class TwinSubscriptions:
    """What was chosen, once for each trigger."""

    chosen: dict[str, tuple[str | None, frozenset[Topic], Ways | None]] = field(default_factory=dict)

    async def mine(self, actor: Actor) -> Choices:
        authorize(actor, Action.CHOOSE_MESSAGES)
        return Choices((), {}, None)

    async def choose(
        self, actor: Actor, source_id: str | None, topics: frozenset[Topic], ways: Ways | None, trigger: TriggerKey
    ) -> Choices:
        self.chosen[trigger.trigger_id] = (source_id, topics, ways)
        return await self.mine(actor)


@dataclass
class TwinOwn:
    """One's own messages: what was saved last is what is shown."""

    saved: dict[str, OwnChanges] = field(default_factory=dict)
    choices: tuple[Choice, ...] = ()
    quiet: Quiet | None = None
    digest: Digest | None = None
    #: waited for before anything is shown
    gate: asyncio.Event | None = None

    async def mine(self, actor: Actor) -> Own:
        who = authorize(actor, Action.CHOOSE_MESSAGES)
        if self.gate is not None:
            await self.gate.wait()
        choices = Choices(self.choices, {SHOP.id: "Shopify", "src_books": "QuickBooks"}, "maya@temerity.example")
        return Own(choices, QuietView(self.quiet, who.timezone, None), self.digest)

    async def save(self, actor: Actor, wanted: OwnChanges, trigger: TriggerKey) -> Own:
        authorize(actor, Action.CHOOSE_MESSAGES)
        self.saved.setdefault(trigger.trigger_id, wanted)
        self.quiet = wanted.quiet[0] if wanted.quiet else self.quiet
        return await self.mine(actor)


@dataclass
class TwinChannelChoices:
    """What channels are told, once for each trigger."""

    chosen: dict[str, tuple[str, str | None, frozenset[Topic], bool | None]] = field(default_factory=dict)

    async def seen(self, actor: Actor, place: Place) -> ChannelChoices:
        authorize(actor, Action.CHOOSE_MESSAGES)
        kept = {(source_id, one): told for _, source_id, topics, told in self.chosen.values() for one in topics}
        choices = tuple(ChannelChoice(source_id, one, bool(told)) for (source_id, one), told in kept.items())
        return ChannelChoices(choices, {SHOP.id: "Shopify"}, allowed=place.channel_id == "C0FINANCE", first=True)

    async def choose(
        self,
        actor: Actor,
        place: Place,
        source_id: str | None,
        topics: frozenset[Topic],
        told: bool | None,  # noqa: FBT001 - as the real one
        trigger: TriggerKey,
    ) -> ChannelChoices:
        authorize(actor, Action.MANAGE_CHANNELS)
        if place.channel_id == "C0PARTNERS":
            raise ChannelRefusedError("shared")
        if place.channel_id != "C0FINANCE":
            raise NotFoundError
        self.chosen[trigger.trigger_id] = (place.channel_id, source_id, topics, told)
        return await self.seen(actor, place)


@dataclass
class TwinDigests:
    """Digests, each set once for its trigger."""

    chosen: dict[str, tuple[str, Rhythm | None, Ways]] = field(default_factory=dict)
    topics: list[tuple[str | None, frozenset[Topic]]] = field(default_factory=list)

    async def seen(self, actor: Actor, _place: Place) -> DigestView:
        return DigestView(None, authorize(actor, Action.CHOOSE_MESSAGES).timezone)

    async def choose(
        self, actor: Actor, rhythm: Rhythm | None, ways: Ways, place: Place, trigger: TriggerKey
    ) -> DigestView:
        self.chosen[trigger.trigger_id] = ("mine", rhythm, ways)
        return await self.seen(actor, place)

    async def choose_here(self, actor: Actor, rhythm: Rhythm | None, place: Place, trigger: TriggerKey) -> DigestView:
        authorize(actor, Action.MANAGE_CHANNELS)
        if place.channel_id != "C0FINANCE":
            raise NotFoundError
        self.chosen[trigger.trigger_id] = (place.channel_id, rhythm, frozenset())
        return await self.seen(actor, place)

    async def instead(
        self, actor: Actor, source_id: str | None, topics: frozenset[Topic], _trigger: TriggerKey
    ) -> None:
        authorize(actor, Action.CHOOSE_MESSAGES)
        self.topics.append((source_id, topics))


@dataclass
class TwinQuiet:
    """Quiet hours, each set once for its trigger."""

    chosen: dict[str, Quiet | None] = field(default_factory=dict)

    async def mine(self, actor: Actor) -> QuietView:
        who = authorize(actor, Action.CHOOSE_MESSAGES)
        return QuietView(next(reversed(self.chosen.values()), None), who.timezone, None)

    async def choose(self, actor: Actor, hours: Quiet | None, trigger: TriggerKey) -> QuietView:
        self.chosen[trigger.trigger_id] = hours
        return await self.mine(actor)
