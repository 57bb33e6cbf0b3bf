"""Exchange pairs and their runs: switched, due, claimed, settled; who changes a row first wins."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

import sqlalchemy
from sqlalchemy import delete, func, or_, update
from sqlmodel import Session, col, select

from storage.facts.exchange import (
    ACTIVE_STATES,
    Counts,
    ExchangePair,
    ExchangeRun,
    Guard,
    Held,
    LastGood,
    Pair,
    Reject,
    RunState,
    Trigger,
    read_schedule,
)
from storage.facts.sources import CollectMode
from storage.records import exchange_given
from storage.records.guarded import won
from storage.records.inserts import insert_all, insert_new
from storage.tables import ExchangePairRow, ExchangeRejectRow, ExchangeRunRow, OrganizationRow, SourceRow

_ACTIVE = [state.value for state in ACTIVE_STATES]


# Pairs


def add_pair(session: Session, **values: Any) -> bool:
    """Insert a pair; False when it is there already."""
    return insert_new(session, ExchangePairRow, **values)


def without_pairs(session: Session) -> list[str]:
    """Return the organizations with a connection that no pairs were made of yet."""
    known = select(ExchangePairRow.source_id)
    statement = select(SourceRow.organization_id).where(
        SourceRow.mode == CollectMode.EXCHANGE.value, col(SourceRow.id).not_in(known)
    )
    return sorted(set(session.exec(statement)))


def pairs_of(session: Session, organization_id: str) -> list[ExchangePair]:
    """Return the pairs of an organization, in the order in which people read them."""
    return _pairs(session, ExchangePairRow.organization_id == organization_id)


def pairs_of_source(session: Session, source_id: str) -> list[ExchangePair]:
    """Return the pairs of a connection."""
    return _pairs(session, ExchangePairRow.source_id == source_id)


def pair(session: Session, pair_id: str) -> ExchangePair:
    """Return the pair; KeyError when there is none. For work that was authorized before."""
    found = _pairs(session, ExchangePairRow.id == pair_id)
    if not found:
        raise KeyError(pair_id)
    return found[0]


def visible(session: Session, organization_id: str, pair_id: str) -> ExchangePair | None:
    """Return the pair when it is the organization's own; somebody else's reads exactly like a missing one."""
    wanted = (ExchangePairRow.id == pair_id, ExchangePairRow.organization_id == organization_id)
    found = _pairs(session, *wanted)
    return found[0] if found else None


def due_pairs(session: Session, now: datetime, ahead: datetime, limit: int = 100) -> list[ExchangePair]:
    """Return the pairs whose time has come; also those that a clock that ran ahead planned too far away."""
    wanted = or_(col(ExchangePairRow.due_at) <= now, col(ExchangePairRow.due_at) > ahead)
    return _pairs(session, wanted)[:limit]


def move_due(session: Session, pair: ExchangePair, due_at: datetime | None) -> bool:
    """Plan the next time; False when somebody else did, or the schedule is another by now."""
    mine = (
        col(ExchangePairRow.id) == pair.id,
        col(ExchangePairRow.schedule_version) == pair.schedule_version,
        col(ExchangePairRow.due_at) == pair.due_at if pair.due_at else col(ExchangePairRow.due_at).is_(None),
    )
    return won(session, update(ExchangePairRow).where(*mine).values(due_at=due_at))


def change_pair(session: Session, pair: ExchangePair, **values: Any) -> bool:
    """Change a pair's switch, pause or schedule; False when somebody did since it was read."""
    mine = (col(ExchangePairRow.id) == pair.id, col(ExchangePairRow.schedule_version) == pair.schedule_version)
    changed = {**values, "schedule_version": pair.schedule_version + 1}
    return won(session, update(ExchangePairRow).where(*mine).values(**changed))


def due_earlier(session: Session, pair_id: str, at: datetime) -> None:
    """Let a pair that is due later be due by then."""
    mine = (col(ExchangePairRow.id) == pair_id, col(ExchangePairRow.due_at) > at)
    won(session, update(ExchangePairRow).where(*mine).values(due_at=at))


def other_books(session: Session, pair_id: str, books_id: str) -> None:
    """Take the pair's records from another company's books: what was given of the other one's is forgotten."""
    exchange_given.forget(session, pair_id)
    values: dict[str, Any] = {"books_id": books_id, "last": None}
    won(session, update(ExchangePairRow).where(col(ExchangePairRow.id) == pair_id).values(**values))


def note_missed(session: Session, pair_id: str, since: datetime | None) -> bool:
    """Note since when a run is missing, or that none is; return whether that is new."""
    unknown = col(ExchangePairRow.missed_since).is_(None) if since else col(ExchangePairRow.missed_since).is_not(None)
    statement = update(ExchangePairRow).where(col(ExchangePairRow.id) == pair_id, unknown)
    return won(session, statement.values(missed_since=since))


def note_given(session: Session, pair_id: str, last: LastGood) -> None:
    """Note what the far side has now."""
    stored = {**asdict(last), "as_of": last.as_of.isoformat(), "at": last.at.isoformat()}
    won(session, update(ExchangePairRow).where(col(ExchangePairRow.id) == pair_id).values(last=stored))


def _pairs(session: Session, *wanted: Any) -> list[ExchangePair]:
    statement = (
        select(ExchangePairRow, OrganizationRow.timezone)
        .join(OrganizationRow, col(OrganizationRow.id) == col(ExchangePairRow.organization_id))
        .where(*wanted)
        .execution_options(populate_existing=True)
    )
    found = [_as_pair(row, zone) for row, zone in session.exec(statement)]
    order = list(Pair)
    return sorted(found, key=lambda one: (one.source_id, order.index(one.pair)))


def _as_pair(row: ExchangePairRow, zone: str) -> ExchangePair:
    return ExchangePair(
        id=row.id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        books_id=row.books_id,
        pair=Pair(row.pair),
        on=row.on,
        schedule=read_schedule(row.schedule),
        zone=zone,
        schedule_version=row.schedule_version,
        due_at=row.due_at,
        last=_as_last(row.last) if row.last else None,
        paused_at=row.paused_at,
        paused_by=row.paused_by,
        missed_since=row.missed_since,
    )


def _as_last(stored: Mapping[str, Any]) -> LastGood:
    times = {name: datetime.fromisoformat(stored[name]) for name in ("as_of", "at")}
    return LastGood(**{**stored, **times})


# Runs


def add_run(session: Session, **values: Any) -> bool:
    """Insert a queued run; False when the slot had its run, or another run holds the pair."""
    return insert_new(session, ExchangeRunRow, **{"state": RunState.QUEUED.value, "agreed": {}, **values})


def run(session: Session, run_id: str) -> ExchangeRun:
    """Return the run; KeyError when there is none. For work that was authorized before."""
    row = session.get(ExchangeRunRow, run_id, populate_existing=True)
    if row is None:
        raise KeyError(run_id)
    return _as_run(row)


def visible_run(session: Session, organization_id: str, run_id: str) -> ExchangeRun | None:
    """Return the run when it is the organization's own."""
    row = session.get(ExchangeRunRow, run_id, populate_existing=True)
    return _as_run(row) if row is not None and row.organization_id == organization_id else None


def active(session: Session, pair_id: str) -> ExchangeRun | None:
    """Return the run that holds the pair."""
    return _first(session, ExchangeRunRow.pair_id == pair_id, col(ExchangeRunRow.state).in_(_ACTIVE))


def held(session: Session, pair_id: str) -> ExchangeRun | None:
    """Return the run that waits for a person."""
    return _first(session, ExchangeRunRow.pair_id == pair_id, ExchangeRunRow.state == RunState.HELD.value)


def history(session: Session, pair_id: str, limit: int) -> list[ExchangeRun]:
    """Return the runs of a pair, the newest first."""
    statement = select(ExchangeRunRow).where(ExchangeRunRow.pair_id == pair_id)
    ordered = statement.order_by(col(ExchangeRunRow.requested_at).desc(), col(ExchangeRunRow.id).desc())
    return [_as_run(row) for row in session.exec(ordered.limit(limit).execution_options(populate_existing=True))]


def scheduled(session: Session, source_id: str, since: datetime) -> list[ExchangeRun]:
    """Return the runs of a connection that the clock began for a time since then, the first first."""
    statement = select(ExchangeRunRow).where(
        ExchangeRunRow.source_id == source_id,
        ExchangeRunRow.trigger == Trigger.SCHEDULE.value,
        col(ExchangeRunRow.slot_at) >= since,
    )
    ordered = statement.order_by(col(ExchangeRunRow.slot_at), col(ExchangeRunRow.id))
    return [_as_run(row) for row in session.exec(ordered.execution_options(populate_existing=True))]


def endings(session: Session, organization_id: str, since: datetime) -> list[tuple[Pair, RunState, int]]:
    """Return how many runs of each pair ended in which way since then; dry runs are not among them."""
    statement = (
        sqlalchemy.select(col(ExchangeRunRow.pair), col(ExchangeRunRow.state), func.count())
        .where(
            col(ExchangeRunRow.organization_id) == organization_id,
            col(ExchangeRunRow.state).in_([RunState.DONE.value, RunState.HELD.value, RunState.FAILED.value]),
            col(ExchangeRunRow.trigger) != Trigger.DRY.value,
            col(ExchangeRunRow.finished_at) > since,
        )
        .group_by(col(ExchangeRunRow.pair), col(ExchangeRunRow.state))
    )
    found = [(Pair(pair), RunState(state), count) for pair, state, count in session.connection().execute(statement)]
    return sorted(found, key=lambda one: ([*Pair].index(one[0]), one[1]))


def newest(session: Session, pair_id: str, states: Collection[RunState]) -> ExchangeRun | None:
    """Return the newest run of a pair that is in one of these states."""
    return _first(session, ExchangeRunRow.pair_id == pair_id, col(ExchangeRunRow.state).in_([*states]))


def handed_over(session: Session, pair: ExchangePair) -> str:
    """Return the SHA-256 of the file that was handed over last, or put back; empty where there was none."""
    statement = select(ExchangeRunRow.sha256).where(
        ExchangeRunRow.pair_id == pair.id,
        col(ExchangeRunRow.state).in_([RunState.DONE.value, RunState.UNCHANGED.value]),
    )
    ordered = statement.order_by(col(ExchangeRunRow.finished_at).desc(), col(ExchangeRunRow.id).desc())
    # Runs are forgotten some day.
    return session.exec(ordered.limit(1)).first() or (pair.last.sha256 if pair.last else "")


def most_rows(session: Session, pair: ExchangePair, since: datetime) -> int:
    """Return the rows of the largest file that was given since then, and since a person last let a held one go."""
    mine = (ExchangeRunRow.pair_id == pair.id, ExchangeRunRow.books_id == pair.books_id)
    given = col(ExchangeRunRow.state).in_([RunState.DONE.value, RunState.UNCHANGED.value])
    released = select(func.max(ExchangeRunRow.requested_at)).where(
        *mine, given, ExchangeRunRow.trigger == Trigger.RELEASE.value
    )
    last = session.exec(released).one()
    begin = max(since, last) if isinstance(last, datetime) else since
    found = select(func.max(ExchangeRunRow.rows)).where(*mine, given, col(ExchangeRunRow.requested_at) >= begin)
    return session.exec(found).one() or 0


def waiting(session: Session, now: datetime, limit: int = 100) -> list[ExchangeRun]:
    """Return the runs that wait and are to be looked at again."""
    statement = select(ExchangeRunRow).where(
        ExchangeRunRow.state == RunState.WAITING.value, col(ExchangeRunRow.next_at) <= now
    )
    ordered = statement.order_by(col(ExchangeRunRow.next_at)).limit(limit)
    return [_as_run(row) for row in session.exec(ordered.execution_options(populate_existing=True))]


def tries(session: Session, run_id: str) -> int:
    """Return how many attempts in a row an outage ended."""
    return session.get_one(ExchangeRunRow, run_id, populate_existing=True).tries


def advance(session: Session, run: ExchangeRun, *states: RunState, **values: Any) -> bool:
    """Change a run that this attempt still holds, in one of these states (any active one); return whether it did."""
    wanted = [state.value for state in states] or _ACTIVE
    mine = (
        col(ExchangeRunRow.id) == run.id,
        col(ExchangeRunRow.attempt) == run.attempt,
        col(ExchangeRunRow.state).in_(wanted),
    )
    stored = {name: _stored(value) for name, value in values.items()}
    return won(session, update(ExchangeRunRow).where(*mine).values(**stored))


def stop(session: Session, run: ExchangeRun, why: str, code: str, now: datetime) -> bool:
    """End an active run, whoever holds it; whoever works on it finds that it is over."""
    mine = (col(ExchangeRunRow.id) == run.id, col(ExchangeRunRow.state).in_(_ACTIVE))
    values = {"state": RunState.FAILED.value, "why": why, "code": code, "finished_at": now, "next_at": None}
    return won(session, update(ExchangeRunRow).where(*mine).values(**values))


def discard_held(session: Session, pair_id: str, but: str, why: str, now: datetime) -> bool:
    """Let no run of the pair wait for a person any more, but this one."""
    mine = (
        col(ExchangeRunRow.pair_id) == pair_id,
        col(ExchangeRunRow.state) == RunState.HELD.value,
        col(ExchangeRunRow.id) != but,
    )
    values = {"state": RunState.DISCARDED.value, "why": why, "finished_at": now}
    return won(session, update(ExchangeRunRow).where(*mine).values(**values))


def decide_held(session: Session, run_id: str, state: RunState, now: datetime) -> bool:
    """Let a person's word decide about a run that waits for it; return whether it still did."""
    mine = (col(ExchangeRunRow.id) == run_id, col(ExchangeRunRow.state) == RunState.HELD.value)
    return won(session, update(ExchangeRunRow).where(*mine).values(state=state.value, finished_at=now))


def add_rejects(session: Session, run_id: str, rejects: Sequence[Reject]) -> None:
    """Write down what a run left out; again for the same run changes nothing."""
    if not _rejects(session, run_id):
        _insert_rejects(session, run_id, rejects, 0)


def add_more_rejects(session: Session, run_id: str, rejects: Sequence[Reject]) -> None:
    """Write down what a later attempt of a run left out, beside what earlier ones did."""
    _insert_rejects(session, run_id, rejects, len(_rejects(session, run_id)))


def _insert_rejects(session: Session, run_id: str, rejects: Sequence[Reject], begin: int) -> None:
    rows = [
        {
            "run_id": run_id,
            "number": number,
            "key": one.key,
            "name": one.name,
            "field": one.field,
            "reason": one.reason,
        }
        for number, one in enumerate(rejects, begin)
    ]
    insert_all(session, ExchangeRejectRow, rows)


def forget_before(session: Session, instant: datetime, limit: int = 1000) -> int:
    """Delete runs that ended before that, with what they left out; return how many. The ledger stays."""
    old = select(ExchangeRunRow.id).where(col(ExchangeRunRow.finished_at) < instant).limit(limit)
    found = list(session.exec(old))
    for row, key in ((ExchangeRejectRow, col(ExchangeRejectRow.run_id)), (ExchangeRunRow, col(ExchangeRunRow.id))):
        session.connection().execute(delete(row).where(key.in_(found)))
    return len(found)


def forget_records(session: Session, source_id: str) -> None:
    """Forget the records that runs named, of a connection or of the company whose records they were; totals stay."""
    row = ExchangeRunRow
    theirs = or_(col(row.source_id) == source_id, col(row.books_id) == source_id)
    runs = select(row.id).where(theirs)
    session.connection().execute(delete(ExchangeRejectRow).where(col(ExchangeRejectRow.run_id).in_(runs)))
    for run in session.exec(select(row).where(theirs, col(row.held).is_not(None))):
        if run.held:
            run.held = {**run.held, "gone": []}
    session.flush()


def rejects_of(session: Session, run_id: str) -> tuple[Reject, ...]:
    """Return what a run left out."""
    return tuple(Reject(row.key, row.field, row.reason, row.name) for row in _rejects(session, run_id))


def _rejects(session: Session, run_id: str) -> list[ExchangeRejectRow]:
    statement = select(ExchangeRejectRow).where(ExchangeRejectRow.run_id == run_id)
    return list(session.exec(statement.order_by(col(ExchangeRejectRow.number))))


def _first(session: Session, *wanted: Any) -> ExchangeRun | None:
    statement = select(ExchangeRunRow).where(*wanted)
    ordered = statement.order_by(col(ExchangeRunRow.requested_at).desc(), col(ExchangeRunRow.id).desc())
    row = session.exec(ordered.limit(1).execution_options(populate_existing=True)).first()
    return _as_run(row) if row is not None else None


def _stored(value: Any) -> Any:
    if isinstance(value, Held):
        return {**asdict(value), "guard": value.guard.value, "gone": list(value.gone)}
    return value.value if isinstance(value, (RunState, Trigger, Pair)) else value


def _as_run(row: ExchangeRunRow) -> ExchangeRun:
    return ExchangeRun(
        id=row.id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        books_id=row.books_id,
        pair_id=row.pair_id,
        pair=Pair(row.pair),
        trigger=Trigger(row.trigger),
        slot=row.slot,
        state=RunState(row.state),
        attempt=row.attempt,
        asked_by=row.asked_by,
        requested_at=row.requested_at,
        slot_at=row.slot_at,
        deadline=row.deadline,
        started_at=row.started_at,
        finished_at=row.finished_at,
        next_at=row.next_at,
        why=row.why,
        code=row.code,
        as_of=row.as_of,
        snapshot=row.snapshot,
        books_run=row.books_run,
        mapping=row.mapping,
        night=row.night,
        rows=row.rows,
        rows_before=row.rows_before,
        skipped=row.skipped,
        rejected=row.rejected,
        replaced=row.replaced,
        size=row.size,
        sha256=row.sha256,
        counts=Counts(row.added, row.updated, row.removed),
        archived_as=row.archived_as,
        gap=row.gap,
        held=_as_held(row.held) if row.held else None,
        agreed={name: int(rows) for name, rows in row.agreed.items()},
        of_run=row.of_run,
        late=row.late,
        note=row.note,
    )


def _as_held(stored: Mapping[str, Any]) -> Held:
    return Held(Guard(stored["guard"]), stored["before"], stored["after"], tuple(stored["gone"]), stored["gone_count"])
