"""Whose fault is it? Before a customer hears that a source is late or fails, all sources are looked at together.

Where most of those that were due lately stand badly, over all organizations or at one provider, or where nothing ran
for a while, the fault is likely ours or the provider's: support is told once, and the customers' alarms wait. Answers
go on telling the truth meanwhile. An alarm that waits is dropped when its cause is gone, and told when the others do
well again, or after three hours in any case: nobody is left without a word for longer.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.fleet import ALL, CLOCK, FleetAlarm, Standing
from storage.facts.sources import Source
from storage.records import fleet, grouping
from storage.sessions import Session

#: The deadline at which a source turns late, or overdue; its subject is the source.
LATENESS = "lateness"
#: Runs and alarms since then are "lately".
LATELY = timedelta(minutes=30)
#: Fewer sources, or all of one company, say nothing about us.
LEAST_SOURCES, LEAST_ORGANIZATIONS = 5, 2
#: What is due longer than that says that nothing ran.
SLEPT = timedelta(minutes=3)
#: After a sleep everything is caught up within ten minutes, and what its runs take.
CATCH_UP = timedelta(minutes=20)
#: Nothing is said to be over sooner, and nobody waits longer.
SHORTEST, LONGEST = timedelta(minutes=5), timedelta(hours=3)
_KNOWN = "standings"


@dataclass(frozen=True, slots=True)
class Suspicion:
    """That the fault is not the customer's."""

    #: ``all``, ``clock``, or the name of a provider
    scope: str
    bad: int
    seen: int
    organizations: int


@dataclass(frozen=True, slots=True)
class Hold:
    """The alarm that keeps an incident from being told."""

    alarm_id: str
    #: whether it was opened just now
    new: bool


def suspicion(standings: Sequence[Standing], provider: str) -> Suspicion | None:
    """Return what most sources of all, or of that provider, say; None when the trouble is the customer's own."""
    for scope, group in (
        (ALL, list(standings)),
        (provider, [one for one in standings if one.provider == provider]),
    ):
        bad = [one for one in group if one.bad]
        organizations = len({one.organization_id for one in bad})
        if len(bad) >= LEAST_SOURCES and organizations >= LEAST_ORGANIZATIONS and 2 * len(bad) > len(group):
            return Suspicion(scope, len(bad), len(group), organizations)
    return None


def holding(session: Session, source: Source, due_at: datetime | None, now: datetime) -> Hold | None:
    """Return the alarm that an incident of the source has to wait for; None when it is told at once.

    `due_at`: when it should have been noticed, where that is known.
    """
    for alarm in fleet.open_alarms(session):
        if alarm.scope in {ALL, CLOCK, source.provider.value}:
            return Hold(alarm.id, new=False)
    if due_at is not None and now - due_at > SLEPT:
        found: Suspicion | None = Suspicion(CLOCK, 1, 1, 1)
    else:
        found = suspicion(_standings(session, now), source.provider.value)
    if found is None or _waited_enough(session, found.scope, now):
        return None
    alarm_id = fleet.open_alarm(session, found.scope, found.bad, found.seen, found.organizations, now)
    if alarm_id is not None:
        return Hold(alarm_id, new=True)
    other = next((alarm for alarm in fleet.open_alarms(session) if alarm.scope == found.scope), None)
    return Hold(other.id, new=False) if other else None


def is_over(session: Session, alarm: FleetAlarm, now: datetime) -> bool:
    """Whether nobody has to wait for the alarm any more; what it counts is noted."""
    lasted = now - alarm.opened_at
    if lasted >= LONGEST:
        return True
    if alarm.scope == CLOCK:
        waiting = grouping.count_held(session, alarm.id)
        fleet.count_again(session, alarm.id, max(waiting, 1), max(waiting, 1), 1)
        return lasted >= CATCH_UP or (waiting == 0 and lasted >= SHORTEST)
    standings = fleet.standings(session, LATENESS, now - LATELY, now)
    found = suspicion(standings, alarm.scope)
    still = found if found is not None and found.scope in {alarm.scope, ALL} else None
    if still is not None:
        fleet.count_again(session, alarm.id, still.bad, still.seen, still.organizations)
    return still is None and lasted >= SHORTEST


def _standings(session: Session, now: datetime) -> Sequence[Standing]:
    """Return how all sources stand, looked up once in a transaction that opens many alarms at one instant.

    A source whose deadline is due counts as bad already, so what the transaction does to it changes nothing.
    """
    known: tuple[datetime, Sequence[Standing]] | None = session.info.get(_KNOWN)
    if known is None or known[0] != now:
        known = session.info[_KNOWN] = (now, fleet.standings(session, LATENESS, now - LATELY, now))
    return known[1]


def _waited_enough(session: Session, scope: str, now: datetime) -> bool:
    """Whether customers were told after the longest wait a while ago: they do not wait for the same once more."""
    last = fleet.last_closed(session, scope, now - 2 * LONGEST)
    return last is not None and last.closed_at is not None and last.closed_at - last.opened_at >= LONGEST
