"""What only an explanation of a metric asks of the tables: its turn, and who wrote its definition when."""

from datetime import datetime

from sqlmodel import Session, col, select

from storage.facts.metric_why import Turn
from storage.facts.metrics import Metric
from storage.records import organizations
from storage.tables import MetricRow, MetricTurnRow, MetricVersionRow


def turn(session: Session, source_id: str) -> Turn | None:
    """Return when the metrics of a source are calculated next."""
    row = session.get(MetricTurnRow, source_id, populate_existing=True)
    return Turn(row.due_at, row.attempts) if row is not None else None


def written(session: Session, metric: Metric) -> tuple[datetime | None, str]:
    """Return when a metric's newest definition was written, and the name of who did; empty for who is gone."""
    row = session.get(MetricVersionRow, (metric.id, metric.version))
    if row is None:
        return None, ""
    member = organizations.still_member(session, row.written_by)
    return row.written_at, member.name if member is not None else ""


def names(session: Session, organization_id: str) -> list[tuple[str, str]]:
    """Return the id of each of an organization's metrics and its name as it is compared."""
    found = select(MetricRow.id, MetricRow.name_key).where(MetricRow.organization_id == organization_id)
    return [(one, name) for one, name in session.exec(found.order_by(col(MetricRow.name_key)))]
