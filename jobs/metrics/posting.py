"""Where a metric is posted once a week: chosen by managers, only where an admin allowed Tidings to speak."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime

from jobs.authorize import authorize
from jobs.channels import ChannelRefusedError, ChannelView, refused
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.metrics.weekly import next_post
from jobs.refresh.ask import Place, TriggerKey
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor
from storage.records import audit, metric_posts, metrics, organizations, triggers
from storage.sessions import Session

#: Looks at a channel; ChannelRefusedError for one that is not the organization's own.
Look = Callable[[Actor, Place], Awaitable[ChannelView]]


@dataclass(frozen=True, slots=True)
class Posted:
    """Where a metric is posted now."""

    name: str
    #: as Slack calls the channel; empty: nowhere
    channel: str
    next_at: datetime | None


class MetricPosting:
    """Changes where metrics are posted. Asks Slack about the channel: after the ack only."""

    def __init__(self, desk: Desk, clock: Clock, look: Look) -> None:
        self._desk = desk
        self._clock = clock
        self._look = look

    async def post(self, actor: Actor, name: str, place: Place | None, trigger: TriggerKey) -> Posted:
        """Post the metric there every week, or nowhere; NotFoundError for a missing one and for somebody else's.

        ChannelRefusedError where no admin allowed it, or others than the organization read along.
        """
        authorize(actor, Action.CHANGE_METRICS)
        channel = await self.checked(actor, place) if place is not None else ""
        return await self._desk.write(lambda session: self._moved(session, actor, name, place, channel, trigger))

    async def checked(self, actor: Actor, place: Place) -> str:
        """Return the channel's name where metrics may be posted there, else raise ChannelRefusedError."""
        view = await self._look(actor, place)
        reason = refused(view.room) or (None if view.allowed else "not_allowed")
        if reason is not None:
            raise ChannelRefusedError(reason)
        return view.room.name

    def _moved(
        self, session: Session, actor: Actor, name: str, place: Place | None, channel: str, trigger: TriggerKey
    ) -> Posted:
        known = authorize(actor, Action.CHANGE_METRICS)
        organizations.lock(session, known.organization_id)
        member = authorize(
            Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.CHANGE_METRICS
        )
        found = metrics.named(session, member.organization_id, name)
        if found is None:
            raise NotFoundError
        now, where = self._clock.now(), f"{place.team_id}/{place.channel_id}" if place else ""
        zone = organizations.organization(session, member.organization_id).timezone
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
            triggers.remember(session, trigger.team_id, trigger.trigger_id, found.id, now)
            metric_posts.move(session, found, where, now)
            detail: dict[str, object] = {"name": found.name, "post_to": where or "nowhere"}
            audit.record(session, member.organization_id, member.id, Action.CHANGE_METRICS, found.id, now, detail)
        return Posted(found.name, channel, next_post(zone, now) if place else None)
