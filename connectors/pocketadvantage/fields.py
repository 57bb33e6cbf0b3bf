"""The form's fields, and what a person typed in them as a declaration."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar

from connectors.base import ProviderSettings
from connectors.grants import Choice, FormField, FormTest, HintError
from connectors.pocketadvantage.declared import Database, DeclarationError, Declared, check
from connectors.pocketadvantage.orders.places import Engine, Tls
from connectors.pocketadvantage.places import allows_clear, fits
from connectors.pocketadvantage.transfer.places import Transfer
from storage.facts.secret import Secret

FILES, HOST_KEY, ORDERS = "files", "host_key", "orders"
#: the field that asks for the QuickBooks company
BOOKS = "books"
_SERVER, _WRITTEN, _ORDERS = "File server", "Files", "Orders"
_NO_ORDERS = "no_orders"
_SERVERS = tuple(one.value for one in Transfer if one is not Transfer.LOCAL)
_TLS = (Transfer.FTPS.value, Transfer.FTPS_IMPLICIT.value)
_DATABASES = (Engine.POSTGRESQL.value, Engine.SQL_SERVER.value)
_ENGINES = (*_DATABASES, Engine.SQLITE.value)
_SFTP, _FTP = (Transfer.SFTP.value,), (Transfer.FTP.value,)
_NO_YES = ("no", "yes")
_AUTHORITY = "Certificate of an authority of your own"
_MORE = "What the view calls its columns, and other rare settings"

_PROTOCOLS = (
    Choice("sftp", "SFTP (SSH)"),
    Choice("ftps", "FTPS, explicit: FTP that asks for TLS first"),
    Choice("ftps_implicit", "FTPS, implicit: TLS from the first byte"),
    Choice("ftp", "FTP without encryption (not recommended)"),
    Choice("local", "A folder of the machine that Tidings runs on"),
)
_DATABASE_KINDS = (
    Choice(_NO_ORDERS, "No orders: files only"),
    Choice("postgresql", "PostgreSQL"),
    Choice("mssql", "Microsoft SQL Server"),
    Choice("sqlite", "A file of SQLite, for trying things out"),
)
_ENCRYPTIONS = (
    Choice("verified", "Encrypted, and the server's certificate is checked"),
    Choice("none", "In clear, to a database of this machine alone"),
)

FORM: tuple[FormField, ...] = (
    FormField("company", "Company", "Its name in messages, such as Temerity Goods Inc.", required=True),
    FormField(
        "cust_id",
        "Customer id at Inventiv",
        "Your account there, such as 8812. Files go into the folder latest8812, and only its orders are read.",
        required=True,
    ),
    FormField("protocol", "How files travel", "", choices=_PROTOCOLS, group=_SERVER),
    FormField(
        "plain",
        "Accept that everything can be read on its way",
        "With plain FTP the password and every file travel in clear. Use it inside a private network alone.",
        choices=(
            Choice("no", "No: do not send anything in clear"),
            Choice("yes", "Yes: we accept that the password and files can be read"),
        ),
        only=_FTP,
        group=_SERVER,
    ),
    FormField("host", "Server", "Such as files.example.com; no address with // in it.", only=_SERVERS, group=_SERVER),
    FormField("port", "Port", "Empty: 22 for SFTP, 21 for FTP, 990 for implicit FTPS.", only=_SERVERS, group=_SERVER),
    FormField("account", "Account", "A user for these files alone.", only=_SERVERS, group=_SERVER),
    FormField("password", "Password", "Stored sealed, and shown nowhere.", secret=True, only=_SERVERS, group=_SERVER),
    FormField(
        "private_key",
        "Private key",
        "In place of the password, as OpenSSH writes it. Stored sealed, and shown nowhere.",
        secret=True,
        long=True,
        only=_SFTP,
        group=_SERVER,
    ),
    FormField(
        "passphrase", "Passphrase of the key", "Empty where it has none.", secret=True, only=_SFTP, group=_SERVER
    ),
    FormField(
        "host_key",
        "Host key",
        "What the server proves itself with. Fetch it, compare its fingerprint with what the server's owner tells you,"
        " and leave it here to confirm it. Nothing is ever sent to a server with another one.",
        long=True,
        only=_SFTP,
        group=_SERVER,
    ),
    FormField(
        "folder",
        "Folder",
        "Above the folder latest…; empty where the login begins there.",
        group=_SERVER,
    ),
    FormField(
        "authority",
        "Certificate (PEM)",
        "Only where the server's certificate is signed by an authority that is not publicly known.",
        long=True,
        only=_TLS,
        folded=_AUTHORITY,
    ),
    FormField(
        "case",
        "File names",
        "",
        choices=(Choice("lower", "customer.fil"), Choice("upper", "customer.FIL")),
        group=_WRITTEN,
    ),
    FormField(
        "encoding",
        "Letters",
        "",
        choices=(Choice("utf-8", "UTF-8"), Choice("cp1252", "Windows-1252 (a letter that it lacks is reported)")),
        group=_WRITTEN,
    ),
    FormField(
        "header",
        "First line",
        "",
        choices=(Choice("yes", "Names of the columns"), Choice("no", "Data at once")),
        group=_WRITTEN,
    ),
    FormField(
        "gap",
        "If the server cannot put one file in the place of another",
        "Most can, and then the file is always there, old or new. The test tells you.",
        choices=(
            Choice("no", "Send nothing, and tell me"),
            Choice("yes", "Accept a moment without the file; each is reported"),
        ),
        group=_WRITTEN,
    ),
    FormField("db_engine", "Where orders are read", "", choices=_DATABASE_KINDS, group=_ORDERS),
    FormField("db_host", "Database server", "Such as db.example.com.", only=_DATABASES, group=_ORDERS),
    FormField(
        "db_port", "Database port", "Empty: 5432 for PostgreSQL, 1433 for SQL Server.", only=_DATABASES, group=_ORDERS
    ),
    FormField("db_name", "Database", "Its name; of SQLite the file's.", only=_ENGINES, group=_ORDERS),
    FormField(
        "db_user", "Database user", "One that may read the view and nothing else.", only=_DATABASES, group=_ORDERS
    ),
    FormField(
        "db_password",
        "Database password",
        "Stored sealed, and shown nowhere.",
        secret=True,
        only=_DATABASES,
        group=_ORDERS,
    ),
    FormField("db_tls", "Encryption", "", choices=_ENCRYPTIONS, only=_DATABASES, group=_ORDERS),
    FormField("db_view", "View", "Such as public.v_orders_for_export.", only=_ENGINES, group=_ORDERS),
    FormField(
        "db_answers",
        "Table for answers",
        "Where the order's number in QuickBooks, or why there is none, is written. Empty: nothing is written there.",
        only=_ENGINES,
        group=_ORDERS,
    ),
    FormField(
        "db_answers_new",
        "Rows of answers",
        "",
        choices=(Choice("no", "Are there already: each is filled in"), Choice("yes", "Are added for each order")),
        only=_ENGINES,
        folded=_MORE,
    ),
    FormField(
        "db_cursor",
        "How changes are found",
        "",
        choices=(Choice("modified_at", "By modified_at, a time"), Choice("row_version", "By row_version, a number")),
        only=_ENGINES,
        folded=_MORE,
    ),
    FormField(
        "db_columns",
        "Other column names",
        "Where the view calls a column otherwise, one a line: cust_no = customer_code",
        long=True,
        only=_ENGINES,
        folded=_MORE,
    ),
    FormField(
        "db_authority",
        "Certificate of the database (PEM)",
        "Only where it is signed by an authority that is not publicly known.",
        long=True,
        only=_DATABASES,
        folded=_MORE,
    ),
)
TESTS = (
    FormTest(HOST_KEY, "Fetch the host key", "host_key", only=_SFTP),
    FormTest(FILES, "Test the file server", "folder"),
    FormTest(ORDERS, "Test the database", "db_answers", only=_ENGINES),
)
#: what may be typed in several lines
_LONG = frozenset(one.name for one in FORM if one.long)


def form_here(settings: ProviderSettings) -> tuple[FormField, ...]:
    """Return the form with the choices that this installation is set up for."""
    without = set() if settings.api_url else {("protocol", "local"), ("db_engine", "sqlite")}
    without |= set() if allows_clear(settings) else {("db_tls", "none")}
    here = [_with(one, tuple(c for c in one.choices if (one.name, c.value) not in without)) for one in FORM]
    if len(settings.companies) > 1:
        at = next(place for place, one in enumerate(here, 1) if one.name == "cust_id")
        here.insert(at, _books_field(settings))
    return tuple(here)


def _books_field(settings: ProviderSettings) -> FormField:
    """Ask for the company where there are several; nothing stands there before a person has chosen."""
    companies = tuple(Choice(one, name) for one, name in settings.companies)
    return FormField(
        BOOKS,
        "QuickBooks company",
        "Its records go to this account as files, and the orders of this account go into it.",
        choices=(Choice("", "Choose a company"), *companies),
        required=True,
    )


def books_of(typed: Mapping[str, str], settings: ProviderSettings) -> str:
    """Return the company that was chosen, nothing where there is no choice; HintError."""
    if len(settings.companies) < 2:
        return ""
    chosen = typed.get(BOOKS, "").strip()
    if chosen not in {one for one, _ in settings.companies}:
        raise HintError("QuickBooks company: choose the one whose records go to this account.", BOOKS)
    return chosen


def _with(field: FormField, choices: tuple[Choice, ...]) -> FormField:
    return (
        field
        if choices == field.choices
        else FormField(
            field.name, field.label, field.help, choices, only=field.only, group=field.group, folded=field.folded
        )
    )


def declared_of(typed: Mapping[str, str], settings: ProviderSettings, *, whole: bool = True) -> Declared:
    """Return what was typed as a declaration; HintError names what is wrong. Not `whole`: only its parts are read."""
    said = {name: _line_ends(value) if name in _LONG else value.strip() for name, value in typed.items()}
    try:
        declared = _declared(said)
        if whole:
            check(declared)
            fits(declared, settings)
    except DeclarationError as error:
        raise HintError(f"{error.detail.rstrip('.')}.", error.at) from error
    return declared


def typed_of(declared: Declared) -> dict[str, str]:
    """Return the fields that lead to a declaration; what is typed unseen is not among them."""
    orders = declared.orders
    said = {
        "company": declared.company,
        "cust_id": declared.cust_id,
        "protocol": declared.protocol.value,
        "host": declared.host,
        "port": _number(declared.port),
        "account": declared.account,
        "host_key": declared.host_key,
        "authority": declared.authority,
        "folder": declared.folder,
        "plain": _NO_YES[declared.plain],
        "gap": _NO_YES[declared.gap],
        "case": "upper" if declared.upper else "lower",
        "encoding": declared.encoding,
        "header": _NO_YES[declared.header],
        "db_engine": _NO_ORDERS,
    }
    if orders is not None:
        said |= {
            "db_engine": orders.engine.value,
            "db_host": orders.host,
            "db_port": _number(orders.port),
            "db_name": orders.database,
            "db_user": orders.user,
            "db_tls": orders.tls.value,
            "db_view": orders.view,
            "db_answers": orders.answers,
            "db_answers_new": _NO_YES[orders.answers_new],
            "db_cursor": orders.cursor,
            "db_columns": "\n".join(f"{ours} = {theirs}" for ours, theirs in orders.columns.items()),
            "db_authority": orders.authority,
        }
    return {name: value for name, value in said.items() if value}


def port_of(text: str, at: str) -> int:
    """Return the port that was typed, 0 for none; HintError for what is no number."""
    if not text.strip():
        return 0
    if not re.fullmatch(r"[0-9]{1,5}", text.strip(), re.ASCII):
        raise HintError("The port is a number, or nothing.", at)
    return int(text)


def _declared(said: Mapping[str, str]) -> Declared:
    protocol = _one_of(said, "protocol", Transfer)
    local = protocol is Transfer.LOCAL
    engine = said.get("db_engine", _NO_ORDERS) or _NO_ORDERS

    def of_server(name: str) -> str:
        return "" if local else said.get(name, "")

    def of_ssh(name: str) -> Secret:
        return Secret(said.get(name, "") if protocol is Transfer.SFTP else "")

    if said.get("encoding", "utf-8") not in {"utf-8", "cp1252"}:
        raise DeclarationError("Letters: choose UTF-8 or Windows-1252", "encoding")
    return Declared(
        company=said.get("company", ""),
        cust_id=said.get("cust_id", ""),
        protocol=protocol,
        host=of_server("host").lower(),
        port=port_of(of_server("port"), "port"),
        account=of_server("account"),
        password=Secret(of_server("password")),
        private_key=of_ssh("private_key"),
        passphrase=of_ssh("passphrase"),
        host_key=said.get("host_key", "") if protocol is Transfer.SFTP else "",
        authority=said.get("authority", "") if protocol.value in _TLS else "",
        folder=said.get("folder", "").rstrip("/"),
        plain=protocol is Transfer.FTP and _yes(said, "plain"),
        gap=_yes(said, "gap"),
        upper=said.get("case") == "upper",
        encoding="cp1252" if said.get("encoding") == "cp1252" else "utf-8",
        header=said.get("header", "yes") != "no",
        orders=None if engine == _NO_ORDERS else _orders(said),
    )


def _orders(said: Mapping[str, str]) -> Database:
    engine = _one_of(said, "db_engine", Engine)
    server = engine is not Engine.SQLITE
    return Database(
        engine=engine,
        host=said.get("db_host", "").lower() if server else "",
        port=port_of(said.get("db_port", ""), "db_port") if server else 0,
        database=said.get("db_name", ""),
        user=said.get("db_user", "") if server else "",
        password=Secret(said.get("db_password", "") if server else ""),
        view=said.get("db_view", ""),
        answers=said.get("db_answers", ""),
        answers_new=_yes(said, "db_answers_new"),
        columns=_columns(said.get("db_columns", "")),
        cursor=said.get("db_cursor", "") or "modified_at",
        tls=_one_of({"db_tls": said.get("db_tls") or "verified"}, "db_tls", Tls) if server else Tls.VERIFIED,
        authority=said.get("db_authority", "") if server else "",
    )


def _columns(text: str) -> dict[str, str]:
    found: dict[str, str] = {}
    for line in filter(None, (one.strip() for one in text.splitlines())):
        ours, equals, theirs = (part.strip() for part in line.partition("="))
        if not equals or ours in found:
            raise DeclarationError("Other column names: one a line, such as cust_no = customer_code", "db_columns")
        found[ours] = theirs
    return found


K = TypeVar("K", bound=StrEnum)


def _one_of(said: Mapping[str, str], name: str, kind: type[K]) -> K:
    try:
        return kind(said.get(name, ""))
    except ValueError:
        raise DeclarationError("Choose one of those that are offered", name) from None


def _yes(said: Mapping[str, str], name: str) -> bool:
    return said.get(name) == "yes"


def _number(port: int) -> str:
    return str(port) if port else ""


def _line_ends(text: str) -> str:
    """Return what a browser sends of several lines as programs write them."""
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
