"""QuickBooks Desktops that may call, and their visits."""

from datetime import datetime

from sqlalchemy import delete, update
from sqlmodel import Session, col, select

from storage.facts.web_connector import CompanyFile, DesktopSession, WebConnector
from storage.records.guarded import won
from storage.records.inserts import insert, insert_new
from storage.tables import WebConnectorRow, WebConnectorSessionRow


def add(session: Session, made: WebConnector, password: str) -> None:
    """Keep a registration with the slow hash of its password."""
    insert(
        session,
        WebConnectorRow,
        id=made.id,
        organization_id=made.organization_id,
        source_id=made.source_id,
        member_id=made.member_id,
        user_name=made.user_name,
        password=password,
        owner_id=made.owner_id,
        file_id=made.file_id,
        created_at=made.created_at,
    )


def one(session: Session, registration_id: str) -> WebConnector | None:
    """Return the registration of that id, whosesoever it is, unless it is withdrawn."""
    row = session.get(WebConnectorRow, registration_id, populate_existing=True)
    return _as_connector(row) if row is not None and row.withdrawn_at is None else None


def locked(session: Session, registration_id: str) -> WebConnector | None:
    """Return it, and let no other call of it decide anything until this transaction ends."""
    statement = select(WebConnectorRow).where(WebConnectorRow.id == registration_id).with_for_update()
    row = session.exec(statement.execution_options(populate_existing=True)).first()
    return _as_connector(row) if row is not None and row.withdrawn_at is None else None


def all_of(session: Session, organization_id: str) -> list[WebConnector]:
    """Return an organization's registrations that are not withdrawn, the oldest first."""
    statement = select(WebConnectorRow).where(
        WebConnectorRow.organization_id == organization_id, col(WebConnectorRow.withdrawn_at).is_(None)
    )
    return [_as_connector(row) for row in session.exec(statement.order_by(col(WebConnectorRow.created_at)))]


def of_source(session: Session, source_id: str) -> list[WebConnector]:
    """Return the registrations of a source that are not withdrawn, the oldest first."""
    statement = select(WebConnectorRow).where(
        WebConnectorRow.source_id == source_id, col(WebConnectorRow.withdrawn_at).is_(None)
    )
    return [_as_connector(row) for row in session.exec(statement.order_by(col(WebConnectorRow.created_at)))]


def password_of(session: Session, registration_id: str) -> tuple[str, int, datetime | None] | None:
    """Return the hash that is kept, how many wrong ones came in a row, and when the last one did."""
    row = session.get(WebConnectorRow, registration_id, populate_existing=True)
    return (row.password, row.wrong, row.wrong_at) if row is not None and row.withdrawn_at is None else None


def tried(session: Session, registration_id: str, wrong: int, now: datetime | None) -> None:
    """Note how many passwords in a row were not the one, and when the last one came."""
    _change(session, registration_id, wrong=wrong, wrong_at=now)


def renew(session: Session, registration_id: str, password: str) -> None:
    """Let another password count from now on, and nobody wait for earlier tries."""
    _change(session, registration_id, password=password, wrong=0, wrong_at=None)


def called(session: Session, registration_id: str, now: datetime) -> None:
    """Note that it called, with the right password."""
    _change(session, registration_id, called_at=now)


def bind(session: Session, registration_id: str, company: CompanyFile) -> None:
    """Let orders be written into this company file and no other."""
    _change(session, registration_id, company_path=company.path, company_name=company.company, other_path="",
            other_name="")  # fmt: skip


def seen_other(session: Session, registration_id: str, other: CompanyFile) -> None:
    """Note which other company file was open; with an empty one that the right one was."""
    _change(session, registration_id, other_path=other.path, other_name=other.company)


def withdraw(session: Session, registration_id: str, now: datetime) -> bool:
    """Let it call no more; False when it was withdrawn before."""
    mine = (col(WebConnectorRow.id) == registration_id, col(WebConnectorRow.withdrawn_at).is_(None))
    return won(session, update(WebConnectorRow).where(*mine).values(withdrawn_at=now, password=""))


def begin(session: Session, visit: DesktopSession, ticket: str) -> bool:
    """Keep a visit by the hash of its ticket; False while another one of the registration goes on."""
    return insert_new(
        session,
        WebConnectorSessionRow,
        id=visit.id,
        registration_id=visit.registration_id,
        ticket=ticket,
        begun_at=visit.begun_at,
        seen_at=visit.seen_at,
    )


def end(session: Session, registration_id: str, now: datetime) -> None:
    """End the visit that goes on, if any: its ticket counts no more."""
    row = WebConnectorSessionRow
    mine = (col(row.registration_id) == registration_id, col(row.ended_at).is_(None))
    won(session, update(row).where(*mine).values(ended_at=now, outstanding="", message_id=""))


def forget(session: Session, source_id: str) -> None:
    """Delete every registration of a connection with its visits: company files have names."""
    theirs = select(WebConnectorRow.id).where(WebConnectorRow.source_id == source_id)
    visits = delete(WebConnectorSessionRow).where(col(WebConnectorSessionRow.registration_id).in_(theirs))
    session.connection().execute(visits)
    session.connection().execute(delete(WebConnectorRow).where(col(WebConnectorRow.source_id) == source_id))
    session.expire_all()


def forget_before(session: Session, registration_id: str, until: datetime) -> None:
    """Forget visits of a registration that ended before that time."""
    mine = (
        col(WebConnectorSessionRow.registration_id) == registration_id,
        col(WebConnectorSessionRow.ended_at) < until,
    )
    session.connection().execute(delete(WebConnectorSessionRow).where(*mine))


def live(session: Session, registration_id: str) -> DesktopSession | None:
    """Return the visit that goes on."""
    statement = select(WebConnectorSessionRow).where(
        WebConnectorSessionRow.registration_id == registration_id, col(WebConnectorSessionRow.ended_at).is_(None)
    )
    row = session.exec(statement.execution_options(populate_existing=True)).first()
    return _as_session(row) if row is not None else None


def by_ticket(session: Session, registration_id: str, ticket: str) -> DesktopSession | None:
    """Return the visit of that hash of a ticket, over or not."""
    statement = select(WebConnectorSessionRow).where(
        WebConnectorSessionRow.ticket == ticket, WebConnectorSessionRow.registration_id == registration_id
    )
    row = session.exec(statement.execution_options(populate_existing=True)).first()
    return _as_session(row) if row is not None else None


def saw(session: Session, visit: DesktopSession) -> None:
    """Keep what changed about a visit."""
    won(
        session,
        update(WebConnectorSessionRow)
        .where(col(WebConnectorSessionRow.id) == visit.id)
        .values(
            seen_at=visit.seen_at,
            ended_at=visit.ended_at,
            outstanding=visit.outstanding,
            message_id=visit.message_id,
            done=visit.done,
            error=visit.error,
        ),
    )


def last_of(session: Session, source_id: str) -> WebConnector | None:
    """Return the newest registration of a source, withdrawn or not."""
    statement = select(WebConnectorRow).where(WebConnectorRow.source_id == source_id)
    row = session.exec(statement.order_by(col(WebConnectorRow.created_at).desc()).limit(1)).first()
    return _as_connector(row) if row is not None else None


def _change(session: Session, registration_id: str, **values: object) -> None:
    won(session, update(WebConnectorRow).where(col(WebConnectorRow.id) == registration_id).values(**values))


def _as_connector(row: WebConnectorRow) -> WebConnector:
    return WebConnector(
        row.id,
        row.organization_id,
        row.source_id,
        row.member_id,
        row.user_name,
        row.owner_id,
        row.file_id,
        row.created_at,
        company=CompanyFile(row.company_path, row.company_name) if row.company_path else None,
        other=CompanyFile(row.other_path, row.other_name) if row.other_path else None,
        called_at=row.called_at,
        withdrawn_at=row.withdrawn_at,
    )


def _as_session(row: WebConnectorSessionRow) -> DesktopSession:
    return DesktopSession(
        row.id,
        row.registration_id,
        row.begun_at,
        row.seen_at,
        row.ended_at,
        row.outstanding,
        row.message_id,
        row.done,
        row.error,
    )
