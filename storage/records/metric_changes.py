"""Metrics that are found by id, named anew, deleted; what an organization calls them."""

from collections.abc import Iterable

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from storage.facts.dependents import DependentKind
from storage.facts.metrics import Definition, Metric
from storage.records.guarded import won
from storage.records.metric_forms import as_metric, definition_of
from storage.records.metrics import name_key
from storage.tables import FrozenRow, MetricRow, MetricValueRow, MetricVersionRow, OrganizationRow


def find(session: Session, organization_id: str, metric_id: str) -> Metric | None:
    """Return the organization's metric of that id."""
    row = session.get(MetricRow, metric_id, populate_existing=True)
    return as_metric(row) if row is not None and row.organization_id == organization_id else None


def rename(session: Session, metric: Metric, name: str, owner_id: str) -> bool:
    """Give a metric another name and owner; False when another one has the name."""
    taken = select(MetricRow.id).where(
        MetricRow.organization_id == metric.organization_id,
        MetricRow.name_key == name_key(name),
        MetricRow.id != metric.id,
    )
    if session.exec(taken).first() is not None:
        return False
    mine = update(MetricRow).where(col(MetricRow.id) == metric.id)
    won(session, mine.values(name=name, name_key=name_key(name), owner_id=owner_id))
    return True


def erase(session: Session, metric: Metric) -> int:
    """Delete a metric with its definitions and values; return how many values there were."""
    session.flush()
    connection = session.connection()
    values = connection.execute(delete(MetricValueRow).where(col(MetricValueRow.metric_id) == metric.id)).rowcount
    connection.execute(delete(MetricVersionRow).where(col(MetricVersionRow.metric_id) == metric.id))
    still = (col(FrozenRow.kind) == DependentKind.METRIC.value, col(FrozenRow.dependent) == metric.id)
    connection.execute(delete(FrozenRow).where(*still))
    connection.execute(delete(MetricRow).where(col(MetricRow.id) == metric.id))
    session.expire_all()
    return values


def definitions(session: Session, wanted: Iterable[tuple[str, int]]) -> dict[str, Definition]:
    """Return the definitions of those metrics as they were in those versions."""
    found = {}
    for metric_id, version in wanted:
        row = session.get(MetricVersionRow, (metric_id, version))
        if row is not None:
            found[metric_id] = definition_of(row.definition)
    return found


def noun(session: Session, organization_id: str) -> str:
    """Return what the organization calls its metrics."""
    return session.exec(select(OrganizationRow.metric_noun).where(OrganizationRow.id == organization_id)).one()


def set_noun(session: Session, organization_id: str, chosen: str) -> None:
    """Call the organization's metrics otherwise from now on."""
    row = session.get_one(OrganizationRow, organization_id)
    row.metric_noun = chosen
    session.add(row)
