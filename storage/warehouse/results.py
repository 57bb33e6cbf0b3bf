"""What goes into the warehouse's operations and what comes out of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any

from storage.facts.clock import aware
from storage.facts.streams import StreamCounts


@dataclass(frozen=True, slots=True)
class LoadRun:
    """The run that loads: it stands in the rows and in the commit message."""

    run_id: str
    source_id: str
    #: ``quickbooks``; part of the table names
    provider: str
    #: when the records were read; aware
    extracted_at: datetime
    #: name and version of the connector, for people who read the history
    connector: str = ""

    def __post_init__(self) -> None:
        aware(self.extracted_at)
        if not self.run_id or not self.source_id:
            raise ValueError("a load needs its run and its source")


@dataclass(frozen=True, slots=True)
class LoadResult:
    """What one load did; `find_run` gives the same again from the commit message."""

    run_id: str
    #: the newest snapshot before the load; with `snapshot_after` it names exactly this load's changes of the source
    snapshot_before: int
    #: the load's own snapshot, or `snapshot_before` when nothing changed and nothing was written
    snapshot_after: int
    counts: Mapping[str, StreamCounts]
    extracted_at: datetime
    #: digest of all live raw records of the source after the load (keys and hashes), in hex
    fingerprint: str
    #: streams that were put aside: nothing of them was written, whatever was staged
    aside: tuple[str, ...] = ()

    @property
    def wrote(self) -> bool:
        """Whether the load made a snapshot."""
        return self.snapshot_after != self.snapshot_before


@dataclass(frozen=True, slots=True)
class ProcessResult:
    """What one build of the ready tables did."""

    run_id: str
    #: the newest snapshot before: the raw rows up to here are in the ready tables
    snapshot_before: int
    snapshot_after: int
    #: ready table -> keys new, changed, deleted and unchanged among those looked at (whole tables: rows); total in rows
    counts: Mapping[str, StreamCounts]
    #: ready table -> column -> built rows in which it is empty because the amount does not fit
    unfit: Mapping[str, Mapping[str, int]] = field(default_factory=dict)

    @property
    def wrote(self) -> bool:
        """Whether the build made a snapshot."""
        return self.snapshot_after != self.snapshot_before


class ChangeKind(StrEnum):
    """What happened to a record between two snapshots."""

    NEW = "new"
    CHANGED = "changed"
    DELETED = "deleted"


@dataclass(frozen=True, slots=True)
class Change:
    """One record that is different: `before` is None when it was not there, `after` when it is gone."""

    kind: ChangeKind
    key: str
    before: Mapping[str, Any] | None
    after: Mapping[str, Any] | None


@dataclass(frozen=True, slots=True)
class Upkeep:
    """What maintenance did."""

    merged: int
    rewritten: int
    expired: int
    removed_files: int
    orphans: int
    stale_staging: int


@dataclass(frozen=True, slots=True)
class Erased:
    """What erasing a source did; an erasure that is repeated finds less."""

    #: rows that went, by table
    rows: Mapping[str, int]
    snapshots: int
    files: int


#: counts of nothing, for a stream that a run did not touch
NOTHING = StreamCounts()


@dataclass(frozen=True, slots=True)
class Standing:
    """How a source stands in the warehouse, from one look."""

    #: stream -> saved cursor
    cursors: Mapping[str, str]
    #: raw main table -> live rows, as they were counted when it was last written
    counts: Mapping[str, int]
    #: raw main tables that held no other source's rows; may have changed since, which costs time and nothing else
    alone: frozenset[str]


@dataclass(frozen=True, slots=True)
class Written:
    """What stands in a commit's extra information."""

    before: int
    counts: Mapping[str, StreamCounts] = field(default_factory=dict)
    extracted_at: datetime | None = None
    fingerprint: str = ""
    aside: tuple[str, ...] = ()
    unfit: Mapping[str, Mapping[str, int]] = field(default_factory=dict)
