"""Where files are delivered: a small port, and the local folder behind it."""

import asyncio
import os
import re
import stat
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Protocol

from connectors.errors import Broken, Retry

#: more files than this under one source are not looked through
MOST_FILES = 20_000
#: a larger file is not read, packed or not
LARGEST = 256 << 20
_CHUNK = 1 << 20
_ASIDE = (".tmp", ".part", ".filepart", ".done", ".crdownload")
_ORGANIZATION = re.compile(r"[A-Za-z0-9_-]{1,80}", re.ASCII)


@dataclass(frozen=True, slots=True)
class Found:
    """One version of one file; `version` is opaque and different when the file is."""

    #: below the source's folder, with slashes
    path: str
    size: int
    version: str
    modified: datetime
    #: what patterns are held against, where that is not the path: the name of an attachment
    name: str = ""
    #: subject of the mail that brought it
    subject: str = ""
    #: instant of its data, where the delivery itself tells it: a mail's own date
    as_of: datetime | None = None
    #: it cannot grow any more
    whole: bool = False


class Store(Protocol):
    """A place where files are delivered. It is only read."""

    async def look(self) -> list[Found]:
        """Return every file; ConnectorError."""
        ...

    async def read(self, found: Found) -> bytes:
        """Return that version of a small file, whole; Retry when it is another one by now, or gone."""
        ...

    async def fetch(self, found: Found, into: IO[bytes]) -> None:
        """Write that version of a file, whole, as it comes; Retry when it is another one by now, or gone.

        What was written before an error is no file.
        """
        ...


async def read_whole(store: Store, found: Found) -> bytes:
    """Return a file that memory has room for."""
    with tempfile.SpooledTemporaryFile(found.size + 1) as file:
        await store.fetch(found, file)
        file.seek(0)
        return file.read()


def is_aside(path: str) -> bool:
    """Whether a file is hidden, a beginning, or a mark beside another one."""
    name = path.rpartition("/")[2]
    return name.startswith(".") or name.lower().endswith(_ASIDE)


def is_marked(one: Found, there: Mapping[str, Found]) -> bool:
    """Whether ``<file>.done`` beside a file says that it is whole; one that is older is of the file before it."""
    mark = there.get(f"{one.path}.done")
    return mark is not None and mark.modified >= one.modified


def changed() -> Retry:
    """Return what to raise when a file is no longer the one that was listed."""
    return Retry(60, "a file changed while it was read", code="file_changed")


def too_large() -> Broken:
    """Return what to raise for a file over the limit."""
    return Broken(f"a file is larger than {LARGEST >> 20} MB", code="file_unreadable")


def too_many() -> Broken:
    """Return what to raise for a folder over the limit."""
    return Broken(f"more than {MOST_FILES} files lie there: move old ones away", code="too_many_files")


class FolderStore:
    """Files in a folder of this machine, one folder per organization. Symbolic links are not followed."""

    def __init__(self, root: str, organization: str, prefix: str) -> None:
        if not _ORGANIZATION.fullmatch(organization):
            raise Broken("a local folder belongs to an organization, and none is named", code="folder_missing")
        self._home = Path(root) / organization
        # The prefix comes from a declaration: it was checked to be plain names, so that it cannot leave the folder.
        self._folder = self._home / prefix
        self._prefix = prefix

    async def look(self) -> list[Found]:
        """Walk the folder in a thread."""
        return await asyncio.to_thread(self._looked)

    def _looked(self) -> list[Found]:
        # The organization's own folder may be a link that the operator made; whoever delivers may make one below it.
        if not self._folder.is_dir() or self._folder.resolve() != self._home.resolve() / self._prefix:
            raise Broken("the folder of this source is not there", code="folder_missing")
        found: list[Found] = []
        for here, folders, names in os.walk(self._folder, followlinks=False):
            folders[:] = sorted(name for name in folders if not name.startswith("."))
            for name in names:
                path = Path(here) / name
                try:
                    seen = path.lstat()
                except FileNotFoundError:
                    continue
                if stat.S_ISREG(seen.st_mode):
                    found.append(_found(path.relative_to(self._folder).as_posix(), seen))
            if len(found) > MOST_FILES:
                raise too_many()
        return found

    async def read(self, found: Found) -> bytes:
        """Read in a thread; the file must be the same before and after."""
        return await read_whole(self, found)

    async def fetch(self, found: Found, into: IO[bytes]) -> None:
        """Copy in a thread; the file must be the same before and after."""
        await asyncio.to_thread(self._copy, found, into)

    def _copy(self, found: Found, into: IO[bytes]) -> None:
        if found.size > LARGEST:
            raise too_large()
        try:
            handle = os.open(self._folder / found.path, os.O_RDONLY | os.O_NOFOLLOW)
        except OSError:
            raise changed() from None
        with os.fdopen(handle, "rb") as file:
            left = found.size
            # No further, however much is written behind it meanwhile.
            while left and (part := file.read(min(left, _CHUNK))):
                left -= len(part)
                into.write(part)
            seen = _found(found.path, os.fstat(handle))
        if seen != found or left:
            raise changed()


def _found(path: str, seen: os.stat_result) -> Found:
    version = f"{seen.st_ino:x}-{seen.st_mtime_ns:x}"
    return Found(path, seen.st_size, version, datetime.fromtimestamp(seen.st_mtime, UTC))
