"""Members: who belongs to an organization, with which role; changed only together with an audit entry."""

from datetime import datetime

from sqlalchemy import update
from sqlmodel import Session, col, select

from storage.facts.ids import new_id
from storage.facts.people import Member, Role, SlackIdentity
from storage.records.inserts import insert
from storage.records.organizations import as_member
from storage.tables import MemberRow


def of_organization(session: Session, organization_id: str) -> list[Member]:
    """Return the members, the highest role first, then by name."""
    statement = select(MemberRow).where(
        MemberRow.organization_id == organization_id, col(MemberRow.removed_at).is_(None)
    )
    found = [as_member(row) for row in session.exec(statement)]
    return sorted(found, key=lambda member: (-member.role.rank, member.name.casefold(), member.id))


def ever(session: Session, organization_id: str) -> list[Member]:
    """Return everybody who is or was a member; for names in what happened."""
    statement = select(MemberRow).where(MemberRow.organization_id == organization_id)
    return [as_member(row) for row in session.exec(statement)]


def admit(
    session: Session, organization_id: str, identity: SlackIdentity, name: str, timezone: str, role: Role
) -> tuple[Member, Role | None]:
    """Give a person that role; return the member, and the role of before (None: no member before).

    ValueError for somebody who belongs to another organization already.
    """
    statement = select(MemberRow).where(MemberRow.team_id == identity.team_id, MemberRow.user_id == identity.user_id)
    row = session.exec(statement).first()
    if row is None:
        member_id = new_id("mem")
        insert(
            session,
            MemberRow,
            id=member_id,
            organization_id=organization_id,
            team_id=identity.team_id,
            user_id=identity.user_id,
            name=name,
            role=role.value,
            timezone=timezone,
        )
        return as_member(session.get_one(MemberRow, member_id)), None
    if row.organization_id != organization_id:
        raise ValueError("a person belongs to one organization")
    before = Role(row.role) if row.removed_at is None else None
    row.role, row.removed_at, row.name = role.value, None, name
    session.add(row)
    session.flush()
    return as_member(row), before


def was_ever(session: Session, identity: SlackIdentity) -> bool:
    """Whether the person is or was a member: whoever lost a role gets none back by themselves."""
    statement = select(MemberRow.id).where(MemberRow.team_id == identity.team_id, MemberRow.user_id == identity.user_id)
    return session.exec(statement).first() is not None


def introduce(session: Session, identity: SlackIdentity, name: str, timezone: str) -> None:
    """Give a member the name and zone of their profile."""
    statement = (
        update(MemberRow)
        .where(col(MemberRow.team_id) == identity.team_id, col(MemberRow.user_id) == identity.user_id)
        .values(name=name, timezone=timezone)
    )
    session.connection().execute(statement)
    session.expire_all()


def remove(session: Session, member_id: str, now: datetime) -> None:
    """Take a person's role away; what they did stays theirs."""
    session.connection().execute(update(MemberRow).where(col(MemberRow.id) == member_id).values(removed_at=now))
    session.expire_all()


def by_name(session: Session, organization_id: str, words: str) -> list[Member]:
    """Return the members whose name or Slack id is that text, whatever its case."""
    wanted = words.casefold()
    found = of_organization(session, organization_id)
    return [member for member in found if wanted in (member.name.casefold(), member.user_id.casefold())]
