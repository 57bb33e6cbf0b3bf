"""What each person asked last in each thread: one small row, read by its key, gone after a day."""

from datetime import datetime, timedelta

import sqlalchemy
from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from storage.facts.people import SlackIdentity
from storage.facts.talk import Conversation
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.tables import AskedLastRow

#: A thread that is older is begun anew.
LIVES = timedelta(days=1)
#: Threads of one person; with one more the oldest is forgotten.
_MOST = 20


def find(
    session: Session, organization_id: str, identity: SlackIdentity, where: Conversation, since: datetime
) -> str | None:
    """Return what was asked there last, if that was after `since`."""
    statement = select(AskedLastRow.asked).where(
        *_of(identity, where), AskedLastRow.organization_id == organization_id, col(AskedLastRow.asked_at) > since
    )
    return session.exec(statement).first()


def keep(
    session: Session, organization_id: str, identity: SlackIdentity, where: Conversation, asked: str, now: datetime
) -> None:
    """Write down what was asked, in the place of what was asked before."""
    values = {"organization_id": organization_id, "asked": asked, "asked_at": now}
    if won(session, update(AskedLastRow).where(*_of(identity, where)).values(**values)):
        return
    keys = {"channel_id": where.channel_id, "thread": where.thread}
    insert_new(session, AskedLastRow, team_id=identity.team_id, user_id=identity.user_id, **keys, **values)
    _only_newest(session, identity)


def drop(session: Session, identity: SlackIdentity, where: Conversation) -> None:
    """Forget one thread."""
    session.connection().execute(delete(AskedLastRow).where(*_of(identity, where)))


def forget_before(session: Session, until: datetime) -> None:
    """Forget what was asked up to then."""
    session.connection().execute(delete(AskedLastRow).where(col(AskedLastRow.asked_at) <= until))


def forget_person(session: Session, identity: SlackIdentity) -> None:
    """Forget what somebody asked who has left."""
    session.connection().execute(delete(AskedLastRow).where(*_by(identity)))


def forget_workspace(session: Session, team_id: str) -> None:
    """Forget what was asked in a workspace that has left."""
    session.connection().execute(delete(AskedLastRow).where(col(AskedLastRow.team_id) == team_id))


def forget_organization(session: Session, organization_id: str) -> None:
    """Forget what was asked about data that is erased: it may name documents and amounts."""
    session.connection().execute(delete(AskedLastRow).where(col(AskedLastRow.organization_id) == organization_id))


def _only_newest(session: Session, identity: SlackIdentity) -> None:
    oldest = (
        sqlalchemy.select(col(AskedLastRow.asked_at))
        .where(*_by(identity))
        .order_by(col(AskedLastRow.asked_at).desc())
        .offset(_MOST)
        .limit(1)
        .scalar_subquery()
    )
    session.connection().execute(delete(AskedLastRow).where(*_by(identity), col(AskedLastRow.asked_at) <= oldest))


def _by(identity: SlackIdentity) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    return col(AskedLastRow.team_id) == identity.team_id, col(AskedLastRow.user_id) == identity.user_id


def _of(identity: SlackIdentity, where: Conversation) -> tuple[sqlalchemy.ColumnElement[bool], ...]:
    place = (col(AskedLastRow.channel_id) == where.channel_id, col(AskedLastRow.thread) == where.thread)
    return (*_by(identity), *place)
