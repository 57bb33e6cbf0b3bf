"""Questions over a lake that are answered in a process of their own, which has no secrets; see `child`."""

import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import storage
from storage.warehouse.errors import NoLake, NotReadable, StorageFailed

#: A new interpreter that looks at no environment and no user's packages, only at where this program lies.
_PROGRAM = (
    "import sys; sys.path.insert(0, sys.argv[1]); from storage.warehouse.memory import share_one_heap;"
    " share_one_heap(); from storage.warehouse.child import main; main()"
)
#: to end by itself after its time before it is ended
_GRACE = 5.0


@dataclass(frozen=True, slots=True)
class Question:
    """One SELECT over ready and raw tables; what people chose is among the parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()
    #: tables without which the answer is empty
    needs: tuple[str, ...] = ()
    #: its rows are answers to nobody but to the questions after it, as the table ``made_<keep>``
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What came and went of a table since a snapshot is the table ``changed_<table>`` for the questions that follow.

    Answered with one row when that is known; those that need it are answered with none where it is not.
    """

    changed: str
    source_id: str
    since: int


@dataclass(frozen=True, slots=True)
class Caps:
    """What the process may use."""

    #: of the clock and of the processor
    seconds: int = 60
    #: bytes for DuckDB; beyond it intermediate results go to the lake's staging folder
    memory: int = 512_000_000
    #: of all answers together
    rows: int = 200_000
    threads: int = 1


class TooMuch(StorageFailed):
    """The questions took more time, memory or rows than they may."""


class TooManyRows(TooMuch):
    """The answers are longer than they may be; fewer questions at once are answered."""


async def ask_apart(
    url: str,
    organization_id: str,
    questions: Sequence[Question | Changed],
    *,
    caps: Caps | None = None,
    snapshot: int | None = None,
    program: str = _PROGRAM,
) -> list[list[list[Any]]]:
    """Return the rows of each question; decimals and days come as text (NoLake, NotReadable, TooMuch, StorageFailed).

    All are answered from one snapshot when it is given. `program` is what the interpreter runs.
    """
    caps = caps or Caps()
    order = {
        "url": _absolute(url),
        "organization": organization_id,
        "snapshot": snapshot,
        "caps": asdict(caps),
        "questions": [asdict(question) for question in questions],
    }
    # What may hold a password, the address of the lake, goes through the pipe: arguments can be read by others.
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-I", "-c", program, str(Path(storage.__file__).parents[1]),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
        env={},
        cwd="/",
        start_new_session=True,
    )  # fmt: skip
    try:
        async with asyncio.timeout(caps.seconds + _GRACE):
            said, _ = await process.communicate(json.dumps(order).encode())
    except TimeoutError as error:
        raise TooMuch(f"not answered within {caps.seconds} seconds") from error
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode:
        raise TooMuch(f"the process ended with {process.returncode}")
    try:
        answers: Mapping[str, Any] = json.loads(said)
    except ValueError as error:
        raise StorageFailed("the process answered with something else") from error
    return _answers(answers)


def _answers(said: Mapping[str, Any]) -> list[list[list[Any]]]:
    match said.get("refused"):
        case None:
            answers: list[list[list[Any]]] = said["answers"]
            return answers
        case "no lake":
            raise NoLake("nothing was collected for this organization yet")
        case "not readable":
            raise NotReadable(said["detail"])
        case "too many rows":
            raise TooManyRows("more rows than may be answered with")
        case _:
            raise StorageFailed(said["detail"])


def _absolute(url: str) -> str:
    """Return the address of the lakes for a process that runs in another folder."""
    return url if "://" in url else str(Path(url).resolve())
