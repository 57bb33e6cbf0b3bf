"""The few statements of SQL Server by which orders are read and answered, put to SQLite; every other is refused."""

import re
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sandbox.exchange import tds
from sandbox.exchange.tds import BIGINT, DATETIME2, DATETIMEOFFSET, INT, NVARCHAR, NVARCHAR_MAX, Type

#: what the dialect asks at the start: statement -> name, type and value of the answer
_STARTS: Mapping[str, tuple[str, Type, Any]] = {
    "select @@version": ("", NVARCHAR, "Microsoft SQL Server 2022 (RTM) - 16.0.4000.1 (X64)"),
    "SELECT schema_name()": ("", NVARCHAR, "dbo"),
    "SELECT CAST('test max support' AS NVARCHAR(max))": ("", NVARCHAR_MAX, "test max support"),
    "SELECT name FROM sys.system_views WHERE name IN ('dm_exec_sessions', 'dm_pdw_nodes_exec_sessions')": (
        "name", NVARCHAR, "dm_exec_sessions",
    ),
    "SELECT 1 FROM fn_listextendedproperty(default, default, default, default, default, default, default)": (
        "", INT, 1,
    ),
}  # fmt: skip
_LEVEL = re.compile(r"SELECT CASE transaction_isolation_level .+ FROM sys\.dm_exec_sessions where session_id = @@SPID")
_SHAPES = (
    re.compile(r"SELECT (?:TOP \d+ )?[^;]+ FROM [^;]+"),
    re.compile(r"UPDATE [\w.]+ SET [^;]+ WHERE [^;]+"),
    re.compile(r"INSERT INTO [\w.]+ \([\w, ]+\) VALUES \([@\w, ]+\)"),
)
_CALLS = {
    "max",
    "count",
    "in",
    "and",
    "or",
    "join",
    "from",
    "values",
    "cast",
    "datetimeoffset",
    "as",
    "left",
    "ltrim",
    "rtrim",
}
_CALLED = re.compile(r"(\w+) ?\(")
#: what SQLite would take and SQL Server would not
_FOREIGN = re.compile(r"\bLIMIT\b|\|\||\bnow\b|\"|`|--|/\*|\bIS (?!NOT NULL|NULL)", re.IGNORECASE)
_TOP = re.compile(r"SELECT TOP (\d+) ")
_CAST = re.compile(r"CAST\(([\w.]+) AS DATETIMEOFFSET\(6\)\)")
_SETTINGS = re.compile(r"SET NOCOUNT OFF; SET XACT_ABORT OFF; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT \d+")
_SAVE = re.compile(r"(SAVE|ROLLBACK) TRANSACTION (\w+)")
_UNORDERED = re.compile(r"\(SELECT (?!TOP )[^()]*ORDER BY")
_SCALE = 7


class RefusedError(Exception):
    """An error of the server's, by its number."""

    def __init__(self, number: int, text: str) -> None:
        super().__init__(text)
        self.number = number


@dataclass(frozen=True)
class Rights:
    """What the user was granted; None: everything."""

    #: tables and views that may be read
    reads: frozenset[str] | None = None
    #: (table, column) that may be changed, and tables that rows may be put into
    updates: frozenset[tuple[str, str]] | None = None
    inserts: frozenset[str] | None = None


@dataclass(frozen=True)
class Answer:
    """What a statement gave."""

    columns: Sequence[tuple[str, Type]] = ()
    rows: Sequence[Sequence[Any]] = ()
    count: int = 0


@dataclass
class Tables:
    """One connection's look at the tables."""

    path: str
    types: Mapping[str, Type]
    rights: Rights
    _denied: str = field(default="", init=False)

    def __post_init__(self) -> None:
        self._sqlite = sqlite3.connect(self.path, uri=True, isolation_level=None, check_same_thread=False, timeout=30)
        self._sqlite.create_function("left_", 2, _left, deterministic=True)
        self._sqlite.create_function("offset6", 1, _offset6, deterministic=True)
        if self.rights != Rights():
            self._sqlite.set_authorizer(self._may)

    def close(self) -> None:
        """Leave; what was not committed is gone."""
        self._sqlite.close()

    def begin(self) -> None:
        """Begin a transaction."""
        self._sqlite.execute("BEGIN")

    def end(self, *, keep: bool) -> None:
        """End it."""
        if self._sqlite.in_transaction:
            self._sqlite.execute("COMMIT" if keep else "ROLLBACK")

    def run(self, sql: str, given: Mapping[str, Any]) -> Answer:
        """Run one statement; RefusedError."""
        plain = " ".join(sql.split())
        if plain in _STARTS:
            name, kind, value = _STARTS[plain]
            return Answer([(name, kind)], [[value]], 1)
        if plain == "SELECT sysdatetime() AS sysdatetime_1":
            return Answer([("sysdatetime_1", DATETIME2)], [[f"{datetime.now(UTC):%Y-%m-%d %H:%M:%S.%f}"]], 1)
        if _LEVEL.fullmatch(plain):
            return Answer([("", NVARCHAR)], [["READ COMMITTED"]], 1)
        return Answer() if self._arranged(plain) else self._asked(_translated(plain), given)

    def _arranged(self, plain: str) -> bool:
        """Do what gives no answer; say whether it was that."""
        saved = _SAVE.fullmatch(plain)
        if saved:
            self._sqlite.execute(("SAVEPOINT " if saved[1] == "SAVE" else "ROLLBACK TO ") + saved[2])
        elif plain == "IF @@TRANCOUNT = 0 BEGIN TRANSACTION":
            if not self._sqlite.in_transaction:
                self.begin()
        else:
            return bool(_SETTINGS.fullmatch(plain))
        return True

    def _asked(self, sql: str, given: Mapping[str, Any]) -> Answer:
        self._denied = ""
        try:
            cursor = self._sqlite.execute(sql, given)
            names = [one[0] for one in cursor.description or ()]
            rows = cursor.fetchall()
        except sqlite3.IntegrityError:
            raise RefusedError(2627, "Violation of PRIMARY KEY constraint.") from None
        except sqlite3.Error as error:
            raise self._meant(str(error)) from None
        types = [self._type(name, [row[at] for row in rows]) for at, name in enumerate(names)]
        return Answer(list(zip(names, types, strict=True)), rows, len(rows) if names else max(cursor.rowcount, 0))

    def _meant(self, said: str) -> RefusedError:
        name = said.rpartition(": ")[2]
        if self._denied:
            return RefusedError(229, f"The permission was denied on the object '{self._denied}'.")
        if "no such table" in said:
            return RefusedError(208, f"Invalid object name '{name}'.")
        if "no such column" in said or "has no column" in said:
            return RefusedError(207, f"Invalid column name '{name}'.")
        if "locked" in said:
            return RefusedError(1222, "Lock request time out period exceeded.")
        return RefusedError(102, f"Incorrect syntax near '{name}'.")

    def _type(self, name: str, values: Sequence[Any]) -> Type:
        if name in {"newest", "newest_", "max_1"}:
            first = next((value for value in values if value is not None), None)
            if isinstance(first, str):
                return DATETIMEOFFSET if first.endswith("+00:00") else DATETIME2
            name = "row_version"
        if name.startswith("count_"):
            return INT
        found = self.types.get(name.removeprefix("o_"))
        if found is None and any(isinstance(value, int) for value in values):
            return BIGINT
        return found or NVARCHAR

    def _may(self, action: int, first: str | None, second: str | None, _base: str | None, inside: str | None) -> int:
        """Say what SQLite asks: whether this user may; what a view reads is the view's own right."""
        rights, allowed = self.rights, True
        if action == sqlite3.SQLITE_READ and inside is None and second:
            # What is changed may be found by its key.
            allowed = rights.reads is None or first in rights.reads or first in {t for t, _ in rights.updates or ()}
        elif action == sqlite3.SQLITE_UPDATE:
            allowed = rights.updates is None or (first, second) in rights.updates
        elif action == sqlite3.SQLITE_INSERT:
            allowed = rights.inserts is None or first in rights.inserts
        elif action == sqlite3.SQLITE_DELETE:
            allowed = False
        if not allowed:
            self._denied = str(first)
        return sqlite3.SQLITE_OK if allowed else sqlite3.SQLITE_DENY


def said_of(answer: Answer, *, called: bool) -> bytes:
    """Return an answer as it goes over the line; RefusedError where a value is none of its column's type."""
    said = tds.columns(answer.columns) if answer.columns else b""
    types = [kind for _, kind in answer.columns]
    try:
        said += b"".join(tds.row(types, one) for one in answer.rows)
    except (ArithmeticError, TypeError, ValueError):
        raise RefusedError(8114, "Error converting data type nvarchar to another.") from None
    if not called:
        return said + tds.done(tds.DONE, tds.COUNT, answer.count)
    ended = tds.done(tds.DONE_IN_PROC, tds.MORE | tds.COUNT, answer.count)
    return said + ended + b"\x79" + bytes(4) + tds.done(tds.DONE_PROC, 0)


def _translated(sql: str) -> str:
    known = any(shape.fullmatch(sql) for shape in _SHAPES)
    calls = {name.lower() for name in _CALLED.findall(sql)} - _CALLS if sql.startswith("SELECT") else set()
    if not known or calls or _FOREIGN.search(sql):
        raise RefusedError(102, "Incorrect syntax near a statement that orders are not read by.")
    if _UNORDERED.search(sql):
        raise RefusedError(1033, "The ORDER BY clause is invalid in views and subqueries, unless TOP is specified.")
    found = _CAST.sub(r"offset6(\1)", sql).replace("dbo.", "").replace("left(", "left_(")
    while top := _TOP.search(found):
        end = _end(found, top.start())
        found = f"{found[: top.start()]}SELECT {found[top.end() : end]} LIMIT {top[1]}{found[end:]}"
    return found


def _end(sql: str, start: int) -> int:
    """Return where the statement that begins there ends: at the bracket around it, or with everything."""
    depth = 0
    for at in range(start, len(sql)):
        depth += {"(": 1, ")": -1}.get(sql[at], 0)
        if depth < 0:
            return at
    return len(sql)


def _left(text: Any, size: int) -> Any:
    return text[:size] if isinstance(text, str) else text


def _offset6(text: str | None) -> str | None:
    """Return a time to the microsecond, rounded as SQL Server rounds, with its zone."""
    if text is None:
        return None
    whole, _, digits = text.removesuffix("+00:00").partition(".")
    at = datetime.fromisoformat(f"{whole}.{digits.ljust(_SCALE, '0')[:6]}")
    at += timedelta(microseconds=digits.ljust(_SCALE, "0")[6] >= "5")
    return f"{at:%Y-%m-%d %H:%M:%S.%f}+00:00"
