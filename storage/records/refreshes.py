"""Refreshes: what people asked for, who is told, and which runs each one waits for."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.people import Member
from storage.facts.runs import ACTIVE_STATES, Run, RunState
from storage.facts.sources import Source
from storage.records import organizations, sources
from storage.records.guarded import won
from storage.records.inserts import insert, insert_new
from storage.records.runs import as_run
from storage.tables import MemberRow, RefreshPersonRow, RefreshRow, RefreshRunRow, RunRow


def add(
    session: Session,
    refresh_id: str,
    organization_id: str,
    member_id: str,
    now: datetime,
    *,
    everything: bool,
    policy: str | None,
) -> None:
    """Insert a refresh; its asker is the first who is told. `policy` is the escalation policy that holds for it."""
    insert(
        session,
        RefreshRow,
        id=refresh_id,
        organization_id=organization_id,
        requested_by=member_id,
        requested_at=now,
        everything=everything,
        policy=policy,
    )
    join(session, refresh_id, member_id, now)


def join(session: Session, refresh_id: str, member_id: str, now: datetime) -> bool:
    """Add someone to the people told; return whether they were not among them."""
    return insert_new(session, RefreshPersonRow, refresh_id=refresh_id, member_id=member_id, joined_at=now)


def wait_for(session: Session, refresh_id: str, run_id: str, before_as_of: datetime | None) -> None:
    """Let the refresh wait for a run."""
    insert(session, RefreshRunRow, refresh_id=refresh_id, run_id=run_id, before_as_of=before_as_of)


def leave(session: Session, refresh_id: str, run_id: str, now: datetime) -> None:
    """Let the refresh wait no more for a run that goes on for another one."""
    statement = (
        update(RefreshRunRow)
        .where(
            col(RefreshRunRow.refresh_id) == refresh_id,
            col(RefreshRunRow.run_id) == run_id,
            col(RefreshRunRow.left_at).is_(None),
        )
        .values(left_at=now)
    )
    won(session, statement)


def row(session: Session, refresh_id: str) -> RefreshRow:
    """Return the refresh; KeyError when there is none of that id."""
    found = session.get(RefreshRow, refresh_id)
    if found is None:
        raise KeyError(refresh_id)
    return found


def visible(session: Session, organization_id: str, refresh_id: str) -> RefreshRow | None:
    """Return the refresh when it is the organization's own; somebody else's reads like a missing one."""
    found = session.get(RefreshRow, refresh_id)
    return found if found and found.organization_id == organization_id else None


def runs_of(session: Session, refresh_id: str) -> list[tuple[Source, Run, datetime | None]]:
    """Return each run of the refresh with its source and that source's time before, by label.

    A run that the refresh waits for no more is over for it, and reads as cancelled, whatever it does for others.
    """
    statement = (
        select(RunRow, RefreshRunRow.before_as_of, RefreshRunRow.left_at)
        .join(RefreshRunRow, col(RefreshRunRow.run_id) == col(RunRow.id))
        .where(RefreshRunRow.refresh_id == refresh_id)
    )
    found = [
        (sources.source(session, run.source_id), _left(as_run(run), left_at), before)
        for run, before, left_at in session.exec(statement)
    ]
    return sorted(found, key=lambda item: (item[0].provider, item[0].label))


def _left(run: Run, left_at: datetime | None) -> Run:
    if left_at is None:
        return run
    return replace(
        run, state=RunState.CANCELLED, stage=None, finished_at=left_at, next_attempt_at=None, failure=None, goes_on=True
    )


def people_of(session: Session, refresh_id: str) -> list[Member]:
    """Return everyone who is told, in the order in which they asked."""
    statement = (
        select(MemberRow)
        .join(RefreshPersonRow, col(RefreshPersonRow.member_id) == col(MemberRow.id))
        .where(RefreshPersonRow.refresh_id == refresh_id, col(MemberRow.removed_at).is_(None))
        .order_by(col(RefreshPersonRow.joined_at), col(MemberRow.id))
    )
    return [organizations.as_member(found) for found in session.exec(statement)]


def waiting_for_run(session: Session, run_id: str) -> list[str]:
    """Return the ids of the unfinished refreshes that wait for the run, the oldest first."""
    statement = (
        select(RefreshRow.id)
        .join(RefreshRunRow, col(RefreshRunRow.refresh_id) == col(RefreshRow.id))
        .where(
            RefreshRunRow.run_id == run_id,
            col(RefreshRunRow.left_at).is_(None),
            col(RefreshRow.finished_at).is_(None),
        )
        .order_by(col(RefreshRow.requested_at))
    )
    return list(session.exec(statement))


def of_run(session: Session, run_id: str) -> list[str]:
    """Return the ids of the refreshes that wait or waited for the run, the oldest first."""
    statement = (
        select(RefreshRow.id)
        .join(RefreshRunRow, col(RefreshRunRow.refresh_id) == col(RefreshRow.id))
        .where(RefreshRunRow.run_id == run_id)
        .order_by(col(RefreshRow.requested_at))
    )
    return list(session.exec(statement))


def unfinished_covering(
    session: Session, organization_id: str, run_ids: Sequence[str], *, everything: bool
) -> str | None:
    """Return the oldest unfinished refresh of the organization that waits for all of these runs and asks the same."""
    statement = (
        select(RefreshRow.id)
        .where(
            RefreshRow.organization_id == organization_id,
            RefreshRow.everything == everything,
            col(RefreshRow.finished_at).is_(None),
        )
        .order_by(col(RefreshRow.requested_at))
    )
    for refresh_id in session.exec(statement):
        covered = set(
            session.exec(
                select(RefreshRunRow.run_id).where(
                    RefreshRunRow.refresh_id == refresh_id, col(RefreshRunRow.left_at).is_(None)
                )
            )
        )
        if covered >= set(run_ids):
            return refresh_id
    return None


def has_active_run(session: Session, refresh_id: str) -> bool:
    """Whether any run of the refresh is still going."""
    statement = (
        select(RunRow.id)
        .join(RefreshRunRow, col(RefreshRunRow.run_id) == col(RunRow.id))
        .where(
            RefreshRunRow.refresh_id == refresh_id,
            col(RefreshRunRow.left_at).is_(None),
            col(RunRow.state).in_(ACTIVE_STATES),
        )
    )
    return session.exec(statement).first() is not None


def finish(session: Session, refresh_id: str, now: datetime) -> bool:
    """End the refresh; return whether this one ended it."""
    statement = (
        update(RefreshRow)
        .where(col(RefreshRow.id) == refresh_id, col(RefreshRow.finished_at).is_(None))
        .values(finished_at=now)
    )
    return won(session, statement)
