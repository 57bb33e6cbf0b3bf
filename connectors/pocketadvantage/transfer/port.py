"""A place for files behind a small port. Whoever is behind it, its errors say what to do.

Retry for outages and silence; Reconnect for a login that is refused; Broken for what only a person can cure. The codes
that somebody acts on are named here.
"""

import errno
from collections.abc import Callable
from dataclasses import dataclass
from typing import IO, Protocol

from connectors.errors import Broken, Retry

#: seconds until a connection stands, and of silence on one
CONNECT, SILENCE = 15.0, 60.0
#: seconds that one file or one list may take, however busily bytes drip
LONGEST = 1800.0
#: seconds for all steps of one file together, the one before it included
WHOLE = 3600.0
#: a larger file is neither handed over nor taken
LARGEST = 1 << 30
#: more entries of one folder are not looked through
MOST_ENTRIES = 20_000
CHUNK = 1 << 18

HOST_KEY_MISSING, HOST_KEY_CHANGED = "host_key_missing", "host_key_changed"
CERTIFICATE_REFUSED, PLAIN_REFUSED = "certificate_refused", "plain_refused"
NO_SPACE, PERMISSION, CANNOT_REPLACE = "no_space", "permission_denied", "cannot_replace"
ADDRESS_REFUSED, LOGIN_REFUSED = "address_refused", "login_refused"

#: Is given a file piece by piece.
Take = Callable[[bytes], object]


@dataclass(frozen=True, slots=True)
class Entry:
    """One name in a folder, as the server lists it; names that no file of ours could have are left out."""

    name: str
    size: int
    is_folder: bool = False


class Listing:
    """What a server lists, as far as anybody reads it: names that no file of ours could have count as well."""

    def __init__(self, most: int = MOST_ENTRIES) -> None:
        self.found: list[Entry] = []
        #: names that are heard before it has no end
        self._most = most
        self._heard = 0

    def take(self, entry: Entry | None) -> None:
        """Take the next name; None for one that is left out. Broken when there is no end of it."""
        self._heard += 1
        if self._heard > self._most:
            raise too_many()
        if entry is not None:
            self.found.append(entry)


class Remote(Protocol):
    """One connection to a place, for one job. Paths lie below the place's root and consist of plain names."""

    #: whether a rename over a file that is there takes its place in one step; None: not tried yet
    can_replace: bool | None

    async def look(self, folder: str) -> list[Entry]:
        """Return what lies in a folder; AbsentError when there is none."""
        ...

    async def read(self, path: str, into: Take, limit: int) -> None:
        """Hand on a file as it comes; AbsentError when there is none, Broken when it is larger than the limit."""
        ...

    async def write(self, path: str, source: IO[bytes]) -> None:
        """Write a file under a name that is free. Until it was read back nobody knows whether it is whole."""
        ...

    async def rename(self, old: str, new: str, *, replace: bool) -> None:
        """Give a file another name; with `replace` over the file that has it, in one step, else TakenError."""
        ...

    async def remove(self, path: str) -> None:
        """Remove a file; AbsentError when there is none."""
        ...

    async def make_folder(self, path: str) -> None:
        """Make a folder; it may be there already."""
        ...


class AbsentError(Broken):
    """There is no such file or folder."""

    def __init__(self) -> None:
        super().__init__("the file or folder is not there", code="file_missing")


class TakenError(Broken):
    """The name is taken, and the server does not put one file in the place of another."""

    def __init__(self) -> None:
        super().__init__("a file of that name is there, and this server replaces none", code="file_there")


def broke() -> Retry:
    """Return what to raise when a connection broke or never came to be."""
    return Retry(None, "the connection to the file server broke", code="connection")


def silent() -> Retry:
    """Return what to raise when nothing came for too long."""
    return Retry(None, "the file server did not answer in time", code="timeout")


def denied() -> Broken:
    """Return what to raise when the account may not do that."""
    return Broken("the account may not do that in this folder", code=PERMISSION)


def full() -> Broken:
    """Return what to raise when there is no room left."""
    return Broken("the file server has no room left for this account", code=NO_SPACE)


def later() -> Retry:
    """Return what to raise when the server has no time or no connection left."""
    return Retry(300, "the file server lets nobody in just now, or is busy", code="busy")


def unclear() -> Broken:
    """Return what to raise when an answer is none that the protocol knows."""
    return Broken("the file server answered something that is not understood", code="not_understood")


def too_large(limit: int) -> Broken:
    """Return what to raise for a file over the limit."""
    return Broken(f"a file is larger than {limit} bytes", code="file_too_large")


def too_many() -> Broken:
    """Return what to raise for a folder over the limit."""
    return Broken(f"more than {MOST_ENTRIES} files lie in one folder", code="too_many_files")


def of_system(error: OSError) -> Broken | Retry:
    """Say what an error of this machine's own files means."""
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.ELOOP:
            return AbsentError()
        case errno.EEXIST | errno.ENOTEMPTY:
            return TakenError()
        case errno.ENOSPC | errno.EDQUOT:
            return full()
        case errno.EACCES | errno.EPERM | errno.EROFS:
            return denied()
        case _:
            return Retry(None, "the folder of this machine did not take or give a file", code="folder_failed")
