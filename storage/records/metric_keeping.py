"""What calculations came to is kept: many metrics in a few statements, and of their values only what is another.

Each statement costs more than the rows that it writes: a run may change ten thousand values of hundreds of metrics.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import bindparam, delete, select, update
from sqlmodel import Session, col, func

from storage.facts.ids import derived_id
from storage.facts.metrics import Kept, Metric, MetricState, Period, Value
from storage.records.inserts import insert_all
from storage.tables import MetricRow, MetricValueRow

#: how long the values are kept that a period had before it was over
SO_FAR_KEPT = timedelta(days=40)
#: rows that one statement names
_AT_ONCE = 500

_METRICS = MetricRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
_VALUES = MetricValueRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
_COMPARED = [
    _VALUES.c[name]
    for name in (
        "id", "metric_id", "period_start", "period_end", "revision", "value", "reason", "rows", "complete", "currency",
        "run_id", "snapshot", "version",
    )
]  # fmt: skip
_CURRENT = ("state", "reason", "as_of", "run_id", "calculated_at", "calculated_version")

#: the first days of the first and of the last period that are compared; None: of all
_Span = tuple[str, str] | None


@dataclass(frozen=True, slots=True)
class Calculated:
    """What a calculation was made from."""

    run_id: str
    snapshot: int
    as_of: datetime
    currency: str
    version: int
    #: what is in none of the values, in words; shown with them
    note: str = ""


@dataclass(frozen=True, slots=True)
class Made:
    """What a calculation of one metric came to."""

    metric: Metric
    values: Sequence[Value]
    of: Calculated
    #: all other periods are as they were; else periods without a value are dropped
    partial: bool = False


@dataclass(frozen=True, slots=True)
class _Before:
    """What is compared of a value that is kept, and what is said of it where another takes its place."""

    id: str
    value: Value
    revision: int
    currency: str
    run_id: str
    snapshot: int
    version: int


def keep(
    session: Session, metric: Metric, values: Sequence[Value], of: Calculated, now: datetime, *, partial: bool = False
) -> list[Kept]:
    """Keep the values of one metric as `keep_all` does, and return what is another than before."""
    return keep_all(session, [Made(metric, values, of, partial)], now)[metric.id]


def keep_all(session: Session, made: Sequence[Made], now: datetime) -> dict[str, list[Kept]]:
    """Keep what is another than before as further revisions, and return it by metric; they are current from now on.

    The same values again write none: a calculation may be repeated. A definition that was changed meanwhile is
    calculated after this: nothing of its metric is kept then.
    """
    mine = _made_current(session, made, now)
    before = _before(session, mine)
    last = _last_revisions(session, mine, before)
    kept: dict[str, list[Kept]] = {one.metric.id: [] for one in made}
    gone: list[str] = []
    for one in mine:
        was = before[one.metric.id]
        wrote = [
            _kept(value, was.get(value.period), last.get((one.metric.id, value.period), 0), one.of, now)
            for value in one.values
        ]
        found = kept[one.metric.id] = [each for each in wrote if each is not None]
        dropped = set() if one.partial else set(was) - {value.period for value in one.values}
        again = {each.value.period for each in found} & set(was)
        gone += [was[period].id for period in dropped | again]
    insert_all(session, MetricValueRow, [_row(name, one, now) for name, some in kept.items() for one in some])
    _supersede(session, gone)
    _forget_so_far(session, [name for name, some in kept.items() if some], now)
    return kept


def _made_current(session: Session, made: Sequence[Made], now: datetime) -> list[Made]:
    """Mark as current those whose definition is still the one that was calculated, and return them."""
    session.flush()
    connection = session.connection()
    ids = select(_METRICS.c.id, _METRICS.c.version).where(_METRICS.c.id.in_([one.metric.id for one in made]))
    # Whoever changes a definition at this instant waits until these values are kept.
    versions = {row.id: row.version for row in connection.execute(ids.with_for_update())}
    mine = [one for one in made if versions.get(one.metric.id) == one.of.version]
    if mine:
        to = update(_METRICS).where(_METRICS.c.id == bindparam("metric_id"))
        rows = [
            {"metric_id": one.metric.id, "state": MetricState.CURRENT.value, "reason": one.of.note,
             "as_of": one.of.as_of, "run_id": one.of.run_id, "calculated_at": now,
             "calculated_version": one.of.version}
            for one in mine
        ]  # fmt: skip
        connection.execute(to.values({name: bindparam(name) for name in _CURRENT}), rows)
        session.expire_all()
    return mine


def _before(session: Session, made: Sequence[Made]) -> Mapping[str, dict[Period, _Before]]:
    """Return by metric the newest revisions by period, of those that are compared.

    As plain rows of what is compared: a calculation compares tens of thousands, and objects that follow them, and the
    instants and notes in them, are most of its time.
    """
    spans: dict[_Span, list[str]] = defaultdict(list)
    #: of a part of the periods only these are looked at, and not all that lie between them
    looked: dict[str, set[str]] = {}
    for one in made:
        if one.values or not one.partial:
            spans[_span(one)].append(one.metric.id)
        if one.partial:
            looked[one.metric.id] = {value.period.start.isoformat() for value in one.values}
    found: dict[str, dict[Period, _Before]] = defaultdict(dict)
    for span, ids in spans.items():
        asked = select(*_COMPARED).where(_VALUES.c.metric_id.in_(ids), _VALUES.c.newest)
        if span is not None:
            asked = asked.where(_VALUES.c.period_start.between(*span))
        rows: Iterable[Any] = session.connection().execute(asked).all()
        for row in rows:
            only = looked.get(row.metric_id)
            if only is None or row.period_start in only:
                kept = _before_of(row)
                found[row.metric_id][kept.value.period] = kept
    return found


def _before_of(row: Any) -> _Before:
    # By place: by name each column is looked up again in each row.
    key, _, start, end, revision, number, reason, rows, complete, currency, run_id, snapshot, version = row
    period = Period(date.fromisoformat(start), date.fromisoformat(end))
    value = Value(period, None if number is None else Decimal(number), reason, rows, complete)
    return _Before(key, value, revision, currency, run_id, snapshot, version)


def _span(made: Made) -> _Span:
    if not made.partial:
        return None
    starts = [one.period.start for one in made.values]
    return min(starts).isoformat(), max(starts).isoformat()


def _kept(value: Value, before: _Before | None, last: int, of: Calculated, now: datetime) -> Kept | None:
    """Return a value as the next revision of its period, `last` where none stands there; None when it is the same."""
    same = before is not None and before.value == value and before.currency == of.currency
    if before is not None and same and before.version == of.version:
        return None
    changed: dict[str, Any] = {}
    if before is not None:
        was = None if before.value.value is None else f"{before.value.value:f}"
        why = "definition" if before.version != of.version else "data"
        changed = {"why": why, "before": was, "rows_before": before.value.rows, "run_before": before.run_id,
                   "snapshot_before": before.snapshot, "complete_before": before.value.complete,
                   "at": now.isoformat()}  # fmt: skip
        if before.currency and of.currency and before.currency != of.currency:
            changed["currency_before"] = before.currency
    revision = (last if before is None else before.revision) + 1
    return Kept(value, revision, of.currency, of.as_of, of.run_id, of.snapshot, of.version, changed)


def _row(metric_id: str, kept: Kept, now: datetime) -> dict[str, Any]:
    value, period = kept.value, kept.value.period
    return {
        "id": value_id(metric_id, period, kept.revision), "metric_id": metric_id,
        "period_start": period.start.isoformat(), "period_end": period.end.isoformat(), "revision": kept.revision,
        "value": None if value.value is None else f"{value.value:f}", "reason": value.reason, "rows": value.rows,
        "complete": value.complete, "currency": kept.currency, "as_of": kept.as_of, "run_id": kept.run_id,
        "snapshot": kept.snapshot, "version": kept.version, "changed": kept.changed, "written_at": now,
    }  # fmt: skip


def _last_revisions(
    session: Session, made: Sequence[Made], before: Mapping[str, Mapping[Period, _Before]]
) -> dict[tuple[str, Period], int]:
    """Return the last revisions of periods of which none counts any more.

    Their definition was changed since, or they had no value for a while: a document of a day long ago was removed, and
    entered again.
    """
    new = [(one.metric.id, value.period) for one in made for value in one.values
           if value.period not in before[one.metric.id]]  # fmt: skip
    if not new:
        return {}
    starts = [period.start.isoformat() for _, period in new]
    columns = (_VALUES.c.metric_id, _VALUES.c.period_start, _VALUES.c.period_end)
    asked = (
        select(*columns, func.max(_VALUES.c.revision))
        .where(
            _VALUES.c.metric_id.in_({metric_id for metric_id, _ in new}),
            _VALUES.c.newest.is_(False),
            _VALUES.c.period_start.between(min(starts), max(starts)),
        )
        .group_by(*columns)
    )
    return {
        (metric_id, Period(date.fromisoformat(start), date.fromisoformat(end))): revision
        for metric_id, start, end, revision in session.connection().execute(asked)
    }


def _supersede(session: Session, ids: Sequence[str]) -> None:
    """Say of values that they are not the newest of their periods any more."""
    for first in range(0, len(ids), _AT_ONCE):
        statement = update(_VALUES).where(_VALUES.c.id.in_(ids[first : first + _AT_ONCE]))
        session.connection().execute(statement.values(newest=False))


def _forget_so_far(session: Session, metric_ids: Sequence[str], now: datetime) -> None:
    """Delete what periods came to before they were over, a while after it was superseded: one of each run, for years.

    A whole period's value that was restated is kept.
    """
    if not metric_ids:
        return
    old = delete(MetricValueRow).where(
        col(MetricValueRow.metric_id).in_(metric_ids),
        col(MetricValueRow.newest).is_(False),
        col(MetricValueRow.complete).is_(False),
        col(MetricValueRow.written_at) < now - SO_FAR_KEPT,
    )
    session.connection().execute(old)


def value_id(metric_id: str, period: Period, revision: int) -> str:
    """Return the id of a revision of a period's value."""
    return derived_id("val", metric_id, period.start.isoformat(), period.end.isoformat(), str(revision))
