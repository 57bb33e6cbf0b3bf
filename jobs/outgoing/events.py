"""What receivers are told, in the transaction in which it happens."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from jobs.metrics.inputs import worst_input
from storage.facts.metrics import Kept, Metric, MetricState, Shown
from storage.facts.outgoing import EventType
from storage.facts.restated import currency_before, is_restated
from storage.facts.runs import Receipt, Run
from storage.facts.sources import Source
from storage.records import outgoing, sources
from storage.records.metric_keeping import Calculated
from storage.sessions import Session

#: further values of one metric that one message names; of the rest it says how many they are
MOST_OTHERS = 24


def source_ready(session: Session, run: Run, receipt: Receipt, now: datetime) -> None:
    """Tell that a run became ready: what can be imported, as of when, and what is missing in it."""
    if not outgoing.endpoints(session, run.organization_id):
        return
    source = sources.source(session, run.source_id)
    clocks = run.clocks
    data: dict[str, Any] = {
        **_source(source),
        "run": run.id,
        "receipt": receipt.id,
        "source_as_of": _instant(clocks.source_as_of),
        "loaded_at": _instant(clocks.loaded_at),
        "ready_at": _instant(clocks.ready_at),
        "result": run.result.value if run.result else None,
        "rows_changed": run.changed,
        "missing": [one.label for one in run.partly.missing] if run.partly else [],
    }
    outgoing.tell(session, source.organization_id, EventType.SOURCE_READY, run.id, data, now)


def source_disconnected(session: Session, source: Source, subject: str, reason: str, now: datetime) -> None:
    """Tell that nothing new comes until somebody reconnects; `subject` is the incident, or the disconnecting."""
    data = {**_source(source), "reason": reason, "since": _instant(now)}
    outgoing.tell(session, source.organization_id, EventType.SOURCE_DISCONNECTED, subject, data, now)


def refresh_overdue(session: Session, organization_id: str, subject: str, asked_at: datetime, now: datetime) -> None:
    """Tell that support was called about a refresh, or a first read."""
    data = {"refresh": subject, "requested_at": _instant(asked_at), "escalated_at": _instant(now)}
    outgoing.tell(session, organization_id, EventType.REFRESH_OVERDUE, subject, data, now)


def heard(session: Session, organization_id: str) -> bool:
    """Whether the organization has any receivers."""
    return bool(outgoing.endpoints(session, organization_id))


def metric_updated(
    session: Session, metric: Metric, kept: Sequence[Kept], of: Calculated, now: datetime, *, stale: bool, why: str = ""
) -> bool:
    """Tell which values of a metric are other after a calculation: once for each run and definition.

    Return whether any are.
    """
    if not kept:
        return False
    latest, *others = sorted(kept, key=lambda one: one.value.period.start, reverse=True)
    data: dict[str, Any] = {
        "metric": metric.id,
        "name": metric.name,
        "source": metric.source_id,
        "account": metric.account,
        **_value(latest),
        "currency": of.currency,
        "as_of": _instant(of.as_of),
        "stale": stale,
        "state": (MetricState.STALE if stale else MetricState.CURRENT).value,
        "oldest_input": worst_input(metric.definition),
        "turned_from": None,
        "why_not_current": why,
        "run": of.run_id,
        "definition": of.version,
        "others": [_value(one) for one in others[:MOST_OTHERS]],
        "more": max(0, len(others) - MOST_OTHERS),
    }
    subject = f"{metric.id}:{of.run_id}:{of.version}:{of.snapshot}:{latest.value.period.start}:{latest.revision}"
    outgoing.tell(session, metric.organization_id, EventType.METRIC_UPDATED, subject, data, now)
    return True


def metric_turned(session: Session, shown: Shown, latest: Kept | None, before: str, now: datetime) -> None:
    """Tell that a metric stands elsewhere than receivers were told, without a calculation; its values are as before."""
    metric = shown.metric
    data: dict[str, Any] = {
        "metric": metric.id,
        "name": metric.name,
        "source": metric.source_id,
        "account": metric.account,
        **(_value(latest) if latest else _NO_VALUE),
        "currency": latest.currency if latest else "",
        "as_of": _instant(metric.as_of),
        "stale": shown.state is not MetricState.CURRENT,
        "state": shown.state.value,
        "oldest_input": shown.worst,
        "turned_from": before,
        "why_not_current": "" if shown.state is MetricState.CURRENT else shown.reason,
        "run": metric.run_id,
        "definition": metric.calculated_version,
        "others": [],
        "more": 0,
    }
    subject = f"{metric.id}:{before}:{shown.state.value}:{now.isoformat()}"
    outgoing.tell(session, metric.organization_id, EventType.METRIC_UPDATED, subject, data, now)


_NO_VALUE: Mapping[str, Any] = {
    "period": None, "value": None, "empty_because": "it has no value yet", "complete": False, "before": None,
    "before_currency": "", "restated": False,
}  # fmt: skip


def _value(kept: Kept) -> dict[str, Any]:
    value = kept.value
    return {
        "period": {"start": value.period.start.isoformat(), "end": value.period.end.isoformat()},
        "value": None if value.value is None else f"{value.value:f}",
        "empty_because": value.reason,
        "complete": value.complete,
        "before": kept.changed.get("before"),
        "before_currency": currency_before(kept),
        "restated": is_restated(kept),
    }


def _source(source: Source) -> dict[str, Any]:
    return {
        "source": source.id,
        "provider": source.provider.value,
        "account": source.label,
        "company": source.company,
    }


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
