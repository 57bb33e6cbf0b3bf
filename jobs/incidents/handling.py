"""What people do with an incident besides mending it: take it on, or hear nothing of it for a while.

Neither changes what status says, and neither holds an escalation or the word that it is over. Both end by themselves,
and then it is told again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.incidents.until import EndRefusedError, read_until
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import TriggerKey
from jobs.slots import known_zone
from storage.facts.clock import Clock
from storage.facts.incidents import Incident, IncidentKind
from storage.facts.people import Action, Actor, Member
from storage.facts.sources import Source
from storage.records import audit, grouping, incidents, organizations, sources, triggers
from storage.sessions import Session
from templates import times

#: Nobody snoozes longer; whoever wants that mutes, which every status answer says.
LONGEST = timedelta(days=7)
#: Whoever takes an incident on is not reminded of it for that long.
IN_HAND_FOR = timedelta(hours=24)
_MORNING = time(9)


class Snooze(StrEnum):
    """For how long."""

    HOUR = "1h"
    FOUR_HOURS = "4h"
    #: nine o'clock where the person is
    TOMORROW = "tomorrow"
    TWO_DAYS = "2d"


_FOR = {
    Snooze.HOUR: timedelta(hours=1),
    Snooze.FOUR_HOURS: timedelta(hours=4),
    Snooze.TWO_DAYS: timedelta(days=2),
}


@dataclass(frozen=True, slots=True)
class SnoozePreview:
    """What a snooze would hide."""

    incident: Incident
    sources: tuple[Source, ...]
    #: until when each choice holds; None: the end that was asked for
    choices: tuple[tuple[Snooze | None, datetime], ...]
    #: the next reminder; None where there is none
    reminder_at: datetime | None


def snoozed_until(choice: Snooze, now: datetime, zone: str) -> datetime:
    """Return when the snooze ends, for a person in that zone."""
    if choice is not Snooze.TOMORROW:
        return now + _FOR[choice]
    where = ZoneInfo(zone if known_zone(zone) else "UTC")
    day = now.astimezone(where).date() + timedelta(days=1)
    return datetime.combine(day, _MORNING, where).astimezone(now.tzinfo)


def _group(session: Session, member: Member, named: str) -> list[Incident]:
    """Return the incidents of the member's organization that share a message, or all open ones told of a source."""
    if named.startswith("src_"):
        told = [one for one in grouping.open_of(session, named, tuple(IncidentKind)) if one.told_at is not None]
    else:
        told = grouping.group_of(session, named)
    return [one for one in told if one.organization_id == member.organization_id]


class IncidentService:
    """Acknowledges and snoozes incidents of any kind; a message of several is one to people, and here.

    An incident is named by its id, or by that of its source: then it is all that the source is told of.
    """

    def __init__(self, desk: Desk, clock: Clock, notifier: Notifier) -> None:
        self._desk = desk
        self._clock = clock
        self._notifier = notifier

    async def preview(self, actor: Actor, incident_id: str, words: str = "") -> SnoozePreview | None:
        """Return what a snooze would hide, and until when; None for words that mean no end. Changes nothing.

        EndRefusedError for an end that is over, or too far away.
        """
        member = authorize(actor, Action.HANDLE_INCIDENT)
        until = read_until(words, self._clock.now(), member.timezone, longest=LONGEST) if words else None
        if words and until is None:
            return None

        def work(session: Session) -> SnoozePreview:
            group, now = self._open(session, member, incident_id), self._clock.now()
            return SnoozePreview(
                group[0],
                tuple(sources.source(session, id_) for id_ in dict.fromkeys(one.source_id for one in group)),
                ((None, until),)
                if until is not None
                else tuple((choice, snoozed_until(choice, now, member.timezone)) for choice in Snooze),
                min((one.due_at for one in group if one.due_at is not None), default=None),
            )

        return await self._desk.read(work)

    async def acknowledge(self, actor: Actor, incident_id: str, trigger: TriggerKey) -> Incident:
        """Take it on for a day; TooLateError when it is over, or somebody has it."""

        def change(session: Session, member: Member, one: Incident) -> None:
            now = self._clock.now()
            if not incidents.acknowledge(session, one.id, member.name, now, now + IN_HAND_FOR):
                raise TooLateError(f"{one.acknowledged_by} has taken this on already.")

        return await self._handle(actor, incident_id, trigger, change, {"what": "acknowledged"})

    async def snooze(self, actor: Actor, incident_id: str, choice: Snooze | datetime, trigger: TriggerKey) -> Incident:
        """Say nothing of it until then; TooLateError when it is over, EndRefusedError for an end that is no end."""
        member, now = authorize(actor, Action.HANDLE_INCIDENT), self._clock.now()
        until = snoozed_until(choice, now, member.timezone) if isinstance(choice, Snooze) else choice
        if not now < until <= now + LONGEST:
            raise EndRefusedError("past" if until <= now else "long")

        def change(session: Session, member: Member, one: Incident) -> None:
            incidents.snooze(session, one.id, member.name, until)

        detail: dict[str, object] = {"what": "snoozed", "until": until.isoformat()}
        return await self._handle(actor, incident_id, trigger, change, detail)

    async def _handle(
        self,
        actor: Actor,
        incident_id: str,
        trigger: TriggerKey,
        change: Callable[[Session, Member, Incident], None],
        detail: dict[str, object],
    ) -> Incident:
        member = authorize(actor, Action.HANDLE_INCIDENT)

        def work(session: Session) -> Incident:
            now = self._clock.now()
            organizations.lock(session, member.organization_id)
            self._still_allowed(session, actor)
            first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
            if first is None:
                group = self._open(session, member, incident_id)
                for one in group:
                    change(session, member, one)
                triggers.remember(session, trigger.team_id, trigger.trigger_id, incident_id, now)
                audit.record(
                    session, member.organization_id, member.id, Action.HANDLE_INCIDENT, incident_id, now, detail
                )
                self._notifier.wake(session, list(dict.fromkeys(one.message_id for one in group)), now)
            found = _group(session, member, incident_id)
            if not found:
                raise NotFoundError
            return next((one for one in found if one.id == incident_id), found[0])

        return await self._desk.write(work)

    def _open(self, session: Session, member: Member, incident_id: str) -> list[Incident]:
        """Return what the message tells of and is not over, the one that it is about first."""
        group = _group(session, member, incident_id)
        if not group:
            raise NotFoundError
        still = [one for one in group if one.resolved_at is None]
        if not still:
            ended = times.distance(max(one.resolved_at or one.opened_at for one in group), self._clock.now())
            raise TooLateError(f"It is over already: it ended {ended}. Nothing was changed.")
        return still

    def _still_allowed(self, session: Session, actor: Actor) -> None:
        """Read the role again, in the transaction of its effect."""
        authorize(
            Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.HANDLE_INCIDENT
        )
