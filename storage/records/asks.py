"""Requests that wait until the facts about their person are known."""

from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from storage.facts.ids import derived_id
from storage.tables import AskRow


def ask_id(team_id: str, trigger_id: str) -> str:
    """Return the id of the request behind a trigger: the same trigger is one request."""
    return derived_id("ask", team_id, trigger_id)


def add(session: Session, *, team_id: str, trigger_id: str, kind: str, payload: bytes, now: datetime) -> bool:
    """Keep the request; return whether it is new."""
    identifier = ask_id(team_id, trigger_id)
    if session.get(AskRow, identifier) is not None:
        return False
    session.add(AskRow(id=identifier, team_id=team_id, trigger_id=trigger_id, kind=kind, payload=payload, at=now))
    session.flush()
    return True


def payload(session: Session, identifier: str) -> tuple[str, bytes] | None:
    """Return the team and the sealed payload of a request."""
    row = session.get(AskRow, identifier)
    return (row.team_id, row.payload) if row else None


def forget_before(session: Session, instant: datetime) -> int:
    """Delete what is older than that and return how many."""
    return session.connection().execute(delete(AskRow).where(col(AskRow.at) < instant)).rowcount
