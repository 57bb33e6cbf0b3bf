"""A person's quiet hours: looked at and changed by that person alone, written down in the audit."""

import re
from datetime import datetime, time, timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.refresh.ask import TriggerKey
from jobs.subscriptions.local import quiet_until
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, Member
from storage.facts.quiet import Quiet, QuietView
from storage.records import audit, home_views, organizations, quiet, triggers
from storage.sessions import Session

SHORTEST, LONGEST = timedelta(minutes=15), timedelta(hours=16)
_TIME = r"([01]?\d|2[0-3])[:.]([0-5]\d)"
_HOURS = re.compile(rf"(?:from )?{_TIME} ?(?:-|–|to|until) ?{_TIME}(?P<weekends> (?:and |\+ ?)?weekends?)?", re.ASCII)


def read_quiet(words: str) -> Quiet | None:
    """Read ``20:00-07:30 weekends``; None for words that are none, or that leave too little of a day."""
    found = _HOURS.fullmatch(" ".join(words.casefold().split()))
    if found is None:
        return None
    starts, ends = time(int(found[1]), int(found[2])), time(int(found[3]), int(found[4]))
    minutes = (ends.hour * 60 + ends.minute - starts.hour * 60 - starts.minute) % (24 * 60)
    if not SHORTEST <= timedelta(minutes=minutes) <= LONGEST:
        return None
    return Quiet(starts, ends, weekends=found["weekends"] is not None)


class QuietService:
    """Shows and sets quiet hours."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def mine(self, actor: Actor) -> QuietView:
        """Return how the person's quiet hours stand."""
        member = authorize(actor, Action.CHOOSE_MESSAGES)
        return await self._desk.read(lambda session: quiet_of(session, member, self._clock.now()))

    async def choose(self, actor: Actor, hours: Quiet | None, trigger: TriggerKey) -> QuietView:
        """Set the person's quiet hours; None: none. The same trigger sets them once."""
        return await self._desk.write(lambda session: self._choose(session, actor, hours, trigger))

    def _choose(self, session: Session, actor: Actor, hours: Quiet | None, trigger: TriggerKey) -> QuietView:
        known = authorize(actor, Action.CHOOSE_MESSAGES)
        organizations.lock(session, known.organization_id)
        again = organizations.member_by_identity(session, actor.identity)
        member = authorize(Actor(actor.identity, again), Action.CHOOSE_MESSAGES)
        now = self._clock.now()
        if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
            self.write(session, member, hours)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, member.id, now)
        return quiet_of(session, member, now)

    def write(self, session: Session, member: Member, hours: Quiet | None) -> None:
        """Set them, in a transaction that has made sure of everything."""
        now = self._clock.now()
        quiet.set_hours(session, member, hours, now)
        home_views.changed_for(session, member.team_id, member.user_id, now)
        detail: dict[str, object] = {"quiet": hours.words if hours else "off"}
        audit.record(session, member.organization_id, member.id, Action.CHOOSE_MESSAGES, member.id, now, detail)


def quiet_of(session: Session, member: Member, now: datetime) -> QuietView:
    """Return how the person's quiet hours stand."""
    known = quiet.hours_of(session, member.id)
    if known is None:
        return QuietView(None, member.timezone, None)
    hours, zone = known
    return QuietView(hours, zone, quiet_until(hours, zone, now), quiet.count(session, member.id))
