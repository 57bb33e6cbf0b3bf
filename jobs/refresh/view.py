"""A refresh as facts: its runs, its people, the times before it."""

import re
from dataclasses import replace
from datetime import date, datetime

from jobs.status import next_run_at
from storage.facts.people import Action
from storage.facts.runs import Run
from storage.facts.sources import CollectMode
from storage.facts.status import Again, RefreshStatus
from storage.records import audit, escalations, last_runs, organizations, refreshes, rereads, runs
from storage.records import sources as source_records
from storage.records.durations import durations_of
from storage.sessions import Session

_DAY = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


def _as_asked(run: Run, requested_at: datetime) -> Run:
    return replace(run, clocks=replace(run.clocks, requested_at=requested_at))


def refresh_status(session: Session, refresh_id: str, now: datetime) -> RefreshStatus:
    """Return everything that messages about a refresh say; KeyError when there is none of that id."""
    row = refreshes.row(session, refresh_id)
    waiting = refreshes.runs_of(session, refresh_id)
    people = refreshes.people_of(session, refresh_id)
    sources = [source for source, _, _ in waiting]
    timed = [source for source in sources if source.mode is not CollectMode.ON_DEMAND]
    durations = durations_of(session, [source.id for source in sources if source.mode is CollectMode.ON_DEMAND])
    return RefreshStatus(
        id=row.id,
        organization_id=row.organization_id,
        organization=organizations.organization(session, row.organization_id).name,
        requested_at=row.requested_at,
        requested_by=people[0].name if people else None,
        everything=row.everything,
        # A run that was joined began for somebody else; what its times mean is measured from this question.
        runs=tuple((source, _as_asked(run, row.requested_at)) for source, run, _ in waiting),
        before={source.id: before for source, _, before in waiting},
        people=tuple(person.name for person in people),
        escalated_at=row.escalated_at,
        acknowledged_by=escalations.holder(row, now),
        finished_at=row.finished_at,
        next_collection={source.id: next_run_at(source, now) for source in timed},
        failing={
            source_id: run
            for source_id, run in last_runs.failed_of(session, [source.id for source in timed]).items()
            if run.failure is not None
        },
        durations={source.id: durations.get(source.id) for source in sources},
        goes_on_for={source.id: _others(session, run.id) for source, run, _ in waiting if run.goes_on},
        again=_again(session, row.id, row.organization_id, row.requested_at, [run.id for _, run, _ in waiting]),
    )


def _again(session: Session, id_: str, organization_id: str, asked: datetime, run_ids: list[str]) -> Again | None:
    """Return what it reads once more; None where it was asked for in another way.

    A run may have inherited that it reads something again: only the audit knows what this refresh was asked for.
    """
    if len(run_ids) != 1 or rereads.asked_of(runs.outcome(session, run_ids[0])) is None:
        return None
    source_id = runs.run(session, run_ids[0]).source_id
    said = audit.said_since(session, organization_id, Action.REREAD, source_id, asked)
    detail = next((entry.detail for entry in said if entry.detail.get("refresh") == id_), None)
    if detail is None:
        return None
    since = str(detail.get("since", ""))
    return Again(str(detail.get("label", "")), date.fromisoformat(since) if _DAY.fullmatch(since) else None)


def _others(session: Session, run_id: str) -> tuple[str, ...]:
    """Return the names of everyone who still waits for a run."""
    waiting = refreshes.waiting_for_run(session, run_id)
    return tuple(dict.fromkeys(person.name for id_ in waiting for person in refreshes.people_of(session, id_)))


def escalated_status(session: Session, subject: str, now: datetime) -> RefreshStatus:
    """Return the same about whatever support was called about: a refresh, or a first read that nobody asked for."""
    if not escalations.is_run(subject):
        return refresh_status(session, subject, now)
    run = runs.run(session, subject)
    source = source_records.source(session, run.source_id)
    called = escalations.find(session, subject)
    assert called is not None
    return RefreshStatus(
        id=run.id,
        organization_id=run.organization_id,
        organization=organizations.organization(session, run.organization_id).name,
        requested_at=run.clocks.requested_at,
        requested_by=None,
        everything=False,
        runs=((source, run),),
        before={source.id: None},
        people=(),
        escalated_at=called.escalated_at,
        acknowledged_by=called.acknowledged_by if called.held(now) else None,
        finished_at=called.finished_at,
        next_collection={},
        durations={},
    )
