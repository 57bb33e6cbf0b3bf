"""Who becomes a member without being named: admins of the Slack workspace, and people of an agreed user group.

Only where nobody decided otherwise: whoever was a member once gets nothing back by this.
"""

from dataclasses import dataclass

from jobs.desk import Desk
from jobs.installs import trail
from jobs.user_groups import UserGroups
from storage.facts.clock import Clock
from storage.facts.people import GroupRole, Member, Role, SlackIdentity
from storage.records import audit, authority, groups, installations, members, organizations, workspaces
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Standing:
    """How a person stands to the organization of their workspace."""

    organization_id: str
    member: Member | None
    was_member: bool
    #: whether Slack's word makes them admin
    admin: bool
    agreed: tuple[GroupRole, ...]


class Admissions:
    """Gives a person who speaks what Slack says they have."""

    def __init__(self, desk: Desk, clock: Clock, user_groups: UserGroups) -> None:
        self._desk = desk
        self._clock = clock
        self._groups = user_groups

    async def admit(self, identity: SlackIdentity, *, name: str, timezone: str, slack_admin: bool) -> None:
        """Make a full member of a workspace what they are by Slack's word. Asks Slack; for workers."""
        standing = await self._desk.read(lambda session: _standing(session, identity, slack_admin=slack_admin))
        if standing is None or (standing.was_member and standing.member is None):
            return
        by_group = await self._groups.role_of(identity, standing.agreed) if standing.agreed else None
        newly = standing.member is None and (standing.admin or by_group is not None)
        # What a group gives a member of before is kept up to date by the sweep; here only what is missing is added.
        added = standing.member is not None and by_group is not None and not standing.member.role.includes(by_group)
        if newly or added:
            await self._desk.write(lambda session: self._write(session, identity, standing, by_group, name, timezone))

    def _write(
        self,
        session: Session,
        identity: SlackIdentity,
        standing: Standing,
        by_group: Role | None,
        name: str,
        timezone: str,
    ) -> None:
        organizations.lock(session, standing.organization_id)
        if not members.was_ever(session, identity):
            role = Role.ADMIN if standing.admin else Role.VIEWER
            member, _ = members.admit(
                session, standing.organization_id, identity, name or identity.user_id, timezone, role
            )
            because = "admin of the Slack workspace" if standing.admin else "in a user group"
            detail: dict[str, object] = {"after": role.value, "because": because}
            detail |= authority.news(session, standing.organization_id, [authority.of_member(member.id)])
            now = self._clock.now()
            audit.record(session, standing.organization_id, member.id, trail.JOINED, member.id, now, detail)
        groups.give(session, identity, by_group)


def _standing(session: Session, identity: SlackIdentity, *, slack_admin: bool) -> Standing | None:
    workspace = workspaces.find(session, identity.team_id)
    if workspace is None or workspace.organization_id is None or workspace.closed_at is not None:
        return None
    owner = workspace.organization_id
    member = organizations.member_by_identity(session, identity)
    agreed = tuple(each for each in groups.of_organization(session, owner) if each.team_id == identity.team_id)
    if member is not None:
        return Standing(owner, member, was_member=True, admin=False, agreed=agreed)
    admin = workspaces.takes_slack_admins(session, owner) and (slack_admin or _installer(session, workspace, identity))
    return Standing(owner, None, was_member=members.was_ever(session, identity), admin=admin, agreed=agreed)


def _installer(session: Session, workspace: workspaces.Workspace, identity: SlackIdentity) -> bool:
    """Whether the person installed the app; for an enterprise nobody says in which workspace they are."""
    found = installations.of_team(session, workspace.team_id, workspace.enterprise_id)
    return found is not None and found.installed_by == identity.user_id
