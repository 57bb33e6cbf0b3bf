"""The database that orders are read from, and what its columns are called there."""

import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from connectors.errors import Broken
from connectors.pocketadvantage.transfer.reaching import Reach
from storage.facts.secret import Secret

#: A view or table, with or without its schema. It is never quoted by us, so that it means what it means there.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?", re.ASCII)
_COLUMN = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}", re.ASCII)
_CUST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?|::1", re.ASCII)
#: an account, also with a domain before it; nothing that a driver's options could begin with
_USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+\\-]{0,127}", re.ASCII)
_DATABASE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
#: below them lie services of the machine itself
_FIRST_PORT, _LAST_PORT = 1024, 65535

#: What a view must have.
REQUIRED = (
    "cust_id", "order_no", "revision", "status", "order_date", "cust_no", "line_no", "item_no", "qty",
)  # fmt: skip
#: What it may have.
OPTIONAL = (
    "req_ship_date", "ship_to_1", "ship_to_2", "ship_to_3", "ship_to_4", "ship_to_5", "ship_to_city", "ship_to_state",
    "ship_to_zip", "ship_to_country", "salesrep", "po_no", "terms", "memo", "discount", "currency",
    "unit_price", "uom", "tax_code", "note",
)  # fmt: skip
#: One of them says when a row was changed.
CURSORS = ("modified_at", "row_version")
#: All names that a view's columns may be given.
ORDER_COLUMNS = (*REQUIRED, *OPTIONAL, *CURSORS)
#: What an answer is written into.
ANSWER_COLUMNS = ("sync_status", "sync_id", "sync_number", "sync_error", "synced_at")


class Engine(StrEnum):
    """Which database it is."""

    POSTGRESQL = "postgresql"
    SQL_SERVER = "mssql"
    #: a file, for the demo and for trying things out
    SQLITE = "sqlite"


class Tls(StrEnum):
    """How the connection is kept private."""

    #: encrypted, and the server's certificate and name are checked
    VERIFIED = "verified"
    #: in clear, password and all
    NONE = "none"


USUAL_PORTS = {Engine.POSTGRESQL: 5432, Engine.SQL_SERVER: 1433, Engine.SQLITE: 0}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What whoever runs Tidings allows to be reached."""

    reach: Reach = field(default_factory=Reach)
    #: where files of SQLite may lie; None: nowhere
    sqlite_folder: Path | None = None


@dataclass(frozen=True, slots=True)
class DatabasePlace:
    """One view of one database; Broken when something in it cannot be."""

    engine: Engine
    #: name of the database; of SQLite the file below the operator's folder
    database: str
    #: only orders of this account are read
    cust_id: str
    host: str = ""
    #: 0: the usual one
    port: int = 0
    user: str = ""
    secret: Secret = field(default_factory=lambda: Secret(""))
    view: str = "v_orders_for_export"
    #: table or view into which answers are written; empty: nothing is written
    back: str = ""
    #: it is a table of its own: where it has no row of an order, one is inserted
    back_inserts: bool = False
    #: our name -> the column's own, where they differ
    columns: Mapping[str, str] = field(default_factory=dict)
    #: the column by which changes are found
    cursor: str = "modified_at"
    tls: Tls = Tls.VERIFIED
    #: certificates (PEM) of the authority that signs this server's, where that is none that everybody trusts
    authority: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", MappingProxyType(dict(self.columns)))
        _must(bool(_CUST_ID.fullmatch(self.cust_id)), "the customer id holds letters, digits, - and _, 64 at most")
        _must(bool(NAME.fullmatch(self.view)), "the view is a plain name such as public.v_orders_for_export")
        _must(
            not self.back or bool(NAME.fullmatch(self.back)), "what answers go into is a plain name of a table or view"
        )
        _must(self.cursor in CURSORS, "changes are found by modified_at or by row_version")
        _must(set(self.columns) <= set(ORDER_COLUMNS), "a column is given a name that is none of an order")
        _must(all(_COLUMN.fullmatch(name) for name in self.columns.values()), "a column has a plain name")
        _must(bool(_DATABASE.fullmatch(self.database)) and ".." not in self.database, "the database has a plain name")
        if self.engine is Engine.SQLITE:
            return
        _must(bool(_HOST.fullmatch(self.host)) and ".." not in self.host, "this is no name of a server")
        _must(self.port == 0 or _FIRST_PORT <= self.port <= _LAST_PORT, "the port lies between 1024 and 65535")
        _must(bool(_USER.fullmatch(self.user)), "the user holds letters, digits and . _ @ + - \\, 128 at most")
        _must(
            all(sign.isprintable() for sign in self.secret.reveal()), "the password holds a sign that cannot be typed"
        )

    @property
    def at(self) -> int:
        """The port."""
        return self.port or USUAL_PORTS[self.engine]

    @property
    def name(self) -> str:
        """Which view this is, however it is entered: up to where it was read says nothing of another one."""
        said = (self.engine, self.host.casefold(), self.at, self.database, self.view, self.column(self.cursor))
        return hashlib.sha256("\n".join(map(str, (*said, self.cust_id))).encode()).hexdigest()[:16]

    def column(self, name: str) -> str:
        """Return what one of our names is called in the view."""
        return self.columns.get(name, name)


def _must(holds: bool, why: str) -> None:  # noqa: FBT001 - what must hold
    if not holds:
        raise Broken(f"this database cannot be used: {why}", code="database_place")
