"""Requests for access to refreshes, who waits for their decision, and who has access."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.access import AccessRequest, Asker
from storage.facts.ids import new_id
from storage.records.guarded import won
from storage.records.inserts import insert, insert_new
from storage.records.lookups import first
from storage.tables import AccessAskerRow, AccessRequestRow, MemberRow, OrganizationRow


def allowed(session: Session, organization_id: str) -> bool:
    """Whether support let the organization refresh."""
    row = first(session, OrganizationRow, id=organization_id)
    return row is not None and row.refresh_allowed_at is not None


def allow(session: Session, organization_id: str, at: datetime | None) -> None:
    """Let the organization refresh from then on; None takes that away."""
    statement = update(OrganizationRow).where(col(OrganizationRow.id) == organization_id)
    won(session, statement.values(refresh_allowed_at=at))


def newest(session: Session, organization_id: str) -> AccessRequest | None:
    """Return the newest request of the organization."""
    statement = (
        select(AccessRequestRow)
        .where(AccessRequestRow.organization_id == organization_id)
        .order_by(col(AccessRequestRow.at).desc(), col(AccessRequestRow.settled_at).is_(None).desc())
        .limit(1)
    )
    row = session.exec(statement).first()
    return _as_request(session, row) if row else None


def find(session: Session, request_id: str) -> AccessRequest | None:
    """Return the request, whosever it is; for support, who are authorized by the post that names it."""
    row = session.get(AccessRequestRow, request_id, populate_existing=True)
    return _as_request(session, row) if row else None


def begin(session: Session, organization_id: str, member_id: str, at: datetime) -> str:
    """Insert an open request and return its id; IntegrityError while another one is open."""
    request_id = new_id("acr")
    insert(session, AccessRequestRow, id=request_id, organization_id=organization_id, member_id=member_id, at=at)
    return request_id


def join(session: Session, request_id: str, member_id: str, *, at: datetime, wanted: str, again: str) -> bool:
    """Let a member be told of the decision; return whether that is new."""
    return insert_new(
        session, AccessAskerRow, request_id=request_id, member_id=member_id, at=at, wanted=wanted, again=again
    )


def settle(session: Session, request_id: str, by: str | None, at: datetime, *, approved: bool | None) -> bool:
    """Close the request; return whether it was open: it is decided once."""
    statement = (
        update(AccessRequestRow)
        .where(col(AccessRequestRow.id) == request_id, col(AccessRequestRow.settled_at).is_(None))
        .values(settled_at=at, settled_by=by, approved=approved)
    )
    return won(session, statement)


def _as_request(session: Session, row: AccessRequestRow) -> AccessRequest:
    organization = session.get_one(OrganizationRow, row.organization_id)
    return AccessRequest(
        id=row.id,
        organization_id=row.organization_id,
        organization=organization.name,
        account_rep=organization.account_rep,
        at=row.at,
        askers=_askers(session, row.id),
        settled_at=row.settled_at,
        settled_by=row.settled_by,
        approved=row.approved,
    )


def _askers(session: Session, request_id: str) -> tuple[Asker, ...]:
    statement = (
        select(AccessAskerRow, MemberRow.name)
        .join(MemberRow, col(MemberRow.id) == col(AccessAskerRow.member_id))
        .where(AccessAskerRow.request_id == request_id)
        .order_by(col(AccessAskerRow.at), AccessAskerRow.member_id)
    )
    return tuple(Asker(row.member_id, name, row.at, row.wanted, row.again) for row, name in session.exec(statement))
