"""The two kinds of databases that secrets are looked for in: what is in them, a table that refuses, a broken twin."""

import contextlib
import secrets
import sqlite3
from collections.abc import Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol
from urllib.parse import urlsplit, urlunsplit

import psycopg
from psycopg import sql
from psycopg.types.json import Jsonb

from storage.sessions import Database
from tests.leaks import Place


class Store(Protocol):
    """A product's database, from beside it."""

    #: for the product; None: a file in its folder
    url: str | None
    #: secret about it -> what it is called
    secrets: dict[str, str]

    def places(self, folder: Path) -> list[Place]:
        """Return all that is in it now."""
        ...

    def refusing(self, folder: Path, when: str, table: str) -> AbstractContextManager[None]:
        """Let every such change of a table fail, with the driver's own error, until the block ends."""
        ...

    def leave(self, folder: Path, token: str, code: str) -> None:
        """Do what a broken twin does: keep a token and a code as they are."""
        ...


class SqliteStore:
    """A file, and what lies beside it."""

    url: str | None = None

    def __init__(self) -> None:
        self.secrets: dict[str, str] = {}

    def places(self, folder: Path) -> list[Place]:
        """Return the files: what is in a write-ahead log now is elsewhere later."""
        found = {path for pattern in ("*.*-wal", "*.db") for path in folder.rglob(pattern)}
        places = []
        for path in sorted(found):
            # The last connection of a database takes its log away when it closes: what was in it is in the database.
            with contextlib.suppress(FileNotFoundError):
                places.append(Place("file", str(path.relative_to(folder)), path.read_bytes()))
        return places

    @contextlib.contextmanager
    def refusing(self, folder: Path, when: str, table: str) -> Iterator[None]:
        """Put a trigger there."""
        refuse = f"CREATE TRIGGER forced BEFORE {when} ON {table} BEGIN SELECT RAISE(ABORT, 'forced'); END"
        self._run(folder, refuse)
        try:
            yield
        finally:
            self._run(folder, "DROP TRIGGER forced")

    def leave(self, folder: Path, token: str, code: str) -> None:
        """Keep them in a table."""
        self._run(folder, "CREATE TABLE twin AS SELECT ? AS token, ? AS code", token, f"say {code}.")

    def _run(self, folder: Path, statement: str, *values: str) -> None:
        with contextlib.closing(sqlite3.connect(folder / "tidings.db", timeout=20)) as connection:
            connection.execute(statement, values)
            connection.commit()


class PostgresStore:
    """A database on a server, reached by a password that must not show either: the server asks nobody for it."""

    def __init__(self, database: Database) -> None:
        self._plain = database.url.replace("+psycopg", "")
        parts, password = urlsplit(self._plain), secrets.token_urlsafe(12)
        name, _, place = parts.netloc.rpartition("@")
        self.url: str | None = urlunsplit(parts._replace(netloc=f"{name.partition(':')[0]}:{password}@{place}"))
        self.secrets = {password: "database password"}

    def places(self, folder: Path) -> list[Place]:
        """Return every table of every schema, the engine's and the lake's too, as a dump has them."""
        with psycopg.connect(self._plain) as connection:
            tables = connection.execute(
                "SELECT schemaname, tablename FROM pg_tables WHERE schemaname NOT IN ('pg_catalog', 'information_schema')"
            ).fetchall()
            return [Place("table", f"{schema}.{name}", self._dump(connection, schema, name)) for schema, name in tables]

    def _dump(self, connection: psycopg.Connection, schema: str, name: str) -> bytes:
        rows = connection.execute(sql.SQL("SELECT * FROM {}").format(sql.Identifier(schema, name)))
        return b"\n".join(_bytes(value) for row in rows for value in row)

    @contextlib.contextmanager
    def refusing(self, folder: Path, when: str, table: str) -> Iterator[None]:
        """Put a trigger there."""
        function = "CREATE FUNCTION forced() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'forced'; END $$"
        self._run(function, f"CREATE TRIGGER forced BEFORE {when} ON {table} EXECUTE FUNCTION forced()")
        try:
            yield
        finally:
            self._run("DROP FUNCTION forced CASCADE")

    def leave(self, folder: Path, token: str, code: str) -> None:
        """Keep them in a table of a schema of its own."""
        with psycopg.connect(self._plain) as connection:
            connection.execute("CREATE SCHEMA twin")
            connection.execute("CREATE TABLE twin.twin (token bytea, said jsonb)")
            said = Jsonb({"code": f"say {code}."})
            connection.execute("INSERT INTO twin.twin VALUES (%s, %s)", (token.encode(), said))

    def _run(self, *statements: str) -> None:
        with psycopg.connect(self._plain) as connection:
            for statement in statements:
                connection.execute(statement.encode())


def _bytes(value: object) -> bytes:
    """Return a value as it lies there: bytes are bytes, so that what is packed in them is found."""
    return bytes(value) if isinstance(value, bytes | memoryview) else str(value).encode()
