"""Token buckets of provider accounts, shared by all processes."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from storage.records.inserts import insert_new
from storage.tables import BucketRow


def reserve(session: Session, name: str, *, per_second: float, burst: float, cost: float, now: datetime) -> float:
    """Book `cost` and return the seconds to wait before using it; a level below zero is the queue of those who wait."""
    row = _locked(session, name, burst, now)
    passed = max(0.0, (now - row.updated_at).total_seconds())
    row.tokens = min(burst, row.tokens + passed * per_second) - cost
    row.updated_at = max(now, row.updated_at)
    session.add(row)
    session.flush()
    return max(0.0, -row.tokens / per_second)


def block(session: Session, name: str, seconds: float, now: datetime) -> None:
    """Let nobody through for that long: the provider said so. A shorter block never shortens a longer one."""
    row = _locked(session, name, 0.0, now)
    until = now + timedelta(seconds=seconds)
    if row.blocked_until is None or row.blocked_until < until:
        row.blocked_until = until
    session.add(row)
    session.flush()


def blocked(session: Session, name: str, now: datetime) -> float:
    """Return the seconds for which the bucket is still blocked; 0 when it is free."""
    row = session.get(BucketRow, name)
    if row is None or row.blocked_until is None:
        return 0.0
    return max(0.0, (row.blocked_until - now).total_seconds())


def _locked(session: Session, name: str, tokens: float, now: datetime) -> BucketRow:
    statement = select(BucketRow).where(BucketRow.name == name).with_for_update()
    row = session.exec(statement).first()
    if row is None:
        insert_new(session, BucketRow, name=name, tokens=tokens, updated_at=now)
        row = session.exec(statement).one()
    return row
