"""From a stream's pages to the sink: decode beside the loop, keep count, remember what was seen."""

import asyncio
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from connectors.base import Progress, Sink
from connectors.decode import Decoded, Prepare, Record, decode, empty
from connectors.errors import Broken
from connectors.keys import Keys
from connectors.shapes import Shape
from connectors.strangers import strangers

#: names of fields without end are no fields: no further ones are looked for
MOST_UNKNOWN = 1000
#: so many records that come together, all without what most have, are odd ones; of more than that the field is gone
ODD = 3


@dataclass
class Intake:
    """Takes the pages of one stream during one collection."""

    shape: Shape
    sink: Sink
    progress: Progress
    #: rows that the provider says there are, where it says so
    expected: int | None = None
    #: every key that came
    came: Keys = field(default_factory=Keys)
    #: keys that came and were gone again at the end, or that we held and the provider no longer has
    gone: set[str] = field(default_factory=set)
    newest: datetime | None = None
    rounded: int = 0
    rows: int = 0
    #: hash of each record, where somebody wants to know whether anything at all is different
    hashes: dict[str, str] | None = None
    #: what turns a record into what the shape reads
    prepare: Prepare | None = None
    #: fields that records may have, where a provider's records name them; None: nobody looks for others
    known: frozenset[str] | None = None
    #: others that came
    unknown: set[str] = field(default_factory=set)
    #: columns that a provider always fills: where no record of a batch has one, its field is gone
    needed: tuple[str, ...] = ()
    #: columns that nearly every record has: the field is gone where none of more than `ODD` has it
    usual: tuple[str, ...] = ()
    #: those few that came alone and without one: (key, the provider's name of the field)
    bare: set[tuple[str, str]] = field(default_factory=set)

    async def take(self, pages: Sequence[Sequence[Record]]) -> None:
        """Decode some pages in a thread and hand the batch on; Broken for records without what all must have."""
        found = await asyncio.to_thread(self._decoded, pages)
        if not found.ids:
            return
        self.came.add(found.batch.rows.column("id"))
        self.rows += len(found.ids)
        self.rounded += found.rounded
        if self.hashes is not None:
            self.hashes.update(zip(found.ids, found.batch.rows.column("_hash").to_pylist(), strict=True))
        newest = found.newest
        if newest is not None:
            self.newest = newest if self.newest is None else max(self.newest, newest)
        await self.sink(found.batch)
        self.progress(self.shape.name, self.rows, self.expected)

    def _decoded(self, pages: Sequence[Sequence[Record]]) -> Decoded:
        found = decode(self.shape, pages, self.prepare)
        self._look_for_gone(found)
        if self.known is not None and len(self.unknown) < MOST_UNKNOWN:
            self.unknown |= strangers(pages, self.known)
        return found

    def _look_for_gone(self, found: Decoded) -> None:
        """Broken where a field is gone; a few records without one of the usual are remembered by their keys."""
        paths = {one.name: one.path for one in self.shape.fields}
        for name in (*self.needed, *self.usual):
            if not found.ids or found.batch.rows.column(name).null_count < len(found.ids):
                continue
            if name in self.needed or len(found.ids) > ODD:
                words = f"{self.shape.label}: the provider sent records without {paths[name]}"
                raise Broken(words, code="record_unreadable")
            self.bare |= {(key, paths[name]) for key in found.ids}

    async def drop(self, keys: set[str]) -> None:
        """Report keys as gone."""
        if keys:
            self.gone |= keys
            await self.sink(empty(self.shape, tuple(sorted(keys))))

    @property
    def fingerprint(self) -> str:
        """One text for all live records: different when any of them is."""
        parts = sorted(f"{key}={text}" for key, text in (self.hashes or {}).items() if key not in self.gone)
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:32]

    @property
    def seen(self) -> set[str]:
        """Every key that came, made each time; ask `came` where only their number matters."""
        return self.came.texts()

    @property
    def live(self) -> set[str]:
        """Keys that came and are still there; made each time."""
        return self.seen - self.gone

    @property
    def live_count(self) -> int:
        """How many they are."""
        return len(self.live) if self.gone else len(self.came)
