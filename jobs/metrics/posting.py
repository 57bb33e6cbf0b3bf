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
from storage.facts.metrics import NINE_ON_MONDAYS, PostTime
from storage.facts.people import Action, Actor, Member
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
    when: PostTime = NINE_ON_MONDAYS


class MetricPosting:
    """Changes where metrics are posted. Asks Slack about the channel: after the ack only."""

    def __init__(self, desk: Desk, clock: Clock, look: Look) -> None:
        self._desk = desk
        self._clock = clock
        self._look = look

    async def post(
        self, actor: Actor, name: str, place: Place | None, trigger: TriggerKey, when: PostTime | None = None
    ) -> Posted:
        """Post the metric there every week, or nowhere; NotFoundError for a missing one and for somebody else's.

        `when`: all metrics of that channel from now on; else as it is there. ChannelRefusedError where no admin allowed
        it, or others than the organization read along.
        """
        authorize(actor, Action.CHANGE_METRICS)
        channel = await self.checked(actor, place) if place is not None else ""
        return await self._desk.write(
            lambda session: self._moved(session, actor, _Wish(name, place, channel, when), trigger)
        )

    async def at(self, actor: Actor, place: Place, when: PostTime, trigger: TriggerKey) -> Posted:
        """Post what is posted in that channel at that time from now on; NotFoundError where nothing is."""
        authorize(actor, Action.CHANGE_METRICS)
        channel = await self.checked(actor, place)

        def work(session: Session) -> Posted:
            member = _still(session, actor)
            there = f"{place.team_id}/{place.channel_id}"
            found = metric_posts.metrics_at(session, member.organization_id, there)
            if not found:
                raise NotFoundError
            now = self._clock.now()
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
                triggers.remember(session, trigger.team_id, trigger.trigger_id, there, now)
                timed(session, member.organization_id, there, when, now)
                detail: dict[str, object] = {"post_to": there, "metrics": len(found), "post_time": str(when)}
                audit.record(
                    session, member.organization_id, member.id, Action.CHANGE_METRICS, found[0].id, now, detail
                )
            zone = organizations.organization(session, member.organization_id).timezone
            return Posted("", channel, next_post(zone, now, when), when)

        return await self._desk.write(work)

    async def checked(self, actor: Actor, place: Place) -> str:
        """Return the channel's name where metrics may be posted there, else raise ChannelRefusedError."""
        view = await self._look(actor, place)
        reason = refused(view.room) or (None if view.allowed else "not_allowed")
        if reason is not None:
            raise ChannelRefusedError(reason)
        return view.room.name

    def _moved(self, session: Session, actor: Actor, wish: "_Wish", trigger: TriggerKey) -> Posted:
        member = _still(session, actor)
        found = metrics.named(session, member.organization_id, wish.name)
        if found is None:
            raise NotFoundError
        now, place, when = self._clock.now(), wish.place, wish.when
        where = f"{place.team_id}/{place.channel_id}" if place else ""
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
            triggers.remember(session, trigger.team_id, trigger.trigger_id, found.id, now)
            metric_posts.move(session, found, where, now)
            detail: dict[str, object] = {"name": found.name, "post_to": where or "nowhere"}
            if where and when is not None:
                timed(session, member.organization_id, where, when, now)
                detail["post_time"] = str(when)
            audit.record(session, member.organization_id, member.id, Action.CHANGE_METRICS, found.id, now, detail)
        if not place:
            return Posted(found.name, wish.channel, None)
        planned = metric_posts.find(session, where)
        kept = planned.when if planned is not None else NINE_ON_MONDAYS
        zone = organizations.organization(session, member.organization_id).timezone
        return Posted(found.name, wish.channel, next_post(zone, now, kept), kept)


@dataclass(frozen=True, slots=True)
class _Wish:
    """Which metric is to be posted where and when."""

    name: str
    place: Place | None
    #: as Slack calls it
    channel: str
    when: PostTime | None


def timed(session: Session, organization_id: str, place: str, when: PostTime, now: datetime) -> None:
    """Have the metrics of that channel posted at that time from now on, the next time that it is reached."""
    zone = organizations.organization(session, organization_id).timezone
    metric_posts.plan(session, organization_id, place, when, next_post(zone, now, when), now)


def _still(session: Session, actor: Actor) -> Member:
    """Return the member as they may act now, with the organization locked."""
    known = authorize(actor, Action.CHANGE_METRICS)
    organizations.lock(session, known.organization_id)
    member = organizations.member_by_identity(session, actor.identity)
    return authorize(Actor(actor.identity, member), Action.CHANGE_METRICS)
