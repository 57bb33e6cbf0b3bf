"""What a customer declares of its PocketAdvantage: the file server, how files are written, and the database of orders.

The declaration is kept as the grant, sealed. No address is ever typed as a URL: each part is a field of its own, and
what stands in it is held against what may stand there, so that none can carry an option of a driver's or lead out of
the folder that it names. What each part is worth at its place, `Place` and `DatabasePlace` say.
"""

import re
from typing import Literal

import msgspec

from connectors.errors import Broken
from connectors.pocketadvantage.orders.places import CURSORS, ORDER_COLUMNS, Engine, Tls
from connectors.pocketadvantage.transfer.places import CUST_ID, Transfer, checked_path
from storage.facts.secret import Secret

#: A name, or an address in figures; what it leads to is judged once it is resolved.
HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.:-]{0,251}[A-Za-z0-9])?|::1", re.ASCII)
ACCOUNT = re.compile(r"[A-Za-z0-9_.@+\\-]{1,128}", re.ASCII)
USER = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.@+\\-]{0,127}", re.ASCII)
#: ``ssh-ed25519 AAAA…``: the kind of the key, and the key itself
HOST_KEY = re.compile(r"[a-z0-9@.-]{3,64} [A-Za-z0-9+/]{40,2000}={0,3}", re.ASCII)
#: Of a view, a table or a column; never quoted, so never in need of it.
NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,62}(?:\.[A-Za-z_][A-Za-z0-9_]{0,62})?", re.ASCII)
DATABASE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}", re.ASCII)
_USUAL, _FIRST_FREE, _LAST = (21, 22, 990), 1024, 65535
_LONGEST, _LONGEST_TEXT, _MOST_KEYS = 200, 16_000, 4
#: A database may be asked in clear on this machine alone, and only where whoever runs Tidings allows it.
THIS_MACHINE = frozenset({"127.0.0.1", "::1", "localhost"})


class Database(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """The view that orders are read from."""

    engine: Engine
    host: str = ""
    #: 0: the usual one
    port: int = 0
    database: str
    user: str = ""
    password: Secret = Secret("")
    #: of the orders and their lines, such as ``public.v_orders_for_export``
    view: str
    #: table or view into which the answers go: the number in QuickBooks, or why there is none; empty: nowhere
    answers: str = ""
    #: that is a table of its own, which has no row of an order before it is answered
    answers_new: bool = False
    #: our name -> the column's own, where they differ
    columns: dict[str, str] = {}
    #: the column by which changes are found
    cursor: str = "modified_at"
    tls: Tls = Tls.VERIFIED
    #: certificates (PEM) of an authority of the customer's own
    authority: str = ""


class Declared(
    msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag_field="store", tag="exchange"
):
    """Everything that one connection is."""

    #: what the company is called here
    company: str
    #: the distributor's account at Inventiv; the files lie in ``latest<cust_id>``
    cust_id: str
    protocol: Transfer
    host: str = ""
    #: 0: the usual one
    port: int = 0
    account: str = ""
    password: Secret = Secret("")
    #: text of a private key, for SFTP; `passphrase` opens it
    private_key: Secret = Secret("")
    passphrase: Secret = Secret("")
    #: the keys that the SFTP server may show, one a line
    host_key: str = ""
    #: certificates (PEM) of an authority of the customer's own, for FTPS
    authority: str = ""
    #: above ``latest<cust_id>``; empty: where the login begins
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
        raise DeclarationError(f"the declaration of this connection has another form{_where(str(error))}") from None
    except (msgspec.MsgspecError, RecursionError):
        raise DeclarationError("the declaration of this connection is no JSON") from None
    check(declared)
    return declared


def write_declared(declared: Declared) -> Secret:
    """Return the declaration as the grant keeps it."""
    return Secret(msgspec.json.encode(declared, enc_hook=_shown).decode())


def check(declared: Declared) -> None:
    """Refuse what must not stand in a declaration; DeclarationError."""
    _must(bool(declared.company) and _is_line(declared.company), "Company: one line, 200 letters at most", "company")
    words = "Customer id: letters, digits, dashes and underlines, 64 at most"
    _must(bool(CUST_ID.fullmatch(declared.cust_id)), words, "cust_id")
    local = declared.protocol is Transfer.LOCAL
    _must(not (local and declared.folder.startswith("/")), "Folder: it lies in your own, without / before it", "folder")
    try:
        checked_path(declared.folder.removeprefix("/"), empty=True)
    except Broken:
        raise DeclarationError("Folder: a plain path such as exports/inventiv", "folder") from None
    if not local:
        _check_server(declared)
    if declared.orders is not None:
        _check_orders(declared.orders)


def _check_server(declared: Declared) -> None:
    _must(_is_host(declared.host), "Server: a host name such as files.example.com", "host")
    free = _FIRST_FREE <= declared.port <= _LAST
    _must(declared.port in {0, *_USUAL} or free, "Port: 21, 22, 990, or between 1024 and 65535", "port")
    words = "Account: letters, digits and . _ @ + - \\, 128 at most"
    _must(bool(ACCOUNT.fullmatch(declared.account)), words, "account")
    _must(_is_line(declared.password.reveal()), "Password: one line, 200 letters at most", "password")
    _must(_is_text(declared.authority), "Certificate: this is none", "authority")
    key = declared.private_key.reveal()
    if declared.protocol is Transfer.SFTP:
        _must(bool(key or declared.password), "Password: a password or a private key is needed", "password")
        _must(not key or (_is_text(key) and "PRIVATE KEY" in key), "Private key: this is none", "private_key")
        _must(_is_line(declared.passphrase.reveal()), "Passphrase: one line, 200 letters at most", "passphrase")
        words = "Host key: press Fetch the host key, and compare its fingerprint with what the server's owner tells you"
        lines = declared.host_key.splitlines()
        _must(0 < len(lines) <= _MOST_KEYS and all(HOST_KEY.fullmatch(one) for one in lines), words, "host_key")
        return
    _must(bool(declared.password), "Password: it is needed", "password")
    if declared.protocol is Transfer.FTP:
        words = "Plain FTP: passwords and files can be read on their way. Accept that here, or choose FTPS or SFTP"
        _must(declared.plain, words, "plain")


def _check_orders(orders: Database) -> None:
    if orders.engine is not Engine.SQLITE:
        _must(_is_host(orders.host), "Database server: a host name such as db.example.com", "db_host")
        free = _FIRST_FREE <= orders.port <= _LAST
        _must(orders.port == 0 or free, "Database port: between 1024 and 65535", "db_port")
        words = "Database user: letters, digits and . _ @ + - \\, 128 at most"
        _must(bool(USER.fullmatch(orders.user)), words, "db_user")
        good = bool(orders.password) and _is_line(orders.password.reveal())
        _must(good, "Database password: one line, 200 letters at most", "db_password")
        _check_tls(orders)
    plain = bool(DATABASE.fullmatch(orders.database)) and ".." not in orders.database
    _must(plain, "Database: its name, of letters, digits, ., - and _", "db_name")
    _must(bool(NAME.fullmatch(orders.view)), "View: its name, such as public.v_orders_for_export", "db_view")
    words = "Table for answers: its name, such as public.order_answers, or nothing"
    _must(not orders.answers or bool(NAME.fullmatch(orders.answers)), words, "db_answers")
    _must(orders.cursor in CURSORS, "Changes: by modified_at or by row_version", "db_cursor")
    known = set(orders.columns) <= set(ORDER_COLUMNS)
    plain = all(NAME.fullmatch(one) and "." not in one for one in orders.columns.values())
    _must(known and plain, "Other column names: one a line, such as cust_no = customer_code", "db_columns")


def _check_tls(orders: Database) -> None:
    _must(_is_text(orders.authority), "Certificate: this is none", "db_authority")
    words = "Encryption: only a database of this machine may be asked in clear"
    _must(orders.tls is not Tls.NONE or orders.host.lower() in THIS_MACHINE, words, "db_tls")


def _is_host(text: str) -> bool:
    return bool(HOST.fullmatch(text)) and ".." not in text


def _is_line(text: str) -> bool:
    return len(text) <= _LONGEST and all(one.isprintable() for one in text)


def _is_text(text: str) -> bool:
    return len(text) <= _LONGEST_TEXT and all(one.isprintable() or one == "\n" for one in text)


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
