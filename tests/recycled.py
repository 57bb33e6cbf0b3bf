"""Postgres databases that serve one test after the other.

Copying a database and dropping it costs 0.15 s of processor time and makes all of the server write to disk; emptying one
costs a tenth of that. A database whose shape a test changed is not used again.
"""

from uuid import uuid4

import psycopg
from psycopg import sql

#: Tables, columns, rules and triggers by their numbers, which a copy keeps and whatever is made anew does not.
_SHAPE = """
WITH ours AS (
    SELECT c.oid, c.relname, c.relkind, c.reloptions, c.relhasrules, c.relrowsecurity, c.relacl
    FROM pg_class c WHERE c.oid >= 16384
)
SELECT md5(string_agg(one, '|' ORDER BY one)) FROM (
    SELECT 'class' || ours::text AS one FROM ours
    UNION ALL SELECT 'schema' || n.oid || n.nspname FROM pg_namespace n WHERE n.nspname !~ '^pg_(toast_)?temp'
    UNION ALL SELECT 'column' || attrelid || attname || attnum || atttypid || attnotnull || attisdropped
        FROM pg_attribute WHERE attrelid >= 16384
    UNION ALL SELECT 'default' || oid FROM pg_attrdef
    UNION ALL SELECT 'constraint' || oid || convalidated FROM pg_constraint
    UNION ALL SELECT 'index' || indexrelid || indisvalid || indisunique FROM pg_index WHERE indexrelid >= 16384
    UNION ALL SELECT 'trigger' || oid || tgenabled::text FROM pg_trigger
    UNION ALL SELECT 'function' || oid || md5(prosrc) FROM pg_proc WHERE oid >= 16384
    UNION ALL SELECT 'extension' || oid FROM pg_extension
    UNION ALL SELECT 'object' || oid FROM pg_largeobject_metadata
    UNION ALL SELECT 'setting' || setrole || setconfig::text FROM pg_db_role_setting
        WHERE setdatabase = (SELECT oid FROM pg_database WHERE datname = current_database())
) AS parts
"""
_TABLES = """
SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
WHERE c.relkind IN ('r', 'p') AND c.oid >= 16384 ORDER BY 1, 2
"""
_SEQUENCES_ANEW = "SELECT setval(seqrelid::regclass, seqstart, false) FROM pg_sequence"
_ALONE = """
SELECT bool_and(pg_terminate_backend(pid, 5000)) FROM pg_stat_activity
WHERE datname = %s AND pid <> pg_backend_pid()
"""


class Recycled:
    """Databases like the template on its server; for one process of tests."""

    def __init__(self, server: str, template: str) -> None:
        self._server = server
        self._template = template
        self._free: list[str] = []
        with self._connected(template) as connection:
            tables = [sql.Identifier(*names) for names in connection.execute(_TABLES).fetchall()]
            self._kept = [table for table in tables if _rows(connection, table)]
            self._emptied = [table for table in tables if table not in self._kept]
            self._standing = self._stands(connection)

    def take(self) -> str:
        """Return the name of a database that is as the template is."""
        if self._free:
            return self._free.pop()
        name = _new_name()
        with self._connected() as admin:
            admin.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*map(sql.Identifier, (name, self._template)))
            )
        return name

    def give_back(self, name: str) -> None:
        """Empty it for the next test, under another name: whoever still wants to write to it finds it no more."""
        again = _new_name()
        try:
            with self._connected() as admin:
                admin.execute(_ALONE, (name,))
                admin.execute(sql.SQL("ALTER DATABASE {} RENAME TO {}").format(*map(sql.Identifier, (name, again))))
            with self._connected(again) as connection:
                usable = self._empty(connection)
        except psycopg.Error:
            usable = False
        if usable:
            self._free.append(again)
        else:
            self._drop(name, again)

    def close(self) -> None:
        """Drop what is free."""
        self._drop(*self._free)
        self._free.clear()

    def _empty(self, connection: psycopg.Connection) -> bool:
        """Take all rows out and say whether it is then as the template is."""
        connection.execute("SET session_replication_role = replica")
        statements = [sql.SQL("DELETE FROM {}").format(table) for table in self._emptied]
        connection.execute(sql.SQL("; ").join(statements))
        connection.execute(_SEQUENCES_ANEW)
        return self._stands(connection) == self._standing

    def _stands(self, connection: psycopg.Connection) -> list[object]:
        shape = connection.execute(_SHAPE).fetchone()
        return [shape, *(_rows(connection, table) for table in self._kept)]

    def _drop(self, *names: str) -> None:
        with self._connected() as admin:
            for name in names:
                admin.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))

    def _connected(self, name: str | None = None) -> psycopg.Connection:
        if name is None:
            return psycopg.connect(self._server, autocommit=True)
        return psycopg.connect(self._server, dbname=name, autocommit=True)


def _rows(connection: psycopg.Connection, table: sql.Identifier) -> list[tuple[object, ...]]:
    return connection.execute(sql.SQL("SELECT t::text FROM {} t ORDER BY 1").format(table)).fetchall()


def _new_name() -> str:
    return f"tidings_test_{uuid4().hex}"
