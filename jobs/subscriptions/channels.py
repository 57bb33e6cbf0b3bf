"""What a channel is told: seen by the company's people, changed by its admins, written down in the audit."""

from collections.abc import Awaitable, Callable

from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError, ChannelView, refused
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.refresh.ask import Place, TriggerKey
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.facts.subscriptions import ChannelChoice, ChannelChoices, Topic
from storage.records import audit, channel_choices, organizations, sources, triggers
from storage.sessions import Session
from templates.words import source_name

#: Asks Slack how a channel stands, for somebody who may know.
Look = Callable[[Actor, Place], Awaitable[ChannelView]]


class ChannelSubscriptionService:
    """Shows and changes what channels are told. To begin with something asks Slack: after the ack only."""

    def __init__(self, desk: Desk, clock: Clock, look: Look) -> None:
        self._desk = desk
        self._clock = clock
        self._look = look

    async def seen(self, actor: Actor, place: Place) -> ChannelChoices:
        """Return what the channel is told."""
        member = authorize(actor, Action.CHOOSE_MESSAGES)
        return await self._desk.read(lambda session: _choices(session, member, place))

    async def choose(
        self,
        actor: Actor,
        place: Place,
        source_id: str | None,
        topics: frozenset[Topic],
        told: bool | None,  # noqa: FBT001 - told, not told, or by the default
        trigger: TriggerKey,
    ) -> ChannelChoices:
        """Change what the channel is told; None: by the default. The same trigger changes once.

        NotFoundError where no admin lets Tidings speak, or for a source of somebody else; ChannelRefusedError where
        others than the company read along. Silence can always be chosen.
        """
        authorize(actor, Action.MANAGE_CHANNELS)
        if told:
            reason = refused((await self._look(actor, place)).room)
            if reason is not None:
                raise ChannelRefusedError(reason)
        return await self._desk.write(
            lambda session: self._choose(session, actor, place, source_id, topics, told, trigger)
        )

    def _choose(
        self,
        session: Session,
        actor: Actor,
        place: Place,
        source_id: str | None,
        topics: frozenset[Topic],
        told: bool | None,  # noqa: FBT001 - as above
        trigger: TriggerKey,
    ) -> ChannelChoices:
        known = authorize(actor, Action.MANAGE_CHANNELS)
        organizations.lock(session, known.organization_id)
        again = organizations.member_by_identity(session, actor.identity)
        admin = authorize(Actor(actor.identity, again), Action.MANAGE_CHANNELS)
        here = (place.team_id, place.channel_id)
        if here not in organizations.allowed_channels(session, admin.organization_id):
            raise NotFoundError
        if source_id is not None and sources.visible(session, admin.organization_id, source_id) is None:
            raise NotFoundError
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
            now = self._clock.now()
            for topic in sorted(topics):
                if told is None:
                    channel_choices.take_back(session, here, source_id, topic)
                else:
                    choice = ChannelChoice(source_id, topic, told)
                    channel_choices.choose(session, admin.organization_id, here, choice, now)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, place.channel_id, now)
            said = "default" if told is None else "on" if told else "off"
            detail: dict[str, object] = {"topics": sorted(topics), "how": said, "source": source_id or "every"}
            audit.record(
                session, admin.organization_id, admin.id, Action.MANAGE_CHANNELS, place.channel_id, now, detail
            )
        return _choices(session, admin, place)


def _choices(session: Session, member: Member, place: Place) -> ChannelChoices:
    allowed = organizations.allowed_channels(session, member.organization_id)
    here = (place.team_id, place.channel_id)
    if here not in allowed:
        return ChannelChoices((), {}, allowed=False, first=False)
    named = {source.id: source_name(source) for source in sources.connections_of(session, member.organization_id)}
    chosen = channel_choices.of_channel(session, *here)
    kept = tuple(one for one in chosen if one.source_id in {None, *named})
    return ChannelChoices(kept, named, allowed=True, first=here == allowed[0])
