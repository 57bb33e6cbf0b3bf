"""The bot's token in each workspace: of its installation, of a seed file, or the one of the settings."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from connectors.errors import Broken
from jobs.installs.tokens import NOW, Usable, unreadable
from storage.credentials import open_bot_token
from storage.facts.clock import Clock
from storage.facts.installations import Installation
from storage.facts.secret import Secret
from storage.records import installations, workspaces
from storage.seal import Seal, SealError
from storage.sessions import Database

_FRESH_FOR = timedelta(seconds=60)
_MOST = 10_000

#: Returns the token of an installation, renewed where that is due.
UsableOf = Callable[[Installation], Awaitable[Usable | None]]


@dataclass(frozen=True, slots=True)
class _Known:
    token: Secret
    #: not used after that, without another look
    until: datetime


class BotTokens:
    """Looks up tokens; keeps each for a minute, and never beyond its end."""

    def __init__(
        self, database: Database, clock: Clock, seal: Seal, default: Secret, *, usable: UsableOf | None = None
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._default = default
        self._usable = usable
        self._known: dict[str, _Known] = {}
        #: what could not be opened, and until when that is believed without another look
        self._broken: dict[str, tuple[datetime, Broken]] = {}

    async def token(self, team_id: str) -> Secret | None:
        """Return the bot's token in the workspace; None for a workspace that is not ours, or closed.

        Broken: a token is stored, and cannot be opened.
        """
        now = self._clock.now()
        known = self._known.get(team_id)
        if known is not None and now < known.until:
            return known.token
        self._known.pop(team_id, None)
        until, before = self._broken.get(team_id, (now, None))
        if before is not None and now < until:
            raise Broken(before.detail, code=before.code)
        self._broken.pop(team_id, None)
        try:
            found = await self._look(team_id, now)
        except Broken as error:
            self._broken[team_id] = (now + _FRESH_FOR, error)
            raise
        if found is None:
            return None
        if len(self._known) >= _MOST:
            self._known.clear()
        self._known[team_id] = found
        return found.token

    async def closed(self, team_id: str) -> bool:
        """Whether Tidings was removed from that workspace."""
        return await self._database.reading(lambda session: workspaces.is_closed(session, team_id))

    def forget(self, team_id: str) -> None:
        """Look again the next time: something was installed, or removed."""
        self._known.pop(team_id, None)
        self._broken.pop(team_id, None)

    async def _look(self, team_id: str, now: datetime) -> _Known | None:
        serving = await self._database.reading(lambda session: installations.serving(session, team_id))
        if serving is None:
            return None
        if serving.installation is not None and self._usable is not None:
            usable = await self._usable(serving.installation)
            if usable is None:
                return None
            ends = usable.installation.expires_at
            until = now + _FRESH_FOR if ends is None else min(now + _FRESH_FOR, ends - NOW)
            return _Known(usable.token, until)
        if serving.bot_token is not None:
            try:
                return _Known(open_bot_token(self._seal, team_id, serving.bot_token), now + _FRESH_FOR)
            except SealError as error:
                raise unreadable(team_id, team_id, error) from error
        # Without a token of its own: the set-up for a single workspace, whose token is in the settings.
        return _Known(self._default, now + _FRESH_FOR) if self._default else None
