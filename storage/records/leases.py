"""Leases: the right to do something alone until a time, with a fencing token that grows with each new holder.

Time is the database's, so that machines with wrong clocks agree. A lease that was given back has no holder any more;
one that ran out keeps the name of whoever died or stood still with it. A clock may be set back: what lies further
ahead than a lease can was taken by the clock of before, and keeps nobody waiting until it is as late again.
"""

from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.records.inserts import insert_new
from storage.records.instants import database_now
from storage.tables import LeaseRow

_NOBODY = ""
#: by so much more than its own time may be left of a lease; what has more was taken by a clock that was set back since
_AHEAD = timedelta(minutes=15)


@dataclass(frozen=True, slots=True)
class Abandoned:
    """A lease that ran out in somebody's hands."""

    name: str
    generation: int


def acquire(session: Session, name: str, holder: str, seconds: float) -> int | None:
    """Take the lease and return its generation; None while somebody else (or the same holder elsewhere) has it."""
    row = _locked(session, name)
    now = database_now(session)
    if row is None:
        return _first(session, name, holder, seconds)
    if row.holder != _NOBODY and now < row.until <= now + timedelta(seconds=seconds) + _AHEAD:
        return None
    row.holder = holder
    row.generation += 1
    row.until = now + timedelta(seconds=seconds)
    session.add(row)
    session.flush()
    return row.generation


def renew(session: Session, name: str, holder: str, generation: int, seconds: float) -> bool:
    """Prolong the lease; False when it has passed on or run out, and then the work must stop."""
    now = database_now(session)
    renewed = session.connection().execute(
        update(LeaseRow)
        .where(col(LeaseRow.name) == name, col(LeaseRow.holder) == holder)
        .where(col(LeaseRow.generation) == generation, col(LeaseRow.until) > now)
        .values(until=now + timedelta(seconds=seconds))
    )
    return bool(renewed.rowcount)


def release(session: Session, name: str, holder: str, generation: int, *, done: bool = True) -> bool:
    """Give the lease back at once; False when it was not held any more. The generation stays and keeps growing.

    What was not done keeps the holder's name, as a lease that ran out does.
    """
    released = session.connection().execute(
        update(LeaseRow)
        .where(col(LeaseRow.name) == name, col(LeaseRow.holder) == holder)
        .where(col(LeaseRow.generation) == generation)
        .values(until=database_now(session), holder=_NOBODY if done else holder)
    )
    return bool(released.rowcount)


def abandoned(session: Session, prefix: str, limit: int = 20) -> list[Abandoned]:
    """Return the leases of that kind that ran out and were never given back."""
    statement = (
        select(LeaseRow.name, LeaseRow.generation)
        .where(col(LeaseRow.name).startswith(prefix, autoescape=True))
        .where(col(LeaseRow.holder) != _NOBODY, col(LeaseRow.until) <= database_now(session))
        .order_by(LeaseRow.name)
        .limit(limit)
    )
    return [Abandoned(name, generation) for name, generation in session.exec(statement)]


def settle(session: Session, lease: Abandoned) -> bool:
    """Take the dead holder's name off; False when the lease has a new holder meanwhile."""
    settled = session.connection().execute(
        update(LeaseRow)
        .where(col(LeaseRow.name) == lease.name, col(LeaseRow.generation) == lease.generation)
        .where(col(LeaseRow.until) <= database_now(session))
        .values(holder=_NOBODY)
    )
    return bool(settled.rowcount)


def holds(session: Session, name: str, holder: str, generation: int) -> bool:
    """Whether the lease is still held; locked to the end of the transaction, as the guard of a write in it."""
    row = _locked(session, name)
    if row is None or row.holder != holder or row.generation != generation:
        return False
    return row.until > database_now(session)


def _locked(session: Session, name: str) -> LeaseRow | None:
    statement = select(LeaseRow).where(col(LeaseRow.name) == name).with_for_update()
    return session.exec(statement.execution_options(populate_existing=True)).one_or_none()


def _first(session: Session, name: str, holder: str, seconds: float) -> int | None:
    until = database_now(session) + timedelta(seconds=seconds)
    return 1 if insert_new(session, LeaseRow, name=name, holder=holder, generation=1, until=until) else None
