"""Which bot token belongs to a workspace: kept for a minute, asked for once however many requests wait for it."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

from connectors.errors import Broken
from storage.facts.clock import Clock
from storage.facts.secret import Secret

_KEEP = timedelta(seconds=60)
#: A workspace where we are not installed may install any moment.
_KEEP_NONE = timedelta(seconds=5)
_MOST = 10_000

#: Looks up the bot token of a workspace; None where we are not installed. Broken: what is stored cannot be opened.
FetchToken = Callable[[str], Awaitable[Secret | None]]


class Tokens:
    """The bot tokens of the workspaces."""

    def __init__(self, fetch: FetchToken, clock: Clock) -> None:
        self._fetch = fetch
        self._clock = clock
        self._known: dict[str, tuple[datetime, Secret | None]] = {}
        self._asked: dict[str, asyncio.Task[Secret | None]] = {}
        self._unreadable: set[str] = set()

    async def of(self, team_id: str) -> Secret | None:
        """Return the token; None where we are not installed, or cannot read what is stored."""
        known = self._known.get(team_id)
        if known is not None and self._clock.now() - known[0] <= (_KEEP if known[1] else _KEEP_NONE):
            return known[1]
        task = self._asked.get(team_id)
        if task is None:
            task = self._asked[team_id] = asyncio.create_task(self._look_up(team_id))
            task.add_done_callback(lambda _: self._asked.pop(team_id, None))
        # One caller that gives up does not take the answer away from the others.
        return await asyncio.shield(task)

    def forget(self, team_id: str) -> None:
        """Look again at the next request: the token was revoked, or a new one came."""
        self._known.pop(team_id, None)

    def unreadable(self, team_id: str) -> bool:
        """Whether a token is stored that cannot be opened: we hear the workspace, and cannot speak there."""
        return team_id in self._unreadable

    async def _look_up(self, team_id: str) -> Secret | None:
        self._unreadable.discard(team_id)
        try:
            token = await self._fetch(team_id)
        except Broken:
            # Logged where it was found.
            token = None
            self._unreadable.add(team_id)
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[team_id] = (self._clock.now(), token)
        return token
