"""Bot tokens that rotate: renewed by one process at a time, saved before their first use."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

import structlog

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.slack_install import BotAccess, renewed
from connectors.slack_signin import SlackApp
from jobs.leasing import LEASE_SECONDS, leased
from storage.credentials import BotGrant, open_installation, seal_installation
from storage.facts.clock import Clock
from storage.facts.installations import Installation, InstallKey
from storage.facts.secret import Secret
from storage.records import installations
from storage.rotation import install_lease
from storage.seal import Seal, SealError
from storage.sessions import Database, DatabaseBusyError

#: The sweep renews a token that long before it ends, as Slack's own library does.
AHEAD = timedelta(hours=2)
#: With less left than that, a token is renewed before it is used.
NOW = timedelta(minutes=2)
#: How often a renewal that Slack refused is tried again.
TRY_AGAIN = timedelta(hours=1)
#: How long saving a renewed token is tried: the one before it is used up.
_SAVE_SECONDS = 60.0
_SAVE_PAUSE = 0.2

#: The token is stored and cannot be opened: its key is gone, or the row was changed.
UNREADABLE = "bot_token_unreadable"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Usable:
    """A token that works now, as far as we know."""

    token: Secret
    installation: Installation


class InstallTokens:
    """Hands out the token of an installation, and renews it in time."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        seal: Seal,
        app: SlackApp,
        *,
        checkpoint: Callable[[str], None] = lambda _name: None,
        lease_seconds: float = LEASE_SECONDS,
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._app = app
        self._checkpoint = checkpoint
        self._lease_seconds = lease_seconds
        self._renewing: dict[InstallKey, asyncio.Task[Installation]] = {}

    async def usable(self, found: Installation) -> Usable | None:
        """Return the token, renewed first where it is about to end; None once the installation was removed.

        Where Slack does not renew it, the token of before is returned: whatever uses it learns what Slack says. Broken:
        what is stored cannot be opened.
        """
        if found.expires_at is not None and found.expires_at - self._clock.now() <= NOW:
            try:
                found = await self.renew(found.key, NOW)
            except ConnectorError as error:
                log.warning("bot_token_not_renewed", installation=_named(found.key), reason=error.code)
        if found.tokens is None:
            return None
        return Usable(self._opened(found, found.tokens).access, found)

    async def sweep(self) -> None:
        """Renew every token that ends soon; for the clock."""
        now = self._clock.now()
        for found in await self._database.reading(installations.active):
            waits = found.refused_at is not None and now - found.refused_at < TRY_AGAIN
            if found.expires_at is None or found.expires_at - now > AHEAD or waits:
                continue
            try:
                await self.renew(found.key, AHEAD)
            except ConnectorError as error:
                log.warning("bot_token_not_renewed", installation=_named(found.key), reason=error.code)

    async def renew(self, key: InstallKey, ahead: timedelta) -> Installation:
        """Return the installation with a token that lives longer than `ahead`, a sibling's where there is one.

        Retry: Slack or a sibling takes too long. Reconnect: Slack no longer accepts what we have. Shielded: who stops
        waiting must not lose a token between Slack's answer and the save.
        """
        task = self._renewing.get(key)
        if task is None:
            task = self._renewing[key] = asyncio.create_task(self._renew(key, ahead))
            task.add_done_callback(lambda ended: self._ended(key, ended))
        return await asyncio.shield(task)

    def _ended(self, key: InstallKey, task: asyncio.Task[Installation]) -> None:
        self._renewing.pop(key, None)
        error = None if task.cancelled() else task.exception()
        # Looked at, also where nobody waits for it any more: the next one meets the same answer and tells it. A fault
        # of ours is told here, since it may not come again.
        if error is not None and not isinstance(error, ConnectorError):
            log.error("bot_token_renewal_failed", installation=_named(key), exc_info=error)

    async def _renew(self, key: InstallKey, ahead: timedelta) -> Installation:
        async with leased(
            self._database,
            install_lease(key),
            seconds=self._lease_seconds,
            patience=2 * self._lease_seconds,
            busy=lambda: Retry(5, "another process is renewing this token", code="token_busy"),
        ):
            found = await self._found(key)
            if found.tokens is None or found.expires_at is None or found.expires_at - self._clock.now() > ahead:
                return found
            grant = self._opened(found, found.tokens)
            if grant.refresh is None:
                return found
            try:
                fresh = await renewed(self._app, grant.refresh)
            except Reconnect:
                return await self._second_look(found)
            self._checkpoint("install.renewed")
            await self._save(found, fresh)
            return await self._found(key)

    def _opened(self, found: Installation, tokens: bytes) -> BotGrant:
        try:
            return open_installation(self._seal, found.key, found.version, tokens)
        except SealError as error:
            raise unreadable(_named(found.key), found.name, error) from error

    async def _second_look(self, tried: Installation) -> Installation:
        """After a refusal: maybe somebody installed again meanwhile; only an unchanged row makes it final."""
        again = await self._found(tried.key)
        if again.version != tried.version:
            return again
        now = self._clock.now()
        await self._database.writing(lambda session: installations.refused(session, tried, now))
        log.error("bot_token_refused", installation=_named(tried.key), workspace=tried.name)
        raise Reconnect("Slack no longer renews this token: install the app again", code="bot_token_refused")

    async def _save(self, before: Installation, fresh: BotAccess) -> None:
        """Commit the new tokens before anybody uses them. A busy database is waited for: there is no second answer."""
        grant = BotGrant(fresh.token, fresh.refresh)
        sealed = seal_installation(self._seal, before.key, before.version + 1, grant)
        expires_at = self._clock.now() + timedelta(seconds=fresh.expires_in) if fresh.expires_in else None
        deadline = time.monotonic() + _SAVE_SECONDS
        while True:
            try:
                won = await self._database.writing(
                    lambda session: installations.renewed(session, before, sealed, expires_at)
                )
            except DatabaseBusyError:
                if time.monotonic() > deadline:
                    log.exception("bot_token_lost", installation=_named(before.key), workspace=before.name)
                    raise
                await asyncio.sleep(_SAVE_PAUSE)
            else:
                if not won:
                    # Installed again, or removed, meanwhile: what is stored now counts.
                    log.info("bot_token_overtaken", installation=_named(before.key))
                return

    async def _found(self, key: InstallKey) -> Installation:
        found = await self._database.reading(lambda session: installations.find(session, key))
        if found is None:
            raise Reconnect("the app is not installed there", code="not_installed")
        return found


def unreadable(team_id: str, name: str, error: SealError) -> Broken:
    """Tell whoever runs Tidings, and return what to raise: one workspace's token stops no other's."""
    log.error("bot_token_unreadable", installation=team_id, workspace=name, reason=str(error))
    return Broken(f"the stored Slack token of this workspace cannot be opened: {error}", code=UNREADABLE)


def _named(key: InstallKey) -> str:
    return key.team_id or key.enterprise_id
