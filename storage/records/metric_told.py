"""Where receivers were last told that a metric stands."""

from collections.abc import Collection, Mapping

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.metrics import MetricState
from storage.records.guarded import won
from storage.tables import MetricRow


def states(session: Session, organization_id: str) -> Mapping[str, str]:
    """Return by metric what receivers were told last; empty where nothing was yet."""
    statement = select(MetricRow.id, MetricRow.told_state).where(MetricRow.organization_id == organization_id)
    return dict(session.exec(statement).all())


def turn(session: Session, metric_id: str, before: str, state: MetricState) -> bool:
    """Note where it stands from now on; False when somebody else told of it meanwhile."""
    mine = (col(MetricRow.id) == metric_id, col(MetricRow.told_state) == before)
    return won(session, update(MetricRow).where(*mine).values(told_state=state.value))


def note(session: Session, metric_ids: Collection[str], state: MetricState) -> None:
    """Note that these were told of with where they stand."""
    others = (col(MetricRow.id).in_(metric_ids), col(MetricRow.told_state) != state.value)
    won(session, update(MetricRow).where(*others).values(told_state=state.value))
