"""How long the last good runs of a source took, and what that says of the next one."""

from collections.abc import Sequence
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Select, func
from sqlmodel import Session

from storage.facts.estimates import WINDOW, Calibration, calibration, estimate
from storage.facts.runs import Duration, Result, RunState, Trigger
from storage.records.lookups import look
from storage.tables import RunRow

_TABLE: sqlalchemy.Table = RunRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table


def durations_of(session: Session, source_ids: Sequence[str], *, collecting: bool = True) -> dict[str, Duration]:
    """Return how long the next run takes, told by the last good ones of each source, where there are at least five."""
    found = {source_id: estimate(_taken(session, source_id, WINDOW, collecting=collecting)) for source_id in source_ids}
    return {source_id: duration for source_id, duration in found.items() if duration is not None}


def calibration_of(session: Session, source_id: str) -> Calibration | None:
    """Return how well the times held that were told before the last good runs; None where none was told."""
    return calibration(_taken(session, source_id, 2 * WINDOW, collecting=True))


def _taken(session: Session, source_id: str, newest: int, *, collecting: bool) -> list[float]:
    """Return the seconds that the newest good runs took which did what a run usually does, oldest first."""
    rows = look(session, _last_good(), source=source_id, collects=collecting, newest=newest)
    return [(row.ready_at - row.started_at).total_seconds() for row in rows if row.started_at and row.ready_at][::-1]


@cache
def _last_good() -> Select[Any]:
    return (
        sqlalchemy.select(_TABLE.c.started_at, _TABLE.c.ready_at)
        .where(
            _TABLE.c.source_id == sqlalchemy.bindparam("source"),
            _TABLE.c.state == RunState.READY,
            _TABLE.c.collects == sqlalchemy.bindparam("collects"),
            *_usual(),
        )
        .order_by(_TABLE.c.finished_at.desc())
        .limit(sqlalchemy.bindparam("newest"))
    )


def _usual() -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    """What a run is that says how long the next one takes: it read what changed, of all streams, and nothing more.

    None are first reads and their older periods, what was read alone or only in part, and what was read once more.
    """
    alone = func.coalesce(sqlalchemy.cast(_TABLE.c.only, sqlalchemy.Text), "null")
    older = func.coalesce(_TABLE.c.outcome["older"].as_string(), "[]")
    return (
        _TABLE.c.trigger.in_([Trigger.REQUEST, Trigger.SCHEDULE]),
        func.coalesce(_TABLE.c.result, "") != Result.PARTIAL,
        alone == "null",
        older.in_(["[]", "null"]),
        _TABLE.c.outcome["reread"].as_string().is_(None),
        _TABLE.c.outcome[("plan", "reread")].as_string().is_(None),
    )
