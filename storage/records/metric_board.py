"""Which few of an organization's metrics come first: what is in trouble, then what has a target; one look."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import and_, case, func, or_
from sqlmodel import Session, col, select

from storage.facts.metrics import Metric, MetricState
from storage.records.metric_forms import as_metric
from storage.tables import MetricRow, MetricTurnRow

#: tries of one calculation, from which on it does not go well
_TRIES = 2


def foremost(
    session: Session,
    organization_id: str,
    troubled: Sequence[str],
    too_old: tuple[datetime, Mapping[str, datetime]],
    limit: int,
) -> tuple[list[Metric], int]:
    """Return the first metrics, and how many there are.

    `troubled` are the sources of which all metrics stand badly. `too_old` is the instant before which what is read
    once a day is, with another one for each source that is itself older and yet fresh. It decides the order alone:
    where each stands is told by its source.
    """
    before, of_source = too_old
    at, source_id = col(MetricRow.as_of), col(MetricRow.source_id)
    rank = case(
        (col(MetricRow.state) == MetricState.BROKEN.value, 0),
        (source_id.in_(troubled), 1),
        (and_(source_id.not_in(list(of_source)), at < before), 1),
        (or_(False, *(and_(source_id == one, at < since) for one, since in of_source.items())), 1),
        (col(MetricTurnRow.attempts) >= _TRIES, 1),
        (col(MetricRow.state) == MetricState.CALCULATING.value, 2),
        (col(MetricRow.calculated_version) != col(MetricRow.version), 2),
        (col(MetricRow.definition)["target"].as_string().is_not(None), 3),
        else_=4,
    )
    statement = (
        select(MetricRow, func.count().over())
        .join(MetricTurnRow, col(MetricTurnRow.source_id) == source_id, isouter=True)
        .where(MetricRow.organization_id == organization_id)
        .order_by(rank, col(MetricRow.name_key))
        .limit(limit)
    )
    found = session.exec(statement).all()
    return [as_metric(row) for row, _ in found], found[0][1] if found else 0
