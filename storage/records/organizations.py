"""Organizations, workspaces, members, support people and the channels where Tidings may speak."""

from collections.abc import Collection
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import Row, Select
from sqlmodel import Session, SQLModel, col, select

from storage.facts.people import Member, Role, SlackIdentity
from storage.facts.sources import Organization
from storage.records.lookups import first, look
from storage.tables import ChannelRow, MemberRow, OrganizationRow, SupportPersonRow, WorkspaceRow


def organization(session: Session, organization_id: str) -> Organization:
    """Return the organization; KeyError when there is none of that id."""
    row = session.get(OrganizationRow, organization_id)
    if row is None:
        raise KeyError(organization_id)
    return Organization(
        id=row.id,
        name=row.name,
        timezone=row.timezone,
        support_email=row.support_email,
        support_channel=row.support_channel,
        account_rep=row.account_rep,
        metric_noun=row.metric_noun,
    )


def zone(session: Session, organization_id: str) -> str:
    """Return the name of the organization's time zone; KeyError when there is none of that id."""
    return organization(session, organization_id).timezone


def escalation_policy(session: Session, organization_id: str) -> str | None:
    """Return the policy that holds for what begins now, as it is stored; None for the default."""
    return session.exec(select(OrganizationRow.escalation_policy).where(OrganizationRow.id == organization_id)).one()


def set_escalation_policy(session: Session, organization_id: str, policy: str | None) -> None:
    """Give the organization another policy; what runs already keeps its own."""
    row = session.get_one(OrganizationRow, organization_id)
    row.escalation_policy = policy
    session.add(row)


def escalation_policies(session: Session) -> list[tuple[str, str]]:
    """Return (organization, policy as it is stored) of every organization that has one of its own."""
    rows = session.exec(select(OrganizationRow).where(col(OrganizationRow.escalation_policy).is_not(None)))
    return [(row.id, row.escalation_policy or "") for row in rows]


def lock(session: Session, organization_id: str) -> None:
    """Let no other transaction of the organization's runs and refreshes in until this one ends.

    Take it first: whoever ends the last run of a refresh must see the others ended, and the chains of receipts and
    audit entries have one end. SQLite has one writer anyway.
    """
    if session.get_bind().dialect.name == "sqlite":
        return
    statement = select(OrganizationRow.id).where(OrganizationRow.id == organization_id)
    session.exec(statement.with_for_update(key_share=True)).first()


def member_by_identity(session: Session, identity: SlackIdentity) -> Member | None:
    """Return the member behind a Slack identity; None for strangers and removed members."""
    row = first(session, MemberRow, team_id=identity.team_id, user_id=identity.user_id)
    return as_member(row) if row and row.removed_at is None else None


def known_of(session: Session, team_id: str, user_ids: Collection[str]) -> tuple[dict[str, Member], set[str]]:
    """Return those of the workspace's people who are members, and those who are support people, by their Slack ids."""
    asked = {"team": team_id, "users": list(user_ids)}
    found = {
        row.user_id: as_member(row) for row in look(session, _of_team(MemberRow), **asked) if row.removed_at is None
    }
    support = {row.user_id for row in look(session, _of_team(SupportPersonRow), **asked) if row.removed_at is None}
    return found, support


@cache
def _of_team(table: type[SQLModel]) -> Select[Any]:
    columns = table.__table__.c  # type: ignore[attr-defined]  # SQLModel's declared table
    return sqlalchemy.select(*columns).where(
        columns.team_id == sqlalchemy.bindparam("team"),
        columns.user_id.in_(sqlalchemy.bindparam("users", expanding=True)),
    )


def row_id(session: Session, identity: SlackIdentity) -> str:
    """Return our id of somebody who is or was a member; KeyError for strangers."""
    row = first(session, MemberRow, team_id=identity.team_id, user_id=identity.user_id)
    if row is None:
        raise KeyError(identity)
    return str(row.id)


def member(session: Session, member_id: str) -> Member:
    """Return the member; KeyError when there is none of that id."""
    row = session.get(MemberRow, member_id)
    if row is None:
        raise KeyError(member_id)
    return as_member(row)


def still_member(session: Session, member_id: str) -> Member | None:
    """Return the member; None for somebody who is none any more."""
    row = session.get(MemberRow, member_id)
    return as_member(row) if row is not None and row.removed_at is None else None


def admins(session: Session, organization_id: str) -> list[Member]:
    """Return the admins, by name."""
    statement = (
        select(MemberRow)
        .where(
            MemberRow.organization_id == organization_id,
            MemberRow.role == Role.ADMIN,
            col(MemberRow.removed_at).is_(None),
        )
        .order_by(MemberRow.name)
    )
    return [as_member(row) for row in session.exec(statement)]


def at_least(session: Session, organization_id: str, role: Role) -> list[Member]:
    """Return who has that role or one that includes it, by name."""
    roles = [one.value for one in Role if one.includes(role)]
    statement = (
        select(MemberRow)
        .where(
            MemberRow.organization_id == organization_id,
            col(MemberRow.role).in_(roles),
            col(MemberRow.removed_at).is_(None),
        )
        .order_by(MemberRow.name)
    )
    return [as_member(row) for row in session.exec(statement)]


def is_support(session: Session, identity: SlackIdentity) -> bool:
    """Whether the identity is one of the operator's listed support people."""
    row = first(session, SupportPersonRow, team_id=identity.team_id, user_id=identity.user_id)
    return row is not None and row.removed_at is None


def support_name(session: Session, identity: SlackIdentity) -> str:
    """Return the display name of a support person."""
    row = session.get(SupportPersonRow, (identity.team_id, identity.user_id))
    return row.name if row else identity.user_id


def is_allowed_channel(session: Session, team_id: str, channel_id: str) -> bool:
    """Whether the organization lets Tidings post about its data in that channel."""
    return first(session, ChannelRow, team_id=team_id, channel_id=channel_id) is not None


def allowed_channels(session: Session, organization_id: str) -> list[tuple[str, str]]:
    """Return (team, channel) of every channel where Tidings may speak, the one that was allowed first before others."""
    statement = (
        select(ChannelRow.team_id, ChannelRow.channel_id)
        .join(WorkspaceRow, col(WorkspaceRow.team_id) == col(ChannelRow.team_id))
        .where(WorkspaceRow.organization_id == organization_id, col(WorkspaceRow.closed_at).is_(None))
        .order_by(col(ChannelRow.allowed_at), ChannelRow.channel_id)
    )
    return list(session.exec(statement))


def set_email(
    session: Session, member_id: str, email: str | None, *, confirmed_at: datetime | None, refused_at: datetime | None
) -> None:
    """Remember the address of the Slack profile and what the member said about it."""
    row = session.get_one(MemberRow, member_id)
    row.email = email
    row.email_confirmed_at = confirmed_at
    row.email_refused_at = refused_at
    session.add(row)


def email_was_asked(session: Session, member_id: str) -> bool:
    """Whether the member already said yes or no to mail."""
    row = session.get_one(MemberRow, member_id)
    return row.email_confirmed_at is not None or row.email_refused_at is not None


def bot_tokens(session: Session) -> dict[str, bytes | None]:
    """Return the sealed bot token of each open workspace; None where the token of the settings is used."""
    statement = select(WorkspaceRow).where(col(WorkspaceRow.closed_at).is_(None))
    return {row.team_id: row.bot_token for row in session.exec(statement)}


def table_rung(session: Session, team_id: str) -> str | None:
    """Return the rung of the table ladder that this workspace accepted last."""
    row = session.get(WorkspaceRow, team_id)
    return row.table_rung if row else None


def remember_table_rung(session: Session, team_id: str, rung: str) -> None:
    """Remember which rung of the table ladder this workspace accepts."""
    row = session.get(WorkspaceRow, team_id)
    if row is not None and row.table_rung != rung:
        row.table_rung = rung
        session.add(row)


def as_member(row: MemberRow | Row[Any]) -> Member:
    """Turn a row into a fact."""
    return Member(
        id=row.id,
        organization_id=row.organization_id,
        team_id=row.team_id,
        user_id=row.user_id,
        name=row.name,
        role=_effective(row),
        timezone=row.timezone,
        email=row.email,
        email_confirmed=row.email_confirmed_at is not None,
    )


def _effective(row: MemberRow | Row[Any]) -> Role:
    """Return the higher of the role that was granted and the one that a user group gives."""
    own = Role(row.role)
    by_group = Role(row.group_role) if row.group_role else own
    return own if own.includes(by_group) else by_group


def ids(session: Session) -> list[str]:
    """Return the ids of all organizations."""
    return list(session.exec(select(OrganizationRow.id).order_by(OrganizationRow.id)))
