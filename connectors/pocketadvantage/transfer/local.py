"""A folder of this machine, one per organization: for whoever runs Tidings beside the program that reads the files.

Whoever may write there could plant a link: no step of a path follows one, and a name that is taken is never written to.
"""

import asyncio
import contextlib
import os
import stat
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO, TypeVar

from connectors.errors import Broken
from connectors.pocketadvantage.transfer.places import Place, checked_path, is_name
from connectors.pocketadvantage.transfer.port import (
    CHUNK,
    MOST_ENTRIES,
    AbsentError,
    Entry,
    Take,
    of_system,
    too_large,
    too_many,
)

T = TypeVar("T")
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
#: the program that reads belongs to the same group
_FOLDER_MODE, _FILE_MODE = 0o750, 0o640


class LocalRemote:
    """Files below ``<folder>/<organization>/<root>``; a rename there replaces at once."""

    def __init__(self, place: Place, folder: str) -> None:
        if not folder:
            words = "no folder is set up here for files that do not travel; whoever runs Tidings can add one"
            raise Broken(words, code="folder_missing")
        self.can_replace: bool | None = True
        self._home = Path(folder)
        # The operator's own folder may be a link of his; whatever lies below it may not.
        self._above = [place.organization, *filter(None, place.root.split("/"))]

    async def look(self, folder: str) -> list[Entry]:
        """List in a thread."""
        return await _in_thread(lambda: self._looked(folder))

    async def read(self, path: str, into: Take, limit: int) -> None:
        """Read in a thread: `into` is called there."""
        await _in_thread(lambda: self._read(path, into, limit))

    async def write(self, path: str, source: IO[bytes]) -> None:
        """Write in a thread, down to the disk."""
        await _in_thread(lambda: self._write(path, source))

    async def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Rename in a thread, down to the disk."""
        await _in_thread(lambda: self._rename(old, new, replace=replace))

    async def remove(self, path: str) -> None:
        """Remove in a thread."""
        await _in_thread(lambda: self._remove(path))

    async def make_folder(self, path: str) -> None:
        """Make it and what is above it."""
        await _in_thread(lambda: self._make_folder(path))

    def _looked(self, folder: str) -> list[Entry]:
        found = []
        with self._opened(folder) as here, os.scandir(here) as names:
            for one in names:
                if not is_name(one.name) or one.is_symlink():
                    continue
                with contextlib.suppress(FileNotFoundError):
                    seen = one.stat(follow_symlinks=False)
                    found.append(Entry(one.name, seen.st_size, stat.S_ISDIR(seen.st_mode)))
                if len(found) > MOST_ENTRIES:
                    raise too_many()
        return found

    def _read(self, path: str, into: Take, limit: int) -> None:
        with self._beside(path) as (here, name):
            # A pipe that somebody put there must not hold us.
            handle = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=here)
        with os.fdopen(handle, "rb") as file:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise AbsentError
            came = 0
            while part := file.read(CHUNK):
                came += len(part)
                if came > limit:
                    raise too_large(limit)
                into(part)

    def _write(self, path: str, source: IO[bytes]) -> None:
        flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
        with self._beside(path) as (here, name):
            handle = os.open(name, flags, _FILE_MODE, dir_fd=here)
            with os.fdopen(handle, "wb") as file:
                while part := source.read(CHUNK):
                    file.write(part)
                file.flush()
                os.fsync(handle)

    def _rename(self, old: str, new: str, *, replace: bool) -> None:
        with self._beside(old) as (before, name), self._beside(new) as (after, wanted):
            if replace:
                os.rename(name, wanted, src_dir_fd=before, dst_dir_fd=after)
            else:
                # A plain rename would replace; two names for a moment do not.
                os.link(name, wanted, src_dir_fd=before, dst_dir_fd=after, follow_symlinks=False)
                os.unlink(name, dir_fd=before)
            os.fsync(after)

    def _remove(self, path: str) -> None:
        with self._beside(path) as (here, name):
            os.unlink(name, dir_fd=here)

    def _make_folder(self, path: str) -> None:
        self._home.mkdir(parents=True, exist_ok=True)
        parts = [*self._above, *checked_path(path).split("/")]
        for count in range(1, len(parts) + 1):
            with self._walked(parts[: count - 1]) as above, contextlib.suppress(FileExistsError):
                os.mkdir(parts[count - 1], _FOLDER_MODE, dir_fd=above)
        with self._walked(parts):
            pass

    @contextlib.contextmanager
    def _beside(self, path: str) -> Iterator[tuple[int, str]]:
        folder, _, name = checked_path(path).rpartition("/")
        with self._opened(folder) as here:
            yield here, name

    @contextlib.contextmanager
    def _opened(self, folder: str) -> Iterator[int]:
        below = checked_path(folder, empty=True)
        with self._walked([*self._above, *filter(None, below.split("/"))]) as here:
            yield here

    @contextlib.contextmanager
    def _walked(self, parts: list[str]) -> Iterator[int]:
        """Open a folder step by step: each is opened in the one before it, and none may be a link."""
        here = os.open(self._home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            for part in parts:
                above, here = here, os.open(part, _FOLDER, dir_fd=here)
                os.close(above)
            yield here
        finally:
            os.close(here)


async def _in_thread(work: Callable[[], T]) -> T:
    try:
        return await asyncio.to_thread(work)
    except OSError as error:
        raise of_system(error) from None
