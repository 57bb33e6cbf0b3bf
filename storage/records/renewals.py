"""Renewals that begin at Amazon, until Slack has said whose browser it is."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete
from sqlmodel import Session, col

from storage.records.inserts import insert
from storage.tables import RenewalBegunRow


@dataclass(frozen=True, slots=True)
class Begun:
    """One browser on its way to Slack."""

    state_hash: str
    nonce_hash: str
    browser_hash: str
    #: sealed: where Amazon waits
    login: bytes
    expires_at: datetime


def begin(session: Session, begun: Begun, now: datetime) -> None:
    """Remember what a browser was sent to Slack with; what nobody came back with is forgotten."""
    forget_before(session, now)
    insert(
        session,
        RenewalBegunRow,
        state_hash=begun.state_hash,
        nonce_hash=begun.nonce_hash,
        browser_hash=begun.browser_hash,
        login=begun.login,
        expires_at=begun.expires_at,
    )


def find(session: Session, state_hash: str) -> Begun | None:
    """Return what a state stands for."""
    row = session.get(RenewalBegunRow, state_hash, populate_existing=True)
    return Begun(row.state_hash, row.nonce_hash, row.browser_hash, row.login, row.expires_at) if row else None


def claim(session: Session, begun: Begun) -> bool:
    """Take a state, once; return whether this one did."""
    taken = session.connection().execute(
        delete(RenewalBegunRow).where(col(RenewalBegunRow.state_hash) == begun.state_hash)
    )
    return bool(taken.rowcount)


def forget_before(session: Session, instant: datetime) -> None:
    """Delete what ended before that instant."""
    session.connection().execute(delete(RenewalBegunRow).where(col(RenewalBegunRow.expires_at) <= instant))
