"""Keeping a grant alive: refreshing tokens, one at a time, saved before they are used."""

import asyncio
from datetime import timedelta

import structlog

from connectors.errors import TOKEN_REJECTED, ConnectorError, Reconnect
from connectors.oauth.asking import TokenEndpoint
from connectors.oauth.rounds import converse, renewal
from connectors.tokens import Tokens, TokenStore
from connectors.wire import HttpLimits
from storage.facts.clock import Clock
from storage.facts.secret import Secret

log = structlog.get_logger()

#: A token is renewed this long before it expires, so that no call starts with one that dies on the way.
AHEAD = timedelta(minutes=2)


class TokenKeeper:
    """Hands out the access token of one grant and renews it: single flight, saved before first use."""

    def __init__(self, store: TokenStore, endpoint: TokenEndpoint, *, clock: Clock, limits: HttpLimits) -> None:
        self._store = store
        self._endpoint = endpoint
        self._clock = clock
        self._limits = limits
        self._tokens: Tokens | None = None
        self._single = asyncio.Lock()
        self._renewing: set[asyncio.Task[Secret]] = set()

    async def token(self) -> Secret:
        """Return an access token that should work now; renews one that is about to expire."""
        if self._tokens is None:
            self._tokens = await self._store.load()
        if self._usable(self._tokens):
            return self._tokens.access
        return await self.renew(self._tokens.access)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the newest tokens carry."""
        return self._tokens.scopes if self._tokens else ()

    async def renew(self, rejected: Secret) -> Secret:
        """Return a token other than the rejected one: a sibling's newer one if there is, else a fresh one.

        Shielded: a cancelled collection must not lose a token between the provider's answer and the save.
        """
        task = asyncio.ensure_future(self._renew(rejected))
        # Held, because the loop alone does not keep a task that nobody waits for any more.
        self._renewing.add(task)
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            task.add_done_callback(_ended_alone)
            raise
        finally:
            task.add_done_callback(self._renewing.discard)

    async def _renew(self, rejected: Secret) -> Secret:
        async with self._single, self._store.lease():
            stored = await self._store.load()
            if stored.access != rejected and self._usable(stored):
                self._tokens = stored
                return stored.access
            if stored.refresh is None:
                raise Reconnect("the provider no longer accepts the token", code=TOKEN_REJECTED)
            try:
                fresh = await self._ask(stored)
            except Reconnect as refusal:
                fresh = await self._second_look(stored, rejected, refusal)
            return await self._adopt(fresh)

    def _usable(self, tokens: Tokens) -> bool:
        return tokens.expires_at is None or tokens.expires_at - self._clock.now() > AHEAD

    async def _second_look(self, tried: Tokens, rejected: Secret, refusal: Reconnect) -> Tokens:
        """After invalid_grant: maybe a sibling rotated the token meanwhile; only an unchanged store makes it final."""
        again = await self._store.load()
        if again.refresh == tried.refresh:
            raise refusal
        if again.access != rejected and self._usable(again):
            return again
        return await self._ask(again)

    async def _adopt(self, fresh: Tokens) -> Secret:
        await self._store.save(fresh)
        self._tokens = fresh
        return fresh.access

    async def _ask(self, tokens: Tokens) -> Tokens:
        return await converse(renewal(tokens, self._endpoint, self._clock.now()), self._endpoint.url, self._limits)


def _ended_alone(task: asyncio.Task[Secret]) -> None:
    """Take the error of a renewal whose caller has left; the next one meets the same answer and tells it."""
    if task.cancelled() or (error := task.exception()) is None:
        return
    if isinstance(error, ConnectorError):
        log.info("renewal_failed_alone", reason=type(error).__name__)
    else:
        # A fault of ours may not come again.
        log.error("renewal_failed", exc_info=error)
