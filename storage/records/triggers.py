"""Replay protection: a Slack trigger or event has its effect once; its twin gets the first one's answer."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from storage.records.inserts import insert
from storage.records.lookups import first
from storage.tables import SeenTriggerRow


def first_result(session: Session, team_id: str, trigger_id: str) -> str | None:
    """Return the result of the trigger if it had its effect."""
    found = first(session, SeenTriggerRow, team_id=team_id, trigger_id=trigger_id)
    return str(found.result) if found else None


def remember(session: Session, team_id: str, trigger_id: str, result: str, now: datetime) -> None:
    """Note the effect, in its own transaction; IntegrityError when a twin was faster."""
    insert(session, SeenTriggerRow, team_id=team_id, trigger_id=trigger_id, result=result, at=now)


def forget_before(session: Session, instant: datetime) -> int:
    """Delete what is older than that and return how many."""
    return session.connection().execute(delete(SeenTriggerRow).where(col(SeenTriggerRow.at) < instant)).rowcount
