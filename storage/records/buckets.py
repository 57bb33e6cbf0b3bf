"""Token buckets of provider accounts, shared by all processes.

A machine's clock may be set back, by minutes or by years: what was noted before then lies in the future. Nobody waits
until the time comes again: such a note counts as made now, and a block that ends later than any may has ended.
"""

from datetime import datetime, timedelta

from sqlmodel import Session, select

from storage.records.inserts import insert_new
from storage.tables import BucketRow

#: No provider is believed to want us back later (`connectors.backoff`): what ends later was noted by another clock.
LONGEST = timedelta(hours=1)
#: By so much the clocks of processes differ: a note that is younger than that is a neighbour's, and stands.
SKEW = timedelta(minutes=1)
#: Whoever comes so small a part of a turn too early is not sent away: it keeps turns of its own, which are right.
_EARLY = 0.05


def reserve(session: Session, name: str, *, per_second: float, burst: float, cost: float, now: datetime) -> float:
    """Book `cost` and return the seconds to wait before using it; a level below zero is the queue of those who wait."""
    row = _locked(session, name, burst, now)
    passed = max(0.0, (now - row.updated_at).total_seconds())
    row.tokens = min(burst, row.tokens + passed * per_second) - cost
    row.updated_at = now if row.updated_at > now + SKEW else max(now, row.updated_at)
    session.add(row)
    session.flush()
    return max(0.0, -row.tokens / per_second)


def take(session: Session, name: str, *, per_second: float, burst: float, now: datetime) -> float:
    """Take one if there is one and return 0; else book nothing and return the seconds until there is one."""
    row = _locked(session, name, burst, now)
    passed = max(0.0, (now - row.updated_at).total_seconds())
    level = min(burst, row.tokens + passed * per_second)
    stands = row.updated_at > now + SKEW
    if level < 1 - _EARLY and not stands:
        return (1 - level) / per_second
    row.tokens = level - 1
    row.updated_at = now if stands else max(now, row.updated_at)
    session.add(row)
    session.flush()
    return 0.0


def block(session: Session, name: str, seconds: float, now: datetime) -> None:
    """Let nobody through for that long, an hour at most: the provider said so.

    A shorter block never shortens a longer one.
    """
    row = _locked(session, name, 0.0, now)
    until = now + min(timedelta(seconds=seconds), LONGEST)
    if row.blocked_until is None or row.blocked_until < until or row.blocked_until > latest(now):
        row.blocked_until = until
    session.add(row)
    session.flush()


def blocked(session: Session, name: str, now: datetime) -> float:
    """Return the seconds for which the bucket is still blocked; 0 when it is free."""
    row = session.get(BucketRow, name)
    if row is None or row.blocked_until is None or row.blocked_until > latest(now):
        return 0.0
    return max(0.0, (row.blocked_until - now).total_seconds())


def latest(now: datetime) -> datetime:
    """Return the latest end that a block can have; one that ends later is of a clock that was set back since."""
    return now + LONGEST + SKEW


def _locked(session: Session, name: str, tokens: float, now: datetime) -> BucketRow:
    statement = select(BucketRow).where(BucketRow.name == name).with_for_update()
    row = session.exec(statement).first()
    if row is None:
        insert_new(session, BucketRow, name=name, tokens=tokens, updated_at=now)
        row = session.exec(statement).one()
    return row
