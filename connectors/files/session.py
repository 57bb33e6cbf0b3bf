"""An open place where files are delivered, and what they are declared to be."""

from typing import Generic, TypeVar

from connectors.base import Access, Session
from connectors.files.store import Store

D = TypeVar("D")


class FileSession(Session, Generic[D]):
    """There is no client and no token to renew."""

    store: Store
    #: what the customer declared: feeds, tables
    declared: D

    def __init__(self, access: Access, store: Store, declared: D) -> None:
        # A session is frozen; one of files has no more than these.
        for name, value in (("access", access), ("store", store), ("declared", declared)):
            object.__setattr__(self, name, value)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.access.account!r})"

    async def close(self) -> None:
        """Nothing is open."""


def opened(session: Session, declared: type[D]) -> FileSession[D]:
    """Return a session as one of files that are declared so."""
    if not isinstance(session, FileSession) or not isinstance(session.declared, declared):
        raise TypeError("a session of another connector")
    return session
