"""Feeds as people type them: plain fields, one block for each, read into a declaration; errors name feed and field."""

from collections.abc import Mapping

from connectors.grants import Choice, FormField, FormRows, HintError
from connectors.netsuite.feeds import FEED_NAME, Feed

NAME = "feed"
#: A form has no more; a declaration of the operator's may have.
_MOST = 20
_LINES = ("transaction_lines",)
_COLUMNS, _MORE = "More columns", "Seldom needed"

_INTO = (
    Choice("transaction_lines", "Lines of transactions"),
    Choice("rows", "Any other rows"),
)
_DELIMITERS = (Choice(",", "Comma"), Choice(";", "Semicolon"), Choice("tab", "Tab"), Choice("|", "Bar |"))
_ENCODINGS = (
    Choice("utf-8", "UTF-8 (NetSuite's usual)"),
    Choice("cp1252", "Windows (1252)"),
    Choice("iso-8859-1", "Western (ISO 8859-1)"),
    Choice("utf-16", "UTF-16"),
)
_DATES = (
    Choice("MM/DD/YYYY", "11/21/2026 (month first)"),
    Choice("DD/MM/YYYY", "21/11/2026 (day first)"),
    Choice("DD.MM.YYYY", "21.11.2026"),
    Choice("YYYY-MM-DD", "2026-11-21"),
    Choice("D-Mon-YYYY", "21-Nov-2026"),
)
#: what is chosen -> decimal sign, sign between thousands
NUMBERS = {
    "1,234.56": (".", ","), "1.234,56": (",", "."), "1 234,56": (",", " "), "1'234.56": (".", "'"),
    "1234.56": (".", ""), "1234,56": (",", ""),
}  # fmt: skip
_REPLACES = (
    Choice("nothing", "Adds and updates rows"),
    Choice("period", "Replaces its periods"),
    Choice("all", "Replaces everything"),
)
_NO_YES = (Choice("", "No"), Choice("yes", "Yes"))
_STAMPS = (
    Choice("name", "In the file's name, such as gl_20261121.csv"),
    Choice("modified", "When it was last written"),
)

#: our column -> what people call it; with those that lines need first
COLUMNS = {
    "transaction_id": "Transaction's id", "txn_date": "Date", "account": "Account", "debit": "Debit",
    "credit": "Credit", "amount": "Amount", "line_id": "Line's id", "type": "Type",
    "document_number": "Document number", "name": "Name", "memo": "Memo", "currency": "Currency",
    "subsidiary": "Subsidiary", "department": "Department", "class": "Class", "location": "Location",
    "status": "Status",
}  # fmt: skip
_ROW_COLUMNS = ("row_date", "amount")
_FIRST = 6


def _column(name: str, title: str, folded: str = "") -> FormField:
    told = {
        "transaction_id": "The heading in the file, such as Internal ID.",
        "debit": "Debit and credit, or the amount alone.",
    }
    return FormField(f"column.{name}", f"Column: {title}", told.get(name, ""), only=_LINES, folded=folded)


def _seldom(name: str, title: str, told: str, choices: tuple[Choice, ...] = ()) -> FormField:
    return FormField(name, title, told, choices=choices, folded=_MORE)


ROWS = FormRows(
    NAME,
    "Feed",
    "One saved search whose file comes again and again. Fill it in from a file that you have, and look it over.",
    (
        FormField("name", "Name", "Short, such as gl: small letters, digits and _."),
        FormField("pattern", "File names", "Which files are this feed's, such as gl_*.csv; * stands for anything."),
        FormField("into", "What it holds", "Lines of transactions: such as the general ledger.", choices=_INTO),
        FormField(
            "key",
            "Key columns",
            "The headings that tell rows apart, one per line, such as Line Unique Key.",
            long=True,
        ),
        FormField("dates", "Dates look like", "", choices=_DATES),
        FormField("numbers", "Amounts look like", "", choices=tuple(Choice(one, one) for one in NUMBERS)),
        FormField("replaces", "A new file", "Only what a file replaces can also go away by it.", choices=_REPLACES),
        FormField(
            "period", "Period column", "The heading of the column that names the period.", only=("period",)
        ),
        *(_column(name, COLUMNS[name]) for name in list(COLUMNS)[:_FIRST]),
        FormField("column.row_date", "Column: Date", "The heading in the file; may stay empty.", only=("rows",)),
        FormField("column.row_amount", "Column: Amount", "May stay empty.", only=("rows",)),
        *(_column(name, COLUMNS[name], _COLUMNS) for name in list(COLUMNS)[_FIRST:]),
        _seldom("delimiter", "Between cells", "", _DELIMITERS),
        _seldom("encoding", "Encoding", "", _ENCODINGS),
        _seldom("subject", "Mail's subject", "Where the names of mailed files are alike; * as above."),
        _seldom("stamp", "As of when", "Mails tell it by their own date.", _STAMPS),
        _seldom("zone", "Time zone", "Of the day in a file's name, such as America/New_York; UTC when empty."),
        _seldom("skip", "Lines above the headings", "A number; 0 when empty."),
        _seldom("ends_at", "Last line begins with", "Such as Overall Total; empty where there is no such line."),
        _seldom("numbered", "Number lines", "Yes, where the key names a transaction and not its line.", _NO_YES),
        _seldom("done", "Wait for a .done file", "", _NO_YES),
        _seldom("optional", "May be missing", "The source may be fresh before this feed's first file.", _NO_YES),
    ),
    _MOST,
)  # fmt: skip
_TITLES = {one.name: one.label for one in ROWS.fields}
_FREE = {one.name for one in ROWS.fields if not one.choices}


def blocks(typed: Mapping[str, str]) -> dict[int, dict[str, str]]:
    """Return what was typed in each block, by its number; blocks in which nothing was typed are left out."""
    found: dict[int, dict[str, str]] = {}
    for name, value in typed.items():
        kind, _, rest = name.partition(".")
        number, _, one = rest.partition(".")
        if kind == NAME and number.isascii() and number.isdecimal() and len(number) <= 2 and one in _TITLES:
            found.setdefault(int(number), {})[one] = value.strip()
    return {number: said for number, said in sorted(found.items()) if any(said.get(one) for one in _FREE)}


def declared(typed: Mapping[str, str]) -> list[object]:
    """Return the declaration of all feeds that were typed; HintError names the feed and the field."""
    found = blocks(typed)
    names: dict[str, int] = {}
    for number, said in found.items():
        name = said.get("name", "")
        if name and names.setdefault(name, number) != number:
            raise _wrong(number, said, "name", f"feed {names[name] + 1} has the same name")
    return [feed_of(number, said) for number, said in found.items()]


def feed_of(number: int, said: Mapping[str, str]) -> dict[str, object]:
    """Return the declaration of one block; HintError."""
    for needed, words in (("name", "give the feed a name"), ("pattern", "say which files are its"),
                          ("key", "name the columns that tell rows apart")):  # fmt: skip
        if not said.get(needed):
            raise _wrong(number, said, needed, words)
    if not FEED_NAME.fullmatch(said["name"]):
        raise _wrong(number, said, "name", "small letters, digits and _ only, and a letter first, such as gl_2026")
    decimal, thousands = _chosen(number, said, "numbers", NUMBERS)
    into = said.get("into") or "rows"
    columns = columns_of(said)
    _check_columns(number, said, into, columns)
    replaces = said.get("replaces") or "nothing"
    if replaces == "period" and not said.get("period"):
        raise _wrong(number, said, "period", "name the column that tells the period")
    skip = said.get("skip") or "0"
    if not (skip.isascii() and skip.isdecimal() and len(skip) <= 3):
        raise _wrong(number, said, "skip", "a number is wanted")
    feed: dict[str, object] = {
        "name": said["name"], "pattern": said["pattern"], "into": into, "columns": columns,
        "key": [one.strip() for one in said["key"].splitlines() if one.strip()],
        "dates": said.get("dates") or "MM/DD/YYYY", "decimal": decimal, "thousands": thousands, "replaces": replaces,
        "delimiter": "\t" if said.get("delimiter") == "tab" else said.get("delimiter") or ",",
        "encoding": said.get("encoding") or "utf-8", "stamp": said.get("stamp") or "name",
        "zone": said.get("zone") or "UTC", "skip": int(skip),
    }  # fmt: skip
    feed |= {"period": said["period"]} if replaces == "period" else {}
    feed |= {one: said[one] for one in ("subject", "ends_at") if said.get(one)}
    return feed | {one: True for one in ("numbered", "done", "optional") if said.get(one)}


def typed_of(number: int, feed: Feed) -> dict[str, str]:
    """Return the fields of a block that declare that feed; `feed_of` makes the same feed of them."""
    numbers = next(one for one, form in NUMBERS.items() if form == (feed.decimal, feed.thousands))
    said = {
        "name": feed.name, "pattern": feed.pattern, "into": feed.into, "key": "\n".join(feed.key), "dates": feed.dates,
        "numbers": numbers, "replaces": feed.replaces, "period": feed.period, "encoding": feed.encoding,
        "delimiter": "tab" if feed.delimiter == "\t" else feed.delimiter, "subject": feed.subject, "stamp": feed.stamp,
        "zone": feed.zone, "skip": str(feed.skip or ""), "ends_at": feed.ends_at,
        **{name: "yes" for name in ("numbered", "done", "optional") if getattr(feed, name)},
    }  # fmt: skip
    names = COLUMNS if feed.into == "transaction_lines" else _ROW_COLUMNS
    said |= {names_of(name, feed.into): label for name, label in feed.columns.items() if name in names}
    return {f"{NAME}.{number}.{one}": value for one, value in said.items() if value}


def names_of(column: str, into: str) -> str:
    """Return the field of one of our columns."""
    return f"column.{'row_amount' if into == 'rows' and column == 'amount' else column}"


def columns_of(said: Mapping[str, str]) -> dict[str, str]:
    """Return our columns and their headings, of the kind of table that was chosen."""
    into = said.get("into") or "rows"
    names = COLUMNS if into == "transaction_lines" else _ROW_COLUMNS
    return {name: said[names_of(name, into)] for name in names if said.get(names_of(name, into))}


def _check_columns(number: int, said: Mapping[str, str], into: str, columns: Mapping[str, str]) -> None:
    if into != "transaction_lines":
        return
    for needed in ("transaction_id", "txn_date", "account"):
        if needed not in columns:
            raise _wrong(number, said, f"column.{needed}", "lines of transactions need it")
    if not {"amount", "debit", "credit"} & set(columns):
        raise _wrong(number, said, "column.amount", "lines need an amount, or debit and credit")


def _chosen(number: int, said: Mapping[str, str], name: str, known: Mapping[str, tuple[str, str]]) -> tuple[str, str]:
    value = said.get(name) or next(iter(known))
    if value not in known:
        raise _wrong(number, said, name, "choose one of the list")
    return known[value]


def _wrong(number: int, said: Mapping[str, str], name: str, words: str) -> HintError:
    return HintError(f"{heading(number, said)}, {_TITLES[name]}: {words}.", f"{NAME}.{number}.{name}")


def heading(number: int, said: Mapping[str, str]) -> str:
    """Return how a block is called in sentences: ``Feed 2 (gl)``."""
    name = "".join(sign for sign in said.get("name", "")[:40] if sign.isprintable())
    return f"Feed {number + 1} ({name})" if name else f"Feed {number + 1}"
