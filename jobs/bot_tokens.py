"""The bot's token in each workspace: sealed in the database, or the one of the settings."""

from datetime import datetime, timedelta

from storage.credentials import open_bot_token
from storage.facts.clock import Clock
from storage.facts.secret import Secret
from storage.records import organizations
from storage.seal import Seal
from storage.sessions import Database

_FRESH_FOR = timedelta(seconds=60)


class BotTokens:
    """Looks up tokens; keeps them for a minute."""

    def __init__(self, database: Database, clock: Clock, seal: Seal, default: Secret) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._default = default
        self._known: dict[str, Secret] = {}
        self._known_at: datetime | None = None

    async def token(self, team_id: str) -> Secret | None:
        """Return the bot's token in the workspace; None for a workspace that is not ours, or closed."""
        now = self._clock.now()
        if self._known_at is None or now - self._known_at > _FRESH_FOR or team_id not in self._known:
            stored = await self._database.reading(organizations.bot_tokens)
            self._known = {
                team: open_bot_token(self._seal, team, sealed) if sealed else self._default
                for team, sealed in stored.items()
            }
            self._known_at = now
        return self._known.get(team_id)
