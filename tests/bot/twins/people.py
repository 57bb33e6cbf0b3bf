"""Twins of what knows people, channels and workspaces."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.access import AccessAnswer, Wish
from jobs.authorize import authorize, authorize_support
from jobs.channels import ChannelRefusedError, ChannelView
from jobs.errors import TooLateError, UnavailableError
from jobs.installs.leaving import Departure, Left
from jobs.members import Changed
from jobs.refresh.ask import Place, TriggerKey
from jobs.rooms import Room
from storage.facts.access import AccessRequest, AccessStanding, AskedAccess
from storage.facts.people import Action, Actor, GroupRole, Member, Role, SlackIdentity
from storage.facts.sources import Organization
from tests.bot.twins.refreshing import TwinRefresh
from tests.bot.twins.world import AT, MEMBERS


@dataclass
class TwinPeople:
    """Knows everybody of the world, or nobody until asked (`cold`)."""

    cold: bool = False
    known: dict[SlackIdentity, Actor] = field(default_factory=dict)
    changed: list[Mapping[str, Any]] = field(default_factory=list)
    #: what metrics are called
    noun: str = "Metric"

    def __post_init__(self) -> None:
        for one in MEMBERS:
            identity = SlackIdentity(one.team_id, one.user_id)
            self.known[identity] = Actor(identity, one)
        sam = SlackIdentity("T0SUPPORT", "U0SAM")
        self.known[sam] = Actor(sam, None, support=True)

    async def actor(self, identity: SlackIdentity, *, rechecked: bool = False) -> Actor | None:
        return None if self.cold else self.known.get(identity, Actor(identity, None))

    async def readers(self, _team_id: str, identities: Collection[SlackIdentity]) -> dict[SlackIdentity, Actor | None]:
        return {identity: await self.actor(identity) for identity in identities}

    def reader(self, identity: SlackIdentity) -> Actor | None:
        return None if self.cold else self.known.get(identity)

    async def learn(self, identity: SlackIdentity) -> Actor:
        self.cold = False
        return self.known.get(identity, Actor(identity, None))

    def profile_changed(self, event: Mapping[str, Any]) -> None:
        self.changed.append(event)

    async def admins(self, organization_id: str) -> list[Member]:
        return [one for one in MEMBERS if one.role is Role.ADMIN and one.organization_id == organization_id]

    async def organization(self, organization_id: str) -> Organization:
        return Organization(
            organization_id, "Temerity Goods", "America/New_York", None, None, None, metric_noun=self.noun
        )


@dataclass
class TwinAccess:
    """One request, `acr_1`, decided once; deciding opens the refreshes."""

    refresh: TwinRefresh
    wishes: list[Wish] = field(default_factory=list)
    decided: list[tuple[bool, str]] = field(default_factory=list)

    async def ask(self, actor: Actor, wish: Wish, trigger: TriggerKey) -> AccessAnswer:
        who = authorize(actor, Action.ASK_FOR_ACCESS)
        self.wishes.append(wish)
        asked = AskedAccess.NEW if len(self.wishes) == 1 else AskedAccess.WAITING
        request = AccessRequest("acr_1", who.organization_id, "Temerity Goods", None, AT, ())
        return AccessAnswer(asked, AccessStanding("Temerity Goods", request, waiting=True))

    async def decide(
        self, actor: Actor, request_id: str, trigger: TriggerKey, *, approve: bool, message: str
    ) -> AccessRequest:
        authorize_support(actor, Action.DECIDE_ACCESS, named_in_post=request_id == "acr_1")
        if self.decided:
            raise TooLateError("Sam Keller has decided this already.")
        self.decided.append((approve, message))
        self.refresh.closed = not approve
        return AccessRequest("acr_1", "org_temerity", "Temerity Goods", None, AT, (), AT, "Sam Keller", approve)


@dataclass
class TwinAddresses:
    """Asks each member once."""

    answers: dict[str, bool] = field(default_factory=dict)

    def slack_only(self, actor: Actor) -> bool:
        return actor.member is not None and actor.member.email is None

    async def question(self, actor: Actor) -> str | None:
        who = authorize(actor, Action.CONFIRM_EMAIL)
        return None if who.id in self.answers else who.email

    async def answer(self, actor: Actor, *, yes: bool, address: str | None = None) -> Member:
        who = authorize(actor, Action.CONFIRM_EMAIL)
        self.answers[who.id] = yes
        return replace(who, email_confirmed=yes)


@dataclass
class TwinMembers:
    """Remembers roles."""

    changed: list[tuple[str, Role | None]] = field(default_factory=list)
    agreed: dict[str, GroupRole] = field(default_factory=dict)

    async def all(self, actor: Actor) -> list[Member]:
        return [authorize(actor, Action.SEE_MEMBERS)]

    async def named(self, actor: Actor, words: str) -> Member:
        return authorize(actor, Action.SEE_MEMBERS)

    async def grant(self, actor: Actor, user_id: str, role: Role, trigger: TriggerKey) -> Changed:
        who = authorize(actor, Action.MANAGE_MEMBERS)
        self.changed.append((user_id, role))
        return Changed(who, None, role)

    async def groups(self, actor: Actor) -> tuple[GroupRole, ...]:
        return tuple(self.agreed.values())

    async def group(self, actor: Actor, group_id: str, role: Role | None, trigger: TriggerKey) -> Role | None:
        authorize(actor, Action.MANAGE_MEMBERS)
        before = self.agreed.pop(group_id, None)
        if role is not None:
            self.agreed[group_id] = GroupRole(role, "T0TEMERITY", group_id)
        return before.role if before else None

    async def revoke(self, actor: Actor, member_id: str, trigger: TriggerKey) -> Changed:
        who = authorize(actor, Action.MANAGE_MEMBERS)
        self.changed.append((member_id, None))
        return Changed(who, who.role, None)


@dataclass
class TwinChannels:
    """Channels of one company."""

    allowed: set[str] = field(default_factory=set)
    shared: set[str] = field(default_factory=lambda: {"C0PARTNERS"})

    def _room(self, place: Place) -> Room:
        return Room(place.channel_id, place.channel_id in self.shared, private=False, joined=True, archived=False)

    async def look(self, actor: Actor, place: Place) -> ChannelView:
        authorize(actor, Action.SEE_STATUS)
        return ChannelView(self._room(place), place.channel_id in self.allowed)

    async def allow(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        authorize(actor, Action.MANAGE_CHANNELS)
        if place.channel_id in self.shared:
            raise ChannelRefusedError("shared")
        self.allowed.add(place.channel_id)
        return ChannelView(self._room(place), allowed=True, changed=True)

    async def deny(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        authorize(actor, Action.MANAGE_CHANNELS)
        self.allowed.discard(place.channel_id)
        return ChannelView(self._room(place), allowed=False, changed=True)


@dataclass
class TwinInstalls:
    """Hears of removals."""

    left_: list[Departure] = field(default_factory=list)
    known: set[str] = field(default_factory=lambda: {"T0TEMERITY", "T0SUPPORT"})
    looked: int = 0
    busy: bool = False

    async def left(self, departure: Departure) -> Left:
        if self.busy:
            raise UnavailableError("busy")
        self.left_.append(departure)
        return Left.CLOSED if departure.team_id in self.known else Left.UNKNOWN

    async def link_enterprises(self) -> None:
        self.looked += 1
