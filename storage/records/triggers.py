"""Replay protection: a Slack trigger or event has its effect once; its twin gets the first one's answer."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from storage.tables import SeenTriggerRow


def first_result(session: Session, team_id: str, trigger_id: str) -> str | None:
    """Return the result of the trigger if it had its effect."""
    row = session.get(SeenTriggerRow, (team_id, trigger_id))
    return row.result if row else None


def remember(session: Session, team_id: str, trigger_id: str, result: str, now: datetime) -> None:
    """Note the effect, in its own transaction; IntegrityError when a twin was faster."""
    session.add(SeenTriggerRow(team_id=team_id, trigger_id=trigger_id, result=result, at=now))
    session.flush()


def forget_before(session: Session, instant: datetime) -> int:
    """Delete what is older than that and return how many."""
    return session.connection().execute(delete(SeenTriggerRow).where(col(SeenTriggerRow.at) < instant)).rowcount
