"""Runs: state changes are guarded updates that say whether they won."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Row, Select, func, update
from sqlmodel import Session, col, select

from storage.facts.runs import (
    ACTIVE_STATES,
    Clocks,
    Failure,
    FailureKind,
    Result,
    Run,
    RunState,
    Stage,
    Trigger,
)
from storage.records import outcomes
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.records.lookups import look
from storage.tables import RunRow
from storage.tables.columns import Instant

_TABLE: sqlalchemy.Table = RunRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table


def add(
    session: Session,
    *,
    run_id: str,
    organization_id: str,
    source_id: str,
    trigger: Trigger,
    slot_key: str,
    requested_at: datetime,
    collects: bool,
    agreed: Mapping[str, int] | None = None,
    only: Sequence[str] = (),
    policy: str | None = None,
) -> None:
    """Insert a queued run; IntegrityError when the slot had one or another run holds the source.

    `agreed` is the least records per stream that a person agreed to, after a read that was held; `only` are the
    streams that it reads alone; `policy` is the escalation policy of a first read.
    """
    insert(
        session,
        RunRow,
        id=run_id,
        organization_id=organization_id,
        source_id=source_id,
        trigger=trigger,
        slot_key=slot_key,
        state=RunState.QUEUED,
        requested_at=requested_at,
        collects=collects,
        agreed=dict(agreed) if agreed else None,
        only=list(only) or None,
        policy=policy,
    )


def run(session: Session, run_id: str) -> Run:
    """Return the run; KeyError when there is none of that id."""
    row = session.get(RunRow, run_id)
    if row is None:
        raise KeyError(run_id)
    return as_run(row)


def organization_of(session: Session, run_id: str) -> str:
    """Return the id of the run's organization; KeyError when there is no such run."""
    found = session.exec(select(RunRow.organization_id).where(RunRow.id == run_id)).first()
    if found is None:
        raise KeyError(run_id)
    return found


def ids_of(session: Session, run_id: str) -> dict[str, str]:
    """Return whose a run is and of which source, by name; nothing for a run that is gone."""
    statement = select(RunRow.organization_id, RunRow.source_id).where(RunRow.id == run_id)
    found = session.exec(statement).first()
    return {"organization": found[0], "source": found[1]} if found else {}


def collects(session: Session, run_id: str) -> bool:
    """Whether the run reads from the provider, or only processes what is collected."""
    return session.get_one(RunRow, run_id).collects


def outcome(session: Session, run_id: str) -> dict[str, Any]:
    """Return what earlier stages of the run found."""
    return dict(session.get_one(RunRow, run_id).outcome or {})


def slot_taken(session: Session, source_id: str, slot_key: str) -> bool:
    """Whether that slot of the clock, or that request, already had its run."""
    statement = select(RunRow.id).where(RunRow.source_id == source_id, RunRow.slot_key == slot_key)
    return session.exec(statement).first() is not None


def slots_taken(session: Session, slots: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return which of these slots, each a source and a key, already had their runs; one query for all."""
    statement = select(RunRow.source_id, RunRow.slot_key).where(
        col(RunRow.source_id).in_({source_id for source_id, _ in slots}),
        col(RunRow.slot_key).in_({key for _, key in slots}),
    )
    return {(source_id, key) for source_id, key in session.exec(statement)} & set(slots)


def active_of(session: Session, source_ids: Sequence[str]) -> dict[str, Run]:
    """Return the active run of each source that has one."""
    rows = look(session, _active_of_sources(), sources=list(source_ids))
    return {row.source_id: as_run(row) for row in rows}


def any_active_in(session: Session, organization_id: str) -> bool:
    """Say whether a run of the organization waits or is under way."""
    statement = (
        select(RunRow.id)
        .where(RunRow.organization_id == organization_id, col(RunRow.state).in_(ACTIVE_STATES))
        .limit(1)
    )
    return session.exec(statement).first() is not None


def keep_active(session: Session, run_ids: Sequence[str]) -> bool:
    """Keep these runs from ending until the transaction does; False when one of them has ended by now."""
    statement = (
        select(RunRow.id)
        .where(col(RunRow.id).in_(run_ids), col(RunRow.state).in_(ACTIVE_STATES))
        .order_by(col(RunRow.id))
        .with_for_update()
    )
    return len(session.exec(statement).all()) == len(run_ids)


def claim(session: Session, run_id: str, attempt: int, now: datetime) -> int | None:
    """Take the run for work and return the new fencing generation.

    None when the run is over, when it is being cancelled, or when it is at another attempt by now.
    """
    statement = (
        update(RunRow)
        .where(
            col(RunRow.id) == run_id,
            col(RunRow.attempt) == attempt,
            col(RunRow.state).in_((RunState.QUEUED, RunState.RUNNING)),
        )
        .values(
            state=RunState.RUNNING,
            generation=RunRow.generation + 1,
            started_at=func.coalesce(RunRow.started_at, sqlalchemy.literal(now, Instant())),
            next_attempt_at=None,
            waits_turn=False,
            progress_at=now,
            moved_at=now,
        )
    )
    if not won(session, statement):
        return None
    return session.get_one(RunRow, run_id).generation


def holds(session: Session, run_id: str, generation: int) -> bool:
    """Whether this generation may still write for the run."""
    row = session.get(RunRow, run_id)
    return row is not None and row.generation == generation and RunState(row.state).active


def advance(session: Session, run_id: str, generation: int, **values: object) -> bool:
    """Write progress or a stage, guarded by the generation; return whether it was written."""
    statement = (
        update(RunRow)
        .where(col(RunRow.id) == run_id, col(RunRow.generation) == generation, col(RunRow.state).in_(ACTIVE_STATES))
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    return won(session, statement)


def finish(session: Session, run_id: str, generation: int, state: RunState, now: datetime, **values: object) -> bool:
    """End the run, guarded by the generation; return whether this one ended it."""
    return advance(
        session, run_id, generation, state=state, finished_at=now, stage=None, next_attempt_at=None, **values
    )


def ask_to_cancel(session: Session, run_id: str) -> bool:
    """Ask an active run to stop; return whether it was active and not already asked."""
    statement = (
        update(RunRow)
        .where(col(RunRow.id) == run_id, col(RunRow.state).in_((RunState.QUEUED, RunState.RUNNING)))
        .values(state=RunState.CANCELLING)
    )
    return won(session, statement)


def cancel_waiting(session: Session, run_id: str, now: datetime) -> bool:
    """End a run that no worker is at (never started, or waiting for its next attempt); return whether it did."""
    statement = (
        update(RunRow)
        .where(col(RunRow.id) == run_id, col(RunRow.state) == RunState.QUEUED)
        .values(state=RunState.CANCELLED, result=Result.CANCELLED, finished_at=now, stage=None, next_attempt_at=None)
    )
    return won(session, statement)


def stop(session: Session, run_id: str, now: datetime) -> bool:
    """End an active run at once, whoever works on it; return whether this one did.

    The generation grows, so that nothing of its execution can be written any more.
    """
    statement = (
        update(RunRow)
        .where(col(RunRow.id) == run_id, col(RunRow.state).in_(ACTIVE_STATES))
        .values(
            state=RunState.CANCELLED,
            result=Result.CANCELLED,
            generation=RunRow.generation + 1,
            finished_at=now,
            stage=None,
            next_attempt_at=None,
        )
    )
    return won(session, statement)


def put_back(session: Session, run_id: str, generation: int, next_attempt_at: datetime, **values: object) -> int | None:
    """Let the run wait for its next attempt and return that one's number; None when the generation is an older one."""
    # Read before the update, which lets the session forget what it knew.
    following = session.get_one(RunRow, run_id).attempt + 1
    put = advance(
        session,
        run_id,
        generation,
        state=RunState.QUEUED,
        attempt=following,
        next_attempt_at=next_attempt_at,
        stage=None,
        **values,
    )
    return following if put else None


def revive(session: Session, run_id: str, attempt: int, now: datetime) -> int | None:
    """Give an active run whose work is gone a new attempt and return its number; its state stays as it is."""
    statement = (
        update(RunRow)
        .where(col(RunRow.id) == run_id, col(RunRow.attempt) == attempt, col(RunRow.state).in_(ACTIVE_STATES))
        .values(attempt=attempt + 1, next_attempt_at=None, progress_at=now)
    )
    return attempt + 1 if won(session, statement) else None


def skip_wait(session: Session, run_id: str, now: datetime) -> int | None:
    """Let a waiting run start now and return the number of its new attempt; None when it does not wait."""
    statement = (
        update(RunRow)
        .where(col(RunRow.id) == run_id, col(RunRow.state) == RunState.QUEUED)
        .values(attempt=RunRow.attempt + 1, next_attempt_at=None, progress_at=now)
    )
    if not won(session, statement):
        return None
    return session.get_one(RunRow, run_id).attempt


def restart(session: Session, run_id: str, generation: int, still_since: datetime, now: datetime) -> int | None:
    """Take a run that has not moved since that instant from whoever works on it; return the number of a new attempt.

    The generation grows at once, so that nothing of the old execution can be written any more. None when the run has
    moved meanwhile, ended, or is held by another execution.
    """
    statement = (
        update(RunRow)
        .where(
            col(RunRow.id) == run_id,
            col(RunRow.generation) == generation,
            col(RunRow.state) == RunState.RUNNING,
            col(RunRow.moved_at) <= still_since,
        )
        .values(
            state=RunState.QUEUED,
            generation=RunRow.generation + 1,
            attempt=RunRow.attempt + 1,
            stage=None,
            next_attempt_at=None,
            progress_at=now,
            moved_at=now,
        )
    )
    if not won(session, statement):
        return None
    return session.get_one(RunRow, run_id).attempt


def history(session: Session, source_ids: Sequence[str], limit: int) -> list[Run]:
    """Return the newest runs of these sources, newest request first."""
    statement = (
        select(RunRow)
        .where(col(RunRow.source_id).in_(source_ids))
        .order_by(col(RunRow.requested_at).desc(), col(RunRow.id))
        .limit(limit)
    )
    return [as_run(row) for row in session.exec(statement)]


def active_runs(session: Session) -> list[Run]:
    """Return every active run, oldest request first; the audit of stranded work reads it."""
    statement = select(RunRow).where(col(RunRow.state).in_(ACTIVE_STATES)).order_by(col(RunRow.requested_at))
    return [as_run(row) for row in session.exec(statement)]


@cache
def _active_of_sources() -> Select[Any]:
    sources: sqlalchemy.BindParameter[Any] = sqlalchemy.bindparam("sources", expanding=True)
    return sqlalchemy.select(*_TABLE.c).where(_TABLE.c.source_id.in_(sources), _TABLE.c.state.in_(ACTIVE_STATES))


def as_run(row: RunRow | Row[Any]) -> Run:
    """Turn a row into a fact. What failed an attempt is no reason of a run that a person cancelled afterwards."""
    failure = None
    if row.failure_kind is not None and row.state != RunState.CANCELLED:
        failure = Failure(
            kind=FailureKind(row.failure_kind),
            code=row.failure_code or "",
            detail=row.failure_detail or "",
            stage=Stage(row.failure_stage or Stage.COLLECTING),
            reference=row.reference or row.id,
        )
    return Run(
        id=row.id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        trigger=Trigger(row.trigger),
        state=RunState(row.state),
        stage=Stage(row.stage) if row.stage else None,
        generation=row.generation,
        attempt=row.attempt,
        clocks=Clocks(row.requested_at, row.source_as_of, row.loaded_at, row.ready_at),
        started_at=row.started_at,
        finished_at=row.finished_at,
        rows=row.rows,
        rows_expected=row.rows_expected,
        progress_at=row.progress_at,
        next_attempt_at=row.next_attempt_at,
        failure=failure,
        counts=outcomes.counts_from(row.outcome),
        moved_at=row.moved_at,
        agreed=row.agreed or {},
        held=outcomes.held_from(row.outcome) if failure is not None and failure.kind is FailureKind.HELD else None,
        partly=outcomes.partly_from(row.outcome),
        notes=outcomes.notes_from(row.outcome),
        only=tuple(row.only or ()),
        result=Result(row.result) if row.result else None,
        older=outcomes.older_from(row.outcome),
        waits_turn=row.waits_turn,
    )
