"""Writes of seeding: each makes the row or brings it to what is wanted, and says which; and the operator's lists."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from storage.facts.people import Member
from storage.facts.sources import Organization
from storage.records.organizations import as_member, organization
from storage.records.sources import touch
from storage.tables import (
    ChannelRow,
    ConnectionRow,
    MemberRow,
    OrganizationRow,
    SourceRow,
    SupportPersonRow,
    WorkspaceRow,
)


class Wrote(StrEnum):
    """What a write did."""

    ADDED = "added"
    CHANGED = "changed"
    NOTHING = "nothing"
    #: the row belongs to somebody else and stays as it is
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class StoredConnection:
    """What is known of a connection without opening it."""

    version: int
    has_credentials: bool
    #: a person disconnected it on purpose
    disconnected: bool = False


def put_organization(session: Session, organization_id: str, now: datetime, **fields: Any) -> Wrote:
    """Add or update the organization."""
    row = session.get(OrganizationRow, organization_id)
    if row is None:
        return _add(session, OrganizationRow(id=organization_id, created_at=now, **fields))
    return _update(session, row, fields)


def stored_bot_token(session: Session, team_id: str) -> bytes | None:
    """Return the sealed bot token of the workspace, if there is one."""
    row = session.get(WorkspaceRow, team_id)
    return row.bot_token if row else None


def put_workspace(session: Session, team_id: str, owner: str | None, token: bytes | None, **fields: Any) -> Wrote:
    """Add or update a workspace; it is opened again if it was closed. A token of None leaves the stored one."""
    row = session.get(WorkspaceRow, team_id)
    if row is None:
        return _add(session, WorkspaceRow(team_id=team_id, organization_id=owner, bot_token=token, **fields))
    if row.organization_id != owner:
        return Wrote.REFUSED
    kept = {"bot_token": token or row.bot_token, "bot_user_id": fields["bot_user_id"] or row.bot_user_id}
    return _update(session, row, {**fields, **kept, "closed_at": None})


def put_channel(session: Session, team_id: str, channel_id: str, now: datetime) -> Wrote:
    """Allow a channel."""
    if session.get(ChannelRow, (team_id, channel_id)) is not None:
        return Wrote.NOTHING
    return _add(session, ChannelRow(team_id=team_id, channel_id=channel_id, allowed_at=now))


def put_member(
    session: Session,
    member_id: str,
    organization_id: str,
    team_id: str,
    user_id: str,
    *,
    removed_at: datetime | None,
    **fields: Any,
) -> Wrote:
    """Add, update or remove a member. An address that the member confirmed is left alone; another one asks again."""
    row = session.exec(select(MemberRow).where(MemberRow.team_id == team_id, MemberRow.user_id == user_id)).first()
    if row is None:
        fields |= {"id": member_id, "organization_id": organization_id, "team_id": team_id, "user_id": user_id}
        return _add(session, MemberRow(removed_at=removed_at, **fields))
    if row.organization_id != organization_id:
        return Wrote.REFUSED
    if fields["email"] is None or row.email_confirmed_at is not None:
        fields.pop("email")
    if (row.removed_at is None) != (removed_at is None):
        fields["removed_at"] = removed_at
    return _update(session, row, fields)


def put_support_person(session: Session, team_id: str, user_id: str, name: str, removed_at: datetime | None) -> Wrote:
    """Add, update or remove a support person."""
    row = session.get(SupportPersonRow, (team_id, user_id))
    if row is None:
        return _add(session, SupportPersonRow(team_id=team_id, user_id=user_id, name=name, removed_at=removed_at))
    fields: dict[str, Any] = {"name": name}
    if (row.removed_at is None) != (removed_at is None):
        fields["removed_at"] = removed_at
    return _update(session, row, fields)


def put_source(
    session: Session,
    new_id: str,
    organization_id: str,
    now: datetime,
    provider: str,
    account: str,
    *,
    schedule_minutes: int,
    **fields: Any,
) -> tuple[str, Wrote]:
    """Add or update a source and return its id; another schedule is another version, which the clocks notice."""
    fields["schedule_minutes"] = schedule_minutes
    row = session.exec(
        select(SourceRow).where(
            SourceRow.organization_id == organization_id,
            SourceRow.provider == provider,
            SourceRow.account == account,
        )
    ).first()
    if row is None:
        fields |= {"organization_id": organization_id, "provider": provider, "account": account}
        return new_id, _add(session, SourceRow(id=new_id, created_at=now, updated_at=now, **fields))
    if row.scheduled_at is not None:
        # A person's choice stays; the file was written before it.
        del fields["schedule_minutes"]
    elif row.schedule_minutes != schedule_minutes:
        fields["schedule_version"] = row.schedule_version + 1
    wrote = _update(session, row, fields)
    if wrote is Wrote.CHANGED:
        touch(session, row.id, now)
    return row.id, wrote


def stored_connection(session: Session, source_id: str) -> StoredConnection | None:
    """Return what is known of the source's connection."""
    row = session.get(ConnectionRow, source_id)
    if row is None:
        return None
    return StoredConnection(row.version, row.credentials is not None, disconnected=row.disconnected_by is not None)


def add_connection(
    session: Session,
    source_id: str,
    organization_id: str,
    now: datetime,
    *,
    state: str,
    reason: str | None,
    region: str = "",
) -> None:
    """Add the connection of a source, without credentials."""
    row = ConnectionRow(
        source_id=source_id, organization_id=organization_id, state=state, reason=reason, since=now, region=region
    )
    session.add(row)
    session.flush()


def put_credentials(
    session: Session,
    source_id: str,
    now: datetime,
    *,
    sealed: bytes,
    version: int,
    scopes: str,
    access_expires_at: datetime | None,
    state: str,
    reason: str | None,
) -> None:
    """Give the connection new credentials and the state that comes with them."""
    row = session.get_one(ConnectionRow, source_id, with_for_update=True)
    if row.state != state:
        row.since = now
    row.credentials, row.version, row.scopes = sealed, version, scopes
    row.access_expires_at, row.refresh_expires_at = access_expires_at, None
    row.state, row.reason = state, reason
    row.disconnected_by, row.erase_due_at, row.erase_data = None, None, False
    session.add(row)
    touch(session, source_id, now)
    session.flush()


def _add(session: Session, row: SQLModel) -> Wrote:
    session.add(row)
    session.flush()
    return Wrote.ADDED


def _update(session: Session, row: SQLModel, fields: dict[str, Any]) -> Wrote:
    different = {name: value for name, value in fields.items() if getattr(row, name) != value}
    for name, value in different.items():
        setattr(row, name, value)
    if not different:
        return Wrote.NOTHING
    session.add(row)
    session.flush()
    return Wrote.CHANGED


def organizations(session: Session) -> list[Organization]:
    """Return every organization, by name; for the operator's shell."""
    rows = session.exec(select(OrganizationRow).order_by(OrganizationRow.name))
    return [organization(session, row.id) for row in rows]


def members(session: Session, organization_id: str) -> list[Member]:
    """Return the members of an organization, by name; for the operator's shell."""
    statement = (
        select(MemberRow)
        .where(MemberRow.organization_id == organization_id, col(MemberRow.removed_at).is_(None))
        .order_by(MemberRow.name)
    )
    return [as_member(row) for row in session.exec(statement)]
