"""Where metrics stand: what follows from their sources and how old their data is. Only a current one looks well."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from jobs.metrics.compiling import sides_of
from jobs.metrics.inputs import worst_input
from jobs.promises import freshness
from storage.facts.dependents import DependentKind, Frozen
from storage.facts.metrics import Failing, Kept, Metric, MetricState, Shown
from storage.facts.runs import Run
from storage.facts.sources import ConnectionState, Freshness, Source
from storage.records import frozen, last_runs, metric_changes, metrics, sources
from storage.sessions import Session

#: What is read once a day may be so old.
_DAILY = timedelta(hours=48)
#: a run is there that it is not calculated from yet; for some seconds after each run that is so
BEHIND = "it is not calculated from the newest data yet"


def shown_of(
    session: Session, found: Sequence[Metric], values: Mapping[str, tuple[Kept, ...]], now: datetime
) -> list[Shown]:
    """Return metrics with the state that follows from their sources, in three looks however many there are."""
    if not found:
        return []
    known = {source.id: source for source in sources.sources_of(session, found[0].organization_id)}
    last = last_runs.ready_of(session, list(known))
    still = {
        one.dependent.id: one
        for many in frozen.of_sources(session, list(known)).values()
        for one in many
        if one.dependent.kind is DependentKind.METRIC
    }
    noun = metric_changes.noun(session, found[0].organization_id)
    changed = [(one.id, one.calculated_version) for one in found if one.calculated_version not in (0, one.version)]
    before = metric_changes.definitions(session, changed)
    shown = [
        _one(metric, known[metric.source_id], last.get(metric.source_id), still.get(metric.id), values, now)
        for metric in (replace(one, definition=replace(one.definition, noun=noun)) for one in found)
    ]
    failing = metrics.failing(session, list(known))
    return [
        replace(explained(one, failing, last.get(one.metric.source_id)), before=before.get(one.metric.id))
        for one in shown
    ]


def explained(shown: Shown, failing: Mapping[str, Failing], run: Run | None) -> Shown:
    """Return a metric that is behind its data with why, where its calculation fails; `run` is the newest ready one.

    What is read once a day does not say by its as-of that newer data is there: while calculating fails it may be. What
    was calculated from that run already stays what it is: there it is another metric that fails.
    """
    found = failing.get(shown.metric.source_id)
    behind = run is not None and shown.metric.run_id != run.id
    if found is not None and shown.state is MetricState.CURRENT and behind:
        said = "; ".join(part for part in (f"{BEHIND}: {found.what}", shown.reason) if part)
        return replace(shown, state=MetricState.STALE, failing=found, reason=said)
    if found is None or (BEHIND not in shown.reason and shown.state is not MetricState.CALCULATING):
        return shown
    return replace(shown, failing=found, reason=shown.reason.replace(BEHIND, f"{BEHIND}: {found.what}"))


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
    return Shown(metric, state, company, reason, since, values.get(metric.id, ()), worst_input(metric.definition))


def standing(
    metric: Metric, source: Source, run: Run | None, still: Frozen | None, now: datetime
) -> tuple[MetricState, str]:
    """Return where a metric stands, why it is not current, and what is left out. Only what is current may look well."""
    if still is not None or source.connection is ConnectionState.DISCONNECTED:
        return MetricState.FROZEN, still.reason if still else source.connection_reason or "its source is disconnected"
    if metric.state is MetricState.BROKEN:
        return MetricState.BROKEN, metric.reason
    if metric.state is MetricState.CALCULATING or metric.calculated_version != metric.version:
        return MetricState.CALCULATING, metric.reason
    old = _why_old(metric, source, run, now)
    said = "; ".join(part for part in (old, metric.reason) if part)
    return (MetricState.STALE if old else MetricState.CURRENT), said


def _why_old(metric: Metric, source: Source, run: Run | None, now: datetime) -> str:
    """Return why its input is too old; empty where it is not."""
    at = run.clocks.source_as_of if run else None
    if at is None or metric.as_of is None or freshness(source, at, now) is not Freshness.FRESH:
        return "what it is calculated from is older than promised"
    if any(side.table and side.table.daily for side in sides_of(metric.definition)):
        return "what it is calculated from was not read for two days" if now - metric.as_of > _DAILY else ""
    return BEHIND if metric.as_of < at else ""
