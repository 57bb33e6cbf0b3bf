"""One feed's turn: which of its files count, what they hold, which rows they take away."""

import asyncio
import hashlib
import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field

import msgspec

from connectors.base import Held
from connectors.errors import Broken
from connectors.files.store import Found, Store
from connectors.files.unpack import unpacked
from connectors.files.wrong import FileError, file_broken
from connectors.intake import Intake
from connectors.netsuite.choose import Dated
from connectors.netsuite.feeds import Feed
from connectors.netsuite.ledger import Kept, Seen, is_seen
from connectors.netsuite.records import Read, prefix_of, read

_BATCH = 20_000
#: Of the rows that a file takes away: more than this part and more than this many is held against it.
_SHRINK_PART, _SHRINK_FLOOR = 0.2, 20
_LARGEST_MARK = 64 << 10


class _Mark(msgspec.Struct):
    """A manifest, ``<file>.done``: empty, or what the sender says about the file."""

    rows: int | None = None
    sha256: str | None = None


@dataclass
class FeedReader:
    """Reads the files of one feed during one collection."""

    feed: Feed
    store: Store
    held: Held
    kept: Kept
    intake: Intake
    #: records of the files that were dealt with
    listed: list[bytes]
    #: every file of the source, by path: manifests lie beside their files
    there: dict[str, Found]
    notes: list[str] = field(default_factory=list)
    #: keys that this collection wrote
    wrote: set[str] = field(default_factory=set)
    #: True when the keys that are held were made by another declaration, or none is known
    anew: bool = False
    _keys: Collection[str] | None = None

    async def take(self, files: Sequence[Dated]) -> None:
        """Deal with whatever is new among the files that stand still; ConnectorError, and then nothing counts."""
        self.anew = self.kept.newest is None
        ordered = sorted(files, key=lambda one: one.order)
        new = [one for one in ordered if not is_seen(self.kept, one.found)]
        if new:
            if self.feed.replaces != "nothing":
                await self._held()
            turn = {"nothing": self._changes, "all": self._whole, "period": self._periods}[self.feed.replaces]
            await turn(new, ordered)
        for path in set(self.kept.files) - set(self.there):
            seen = self.kept.files.pop(path)
            self.kept.lost = seen.as_of if self.kept.lost is None else max(self.kept.lost, seen.as_of)

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
            keys = await self._emit(found.records)
            await self._drop(prefix_of(self.feed.name), keys, newest.found.path, sure=await self._promised(newest))

    async def _periods(self, new: Sequence[Dated], _ordered: Sequence[Dated]) -> None:
        """Each period is what the newest file that has rows of it says."""
        settled = set[str]()
        for one in reversed(new):
            found = await self._open(one)
            if found is None:
                continue
            sure = await self._promised(one)
            for period in sorted(found.periods.keys() - settled):
                settled.add(period)
                if self.kept.periods.get(period, one.as_of) > one.as_of:
                    self.notes.append(f"{self.feed.name}: a file came late; newer rows of its period were there")
                    continue
                keys = found.periods[period]
                self.kept.periods[period] = one.as_of
                await self._emit({key: record for key, record in found.records.items() if key in keys})
                await self._drop(prefix_of(self.feed.name, period), keys, one.found.path, sure=sure)

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
                await self._emit(found.records)

    def _older(self, one: Dated) -> bool:
        return self.kept.newest is not None and one.as_of < self.kept.newest

    def _pass(self, one: Dated) -> None:
        """Remember a file that newer data has overtaken; it is not read."""
        self._remember(one, Seen(one.found.version, one.found.size, "", one.as_of, "late"), None)

    async def _open(self, one: Dated, *, always: bool = False) -> Read | None:
        """Return what a file holds; None when it is, byte for byte, the one before."""
        body = await self.store.read(one.found)
        sha256 = hashlib.sha256(body).hexdigest()
        mark = await self._mark(one)
        if mark.sha256 is not None and mark.sha256.lower() != sha256:
            raise file_broken(one.found.path, FileError("is not the one that its manifest describes"))
        seen = Seen(one.found.version, one.found.size, sha256, one.as_of, "loaded")
        before = max(self.kept.files.values(), key=lambda known: known.as_of, default=None)
        if before is not None and not always and before.sha256 == sha256 and before.as_of <= one.as_of:
            seen.fate = "same"
            self._remember(one, seen, None)
            return None
        found = await asyncio.to_thread(self._read, one, body)
        if mark.rows is not None and mark.rows != len(found.records):
            raise file_broken(one.found.path, FileError("does not have as many rows as its manifest says"))
        self._remember(one, seen, len(found.records))
        return found

    def _read(self, one: Dated, body: bytes) -> Read:
        try:
            return read(self.feed, unpacked(one.found.path, body))
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

    async def _emit(self, records: dict[str, bytes]) -> set[str]:
        listed = list(records.values())
        for start in range(0, len(listed), _BATCH):
            await self.intake.take([listed[start : start + _BATCH]])
        self.wrote |= records.keys()
        return set(records)

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
        await self.intake.drop(held - keys)

    async def _held(self) -> Collection[str]:
        """Return the keys that were held when this collection began; asked for once."""
        if self._keys is None:
            name = self.intake.shape.name
            self._keys = await self.held.keys(name) if await self.held.count(name) else ()
        return self._keys
