"""Disconnecting on purpose: the connection's end, and the steps after it, each a guarded update."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import delete, update
from sqlalchemy.sql.dml import Update
from sqlmodel import Session, col, select

from storage.facts.disconnects import Disconnect, GrantEnd
from storage.facts.sources import ConnectionState
from storage.records import home_views
from storage.records.frozen import nothing_left
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.tables import ConnectionRow, DisconnectRow, SourceRow


@dataclass(frozen=True, slots=True)
class Standing:
    """A connection as it stands when somebody wants to disconnect it."""

    state: ConnectionState
    since: datetime
    version: int
    credentials: bytes | None
    region: str
    environment: str
    #: the member who disconnected it on purpose, if it is that
    disconnected_by: str | None
    #: something of an earlier disconnecting is still to be done
    unfinished: bool


def standing(session: Session, source_id: str, *, lock: bool = False) -> Standing:
    """Return how the connection stands; with `lock` nobody renews its tokens until the transaction ends."""
    statement = select(ConnectionRow).where(ConnectionRow.source_id == source_id)
    if lock:
        statement = statement.with_for_update()
    row = session.exec(statement.execution_options(populate_existing=True)).one()
    return Standing(
        state=ConnectionState(row.state),
        since=row.since,
        version=row.version,
        credentials=row.credentials,
        region=row.region,
        environment=row.environment,
        disconnected_by=row.disconnected_by,
        unfinished=row.erase_due_at is not None,
    )


def add(session: Session, disconnect: Disconnect, grant: bytes | None) -> None:
    """Insert what is left to be done, with the tokens sealed to it."""
    insert(
        session,
        DisconnectRow,
        id=disconnect.id,
        organization_id=disconnect.organization_id,
        source_id=disconnect.source_id,
        member_id=disconnect.member_id,
        at=disconnect.at,
        version=disconnect.version,
        erase_data=disconnect.erase_data,
        region=disconnect.region,
        environment=disconnect.environment,
        grant=grant,
        tokens_due_at=disconnect.tokens_due_at,
        attempt=disconnect.attempt,
        next_at=disconnect.next_at,
        outcome=disconnect.outcome,
        settled_at=disconnect.settled_at,
    )


def cut(session: Session, disconnect: Disconnect, reason: str, expected_version: int) -> bool:
    """Take the grant out of the connection, so that no late save or read of a token finds it; whether this one did.

    The version grows: whoever renewed the tokens meanwhile saves into nothing.
    """
    statement = (
        update(ConnectionRow)
        .where(col(ConnectionRow.source_id) == disconnect.source_id, col(ConnectionRow.version) == expected_version)
        .values(
            state=ConnectionState.DISCONNECTED,
            reason=reason,
            since=disconnect.at,
            credentials=None,
            version=disconnect.version,
            access_expires_at=None,
            refresh_expires_at=None,
            hard_expires_at=None,
            erase_due_at=disconnect.tokens_due_at,
            erase_data=disconnect.erase_data,
            disconnected_by=disconnect.member_id,
            # Whoever connects it again allows that again, in a step of its own.
            can_write=False,
        )
    )
    if not won(session, statement):
        return False
    home_views.changed_by_source(session, disconnect.source_id, disconnect.at)
    return won(
        session, update(SourceRow).where(col(SourceRow.id) == disconnect.source_id).values(updated_at=disconnect.at)
    )


def find(session: Session, disconnect_id: str) -> Disconnect | None:
    """Return it as it is now."""
    statement = select(DisconnectRow).where(DisconnectRow.id == disconnect_id)
    row = session.exec(statement.execution_options(populate_existing=True)).first()
    return as_disconnect(row) if row else None


def sealed_grant(session: Session, disconnect_id: str) -> bytes | None:
    """Return the sealed tokens that wait for being given up."""
    return session.exec(select(DisconnectRow.grant).where(DisconnectRow.id == disconnect_id)).first()


def replace_grant(session: Session, disconnect_id: str, known: bytes, renewed: bytes) -> bool:
    """Put renewed tokens in the place of those; whether those were still there."""
    statement = update(DisconnectRow).where(
        col(DisconnectRow.id) == disconnect_id, col(DisconnectRow.outcome).is_(None), col(DisconnectRow.grant) == known
    )
    return won(session, statement.values(grant=renewed))


def settle(session: Session, disconnect_id: str, outcome: GrantEnd, now: datetime) -> bool:
    """Forget the tokens, and note what became of the grant; whether this one did."""
    statement = (
        update(DisconnectRow)
        .where(col(DisconnectRow.id) == disconnect_id, col(DisconnectRow.outcome).is_(None))
        .values(grant=None, outcome=outcome, settled_at=now)
    )
    return won(session, statement)


def note_erased(session: Session, disconnect: Disconnect, reason: str, now: datetime) -> bool:
    """Note that the data is gone, and with it what earlier runs say of it; whether this one did."""
    statement = (
        update(DisconnectRow)
        .where(col(DisconnectRow.id) == disconnect.id, col(DisconnectRow.data_erased_at).is_(None))
        .values(data_erased_at=now)
    )
    if not won(session, statement):
        return False
    won(session, update(SourceRow).where(col(SourceRow.id) == disconnect.source_id).values(data_erased_at=now))
    won(session, _own_connection(disconnect).values(reason=reason))
    nothing_left(session, disconnect.source_id, reason)
    return True


def is_current(session: Session, disconnect: Disconnect) -> bool:
    """Whether the connection is still the one that this disconnecting left: nobody connected it again."""
    row = session.exec(select(ConnectionRow.version).where(ConnectionRow.source_id == disconnect.source_id)).one()
    return row == disconnect.version


def give_up_erasing(session: Session, disconnect: Disconnect) -> None:
    """Note that the data is not to be erased any more, because the source was connected again."""
    won(session, update(DisconnectRow).where(col(DisconnectRow.id) == disconnect.id).values(erase_data=False))


def end(session: Session, disconnect: Disconnect, now: datetime) -> bool:
    """End it when nothing is left to be done; whether this one did."""
    found = find(session, disconnect.id)
    if found is None or found.outcome is None or (found.erase_data and found.data_erased_at is None):
        return False
    statement = (
        update(DisconnectRow)
        .where(col(DisconnectRow.id) == disconnect.id, col(DisconnectRow.ended_at).is_(None))
        .values(ended_at=now)
    )
    if not won(session, statement):
        return False
    won(session, _own_connection(disconnect).values(erase_due_at=None, erase_data=False))
    return True


def put_back(session: Session, disconnect_id: str, attempt: int, next_at: datetime) -> bool:
    """Let the next attempt come at that instant; whether this attempt was still the newest."""
    statement = (
        update(DisconnectRow)
        .where(
            col(DisconnectRow.id) == disconnect_id,
            col(DisconnectRow.attempt) == attempt,
            col(DisconnectRow.ended_at).is_(None),
        )
        .values(attempt=attempt + 1, next_at=next_at)
    )
    return won(session, statement)


def tokens_overdue(session: Session, now: datetime) -> list[Disconnect]:
    """Return those whose tokens are still here although their time is over."""
    statement = select(DisconnectRow).where(
        col(DisconnectRow.ended_at).is_(None),
        col(DisconnectRow.outcome).is_(None),
        col(DisconnectRow.tokens_due_at) <= now,
    )
    return [as_disconnect(row) for row in session.exec(statement)]


def waiting_since(session: Session, instant: datetime) -> list[Disconnect]:
    """Return the unfinished ones whose newest attempt was due before that instant."""
    statement = select(DisconnectRow).where(col(DisconnectRow.ended_at).is_(None), col(DisconnectRow.next_at) < instant)
    return [as_disconnect(row) for row in session.exec(statement)]


def forget_before(session: Session, instant: datetime) -> int:
    """Delete those that ended before that instant; return how many. The connection and the audit keep what matters."""
    return session.connection().execute(delete(DisconnectRow).where(col(DisconnectRow.ended_at) < instant)).rowcount


def _own_connection(disconnect: Disconnect) -> Update:
    return update(ConnectionRow).where(
        col(ConnectionRow.source_id) == disconnect.source_id, col(ConnectionRow.version) == disconnect.version
    )


def as_disconnect(row: DisconnectRow) -> Disconnect:
    """Turn a row into a fact."""
    return Disconnect(
        id=row.id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        member_id=row.member_id,
        at=row.at,
        version=row.version,
        erase_data=row.erase_data,
        region=row.region,
        environment=row.environment,
        tokens_due_at=row.tokens_due_at,
        attempt=row.attempt,
        next_at=row.next_at,
        outcome=GrantEnd(row.outcome) if row.outcome else None,
        settled_at=row.settled_at,
        data_erased_at=row.data_erased_at,
        ended_at=row.ended_at,
    )
