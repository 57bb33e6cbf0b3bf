"""Files are put where PocketAdvantage reads them so that nobody ever reads half of one, whatever is cut off when.

A file is written beside its place under a name of its own, read back byte by byte, and then takes the place of the one
before it in one step. The one before it is kept outside of that folder. Each attempt has its own temporary name: two
jobs at once, or one that was believed dead, never write into each other's file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import IO

from connectors.pocketadvantage.transfer.port import Remote

#: earlier versions of one file that are kept
KEPT = 30
Checkpoint = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Published:
    """What lies there now."""

    size: int
    sha256: str
    #: what was there before is kept under this name in the archive's folder; empty: there was nothing, or the same
    archived_as: str = ""
    #: seconds during which there was no file of that name; None: there was one at any moment
    gap: float | None = None
    #: the same file lay there already, byte by byte: nothing was done
    unchanged: bool = False


@dataclass(frozen=True, slots=True)
class Version:
    """An earlier version in the archive's folder."""

    archived_as: str
    size: int
    archived_at: datetime
    #: the first eight digits of its SHA-256
    mark: str


async def publish(
    remote: Remote,
    folder: str,
    name: str,
    body: IO[bytes],
    *,
    archive_folder: str,
    now: datetime,
    kept: int = KEPT,
    accept_gap: bool = False,
    checkpoint: Checkpoint = lambda _name: None,
) -> Published:
    """Put a file in its place; ConnectorError, and then the one before it is still there, whole.

    Once more after any error or death is always right: what was done is recognised, what was left over is removed.
    `accept_gap`: an admin accepted that on a server which replaces no file there is none for a moment.
    """
    raise NotImplementedError


async def versions(remote: Remote, archive_folder: str, name: str) -> list[Version]:
    """Return the earlier versions of a file, the newest first."""
    raise NotImplementedError


async def restore(
    remote: Remote,
    folder: str,
    name: str,
    archived_as: str,
    *,
    archive_folder: str,
    now: datetime,
    kept: int = KEPT,
    accept_gap: bool = False,
    checkpoint: Checkpoint = lambda _name: None,
) -> Published:
    """Publish an earlier version again; AbsentError when it is no longer kept. What lies there now is kept, too."""
    raise NotImplementedError
