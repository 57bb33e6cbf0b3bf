"""Roles by Slack user group: which group of which workspace gives which role, and who has one by it."""

from collections.abc import Mapping

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.people import GroupRole, Role, SlackIdentity
from storage.tables import MemberRow, OrganizationRow


def read(text: str) -> tuple[GroupRole, ...]:
    """Read ``role=team/group`` by commas."""
    found = []
    for entry in filter(None, text.split(",")):
        role, _, place = entry.partition("=")
        team_id, _, group_id = place.partition("/")
        found.append(GroupRole(Role(role), team_id, group_id))
    return tuple(found)


def of_organization(session: Session, organization_id: str) -> tuple[GroupRole, ...]:
    """Return the agreements of an organization."""
    row = session.get(OrganizationRow, organization_id, populate_existing=True)
    return read(row.group_roles) if row else ()


def everywhere(session: Session) -> dict[str, tuple[GroupRole, ...]]:
    """Return the agreements of every organization that has some."""
    statement = select(OrganizationRow.id, OrganizationRow.group_roles).where(OrganizationRow.group_roles != "")
    return {organization_id: read(text) for organization_id, text in session.exec(statement)}


def put(session: Session, organization_id: str, team_id: str, group_id: str, role: Role | None) -> Role | None:
    """Give a group a role, or none any more; return the role that it gave before."""
    row = session.get_one(OrganizationRow, organization_id, with_for_update=True)
    known = {(each.team_id, each.group_id): each.role for each in read(row.group_roles)}
    before = known.pop((team_id, group_id), None)
    if role is not None:
        known[team_id, group_id] = role
    row.group_roles = ",".join(f"{given.value}={team}/{group}" for (team, group), given in sorted(known.items()))
    session.add(row)
    session.flush()
    return before


def give(session: Session, identity: SlackIdentity, role: Role | None) -> bool:
    """Set what groups give one member; return whether that changed anything."""
    row = session.exec(
        select(MemberRow).where(
            MemberRow.team_id == identity.team_id,
            MemberRow.user_id == identity.user_id,
            col(MemberRow.removed_at).is_(None),
        )
    ).first()
    wanted = role.value if role else None
    if row is None or row.group_role == wanted:
        return False
    row.group_role = wanted
    session.add(row)
    session.flush()
    return True


def differing(session: Session, organization_id: str, team_id: str, roles: Mapping[str, Role]) -> list[str]:
    """Return the members of a workspace whose groups give them something else than what is stored."""
    statement = select(MemberRow.user_id, MemberRow.group_role).where(
        MemberRow.organization_id == organization_id,
        MemberRow.team_id == team_id,
        col(MemberRow.removed_at).is_(None),
    )
    return [
        user_id
        for user_id, stored in session.exec(statement)
        if stored != (roles[user_id].value if user_id in roles else None)
    ]


def with_roles(session: Session) -> list[tuple[str, str]]:
    """Return (organization, team) wherever some member has a role by a group."""
    statement = (
        select(MemberRow.organization_id, MemberRow.team_id).where(col(MemberRow.group_role).is_not(None)).distinct()
    )
    return list(session.exec(statement))


def clear(session: Session, organization_id: str, team_id: str) -> int:
    """Take away what groups give in a workspace, since nobody can tell who is in them; return from how many."""
    statement = (
        update(MemberRow)
        .where(
            col(MemberRow.organization_id) == organization_id,
            col(MemberRow.team_id) == team_id,
            col(MemberRow.group_role).is_not(None),
        )
        .values(group_role=None)
    )
    taken = session.connection().execute(statement).rowcount
    session.expire_all()
    return taken
