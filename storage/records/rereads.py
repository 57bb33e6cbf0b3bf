"""What a run was asked to read again: kept with the run until it is over, so that every execution of it knows."""

from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from sqlmodel import Session, col, select, update

from storage.facts.rereads import Reread
from storage.facts.runs import RunState, Trigger
from storage.tables import RunRow

_KEY = "reread"
_LOOKED_AT = 200


def note(session: Session, run_id: str, asked: Reread) -> None:
    """Write it down for a run that was just started, in the transaction that starts it."""
    session.exec(update(RunRow).where(col(RunRow.id) == run_id).values(outcome=kept(asked)))


def stored(outcome: Mapping[str, Any]) -> dict[str, Any]:
    """Return the part of an outcome that says what is read again: nothing, or what an outcome must go on to hold."""
    found = outcome.get(_KEY) or (outcome.get("plan") or {}).get(_KEY)
    return {_KEY: found} if found else {}


def asked_of(outcome: Mapping[str, Any]) -> Reread | None:
    """Return what a run of that outcome reads again; None: nothing."""
    found = stored(outcome).get(_KEY)
    if not found:
        return None
    return Reread(tuple(found["streams"]), _instant(found["since"]), _instant(found.get("asked_at")))


def hand_on(session: Session, before: str, after: str) -> None:
    """Let a run that takes the place of another one read again what that one was to."""
    asked = asked_of(session.get_one(RunRow, before).outcome or {})
    if asked is not None:
        note(session, after, asked)


def owed(before: Mapping[str, Any], missing: Collection[str]) -> Reread | None:
    """Return what the run that was loaded last was to read again and had to put aside; None: nothing.

    `before` is that run's outcome, `missing` are the streams that it put aside.
    """
    asked = asked_of(before)
    streams = sorted(set(asked.streams or missing).intersection(missing)) if asked else []
    return Reread(tuple(streams), asked.since, asked.asked_at) if asked and streams else None


def together(asked: Reread | None, other: Reread | None) -> Reread | None:
    """Return what reads again all that either of them names, and no less of it."""
    if asked is None or other is None:
        return asked or other
    streams = tuple(sorted({*asked.streams, *other.streams})) if asked.streams and other.streams else ()
    since = min(asked.since, other.since) if asked.since and other.since else None
    return Reread(streams, since, max(filter(None, (asked.asked_at, other.asked_at)), default=None))


def kept(asked: Reread | None) -> dict[str, Any]:
    """Return the part of an outcome that says what is read again."""
    if asked is None:
        return {}
    since, asked_at = (at.isoformat() if at else None for at in (asked.since, asked.asked_at))
    return {_KEY: {"streams": list(asked.streams), "since": since, "asked_at": asked_at}}


def _instant(stored: str | None) -> datetime | None:
    return datetime.fromisoformat(stored) if stored else None


def seconds_of_whole_read(session: Session, source_id: str) -> float | None:
    """Return how long the newest good run took that read all of the source; None when none is on record."""
    statement = (
        select(RunRow)
        .where(RunRow.source_id == source_id, RunRow.state == RunState.READY)
        .order_by(col(RunRow.requested_at).desc())
        .limit(_LOOKED_AT)
    )
    first = (
        select(RunRow)
        .where(RunRow.source_id == source_id, RunRow.state == RunState.READY, RunRow.trigger == Trigger.FIRST_READ)
        .limit(1)
    )
    for row in (*session.exec(statement), *session.exec(first)):
        asked = asked_of(row.outcome or {})
        # One that left older periods to the runs after it read only some.
        all_at_first = row.trigger == Trigger.FIRST_READ and not (row.outcome or {}).get("older")
        whole = all_at_first or (asked is not None and asked == Reread())
        if whole and row.started_at is not None and row.finished_at is not None:
            took: timedelta = row.finished_at - row.started_at
            return took.total_seconds()
    return None
