"""Places: how many calls of one account may be under way at once, where the provider limits that too.

Jobs keeps them in the database, so that all processes share them. Without any, only the connections of one session
bound it.
"""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

from connectors.errors import Retry


class PlaceLost(Retry):
    """The place ran out while the call was under way: others may have it now, so the call was given up."""

    def __init__(self) -> None:
        super().__init__(None, "the right to ask ran out while the provider was asked", code="place_lost")


class Places(Protocol):
    """The places of one session."""

    def place(self, key: str) -> AbstractAsyncContextManager[None]:
        """Hold one place of the account (``"<provider>:<account>"``); waits for it, Retry when that takes too long."""
        ...

    async def close(self) -> None:
        """Give all places back."""
        ...
