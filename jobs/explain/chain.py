"""The way of a metric's data, link by link: evidence in, what holds of each link out. Pure.

What is not current always has a link that is not fine: where none is found, the last one says so.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta

from storage.facts.explain import Cause
from storage.facts.metric_why import Link, LinkCause, LinkKind, LinkState, MetricEvidence, MetricWhy
from storage.facts.metrics import UNSAID, MetricState
from storage.facts.runs import Missing
from storage.facts.sources import ConnectionState, Freshness

#: What is read once a day may be so old.
DAILY = timedelta(hours=48)
#: the first attempt is under way or ahead; from the second on one came to nothing
_FAILED_ONCE = 2


def explain_metric(evidence: MetricEvidence) -> MetricWhy:
    """Return what holds of each link."""
    found = (_source(evidence), _stream(evidence), _table(evidence), _definition(evidence), _schedule(evidence))
    links = tuple(found)
    if evidence.shown.state is not MetricState.CURRENT and all(one.state is LinkState.FINE for one in links):
        links = (*links[:-1], replace(links[-1], state=LinkState.LATE, cause=LinkCause.UNEXPLAINED))
    return MetricWhy(links, evidence)


def _source(it: MetricEvidence) -> Link:
    status = it.source.evidence.status
    at = status.last_data_refresh

    def link(state: LinkState, cause: LinkCause = LinkCause.SOURCE) -> Link:
        return Link(LinkKind.SOURCE, state, cause, at, said=it.shown.reason)

    if status.source.connection is ConnectionState.DISCONNECTED:
        return link(LinkState.BROKEN)
    if it.shown.state is MetricState.FROZEN:
        return replace(link(LinkState.BROKEN, LinkCause.FROZEN), at=it.shown.since)
    if status.freshness is Freshness.NEVER:
        return link(LinkState.EMPTY)
    # Where only something else could not be read, the source itself is the cause; else its stream is.
    if status.freshness is Freshness.FRESH or (it.source.cause is Cause.PARTIAL and any(_unread(it))):
        return link(LinkState.FINE, LinkCause.WELL)
    return link(LinkState.LATE)


def _unread(it: MetricEvidence) -> Iterator[Missing]:
    """Yield what the last run could not read of what the metric is calculated from."""
    ready = it.source.evidence.status.last_ready
    for one in ready.partly.missing if ready is not None and ready.partly is not None else ():
        if set(one.streams) & set(it.streams):
            yield one


def _stream(it: MetricEvidence) -> Link:
    missing, metric = list(_unread(it)), it.shown.metric
    if missing:
        at = min((one.as_of for one in missing if one.as_of), default=None)
        never = any(one.as_of is None for one in missing)
        state = LinkState.EMPTY if never else LinkState.LATE
        if it.shown.state is MetricState.CURRENT and not never:
            state = LinkState.FINE
        said = "; ".join(dict.fromkeys(one.detail.rstrip(".") for one in missing if one.detail))
        return Link(LinkKind.STREAM, state, LinkCause.UNREAD, at, tuple(one.label for one in missing), said)
    names = tuple(it.streams)
    if it.daily and metric.as_of is not None and it.now - metric.as_of > DAILY:
        return Link(LinkKind.STREAM, LinkState.LATE, LinkCause.DAILY, metric.as_of, (it.daily,))
    return Link(LinkKind.STREAM, LinkState.FINE, LinkCause.WELL, metric.as_of, names)


def _table(it: MetricEvidence) -> Link:
    shown = it.shown
    metric, latest = shown.metric, shown.values[0] if shown.values else None
    rows = tuple(str(one.value.rows) for one in shown.values[:1])

    def link(state: LinkState, cause: LinkCause, said: str = "") -> Link:
        return Link(LinkKind.TABLE, state, cause, metric.as_of, rows, said)

    if latest is None:
        # A turn that is over and left nothing found nothing: what it is of is not imported yet.
        waits = it.turn is None or it.turn.due_at is None or it.source.evidence.status.last_ready is None
        empty = waits and metric.state is not MetricState.BROKEN
        said = metric.reason if UNSAID in metric.reason else ""
        return link(LinkState.EMPTY, LinkCause.NOT_IMPORTED, said) if empty else link(LinkState.FINE, LinkCause.WELL)
    if metric.state is MetricState.CURRENT and metric.reason:
        return link(LinkState.PARTLY, LinkCause.LEFT_OUT, metric.reason)
    if latest.value.value is None:
        return link(LinkState.EMPTY, LinkCause.NO_VALUE, latest.value.reason)
    if not any(one.value.rows for one in shown.values):
        return link(LinkState.EMPTY, LinkCause.NO_RECORDS)
    return link(LinkState.FINE, LinkCause.WELL)


def _definition(it: MetricEvidence) -> Link:
    metric = it.shown.metric

    def link(state: LinkState, cause: LinkCause, said: str = "") -> Link:
        names = (str(metric.version), it.written_by)
        return Link(LinkKind.DEFINITION, state, cause, it.written_at, names, said)

    if metric.state is MetricState.BROKEN:
        return link(LinkState.BROKEN, LinkCause.BROKEN, metric.reason)
    if metric.calculated_version != metric.version:
        return link(LinkState.LATE, LinkCause.NOT_YET)
    return link(LinkState.FINE, LinkCause.WELL)


def _schedule(it: MetricEvidence) -> Link:
    turn, current = it.turn, it.shown.state is MetricState.CURRENT
    if turn is not None and turn.due_at is not None:
        if turn.attempts >= _FAILED_ONCE:
            return Link(LinkKind.SCHEDULE, LinkState.LATE, LinkCause.FAILING, turn.due_at, (str(turn.attempts - 1),))
        state = LinkState.FINE if current else LinkState.LATE
        return Link(LinkKind.SCHEDULE, state, LinkCause.CALCULATING, turn.due_at)
    return Link(LinkKind.SCHEDULE, LinkState.FINE, LinkCause.WELL, it.source.next_at)
