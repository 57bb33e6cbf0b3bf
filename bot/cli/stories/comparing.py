"""Compares what a warehouse holds of a source with what its provider holds, row by row."""

from collections.abc import Iterable
from typing import Any

from bot.cli.equality import differences, unequal
from bot.cli.stories.truths import Records, Rows
from storage.facts.sources import Source
from storage.warehouse.reader import Reader


def compared(reader: Reader, source: Source, streams: Iterable[Records | Rows]) -> tuple[list[str], int]:
    """Return what is not as the provider has it, and how many rows and lines were looked at."""
    wrong: list[str] = []
    kept = _Kept(reader, source)
    for stream in streams:
        if isinstance(stream, Records):
            rows = kept.rows(stream.stream, stream.where)
            held = {row["id"]: row for row in rows}
            if len(held) < len(rows):
                wrong.append(f"{stream.stream}: {len(rows)} rows are kept under {len(held)} keys")
            lines = {one.name: kept.lines(one.name) for one in stream.shape.lines}
            wrong += differences(stream.shape, held, lines, stream.truth)
        else:
            found = kept.rows(stream.stream, stream.where)
            ours = (tuple(row[name] for name in stream.columns) for row in found)
            wrong += unequal(stream.stream, ours, stream.truth)
    return wrong, kept.seen


class _Kept:
    """The live rows of one source."""

    def __init__(self, reader: Reader, source: Source) -> None:
        self._reader = reader
        self._source = source
        self._tables = set(reader.tables())
        #: rows and lines that were read
        self.seen = 0

    def rows(self, stream: str, where: str) -> list[dict[str, Any]]:
        return self._read(stream, f"NOT _deleted AND {where}")

    def lines(self, table: str) -> dict[str, list[dict[str, Any]]]:
        found: dict[str, list[dict[str, Any]]] = {}
        for line in self._read(table, "TRUE"):
            found.setdefault(line["parent_id"], []).append(line)
        return found

    def _read(self, name: str, where: str) -> list[dict[str, Any]]:
        table = f"raw_{self._source.provider}_{name}"
        if table not in self._tables:
            return []
        sql = f"SELECT * FROM {table} WHERE _source = ? AND {where}"  # noqa: S608 - names and conditions of ours
        found: list[dict[str, Any]] = self._reader.arrow(sql, (self._source.id,)).to_pylist()
        self.seen += len(found)
        return found
