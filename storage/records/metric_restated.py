"""Restated values of metrics: what made them others is noted with them, once; all there ever were of one metric."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import bindparam, update
from sqlmodel import Session, col, select

from storage.facts.metrics import Kept
from storage.facts.restated import Restated, is_restated, restated_of
from storage.records.metric_forms import as_kept
from storage.records.metric_keeping import value_id
from storage.tables import MetricValueRow

#: revisions of one metric that are looked through for those that were restated, the newest
_MOST = 400

_VALUES = MetricValueRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table


def note_all(session: Session, found: Iterable[tuple[str, Kept, Mapping[str, Any]]]) -> None:
    """Note with restated values, each with its metric's id, what made it another: all in one statement."""
    rows = [
        {"value_id": value_id(metric_id, kept.value.period, kept.revision), "noted": {**kept.changed, **noted}}
        for metric_id, kept, noted in found
    ]
    if rows:
        to = update(_VALUES).where(_VALUES.c.id == bindparam("value_id"))
        session.connection().execute(to.values(changed=bindparam("noted")), rows)
        session.expire_all()


def untold(session: Session, metric_ids: Sequence[str], snapshot: int) -> dict[str, list[Kept]]:
    """Return the values that were restated at a snapshot and of which nobody noted through what, by metric."""
    found: dict[str, list[Kept]] = {}
    statement = select(MetricValueRow).where(
        col(MetricValueRow.metric_id).in_(metric_ids),
        col(MetricValueRow.newest),
        MetricValueRow.snapshot == snapshot,
        MetricValueRow.revision > 1,
    )
    for row in session.exec(statement):
        kept = as_kept(row)
        if is_restated(kept) and "through" not in kept.changed:
            found.setdefault(row.metric_id, []).append(kept)
    return found


def of_metric(session: Session, metric_id: str, most: int = 20) -> list[Restated]:
    """Return what was restated of a metric, the last first."""
    statement = select(MetricValueRow).where(MetricValueRow.metric_id == metric_id, MetricValueRow.revision > 1)
    ordered = statement.order_by(col(MetricValueRow.written_at).desc(), col(MetricValueRow.period_start).desc())
    found = (restated_of(as_kept(row)) for row in session.exec(ordered.limit(_MOST)))
    return [one for one in found if one is not None][:most]


def since(values: Sequence[Kept], at: datetime) -> list[Restated]:
    """Return which of these values were restated after an instant."""
    found = (restated_of(one) for one in values)
    return [one for one in found if one is not None and one.at is not None and one.at > at]
