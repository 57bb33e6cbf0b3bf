"""Whether a channel may be told about a company now: an admin allowed it, and nobody from outside reads along.

Looked at before every post and edit: a channel can be shared with another company at any time after it was allowed.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from jobs.deliver.fates import NOT_ALLOWED, SHARED
from jobs.deliver.results import Refused
from jobs.rooms import Room
from storage.facts.clock import Clock
from storage.records import organizations
from storage.sessions import Database, Session

#: How long "nobody from outside" is believed.
FRESH_FOR = timedelta(seconds=60)
_MOST = 10_000

#: Asks Slack about a channel.
FetchRoom = Callable[[str, str], Awaitable[Room | Refused]]


class Places:
    """Looks at channels before something is said in them."""

    def __init__(self, database: Database, clock: Clock, fetch: FetchRoom, *, support_channel: str) -> None:
        self._database = database
        self._clock = clock
        self._fetch = fetch
        self._support_channel = support_channel
        self._unshared: dict[tuple[str, str], datetime] = {}

    async def refusal(self, organization_id: str, team_id: str, channel_id: str) -> Refused | None:
        """Return why nothing may be said there now; None where it may. Direct messages and support are no question."""
        if channel_id.startswith(("U", "W", "D")):
            return None
        allowed, support = await self._database.reading(
            lambda session: _known(session, organization_id, team_id, channel_id)
        )
        if f"{team_id}/{channel_id}" in {support, self._support_channel}:
            return None
        if not allowed:
            return Refused(NOT_ALLOWED, final=True)
        return await self._shared(team_id, channel_id)

    async def _shared(self, team_id: str, channel_id: str) -> Refused | None:
        now = self._clock.now()
        seen = self._unshared.get((team_id, channel_id))
        if seen is not None and now - seen <= FRESH_FOR:
            return None
        room = await self._fetch(team_id, channel_id)
        if isinstance(room, Refused):
            # Who reads along is not known, so nothing is said there.
            return room
        if room.shared:
            self._unshared.pop((team_id, channel_id), None)
            return Refused(SHARED, final=True)
        if len(self._unshared) >= _MOST:
            self._unshared.clear()
        self._unshared[team_id, channel_id] = now
        return None


def _known(session: Session, organization_id: str, team_id: str, channel_id: str) -> tuple[bool, str | None]:
    allowed = organizations.is_allowed_channel(session, team_id, channel_id)
    return allowed, organizations.organization(session, organization_id).support_channel
