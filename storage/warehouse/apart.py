"""Questions over a lake that are answered in a process of their own, which has no secrets; see `child`.

To start it is half of what a small calculation costs: whoever asks several times, and asks the second time by what was
answered the first, has one process for all of it (`Apart`).
"""

import asyncio
import json
import sys
from asyncio.subprocess import Process
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import storage
from storage.warehouse import checked
from storage.warehouse.errors import NoLake, NotReadable, StorageFailed, WarehouseError

#: A new interpreter that looks at no environment and no user's packages, only at where this program lies.
_PROGRAM = "import sys; sys.path.insert(0, sys.argv[1]); from storage.warehouse.child import main; main()"
#: to end by itself after its time before it is ended
_GRACE = 5.0
#: bytes of all answers to one order
_LONGEST = 256_000_000


@dataclass(frozen=True, slots=True)
class Question:
    """One SELECT over ready and raw tables; what people chose is among the parameters."""

    sql: str
    parameters: tuple[Any, ...] = ()
    #: tables, and columns as ``table.column``, without which the answer is empty
    needs: tuple[str, ...] = ()
    #: its rows are answers to nobody but to the questions after it, as the table ``made_<keep>``
    keep: str = ""
    #: tables ``changed_…`` and ``made_…`` of which one must have a row, else the answer is empty
    rows_in: tuple[str, ...] = ()
    #: the SELECT that is kept instead where none of them has a row
    otherwise: str = ""


@dataclass(frozen=True, slots=True)
class Changed:
    """What came and went of a table since a snapshot is the table ``changed_<table>`` for the questions that follow.

    Answered with how many rows these are when that is known; those that need it are answered with none where it is not.
    """

    changed: str
    source_id: str
    since: int


@dataclass(frozen=True, slots=True)
class Caps:
    """What the process may use."""

    #: of the clock for each order, and of the processor for all
    seconds: int = 60
    #: bytes for DuckDB; beyond it intermediate results go to the lake's staging folder
    memory: int = 512_000_000
    #: of all answers to an order together
    rows: int = 200_000
    threads: int = 1


class TooMuch(StorageFailed):
    """The questions took more time, memory or rows than they may."""


class TooManyRows(TooMuch):
    """The answers are longer than they may be; fewer questions at once are answered."""


class Apart:
    """A process over one lake that answers as often as it is asked, begins with the first order and ends with this.

    All is answered from one snapshot when it is given. What was kept for one order is there for the later ones, while
    none failed: after one that did, or when it ended by itself, the next begins with a new process.
    """

    def __init__(
        self,
        url: str,
        organization_id: str,
        *,
        caps: Caps | None = None,
        snapshot: int | None = None,
        program: str = _PROGRAM,
    ) -> None:
        """`program` is what the interpreter runs."""
        self._place = {"url": _absolute(url), "organization": organization_id, "snapshot": snapshot}
        self._caps = caps or Caps()
        self._program = program
        self._process: Process | None = None

    async def ask(self, questions: Sequence[Question | Changed]) -> list[list[list[Any]]]:
        """Return the rows of each question (NoLake, NotReadable, TooMuch, StorageFailed).

        Decimals and days come as text.
        """
        if self._process is not None and self._process.returncode is not None:
            await self._end()
        process = self._process = self._process or await self._started()
        order = {
            **self._place,
            "caps": asdict(self._caps),
            "checked": checked.known(),
            "questions": [asdict(question) for question in questions],
        }
        try:
            async with asyncio.timeout(self._caps.seconds + _GRACE):
                return _answers(await _said(process, order))
        except TimeoutError as error:
            await self._end()
            raise TooMuch(f"not answered within {self._caps.seconds} seconds") from error
        except WarehouseError:
            await self.close()
            raise
        except BaseException:
            await self._end()
            raise

    async def _started(self) -> Process:
        # What may hold a password, the address of the lake, goes through the pipe: arguments can be read by others.
        return await asyncio.create_subprocess_exec(
            sys.executable, "-I", "-c", self._program, str(Path(storage.__file__).parents[1]),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            limit=_LONGEST,
            env={},
            cwd="/",
            start_new_session=True,
        )  # fmt: skip

    async def _end(self) -> None:
        process, self._process = self._process, None
        if process is None:
            return
        assert process.stdin is not None
        process.stdin.close()
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()

    async def close(self) -> None:
        """Let the process end by itself, which takes its intermediate results away; end it when it does not."""
        process = self._process
        if process is not None and process.stdin is not None:
            process.stdin.close()
            with suppress(TimeoutError):
                async with asyncio.timeout(_GRACE):
                    await process.wait()
        await self._end()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


async def ask_apart(
    url: str,
    organization_id: str,
    questions: Sequence[Question | Changed],
    *,
    caps: Caps | None = None,
    snapshot: int | None = None,
    program: str = _PROGRAM,
) -> list[list[list[Any]]]:
    """Return the rows of each question, asked once; see `Apart`."""
    async with Apart(url, organization_id, caps=caps, snapshot=snapshot, program=program) as apart:
        return await apart.ask(questions)


async def _said(process: Process, order: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return what the process answers to an order; both are one line."""
    assert process.stdin is not None
    assert process.stdout is not None
    process.stdin.write(json.dumps(order).encode() + b"\n")
    # Who ended meanwhile takes no order: what it said says more.
    with suppress(ConnectionError):
        await process.stdin.drain()
    try:
        line = await process.stdout.readline()
    except ValueError as error:
        raise TooManyRows("a longer answer than may be") from error
    if not line.endswith(b"\n") and await process.wait():
        raise TooMuch(f"the process ended with {process.returncode}")
    try:
        said: Mapping[str, Any] = json.loads(line)
    except ValueError as error:
        raise StorageFailed("the process answered with something else") from error
    return said


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
        case "too much":
            raise TooMuch("more memory than may be used")
        case _:
            raise StorageFailed(said["detail"])


def _absolute(url: str) -> str:
    """Return the address of the lakes for a process that runs in another folder."""
    return url if "://" in url else str(Path(url).resolve())
