"""Channels where Tidings may speak about a company's data: none, until an admin allows one."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from jobs.authorize import authorize
from jobs.deliver.results import Refused
from jobs.desk import Desk
from jobs.errors import RequestError, UnavailableError
from jobs.refresh.ask import Place, TriggerKey
from jobs.rooms import Room
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.records import audit, channels, organizations, triggers
from storage.sessions import Session

#: Asks Slack about a channel.
FetchRoom = Callable[[str, str], Awaitable[Room | Refused]]


class ChannelRefusedError(RequestError):
    """Nothing may be said about the company there, whoever wants it."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        #: shared, direct, archived, not_joined, unknown
        self.reason = reason


@dataclass(frozen=True, slots=True)
class ChannelView:
    """How a channel stands."""

    room: Room
    allowed: bool
    #: whether this request changed that
    changed: bool = False


class ChannelService:
    """Shows, allows and denies channels of the actor's own workspace. Asks Slack: after the ack only."""

    def __init__(self, desk: Desk, clock: Clock, fetch: FetchRoom) -> None:
        self._desk = desk
        self._clock = clock
        self._fetch = fetch

    async def look(self, actor: Actor, place: Place) -> ChannelView:
        """Return how the channel stands; UnavailableError when Slack does not tell."""
        authorize(actor, Action.SEE_STATUS)
        self._refuse_foreign(actor, place)
        room = await self._room(place)
        allowed = await self._desk.read(
            lambda session: organizations.is_allowed_channel(session, place.team_id, place.channel_id)
        )
        return ChannelView(room, allowed)

    async def allow(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        """Let Tidings speak there. ChannelRefusedError for whatever others than the company may read."""
        admin = authorize(actor, Action.MANAGE_CHANNELS)
        self._refuse_foreign(actor, place)
        room = await self._room(place)
        reason = refused(room)
        if reason is not None:
            raise ChannelRefusedError(reason)

        def work(session: Session) -> bool:
            changed = channels.allow(session, place.team_id, place.channel_id, self._clock.now())
            return self._noted(session, actor, admin, place, trigger, room, allowed=True, changed=changed)

        return ChannelView(room, allowed=True, changed=await self._desk.write(work))

    async def deny(self, actor: Actor, place: Place, trigger: TriggerKey) -> ChannelView:
        """Say nothing there any more; this always works, whatever Slack tells about the channel."""
        admin = authorize(actor, Action.MANAGE_CHANNELS)
        self._refuse_foreign(actor, place)
        try:
            room = await self._room(place)
        except (ChannelRefusedError, UnavailableError):
            room = Room(place.channel_id, shared=False, private=True, joined=False, archived=False)

        def work(session: Session) -> bool:
            changed = channels.deny(session, place.team_id, place.channel_id)
            return self._noted(session, actor, admin, place, trigger, room, allowed=False, changed=changed)

        return ChannelView(room, allowed=False, changed=await self._desk.write(work))

    def _noted(
        self,
        session: Session,
        actor: Actor,
        admin: Member,
        place: Place,
        trigger: TriggerKey,
        room: Room,
        *,
        allowed: bool,
        changed: bool,
    ) -> bool:
        organizations.lock(session, admin.organization_id)
        self._still_admin(session, actor)
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
            return changed
        now = self._clock.now()
        triggers.remember(session, trigger.team_id, trigger.trigger_id, place.channel_id, now)
        detail: dict[str, object] = {"channel": room.name, "allowed": allowed, "private": room.private}
        audit.record(session, admin.organization_id, admin.id, Action.MANAGE_CHANNELS, place.channel_id, now, detail)
        return changed

    def _still_admin(self, session: Session, actor: Actor) -> None:
        """Read the role again, in the transaction of its effect."""
        now_known = organizations.member_by_identity(session, actor.identity)
        authorize(Actor(actor.identity, now_known), Action.MANAGE_CHANNELS)

    def _refuse_foreign(self, actor: Actor, place: Place) -> None:
        if actor.identity.team_id != place.team_id:
            raise ChannelRefusedError("unknown")

    async def _room(self, place: Place) -> Room:
        found = await self._fetch(place.team_id, place.channel_id)
        if isinstance(found, Room):
            return found
        if found.final:
            raise ChannelRefusedError("unknown")
        raise UnavailableError(found.reason)


def refused(room: Room) -> str | None:
    """Return why nothing about a company may be said in that channel; None where an admin may allow it."""
    reasons = {
        "direct": room.direct,
        "shared": room.shared,
        "archived": room.archived,
        "not_joined": not room.joined,
    }
    return next((reason for reason, applies in reasons.items() if applies), None)
