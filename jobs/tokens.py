"""The tokens of one grant in the database: sealed, saved by compare-and-swap, refreshed by one process at a time."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import structlog

from connectors.errors import Broken, Reconnect, Retry
from connectors.oauth import Tokens
from jobs.leasing import LEASE_SECONDS, leased
from storage.credentials import Credentials, Place, open_credentials, seal_credentials
from storage.facts.clock import Clock
from storage.records import sources
from storage.records.sources import StoredGrant
from storage.rotation import lease_name
from storage.seal import Seal, SealError
from storage.sessions import Database, Session

_MOVED = "the stored access does not belong to this account: it was changed or moved in the database, and is not used"
_NO_KEY = "the stored access cannot be opened with the keys of this installation; it is kept as it is"

log = structlog.get_logger()


def _place(grant: StoredGrant, version: int) -> Place:
    return Place(grant.organization_id, grant.provider, grant.account, version)


class StoredTokens:
    """The connectors' token store for one source."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        seal: Seal,
        source_id: str,
        *,
        lease_seconds: float = LEASE_SECONDS,
        checkpoint: Callable[[str], None] = lambda _name: None,
    ) -> None:
        self._database = database
        self._clock = clock
        self._seal = seal
        self._source_id = source_id
        self._lease_seconds = lease_seconds
        self._checkpoint = checkpoint
        self._version = 0

    async def load(self) -> Tokens:
        """Return the newest saved tokens."""
        grant = await self._grant()
        self._version = grant.version
        if grant.credentials is None:
            raise Reconnect("there is no access any more: it was disconnected", code="no_grant")
        stored = self._opened(grant, grant.credentials)
        return Tokens(
            access=stored.access,
            refresh=stored.refresh,
            expires_at=stored.expires_at,
            refresh_expires_at=stored.refresh_expires_at,
            hard_expires_at=stored.hard_expires_at,
            scopes=stored.scopes,
        )

    def _opened(self, grant: StoredGrant, sealed: bytes) -> Credentials:
        try:
            return open_credentials(self._seal, _place(grant, grant.version), sealed)
        except SealError as error:
            log.warning("stored_grant_refused", source=self._source_id, reason=str(error))
            if self._seal.knows(sealed):
                # Somebody wrote it there. Connecting again puts a grant of its own in its place.
                raise Reconnect(_MOVED, code="grant_moved") from error
            raise Broken(_NO_KEY, code="grant_key_missing") from error

    async def save(self, tokens: Tokens) -> None:
        """Save durably; an older copy never overwrites a newer one (Retry: read again)."""
        self._checkpoint("tokens.answered")
        grant = await self._grant()
        renewed = Credentials(
            access=tokens.access,
            refresh=tokens.refresh,
            expires_at=tokens.expires_at,
            refresh_expires_at=tokens.refresh_expires_at,
            hard_expires_at=tokens.hard_expires_at,
            scopes=tokens.scopes,
        )
        sealed = seal_credentials(self._seal, _place(grant, self._version + 1), renewed)
        if not await self._database.writing(lambda session: self._write(session, tokens, sealed)):
            raise Retry(1, "another process saved newer access a moment ago", code="token_race")
        self._checkpoint("tokens.saved")
        self._version += 1

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        """Let one refresher at a time in, among all processes; Retry when the other one takes too long."""
        async with leased(
            self._database,
            lease_name(self._source_id),
            seconds=self._lease_seconds,
            patience=2 * self._lease_seconds,
            busy=lambda: Retry(30, "another process is renewing the access to this account", code="token_busy"),
        ):
            yield

    def _write(self, session: Session, tokens: Tokens, sealed: bytes) -> bool:
        won = sources.save_grant(
            session,
            self._source_id,
            credentials=sealed,
            expected_version=self._version,
            access_expires_at=tokens.expires_at,
            refresh_expires_at=tokens.refresh_expires_at,
            hard_expires_at=tokens.hard_expires_at,
        )
        self._checkpoint("tokens.saving")
        return won

    async def _grant(self) -> StoredGrant:
        return await self._database.reading(lambda session: sources.stored_grant(session, self._source_id))
