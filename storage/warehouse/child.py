"""A process that answers questions over one lake and can do nothing else: it has no secrets, no time and no memory.

It is started by `storage.warehouse.apart` with an empty environment, reads orders from standard input and writes one
answer to each to standard output. The lake is attached read-only, nothing outside of its folder can be opened, and the
configuration is locked before the first question, see `session.connect`; each question is looked at by `guard`.
"""

import json
import os
import re
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from datetime import date
from decimal import Decimal
from itertools import chain
from typing import Any, TextIO

from storage.warehouse import checked
from storage.warehouse.errors import NoLake, NoMemory, NotReadable, WarehouseError
from storage.warehouse.extensions import without_libraries
from storage.warehouse.location import locate
from storage.warehouse.reader import Reader
from storage.warehouse.session import Limits

#: bytes of memory beyond what DuckDB is told to use: the interpreter, the libraries' data, the answer
_BESIDE = 1_500_000_000
_LARGEST_FILE = 4_000_000_000
_FILES = 256
#: whoever answers clicks and collects goes first on a busy machine
_AFTER_OTHERS = 10
#: tables that are made by questions: the same name may hold something else by the next time
_KEPT = re.compile(r"\b(made|changed)_", re.IGNORECASE)
#: rows of an answer that is remembered
_SMALL = 100


def main() -> None:
    """Answer one order a line until there are no more, or one could not be answered."""
    without_libraries()
    answer, first = _alone(), json.loads(sys.stdin.readline())
    checked.take_over(first["checked"])
    _cap(first["caps"])
    with ExitStack() as open_until_the_end:
        said: dict[str, Any] = {}
        answering: Answering | None = None
        for order in chain([first], map(json.loads, sys.stdin)):
            # Whoever started it may be gone.
            signal.alarm(order["caps"]["seconds"])
            try:
                answering = answering or open_until_the_end.enter_context(begun(order))
                said = {"answers": list(answering.rows(order["questions"]))}
            except NoLake:
                said = {"refused": "no lake"}
            except NotReadable as error:
                said = {"refused": "not readable", "detail": str(error)}
            except TooManyRowsError:
                said = {"refused": "too many rows"}
            except NoMemory:
                said = {"refused": "too much"}
            except WarehouseError as error:
                said = {"refused": "failed", "detail": str(error)}
            answer.write(f"{json.dumps(said, default=_plain)}\n")
            answer.flush()
            if "refused" in said:
                break


def _alone() -> TextIO:
    """Return standard output for the answer alone: the engine draws how far it is there when a question takes long."""
    answer = os.fdopen(os.dup(sys.stdout.fileno()), "w")
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
    return answer


class TooManyRowsError(Exception):
    """An answer is longer than whoever asks can take."""


def _cap(caps: Mapping[str, int]) -> None:
    """Let the system end this process when it takes too much, and run what people wait for before it."""
    os.nice(_AFTER_OTHERS)
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CPU, (caps["seconds"], caps["seconds"]))
    resource.setrlimit(resource.RLIMIT_DATA, (caps["memory"] + _BESIDE, caps["memory"] + _BESIDE))
    resource.setrlimit(resource.RLIMIT_FSIZE, (_LARGEST_FILE, _LARGEST_FILE))
    resource.setrlimit(resource.RLIMIT_NOFILE, (_FILES, _FILES))


class Answering:
    """The answers to orders over one open lake, all from one snapshot; what one kept is there for those after it."""

    def __init__(self, reader: Reader, rows: int) -> None:
        self._reader = reader
        self._most = rows
        self._there = set(reader.tables())
        self._columns: dict[str, frozenset[str]] = {}
        #: what was answered from the snapshot alone is the same as often as it is asked
        self._known: dict[str, list[Sequence[Any]]] = {}

    def rows(self, questions: Sequence[Mapping[str, Any]]) -> Iterator[list[Sequence[Any]]]:
        """Yield the rows of each question (TooManyRowsError, and what the warehouse raises)."""
        reader, left = self._reader, self._most
        for question in questions:
            if "changed" in question:
                yield self._changed(question)
                continue
            if not all(map(self._is_there, question["needs"])):
                yield []
                continue
            rows_in = question["rows_in"]
            some = not rows_in or any(map(reader.holds, rows_in))
            if question["keep"] and (some or question["otherwise"]):
                asked = (question["sql"], question["parameters"]) if some else (question["otherwise"], ())
                reader.keep(question["keep"], *asked)
            if question["keep"] or not some:
                yield []
                continue
            rows = self._rows(question, left)
            left -= len(rows)
            if left < 0:
                raise TooManyRowsError
            yield rows

    def _rows(self, question: Mapping[str, Any], most: int) -> list[Sequence[Any]]:
        """Return the rows of a question, one more than may be at the most: no more than that is ever in memory."""
        sql, parameters = question["sql"], question["parameters"]
        key = json.dumps([sql, parameters])
        if (known := self._known.get(key)) is not None:
            return known
        rows: list[Sequence[Any]] = list(self._reader.rows(f"SELECT * FROM ({sql}) LIMIT {most + 1}", parameters))  # noqa: S608 - SQL of ours, looked at by the reader
        # One that is cut short is none.
        if not _KEPT.search(sql) and len(rows) <= min(most, _SMALL):
            self._known[key] = rows
        return rows

    def _is_there(self, need: str) -> bool:
        """Whether there is such a table, or such a column of a table."""
        if need in self._there or "." not in need:
            return need in self._there
        table, _, column = need.partition(".")
        if table not in self._columns:
            self._columns[table] = self._reader.columns(table)
        return column in self._columns[table]

    def _changed(self, question: Mapping[str, Any]) -> list[Sequence[Any]]:
        name = f"changed_{question['changed']}"
        known = self._reader.changed(question["changed"], question["source_id"], question["since"])
        self._there.discard(name)
        if known is None:
            return []
        self._there.add(name)
        return [[known]]


@contextmanager
def begun(order: Mapping[str, Any], reading: Callable[..., Reader] = Reader) -> Iterator[Answering]:
    """Open the lake of an order, as little of it as it takes (NoLake, StorageFailed)."""
    caps = order["caps"]
    limits = Limits(f"{caps['memory'] // 1_000_000}MB", caps["threads"])
    place = locate(order["url"], order["organization"])
    with reading(place, limits, order["snapshot"]) as reader, reader.steady():
        yield Answering(reader, caps["rows"])


def _plain(value: object) -> str:
    """Return a number or a day as the text that it is; money is never a float."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"not a value that is answered with: {type(value).__name__}")


if __name__ == "__main__":
    main()
