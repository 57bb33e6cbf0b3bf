"""One part of a collection: what it is given, and what it says about itself."""

import asyncio
import json
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import msgspec

from connectors.amazon.calls import Calls
from connectors.amazon.reports import Reports
from connectors.amazon.spans import Stretch
from connectors.base import Progress, Session, Sink
from connectors.decode import Prepare, Record
from connectors.intake import Intake
from connectors.shapes import Shape
from connectors.strangers import strangers
from storage.facts.past import Older

#: Records that are decoded together.
BATCH = 2_000
_FIELDS = msgspec.json.Decoder(dict[str, msgspec.Raw])


@dataclass(frozen=True, slots=True)
class Errand:
    """What every part of one collection is given."""

    session: Session
    calls: Calls
    reports: Reports
    #: ids of the marketplaces in which the seller takes part
    marketplaces: tuple[str, ...]
    cursors: Mapping[str, str]
    until: datetime
    sink: Sink
    progress: Progress
    past: Stretch = field(default_factory=Stretch)

    def intake(self, shape: Shape, prepare: Prepare | None = None, known: frozenset[str] | None = None) -> Intake:
        """Return what takes a stream's records in, and looks for fields other than the known ones."""
        return Intake(shape, self.sink, self.progress, prepare=prepare, known=known)

    @property
    def behind(self) -> timedelta:
        """How far Amazon's clock is behind ours."""
        return self.session.http.behind


@dataclass(frozen=True, slots=True)
class Part:
    """What one finished part says about itself."""

    cursors: Mapping[str, str] = field(default_factory=dict)
    #: every change at Amazon up to this instant is in what was read; None: says nothing about the source's time
    as_of: datetime | None = None
    full: tuple[str, ...] = ()
    keep: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    #: what is not in yet, and how many reports it takes
    older: tuple[Older, ...] = ()
    reports: int = 0
    #: stream -> columns that nobody here knows
    unknown: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


def told(intake: Intake) -> Mapping[str, tuple[str, ...]]:
    """Return the fields that came and that nobody knows, under their stream."""
    return {intake.shape.name: tuple(sorted(intake.unknown))} if intake.unknown else {}


async def look_inside(intake: Intake, records: Sequence[Record], inner: Mapping[str, frozenset[str]]) -> None:
    """Look for unknown fields inside some fields of records, too: ``inventoryDetails.newQuantity``."""
    intake.unknown |= await asyncio.to_thread(inside, records, inner)


def inside(records: Sequence[Record], inner: Mapping[str, frozenset[str]]) -> set[str]:
    """Return the unknown fields within some fields of records."""
    fields = [_FIELDS.decode(one) for one in records]
    return {
        f"{name}.{field}"
        for name, known in inner.items()
        for field in strangers([[bytes(one[name]) for one in fields if bytes(one.get(name, b""))[:1] == b"{"]], known)
    }


def without(records: Sequence[Record], key: str, seen: Collection[str]) -> list[Record]:
    """Return the records but for those whose key was seen."""
    if not seen:
        return list(records)
    return [one for one in records if json.loads(bytes(one))[key] not in seen]


async def drain(intake: Intake, parts: Iterator[Sequence[Record]]) -> None:
    """Hand on what is read from the disk, part by part, beside the loop."""
    while (part := await asyncio.to_thread(lambda: next(parts, None))) is not None:
        await take(intake, part)


async def take(intake: Intake, records: Sequence[Record]) -> None:
    """Hand many records on, some at a time."""
    for start in range(0, len(records), BATCH):
        await intake.take([records[start : start + BATCH]])
