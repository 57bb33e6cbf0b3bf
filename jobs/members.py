"""Who may do what in an organization: listed, granted and revoked by its admins, each change in the audit."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, TooLateError
from jobs.people import People
from jobs.refresh.ask import TriggerKey
from jobs.user_groups import UserGroups
from storage.facts.clock import Clock
from storage.facts.people import Action, Actor, GroupRole, Member, Role, SlackIdentity
from storage.facts.sources import Source
from storage.records import (
    asked_last,
    audit,
    authority,
    feedback,
    groups,
    home_views,
    members,
    organizations,
    sources,
    triggers,
)
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Changed:
    """What a change of a role came to."""

    member: Member
    before: Role | None
    #: None: no member any more
    after: Role | None
    #: what a member who is none any more had connected; it stays connected until an admin takes it over
    connected: tuple[Source, ...] = ()


class OutsideError(Exception):
    """The person cannot be a member: a guest, a bot, deactivated, of another workspace or another organization's."""


class MemberService:
    """Lists and changes the members of the actor's own organization."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        people: People,
        user_groups: UserGroups | None = None,
        *,
        on_leaving: Callable[[Session, Member, datetime], object] = lambda *_: None,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._people = people
        self._user_groups = user_groups
        #: what else is to be done, in the same transaction, when somebody is no member any more
        self._on_leaving = on_leaving

    async def all(self, actor: Actor) -> list[Member]:
        """Return the members, the highest role first."""
        member = authorize(actor, Action.SEE_MEMBERS)
        return await self._desk.read(lambda session: members.of_organization(session, member.organization_id))

    async def named(self, actor: Actor, words: str) -> Member:
        """Return the one member of that name or Slack id; NotFoundError when there is none, or more than one."""
        member = authorize(actor, Action.SEE_MEMBERS)
        found = await self._desk.read(lambda session: members.by_name(session, member.organization_id, words))
        if len(found) != 1:
            raise NotFoundError
        return found[0]

    async def grant(self, actor: Actor, user_id: str, role: Role, trigger: TriggerKey) -> Changed:
        """Give a person of the admin's own workspace a role. Asks Slack who they are: after the ack only.

        OutsideError for whoever cannot be a member; UnavailableError when Slack does not tell.
        """
        admin = authorize(actor, Action.MANAGE_MEMBERS)
        identity = SlackIdentity(admin.team_id, user_id)
        await self._people.learn(identity)
        profile = self._people.profile(identity)
        if profile is None or not profile.full_member:
            raise OutsideError

        def work(session: Session) -> Changed:
            organizations.lock(session, admin.organization_id)
            self._still_admin(session, actor)
            now = self._clock.now()
            done = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
            if done is not None:
                # The same click again: what others decided since stays.
                again = organizations.member(session, done)
                return Changed(again, again.role, role)
            if role is not Role.ADMIN:
                known = organizations.member_by_identity(session, identity)
                self._not_the_last_admin(session, known)
            try:
                member, before = members.admit(
                    session, admin.organization_id, identity, profile.name or user_id, profile.timezone, role
                )
            except ValueError:
                raise OutsideError from None
            triggers.remember(session, trigger.team_id, trigger.trigger_id, member.id, now)
            detail: dict[str, object] = {"before": before.value if before else None, "after": role.value}
            detail |= authority.news(session, admin.organization_id, [authority.of_member(member.id)])
            audit.record(session, admin.organization_id, admin.id, Action.MANAGE_MEMBERS, member.id, now, detail)
            home_views.changed(session, admin.organization_id, now)
            return Changed(member, before, role)

        return await self._desk.write(work)

    async def groups(self, actor: Actor) -> tuple[GroupRole, ...]:
        """Return the user groups whose people have a role."""
        member = authorize(actor, Action.SEE_MEMBERS)
        return await self._desk.read(lambda session: groups.of_organization(session, member.organization_id))

    async def group(self, actor: Actor, group_id: str, role: Role | None, trigger: TriggerKey) -> Role | None:
        """Let people of a user group have a role without a grant of their own, or none; return the one before.

        Asks Slack whether there is such a group: after the ack only. Nobody becomes admin by a group: whoever may
        change the group in Slack could make themselves one. OutsideError where Slack shows no such group.
        """
        admin = authorize(actor, Action.MANAGE_MEMBERS)
        known = self._user_groups
        if role is Role.ADMIN or known is None:
            raise OutsideError
        if role is not None and not await known.is_group(admin.team_id, group_id):
            raise OutsideError

        def work(session: Session) -> Role | None:
            organizations.lock(session, admin.organization_id)
            self._still_admin(session, actor)
            now = self._clock.now()
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
                return role
            before = groups.put(session, admin.organization_id, admin.team_id, group_id, role)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, group_id, now)
            detail: dict[str, object] = {
                "before": before.value if before else None,
                "after": role.value if role else None,
                "user group": group_id,
            }
            detail |= authority.news(session, admin.organization_id, [authority.GROUPS])
            audit.record(session, admin.organization_id, admin.id, Action.MANAGE_MEMBERS, group_id, now, detail)
            return before

        before = await self._desk.write(work)
        await known.refresh(admin.organization_id, admin.team_id)
        return before

    async def revoke(self, actor: Actor, member_id: str, trigger: TriggerKey) -> Changed:
        """Take a member's role away; the last admin stays."""
        admin = authorize(actor, Action.MANAGE_MEMBERS)

        def work(session: Session) -> Changed:
            organizations.lock(session, admin.organization_id)
            self._still_admin(session, actor)
            now = self._clock.now()
            done = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
            if done is not None:
                # As above: who was let in again since stays.
                again = organizations.member(session, done)
                return Changed(again, again.role, None)
            found = {member.id: member for member in members.of_organization(session, admin.organization_id)}
            if member_id not in found:
                raise NotFoundError
            member = found[member_id]
            self._not_the_last_admin(session, member)
            members.remove(session, member_id, now)
            self._on_leaving(session, member, now)
            asked_last.forget_person(session, SlackIdentity(member.team_id, member.user_id))
            feedback.forget_person(session, member_id)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, member_id, now)
            connected = connected_by(session, member)
            detail: dict[str, object] = {"before": member.role.value, "after": None}
            detail |= authority.news(session, admin.organization_id, [authority.of_member(member_id)])
            if connected:
                detail["connected"] = [source.label for source in connected]
            audit.record(session, admin.organization_id, admin.id, Action.MANAGE_MEMBERS, member_id, now, detail)
            home_views.changed(session, admin.organization_id, now)
            return Changed(member, member.role, None, connected)

        return await self._desk.write(work)

    def _still_admin(self, session: Session, actor: Actor) -> None:
        """Read the role again, in the transaction of its effect: it may have gone since the click."""
        now_known = organizations.member_by_identity(session, actor.identity)
        authorize(Actor(actor.identity, now_known), Action.MANAGE_MEMBERS)

    def _not_the_last_admin(self, session: Session, member: Member | None) -> None:
        if member is None or member.role is not Role.ADMIN:
            return
        if len(organizations.admins(session, member.organization_id)) == 1:
            raise TooLateError(f"{member.name} is the only admin; make somebody else admin first")


def connected_by(session: Session, member: Member) -> tuple[Source, ...]:
    """Return the sources that stand in the member's name."""
    found = sources.connections_of(session, member.organization_id)
    return tuple(
        source for source in found if not source.on_purpose and sources.owner_of(session, source.id) == member.id
    )
