"""Receivers are told when a metric stops being current, and when it is again: once at each turn, never repeated.

Time alone makes a metric stale, and a disconnect freezes it, without any calculation that would tell of it. What
receivers were told last is kept with the metric; the message and that note are one transaction.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

from jobs.metrics.standing import BEHIND, shown_of
from jobs.outgoing import events
from storage.facts.clock import Clock
from storage.facts.metrics import MetricState, Shown
from storage.facts.outgoing import EventType
from storage.records import last_runs, metric_told, metrics, organizations, outgoing
from storage.sessions import Database, Session

EVERY = 60.0
#: After each run its metrics are behind it for some seconds: that is no turn before it lasts.
_PATIENCE = timedelta(minutes=15)
#: messages of one transaction
_AT_ONCE = 200


@dataclass(frozen=True, slots=True)
class Turned:
    """A metric that stands elsewhere than receivers know."""

    shown: Shown
    #: what they were told last; empty: nothing yet
    before: str


def turning_sweep(database: Database, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Return the sweep that tells of turns, where anybody listens."""

    async def sweep() -> None:
        now = clock.now()
        for owner in await database.reading(lambda session: outgoing.listened(session, EventType.METRIC_UPDATED)):
            if await database.reading(partial(turned, organization_id=owner, now=now)):
                await database.writing(partial(tell, organization_id=owner, now=now))

    return sweep


def turned(session: Session, organization_id: str, now: datetime) -> list[Turned]:
    """Return what stands elsewhere than receivers know; what is being calculated is told of when it has its value."""
    found = metrics.of_organization(session, organization_id)
    known = metric_told.states(session, organization_id)
    last = last_runs.ready_of(session, list({one.source_id for one in found}))
    others: list[Turned] = []
    for one in shown_of(session, found, {}, now):
        run = last.get(one.metric.source_id)
        ready_at = run.clocks.ready_at if run else None
        behind = BEHIND in one.reason and ready_at is not None and now - ready_at < _PATIENCE
        if one.state is not MetricState.CALCULATING and known.get(one.metric.id) != one.state.value and not behind:
            others.append(Turned(one, known.get(one.metric.id, "")))
    return others[:_AT_ONCE]


def tell(session: Session, organization_id: str, now: datetime) -> None:
    """Tell of each turn once, whoever else tries; of a metric that nothing was told of yet, note where it stands."""
    organizations.lock(session, organization_id)
    for one in turned(session, organization_id, now):
        metric = one.shown.metric
        if metric_told.turn(session, metric.id, one.before, one.shown.state) and one.before:
            latest = metrics.newest_values(session, metric.id, 1)
            events.metric_turned(session, one.shown, latest[0] if latest else None, one.before, now)
