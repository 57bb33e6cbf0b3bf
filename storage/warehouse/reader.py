"""The reading side: one connection, attached read-only, that sees whole runs only."""

import re
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Any, Self

from storage.facts.imports import ImportTable
from storage.warehouse.following import keep_changed
from storage.warehouse.guard import check_select
from storage.warehouse.imports import view
from storage.warehouse.location import Location
from storage.warehouse.names import identifier, quote
from storage.warehouse.session import Limits, connect

_READABLE = re.compile(r"(raw|ready)_[a-z0-9_]+")


class Reader:
    """Queries over the raw and ready tables of one organization, and over the tables that people import.

    Any thread may ask; one question is answered at a time. Each query sees the newest snapshot, or always the one it
    was opened at. It never waits for a writer. Opening takes some 0.15 s: open it for a piece of work, then close it.
    """

    def __init__(
        self,
        location: Location,
        limits: Limits,
        snapshot: int | None = None,
        imports: Sequence[ImportTable] = (),
    ) -> None:
        self._session = connect(location, limits, write=False, snapshot=snapshot)
        self._session.run("USE lake")
        self._imports = {table.name: table for table in imports}
        self._kept: set[str] = set()
        #: those of them that were looked at -> whether a row is in it
        self._holding: dict[str, bool] = {}
        #: table, source and snapshot -> rows that came and went since
        self._changed: dict[tuple[str, str, int], int | None] = {}

    def query(self, sql: str, parameters: Sequence[object] = ()) -> list[dict[str, Any]]:
        """Return the rows of one SELECT as dictionaries; ``?`` stands for a parameter (NotReadable, StorageFailed)."""
        self._prepare(sql)
        return self._session.dicts(sql, parameters)

    def rows(self, sql: str, parameters: Sequence[object] = ()) -> list[tuple[Any, ...]]:
        """Return the rows of one SELECT without their columns' names (NotReadable, StorageFailed)."""
        self._prepare(sql)
        return self._session.rows(sql, parameters)

    def arrow(self, sql: str, parameters: Sequence[object] = ()) -> Any:
        """Return the rows of one SELECT as a pyarrow Table (NotReadable, StorageFailed)."""
        self._prepare(sql)
        return self._session.arrow(sql, parameters)

    def batches(self, sql: str, parameters: Sequence[object] = (), rows: int = 2000) -> Iterator[list[tuple[Any, ...]]]:
        """Yield the rows of one SELECT by so many, so that none of it has to fit into memory (NotReadable)."""
        self._prepare(sql)
        return self._session.batches(sql, parameters, rows)

    def keep(self, name: str, sql: str, parameters: Sequence[object] = ()) -> None:
        """Keep the rows of one SELECT as the table ``made_<name>`` for the questions that follow (NotReadable)."""
        table = identifier(f"made_{name}")
        self._prepare(sql)
        self._session.run(f"CREATE OR REPLACE TEMP TABLE {quote(table)} AS {sql}", parameters)
        self._is_kept(table.casefold())

    def holds(self, name: str) -> bool:
        """Whether there is such a table, made or changed, and a row in it."""
        if name in self._kept and name not in self._holding:
            self._holding[name] = bool(self._session.rows(f"SELECT 1 FROM temp.{quote(name)} LIMIT 1"))  # noqa: S608 - a name of ours
        return name in self._kept and self._holding[name]

    def changed(self, table: str, source_id: str, since: int) -> int | None:
        """Keep what came and went of a table as ``changed_<table>``, see `following`; return how many rows.

        None where nobody can know.
        """
        asked = (table, source_id, since)
        if asked not in self._changed:
            self._kept.discard(f"changed_{table}")
            count = keep_changed(self._session, table, source_id, since) if _readable(table) else None
            self._changed = {other: known for other, known in self._changed.items() if other[0] != table}
            self._changed[asked] = count
            if count is not None:
                self._is_kept(f"changed_{table}")
        return self._changed[asked]

    def _is_kept(self, name: str) -> None:
        self._kept.add(name)
        self._holding.pop(name, None)

    def steady(self) -> AbstractContextManager[None]:
        """Answer everything inside from one snapshot, which is looked up once: many small questions are cheaper so."""
        return self._session.transaction()

    def tables(self) -> list[str]:
        """Return the names that can be read."""
        return sorted({*self._imports, *(name for name in self._session.tables() if _readable(name.casefold()))})

    def columns(self, table: str) -> frozenset[str]:
        """Return the columns of a raw or ready table; none of one that there is not."""
        return frozenset(self._session.tables().get(table, ()) if _readable(table) else ())

    def _prepare(self, sql: str) -> None:
        """Refuse what must not be read (NotReadable), and make the views of the imported tables that are named."""
        named: set[str] = set()

        def allowed(name: str) -> bool:
            if name in self._imports:
                named.add(name)
            return name in self._imports or name in self._kept or _readable(name)

        check_select(self._session, sql, allowed)
        if named:
            # Anew each time: a provider may have come since, and the tables are those of this moment.
            there = self._session.tables()
            for name in sorted(named):
                self._session.run(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {view(self._imports[name], there)}")

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
