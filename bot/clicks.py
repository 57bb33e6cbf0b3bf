"""Accepted clicks, played behind the acks of others and told to the person who clicked; found again after a crash."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.directory import Directory
from bot.edge import in_words
from bot.interaction import Interaction, from_json
from bot.ports.services import Services
from bot.reply import NOTHING, Reply
from jobs.errors import UnavailableError
from jobs.refresh.ask import Joined, Started
from jobs.refresh.clicks import Played
from storage.facts.clicks import Click
from templates import notices

log = structlog.get_logger("bot.clicks")

#: played at once; those that wait for an ack wait for few of them
_AT_ONCE = 16
#: seconds between two tries while the database is busy; after the last one the sweep goes on
_PAUSES = (0.2, 0.5, 1.0, 2.0)
#: what its own process has not played after that long is anybody's
_LEFT = timedelta(seconds=2)

#: Puts an outcome into words, for the person as known when it was played.
Tell = Callable[[Played, Interaction], Awaitable[Reply]]
#: Shows a reply and whatever follows it.
Show = Callable[[Reply, Interaction], Awaitable[None]]


async def at_once() -> None:
    """Nobody is at an ack."""


class Plays:
    """Plays what this process accepted, and what others left."""

    def __init__(
        self,
        services: Services,
        directory: Directory,
        tell: Tell,
        turn: Callable[[], Awaitable[None]] = at_once,
        *,
        pauses: Sequence[float] = _PAUSES,
    ) -> None:
        self._services = services
        self._directory = directory
        self._tell = tell
        self._turn = turn
        self._pauses = pauses
        self._few = asyncio.Semaphore(_AT_ONCE)
        self._mine: set[tuple[str, str]] = set()

    async def told(self, click: Click, request: Interaction) -> Reply:
        """Play the click and return the words for its person; nothing when another process plays it and tells."""
        starts_nothing = True

        async def work() -> Reply:
            nonlocal starts_nothing
            try:
                played = await self._patiently(click)
            except UnavailableError:
                # Accepted is accepted: the sweep goes on.
                starts_nothing = False
                log.warning("click_played_later", team=click.team_id, card=click.trigger_id)
                return Reply(notices.accepted())
            starts_nothing = played is not None and not isinstance(played.outcome, Started | Joined)
            if played is None:
                return NOTHING
            return await in_words(lambda: self._tell(played, request), request, played.actor, self._directory)

        self._mine.add(click.key)
        try:
            reply = await in_words(work, request, None, self._directory)
        finally:
            self._mine.discard(click.key)
        return replace(reply, then=lambda: self._settled(click)) if starts_nothing else reply

    async def sweep(self, show: Show) -> None:
        """Play what nobody has played: its process died, or gave up for a while."""
        found = await self._services.clicks.waiting(_LEFT)
        await asyncio.gather(*(self._found(click, show) for click in found if click.key not in self._mine))

    async def _found(self, click: Click, show: Show) -> None:
        log.info("click_found", team=click.team_id, card=click.trigger_id)
        request = from_json(json.loads(click.request))
        await show(await self.told(click, request), request)

    async def _patiently(self, click: Click) -> Played | None:
        for pause in self._pauses:
            try:
                return await self._once(click)
            except UnavailableError:
                await asyncio.sleep(pause)
        return await self._once(click)

    async def _once(self, click: Click) -> Played | None:
        async with self._few:
            await self._turn()
            return await self._services.clicks.play(click)

    async def _settled(self, click: Click) -> Reply:
        """Forget what started nothing, now that the person knows."""
        await self._services.clicks.settle(click)
        return NOTHING
