"""Guarded updates: who changes a row first wins, and everybody learns whether it was them."""

from sqlalchemy.sql.dml import Update
from sqlmodel import Session


def won(session: Session, statement: Update) -> bool:
    """Run the update and say whether it changed a row; what the session knew of its rows is read again."""
    session.flush()
    changed = session.connection().execute(statement).rowcount
    session.expire_all()
    return bool(changed)
