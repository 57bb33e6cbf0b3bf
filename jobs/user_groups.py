"""Roles by Slack user group: who is in them is asked at most 60 seconds before it counts.

What Slack does not tell for a minute is taken away: nobody keeps a role because nobody could look.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime, timedelta

import structlog

from storage.facts.clock import Clock
from storage.facts.ids import new_id
from storage.facts.people import GroupRole, Role, SlackIdentity
from storage.records import groups, leases, organizations
from storage.sessions import Database, Session

FRESH_FOR = timedelta(seconds=60)
#: How often the sweep asks; a turn that fails is followed by others before the minute is over.
ASK_EVERY = 15.0

#: Asks Slack who is in a user group; None when it does not tell.
FetchGroup = Callable[[str, str], Awaitable[frozenset[str] | None]]

log = structlog.get_logger()


class UserGroups:
    """Knows what user groups give to whom."""

    def __init__(self, database: Database, clock: Clock, fetch: FetchGroup) -> None:
        self._database = database
        self._clock = clock
        self._fetch = fetch
        self._known: dict[tuple[str, str], tuple[datetime, frozenset[str]]] = {}
        self._told_at: dict[tuple[str, str], datetime] = {}
        self._holder = new_id("grp")

    async def role_of(self, identity: SlackIdentity, agreed: Sequence[GroupRole]) -> Role | None:
        """Return the highest role that groups give a person; a group that Slack does not tell about gives none."""
        given = [
            each.role
            for each in agreed
            if each.team_id == identity.team_id
            and identity.user_id in (await self._people(each.team_id, each.group_id) or frozenset())
        ]
        return max(given, key=lambda role: role.rank, default=None)

    async def is_group(self, team_id: str, group_id: str) -> bool:
        """Whether the workspace has that group."""
        return await self._asked(team_id, group_id) is not None

    async def refresh(self, organization_id: str, team_id: str) -> None:
        """Bring what is stored in one workspace to what was agreed now; the sweep does it otherwise."""
        agreed = await self._database.reading(lambda session: groups.of_organization(session, organization_id))
        await self._bring(organization_id, team_id, [each for each in agreed if each.team_id == team_id])

    async def sweep(self) -> None:
        """Bring what is stored to what Slack says, for every agreement; for the clock."""
        agreed = await self._database.reading(groups.everywhere)
        places = {(organization_id, each.team_id) for organization_id, found in agreed.items() for each in found}
        places |= set(await self._database.reading(groups.with_roles))
        for organization_id, team_id in sorted(places):
            here = [each for each in agreed.get(organization_id, ()) if each.team_id == team_id]
            if await self._mine(organization_id, team_id):
                await self._bring(organization_id, team_id, here)

    async def _mine(self, organization_id: str, team_id: str) -> bool:
        """Whether it is this process' turn; among several only one asks Slack."""
        name = f"groups:{organization_id}:{team_id}"
        seconds = ASK_EVERY * 0.6
        taken = await self._database.writing(lambda session: leases.acquire(session, name, self._holder, seconds))
        return taken is not None

    async def _bring(self, organization_id: str, team_id: str, agreed: Sequence[GroupRole]) -> None:
        now = self._clock.now()
        roles: dict[str, Role] = {}
        for each in sorted(agreed, key=lambda one: one.role.rank):
            people = await self._asked(team_id, each.group_id)
            if people is None:
                await self._untold(organization_id, team_id, now)
                return
            roles |= dict.fromkeys(people, each.role)
        self._told_at[organization_id, team_id] = now
        await self._store(organization_id, team_id, roles)

    async def _store(self, organization_id: str, team_id: str, roles: Mapping[str, Role]) -> None:
        def look(session: Session) -> list[str]:
            return groups.differing(session, organization_id, team_id, roles)

        # A look first: nearly always nothing differs, and a write lock is not free.
        changed = await self._database.reading(look)
        if not changed:
            return

        def work(session: Session) -> None:
            organizations.lock(session, organization_id)
            for user_id in changed:
                groups.give(session, SlackIdentity(team_id, user_id), roles.get(user_id))

        await self._database.writing(work)

    async def _untold(self, organization_id: str, team_id: str, now: datetime) -> None:
        first = self._told_at.setdefault((organization_id, team_id), now)
        if now - first <= FRESH_FOR - timedelta(seconds=ASK_EVERY):
            return
        taken = await self._database.writing(lambda session: groups.clear(session, organization_id, team_id))
        if taken:
            log.warning("group_roles_taken_away", org=organization_id, team=team_id, people=taken)

    async def _people(self, team_id: str, group_id: str) -> frozenset[str] | None:
        known = self._known.get((team_id, group_id))
        if known is not None and self._clock.now() - known[0] <= FRESH_FOR / 2:
            return known[1]
        return await self._asked(team_id, group_id)

    async def _asked(self, team_id: str, group_id: str) -> frozenset[str] | None:
        now = self._clock.now()
        found = await self._fetch(team_id, group_id)
        if found is None:
            self._known.pop((team_id, group_id), None)
        else:
            self._known[team_id, group_id] = (now, found)
        return found
