"""Workspaces as installing and leaving move them: whose they are, open or closed."""

from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from storage.records.inserts import insert
from storage.tables import OrganizationRow, WorkspaceRow


@dataclass(frozen=True, slots=True)
class Workspace:
    """One Slack workspace."""

    team_id: str
    #: None for the operator's support workspace
    organization_id: str | None
    name: str
    bot_user_id: str | None
    enterprise_id: str | None
    closed_at: datetime | None


def find(session: Session, team_id: str) -> Workspace | None:
    """Return a workspace that we ever met."""
    row = session.get(WorkspaceRow, team_id, populate_existing=True)
    return _fact(row) if row else None


def of_enterprise(session: Session, enterprise_id: str) -> list[Workspace]:
    """Return the workspaces of an enterprise that we ever met."""
    statement = select(WorkspaceRow).where(WorkspaceRow.enterprise_id == enterprise_id).order_by(WorkspaceRow.team_id)
    return [_fact(row) for row in session.exec(statement)]


def of_organization(session: Session, organization_id: str) -> list[Workspace]:
    """Return the workspaces of an organization, closed ones too."""
    statement = (
        select(WorkspaceRow).where(WorkspaceRow.organization_id == organization_id).order_by(WorkspaceRow.team_id)
    )
    return [_fact(row) for row in session.exec(statement)]


def is_closed(session: Session, team_id: str) -> bool:
    """Whether Tidings was installed there, and was removed."""
    row = session.get(WorkspaceRow, team_id, populate_existing=True)
    return row is not None and row.closed_at is not None


def open_(
    session: Session,
    team_id: str,
    organization_id: str | None,
    name: str,
    *,
    enterprise_id: str | None,
    bot_user_id: str | None,
    installed: bool,
) -> None:
    """Add a workspace, or open it again. Whose it is stays as it was, and so do its members.

    With `installed` the workspace has tokens of its own, so that one given by hand counts no more.
    """
    row = session.get(WorkspaceRow, team_id)
    if row is None:
        row = WorkspaceRow(team_id=team_id, organization_id=organization_id, name=name)
    row.name, row.closed_at = name or row.name, None
    row.enterprise_id = enterprise_id or row.enterprise_id
    row.bot_user_id = bot_user_id or row.bot_user_id
    if installed:
        row.bot_token = None
    session.add(row)
    session.flush()


def close(session: Session, team_id: str, now: datetime) -> bool:
    """Close a workspace and forget its token; False when it was closed already."""
    row = session.get(WorkspaceRow, team_id, with_for_update=True)
    if row is None or row.closed_at is not None:
        return False
    row.closed_at, row.bot_token = now, None
    session.add(row)
    session.flush()
    return True


def found_organization(session: Session, organization_id: str, name: str, now: datetime) -> None:
    """Add the organization of a workspace that nobody knew; admins of its workspaces are its admins."""
    insert(
        session,
        OrganizationRow,
        id=organization_id,
        name=name,
        timezone="UTC",
        created_at=now,
        slack_admins=True,
    )


def takes_slack_admins(session: Session, organization_id: str) -> bool:
    """Whether admins of the organization's Slack workspaces are its admins when they first speak."""
    row = session.get(OrganizationRow, organization_id)
    return row is not None and row.slack_admins


def set_zone(session: Session, organization_id: str, timezone: str) -> None:
    """Remember where an organization is, while nobody has said it."""
    row = session.get_one(OrganizationRow, organization_id)
    if row.timezone == "UTC":
        row.timezone = timezone
        session.add(row)


def closed(session: Session) -> list[Workspace]:
    """Return the workspaces that Tidings was removed from."""
    statement = select(WorkspaceRow).where(col(WorkspaceRow.closed_at).is_not(None)).order_by(WorkspaceRow.team_id)
    return [_fact(row) for row in session.exec(statement)]


def open_teams(session: Session) -> list[str]:
    """Return the ids of all open workspaces."""
    return list(session.exec(select(WorkspaceRow.team_id).where(col(WorkspaceRow.closed_at).is_(None))))


def _fact(row: WorkspaceRow) -> Workspace:
    return Workspace(row.team_id, row.organization_id, row.name, row.bot_user_id, row.enterprise_id, row.closed_at)
