"""The connection to a customer's database: one, short, private, and read-only unless an answer is written.

Whatever the driver says stays here: its texts quote addresses and values. The one module of connectors that imports
SQLAlchemy.
"""

import sqlite3
import ssl
import tempfile
import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import quote

import sqlalchemy as sa
from sqlalchemy.dialects.mssql import DATETIMEOFFSET
from sqlalchemy.exc import DBAPIError, IntegrityError, SQLAlchemyError
from sqlalchemy.pool import NullPool

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.pocketadvantage.orders import postgres, tds, tds_line
from connectors.pocketadvantage.orders.lines import Heard
from connectors.pocketadvantage.orders.places import ANSWER_COLUMNS, DatabasePlace, Engine, Tls

Connection = sa.Connection
#: seconds: until there is a connection, for one statement, for a lock of somebody else's
CONNECT, STATEMENT, LOCK = 15, 60, 10
#: signs of one cell that are read: no value of an order has more
LONGEST = 4000
_SSL_MODES = {Tls.VERIFIED: "verify-full", Tls.NONE: "disable"}
#: looks of SQLite at its clock, in steps of its machine
_STEPS = 100_000

_NOT_THERE = "the database has no view of that name, or this user may not read it"
_COLUMNS = "the view has not the columns that it was said to have"
_LOGIN = "the database does not accept this user and password"
_NAME = "there is no database of that name, or this user may not use it"
_CERTIFICATE = (
    "the certificate of the database is not one that can be trusted: it has expired, or its authority is not known;"
    " renew it there, or give its authority's certificates"
)
_RIGHTS = "this user may not do that in the database: it needs to read the view, and to write what answers go into"
_TYPES = (
    "the view's columns have other types than orders have: cust_id, order_no and status are text, revision a number,"
    " modified_at a time"
)
#: Counts are told, one refused row ends nothing else, and of two who wait for each other it is us who give way.
_MANNERS = f"SET NOCOUNT OFF; SET XACT_ABORT OFF; SET DEADLOCK_PRIORITY LOW; SET LOCK_TIMEOUT {LOCK * 1000}"
_SIX_DIGITS: Any = DATETIMEOFFSET(6)  # type: ignore[no-untyped-call] # SQLAlchemy's own
_BY_THE_LOGIN = "requested by the login"
#: what the drivers' codes mean: (class of ours, code, words)
_SAID: Mapping[str, tuple[type[ConnectorError], str, str]] = {
    # Postgres, by SQLSTATE
    "28P01": (Reconnect, "login_refused", _LOGIN),
    "28000": (Reconnect, "login_refused", _LOGIN),
    "3D000": (Broken, "database_missing", _NAME),
    "42P01": (Broken, "view_missing", _NOT_THERE),
    "42703": (Broken, "columns_missing", _COLUMNS),
    "42501": (Broken, "rights_missing", _RIGHTS),
    "25006": (Broken, "rights_missing", _RIGHTS),
    "42883": (Broken, "columns_typed", _TYPES),
    "22P02": (Broken, "columns_typed", _TYPES),
    # SQL Server, by number
    "18456": (Reconnect, "login_refused", _LOGIN),
    "4060": (Broken, "database_missing", _NAME),
    "208": (Broken, "view_missing", _NOT_THERE),
    "207": (Broken, "columns_missing", _COLUMNS),
    "229": (Broken, "rights_missing", _RIGHTS),
    "230": (Broken, "rights_missing", _RIGHTS),
    "241": (Broken, "columns_typed", _TYPES),
    "245": (Broken, "columns_typed", _TYPES),
    "8114": (Broken, "columns_typed", _TYPES),
}
#: parts of SQLite's texts, and of libpq's before there is a connection, which have no code
_WORDED: Sequence[tuple[str, tuple[type[ConnectorError], str, str]]] = (
    ("no such table", (Broken, "view_missing", _NOT_THERE)),
    ("no such column", (Broken, "columns_missing", _COLUMNS)),
    ("has no column named", (Broken, "columns_missing", _COLUMNS)),
    ("readonly database", (Broken, "rights_missing", _RIGHTS)),
    ("cannot modify", (Broken, "rights_missing", _RIGHTS)),
    ("unable to open", (Broken, "database_missing", _NAME)),
    ("certificate verify failed", (Broken, "certificate", _CERTIFICATE)),
    ("signature failure", (Broken, "certificate", _CERTIFICATE)),
    ("does not match host name", (Broken, "certificate", tds_line.OTHER_NAME)),
    ("root certificate file", (Broken, "certificate", tds_line.NO_AUTHORITY)),
    ("does not support SSL", (Broken, "certificate", "the database offers no encryption")),
    ("password authentication failed", (Reconnect, "login_refused", _LOGIN)),
    ("no password supplied", (Reconnect, "login_refused", _LOGIN)),
    ("pg_hba.conf", (Reconnect, "login_refused", _LOGIN)),
    ('" does not exist', (Broken, "database_missing", _NAME)),
)


@contextmanager
def connected(
    place: DatabasePlace,
    address: str,
    file: Path | None,
    *,
    write: bool = False,
    heard: Heard = lambda _breaks, _received: None,
) -> Iterator[Connection]:
    """Give the one connection; what it reads is read as of one instant where the database can (Postgres).

    `address` is where the host's name leads, so that nobody resolves it again; `file` is SQLite's. `heard` is given
    what ends the connection from another thread, where the driver waits for ever, and what says how much came over it.
    """
    with ExitStack() as stack, translated():
        engine = _engine(stack, place, address, file, heard, write=write)
        stack.callback(engine.dispose)
        if place.engine is Engine.POSTGRESQL:
            sa.event.listen(engine, "do_connect", postgres.opening(heard))
        connection = stack.enter_context(engine.connect())
        if place.engine is Engine.POSTGRESQL and not write:
            connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        elif place.engine is Engine.SQL_SERVER:
            connection.exec_driver_sql(_MANNERS)
        yield connection


def _engine(
    stack: ExitStack,
    place: DatabasePlace,
    address: str,
    file: Path | None,
    heard: Heard,
    *,
    write: bool,
) -> sa.Engine:
    if place.engine is Engine.SQLITE:
        assert file is not None
        return sa.create_engine("sqlite://", creator=_sqlite(file, write=write), poolclass=NullPool)
    if place.engine is Engine.SQL_SERVER:
        # The dialect speaks to any driver that writes parameters as it does.
        opened = partial(tds.connect, place, address, heard, write=write, patience=CONNECT, most=STATEMENT)
        # What was begun ends with the line; a roll back over one that is broken would only be told as another error.
        engine = sa.create_engine(
            "mssql+pymssql://", module=tds.DRIVER, creator=opened, poolclass=NullPool, pool_reset_on_return=None
        )
        sa.event.listen(engine, "before_cursor_execute", tds.typed, retval=True)
        return engine
    # The name is checked, the address is connected to: the name might lead elsewhere by now.
    url = sa.URL.create("postgresql+psycopg", place.user, place.secret.reveal(), place.host, place.at, place.database)
    return sa.create_engine(url, poolclass=NullPool, connect_args=_postgres(stack, place, address, write=write))


def _postgres(stack: ExitStack, place: DatabasePlace, address: str, *, write: bool) -> dict[str, Any]:
    options = f"-c statement_timeout={STATEMENT * 1000} -c lock_timeout={LOCK * 1000}"
    options += " -c idle_in_transaction_session_timeout=120000"
    return {
        "hostaddr": address,
        "connect_timeout": CONNECT,
        "application_name": "Tidings",
        "options": options if write else f"{options} -c default_transaction_read_only=on",
        "sslmode": _SSL_MODES[place.tls],
        # Nothing of whoever runs the process: no ticket of Kerberos instead of TLS, no certificate from a home folder.
        "gssencmode": "disable",
        "sslcertmode": "disable",
        **({"sslrootcert": _authority(stack, place)} if place.tls is Tls.VERIFIED else {}),
    }


def _authority(stack: ExitStack, place: DatabasePlace) -> str:
    """Return where the driver finds the certificates of the authority: it takes no text, only a file."""
    if not place.authority:
        # "system" is to the driver a folder of the machine that it was built on.
        return ssl.get_default_verify_paths().cafile or "system"
    folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="tidings-")))
    (folder / "authority.pem").write_text(place.authority)
    return str(folder / "authority.pem")


def _sqlite(file: Path, *, write: bool) -> Callable[[], sqlite3.Connection]:
    def connect() -> sqlite3.Connection:
        address = f"file:{quote(str(file))}?mode={'rw' if write else 'ro'}"
        connection = sqlite3.connect(address, uri=True, timeout=LOCK, check_same_thread=False)
        until = time.monotonic() + STATEMENT
        connection.set_progress_handler(lambda: time.monotonic() > until, _STEPS)
        return connection

    return connect


@contextmanager
def translated() -> Iterator[None]:
    """Turn the drivers' errors into ours."""
    try:
        yield
    except DBAPIError as error:
        raise meaning(error.orig) from None
    except SQLAlchemyError:
        raise _unreadable() from None
    except Exception as error:  # what a driver makes of nonsense is of any kind
        if not tds.is_drivers(error):
            raise
        raise _unreadable() from None


def _unreadable() -> Broken:
    return Broken("the database answered with something that cannot be read", code="database_unreadable")


def meaning(error: BaseException | None) -> ConnectorError:
    """Return what a driver's error means to us."""
    code = str(getattr(error, "sqlstate", None) or getattr(error, "number", None) or "")
    text = str(error)
    if code == "18456" and _BY_THE_LOGIN in text:
        # SQL Server says both, and that last.
        code = "4060"
    found = _SAID.get(code) or next((meant for part, meant in _WORDED if part in text), None)
    if found is None:
        detail = "the database could not be reached, or did not answer in time"
        return Retry(None, detail, code="database_unreachable")
    kind, word, detail = found
    return kind(detail, code=word)


def columns_of(connection: Connection, name: str) -> list[str]:
    """Return the columns of a view or table, as it names them; asked without reading a row."""
    return list(connection.execute(_empty(name)).keys())


def texts_of(connection: Connection, name: str) -> frozenset[str]:
    """Return those that hold text, where the database says so and can cut it (not SQLite)."""
    if connection.dialect.name == "sqlite":
        return frozenset()
    texts = postgres.texts_of if connection.dialect.name == "postgresql" else tds.texts_of
    with closing(connection.execute(_empty(name))) as asked:
        return texts(asked.cursor.description if asked.cursor is not None else ())


def _empty(name: str) -> sa.Select[Any]:
    return sa.select(sa.text("*")).select_from(_table(name)).where(sa.false())


def now_of(connection: Connection, *, zoned: bool) -> Any:
    """Return the database's own time, with its zone or as its clock on the wall says it."""
    if connection.dialect.name == "mssql":
        return connection.execute(sa.select(sa.func.sysdatetime())).scalar()
    if connection.dialect.name == "sqlite":
        return connection.execute(sa.select(sa.func.datetime("now"))).scalar()
    return connection.execute(sa.select(sa.func.now() if zoned else sa.func.localtimestamp())).scalar()


class View:
    """The statements over the view of orders."""

    def __init__(self, place: DatabasePlace, names: Mapping[str, str], texts: Collection[str] = ()) -> None:
        self._names = dict(names)
        #: columns of which no more is read than any order may have
        self._texts = texts
        self._place = place
        self._view = _table(place.view, *names.values())
        self._at = self._view.c[names[place.cursor]]
        # Its own seven digits would not come back as they are, so that the next page would begin where this one did.
        exact = place.engine is Engine.SQL_SERVER and place.cursor == "modified_at"
        self._changed: Any = sa.cast(self._at, _SIX_DIGITS) if exact else self._at
        self._number, self._revision = self._view.c[names["order_no"]], self._view.c[names["revision"]]
        self._mine = sa.and_(
            self._view.c[names["cust_id"]] == place.cust_id,
            self._view.c[names["status"]].in_(("READY", "CANCELLED")),
        )

    def page(self, since: Any, after: tuple[Any, Any, Any] | None, orders: int, rows: int) -> sa.Select[Any]:
        """Return the rows of the next so many orders that changed since; all lines of each, in one statement.

        The order of an old line may be one that changed today, so orders are found first and then read whole.
        """
        newest = sa.func.max(self._changed).label("newest")
        wanted = sa.select(self._number, self._revision, newest).where(self._mine)
        wanted = wanted.where(self._number.is_not(None), self._revision.is_not(None), self._at.is_not(None))
        if since is not None:
            wanted = wanted.where(self._at >= since)
        wanted = wanted.group_by(self._number, self._revision)
        if after is not None:
            at, number, revision = after
            # A day that Python has none of is text here, and not of that type there.
            at = sa.literal(at, sa.types.NullType()) if isinstance(at, str) else at
            same, again = sa.func.max(self._changed) == at, self._number == number
            later = sa.or_(self._number > number, sa.and_(again, self._revision > revision))
            wanted = wanted.having(sa.or_(sa.func.max(self._changed) > at, sa.and_(same, later)))
        found = wanted.order_by(newest, self._number, self._revision).limit(orders).subquery()
        number, revision = found.c[self._number.name], found.c[self._revision.name]
        together = self._view.join(found, sa.and_(number == self._number, revision == self._revision))
        more = found.c.newest.label("newest_"), self._exact(number)
        asked = sa.select(*self._labelled(), *more).select_from(together).where(self._mine)
        return asked.order_by(found.c.newest, number, revision).limit(rows)

    def odd(self, rows: int) -> sa.Select[Any]:
        """Return rows that no page can find: without number, revision, or the time of their change."""
        lost = sa.or_(self._number.is_(None), self._revision.is_(None), self._at.is_(None))
        asked = sa.select(*self._labelled(), sa.null().label("newest_")).where(self._mine, lost)
        return asked.limit(rows)

    def of_order(self, number: str, rows: int, *, spaced: bool = False) -> sa.Select[Any]:
        """Return all rows of one order, whenever they changed; with `spaced` of one with spaces around its number."""
        there = sa.func.ltrim(sa.func.rtrim(self._number)) if spaced else self._number
        more = self._at.label("newest_"), self._exact(self._number)
        asked = sa.select(*self._labelled(), *more).where(self._mine, there == number)
        return asked.order_by(self._number, self._revision).limit(rows)

    def count(self, most: int) -> Any:
        """Return how many orders there are, counted no further than `most`, and when the newest changed."""
        each = sa.select(self._number, sa.func.max(self._at).label("newest")).where(self._mine).group_by(self._number)
        some = each.limit(most).subquery()
        return sa.select(sa.func.count(), sa.func.max(some.c.newest)).select_from(some)

    def _exact(self, number: Any) -> Any:
        """Return a number as the database compares it: what is read of it has no spaces around it."""
        exact = sa.func.left(number, LONGEST + 1) if self._number.name in self._texts else number
        return exact.label("number_")

    def _labelled(self) -> list[Any]:
        return [self._read(column).label(f"o_{name}") for name, column in self._names.items()]

    def _read(self, column: str) -> Any:
        whole = self._view.c[column]
        return sa.func.left(sa.func.rtrim(whole), LONGEST + 1) if column in self._texts else whole


def answer(connection: Connection, place: DatabasePlace, rows: Sequence[Mapping[str, Any]]) -> int:
    """Write answers, each with its cust_id, order_no and revision; return how many found their place.

    The same again changes nothing. Nothing is inserted unless that was said: behind a view an insert is an order.
    """
    keys = [place.column(name) for name in ("cust_id", "order_no", "revision")]
    table = _table(place.back, *keys, *ANSWER_COLUMNS)
    found = 0
    with translated():
        for row in rows:
            key = {place.column(name): row[name] for name in ("cust_id", "order_no", "revision")}
            values = {name: row[name] for name in ANSWER_COLUMNS}
            mine = sa.and_(*(table.c[name] == value for name, value in key.items()))
            changed = connection.execute(sa.update(table).where(mine).values(values)).rowcount > 0
            if not changed and place.back_inserts:
                changed = _inserted(connection, table, mine, {**key, **values}, values)
            found += changed
        connection.commit()
    return found


def _inserted(
    connection: Connection, table: sa.TableClause, mine: Any, row: Mapping[str, Any], values: Mapping[str, Any]
) -> bool:
    try:
        with connection.begin_nested():
            connection.execute(sa.insert(table).values(row))
    except IntegrityError:
        # A twin was faster.
        return connection.execute(sa.update(table).where(mine).values(values)).rowcount > 0
    return True


def bound(value: datetime, engine: Engine) -> Any:
    """Return an instant as columns of that database take it; SQLite has text."""
    return value.strftime("%Y-%m-%d %H:%M:%S") if engine is Engine.SQLITE else value


def _table(name: str, *columns: str) -> sa.TableClause:
    schema, _, table = name.rpartition(".")
    return sa.table(table, *(sa.column(column) for column in columns), schema=schema or None)
