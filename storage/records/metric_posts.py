"""Channels in which metrics are posted once a week: when the next post is due, each taken by one worker."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import delete, or_, update
from sqlmodel import Session, col, select

from storage.facts.metrics import NINE_ON_MONDAYS, Metric, PostTime
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.records.metric_forms import as_metric
from storage.tables import MetricPostRow, MetricRow

#: No post is planned further ahead than a week, wherever clocks change.
AHEAD = timedelta(days=8)


@dataclass(frozen=True, slots=True)
class MetricPost:
    """A channel in which metrics are posted."""

    #: ``team/channel``
    place: str
    organization_id: str
    due_at: datetime
    #: False: its first post is to be planned
    planned: bool
    when: PostTime = NINE_ON_MONDAYS


def begin(session: Session, organization_id: str, place: str, now: datetime) -> None:
    """Have posts of that channel planned, unless they are; a workspace may have been another organization's before."""
    values: dict[str, Any] = {"organization_id": organization_id, "due_at": now, "planned": False,
                              "weekday": NINE_ON_MONDAYS.weekday, "at": f"{NINE_ON_MONDAYS.at:%H:%M}"}  # fmt: skip
    if not insert_new(session, MetricPostRow, place=place, **values):
        others = (col(MetricPostRow.place) == place, col(MetricPostRow.organization_id) != organization_id)
        won(session, update(MetricPostRow).where(*others).values(**values))


def find(session: Session, place: str) -> MetricPost | None:
    """Return when the next post of that channel is due; None where nothing is posted."""
    row = session.get(MetricPostRow, place, populate_existing=True)
    return _as_post(row) if row is not None else None


def due(session: Session, now: datetime, limit: int = 200) -> list[MetricPost]:
    """Return what is due, the oldest first; also what a clock that ran ahead planned, which is to be planned anew."""
    wanted = or_(col(MetricPostRow.due_at) <= now, col(MetricPostRow.due_at) > now + AHEAD)
    statement = select(MetricPostRow).where(wanted).order_by(col(MetricPostRow.due_at))
    rows = session.exec(statement.limit(limit).execution_options(populate_existing=True))
    return [_as_post(row) for row in rows]


def claim(session: Session, post: MetricPost, next_at: datetime) -> bool:
    """Take the post that is due; return whether this worker has it."""
    mine = (col(MetricPostRow.place) == post.place, col(MetricPostRow.due_at) == post.due_at)
    return won(session, update(MetricPostRow).where(*mine).values(due_at=next_at, planned=True))


def plan(session: Session, organization_id: str, place: str, when: PostTime, due_at: datetime, now: datetime) -> None:
    """Have the posts of that channel at that time from now on; one that is due already is posted before."""
    begin(session, organization_id, place, now)
    mine = (col(MetricPostRow.place) == place, col(MetricPostRow.organization_id) == organization_id)
    at = {"weekday": when.weekday, "at": f"{when.at:%H:%M}"}
    won(session, update(MetricPostRow).where(*mine).values(**at))
    waits = col(MetricPostRow.planned).is_(False) | (col(MetricPostRow.due_at) > now)
    won(session, update(MetricPostRow).where(*mine, waits).values(due_at=due_at, planned=True))


def times(session: Session, organization_id: str) -> Mapping[str, PostTime]:
    """Return when each channel of an organization has its metrics."""
    rows = session.exec(select(MetricPostRow).where(MetricPostRow.organization_id == organization_id))
    return {row.place: _as_post(row).when for row in rows}


def forget(session: Session, place: str) -> None:
    """Plan no more posts of that channel."""
    session.flush()
    session.connection().execute(delete(MetricPostRow).where(col(MetricPostRow.place) == place))
    session.expire_all()


def metrics_at(session: Session, organization_id: str, place: str) -> list[Metric]:
    """Return the organization's metrics that are posted in that channel, by name."""
    statement = select(MetricRow).where(MetricRow.organization_id == organization_id, MetricRow.post_to == place)
    return [as_metric(row) for row in session.exec(statement.order_by(col(MetricRow.name_key)))]


def posted(session: Session, organization_id: str) -> list[Metric]:
    """Return the organization's metrics that are posted in any channel, by name."""
    statement = select(MetricRow).where(MetricRow.organization_id == organization_id, MetricRow.post_to != "")
    return [as_metric(row) for row in session.exec(statement.order_by(col(MetricRow.name_key)))]


def by_id(session: Session, organization_id: str, metric_id: str) -> Metric | None:
    """Return the organization's metric of that id; None for a missing one and for somebody else's."""
    row = session.get(MetricRow, metric_id, populate_existing=True)
    return as_metric(row) if row is not None and row.organization_id == organization_id else None


def move(session: Session, metric: Metric, place: str, now: datetime) -> None:
    """Post a metric in that channel from now on; nowhere when it is empty."""
    mine = (col(MetricRow.id) == metric.id, col(MetricRow.organization_id) == metric.organization_id)
    won(session, update(MetricRow).where(*mine).values(post_to=place))
    if place:
        begin(session, metric.organization_id, place, now)


def _as_post(row: MetricPostRow) -> MetricPost:
    when = PostTime(row.weekday, time.fromisoformat(row.at))
    return MetricPost(row.place, row.organization_id, row.due_at, row.planned, when)
