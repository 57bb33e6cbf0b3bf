"""An open place where files are delivered."""

from connectors.base import Access, Session
from connectors.files.store import Store


class FileSession(Session):
    """There is no client and no token to renew."""

    store: Store

    def __init__(self, access: Access, store: Store) -> None:
        # A session is frozen; one of files has no more than these.
        for name, value in (("access", access), ("store", store)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.access.account!r})"

    async def close(self) -> None:
        """Nothing is open."""
