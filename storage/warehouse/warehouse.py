"""The warehouse of one organization, as the rest of Tidings sees it."""

from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Literal, TypeVar, overload

from storage.facts.imports import ImportTable
from storage.facts.personal import Redaction
from storage.facts.ready import ReadyTable
from storage.facts.streams import Stream, StreamCounts
from storage.warehouse import changes, commits, load, ready, upkeep
from storage.warehouse import erase as erasing
from storage.warehouse import redact as redacting
from storage.warehouse.errors import NoLake
from storage.warehouse.fresh import Fresh
from storage.warehouse.loader import Checkpoint, Fence, Loader, pass_by, result_of
from storage.warehouse.location import locate
from storage.warehouse.names import is_in, lake, of_source
from storage.warehouse.reader import Reader
from storage.warehouse.results import Change, Erased, LoadResult, LoadRun, ProcessResult, Standing, Upkeep
from storage.warehouse.retry import retried
from storage.warehouse.session import Limits, Session, opened
from storage.warehouse.shares import KEYS
from storage.warehouse.warm import lake_open

T = TypeVar("T")
_FRUGAL = Limits("64MB", 1, KEYS)


class Warehouse:
    """One organization's lake. Cheap to make, may be shared by threads; see `warm` for what stays open for a moment.

    Every call blocks: from async code use a thread. `url` is a folder or ``postgresql://…?data=<folder>`` (ValueError).
    `memory_limit` and `threads` bound each open DuckDB connection, `keys` what one statement of a load brings together.
    Writers of one organization are expected to hold its lease; without it nothing is lost or doubled, but they disturb
    each other and try again.
    """

    def __init__(
        self,
        url: str,
        organization_id: str,
        *,
        memory_limit: str = "256MB",
        threads: int = 2,
        keys: int = KEYS,
    ) -> None:
        self._location = locate(url, organization_id)
        self._limits = Limits(memory_limit, threads, keys)
        #: by source; dropped by the build that follows
        self._fresh: dict[str, Fresh] = {}

    def begin(
        self, run: LoadRun, streams: Sequence[Stream] = (), *, queue_size: int = 2, checkpoint: Checkpoint = pass_by
    ) -> Loader:
        """Start a load. Give all streams of the connector: their tables are made even when no record comes."""
        return Loader(
            self._location,
            self._limits,
            run,
            streams,
            queue_size=queue_size,
            checkpoint=checkpoint,
            keep=lambda fresh: self._fresh.__setitem__(fresh.source_id, fresh),
        )

    @overload
    def find_run(self, run_id: str, kind: Literal["collect"]) -> LoadResult | None: ...
    @overload
    def find_run(self, run_id: str, kind: Literal["process"]) -> ProcessResult | None: ...
    def find_run(self, run_id: str, kind: commits.Kind) -> LoadResult | ProcessResult | None:
        """Return what a run wrote, from the commit messages; None when it is not there, wrote nothing, or expired.

        Recovery asks this before it loads again.
        """

        def look(session: Session) -> LoadResult | ProcessResult | None:
            found = commits.find(session, kind, run_id)
            if found is None:
                return None
            snapshot, written = found
            if kind == "process":
                return ProcessResult(run_id, written.before, snapshot, written.counts)
            return result_of(run_id, snapshot, written)

        return self._read(look, None)

    def process(
        self,
        run_id: str,
        source_id: str,
        tables: Sequence[ReadyTable],
        *,
        rebuild: bool = False,
        fence: Fence | None = None,
        checkpoint: Checkpoint = pass_by,
    ) -> ProcessResult:
        """Bring the source's ready tables up to its raw rows, in one transaction; writes nothing when nothing waits.

        Give all ready tables of the connector each time. Only keys that changed since the last build are built, unless
        the table is new, its SQL is another, that snapshot was expired, or `rebuild` asks for all (WrongReadyTable).
        """
        return ready.process(
            self._location,
            self._limits,
            run_id,
            source_id,
            tables,
            rebuild=rebuild,
            fence=fence,
            checkpoint=checkpoint,
            fresh=self._fresh.pop(source_id, None),
        )

    def waiting(self, source_id: str, tables: Sequence[ReadyTable] = ()) -> bool:
        """Say whether something collected is not in the ready tables; with `tables`, also whether their SQL is new."""
        return self._read(lambda session: ready.waiting(session, source_id, tables), default=False)

    def changes(
        self, source_id: str, table: str, from_snapshot: int, to_snapshot: int, *, limit: int | None = None
    ) -> list[Change]:
        """Return the source's records that are different at the second snapshot from the first, ordered by key.

        `table` is a raw main table or a ready table. A record that changed and changed back is not named. Give a
        result's `snapshot_before` and `snapshot_after` to see what that run did (DetailExpired after 35 days).
        """
        return self._read(
            lambda session: changes.changes(session, source_id, table, from_snapshot, to_snapshot, limit), []
        )

    def change_totals(self, source_id: str, from_snapshot: int, to_snapshot: int) -> dict[str, StreamCounts]:
        """Count the same for every raw and ready table in which something is different."""
        return self._read(lambda session: changes.change_totals(session, source_id, from_snapshot, to_snapshot), {})

    def standing(self, source_id: str) -> Standing:
        """Return cursors and numbers of live rows of a source."""

        def look(session: Session) -> Standing:
            found = load.standing(session)
            places = found.get(source_id, {})
            cursors = {name: place.cursor for name, place in places.items() if place.cursor is not None}
            counts = sorted((place.table, place.live) for place in places.values() if place.table is not None)
            return Standing(cursors, dict(counts), load.alone(found, source_id))

        return self._read(look, Standing({}, {}, frozenset()))

    def cursors(self, source_id: str) -> dict[str, str]:
        """Return the saved cursor of each stream of a source."""
        return dict(self.standing(source_id).cursors)

    def counts(self, source_id: str) -> dict[str, int]:
        """Return the live rows of each raw main table of a source, as they were counted when it was last written."""
        return dict(self.standing(source_id).counts)

    def keys(
        self,
        source_id: str,
        table: str,
        standing: Standing | None = None,
        *,
        among: Collection[str] | None = None,
    ) -> list[str]:
        """Return the keys of the live rows of a raw main table of a source; none when it has no such table.

        Give the source's standing where it is at hand: to look it up costs as much again. With `among`, only those of
        these keys are returned: all keys of a big table are hundreds of megabytes.
        """
        stands = standing or self.standing(source_id)
        if table not in stands.counts:
            return []
        whose = of_source(source_id, alone=table in stands.alone)
        only = "" if among is None else f" AND {is_in('id', 'SELECT unnest(?)', stands.counts[table])}"
        wanted = () if among is None else (list(among),)
        sql = f"SELECT id FROM {lake(table)} WHERE {whose} AND NOT _deleted{only}"  # noqa: S608 - names that we made
        return self._read(lambda session: [row[0] for row in session.rows(sql, wanted)], [])

    def snapshot(self) -> int:
        """Return the newest snapshot; 0 when nothing was written yet."""
        return self._read(lambda session: session.snapshot(), 0)

    def reader(
        self, *, snapshot: int | None = None, imports: Sequence[ImportTable] = (), frugal: bool = False
    ) -> Reader:
        """Open the reading side: the newest snapshot of each moment, or always a given one (NoLake, DetailExpired).

        `imports` are tables that can be asked for by their names as well; they are computed by each question. A frugal
        one takes little memory, for what is read from one end to the other.
        """
        return Reader(self._location, _FRUGAL if frugal else self._limits, snapshot, imports)

    def maintain(self, older_than: timedelta = timedelta(days=35), *, now: datetime) -> Upkeep:
        """Merge and rewrite files, expire older snapshots, remove files that nobody needs and what crashes left.

        Hold the organization's lease meanwhile.
        """

        def work() -> Upkeep:
            with opened(self._location, self._limits, write=True) as session:
                return upkeep.maintain(session, self._location, older_than, now)

        return retried(work)

    def erase(self, source_id: str, provider: str, *, fence: Fence, checkpoint: Checkpoint = pass_by) -> Erased:
        """Remove everything that was ever loaded of a source, from files, catalog and older snapshots.

        Hold the organization's lease meanwhile; `fence` raises just before the commit when it, or the order to erase,
        is no longer there. May be repeated after a crash. Other sources keep their rows and lose the details of their
        earlier changes.
        """
        self._fresh.pop(source_id, None)
        return erasing.erase(self._location, self._limits, source_id, provider, fence=fence, checkpoint=checkpoint)

    def redact(
        self, source_id: str, redactions: Sequence[Redaction], *, fence: Fence, checkpoint: Checkpoint = pass_by
    ) -> dict[str, int]:
        """Make personal values of some records of a source empty, and remove every file and snapshot that holds them.

        Returns the rows by table. Keys and hashes stay. Hold the organization's lease, as for `erase`; may be repeated.
        Disagreement when a value is still there afterwards.
        """
        self._fresh.pop(source_id, None)
        return redacting.redact(self._location, self._limits, source_id, redactions, fence=fence, checkpoint=checkpoint)

    def scattered(self) -> list[str]:
        """Return the tables that small loads left in many files, the worst first: each look into them is dearer."""
        return self._read(upkeep.scattered, [])

    def gather(self, table: str) -> None:
        """Put one table's small files together; some 0.1 s of CPU. Hold the organization's lease meanwhile."""

        def work() -> None:
            with lake_open(self._location, self._limits, write=True) as session:
                upkeep.gather(session, table)

        retried(work)

    def _read(self, look: Callable[[Session], T], default: T) -> T:
        """Return what `look` finds in a read-only session, or the default when there is no lake yet."""
        try:
            # One transaction: all questions are answered from one snapshot, and DuckLake looks it up once.
            with lake_open(self._location, self._limits, write=False) as session, session.transaction():
                return look(session)
        except NoLake:
            return default
