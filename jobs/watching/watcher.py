"""One look after the other: each trouble is told once by mail, and its end once."""

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from pathlib import Path

import structlog

from jobs.deliver.results import Accepted, Result
from jobs.watching.memory import Seen, remember, remembered
from jobs.watching.troubles import WORKER_DEAD, Trouble, TroubleCode, no_database, troubles_of
from storage.facts.clock import Clock
from storage.facts.expectations import Pulse
from storage.facts.ids import derived_id
from storage.facts.messages import Message
from storage.looking import CannotLookError, look_once
from storage.records import overdue
from storage.sessions import Session
from templates import mail as letters
from templates.notices.watch import WatchLine, watch_over, watch_trouble

#: A database that hangs is one that cannot be read.
LOOK_SECONDS = 20.0

#: Sends a mail: the letter, its id, when it was written.
Send = Callable[[letters.Mail, str, datetime], Awaitable[Result]]

log = structlog.get_logger()


class Watcher:
    """Looks, remembers and tells."""

    def __init__(self, database_url: str, clock: Clock, send: Send, state: Path) -> None:
        self._url = database_url
        self._clock = clock
        self._send = send
        self._state = state

    async def look(self) -> list[TroubleCode]:
        """Look once, tell what is new and what is over; return what is wrong now, confirmed or not."""
        now = self._clock.now()
        found = {trouble.code: trouble for trouble in await self._troubles(now)}
        before = remembered(self._state)
        seen = {code: before.get(code) or _first(trouble, now) for code, trouble in found.items()}
        over = [one for code, one in before.items() if code not in found and one.told_at is not None]
        news = [
            code for code, one in seen.items() if one.told_at is None and now - one.first_seen >= found[code].confirm
        ]
        if news and await self._told(watch_trouble(_lines(seen, found, news), now), "trouble", now):
            for code in news:
                seen[code] = Seen(code, seen[code].first_seen, seen[code].since, now)
        if over and not await self._told(watch_over([_line(one) for one in over], now), "over", now):
            # Its end could not be told: it stays as it was, and the next look tries again.
            seen |= {one.code: one for one in over}
        if seen != before:
            remember(self._state, seen)
        return list(found)

    async def _troubles(self, now: datetime) -> Sequence[Trouble]:
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                pulse = await asyncio.to_thread(look_once, self._url, _pulse)
        except CannotLookError as error:
            log.warning("watch_cannot_look", reason=str(error))
            return [no_database(str(error))]
        except TimeoutError:
            log.warning("watch_cannot_look", reason="no answer in time")
            return [no_database("it did not answer in time")]
        return troubles_of(pulse, now)

    async def _told(self, message: Message, what: str, now: datetime) -> bool:
        result = await self._send(letters.render(message), derived_id("wat", what, now.isoformat()), now)
        if isinstance(result, Accepted):
            log.info("watch_told", what=what)
            return True
        log.error("watch_not_told", what=what, reason=result.reason)
        return False


def _pulse(session: Session) -> Pulse:
    return overdue.pulse(session, WORKER_DEAD)


def _first(trouble: Trouble, now: datetime) -> Seen:
    return Seen(trouble.code, now, trouble.since or now, None)


def _line(one: Seen, detail: str = "") -> WatchLine:
    return WatchLine(one.code.value, one.since, detail)


def _lines(
    seen: dict[TroubleCode, Seen], found: dict[TroubleCode, Trouble], news: Sequence[TroubleCode]
) -> list[WatchLine]:
    return [_line(seen[code], found[code].detail) for code in news]
