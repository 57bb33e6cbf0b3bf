"""How the newest runs of a source ended: which one brought what there is, and which ones failed since.

What was read before an erasure is history only.
"""

from collections.abc import Sequence
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Select
from sqlmodel import Session, col, select

from storage.facts.runs import Run, RunState
from storage.records.lookups import look
from storage.records.runs import as_run
from storage.tables import RunRow, SourceRow

_TABLE: sqlalchemy.Table = RunRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table


def ready_of(session: Session, source_ids: Sequence[str]) -> dict[str, Run]:
    """Return the newest ready run of each source."""
    return _newest(session, source_ids, (RunState.READY,))


def failed_of(session: Session, source_ids: Sequence[str]) -> dict[str, Run]:
    """Return the newest run of each source that did not become ready, unless a later one read from the provider.

    A ready run that only processed what was there does not make a failed collection good.
    """
    failed = _newest(session, source_ids, (RunState.FAILED, RunState.CANCELLED))
    good = _newest(session, list(failed), (RunState.READY,), collecting=True)
    return {
        source_id: run
        for source_id, run in failed.items()
        if source_id not in good or _ended(good[source_id]) < _ended(run)
    }


def newest_loaded(session: Session, source_id: str) -> Run | None:
    """Return the run that put the newest raw data into the warehouse, ready or not; None when all was erased."""
    statement = (
        select(RunRow)
        .join(SourceRow, col(SourceRow.id) == col(RunRow.source_id))
        .where(RunRow.source_id == source_id, col(RunRow.loaded_at).is_not(None), _not_erased(RunRow.loaded_at))
        # Not by its as-of: a run that could not read a stream has that one's. Those that only made ready what another
        # had loaded have its times, and what they say is the same.
        .order_by(col(RunRow.loaded_at).desc(), col(RunRow.requested_at).desc())
        .limit(1)
    )
    row = session.exec(statement).first()
    return as_run(row) if row else None


def left_behind(session: Session, source_id: str, since: datetime | None) -> list[Run]:
    """Return the runs that loaded raw data but ended before it was made ready, after that instant."""
    statement = (
        select(RunRow)
        .join(SourceRow, col(SourceRow.id) == col(RunRow.source_id))
        .where(
            RunRow.source_id == source_id,
            col(RunRow.loaded_at).is_not(None),
            col(RunRow.state).in_((RunState.FAILED, RunState.CANCELLED)),
            _not_erased(RunRow.loaded_at),
        )
    )
    if since is not None:
        statement = statement.where(col(RunRow.finished_at) > since)
    return [as_run(row) for row in session.exec(statement)]


def failures_in_row(session: Session, source_id: str, most: int = 50) -> int:
    """Return how many of the newest finished runs of a source failed without a good one; cancelled ones say nothing."""
    statement = (
        select(RunRow.state)
        .where(RunRow.source_id == source_id, col(RunRow.state).in_((RunState.READY, RunState.FAILED)))
        .order_by(col(RunRow.requested_at).desc())
        .limit(most)
    )
    states = list(session.exec(statement))
    return next((number for number, state in enumerate(states) if state != RunState.FAILED), len(states))


def _ended(run: Run) -> datetime:
    return run.finished_at or run.clocks.requested_at


def _newest(
    session: Session, source_ids: Sequence[str], states: tuple[RunState, ...], *, collecting: bool = False
) -> dict[str, Run]:
    newest: dict[str, Run] = {}
    for state in states:
        for row in look(session, _newest_of_state(collecting=collecting), sources=list(source_ids), state=state):
            known = newest.get(row.source_id)
            if known is None or (row.finished_at and known.finished_at and row.finished_at > known.finished_at):
                newest[row.source_id] = as_run(row)
    return newest


@cache
def _newest_of_state(*, collecting: bool) -> Select[Any]:
    # One index look-up per source: a window over all runs would read a year of history. Built once: putting such a
    # statement together costs more than running it.
    run_id = (
        select(RunRow.id)
        .where(
            RunRow.source_id == SourceRow.id,
            RunRow.state == sqlalchemy.bindparam("state"),
            _not_erased(RunRow.finished_at),
            col(RunRow.collects).is_(True) if collecting else sqlalchemy.true(),
        )
        .order_by(col(RunRow.finished_at).desc())
        .limit(1)
        .correlate(SourceRow)
        .scalar_subquery()
    )
    sources: sqlalchemy.BindParameter[Any] = sqlalchemy.bindparam("sources", expanding=True)
    ids = sqlalchemy.select(run_id).where(col(SourceRow.id).in_(sources)).subquery()
    return sqlalchemy.select(*_TABLE.c).where(_TABLE.c.id.in_(sqlalchemy.select(ids)))


def _not_erased(instant: Any) -> sqlalchemy.ColumnElement[bool]:
    """Return the condition that a run's data was not erased since; what is before an erasure is history only."""
    return sqlalchemy.or_(col(SourceRow.data_erased_at).is_(None), col(instant) > col(SourceRow.data_erased_at))
