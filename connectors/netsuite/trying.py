"""What a person who declares feeds is told before anything is kept: what lies there, and how it would be read."""

import asyncio
import io
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime

import msgspec

from connectors.errors import Broken, ConnectorError
from connectors.files.spool import FullError, Spool
from connectors.files.store import Found, Store
from connectors.files.unpack import unpacked
from connectors.files.wrong import FileError, file_broken
from connectors.grants import RowAnswer
from connectors.netsuite.choose import dated
from connectors.netsuite.feeds import Feed, Grant
from connectors.netsuite.ledger import Ledger
from connectors.netsuite.looking import Looked, look
from connectors.netsuite.records import check_columns, read
from connectors.netsuite.typed import COLUMNS

#: A larger file is not opened to try it: its first collection says what it holds.
LARGEST = 16 << 20
#: What a try may unpack, and keep on disk while it lasts; rows that it reads. Somebody waits for it, and others beside.
_UNPACKED, _KEPT, _MOST = 256 << 20, 256 << 20, 100_000
_SHOWN, _WIDE, _LONG = 10, 9, 60
#: Seconds that a person waits before a page: a mailbox may hold thousands of mails, and each is opened once.
PATIENCE = 60.0
#: What is said of each feed then.
SLOW = RowAnswer(
    good=False,
    lines=("There is so much that a minute was not enough to look through it. The first collection reads all of it.",),
)


@dataclass(frozen=True, slots=True)
class Opened:
    """A place that can be looked into, and what its files are said to be."""

    store: Store
    grant: Grant
    now: datetime


@dataclass(frozen=True, slots=True)
class Content:
    """A file that can be read."""

    count: int
    first: list[bytes]
    #: False: it has more rows, which were not looked at
    whole: bool = True


async def tried(place: Opened, patience: float = PATIENCE) -> dict[str, RowAnswer]:
    """Return what is to be said of each feed, by its name; ConnectorError where the place itself cannot be read."""
    try:
        async with asyncio.timeout(patience):
            found = await look(place.store, place.grant, Ledger(), place.now)
            return {feed.name: await _one(feed, found) for feed in place.grant.feeds}
    except TimeoutError:
        return {feed.name: SLOW for feed in place.grant.feeds}


async def newest(place: Opened, patience: float = PATIENCE) -> tuple[Found, bytes] | None:
    """Return the newest file of the first feed, small enough to be looked at; None: there is none. ConnectorError."""
    try:
        async with asyncio.timeout(patience):
            return await _newest(place)
    except TimeoutError:
        words = "there is so much that a minute was not enough to look through it: use a file of yours as a sample"
        raise Broken(words, code="look_too_long") from None


async def _newest(place: Opened) -> tuple[Found, bytes] | None:
    found = await look(place.store, place.grant, Ledger(), place.now)
    files = sorted(found.files[place.grant.feeds[0].name], key=lambda one: (one.as_of or one.modified, one.path))
    if not files:
        return None
    if files[-1].size > LARGEST:
        words = f"the newest file is larger than {LARGEST >> 20} MB: use a smaller one as a sample"
        raise Broken(words, code="file_large")
    return files[-1], await found.store.read(files[-1])


async def _one(feed: Feed, found: Looked) -> RowAnswer:
    files = found.files[feed.name]
    if (spoilt := found.stops(feed)) is not None:
        return RowAnswer(good=False, lines=(_sentence(spoilt.detail),))
    if not files:
        return RowAnswer(good=True, lines=_nothing(feed, found))
    known = [one for one in (dated(feed, one) for one in files) if one is not None]
    if len(known) < len(files):
        words = "The names of its files tell no date: choose “When it was last written” at “As of when”."
        return RowAnswer(good=False, lines=(words,))
    last = max(known, key=lambda one: one.order)
    name, as_of = plain(last.found.name or last.found.path), f"{last.as_of.astimezone(UTC):%a %d %b %Y %H:%M} UTC"
    count = "1 file" if len(files) == 1 else f"{len(files)} files"
    told = f"{count} there. The newest is {name}, with data as of {as_of}."
    if last.found.size > LARGEST:
        return RowAnswer(good=True, lines=(told, "It is too large to be tried here; the first collection reads it."))
    try:
        body = await found.store.read(last.found)
        rows = await asyncio.to_thread(opened, feed, last.found.path, body)
    except ConnectorError as error:
        return RowAnswer(good=False, lines=(told, f"{_sentence(error.detail)}{_look(error.detail)}"))
    header, shown = preview(feed, rows.first)
    said = f"All of its {rows.count:,} rows" if rows.whole else f"Its first {rows.count:,} rows, which were looked at,"
    lines = (told, f"{said} can be read. The first ones:")
    return RowAnswer(good=True, lines=lines if rows.count else (told, "It has no rows."), header=header, rows=shown)


def opened(feed: Feed, path: str, body: bytes) -> Content:
    """Read a file as the feed would, or the beginning of much; Broken names the file, the row and the reason."""
    check_columns(feed)
    spool, whole = Spool(_KEPT, _MOST), True
    try:
        try:
            read(feed, unpacked(path, io.BytesIO(body), _UNPACKED), spool)
        except FullError:
            whole = False
        return Content(spool.count, next(spool.batches(), [])[:_SHOWN], whole)
    except FileError as error:
        raise file_broken(path, error) from error
    finally:
        spool.close()


def preview(feed: Feed, records: list[bytes]) -> tuple[tuple[str, ...], tuple[tuple[str, ...], ...]]:
    """Return headings and first rows as they would stand in the table."""
    names = list(feed.columns)[:_WIDE]
    rows = []
    labels: list[str] = []
    for body in records:
        record = msgspec.json.decode(body, type=dict[str, object])
        cells = [_short(record.get(name)) for name in names]
        if feed.into == "rows":
            pairs = msgspec.json.decode(str(record["cells"]), type=list[tuple[str, str]])[: _WIDE - len(cells)]
            labels = [label for label, _ in pairs]
            cells += [_short(cell) for _, cell in pairs]
        rows.append(tuple(cells))
    return (*(COLUMNS.get(name, "Date") for name in names), *labels), tuple(rows)


def _sentence(detail: str) -> str:
    return f"{detail[:1].upper()}{detail[1:]}."


def _short(value: object) -> str:
    text = "" if value is None else str(value)
    return text if len(text) <= _LONG else f"{text[: _LONG - 1]}…"


def plain(path: str) -> str:
    """Return a file's name as it may be shown."""
    return "".join(sign if sign.isprintable() else "?" for sign in path.rpartition("/")[2])[-80:]


def _nothing(feed: Feed, found: Looked) -> tuple[str, ...]:
    lines = [f"No file of it is there yet: none is named {feed.pattern}. The feed waits for its first one."]
    others = _named(found.there.values())
    lines += [f"What lies there: {others}."] if others else ["Nothing else lies there either."]
    lines += [f"Mails were put aside: {', '.join(found.against)}."] if found.against else []
    return tuple(lines)


def _named(files: Iterable[Found]) -> str:
    ordered = sorted(files, key=lambda one: one.modified, reverse=True)
    names = list(dict.fromkeys(plain(one.name or one.path) for one in ordered))
    return ", ".join(names[:5]) + (f" and {len(names) - 5} more" if len(names) > 5 else "")


#: What a person should look at, by words of the reason.
_LOOK = {
    "not an amount": "Amounts look like",
    "not a date": "Dates look like",
    "a day that does not exist": "Dates look like",
    "has no column": "the columns' headings, or “Between cells”",
    "cells where the header": "Between cells, or “Lines above the headings”",
    "encoding": "Encoding",
    "as its feed declares": "Encoding",
    "two rows of one": "Key columns",
    "row without": "Key columns and the period column",
    "ends without": "Last line begins with",
    "goes on after": "Last line begins with",
}


def _look(detail: str) -> str:
    at = next((field for words, field in _LOOK.items() if words in detail), "")
    return f" Look at “{at}”." if at and "“" not in at else f" Look at {at}." if at else ""
