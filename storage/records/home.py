"""What the App Home shows beside the status: who connected what, and how many there are of everything."""

from collections.abc import Mapping

from sqlalchemy import func
from sqlmodel import Session, col, select

from storage.facts.people import Role
from storage.tables import ConnectionRow, EndpointRow, MemberRow


def owner_names(session: Session, organization_id: str) -> dict[str, str]:
    """Return who connected each source of the organization, by source id; only members who are still there."""
    statement = (
        select(ConnectionRow.source_id, MemberRow.name)
        .join(MemberRow, col(MemberRow.id) == col(ConnectionRow.connected_by))
        .where(MemberRow.organization_id == organization_id, col(MemberRow.removed_at).is_(None))
    )
    return dict(session.exec(statement).all())


def members_by_role(session: Session, organization_id: str) -> Mapping[Role, int]:
    """Return how many members have each role."""
    statement = (
        select(MemberRow.role, MemberRow.group_role, func.count())
        .where(MemberRow.organization_id == organization_id, col(MemberRow.removed_at).is_(None))
        .group_by(col(MemberRow.role), col(MemberRow.group_role))
    )
    counts: dict[Role, int] = {}
    for own, by_group, count in session.exec(statement):
        # A user group adds to a role and takes nothing from it.
        role = max(Role(own), Role(by_group or own), key=lambda one: one.rank)
        counts[role] = counts.get(role, 0) + count
    return counts


def webhooks(session: Session, organization_id: str) -> int:
    """Return how many addresses webhooks are sent to."""
    statement = select(func.count()).where(EndpointRow.organization_id == organization_id)
    return int(session.exec(statement).one())
