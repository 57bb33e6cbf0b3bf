"""Metrics: made, calculated anew with the runs of their source, each restated value kept beside the one before."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import delete, update
from sqlmodel import Session, col, func, select

from storage.facts.metrics import Definition, Failing, Kept, Metric, MetricState, Period
from storage.records import home_views, metric_posts
from storage.records.guarded import won
from storage.records.inserts import insert, insert_new
from storage.records.metric_forms import as_kept, as_metric, definition_json, without_names
from storage.tables import MetricRow, MetricTurnRow, MetricValueRow, MetricVersionRow


def name_key(name: str) -> str:
    """Return a name as it is compared: two that differ in case or spaces alone are one."""
    return " ".join(name.split()).casefold()


def add(session: Session, metric: Metric, written_by: str) -> bool:
    """Insert a metric with its first definition; False when its name is taken."""
    stored = definition_json(metric.definition)
    made = insert_new(
        session,
        MetricRow,
        id=metric.id,
        organization_id=metric.organization_id,
        source_id=metric.source_id,
        account=metric.account,
        name=metric.name,
        name_key=name_key(metric.name),
        definition=stored,
        owner_id=metric.owner_id,
        post_to=metric.post_to,
        created_at=metric.created_at,
    )
    if made:
        _version(session, metric.id, 1, stored, written_by, metric.created_at)
        insert_new(session, MetricTurnRow, source_id=metric.source_id, organization_id=metric.organization_id)
        if metric.post_to:
            metric_posts.begin(session, metric.organization_id, metric.post_to, metric.created_at)
    return made


def redefine(session: Session, metric: Metric, definition: Definition, written_by: str, now: datetime) -> bool:
    """Give a metric another definition; False when somebody else did meanwhile. Its values stay until calculated."""
    stored, version = definition_json(definition), metric.version + 1
    mine = (col(MetricRow.id) == metric.id, col(MetricRow.version) == metric.version)
    values: dict[str, Any] = {
        "definition": stored, "version": version, "state": MetricState.CALCULATING.value, "reason": "",
    }  # fmt: skip
    if not won(session, update(MetricRow).where(*mine).values(**values)):
        return False
    _version(session, metric.id, version, stored, written_by, now)
    return True


def _version(
    session: Session, metric_id: str, version: int, stored: dict[str, Any], written_by: str, now: datetime
) -> None:
    insert(
        session,
        MetricVersionRow,
        metric_id=metric_id,
        version=version,
        definition=stored,
        written_by=written_by,
        written_at=now,
    )


def of_organization(session: Session, organization_id: str) -> list[Metric]:
    """Return the metrics of an organization, by name."""
    statement = select(MetricRow).where(MetricRow.organization_id == organization_id)
    return [as_metric(row) for row in session.exec(statement.order_by(col(MetricRow.name_key)))]


def of_source(session: Session, source_id: str) -> list[Metric]:
    """Return the metrics that are calculated from a source, by name."""
    statement = select(MetricRow).where(MetricRow.source_id == source_id)
    return [as_metric(row) for row in session.exec(statement.order_by(col(MetricRow.name_key)))]


def names_of(session: Session, source_id: str) -> list[tuple[str, str]]:
    """Return id and name of the metrics of a source, by name."""
    statement = select(MetricRow.id, MetricRow.name).where(MetricRow.source_id == source_id)
    return [(one_id, name) for one_id, name in session.exec(statement.order_by(col(MetricRow.name_key)))]


def named(session: Session, organization_id: str, name: str) -> Metric | None:
    """Return the organization's metric of that name."""
    statement = select(MetricRow).where(
        MetricRow.organization_id == organization_id, MetricRow.name_key == name_key(name)
    )
    row = session.exec(statement).first()
    return as_metric(row) if row is not None else None


def count(session: Session, organization_id: str) -> int:
    """Return how many metrics an organization has."""
    statement = select(func.count()).select_from(MetricRow).where(MetricRow.organization_id == organization_id)
    return session.exec(statement).one()


def newest_values(session: Session, metric_id: str, limit: int | None = None, since: date | None = None) -> list[Kept]:
    """Return the newest revision of each period, or of those that begin on a day or later, the latest period first."""
    statement = select(MetricValueRow).where(MetricValueRow.metric_id == metric_id, col(MetricValueRow.newest))
    if since is not None:
        statement = statement.where(MetricValueRow.period_start >= since.isoformat())
    ordered = statement.order_by(col(MetricValueRow.period_start).desc())
    return [as_kept(row) for row in session.exec(ordered.limit(limit) if limit else ordered)]


def latest_of(session: Session, metric_ids: Sequence[str]) -> dict[str, Kept]:
    """Return the value of the latest period of each of these metrics."""
    if not metric_ids:
        return {}
    newest = (
        select(MetricValueRow.metric_id, func.max(MetricValueRow.period_start).label("start"))
        .where(col(MetricValueRow.metric_id).in_(metric_ids), col(MetricValueRow.newest))
        .group_by(col(MetricValueRow.metric_id))
        .subquery()
    )
    statement = select(MetricValueRow).join(
        newest,
        (col(MetricValueRow.metric_id) == newest.c.metric_id)
        & (col(MetricValueRow.period_start) == newest.c.start)
        & col(MetricValueRow.newest),
    )
    return {row.metric_id: as_kept(row) for row in session.exec(statement)}


def currencies_of(session: Session, metric_ids: Sequence[str]) -> dict[str, str]:
    """Return the currency of the values of each of these metrics that has any; all of one metric are in the same."""
    newest = (col(MetricValueRow.metric_id).in_(metric_ids), col(MetricValueRow.newest))
    statement = select(MetricValueRow.metric_id, func.max(MetricValueRow.currency)).where(*newest)
    return dict(session.exec(statement.group_by(col(MetricValueRow.metric_id))).all())


def revisions(session: Session, metric_id: str, period: Period) -> list[Kept]:
    """Return everything that a period's value ever was, the first first."""
    statement = select(MetricValueRow).where(
        MetricValueRow.metric_id == metric_id,
        MetricValueRow.period_start == period.start.isoformat(),
        MetricValueRow.period_end == period.end.isoformat(),
    )
    return [as_kept(row) for row in session.exec(statement.order_by(col(MetricValueRow.revision)))]


def verified(session: Session, source_id: str, run_id: str, as_of: Mapping[str, datetime], now: datetime) -> None:
    """Note that nothing that current metrics are calculated from changed, up to the instant of each."""
    for at in set(as_of.values()):
        ids = [metric_id for metric_id, each in as_of.items() if each == at]
        current = (col(MetricRow.id).in_(ids), col(MetricRow.source_id) == source_id,
                   col(MetricRow.state) == MetricState.CURRENT.value)  # fmt: skip
        won(session, update(MetricRow).where(*current).values(as_of=at, run_id=run_id, calculated_at=now))


def mark_broken(session: Session, metric: Metric, reason: str) -> bool:
    """Say that a metric cannot be calculated, and why; its values stay. Return whether that is new."""
    mine = (col(MetricRow.id) == metric.id, col(MetricRow.version) == metric.version)
    new = (col(MetricRow.state) != MetricState.BROKEN.value) | (col(MetricRow.reason) != reason)
    values = {"state": MetricState.BROKEN.value, "reason": reason}
    return won(session, update(MetricRow).where(*mine, new).values(**values))


def say_why(session: Session, source_id: str, reason: str, metric_id: str | None = None) -> None:
    """Say why a source's metrics that are calculated for the first time, or one of them, have no value yet."""
    waiting = (MetricRow.source_id == source_id, MetricRow.state == MetricState.CALCULATING.value)
    statement = update(MetricRow).where(*waiting)  # type: ignore[arg-type]  # column expressions
    if metric_id is not None:
        statement = statement.where(col(MetricRow.id) == metric_id)
    won(session, statement.values(reason=reason))


def due(session: Session, source_id: str, now: datetime) -> None:
    """Let the metrics of a source be calculated, where it has any; what runs already is run once more after it."""
    values: dict[str, Any] = {"due_at": now, "generation": MetricTurnRow.generation + 1, "attempts": 0}
    won(session, update(MetricTurnRow).where(col(MetricTurnRow.source_id) == source_id).values(**values))
    # Whoever makes or changes one has it calculated: what is shown of it is another from now on.
    home_views.changed_by_source(session, source_id, now)


@dataclass(frozen=True, slots=True)
class Turn:
    """The metrics of a source are to be calculated."""

    source_id: str
    organization_id: str
    generation: int
    attempts: int
    seen: str


def due_turns(session: Session, now: datetime, limit: int = 10) -> list[Turn]:
    """Return what is due, the longest first."""
    statement = select(MetricTurnRow).where(col(MetricTurnRow.due_at) <= now)
    ordered = statement.order_by(col(MetricTurnRow.due_at)).limit(limit)
    return [
        Turn(row.source_id, row.organization_id, row.generation, row.attempts, row.seen)
        for row in session.exec(ordered)
    ]


def claim(session: Session, turn: Turn, now: datetime, until: datetime) -> Turn | None:
    """Take a turn and return it as it is held; whoever dies with it leaves it to the others at that time."""
    mine = (*_held(turn), col(MetricTurnRow.due_at) <= now)
    taken = replace(turn, attempts=turn.attempts + 1)
    return (
        taken
        if won(session, update(MetricTurnRow).where(*mine).values(due_at=until, attempts=taken.attempts))
        else None
    )


def holds(session: Session, turn: Turn) -> bool:
    """Whether nobody else took it, and nothing became due meanwhile."""
    return session.exec(select(MetricTurnRow.source_id).where(*_held(turn))).first() is not None


def done(session: Session, turn: Turn, seen: str) -> bool:
    """Note that it was calculated, unless something became due meanwhile."""
    return won(
        session,
        update(MetricTurnRow)
        .where(*_held(turn))
        .values(due_at=None, attempts=0, seen=seen, failing_since=None, failure=""),
    )


def unsee(session: Session, turn: Turn) -> None:
    """Forget what the values were calculated from: from now on they are of two runs, until the turn is done."""
    won(session, update(MetricTurnRow).where(*_held(turn)).values(seen=""))


def again_at(session: Session, turn: Turn, at: datetime, what: str, now: datetime) -> None:
    """Calculate it later, after an attempt that came to nothing; since when none came to anything is kept."""
    first = col(MetricTurnRow.failing_since).is_(None)
    won(session, update(MetricTurnRow).where(*_held(turn), first).values(failing_since=now))
    won(session, update(MetricTurnRow).where(*_held(turn)).values(due_at=at, failure=what))


def failing(session: Session, source_ids: Sequence[str]) -> dict[str, Failing]:
    """Return by source why its calculations fail, since when, and when the next attempt is."""
    wanted = (col(MetricTurnRow.source_id).in_(source_ids), col(MetricTurnRow.failing_since).is_not(None))
    return {
        row.source_id: Failing(row.failure, row.failing_since, row.due_at)
        for row in session.exec(select(MetricTurnRow).where(*wanted))
        if row.failing_since is not None and row.due_at is not None
    }


def _held(turn: Turn) -> tuple[Any, ...]:
    return (
        col(MetricTurnRow.source_id) == turn.source_id,
        col(MetricTurnRow.generation) == turn.generation,
        col(MetricTurnRow.attempts) == turn.attempts,
    )


def erase_values(session: Session, source_id: str, reason: str) -> None:
    """Delete all values of a source's metrics, because its data was erased; the definitions stay, and say so.

    What items, customers and the like were called was imported, too: no definition keeps such a name.
    """
    mine = select(MetricRow).where(MetricRow.source_id == source_id)
    for metric in session.exec(mine):
        metric.definition = without_names(metric.definition)
    versions = select(MetricVersionRow).join(MetricRow, col(MetricRow.id) == col(MetricVersionRow.metric_id))
    for version in session.exec(versions.where(MetricRow.source_id == source_id)):
        version.definition = without_names(version.definition)
    ids = select(MetricRow.id).where(MetricRow.source_id == source_id).scalar_subquery()
    session.flush()
    session.connection().execute(delete(MetricValueRow).where(col(MetricValueRow.metric_id).in_(ids)))
    values: dict[str, Any] = {
        "state": MetricState.CALCULATING.value, "reason": reason, "as_of": None, "run_id": "",
        "calculated_at": None, "calculated_version": 0,
    }  # fmt: skip
    won(session, update(MetricRow).where(col(MetricRow.source_id) == source_id).values(**values))
    turn = update(MetricTurnRow).where(col(MetricTurnRow.source_id) == source_id)
    won(session, turn.values(due_at=None, seen="", generation=MetricTurnRow.generation + 1))
