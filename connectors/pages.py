"""The part of a source's page in docs/sources that the code knows: which tables there are, and their columns.

Pure: from what a connector declares to Markdown. Authors run ``python -m bot.cli.pages``; a test compares the pages.
"""

from collections.abc import Iterable, Iterator, Mapping

from connectors.base import Connector
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode
from storage.facts.streams import LINE_COLUMNS, Column, Stream

BEGIN, END = "<!-- tables -->", "<!-- /tables -->"

#: table name -> column name -> SQL type, of raw and ready tables
Columns = Mapping[str, Mapping[str, str]]

_MODES = {
    CollectMode.ON_DEMAND: "on demand, and by its schedule",
    CollectMode.TIMER: "by a timer alone",
    CollectMode.PUSH: "when it is delivered",
    CollectMode.EXCHANGE: "never",
}


class NoPlaceError(ValueError):
    """A page has no place for its tables: both marks once, in this order."""


def with_tables(page: str, tables: str) -> str:
    """Return the page with the part between its marks replaced (NoPlaceError)."""
    if (page.count(BEGIN), page.count(END)) != (1, 1) or page.index(BEGIN) > page.index(END):
        raise NoPlaceError(f"the page needs {BEGIN} and {END} once, in this order")
    before, rest = page.split(BEGIN)
    return f"{before}{BEGIN}\n\n{tables.strip()}\n\n{END}{rest.split(END)[1]}"


def skeleton(connector: Connector) -> str:
    """Return a page whose prose is still to be written."""
    titles = ("What is read", "As of", "Limits", "Conventions")
    sections = "\n\n".join(f"## {title}" for title in titles)
    return f"# {connector.label}\n\n{sections}\n\n{BEGIN}\n{END}\n"


def tables(connector: Connector, columns: Columns) -> str:
    """Return the tables of a page: the streams, then each ready table, then each raw table."""
    if not connector.mode.collects:
        return _NONE
    parts = [_overview(connector)]
    if connector.ready:
        parts.append("## Ready tables")
    parts += [_ready(table, columns[f"ready_{table.name}"]) for table in connector.ready]
    parts.append(_RAW)
    for stream in connector.streams:
        parts += _raw(connector, stream, columns)
    return "\n\n".join(parts)


_NONE = "Nothing is collected over this connection, so that it has neither streams nor tables."

_RAW = """\
## Raw tables

Besides its own columns every table of a stream has `_source`, `_raw` (the record as it came), `_hash`, `_updated_at`
(the provider's time of the change), `_extracted_at`, `_run_id` (the run that last changed it) and `_deleted`; tables
of lines have `_source`."""


def _overview(connector: Connector) -> str:
    rows = (
        (stream.label, f"`{stream.name}`", "whole" if stream.full else "changes", _names(stream))
        for stream in connector.streams
    )
    return (
        f"## Streams\n\nCollected {_MODES[connector.mode]}. *Changes*: what changed since the last read; *whole*: all"
        f" of it each time.\n\n{_table(('what', 'stream', 'read', 'raw tables of its lines'), rows)}"
    )


def _names(stream: Stream) -> str:
    return ", ".join(f"`{child.name}`" for child in stream.children)


def _ready(table: ReadyTable, columns: Mapping[str, str]) -> str:
    reads = ", ".join(f"`{name}`" for name in (table.parent, *table.lines, *table.lookups))
    built = "built whole" if table.whole else f"replaced by `{table.key}`"
    head = f"### `ready_{table.name}`\n\n{_comment(table.sql)}\nFrom {reads}; {built}."
    return f"{head}\n\n{_columns(columns.items())}"


def _comment(sql: str) -> str:
    """Return the words at the top of an SQL file: what a row is, and its conventions."""
    lines = []
    for line in sql.splitlines():
        if not line.startswith("--"):
            break
        lines.append(line.removeprefix("--").strip())
    return "\n".join(lines)


def _raw(connector: Connector, stream: Stream, columns: Columns) -> Iterator[str]:
    yield _raw_table(connector, stream.name, f"{stream.label}.", stream.columns, columns)
    for child in stream.children:
        words = f"Lines of `raw_{connector.provider}_{stream.name}`, replaced with it."
        yield _raw_table(connector, child.name, words, (*LINE_COLUMNS, *child.columns), columns)


def _raw_table(connector: Connector, name: str, words: str, own: Iterable[Column], columns: Columns) -> str:
    full = f"raw_{connector.provider}_{name}"
    return f"### `{full}`\n\n{words}\n\n{_columns((column.name, columns[full][column.name]) for column in own)}"


def _columns(columns: Iterable[tuple[str, str]]) -> str:
    return _table(("column", "type"), ((f"`{name}`", kind) for name, kind in columns))


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = (head, ("---",) * len(head), *rows)
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)
