"""The engine's own inserts inside our transactions: put together once, not for every row.

The engine builds and compiles its statements at each call where the connection is not its own, and lets the whole
connection render schema names into every later statement. That was a quarter of what a click costs.
"""

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import Connection, CursorResult, Dialect, Insert
from sqlmodel import Session

_Processor = Callable[[Any], Any]


class _Prepared:
    """One insert as text, with what turns values into what the driver takes."""

    def __init__(
        self, statement: Insert, names: list[str], dialect: Dialect, schemas: Mapping[str, str | None]
    ) -> None:
        compiled = statement.compile(
            dialect=dialect,
            column_keys=names,
            schema_translate_map=dict(schemas),
            render_schema_translate=True,
        )
        # A default that Python computes at each insert would be lost: the engine's tables have none.
        if set(compiled.binds) != set(names) or compiled.insert_prefetch:
            raise TypeError(f"the engine computes values of {statement.table.name} by itself")
        self._text = str(compiled)
        self._positions: list[str] | None = compiled.positiontup if compiled.positional else None
        self._processors: dict[str, _Processor] = {
            name: processor
            for name, bound in compiled.binds.items()
            if (processor := bound.type.dialect_impl(dialect).bind_processor(dialect)) is not None
        }

    def run(self, connection: Connection, values: Mapping[str, Any]) -> CursorResult[Any]:
        processors = self._processors
        ready = {name: processors[name](value) if name in processors else value for name, value in values.items()}
        if self._positions is None:
            return connection.exec_driver_sql(self._text, ready)
        return connection.exec_driver_sql(self._text, tuple(ready[name] for name in self._positions))


class EngineInserts:
    """Gives the engine a connection of ours that remembers its inserts."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, ...], _Prepared] = {}

    def on(self, session: Session) -> "EngineConnection":
        """Return the session's connection as the engine's inserts see it."""
        return EngineConnection(session.connection(), self._known)


class EngineConnection:
    """What the engine needs of a connection to insert its rows; everything lands in our transaction."""

    def __init__(self, connection: Connection, known: dict[tuple[object, ...], _Prepared]) -> None:
        self._connection = connection
        self._known = known
        self._schemas: Mapping[str, str | None] = {}

    @property
    def dialect(self) -> Dialect:
        """The dialect of the connection."""
        return self._connection.dialect

    def get_execution_options(self) -> Mapping[str, Any]:
        """Return the options of the connection."""
        return self._connection.get_execution_options()

    def execution_options(self, *, schema_translate_map: Mapping[str, str | None]) -> "EngineConnection":
        """Take the names of schemas for the engine's inserts alone."""
        self._schemas = schema_translate_map
        return self

    def execute(self, statement: Insert, values: Mapping[str, Any]) -> CursorResult[Any]:
        """Run one of the engine's inserts."""
        names = tuple(values)
        key = (statement.table.name, names, self._connection.dialect.name, tuple(self._schemas.values()))
        prepared = self._known.get(key)
        if prepared is None:
            prepared = self._known[key] = _Prepared(statement, list(names), self._connection.dialect, self._schemas)
        return prepared.run(self._connection, values)
