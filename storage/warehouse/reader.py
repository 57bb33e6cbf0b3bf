"""The reading side: one connection, attached read-only, that sees whole runs only."""

import re
from collections.abc import Sequence
from types import TracebackType
from typing import Any, Self

from storage.warehouse.guard import check_select
from storage.warehouse.location import Location
from storage.warehouse.session import Limits, connect

_READABLE = re.compile(r"(raw|ready)_[a-z0-9_]+")


class Reader:
    """Queries over the raw and ready tables of one organization.

    Any thread may ask; one question is answered at a time. Each query sees the newest snapshot, or always the one it
    was opened at. It never waits for a writer. Opening takes some 0.15 s: open it for a piece of work, then close it.
    """

    def __init__(self, location: Location, limits: Limits, snapshot: int | None = None) -> None:
        self._session = connect(location, limits, write=False, snapshot=snapshot)
        self._session.run("USE lake")

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return the rows of one SELECT as dictionaries; ``?`` stands for a parameter (NotReadable, StorageFailed)."""
        check_select(self._session, sql, _readable)
        return self._session.dicts(sql, parameters)

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """Return the rows of one SELECT as a pyarrow Table (NotReadable, StorageFailed)."""
        check_select(self._session, sql, _readable)
        return self._session.arrow(sql, parameters)

    def tables(self) -> list[str]:
        """Return the names that can be read."""
        return sorted(name for name in self._session.tables() if _readable(name.casefold()))

    def close(self) -> None:
        """Give memory and files back."""
        self._session.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()


def _readable(name: str) -> bool:
    return _READABLE.fullmatch(name) is not None
