"""Who acts: roles from our tables at every call, Slack facts from a cache of at most 60 seconds."""

from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from jobs.admitting import Admissions
from jobs.desk import Desk
from jobs.errors import UnavailableError
from storage.facts.clock import Clock
from storage.facts.people import Actor, Member, SlackIdentity
from storage.facts.sources import Organization
from storage.records import organizations

_FRESH_FOR = timedelta(seconds=60)
_ROLE_FOR_READING = timedelta(seconds=5)
_CACHE_SIZE = 10_000


@dataclass(frozen=True, slots=True)
class Profile:
    """What Slack says about a person."""

    #: a full member of the workspace: no guest, no bot, not deactivated, not of another workspace
    full_member: bool
    name: str
    email: str | None
    timezone: str
    #: admin or owner of the Slack workspace
    admin: bool = False


#: What makes an account none of the workspace's own people: gone, never come, a guest, a stranger, no person.
_OUTSIDE = (
    "deleted",
    "is_bot",
    "is_connector_bot",
    "is_invited_user",
    "is_restricted",
    "is_stranger",
    "is_ultra_restricted",
    "is_workflow_bot",
)

#: Asks Slack for a profile; None when Slack cannot tell (then nobody is let in).
FetchProfile = Callable[[SlackIdentity], Awaitable[Profile | None]]


def profile_from(user: Mapping[str, Any], team_id: str) -> Profile:
    """Read a profile from Slack's user object (users.info, user_change)."""
    outside = any(user.get(flag) for flag in _OUTSIDE)
    profile = user.get("profile") or {}
    # In an enterprise one account may be in several workspaces; Slack names them.
    teams = (user.get("enterprise_user") or {}).get("teams") or ()
    here = user.get("team_id", team_id) == team_id or team_id in teams
    return Profile(
        full_member=bool(user.get("id")) and not outside and here,
        name=profile.get("real_name") or user.get("real_name") or user.get("name") or "",
        email=profile.get("email") or None,
        timezone=user.get("tz") or "UTC",
        admin=any(user.get(flag) is True for flag in ("is_admin", "is_owner", "is_primary_owner")),
    )


class People:
    """Looks up actors."""

    def __init__(self, desk: Desk, clock: Clock, fetch: FetchProfile, admissions: Admissions | None = None) -> None:
        self._desk = desk
        self._clock = clock
        self._fetch = fetch
        self._admissions = admissions
        self._profiles: OrderedDict[SlackIdentity, tuple[datetime, Profile]] = OrderedDict()
        self._left: set[SlackIdentity] = set()
        self._actors: OrderedDict[SlackIdentity, tuple[datetime, Actor]] = OrderedDict()

    async def actor(self, identity: SlackIdentity, *, rechecked: bool = False) -> Actor | None:
        """Return who this is, or None when the Slack facts about them are not known (any more).

        `rechecked` is for requests that are only written down now: their role may be sixty seconds old, because it is
        read again with the effect. All others read it again.
        """
        profile = self.profile(identity)
        if profile is None:
            return None
        if not profile.full_member:
            return Actor(identity, None)
        known = self._remembered(identity, _FRESH_FOR) if rechecked else None
        if known is not None:
            return known
        actor = await self._read(identity)
        self._keep(actor)
        return actor

    def _keep(self, actor: Actor) -> None:
        self._actors[actor.identity] = (self._clock.now(), actor)
        self._actors.move_to_end(actor.identity)
        while len(self._actors) > _CACHE_SIZE:
            self._actors.popitem(last=False)

    async def readers(self, team_id: str, identities: Collection[SlackIdentity]) -> dict[SlackIdentity, Actor | None]:
        """Return who these people of a workspace are, for requests that change nothing, with one look for all."""
        actors: dict[SlackIdentity, Actor | None] = {}
        users = set()
        for identity in identities:
            profile = self.profile(identity)
            actors[identity] = None if profile is None else Actor(identity, None)
            if profile is not None and profile.full_member:
                users.add(identity.user_id)
        if users:
            members, support = await self._desk.read(lambda session: organizations.known_of(session, team_id, users))
            for user in users:
                identity = SlackIdentity(team_id, user)
                actors[identity] = actor = Actor(identity, members.get(user), user in support)
                self._keep(actor)
        return actors

    def reader(self, identity: SlackIdentity) -> Actor | None:
        """Return who this is for a request that changes nothing, where no look at the database is needed to say so."""
        profile = self.profile(identity)
        return self._remembered(identity, _ROLE_FOR_READING) if profile is not None and profile.full_member else None

    def _remembered(self, identity: SlackIdentity, allowed: timedelta) -> Actor | None:
        known = self._actors.get(identity)
        return known[1] if known is not None and self._clock.now() - known[0] <= allowed else None

    async def _read(self, identity: SlackIdentity) -> Actor:
        member, support = await self._desk.read(
            lambda session: (
                organizations.member_by_identity(session, identity),
                organizations.is_support(session, identity),
            )
        )
        return Actor(identity, member, support)

    async def learn(self, identity: SlackIdentity) -> Actor:
        """Ask Slack about the person and return who this is; for workers, since it uses the network.

        UnavailableError when Slack does not tell: nobody is let in, and nobody is called a stranger for it.
        """
        profile = await self._fetch(identity)
        if profile is None:
            raise UnavailableError("Slack did not tell who this is")
        self._remember(identity, profile)
        if profile.full_member and self._admissions is not None:
            await self._admissions.admit(
                identity, name=profile.name, timezone=profile.timezone, slack_admin=profile.admin
            )
        return await self.actor(identity) or Actor(identity, None)

    def profile(self, identity: SlackIdentity) -> Profile | None:
        """Return what Slack said about the person within the last 60 seconds."""
        known = self._profiles.get(identity)
        if known is None or self._clock.now() - known[0] > _FRESH_FOR:
            return None
        return known[1]

    def profile_changed(self, event: Mapping[str, Any]) -> None:
        """Take over what a user_change event says."""
        user = event.get("user")
        if isinstance(user, dict) and user.get("id") and user.get("team_id"):
            identity = SlackIdentity(str(user["team_id"]), str(user["id"]))
            profile = profile_from(user, identity.team_id)
            self._remember(identity, profile)
            if not profile.full_member and len(self._left) < _CACHE_SIZE:
                self._left.add(identity)

    def left(self) -> frozenset[SlackIdentity]:
        """Return of whom Slack said since the last call that they are no full members; a reason to ask it again."""
        found = frozenset(self._left)
        self._left.clear()
        return found

    async def admins(self, organization_id: str) -> list[Member]:
        """Return the admins of an organization."""
        return await self._desk.read(lambda session: organizations.admins(session, organization_id))

    async def organization(self, organization_id: str) -> Organization:
        """Return an organization."""
        return await self._desk.read(lambda session: organizations.organization(session, organization_id))

    def _remember(self, identity: SlackIdentity, profile: Profile) -> None:
        self._profiles[identity] = (self._clock.now(), profile)
        self._profiles.move_to_end(identity)
        while len(self._profiles) > _CACHE_SIZE:
            self._profiles.popitem(last=False)
