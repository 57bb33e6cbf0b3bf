"""How a run ends: state, receipt, deliveries and closed deadlines in one transaction."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jobs.escalating.calling import FOLLOWING
from jobs.expectations.files import file_taken
from jobs.incidents.failing import failed, succeeded
from jobs.incidents.lateness import look
from jobs.incidents.noticing import judged, lost
from jobs.notify.notifier import Notifier
from jobs.outgoing import events
from jobs.refresh.partly import result_of, retry_delay, to_retry
from jobs.schedule import SLOT_WAITS
from storage.facts.policies import read_policy
from storage.facts.runs import Failure, FailureKind, Result, Run, RunState
from storage.records import deadlines, home_views, last_runs, metrics, outcomes, receipts, refreshes, runs
from storage.sessions import Session

ESCALATION = "escalation"
#: The deadline of streams that could not be read; its subject is the run.
MISSING = "missing_streams"
#: A retry that came to nothing is followed by one that comes as late as after so many.
_FAILED_ALONE = 4
#: Codes of what looks like data that vanished.
SUSPICIOUS = frozenset({"far_fewer_rows"})
#: An attempt that failed is forgotten once a later one is ready.
_FAILURE_COLUMNS = ("failure_kind", "failure_code", "failure_detail", "failure_stage", "reference")


@dataclass(frozen=True, slots=True)
class Verdict:
    """How a run ended."""

    state: RunState
    failure: Failure | None = None


def watch_end(session: Session, organization_id: str, refresh_id: str, policy: str | None, now: datetime) -> None:
    """Set the deadlines of a refresh that begins: of the call to support, and of whoever is called before that."""
    found = read_policy(policy)
    deadlines.add(session, organization_id, ESCALATION, refresh_id, now + found.first)
    if found.earliest < found.first:
        deadlines.add(session, organization_id, FOLLOWING, refresh_id, now + found.earliest)


def end_run(
    session: Session, run_id: str, generation: int, verdict: Verdict, now: datetime, notifier: Notifier
) -> bool:
    """End the run if this generation still holds it; return whether it did."""
    values: dict[str, Any] = {}
    if verdict.failure is not None:
        values = failure_columns(verdict.failure)
    if verdict.state is RunState.READY:
        values = {**dict.fromkeys(_FAILURE_COLUMNS), "ready_at": now}
    before = runs.run(session, run_id)
    values["result"] = _result(session, before, verdict)
    again_at = _again_at(session, before, verdict, now)
    if again_at is not None and before.partly is not None:
        found = runs.outcome(session, run_id)
        values["outcome"] = {**found, "partly": {**found["partly"], "again_at": again_at.isoformat()}}
    if not runs.finish(session, run_id, generation, verdict.state, now, **values):
        return False
    home_views.changed(session, before.organization_id, now)
    if again_at is not None:
        deadlines.add(session, before.organization_id, MISSING, run_id, again_at)
    if verdict.state is not RunState.READY:
        again_later(session, before, now)
    session.expire_all()
    run = runs.run(session, run_id)
    if verdict.state is RunState.READY:
        events.source_ready(session, run, receipts.add(session, run, runs.outcome(session, run_id), now), now)
        metrics.due(session, run.source_id, now)
    if verdict.failure is not None and verdict.failure.kind is FailureKind.RECONNECT:
        lost(session, run.source_id, verdict.failure.detail, now, notifier)
    if verdict.failure is not None or verdict.state is RunState.READY:
        judged(session, run.source_id, verdict.failure.code if verdict.failure else None, now)
    _told(session, run, now, notifier)
    after_run(session, run_id, now, notifier)
    return True


def _told(session: Session, run: Run, now: datetime, notifier: Notifier) -> None:
    """Let what is said about the source follow: it fails, it works again, it is as fresh as promised."""
    if run.state is RunState.READY:
        succeeded(session, run, now, notifier)
        if run.result in {Result.CHANGED, Result.PARTIAL} and not refreshes.of_run(session, run.id):
            notifier.run_ready(session, run, now)
        file_taken(session, run, now)
        look(session, run.source_id, now, notifier)
    elif run.failure is not None and run.state is RunState.FAILED:
        failed(session, run, now, notifier)


def _result(session: Session, run: Run, verdict: Verdict) -> Result:
    failure = verdict.failure
    if failure is not None and (failure.kind is FailureKind.HELD or failure.code in SUSPICIOUS):
        return Result.SUSPICIOUS
    return result_of(verdict.state, run, collects=runs.collects(session, run.id))


def _again_at(session: Session, run: Run, verdict: Verdict, now: datetime) -> datetime | None:
    """Return when the streams that a good run lacks are read alone; None when nothing is missing."""
    if verdict.state is not RunState.READY or run.partly is None or not to_retry(run.partly):
        return None
    after = (runs.outcome(session, run.id).get("plan") or {}).get("after")
    return now + retry_delay(run.partly.times, after)


def again_later(session: Session, run: Run, now: datetime) -> None:
    """Let streams be read alone once more after a run of them alone came to nothing; whoever looks is told when.

    One try follows, however many came to nothing; where one is due already, because a person did not wait for it, then.
    """
    if not run.only:
        return
    at, newest = now + retry_delay(_FAILED_ALONE, None), last_runs.newest_loaded(session, run.source_id)
    if newest is not None and newest.partly is not None:
        due = newest.partly.again_at
        at = due if due is not None and due > now else at
        outcomes.put_off(session, newest.id, at)
    deadlines.close_of_source(session, MISSING, run.source_id, now)
    deadlines.add(session, run.organization_id, MISSING, run.id, at)


def after_run(session: Session, run_id: str, now: datetime, notifier: Notifier) -> None:
    """End every refresh that waited for this run alone, let the cards of all of them be edited, free its slot."""
    deadlines.hasten(session, SLOT_WAITS, run_id, now)
    waiting = refreshes.waiting_for_run(session, run_id)
    for refresh_id in waiting:
        end_if_over(session, refresh_id, now, notifier)
    notifier.wake(session, [*waiting, run_id], now)


def end_if_over(session: Session, refresh_id: str, now: datetime, notifier: Notifier) -> None:
    """End the refresh when it waits for no run any more, and tell the people of it."""
    if not refreshes.has_active_run(session, refresh_id) and refreshes.finish(session, refresh_id, now):
        deadlines.close(session, ESCALATION, refresh_id, now)
        deadlines.close(session, FOLLOWING, refresh_id, now)
        notifier.finished(session, refresh_id, now)


def failure_columns(failure: Failure) -> dict[str, Any]:
    """Return the columns of the run row that say why it failed."""
    return {
        "failure_kind": failure.kind,
        "failure_code": failure.code,
        "failure_detail": failure.detail,
        "failure_stage": failure.stage,
        "reference": failure.reference,
    }
