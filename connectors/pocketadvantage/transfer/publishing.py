"""Files are put where PocketAdvantage reads them so that nobody ever reads half of one, whatever is cut off when.

A file is written beside its place under a name of its own, read back byte by byte, and then takes the place of the one
before it in one step. The one before it is kept outside of that folder. Each attempt has its own temporary name: two
jobs at once, or one that was believed dead, never write into each other's file. Whoever comes later removes what the
earlier one has not put in its place yet, so that old data does not come after new.
"""

import asyncio
import contextlib
import hashlib
import io
import re
import secrets
import tempfile
import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import IO

from connectors.errors import Broken, ConnectorError, Retry
from connectors.pocketadvantage.transfer.places import checked_path, is_name
from connectors.pocketadvantage.transfer.port import (
    CANNOT_REPLACE,
    CHUNK,
    LARGEST,
    AbsentError,
    Entry,
    Remote,
    TakenError,
    too_large,
)

#: earlier versions of one file that are kept
KEPT = 30
Checkpoint = Callable[[str], None]
#: Passes while the file is still wanted; Broken, and then it does not take its place, and nothing of it is left.
Wanted = Callable[[], Awaitable[None]]
_IN_MEMORY = 4 << 20
_STAMP = "%Y%m%dT%H%M%SZ"
_SCRATCH = re.compile(r"tidings-[0-9a-f]{8}\.tmp", re.ASCII)


async def _always() -> None:
    """Want it whatever happens."""


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
    wanted: Wanted = _always,
    instead_of: str = "",
) -> Published:
    """Put a file in its place; ConnectorError, and then the one before it is still there, whole.

    Once more after any error or death is always right: what was done is recognised, what was left over is removed.
    `accept_gap`: an admin accepted that on a server which replaces no file there is none for a moment; an error in
    that moment leaves none until the next attempt. `checkpoint` is called last right before the file takes its place:
    what it raises stops that. `wanted` is asked then: sending takes long, and much may happen meanwhile.
    `instead_of` is the SHA-256 of what was handed over last: where another file lies there and it is this one, an
    attempt died right after it had put it there, and what it did is told as this one's.
    """
    if not is_name(name) or name.endswith(".tmp"):
        raise Broken("this is no name of a file that is handed over", code="path_refused")
    work = _Work(remote, checked_path(folder), name, checked_path(archive_folder), now, kept)
    size, sha256 = await asyncio.to_thread(_measured, body)
    there, left = await work.begin()
    before = _Kept()
    with contextlib.closing(before.file):
        if there is not None:
            await work.take(there, before)
            if (before.size, before.sha256) == (size, sha256):
                return await work.found(size, sha256, instead_of, accept_gap=accept_gap)
        since = await work.gone_since(left) if there is None and accept_gap else None
        if there is not None:
            await work.may_replace(accept_gap=accept_gap)
        temporary = f"{work.folder}/{name}.{secrets.token_hex(4)}.tmp"
        try:
            await work.put(temporary, body, size, sha256, lambda: checkpoint("exchange.uploaded"))
            checkpoint("exchange.verified")
            archived_as = await work.archive(before) if there is not None else ""
            checkpoint("exchange.archived")
            await wanted()
            gap = await work.take_place(temporary, over=there is not None, accept_gap=accept_gap)
        except Broken:
            with contextlib.suppress(ConnectorError):
                await remote.remove(temporary)
            raise
    checkpoint("exchange.replaced")
    await work.end(size)
    if since is not None:
        gap = max(0.0, (now - since).total_seconds()) + (gap or 0.0)
    return Published(size, sha256, archived_as, gap)


async def versions(remote: Remote, archive_folder: str, name: str) -> list[Version]:
    """Return the earlier versions of a file, the newest first."""
    try:
        entries = await remote.look(checked_path(archive_folder))
    except AbsentError:
        return []
    return _versions(entries, name)


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
    wanted: Wanted = _always,
    instead_of: str = "",
) -> Published:
    """Publish an earlier version again; AbsentError when it is no longer kept. What lies there now is kept, too."""
    known = {one.archived_as: one for one in await versions(remote, archive_folder, name)}
    version = known.get(archived_as)
    if version is None:
        raise AbsentError
    body = _Kept()
    with contextlib.closing(body.file):
        await remote.read(f"{archive_folder}/{archived_as}", body.take, LARGEST)
        if (body.size, body.sha256[:8]) != (version.size, version.mark):
            raise Broken("this earlier version is no longer what was kept, and is not restored", code="version_spoilt")
        return await publish(
            remote,
            folder,
            name,
            body.file,
            archive_folder=archive_folder,
            now=now,
            kept=kept,
            accept_gap=accept_gap,
            checkpoint=checkpoint,
            wanted=wanted,
            instead_of=instead_of,
        )


async def probe(remote: Remote, folder: str) -> bool:
    """Try, on files of two bytes that are removed again, whether the server puts one file in the place of another.

    It needs every right that handing files over needs: to list, make, read, rename and remove.
    """
    await remote.make_folder(folder)
    first, second = (f"{folder}/tidings-{secrets.token_hex(4)}.tmp" for _ in range(2))
    try:
        await remote.write(first, io.BytesIO(b"1\n"))
        await remote.write(second, io.BytesIO(b"2\n"))
        try:
            await remote.rename(second, first, replace=True)
        except TakenError:
            return False
        found: list[bytes] = []
        await remote.read(first, found.append, CHUNK)
        return b"".join(found) == b"2\n"
    finally:
        for path in (first, second):
            with contextlib.suppress(ConnectorError):
                await remote.remove(path)


@dataclass
class _Kept:
    """A file as it comes, measured; on the disk where it is large."""

    file: IO[bytes] = field(default_factory=lambda: tempfile.SpooledTemporaryFile(_IN_MEMORY))  # noqa: SIM115 - its user closes it
    size: int = 0
    _digest: "hashlib._Hash" = field(default_factory=hashlib.sha256)

    def take(self, part: bytes) -> None:
        """Take the next piece."""
        self.file.write(part)
        self.size += len(part)
        self._digest.update(part)

    @property
    def sha256(self) -> str:
        return self._digest.hexdigest()


@dataclass
class _Work:
    """One file on its way."""

    remote: Remote
    folder: str
    name: str
    archive_folder: str
    now: datetime
    kept: int

    async def begin(self) -> tuple[Entry | None, bool]:
        """Remove what earlier attempts left; return the file that is there, and whether anything was left."""
        entries = await self._listed(self.folder)
        left = await self._tidy(self.folder, entries)
        there = next((one for one in entries if one.name == self.name), None)
        if there is not None and there.is_folder:
            raise Broken("a folder has the name of the file", code="path_refused")
        return there, left

    async def take(self, there: Entry, into: _Kept) -> None:
        """Read what is there now."""
        try:
            await self.remote.read(f"{self.folder}/{there.name}", into.take, LARGEST)
        except AbsentError:
            raise _meddled() from None

    async def found(self, size: int, sha256: str, instead_of: str, *, accept_gap: bool) -> Published:
        """Return what is to be said of a file that lies there already."""
        if instead_of in {"", sha256}:
            return Published(size, sha256, unchanged=True)
        kept = _versions(await self._listed(self.archive_folder), self.name)
        gap = None
        if kept and accept_gap:
            await self.may_replace(accept_gap=True)
            # How long there was none nobody knows any more.
            gap = None if self.remote.can_replace else 0.0
        return Published(size, sha256, kept[0].archived_as if kept else "", gap, unchanged=True)

    async def gone_since(self, left: bool) -> datetime | None:  # noqa: FBT001 - said by its one caller
        """Return when the place became empty, where an attempt died between taking the old file away and the new."""
        found = await versions(self.remote, self.archive_folder, self.name) if left else []
        return found[0].archived_at if found else None

    async def may_replace(self, *, accept_gap: bool) -> None:
        """Look, before anything is sent, whether the server can do what is needed."""
        if self.remote.can_replace is None:
            self.remote.can_replace = await probe(self.remote, self.folder)
        if not self.remote.can_replace and not accept_gap:
            raise _cannot()

    async def put(
        self, path: str, body: IO[bytes], size: int, sha256: str, sent: Callable[[], None] = lambda: None
    ) -> None:
        """Write a file and read it back; Retry when what comes back is not what was sent."""
        await asyncio.to_thread(body.seek, 0)
        await self.remote.write(path, body)
        sent()
        digest, came = hashlib.sha256(), 0

        def back(part: bytes) -> None:
            nonlocal came
            came += len(part)
            if came > size:
                # What comes behind that may have no end.
                raise _differs()
            digest.update(part)

        try:
            await self.remote.read(path, back, LARGEST)
        except AbsentError:
            raise _meddled() from None
        if (came, digest.hexdigest()) != (size, sha256):
            raise _differs()

    async def archive(self, before: _Kept) -> str:
        """Keep the file that is to be replaced; return its name there. The oldest beyond the number go."""
        entries = await self._listed(self.archive_folder)
        await self._tidy(self.archive_folder, entries)
        found, mark = _versions(entries, self.name), before.sha256[:8]
        if found and (found[0].mark, found[0].size) == (mark, before.size):
            # An attempt that died after this step has kept it already.
            return found[0].archived_as
        archived_as = f"{self.name}.{self.now.astimezone(UTC):{_STAMP}}.{mark}.fil"
        temporary = f"{self.archive_folder}/{self.name}.{secrets.token_hex(4)}.tmp"
        await self.put(temporary, before.file, before.size, before.sha256)
        try:
            await self.remote.rename(temporary, f"{self.archive_folder}/{archived_as}", replace=False)
        except TakenError:
            await self._gone(temporary)
        except AbsentError:
            raise _meddled() from None
        names = sorted({archived_as, *(one.archived_as for one in found)}, reverse=True)
        for name in names[self.kept :]:
            await self._gone(f"{self.archive_folder}/{name}")
        return archived_as

    async def take_place(self, temporary: str, *, over: bool, accept_gap: bool) -> float | None:
        """Let the new file take its place; return for how long there was none, where the old one had to go first."""
        final = f"{self.folder}/{self.name}"
        try:
            if not over:
                await self.remote.rename(temporary, final, replace=False)
                return None
            if self.remote.can_replace:
                with contextlib.suppress(TakenError):
                    await self.remote.rename(temporary, final, replace=True)
                    return None
                self.remote.can_replace = False
            if not accept_gap:
                raise _cannot()
            return await self._after_a_gap(temporary, final)
        except (AbsentError, TakenError):
            raise _meddled() from None

    async def _after_a_gap(self, temporary: str, final: str) -> float:
        """Move the old file aside, then the new one in; return for how long there was none.

        Where the new one is not taken the old one is put back: a job that was believed dead may be here, whose file was
        removed by the one after it, and what it moved aside is that one's file.
        """
        began, aside = time.monotonic(), f"{self.folder}/{self.name}.{secrets.token_hex(4)}.tmp"
        with contextlib.suppress(AbsentError):
            await self.remote.rename(final, aside, replace=False)
        try:
            await self.remote.rename(temporary, final, replace=False)
        except Broken:
            with contextlib.suppress(ConnectorError):
                await self.remote.rename(aside, final, replace=False)
            raise
        took = time.monotonic() - began
        with contextlib.suppress(Broken):  # what is still there is tidied with the rest
            await self._gone(aside)
        return took

    async def end(self, size: int) -> None:
        """See that the file is in its place, and that no earlier attempt can still put another one there."""
        entries = await self._listed(self.folder)
        await self._tidy(self.folder, entries)
        there = next((one for one in entries if one.name == self.name), None)
        if there is None or there.size != size:
            raise _meddled()

    async def _listed(self, folder: str) -> list[Entry]:
        found: list[Entry] = []
        with contextlib.suppress(AbsentError):
            found = await self.remote.look(folder)
        if not found:
            # Some servers say of a folder that is not there that it is empty.
            await self.remote.make_folder(folder)
        return found

    async def _tidy(self, folder: str, entries: Collection[Entry]) -> bool:
        """Remove files that only an attempt of ours can have left; Retry where the server does not let go of one yet.

        Some servers hold a file for as long as they believe in the connection that was cut while it came.
        """
        ours = re.compile(re.escape(self.name) + r"\.[0-9a-f]{8}\.tmp", re.ASCII)
        left = [one.name for one in entries if ours.fullmatch(one.name) or _SCRATCH.fullmatch(one.name)]
        for name in left:
            try:
                await self._gone(f"{folder}/{name}")
            except Broken:
                words = (
                    "the file server does not let a file be removed that a broken connection left; if that stays so, "
                    "the account lacks the right to remove files"
                )
                raise Retry(None, words, code="left_behind") from None
        return bool(left)

    async def _gone(self, path: str) -> None:
        with contextlib.suppress(AbsentError):
            await self.remote.remove(path)


def _versions(entries: Sequence[Entry], name: str) -> list[Version]:
    form = re.compile(re.escape(name) + r"\.([0-9]{8}T[0-9]{6}Z)\.([0-9a-f]{8})\.fil", re.ASCII)
    found = []
    for one in entries:
        match = form.fullmatch(one.name)
        with contextlib.suppress(ValueError):  # a day that there is none of
            if match is not None and not one.is_folder:
                at = datetime.strptime(match[1], _STAMP).replace(tzinfo=UTC)
                found.append(Version(one.name, one.size, at, match[2]))
    return sorted(found, key=lambda one: one.archived_as, reverse=True)


def _measured(body: IO[bytes]) -> tuple[int, str]:
    digest, size = hashlib.sha256(), 0
    body.seek(0)
    while part := body.read(CHUNK):
        size += len(part)
        if size > LARGEST:
            raise too_large(LARGEST)
        digest.update(part)
    return size, digest.hexdigest()


def _differs() -> Retry:
    words = "what the file server gives back is not what was sent; nothing was put in its place"
    return Retry(None, words, code="read_back_differs")


def _meddled() -> Retry:
    return Retry(None, "somebody else changed the files while one was handed over", code="file_changed")


def _cannot() -> Broken:
    words = (
        "this server puts no file in the place of another: an admin must accept that there is none for a moment"
        " each time, or the server must be set up to replace files"
    )
    return Broken(words, code=CANNOT_REPLACE)
