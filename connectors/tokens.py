"""A grant's tokens, and what keeps them."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Protocol

from storage.facts.secret import Secret


@dataclass(frozen=True, slots=True)
class Tokens:
    """One version of a grant's tokens; instants are aware, None means "does not expire" or "not known"."""

    access: Secret
    refresh: Secret | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    #: QuickBooks' end of the whole grant, which refreshing does not move
    hard_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


class TokenStore(Protocol):
    """Where the tokens of one grant live; shared by all processes."""

    async def load(self) -> Tokens:
        """Return the newest saved tokens."""
        ...

    async def save(self, tokens: Tokens) -> None:
        """Save durably; when it returns, a crash cannot lose them."""
        ...

    def lease(self) -> AbstractAsyncContextManager[None]:
        """Let one refresher at a time in, among all processes."""
        ...


@dataclass
class MemoryTokens:
    """Tokens of one process; for tests and for trying a grant out."""

    tokens: Tokens
    saved: list[Tokens] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def load(self) -> Tokens:
        """Return them."""
        return self.tokens

    async def save(self, tokens: Tokens) -> None:
        """Replace them."""
        self.tokens = tokens
        self.saved.append(tokens)

    @contextlib.asynccontextmanager
    async def _hold(self) -> AsyncIterator[None]:
        async with self._lock:
            yield

    def lease(self) -> AbstractAsyncContextManager[None]:
        """Let one in at a time."""
        return self._hold()
