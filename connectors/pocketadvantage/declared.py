"""What a customer declares of its PocketAdvantage: the file server, how files are written, and the database of orders.

The declaration is kept as the grant, sealed. No address is ever typed as a URL: each part is a field of its own, and
what stands in it is held against a list of what may stand there, so that none can carry an option of a driver's or lead
out of the folder that it names.
"""

import re
from enum import StrEnum
from typing import Literal

import msgspec

from connectors.errors import Broken
from storage.facts.secret import Secret

CUST_ID = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
#: A name, or an address in figures; what it leads to is judged once it is resolved.
HOST = re.compile(r"[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:]{2,45}", re.ASCII)
#: ``exports/inventiv``: no step up, nothing that a shell or a server reads otherwise
FOLDER = re.compile(r"/?(?:[A-Za-z0-9_](?:[A-Za-z0-9_. -]{0,98}[A-Za-z0-9_-])?(?:/|\Z)){0,12}", re.ASCII)
#: Algorithm and fingerprint of a server's key, as programs of SSH write them: ``ssh-ed25519 SHA256:…``.
HOST_KEY = re.compile(r"[a-z0-9@.-]{3,64} SHA256:[A-Za-z0-9+/]{43}", re.ASCII)
#: Names of a view or a table, with or without its schema; never quoted, so never in need of it.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?", re.ASCII)
DATABASE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,62}", re.ASCII)
_LONGEST, _LONGEST_KEY = 200, 16_000


class Protocol(StrEnum):
    """How files travel."""

    SFTP = "sftp"
    #: FTP that asks for TLS before anything else is said
    FTPS = "ftps"
    #: FTP that begins with TLS
    FTPS_IMPLICIT = "ftps_implicit"
    #: nothing is hidden on its way, the password neither
    FTP = "ftp"
    #: a folder of the machine that Tidings runs on; only where its operator set one up
    FOLDER = "folder"


class Engine(StrEnum):
    """What keeps the orders."""

    POSTGRESQL = "postgresql"
    SQL_SERVER = "mssql"
    #: a file beside the operator's folder; only where there is one
    SQLITE = "sqlite"


PORTS = {Protocol.SFTP: 22, Protocol.FTPS: 21, Protocol.FTPS_IMPLICIT: 990, Protocol.FTP: 21}
DATABASE_PORTS = {Engine.POSTGRESQL: 5432, Engine.SQL_SERVER: 1433}


class Database(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The view that orders are read from."""

    engine: Engine
    host: str = ""
    port: int = 0
    database: str
    user: str = ""
    password: Secret = Secret("")
    #: of the orders and their lines, such as ``public.v_orders_for_export``
    view: str
    #: table or view into which the answers go: the order's number in QuickBooks, or why there is none; empty: nowhere
    answers: str = ""


class Declared(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="store", tag="exchange"
):
    """Everything that one connection is."""

    #: what the company is called here
    company: str
    #: the distributor's account at Inventiv; the files lie in ``latest<cust_id>``
    cust_id: str
    protocol: Protocol
    host: str = ""
    port: int = 0
    account: str = ""
    password: Secret = Secret("")
    #: text of a private key, for SFTP; `passphrase` opens it
    private_key: Secret = Secret("")
    passphrase: Secret = Secret("")
    #: the one key that the SFTP server may show
    host_key: str = ""
    #: below the account's own folder; empty: there itself
    folder: str = ""
    #: an admin wants FTP without TLS, though everything can be read on its way
    plain: bool = False
    #: an admin accepts that a file is away for a moment, where the server cannot put one in the place of another
    gap: bool = False
    #: names end in .FIL in place of .fil
    upper: bool = False
    encoding: Literal["utf-8", "cp1252"] = "utf-8"
    header: bool = True
    #: None: no orders are taken
    orders: Database | None = None


class DeclarationError(Broken):
    """A declaration that cannot be used; `at` is the field of the form that it is about."""

    def __init__(self, words: str, at: str = "") -> None:
        super().__init__(words, code="declaration_unusable")
        self.at = at


def read_declared(sealed: Secret) -> Declared:
    """Return the declaration; Broken says what is wrong with it, and never what stands in it."""
    try:
        declared = msgspec.json.decode(sealed.reveal(), type=Declared, dec_hook=_hidden)
    except msgspec.ValidationError as error:
        # Names of fields and types alone: a value of ours is never in msgspec's words but for a wrong choice.
        raise DeclarationError(f"its form is wrong{_where(str(error))}") from None
    except (msgspec.MsgspecError, RecursionError):
        raise DeclarationError("it is no JSON") from None
    check(declared)
    return declared


def write_declared(declared: Declared) -> Secret:
    """Return the declaration as the grant keeps it."""
    return Secret(msgspec.json.encode(declared, enc_hook=_shown).decode())


def check(declared: Declared) -> None:
    """Refuse what must not stand in a declaration; DeclarationError."""
    _must(bool(declared.company) and _is_line(declared.company), "Company: one line, at most 200 letters", "company")
    _must(bool(CUST_ID.fullmatch(declared.cust_id)), "Customer id: letters, digits, - and _, at most 64", "cust_id")
    _must(bool(FOLDER.fullmatch(declared.folder)), "Folder: a plain path such as exports/inventiv", "folder")
    if declared.protocol is not Protocol.FOLDER:
        _check_server(declared)
    if declared.orders is not None:
        _check_orders(declared.orders)


def _check_server(declared: Declared) -> None:
    _must(bool(HOST.fullmatch(declared.host)), "Server: a host name such as files.example.com", "host")
    _must(1 <= declared.port <= 65535, "Port: a number from 1 to 65535", "port")
    _must(bool(declared.account) and _is_line(declared.account), "Account: the user of the file server", "account")
    _must(_is_line(declared.password.reveal()), "Password: one line, at most 200 letters", "password")
    key = declared.private_key.reveal()
    if declared.protocol is Protocol.SFTP:
        _must(bool(key or declared.password), "Password: a password or a private key is needed", "password")
        _must(len(key) <= _LONGEST_KEY and "\0" not in key, "Private key: this is none", "private_key")
        _must(_is_line(declared.passphrase.reveal()), "Passphrase: one line, at most 200 letters", "passphrase")
        words = "Host key: press Fetch the host key, and compare what comes with what the server's owner tells you"
        _must(bool(HOST_KEY.fullmatch(declared.host_key)), words, "host_key")
        return
    _must(bool(declared.password), "Password: it is needed", "password")
    if declared.protocol is Protocol.FTP:
        words = "Plain FTP: passwords and files can be read on their way. Choose to accept that, or choose FTPS or SFTP"
        _must(declared.plain, words, "plain")


def _check_orders(orders: Database) -> None:
    if orders.engine is not Engine.SQLITE:
        _must(bool(HOST.fullmatch(orders.host)), "Database server: a host name such as db.example.com", "db_host")
        _must(1 <= orders.port <= 65535, "Database port: a number from 1 to 65535", "db_port")
        _must(bool(orders.user) and _is_line(orders.user), "Database user: it is needed", "db_user")
        _must(
            bool(orders.password) and _is_line(orders.password.reveal()),
            "Database password: one line, at most 200 letters",
            "db_password",
        )
    _must(bool(DATABASE.fullmatch(orders.database)), "Database: its name, of letters, digits, ., - and _", "db_name")
    _must(bool(NAME.fullmatch(orders.view)), "View: its name, such as public.v_orders_for_export", "db_view")
    words = "Table for answers: its name, such as public.order_answers, or nothing"
    _must(not orders.answers or bool(NAME.fullmatch(orders.answers)), words, "db_answers")


def _is_line(text: str) -> bool:
    return len(text) <= _LONGEST and all(one.isprintable() for one in text)


def _must(holds: bool, words: str, at: str) -> None:  # noqa: FBT001 - what must hold reads first
    if not holds:
        raise DeclarationError(words, at)


def _where(said: str) -> str:
    """Return the field that msgspec names, as far as it is one of ours."""
    found = re.search(r"at `\$\.((?:orders\.)?[a-z_]{1,20})`\Z", said)
    return f" at {found.group(1)}" if found else ""


def _hidden(kind: type, value: object) -> Secret:
    if kind is Secret and isinstance(value, str):
        return Secret(value)
    raise ValueError("must be text")


def _shown(value: object) -> str:
    if isinstance(value, Secret):
        return value.reveal()
    raise TypeError("nothing else is declared")
