"""The tokens of a grant on its way out: what is renewed in order to give it up is kept before it is used.

Some providers are told with an access token, which may have ended by then. A renewal that only memory knew would be
lost with the process, or with the attempt whose call failed: the next one would come with a refresh token that was
used, be refused, and take a grant for gone that stands.
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass

from connectors.errors import Reconnect, Retry
from connectors.tokens import Tokens
from jobs.leasing import LEASE_SECONDS, leased
from storage.sessions import Database, Session


@dataclass(frozen=True)
class LeavingTokens:
    """The token store of one grant that is being given up."""

    database: Database
    #: of the disconnect or flow that holds it
    subject: str
    read: Callable[[Session], bytes | None]
    #: puts the second sealed text in the place of the first; whether the first was still there
    replace: Callable[[Session, bytes, bytes], bool]
    open: Callable[[bytes], Tokens]
    close: Callable[[Tokens], bytes]
    checkpoint: Callable[[], None]
    lease_seconds: float = LEASE_SECONDS

    async def load(self) -> Tokens:
        """Return the newest saved tokens."""
        return self.open(await self._sealed())

    async def save(self, tokens: Tokens) -> None:
        """Keep what was renewed; who settled the grant meanwhile has the last word."""
        known, renewed = await self._sealed(), self.close(tokens)
        if not await self.database.writing(lambda session: self.replace(session, known, renewed)):
            raise Retry(1, "somebody else gave this access up a moment ago", code="token_race")
        self.checkpoint()

    @asynccontextmanager
    async def lease(self) -> AsyncIterator[None]:
        """Let one process at a time renew it."""
        async with leased(
            self.database,
            f"leaving:{self.subject}",
            seconds=self.lease_seconds,
            patience=2 * self.lease_seconds,
            busy=lambda: Retry(30, "another process is renewing this access", code="token_busy"),
        ):
            yield

    async def _sealed(self) -> bytes:
        sealed = await self.database.reading(self.read)
        if sealed is None:
            raise Reconnect("this access was given up already", code="no_grant")
        return sealed
