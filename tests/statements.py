"""Statements that are compiled once for all engines of a test process.

Each test has its own database and so its own engines, and each engine of SQLAlchemy compiles every statement anew:
about ninety for each test with a whole jobs side, an eighth of its processor time. What comes of it depends on the kind
of database alone.
"""

from typing import Any

from sqlalchemy import Connection, Engine, event
from sqlalchemy.util import LRUCache


class _ByKind(LRUCache[Any, Any]):
    """Compiled statements by the kind of database, where SQLAlchemy's own keys name the engine's dialect."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_by_kind(key), default)

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_by_kind(key), value)


def share_statements() -> None:
    """Let every engine of this process find what another one of its kind compiled."""
    compiled = _ByKind(4000)

    def share(connection: Connection) -> None:
        connection.execution_options(compiled_cache=compiled)

    event.listen(Engine, "engine_connect", share)


def _by_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return type(dialect), dialect.driver, dialect.server_version_info, dialect.paramstyle, *statement
