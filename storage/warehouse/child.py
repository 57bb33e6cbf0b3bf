"""A process that answers questions over one lake and can do nothing else: it has no secrets, no time and no memory.

It is started by `storage.warehouse.apart` with an empty environment, reads its order from standard input and writes
one answer to standard output. The lake is attached read-only, nothing outside of its folder can be opened, and the
configuration is locked before the first question, see `session.connect`; each question is looked at by `guard`.
"""

import json
import os
import resource
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date
from decimal import Decimal
from typing import Any, TextIO

from storage.warehouse.errors import NoLake, NotReadable, WarehouseError
from storage.warehouse.location import locate
from storage.warehouse.reader import Reader
from storage.warehouse.session import Limits

#: bytes of memory beyond what DuckDB is told to use: the interpreter, the libraries' data, the answer
_BESIDE = 1_500_000_000
_LARGEST_FILE = 4_000_000_000
_FILES = 256
#: whoever answers clicks and collects goes first on a busy machine
_AFTER_OTHERS = 10


def main() -> None:
    """Answer one order."""
    order, answer = json.load(sys.stdin), _alone()
    _cap(order["caps"])
    try:
        said: dict[str, Any] = {"answers": list(answered(order))}
    except NoLake:
        said = {"refused": "no lake"}
    except NotReadable as error:
        said = {"refused": "not readable", "detail": str(error)}
    except TooManyRowsError:
        said = {"refused": "too many rows"}
    except WarehouseError as error:
        said = {"refused": "failed", "detail": str(error)}
    json.dump(said, answer, default=_plain)
    answer.flush()


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
    # Whoever started it may be gone.
    signal.alarm(caps["seconds"])


def answered(order: Mapping[str, Any], reading: Callable[..., Reader] = Reader) -> Iterator[list[Sequence[Any]]]:
    """Yield the rows of each question of an order (TooManyRowsError, and what the warehouse raises)."""
    caps = order["caps"]
    limits = Limits(f"{caps['memory'] // 1_000_000}MB", caps["threads"])
    place = locate(order["url"], order["organization"])
    with reading(place, limits, order["snapshot"]) as reader, reader.steady():
        there, left = set(reader.tables()), caps["rows"]
        for question in order["questions"]:
            if "changed" in question:
                known = reader.changed(question["changed"], question["source_id"], question["since"])
                there |= {f"changed_{question['changed']}"} if known else set()
                yield [[1]] if known else []
                continue
            if not set(question["needs"]) <= there:
                yield []
                continue
            if question["keep"]:
                reader.keep(question["keep"], question["sql"], question["parameters"])
                yield []
                continue
            # One more than may be is asked for, and no more than that is ever in memory.
            rows = reader.query(f"SELECT * FROM ({question['sql']}) LIMIT {left + 1}", question["parameters"])  # noqa: S608 - SQL of ours, looked at by the reader
            left -= len(rows)
            if left < 0:
                raise TooManyRowsError
            yield [list(row.values()) for row in rows]


def _plain(value: object) -> str:
    """Return a number or a day as the text that it is; money is never a float."""
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, date):
        return value.isoformat()
    raise TypeError(f"not a value that is answered with: {type(value).__name__}")


if __name__ == "__main__":
    main()
