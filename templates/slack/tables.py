"""Tables, on whichever rung of the ladder the reader's workspace understands."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.facts.messages import Inline, Strong, Table
from templates.slack import limits
from templates.slack.inline import Reader, cell, mrkdwn, plain
from templates.slack.limits import Rung
from templates.slack.room import Block, Room, context, more, section, weight
from templates.text import size

_INTEGER = re.compile(r"-?[0-9]{1,3}(,?[0-9]{3}){0,4}")


@dataclass(frozen=True, slots=True)
class _Sheet:
    """A table with every row as long as its columns."""

    part: Table
    columns: tuple[str, ...]
    rows: list[tuple[tuple[Inline, ...], ...]]


def table(part: Table, rung: Rung, reader: Reader, room: Room) -> list[Block]:
    """Return the caption and the rows; rows that do not fit are counted below the last one."""
    columns = part.columns[: limits.TABLE_COLUMNS]
    rows = [tuple(row[index] if index < len(row) else () for index in range(len(columns))) for row in part.rows]
    if not columns or not rows or room.blocks < 3:
        return _caption(part, reader, room)
    sheet = _Sheet(part, columns, rows)
    drawer = _grid if rung in {Rung.NATIVE, Rung.DATA_TABLE, Rung.TABLE} else _lines
    return drawer(sheet, rung, reader, room)


def _caption(part: Table, reader: Reader, room: Room) -> list[Block]:
    text = mrkdwn((Strong(part.caption),), reader, min(limits.TEXT, room.chars)) if room.chars > 20 else ""
    return [section(text)] if text and room.blocks else []


def _grid(sheet: _Sheet, rung: Rung, reader: Reader, room: Room) -> list[Block]:
    newest = sheet.part.sortable and rung is not Rung.TABLE
    head: list[Block] = [{"type": "raw_text", "text": plain(name, limits.CELL)} for name in sheet.columns]
    above = [] if newest else _caption(sheet.part, reader, room)
    extra = _grid_extra(sheet, newest)
    drawn = [head]
    left = room.chars - weight([above, head, extra]) - _MORE
    for row in sheet.rows[: (limits.DATA_TABLE_ROWS if newest else limits.TABLE_ROWS) - 1]:
        cells = [_cell(parts, newest and index in sheet.part.numeric, reader) for index, parts in enumerate(row)]
        left -= weight(cells)
        if left < 0:
            break
        drawn.append(cells)
    if len(drawn) < 2:
        return above
    kind = (Rung.DATA_TABLE if newest else Rung.TABLE).value
    return [*above, {"type": kind, "rows": drawn, **extra}, *_rest(len(sheet.rows) - len(drawn) + 1)]


def _grid_extra(sheet: _Sheet, newest: bool) -> Block:  # noqa: FBT001 - one caller, named there
    if newest:
        caption = plain(sheet.part.caption, limits.HEADER)
        return {"caption": caption, "page_size": limits.DATA_TABLE_PAGE, "row_header_column_index": 0}
    return {"column_settings": [_column(sheet, index) for index in range(len(sheet.columns))]}


def _column(sheet: _Sheet, index: int) -> Block:
    """Return how a column stands: numbers to the right; dates and short words are not broken over lines."""
    long = any(size(part) > _UNBROKEN for row in sheet.rows for part in row[index] if isinstance(part, str))
    return {"align": "right" if index in sheet.part.numeric else "left", "is_wrapped": long}


#: Words up to this length stay on one line.
_UNBROKEN = 40


#: Room kept for the line that counts what was left out.
_MORE = 40


def _rest(hidden: int) -> list[Block]:
    return [context(more(hidden, "row"))] if hidden else []


def _cell(parts: Sequence[Inline], as_number: bool, reader: Reader) -> Block:  # noqa: FBT001 - one caller, named there
    shown = cell(parts, reader)
    text = shown.get("text", "")
    if as_number and _INTEGER.fullmatch(text):
        return {"type": "raw_number", "value": int(text.replace(",", "")), "text": text}
    return shown


def _lines(sheet: _Sheet, rung: Rung, reader: Reader, room: Room) -> list[Block]:
    """Return one entry per row: side by side fields where few rows have room for it, else one line each."""
    above = _caption(sheet.part, reader, room)
    room = Room(room.chars - weight(above) - _MORE, room.blocks - len(above) - 1)
    few = len(sheet.rows) <= min(_FIELD_ROWS, room.blocks) and len(sheet.columns) <= limits.FIELDS
    blocks = _fields(sheet, reader) if rung is Rung.FIELDS and few else []
    if blocks and weight(blocks) <= room.chars:
        return above + blocks
    lines = (mrkdwn(_line(sheet.columns, row), reader, _LINE) for row in sheet.rows)
    texts, shown = stacked(lines, room)
    return above + [section(text) for text in texts] + _rest(len(sheet.rows) - shown)


#: More rows than this as fields is a wall; as lines it can still be scanned.
_FIELD_ROWS = 6
#: Longest line of one row.
_LINE = 700


def _line(columns: Sequence[str], row: Sequence[Sequence[Inline]]) -> list[Inline]:
    line: list[Inline] = ["• "]
    for index, (name, parts) in enumerate(zip(columns, row, strict=True)):
        line += ([" · "] if index else []) + ([f"{name}: "] if index else []) + (list(parts) or ["–"])
    return line


def _fields(sheet: _Sheet, reader: Reader) -> list[Block]:
    return [
        {
            "type": "section",
            "fields": [field(name, parts, reader) for name, parts in zip(sheet.columns, row, strict=True)],
        }
        for row in sheet.rows
    ]


def stacked(lines: Iterable[str], room: Room) -> tuple[list[str], int]:
    """Return lines stacked into texts that a section takes, within the room, and how many of them fitted."""
    texts: list[str] = []
    shown, left = 0, room.chars
    for line in lines:
        left -= size(line) + 1
        if left < 0:
            break
        if texts and size(texts[-1]) + size(line) + 1 <= limits.TEXT:
            texts[-1] += "\n" + line
        elif len(texts) < room.blocks:
            texts.append(line)
        else:
            break
        shown += 1
    return texts, shown


def field(name: str, value: Sequence[Inline], reader: Reader) -> Block:
    """Return a label with its value under it."""
    label = mrkdwn((Strong(name),), reader, _LABEL) or "–"
    return {"type": "mrkdwn", "text": f"{label}\n{mrkdwn(value, reader, _VALUE) or '–'}", "verbatim": True}


#: A label and a value side by side; Slack's own limit for both together is 2,000.
_LABEL = 150
_VALUE = 600
