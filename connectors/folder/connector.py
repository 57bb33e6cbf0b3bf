"""The folder connector: CSV files that somebody puts into a folder, one table each."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import datetime, timedelta

from connectors.base import Access, Collected, Company, Progress, Session, Sink
from connectors.decode import empty
from connectors.errors import Broken, Retry
from connectors.files.session import FileSession
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
_BATCH = 20_000


class FolderSession(FileSession):
    """An open folder, and what its files are."""

    manifest: Manifest

    def __init__(self, access: Access, store: Store, manifest: Manifest) -> None:
        super().__init__(access, store)
        object.__setattr__(self, "manifest", manifest)


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
        opened = _opened(session)
        await opened.store.look()
        return Company(opened.access.account, opened.manifest.company or opened.access.account)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read the files that changed since, each whole; as-of is the time of the one that was written longest ago."""
        opened = _opened(session)
        there = {one.path: one for one in await opened.store.look()}
        tables = opened.manifest.tables
        found = {table.name: _standing(table, there, until) for table in tables}
        marks = {table.name: f"{table.digest}:{found[table.name].version}:{found[table.name].size}" for table in tables}
        due = [table for table in tables if cursors.get(table.name) != marks[table.name]]
        for table in due:
            body = await opened.store.read(found[table.name])
            await _hand_over(table, await asyncio.to_thread(_read, table, body), sink, progress)
        names = tuple(table.name for table in due)
        return Collected(
            source_as_of=min(until, *(one.modified for one in found.values())),
            cursors=marks,
            reads=0,
            full=names,
            keep_cursors=names,
        )


async def _manifest(access: Access) -> Manifest:
    return read_manifest((await access.tokens.load()).access)


@contextlib.asynccontextmanager
async def _session(access: Access) -> AsyncIterator[Session]:
    manifest = await _manifest(access)
    yield FolderSession(access, FolderStore(access.settings.api_url, access.organization, manifest.folder), manifest)


def _opened(session: Session) -> FolderSession:
    if not isinstance(session, FolderSession):
        raise TypeError("a session of another connector")
    return session


def _standing(table: Table, there: Mapping[str, Found], now: datetime) -> Found:
    found = there.get(table.file)
    if found is None:
        raise Broken(f"the file {table.file} is not in the folder", code="file_missing")
    if now - found.modified < SETTLES and not is_marked(found, there):
        raise Retry(SETTLES.total_seconds(), f"the file {table.file} may still grow", code="file_growing")
    return found


def _read(table: Table, body: bytes) -> list[bytes]:
    try:
        return read(table, body)
    except FileError as error:
        raise file_broken(table.file, error) from error


async def _hand_over(table: Table, records: list[bytes], sink: Sink, progress: Progress) -> None:
    # A table of which not even an empty batch came would count as not read, and a file without rows is one.
    await sink(empty(table.shape))
    intake = Intake(table.shape, sink, progress, expected=len(records))
    for start in range(0, len(records), _BATCH):
        await intake.take([records[start : start + _BATCH]])
