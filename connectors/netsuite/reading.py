"""One feed's turn: which of its files count, what they hold, which rows they take away."""

import asyncio
import hashlib
import re
import tempfile
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import IO

import msgspec

from connectors.base import Held
from connectors.errors import Broken
from connectors.files.spool import Spool
from connectors.files.store import Found, Store
from connectors.files.unpack import unpacked
from connectors.files.wrong import FileError, file_broken
from connectors.intake import Intake
from connectors.netsuite.choose import Dated
from connectors.netsuite.feeds import Feed
from connectors.netsuite.ledger import Kept, Seen, is_seen
from connectors.netsuite.records import Read, prefix_of, read

#: Of the rows that a file takes away: more than this part and more than this many is held against it.
_SHRINK_PART, _SHRINK_FLOOR = 0.2, 20
_LARGEST_MARK = 64 << 10


class _Mark(msgspec.Struct):
    """A manifest, ``<file>.done``: empty, or what the sender says about the file."""

    rows: int | None = None
    sha256: str | None = None


@dataclass
class _Handing:
    """What is to be handed on once nothing can stand against it any more."""

    #: records of a file, and the keys that count of them; None: all
    rows: list[tuple[Spool, Collection[str] | None]] = field(default_factory=list)
    gone: set[str] = field(default_factory=set)
    seen: list[tuple[Dated, Seen, int | None]] = field(default_factory=list)
    periods: dict[str, datetime] = field(default_factory=dict)
    labels: set[str] = field(default_factory=set)


@dataclass
class FeedReader:
    """Reads the files of one feed during one collection; `close` it.

    Nothing is handed on, and nothing is remembered, of what cannot be read to its end: a feed that fails stays as it
    was, or as it was after the last file that was good by itself.
    """

    feed: Feed
    store: Store
    held: Held
    kept: Kept
    intake: Intake
    #: every file of the source, by path: manifests lie beside their files
    there: dict[str, Found]
    #: records of the files that were dealt with
    listed: list[bytes] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    #: labels of columns that no file of the feed had before, where any file was read before
    unknown: set[str] = field(default_factory=set)
    #: keys that this collection wrote; kept where they are wanted, when the feed is read anew
    wrote: set[str] = field(default_factory=set)
    #: True when the keys that are held were made by another declaration, or none is known
    anew: bool = False
    #: True while records are handed on: what fails then is no matter of this feed alone
    handing: bool = False
    _next: _Handing = field(default_factory=_Handing)
    _keys: Collection[str] | None = None

    async def take(self, files: Sequence[Dated]) -> None:
        """Deal with whatever is new among the files that stand still; ConnectorError."""
        self.anew = self.kept.newest is None
        ordered = sorted(files, key=lambda one: one.order)
        new = [one for one in ordered if not is_seen(self.kept, one.found)]
        if new:
            if self.feed.replaces != "nothing":
                await self._held()
            turn = {"nothing": self._changes, "all": self._whole, "period": self._periods}[self.feed.replaces]
            await turn(new, ordered)
        await self._settle()
        for path in set(self.kept.files) - set(self.there):
            seen = self.kept.files.pop(path)
            self.kept.lost = seen.as_of if self.kept.lost is None else max(self.kept.lost, seen.as_of)

    def close(self) -> None:
        """Forget what was not handed on."""
        for spool, _ in self._next.rows:
            spool.close()
        self._next = _Handing()

    async def _settle(self) -> None:
        """Hand on what was read so far, and remember it."""
        self.handing, ready = True, self._next
        for spool, wanted in ready.rows:
            batches = spool.batches(wanted)
            while (some := await asyncio.to_thread(next, batches, None)) is not None:
                await self.intake.take([some])
        await self.intake.drop(ready.gone)
        self.kept.periods.update(ready.periods)
        if not ready.labels <= set(self.kept.labels):
            self.unknown |= ready.labels.difference(self.kept.labels) if self.kept.labels else set()
            self.kept.labels = sorted(ready.labels.union(self.kept.labels))
        for one, seen, rows in ready.seen:
            self._remember(one, seen, rows)
        self.handing = False
        self.close()

    async def _whole(self, new: Sequence[Dated], ordered: Sequence[Dated]) -> None:
        """The newest file is everything; older ones say nothing any more."""
        newest = ordered[-1]
        for one in new:
            if one is not newest or self._older(one):
                self._pass(one)
        if newest not in new or self._older(newest):
            return
        found = await self._open(newest)
        if found is not None:
            keys = found.keys
            self._emit(found, keys)
            await self._drop(prefix_of(self.feed.name), keys, newest.found.path, sure=await self._promised(newest))

    async def _periods(self, new: Sequence[Dated], _ordered: Sequence[Dated]) -> None:
        """Each period is what the newest file that has rows of it says."""
        settled = set[str]()
        for one in reversed(new):
            found = await self._open(one)
            if found is None:
                continue
            sure, counts = await self._promised(one), set[str]()
            for period in sorted(found.periods.keys() - settled):
                settled.add(period)
                if self.kept.periods.get(period, one.as_of) > one.as_of:
                    self.notes.append(f"{self.feed.name}: a file came late; newer rows of its period were there")
                    continue
                keys = found.periods[period]
                self._next.periods[period] = one.as_of
                counts |= keys
                await self._drop(prefix_of(self.feed.name, period), keys, one.found.path, sure=sure)
            self._emit(found, counts)

    async def _changes(self, new: Sequence[Dated], ordered: Sequence[Dated]) -> None:
        """Rows are added and replaced. A file that came late is read again with all that are newer, in order."""
        first, newest = new[0], self.kept.newest
        again = new
        if newest is not None and first.as_of < newest:
            after = [one for one in ordered if one.order >= first.order]
            here = {one.found.path for one in after}
            lost = any(seen.as_of > first.as_of for path, seen in self.kept.files.items() if path not in here)
            if lost or (self.kept.lost is not None and self.kept.lost > first.as_of):
                words = "a file came late and newer ones are gone from the folder: deliver the newer ones again, too"
                raise file_broken(first.found.path, FileError(f"cannot be put in its place: {words}"))
            again = after
            self.notes.append(f"{self.feed.name}: a file came late, and was put in its place")
        for one in again:
            found = await self._open(one, always=again is not new)
            if found is not None:
                self._emit(found, found.keys)
            if again is new and not self.anew:
                # Each is good by itself. What is put in place, and what takes another's place, is only good whole.
                await self._settle()

    def _older(self, one: Dated) -> bool:
        return self.kept.newest is not None and one.as_of < self.kept.newest

    def _pass(self, one: Dated) -> None:
        """Remember a file that newer data has overtaken; it is not read."""
        self._next.seen.append((one, Seen(one.found.version, one.found.size, "", one.as_of, "late"), None))

    async def _open(self, one: Dated, *, always: bool = False) -> Read | None:
        """Return what a file holds; None when it is, byte for byte, the one before."""
        with tempfile.TemporaryFile() as body:
            await self.store.fetch(one.found, body)
            sha256 = await asyncio.to_thread(_digest, body)
            mark = await self._mark(one)
            if mark.sha256 is not None and mark.sha256.lower() != sha256:
                raise file_broken(one.found.path, FileError("is not the one that its manifest describes"))
            seen = Seen(one.found.version, one.found.size, sha256, one.as_of, "loaded")
            others = (*self.kept.files.values(), *(seen for _, seen, _ in self._next.seen))
            before = max(others, key=lambda known: known.as_of, default=None)
            if before is not None and not always and before.sha256 == sha256 and before.as_of <= one.as_of:
                seen.fate = "same"
                self._next.seen.append((one, seen, None))
                return None
            found = await asyncio.to_thread(self._read, one, body)
        count = found.records.count
        if mark.rows is not None and mark.rows != count:
            raise file_broken(one.found.path, FileError("does not have as many rows as its manifest says"))
        self._next.seen.append((one, seen, count))
        self._next.labels |= found.labels
        return found

    def _read(self, one: Dated, body: IO[bytes]) -> Read:
        records = Spool()
        # Nothing counts of it until somebody says which keys do.
        self._next.rows.append((records, ()))
        try:
            return read(self.feed, unpacked(one.found.path, body), records)
        except FileError as error:
            raise file_broken(one.found.path, error) from error

    async def _mark(self, one: Dated) -> _Mark:
        found = self.there.get(f"{one.found.path}.done")
        if found is None or not found.size:
            return _Mark()
        if found.size > _LARGEST_MARK:
            raise file_broken(found.path, FileError("is too large for a manifest"))
        try:
            mark = msgspec.json.decode(await self.store.read(found), type=_Mark)
        except msgspec.MsgspecError:
            raise file_broken(found.path, FileError("is no manifest: rows and sha256 as JSON")) from None
        if mark.sha256 is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", mark.sha256):
            raise file_broken(found.path, FileError("is no manifest: its sha256 is none"))
        return mark

    async def _promised(self, one: Dated) -> bool:
        """Whether the sender himself counted the rows: then fewer rows are meant."""
        return (await self._mark(one)).rows is not None

    def _remember(self, one: Dated, seen: Seen, rows: int | None) -> None:
        path = one.found.path
        self.kept.files[path] = seen
        if seen.fate != "late":
            self.kept.newest = one.as_of if self.kept.newest is None else max(self.kept.newest, one.as_of)
        record = {
            "id": f"{self.feed.name}/{path}",
            "feed": self.feed.name,
            "path": path,
            "size": one.found.size,
            "sha256": seen.sha256 or None,
            "data_as_of": one.as_of.isoformat(),
            "modified_at": one.found.modified.isoformat(),
            "row_count": rows,
            "fate": seen.fate,
        }
        self.listed.append(msgspec.json.encode(record))

    def _emit(self, found: Read, keys: set[str]) -> None:
        """Let records of these keys be handed on."""
        wanted = None if len(keys) == found.records.count else keys
        self._next.rows = [(one, wanted if one is found.records else old) for one, old in self._next.rows]
        if self.anew:
            self.wrote |= keys

    async def _drop(self, prefix: str, keys: set[str], path: str, *, sure: bool) -> None:
        """Take away the held rows that a file no longer has; Broken when those are far too many to be believed."""
        held = {key for key in await self._held() if key.startswith(prefix)}
        fewer = len(held) - len(keys)
        if fewer > _SHRINK_FLOOR and fewer > len(held) * _SHRINK_PART and not sure:
            words = (
                f"has {len(keys)} rows where {len(held)} are held; if so many were removed, put a manifest with its"
                " number of rows beside it"
            )
            raise Broken(file_broken(path, FileError(words)).detail, code="far_fewer_rows")
        self._next.gone |= held - keys

    async def _held(self) -> Collection[str]:
        """Return the keys that were held when this collection began; asked for once."""
        if self._keys is None:
            name = self.intake.shape.name
            self._keys = await self.held.keys(name) if await self.held.count(name) else ()
        return self._keys


def _digest(body: IO[bytes]) -> str:
    body.seek(0)
    digest = hashlib.sha256()
    while part := body.read(1 << 20):
        digest.update(part)
    return digest.hexdigest()
