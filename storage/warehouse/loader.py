"""The writing side of one run of one source: a bounded queue, one staging thread, then one transaction."""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
import queue
import threading
from collections.abc import Callable, Collection, Mapping, Sequence
from types import TracebackType
from typing import Self

from storage.facts.streams import Batch, Stream
from storage.warehouse import commits
from storage.warehouse.errors import Disagreement, StorageFailed, WarehouseError
from storage.warehouse.fresh import MOST_BYTES, Fresh
from storage.warehouse.load import Applied, apply, fingerprint
from storage.warehouse.location import Location
from storage.warehouse.names import lake, of_source, text
from storage.warehouse.results import LoadResult, LoadRun, Written
from storage.warehouse.retry import retried
from storage.warehouse.session import Limits, Session
from storage.warehouse.staging import Staging
from storage.warehouse.warm import lake_open

#: staged records up to which a load uses one thread
SMALL_LOAD = 10_000

Checkpoint = Callable[[str], None]
Fence = Callable[[], None]


def pass_by(_: str) -> None:
    """Do nothing at a checkpoint; fault tests pass something that kills."""


class Loader:
    """Stages batches as they come, commits them at once; leaving it as a context manager without a commit drops them.

    `write` may be called from any one thread at a time and blocks while the queue is full, which is what bounds memory.
    """

    def __init__(
        self,
        location: Location,
        limits: Limits,
        run: LoadRun,
        streams: Sequence[Stream],
        *,
        queue_size: int,
        checkpoint: Checkpoint,
        keep: Callable[[Fresh], None] | None = None,
    ) -> None:
        location.create_folders()
        self._location = location
        self._limits = limits
        self._run = run
        self._checkpoint = checkpoint
        #: told what a small load wrote, once it was read back
        self._keep = keep
        self._staging = Staging(location.staging, run.source_id)
        for stream in streams:
            self._staging.declare(stream)
        self._queue: queue.Queue[Batch | None] = queue.Queue(maxsize=queue_size)
        self._failure: BaseException | None = None
        self._open = True
        self._staged = False
        #: streams that could not be read to their end
        self._aside: frozenset[str] = frozenset()
        #: those, and parts of streams, as the commit notes them
        self._missing: tuple[str, ...] = ()
        self._guarded: frozenset[str] = frozenset()
        self._thread = threading.Thread(target=self._stage, name=f"warehouse-{run.run_id}", daemon=True)
        self._thread.start()

    def write(self, batch: Batch) -> None:
        """Hand over one batch; waits for room. A batch that could not be staged is reported by the next call."""
        self._check()
        self._queue.put(batch)

    def commit(
        self,
        cursors: Mapping[str, str],
        full: Collection[str] = (),
        *,
        keep_cursors: Collection[str] = (),
        agreed: Mapping[str, int] | None = None,
        aside: Collection[str] = (),
        parts: Collection[str] = (),
        guarded: Collection[str] = (),
        fence: Fence | None = None,
    ) -> LoadResult:
        """Write everything in one transaction, read it back, and say what it did.

        Nothing is written, and the cursors are not saved, when no record is different; except for cursors of streams
        that had none, or that `keep_cursors` names. `full` names streams of which everything was read, beside those
        that are always read whole and of which at least one batch came, be it empty. `fence` is called just before
        the commit and raises when this run may no longer write; then nothing is visible. `aside` names streams that
        could not be read to their end: whatever is staged of them is dropped, and their cursors stay; `parts` names
        parts of streams that could not be read and of which nothing was staged: they are only noted. Shrunk leaves the
        rows staged, for another `commit` or for `abort`; `agreed` names streams of which a person agreed to so few
        records after such a read was held, and lets through what is not far below even that. Any other failure may be
        tried again the same way; the run is looked for in the lake first, so it is never loaded twice. `guarded` names
        streams that are held (Shrunk) when far fewer records would be left, though not all of them were read.
        """
        if not self._staged:
            self._check()
            self._finish()
            self._check_failure()
            self._staging.close()
            self._staged = True
            self._checkpoint("warehouse.staged")
        unknown = sorted({*full, *aside} - set(self._staging.streams))
        if unknown:
            raise WarehouseError(f"streams that this load does not know: {', '.join(unknown)}")
        self._aside, self._guarded = frozenset(aside), frozenset(guarded)
        self._missing = tuple(sorted({*aside, *parts}))
        # A cursor never moves without its rows, whoever asks for it.
        cursors = {name: cursor for name, cursor in cursors.items() if name not in aside}
        result = retried(lambda: self._attempt(cursors, full, keep_cursors, fence, agreed=agreed or {}))
        self.abort()
        return result

    def abort(self) -> None:
        """Drop what was staged; after a commit, tidy up. May be called again."""
        self._finish()
        self._staging.remove()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.abort()

    def _attempt(
        self,
        cursors: Mapping[str, str],
        full: Collection[str],
        keep: Collection[str],
        fence: Fence | None,
        *,
        agreed: Mapping[str, int],
    ) -> LoadResult:
        run = self._run
        most = self._limits.keys
        many = sum(staged.count for staged in self._staging.streams.values()) > min(SMALL_LOAD, most)
        with lake_open(self._location, self._limits, many=many, write=True) as session:
            found = commits.find(session, "collect", run.run_id)
            if found is not None:
                return result_of(run.run_id, *found)
            with session.transaction():
                before = session.snapshot()
                applied = apply(
                    session,
                    run,
                    self._staging.streams,
                    cursors,
                    full=full,
                    keep_cursors=keep,
                    agreed=agreed,
                    aside=self._aside,
                    guarded=self._guarded,
                    most=most,
                    keep_rows=self._keep is not None and not many,
                )
                print_ = fingerprint(applied.positions)
                if not applied.wrote:
                    return LoadResult(
                        run.run_id, before, before, applied.counts, run.extracted_at, print_, self._missing
                    )
                message = commits.commit_message("collect", run.run_id, run.source_id)
                written = Written(before, applied.counts, run.extracted_at, print_, self._missing)
                commits.sign(session, message, run.connector or run.provider, written)
                self._checkpoint("warehouse.before_commit")
                if fence is not None:
                    fence()
                session.commit()
            self._checkpoint("warehouse.after_commit")
            # One transaction: the lake's state is looked up once for all questions.
            with session.transaction():
                result = _read_back(session, run, applied, written)
        fresh = Fresh(run.run_id, run.source_id, result.snapshot_after, applied.changed, applied.rows)
        if self._keep is not None and applied.changed and fresh.size <= MOST_BYTES:
            self._keep(fresh)
        return result

    def _stage(self) -> None:
        """Write batches to the staging files until told to stop; after a failure only empty the queue: nobody waits."""
        while (batch := self._queue.get()) is not None:
            if self._failure is None:
                try:
                    self._staging.add(batch)
                except BaseException as error:  # noqa: BLE001 - the thread's edge: handed to whoever writes or commits
                    self._failure = error

    def _finish(self) -> None:
        if self._open:
            self._open = False
            self._queue.put(None)
        self._thread.join()

    def _check(self) -> None:
        if not self._open:
            raise WarehouseError("this load is closed")
        self._check_failure()

    def _check_failure(self) -> None:
        if self._failure is not None:
            raise self._failure


def result_of(run_id: str, snapshot: int, written: Written) -> LoadResult:
    """Return a load's result from what its commit says."""
    if written.extracted_at is None:
        raise StorageFailed(f"the commit of {run_id} does not say when its records were read")
    return LoadResult(
        run_id, written.before, snapshot, written.counts, written.extracted_at, written.fingerprint, written.aside
    )


def _read_back(session: Session, run: LoadRun, applied: Applied, written: Written) -> LoadResult:
    """Look at the lake as everybody sees it now, and refuse to report what is not there (Disagreement)."""
    found = commits.find(session, "collect", run.run_id)
    if found is None or found[1] != written:
        raise Disagreement(f"the commit of {run.run_id} is not in the lake as it was written")
    written_by_us = {
        place.table: place.live
        for place in applied.positions.values()
        if place.table is not None and place.run_id == run.run_id and (place.live or place.table in applied.stamped)
    }
    each = " UNION ALL ".join(
        f"SELECT {text(table)}, count(*) FILTER (NOT _deleted), count(*) FILTER (_run_id = {text(run.run_id)})"
        f" FROM {lake(table)} WHERE {of_source(run.source_id, alone=table in applied.alone)}"
        for table in written_by_us
    )
    for table, live, stamped in session.rows(each) if each else ():
        if stamped != applied.stamped.get(table, 0):
            raise Disagreement(
                f"{table}: {applied.stamped.get(table, 0)} rows of {run.run_id} were written, {stamped} are there"
            )
        if live != written_by_us[table]:
            raise Disagreement(f"{table}: {written_by_us[table]} live rows were written, {live} are there")
    return result_of(run.run_id, *found)
