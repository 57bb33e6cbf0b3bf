"""What must hold whatever was cut off when, and how it is played: one attempt that fails, and one that does not."""

import contextlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import IO, Any

from connectors.errors import ConnectorError, Retry
from connectors.pocketadvantage.transfer.port import Entry, Remote, Take
from connectors.pocketadvantage.transfer.publishing import publish
from sandbox.exchange.faults import Faults
from tests.connectors.pocketadvantage.transfer.stage import NAME, Stage

OLD = b"CUST_NO\tNAME\r\n" + b"1\tOld and Sons\r\n" * 120
MID = b"CUST_NO\tNAME\r\n" + b"1\tMiddle and Daughters\r\n" * 150
NEW = b"CUST_NO\tNAME\r\n" + b"1\tNew\r\n2\tOther\r\n" * 160


@dataclass
class Reader:
    """Reads the file at every command and every piece that the server sees."""

    stage: Stage
    whole: set[bytes | None]
    seen: list[bytes | None] = field(default_factory=list)

    def look(self) -> None:
        there = self.stage.there
        if not self.seen or self.seen[-1] != there:
            self.seen.append(there)

    def complaints(self) -> list[str]:
        return ["half a file, or none, was there"] if set(self.seen) - self.whole else []


@contextlib.contextmanager
def reading(stage: Stage, *whole: bytes | None) -> Iterator[Reader]:
    reader = Reader(stage, set(whole))
    stage.faults.watch = reader.look
    yield reader
    stage.faults.watch = lambda: None
    reader.look()


@dataclass
class CutOff:
    """A place that breaks off at a call of the script: for the folder, which has no connection."""

    remote: Remote
    faults: Faults

    @property
    def can_replace(self) -> bool | None:
        return self.remote.can_replace

    @can_replace.setter
    def can_replace(self, value: bool | None) -> None:
        self.remote.can_replace = value

    async def look(self, folder: str) -> list[Entry]:
        found: list[Entry] = await self._passed("look", self.remote.look, folder)
        return found

    async def read(self, path: str, into: Take, limit: int) -> None:
        await self._passed("read", self.remote.read, path, into, limit)

    async def write(self, path: str, source: IO[bytes]) -> None:
        await self._passed("write", self.remote.write, path, source)

    async def rename(self, old: str, new: str, *, replace: bool) -> None:
        await self._passed("rename", self.remote.rename, old, new, replace=replace)

    async def remove(self, path: str) -> None:
        await self._passed("remove", self.remote.remove, path)

    async def make_folder(self, path: str) -> None:
        await self._passed("make_folder", self.remote.make_folder, path)

    async def _passed(self, name: str, work: Callable[..., Any], *given: Any, **how: Any) -> Any:
        cut = self.faults.command(name)
        if cut == "before":
            raise Retry(None, "cut", code="connection")
        result = await work(*given, **how)
        if cut == "after":
            raise Retry(None, "cut", code="connection")
        return result


async def through_the_script(stage: Stage, body: bytes, *, publishing=publish, **how: Any) -> None:
    """Hand a file over; where there is no server whose script is played, its calls are cut here."""

    async def cut_off(remote: Remote, *given: Any, **more: Any) -> Any:
        return await publishing(CutOff(remote, stage.faults), *given, **more)

    is_local = stage.place.organization != ""
    await stage.hand_over(body, publishing=cut_off if is_local else publishing, **how)


async def complaints(stage: Stage, *, publishing=publish, again: bytes = NEW, **faults: Any) -> list[str]:
    """Play one fault over an old file, then a quiet attempt; say what is not as it must be.

    That attempt is the same once more, or it is about another state of the data, as on the next night.
    """
    stage.clear()
    stage.put(OLD)
    found = []
    with reading(stage, OLD, MID, NEW) as reader:
        stage.faults.begin(**faults)
        failed = False
        try:
            await through_the_script(stage, MID, publishing=publishing)
        except Retry:
            failed = True
            if not stage.faults.cut and stage.faults.keep_only is None:
                found.append("failed without a fault")
        except ConnectorError as error:
            return [f"{error.code}: no outage"]
        between = stage.there
        if between not in {OLD, MID}:
            found.append("after the cut neither the old nor the new file is there")
        stage.faults.begin()
        if failed or again != MID:
            try:
                await through_the_script(stage, again, publishing=publishing)
            except ConnectorError as error:
                found.append(f"{error.code}: the next attempt fails")
        if stage.there != again or stage.names() != [NAME]:
            found.append(f"at the end {stage.names()} lie there, or another file")
        if stage.archived() != ([OLD, MID] if between == MID != again else [OLD]):
            found.append(f"{len(stage.archived())} earlier versions are kept")
    return found + reader.complaints()
