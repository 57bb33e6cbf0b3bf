"""The decision tree: evidence in, exactly one primary cause out. Pure, so that each leaf can be tried alone.

What stops data comes before what delays it, what delays it before what only looks late, and "all is well" is what is
left when nothing of that holds: a new kind of trouble that nobody listed is UNEXPLAINED, never WELL.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta

from jobs.explain.helping import acts, failure_of, next_at, step, waits
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.explain import Cause, Evidence, Explanation
from storage.facts.runs import FailureKind, Result, Run, RunState, Stage
from storage.facts.schedules import Rhythm
from storage.facts.sources import CollectMode, ConnectionState, Freshness

#: Codes of failures that say what happened; others are looked at by support.
KNOWN = frozenset(
    {
        *("invalid_grant", "grant_refused", "token_rejected", "token_refused", "no_refresh_token", "scope_missing"),
        *("throttled", "timeout", "connection", "unavailable", "server_error", "token_service"),
        *("report_fatal", "report_pending", "bulk_pending", "report_cancelled", "storage_failed"),
        *("shop_frozen", "shop_inactive", "shop_locked", "file_unreadable", "far_fewer_rows", "mails_put_aside"),
        "nothing_delivered",
    }
)
_PREPARES = frozenset({"report_pending", "bulk_pending"})
#: A run gives a sign of life every few seconds; after so long nobody is at it.
SILENT_AFTER = timedelta(minutes=10)
_WAITING = frozenset({DeliveryState.PENDING, DeliveryState.SENDING, DeliveryState.HELD})
_NOT_THERE = frozenset({DeliveryState.FAILED, DeliveryState.UNCONFIRMED})

Rule = Callable[[Evidence], bool]


def explain(evidence: Evidence) -> Explanation:
    """Return the primary cause: the first whose rule holds, in the order of `Cause`."""
    cause = next(cause for cause in Cause if _RULES[cause](evidence))
    return Explanation(cause, acts(cause, evidence), step(cause, evidence), next_at(evidence), evidence)


def _disconnected(evidence: Evidence) -> bool:
    return evidence.status.source.connection is ConnectionState.DISCONNECTED


def _active(evidence: Evidence) -> Run | None:
    return evidence.status.active


def _queued(evidence: Evidence) -> bool:
    run = _active(evidence)
    return run is not None and run.state is RunState.QUEUED


def _waits_because(evidence: Evidence, codes: frozenset[str]) -> bool:
    run = _active(evidence)
    return waits(evidence) and run is not None and run.failure is not None and run.failure.code in codes


def _rate_limit(evidence: Evidence) -> bool:
    blocked = evidence.blocked_until is not None and evidence.blocked_until > evidence.now
    return _active(evidence) is not None and (blocked or _waits_because(evidence, frozenset({"throttled"})))


def _stuck(evidence: Evidence) -> bool:
    run = _active(evidence)
    if run is None or run.state is RunState.QUEUED:
        return False
    seen = run.progress_at or run.started_at or run.clocks.requested_at
    return evidence.now - seen > SILENT_AFTER


def _held(evidence: Evidence) -> bool:
    failure, run = failure_of(evidence), evidence.status.last_finished
    return (failure is not None and failure.kind is FailureKind.HELD) or (run is not None and run.held is not None)


def _failed(evidence: Evidence, *, known: bool) -> bool:
    failure = failure_of(evidence)
    if failure is None:
        return evidence.status.last_finished is not None and _ended_failed(evidence) and not known
    return (failure.code in KNOWN or failure.kind is FailureKind.RECONNECT) is known


def _ended_failed(evidence: Evidence) -> bool:
    run = evidence.status.last_finished
    return run is not None and run.state is RunState.FAILED


def _late(evidence: Evidence) -> bool:
    """Whether anybody would ask: past the promise, or older than the question."""
    return evidence.status.freshness is not Freshness.FRESH or evidence.older_than_question


def _partial(evidence: Evidence) -> bool:
    ready = evidence.status.last_ready
    return ready is not None and (ready.partly is not None or ready.result is Result.PARTIAL)


def _schedule_off(evidence: Evidence) -> bool:
    rule = evidence.status.source.rule
    return rule is not None and rule.rhythm is Rhythm.OFF and _late(evidence)


def _cancelled(evidence: Evidence) -> bool:
    run = evidence.status.last_finished
    return run is not None and run.state is RunState.CANCELLED and _late(evidence)


def _told(evidence: Evidence, states: frozenset[DeliveryState]) -> bool:
    """Whether the mail of their last good refresh is in one of these states; where none goes by mail, the post."""
    asked = evidence.asked
    if asked is None or asked.finished_at is None or asked.run.state is not RunState.READY:
        return False
    mails = [one for one in asked.deliveries if one.channel is Channel.EMAIL]
    return any(one.state in states for one in mails or asked.deliveries)


def _stretched(evidence: Evidence) -> bool:
    planned = evidence.status.source.planned_minutes
    as_of = evidence.data_as_of
    if evidence.status.stretched_minutes is None or planned is None or as_of is None:
        return False
    return evidence.older_than_question or evidence.now - as_of > timedelta(minutes=planned)


def _timer(evidence: Evidence) -> bool:
    ours = evidence.status.source.mode is CollectMode.TIMER and not evidence.asks_mail
    return ours and (evidence.older_than_question or (evidence.status.changes_wait and not _promise_broken(evidence)))


def _promise_broken(evidence: Evidence) -> bool:
    return evidence.status.freshness is not Freshness.FRESH


def _verified(evidence: Evidence) -> bool:
    ready = evidence.status.last_ready
    return ready is not None and ready.result is Result.VERIFIED


def _in_stage(evidence: Evidence, *stages: Stage | None) -> bool:
    run = _active(evidence)
    return run is not None and run.stage in stages


_RULES: Mapping[Cause, Rule] = {
    Cause.DISCONNECTED_ON_PURPOSE: lambda it: _disconnected(it) and it.status.source.on_purpose,
    Cause.DISCONNECTED_BY_PROVIDER: lambda it: _disconnected(it) and it.by_provider,
    Cause.DISCONNECTED_LOST: _disconnected,
    Cause.STOPPING: lambda it: (run := _active(it)) is not None and run.state is RunState.CANCELLING,
    Cause.NO_WORKER: lambda it: _active(it) is not None and not it.worker_alive,
    Cause.STUCK: _stuck,
    Cause.RATE_LIMIT: _rate_limit,
    Cause.PROVIDER_PREPARES: lambda it: _waits_because(it, _PREPARES),
    Cause.WAITS_ATTEMPT: waits,
    Cause.WAITS_TURN: lambda it: (run := _active(it)) is not None and run.waits_turn,
    Cause.QUEUED: _queued,
    Cause.COLLECTING: lambda it: _in_stage(it, Stage.COLLECTING, None),
    Cause.PROCESSING: lambda it: _active(it) is not None,
    Cause.HELD: _held,
    Cause.FAILED_KNOWN: lambda it: _failed(it, known=True),
    Cause.FAILED_UNKNOWN: lambda it: _failed(it, known=False),
    Cause.ATTENTION: lambda it: it.status.source.connection is ConnectionState.ATTENTION,
    Cause.PARTIAL: _partial,
    Cause.SCHEDULE_OFF: _schedule_off,
    Cause.CLOCK_STOPPED: lambda it: it.missed_at is not None and _promise_broken(it),
    Cause.CANCELLED: _cancelled,
    Cause.NEVER_READ: lambda it: it.status.freshness is Freshness.NEVER,
    Cause.DELIVERY_FAILED: lambda it: _told(it, _NOT_THERE),
    Cause.DELIVERY_PENDING: lambda it: _told(it, _WAITING),
    Cause.STRETCHED: _stretched,
    Cause.NO_NEW_FILE: lambda it: it.status.source.mode is CollectMode.PUSH and _late(it),
    Cause.TIMER_NOT_DUE: _timer,
    Cause.JOINED: lambda it: it.older_than_question and not it.asks_mail,
    Cause.DELIVERY_SKIPPED: lambda it: _told(it, frozenset({DeliveryState.SKIPPED})),
    Cause.OLDER_PERIODS: lambda it: (run := it.status.last_ready) is not None and bool(run.older),
    Cause.PROVIDER_LAG: lambda it: it.lag is not None,
    Cause.UNEXPLAINED: _promise_broken,
    Cause.UNCHANGED: _verified,
    Cause.WELL: lambda _: True,
}
