"""Who may do what: as the tables have it now, and as the audit last said it.

Every act that changes it writes the new state into its own audit entry. A right that stands in the tables and in no
entry was written by somebody with the database, past everybody who may give it.
"""

from collections.abc import Iterable

from sqlmodel import Session, col, select

from storage.facts.people import SlackIdentity
from storage.tables import AuditRow, MemberRow, OrganizationRow, SupportPersonRow

#: The chain of what belongs to no organization: the operator's support people.
OPERATOR = "operator"
#: What was there before rights were written down: taken for granted once, by migration 0012.
AS_FOUND = "as_found"
#: The name of the part of an entry that says who may do what; the value is by right, None: no more.
SAYS = "authority"

GROUPS = "user groups"
SLACK_ADMINS = "slack admins"
REFRESHES = "refresh access"

#: The actions whose entries may say something; an index of nothing else is needed.
_ACTIONS = (AS_FOUND, "seed", "install", "join", "manage_members", "decide_access")

Rights = dict[str, str | None]


def of_member(member_id: str) -> str:
    """Return what the right of a member is called."""
    return f"member {member_id}"


def of_support(identity: SlackIdentity) -> str:
    """Return what the right of a support person is called."""
    return f"support {identity.team_id}/{identity.user_id}"


def in_tables(session: Session, chain: str) -> Rights:
    """Return the rights of an organization, or of the operator's people, as they stand."""
    if chain == OPERATOR:
        people = select(SupportPersonRow.team_id, SupportPersonRow.user_id).where(
            col(SupportPersonRow.removed_at).is_(None)
        )
        return {of_support(SlackIdentity(team, user)): "listed" for team, user in session.exec(people)}
    rows = select(MemberRow.id, MemberRow.role, MemberRow.team_id, MemberRow.user_id).where(
        MemberRow.organization_id == chain, col(MemberRow.removed_at).is_(None)
    )
    # Whose role it is belongs to it: a row that is led to another account is as good as a new one.
    found: Rights = {of_member(key): f"{role} {team}/{user}" for key, role, team, user in session.exec(rows)}
    own = select(
        OrganizationRow.group_roles, OrganizationRow.slack_admins, col(OrganizationRow.refresh_allowed_at).is_not(None)
    )
    for groups, slack_admins, allowed in session.exec(own.where(OrganizationRow.id == chain)):
        given = {GROUPS: groups or None, SLACK_ADMINS: "yes" if slack_admins else None}
        given[REFRESHES] = "yes" if allowed else None
        found |= {right: value for right, value in given.items() if value}
    return found


def in_audit(session: Session, chain: str) -> Rights:
    """Return the rights that the chain's entries gave last."""
    entries = (
        select(AuditRow.detail)
        .where(AuditRow.organization_id == chain, col(AuditRow.action).in_(_ACTIONS))
        .order_by(col(AuditRow.sequence))
    )
    said: Rights = {}
    for detail in session.exec(entries):
        news = detail.get(SAYS)
        said |= news if isinstance(news, dict) else {}
    return said


def news(session: Session, chain: str, rights: Iterable[str]) -> dict[str, object]:
    """Return what an entry says about rights that its own act has just changed: as they stand in this transaction."""
    now = in_tables(session, chain)
    return {SAYS: {right: now.get(right) for right in rights}}


def unsaid(session: Session, chain: str, rights: Iterable[str]) -> Rights:
    """Return those of the rights that stand otherwise than the chain says, as they stand."""
    now, said = in_tables(session, chain), in_audit(session, chain)
    return {right: now.get(right) for right in rights if now.get(right) != said.get(right)}


def unexplained(session: Session, chain: str) -> Rights:
    """Return the rights that stand otherwise than any entry gave them, as they stand; empty: all is explained.

    The audit is read before and after the tables: a change that is committed in between is not taken for a forgery.
    """
    before = in_audit(session, chain)
    now = in_tables(session, chain)
    after = in_audit(session, chain)
    settled = [right for right in {*now, *after} if before.get(right) == after.get(right)]
    return {right: now.get(right) for right in sorted(settled) if now.get(right) != after.get(right)}
