"""The ready layer: each table is built from raw rows by the connector's SELECT, for changed records only.

How it works, for authors of SQL files. A `ReadyTable` names a SELECT and the raw tables it reads. When it runs,
each of those names is a view: the parent shows the live records of one source that must be built (all of them for a
full build), its lines belong to those records, and lookups show all live records of the source. So the SQL filters
neither source, nor deletion, nor change; it cannot forget to. The rows it gives replace the earlier rows of the
same keys, and keys that give no rows any more leave the table. Which keys must be built is told by the rows, which
carry the run that last changed them: parents that changed, and parents that refer to a lookup that changed. The
incremental outcome equals a full build as long as each row depends on one parent record, its lines and its lookups; a
table of which that is not true says `whole`. Columns: ``_source``, ``_key`` (the parent's id as text; '' in whole
tables), then the SELECT's.
When the text of the SQL or its columns change, the table is built anew by itself.
"""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import astuple, dataclass

from storage.facts.ready import ReadyTable
from storage.facts.streams import StreamCounts
from storage.warehouse import commits
from storage.warehouse.build import Build, Feed, Since
from storage.warehouse.errors import Disagreement, WrongReadyTable
from storage.warehouse.fresh import Fresh
from storage.warehouse.load import Position, alone, standing
from storage.warehouse.loader import Checkpoint, Fence
from storage.warehouse.location import Location
from storage.warehouse.names import lake, of_source, ready_table, text
from storage.warehouse.results import ProcessResult, Written
from storage.warehouse.retry import retried
from storage.warehouse.session import Limits, Session
from storage.warehouse.tables import PROCESSED, ensure_system_tables
from storage.warehouse.warm import lake_open

#: the row of the processed table that stands for the source itself
WHOLE_SOURCE = ""


#: live raw rows up to which a ready table is built anew by one thread
SMALL_BUILD = 10_000


class _ManyRowsError(Exception):
    """So much must be built that a second thread is worth its cost."""


@dataclass(frozen=True, slots=True)
class Mark:
    """A row of the processed table."""

    snapshot: int
    #: the raw state that was seen, see `raw_state`; as JSON
    seen: str
    #: digest of the ready table's declaration
    definition: str = ""
    #: rows of the source in the ready table
    total: int = 0

    def unchanged(self, state: Mapping[str, str]) -> frozenset[str]:
        """Return the raw tables in which nothing happened since."""
        seen = json.loads(self.seen)
        return frozenset(table for table, run_id in state.items() if seen.get(table) == run_id)


@dataclass(frozen=True, slots=True)
class _Done:
    """What the open transaction holds."""

    written: Written
    #: names of the tables that hold no other source's rows
    alone: frozenset[str]


def process(
    location: Location,
    limits: Limits,
    run_id: str,
    source_id: str,
    ready: Sequence[ReadyTable],
    *,
    rebuild: bool,
    fence: Fence | None,
    checkpoint: Checkpoint,
    fresh: Fresh | None = None,
) -> ProcessResult:
    """Bring a source's ready tables up to its raw rows, in one transaction; see `Warehouse.process`."""
    names = [ready_table(table.name).casefold() for table in ready]
    if len(set(names)) != len(names):
        raise WrongReadyTable("two ready tables of one name")

    def attempt() -> ProcessResult:
        try:
            return work(SMALL_BUILD)
        except _ManyRowsError:
            return work(None)

    def work(most: int | None) -> ProcessResult:
        with lake_open(location, limits, many=most is None, write=True) as session:
            found = commits.find(session, "process", run_id)
            if found is not None:
                return ProcessResult(run_id, found[1].before, found[0], found[1].counts, found[1].unfit)
            with session.transaction():
                done = _build_all(session, run_id, source_id, ready, rebuild=rebuild, most=most, fresh=fresh)
                if done is None:
                    now = session.snapshot()
                    return ProcessResult(run_id, now, now, {})
                checkpoint("warehouse.process.before_commit")
                if fence is not None:
                    fence()
                session.commit()
            checkpoint("warehouse.process.after_commit")
            # One transaction: the lake's state is looked up once for all questions.
            with session.transaction():
                return _read_back(session, run_id, source_id, done)

    return retried(attempt)


def waiting(session: Session, source_id: str, ready: Sequence[ReadyTable]) -> bool:
    """Say whether the raw rows of a source, or the SQL of its ready tables, are not those that were built last."""
    state = raw_state(session, source_id)
    return bool(state) and _behind(marks(session, source_id), state, ready)


def raw_state(session: Session, source_id: str) -> dict[str, str]:
    """Return which run last changed each raw table of a source; nothing when nothing was ever collected."""
    return _state(standing(session).get(source_id, {}))


def _state(places: Mapping[str, Position]) -> dict[str, str]:
    return dict(sorted((place.table, place.run_id or "") for place in places.values() if place.table is not None))


def marks(session: Session, source_id: str) -> dict[str, Mark]:
    """Return how far each ready table of a source is built."""
    whose = of_source(source_id, alone=True)
    sql = f"SELECT name, snapshot, seen, definition, total FROM {lake(PROCESSED)} WHERE {whose}"
    return {row[0]: Mark(*row[1:]) for row in session.rows(sql)}


def definition(table: ReadyTable) -> str:
    """Return the digest of everything that decides a ready table's content."""
    parts = (table.name, table.sql, table.parent, table.key, table.lines, sorted(table.lookups.items()), table.whole)
    return hashlib.sha256(repr(parts).encode()).hexdigest()


def _behind(found: Mapping[str, Mark], state: Mapping[str, str], ready: Sequence[ReadyTable]) -> bool:
    mark = found.get(WHOLE_SOURCE)
    if mark is None or json.loads(mark.seen) != state:
        return True
    return any(table.name not in found or found[table.name].definition != definition(table) for table in ready)


def _build_all(
    session: Session,
    run_id: str,
    source_id: str,
    ready: Sequence[ReadyTable],
    *,
    rebuild: bool,
    most: int | None,
    fresh: Fresh | None,
) -> _Done | None:
    """Write all ready tables that need it into the open transaction; None when there is nothing to do.

    Raises _ManyRowsError before the first table that must be built whole when the source has more than `most` rows.
    """
    before = session.snapshot()
    existing, places = ensure_system_tables(session, before), standing(session)
    state = _state(places.get(source_id, {}))
    found = marks(session, source_id)
    if not state or not (rebuild or _behind(found, state, ready)):
        return None
    first, seen = commits.oldest(session), json.dumps(state)
    sole = alone(places, source_id)
    # Of any older snapshot nobody knows what was done to it since.
    feed = Feed(session, sole, fresh if fresh is not None and fresh.snapshot == before else None)
    live = sum(place.live for place in places.get(source_id, {}).values())
    bare = {place.table for place in places.get(source_id, {}).values() if not place.live}
    counts: dict[str, StreamCounts] = {}
    unfit: dict[str, Mapping[str, int]] = {}
    anew: dict[str, Mark] = {WHOLE_SOURCE: Mark(before, seen)}
    for number, table in enumerate(ready):
        mark = found.get(table.name)
        # The loads after the mark are known as long as the mark's own snapshot is still there.
        known = mark is not None and mark.definition == definition(table) and mark.snapshot >= first
        since = None
        if mark is not None and known and not rebuild:
            since = Since(mark.snapshot, mark.unchanged(state), mark.total)
        if since is None and most is not None and live > most:
            raise _ManyRowsError
        build = Build(session, table, number, feed, existing)
        counts[table.name] = done = build.run(source_id, since, bare=table.parent in bare)
        if build.unfit:
            unfit[table.name] = build.unfit
        anew[table.name] = Mark(before, seen, definition(table), done.total)
        for other, total in build.displaced.items():
            mark = Mark(before, json.dumps(_state(places.get(other, {}))), definition(table), total)
            _mark(session, other, {**marks(session, other), table.name: mark})
    _mark(session, source_id, anew)
    written = Written(before, counts, unfit=unfit)
    commits.sign(session, commits.commit_message("process", run_id, source_id), "process", written)
    return _Done(written, frozenset(table.name for table in ready if table.parent in sole))


def _mark(session: Session, source_id: str, anew: Mapping[str, Mark]) -> None:
    rows = [(source_id, name, *astuple(mark)) for name, mark in anew.items()]
    session.replace_rows(PROCESSED, of_source(source_id, alone=True), (), rows)


def _read_back(session: Session, run_id: str, source_id: str, done: _Done) -> ProcessResult:
    written = done.written
    found = commits.find(session, "process", run_id)
    if found is None or found[1] != written:
        raise Disagreement(f"the commit of {run_id} is not in the lake as it was written")
    touched = {ready_table(name): counts.total for name, counts in written.counts.items() if counts.touched}
    sole = {ready_table(name) for name in done.alone}
    there = session.stored([name for name in touched if name in sole])
    each = " UNION ALL ".join(
        f"SELECT {text(name)}, count(*) FROM {lake(name)} WHERE {of_source(source_id)}"
        for name in touched
        if name not in sole
    )
    there |= dict(session.rows(each)) if each else {}
    for name, total in touched.items():
        if there.get(name) != total:
            raise Disagreement(f"{name}: {total} rows were written, {there.get(name, 0)} are there")
    return ProcessResult(run_id, written.before, found[0], written.counts, written.unfit)
