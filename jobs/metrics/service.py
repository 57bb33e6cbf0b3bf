"""What people do with metrics: look at them, and make them after a look at their last values."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.metrics.compiling import sides_of
from jobs.promises import freshness
from storage.facts.clock import Clock
from storage.facts.dependents import DependentKind, Frozen
from storage.facts.metrics import Kept, Metric, MetricState, Shown
from storage.facts.people import Action, Actor
from storage.facts.runs import Run
from storage.facts.sources import ConnectionState, Freshness, Source
from storage.records import frozen, metrics, runs, sources
from storage.sessions import Session

#: What is read once a day may be so old.
_DAILY = timedelta(hours=48)
#: values that one answer shows
_VALUES = 12


class MetricService:
    """The metrics of the actor's own organization."""

    def __init__(self, desk: Desk, clock: Clock) -> None:
        self._desk = desk
        self._clock = clock

    async def all(self, actor: Actor) -> list[Shown]:
        """Return all of them by name, each with its latest value."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> list[Shown]:
            found = metrics.of_organization(session, member.organization_id)
            latest = metrics.latest_of(session, [one.id for one in found])
            return _shown(session, found, {name: (kept,) for name, kept in latest.items()}, self._clock.now())

        return await self._desk.read(work)

    async def one(self, actor: Actor, name: str) -> Shown:
        """Return one with its last values; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> Shown:
            found = metrics.named(session, member.organization_id, name)
            if found is None:
                raise NotFoundError
            values = {found.id: tuple(metrics.newest_values(session, found.id, _VALUES))}
            return _shown(session, [found], values, self._clock.now())[0]

        return await self._desk.read(work)


def _shown(
    session: Session, found: Sequence[Metric], values: Mapping[str, tuple[Kept, ...]], now: datetime
) -> list[Shown]:
    """Return metrics with the state that follows from their sources, in three looks however many there are."""
    if not found:
        return []
    known = {source.id: source for source in sources.sources_of(session, found[0].organization_id)}
    last = runs.last_ready_of(session, list(known))
    still = {
        one.dependent.id: one
        for many in frozen.of_sources(session, list(known)).values()
        for one in many
        if one.dependent.kind is DependentKind.METRIC
    }
    return [
        _one(metric, known[metric.source_id], last.get(metric.source_id), still.get(metric.id), values, now)
        for metric in found
    ]


def _one(
    metric: Metric,
    source: Source,
    run: Run | None,
    still: Frozen | None,
    values: Mapping[str, tuple[Kept, ...]],
    now: datetime,
) -> Shown:
    state, reason = standing(metric, source, run, still, now)
    company, since = source.company or source.label, still.since if still else None
    return Shown(metric, state, company, reason, since, values.get(metric.id, ()))


def standing(
    metric: Metric, source: Source, run: Run | None, still: Frozen | None, now: datetime
) -> tuple[MetricState, str]:
    """Return where a metric stands, and why it is not current. Only what is current may look well."""
    if still is not None or source.connection is ConnectionState.DISCONNECTED:
        return MetricState.FROZEN, still.reason if still else source.connection_reason or "its source is disconnected"
    if metric.state is MetricState.BROKEN:
        return MetricState.BROKEN, metric.reason
    if metric.state is MetricState.CALCULATING or metric.calculated_version != metric.version:
        return MetricState.CALCULATING, metric.reason
    old = _why_old(metric, source, run, now)
    return (MetricState.STALE, old) if old else (MetricState.CURRENT, "")


def _why_old(metric: Metric, source: Source, run: Run | None, now: datetime) -> str:
    """Return why its input is too old; empty where it is not."""
    at = run.clocks.source_as_of if run else None
    if at is None or metric.as_of is None or freshness(source, at, now) is not Freshness.FRESH:
        return "what it is calculated from is older than promised"
    if any(side.table and side.table.daily for side in sides_of(metric.definition)):
        return "what it is calculated from was not read for two days" if now - metric.as_of > _DAILY else ""
    return "it is not calculated from the newest data yet" if metric.as_of < at else ""
