"""Token buckets of provider accounts, shared by all processes."""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from storage.tables import BucketRow


def take(session: Session, name: str, *, rate: float, capacity: float, tokens: float, now: datetime) -> float:
    """Take tokens and return 0, or take none and return the seconds to wait.

    `rate` is tokens per second. A bucket that the provider blocked gives none until then.
    """
    row = session.exec(select(BucketRow).where(BucketRow.name == name).with_for_update()).first()
    if row is None:
        row = BucketRow(name=name, tokens=capacity, updated_at=now)
    if row.blocked_until is not None and row.blocked_until > now:
        return (row.blocked_until - now).total_seconds()
    elapsed = max(0.0, (now - row.updated_at).total_seconds())
    row.tokens = min(capacity, row.tokens + elapsed * rate)
    row.updated_at = now
    if row.tokens < tokens:
        wait = (tokens - row.tokens) / rate
    else:
        row.tokens -= tokens
        wait = 0.0
    session.add(row)
    session.flush()
    return wait


def block(session: Session, name: str, seconds: float, now: datetime) -> None:
    """Give no tokens for that long: the provider said so."""
    row = session.get(BucketRow, name) or BucketRow(name=name, tokens=0.0, updated_at=now)
    until = now + timedelta(seconds=seconds)
    if row.blocked_until is None or row.blocked_until < until:
        row.blocked_until = until
    session.add(row)
    session.flush()
