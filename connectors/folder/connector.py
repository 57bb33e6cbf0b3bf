"""The folder connector: CSV files that somebody puts into a folder, one table each."""

import asyncio
import contextlib
import tempfile
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import IO

from connectors.apart import Aside, alone, refuse_nothing
from connectors.base import Access, Collected, Company, Progress, Session, Sink
from connectors.decode import empty
from connectors.errors import Broken, Retry
from connectors.files.session import FileSession, opened
from connectors.files.spool import Spool
from connectors.files.store import FolderStore, Found, Store, is_marked
from connectors.files.wrong import FileError, file_broken
from connectors.folder.manifest import Manifest, Table, read_manifest
from connectors.folder.records import read
from connectors.intake import Intake
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream

#: a file counts as whole when it did not change for so long, or when ``<file>.done`` lies beside it
SETTLES = timedelta(seconds=60)
#: so far clocks may be apart
_AHEAD = timedelta(minutes=10)


class FolderConnector:
    """Delivered to us: the clock looks whether files have changed. Its tables are those of each source's manifest."""

    provider = Provider.FOLDER
    mode = CollectMode.PUSH
    label = "Folder"
    streams: tuple[Stream, ...] = ()
    ready: tuple[ReadyTable, ...] = ()

    async def declared(self, access: Access) -> tuple[ReadyTable, ...]:
        """Return the ready tables of one source."""
        return tuple(table.ready(self.provider) for table in (await _manifest(access)).tables)

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Read the manifest; nothing is looked at yet."""
        return _session(access)

    async def probe(self, session: Session) -> Company:
        """Look whether the folder can be read."""
        place = opened(session, Manifest)
        await place.store.look()
        return Company(place.access.account, place.declared.company or place.access.account)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read the files that changed since, each whole; as-of is the time of the one that was written longest ago.

        A file that cannot be read is put aside: its table stays as it was.
        """
        place = opened(session, Manifest)
        access, tables = place.access, place.declared.tables
        wanted = [table for table in tables if access.wants(table.name)]
        turn = _Turn(place.store, {one.path: one for one in await place.store.look()}, cursors, until, sink, progress)
        aside = [one for table in wanted if (one := await turn.read(table)) is not None]
        refuse_nothing(turn.marks, aside, access.only)
        return Collected(
            source_as_of=min([until, *turn.written]),
            cursors=turn.marks,
            reads=0,
            full=tuple(turn.due),
            keep_cursors=tuple(turn.due),
            aside=tuple(aside),
            parts={table.name: table.file for table in tables},
        )


@dataclass
class _Turn:
    """Takes one file after the other."""

    store: Store
    there: Mapping[str, Found]
    cursors: Mapping[str, str]
    now: datetime
    sink: Sink
    progress: Progress
    #: table -> its cursor now
    marks: dict[str, str] = field(default_factory=dict)
    #: tables of which something was handed on
    begun: set[str] = field(default_factory=set)
    #: tables that were read
    due: list[str] = field(default_factory=list)
    #: when the files were written
    written: list[datetime] = field(default_factory=list)

    async def read(self, table: Table) -> Aside | None:
        """Read one file if it changed; return what stands against it when that is its own."""
        read = await alone((table.name,), self._read(table))
        return replace(read, label=table.file, whole=table.name in self.begun) if isinstance(read, Aside) else None

    async def _read(self, table: Table) -> None:
        found = _standing(table, self.there, self.now)
        mark = f"{table.digest}:{found.version}:{found.size}"
        if self.cursors.get(table.name) != mark:
            with contextlib.closing(Spool()) as records:
                with tempfile.TemporaryFile() as body:
                    await self.store.fetch(found, body)
                    body.seek(0)
                    await asyncio.to_thread(_into, table, body, records)
                # A table of which not even an empty batch came would count as not read; a file without rows is one.
                self.begun.add(table.name)
                await self.sink(empty(table.shape))
                intake = Intake(table.shape, self.sink, self.progress, expected=records.count)
                batches = records.batches()
                while (some := await asyncio.to_thread(next, batches, None)) is not None:
                    await intake.take([some])
            self.due.append(table.name)
        self.marks[table.name] = mark
        self.written.append(found.modified)


async def _manifest(access: Access) -> Manifest:
    return read_manifest((await access.tokens.load()).access)


@contextlib.asynccontextmanager
async def _session(access: Access) -> AsyncIterator[Session]:
    manifest = await _manifest(access)
    yield FileSession(access, FolderStore(access.settings.api_url, access.organization, manifest.folder), manifest)


def _standing(table: Table, there: Mapping[str, Found], now: datetime) -> Found:
    found = there.get(table.file)
    if found is None:
        raise Broken(f"the file {table.file} is not in the folder", code="file_missing")
    if found.modified - now > _AHEAD:
        # Believed, it would make its table look fresh until then.
        raise Broken(f"the file {table.file} bears a time that is still to come", code="file_unreadable")
    if now - found.modified < SETTLES and not is_marked(found, there):
        raise Retry(SETTLES.total_seconds(), f"the file {table.file} may still grow", code="file_growing")
    return found


def _into(table: Table, body: IO[bytes], records: Spool) -> None:
    try:
        read(table, body, records)
    except FileError as error:
        raise file_broken(table.file, error) from error
