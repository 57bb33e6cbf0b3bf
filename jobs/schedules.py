"""When a source is collected: shown before it is saved, changed by managers, written down in the audit."""

from dataclasses import dataclass, replace
from datetime import datetime

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.incidents.lateness import watch
from jobs.plans import Plan, PlanRefusedError, check_plan, read_plan
from jobs.refresh.ask import TriggerKey
from jobs.schedule import schedule_of
from jobs.slots import known_zone, next_slots
from storage.facts.clock import Clock
from storage.facts.dependents import DependentKind
from storage.facts.people import Action, Actor, Member
from storage.facts.sources import ConnectionState, Source
from storage.records import audit, frozen, organizations, sources, triggers
from storage.sessions import Session
from templates.rhythm import rhythm

#: how many of the next times are shown
SHOWN = 5


@dataclass(frozen=True, slots=True)
class Planned:
    """A source with a schedule, and the times that follow from it."""

    #: with the schedule, saved or not
    source: Source
    #: with the schedule before it
    before: Source
    #: none when the clock never collects it
    times: tuple[datetime, ...]
    #: the schedule as it can be typed
    words: str
    #: zone of the organization
    zone: str

    @property
    def seen(self) -> int:
        """Version of the schedule that this was shown beside; another one was set meanwhile if it is another."""
        return self.before.schedule_version


class ScheduleService:
    """Previews and sets schedules."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def preview(self, actor: Actor, source_id: str, words: str) -> Planned | None:
        """Return what the schedule would mean; None for words that are none. Changes nothing (PlanRefusedError)."""
        member = authorize(actor, Action.CHANGE_SCHEDULE)

        def work(session: Session) -> Planned | None:
            before, zone = _visible(session, member, source_id)
            plan = read_plan(words, before.provider)
            return None if plan is None else _planned(before, plan, zone, self._clock.now())

        return await self._desk.read(work)

    async def change(self, actor: Actor, source_id: str, words: str, seen: int, trigger: TriggerKey) -> Planned:
        """Set the schedule; again with the same trigger changes nothing more.

        TooLateError when another one was set since the preview; PlanRefusedError as there.
        """
        member = authorize(actor, Action.CHANGE_SCHEDULE)

        def work(session: Session) -> Planned:
            organizations.lock(session, member.organization_id)
            self._still_allowed(session, actor)
            before, zone = _visible(session, member, source_id)
            plan = read_plan(words, before.provider)
            if plan is None:
                raise NotFoundError
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
                return _planned(before, plan, zone, self._clock.now())
            if before.schedule_version != seen:
                raise TooLateError("its schedule was changed meanwhile; look again with /data schedule")
            return self._set(session, member, before, plan, zone, trigger)

        return await self._desk.write(work)

    def _set(
        self, session: Session, member: Member, before: Source, plan: Plan, zone: str, trigger: TriggerKey
    ) -> Planned:
        now = self._clock.now()
        planned = _planned(before, plan, zone, now)
        sources.set_schedule(session, before.id, plan.minutes, plan.rule, now)
        # What is late follows within a second.
        watch(session, planned.source, now, now)
        frozen.rename(session, DependentKind.SCHEDULE, before.id, rhythm(planned.source))
        triggers.remember(session, trigger.team_id, trigger.trigger_id, before.id, now)
        was = Plan(before.planned_minutes or before.schedule_minutes, before.rule).words
        detail: dict[str, object] = {"account": before.label, "before": was, "now": plan.words, "zone": zone}
        audit.record(session, member.organization_id, member.id, Action.CHANGE_SCHEDULE, before.id, now, detail)
        return planned

    def _still_allowed(self, session: Session, actor: Actor) -> None:
        """Read the role again, in the transaction of its effect."""
        now_known = organizations.member_by_identity(session, actor.identity)
        authorize(Actor(actor.identity, now_known), Action.CHANGE_SCHEDULE)


def _visible(session: Session, member: Member, source_id: str) -> tuple[Source, str]:
    source = sources.visible(session, member.organization_id, source_id)
    if source is None:
        raise NotFoundError
    return source, organizations.organization(session, member.organization_id).timezone


def _planned(before: Source, plan: Plan, zone: str, now: datetime) -> Planned:
    check_plan(plan, before)
    if plan.rule is not None and not known_zone(zone):
        raise PlanRefusedError("zone")
    source = replace(before, schedule_minutes=plan.minutes, planned_minutes=None, rule=plan.rule, zone=zone)
    # A disconnected source has its times once it is connected again: shown as they would be.
    running = schedule_of(replace(source, connection=ConnectionState.CONNECTED))
    return Planned(source, before, next_slots(running, now, SHOWN), plan.words, zone)
