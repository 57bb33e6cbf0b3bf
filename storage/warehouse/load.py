"""One load's transaction: compare the staged rows with the lake, then write only what is different."""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import astuple, dataclass, field
from pathlib import Path

from storage.facts.streams import ChildTable, StreamCounts
from storage.warehouse.batches import BATCH, GONE
from storage.warehouse.columns import batch_columns, line_columns
from storage.warehouse.errors import Disagreement, Shrunk
from storage.warehouse.names import lake, quote, raw_table, text
from storage.warehouse.results import LoadRun
from storage.warehouse.session import CURSORS, Session
from storage.warehouse.staging import StagedStream
from storage.warehouse.tables import ensure_raw_tables, ensure_system_tables

#: a full read that loses more than this part of the live records ...
SHRINK_PART = 0.2
#: ... and more than this many is held for a person
SHRINK_FLOOR = 20


@dataclass(frozen=True, slots=True)
class Position:
    """A row of the cursors table: where one stream of a source stands."""

    cursor: str | None = None
    table: str | None = None
    live: int = 0
    fingerprint: str = "0"
    run_id: str | None = None


@dataclass(slots=True)
class Applied:
    """What the open transaction holds."""

    counts: dict[str, StreamCounts] = field(default_factory=dict)
    #: rows that carry this run, by raw table, to be read back
    stamped: dict[str, int] = field(default_factory=dict)
    positions: dict[str, Position] = field(default_factory=dict)
    wrote: bool = False


def apply(
    session: Session,
    run: LoadRun,
    staged: Mapping[str, StagedStream],
    cursors: Mapping[str, str],
    *,
    full: Collection[str],
    keep_cursors: Collection[str],
    allow_shrink: bool,
) -> Applied:
    """Write a load into the open transaction; `wrote` is False when nothing is different (Shrunk, ColumnChanged)."""
    existing = ensure_system_tables(session)
    before = positions(session, run.source_id)
    applied = Applied(positions=dict(before))
    for number, (name, item) in enumerate(staged.items()):
        new_shape = ensure_raw_tables(session, existing, run.provider, item.stream)
        # A full stream of which not even an empty batch came was not read, which says nothing about its records.
        everything = name in full or (item.stream.full and item.batches > 0)
        if not (everything or item.count or new_shape) and name in before:
            applied.counts[name] = StreamCounts(total=before[name].live)
            continue
        plan = _Plan(session, run, item, number, before.get(name, Position()))
        applied.counts[name] = counts = plan.compare(full=everything)
        if everything and not allow_shrink:
            _check_shrink(name, plan.before.live, counts.total)
        if counts.touched:
            plan.write(counts)
            applied.stamped[plan.table] = counts.touched
        if counts.touched or new_shape or name not in before:
            applied.positions[name] = plan.read_back(counts, full=everything)
            applied.wrote = True
    known = {name: before[name].cursor if name in before else None for name in cursors}
    applied.wrote = applied.wrote or any(
        known[name] is None or (name in keep_cursors and known[name] != cursors[name]) for name in cursors
    )
    if applied.wrote:
        _save(session, run.source_id, before, applied, cursors)
    return applied


def positions(session: Session, source_id: str) -> dict[str, Position]:
    """Return where each stream of a source stands (NoLake when a crash left a lake without tables)."""
    sql = f"SELECT stream, cursor, raw_table, live, fingerprint, run_id FROM {lake(CURSORS)} WHERE _source = ?"
    return {row[0]: Position(*row[1:]) for row in session.rows(sql, (source_id,))}


def fingerprint(found: Mapping[str, Position]) -> str:
    """Return the digest of all live records of a source."""
    lines = sorted(f"{name}\x1f{place.live}\x1f{place.fingerprint}" for name, place in found.items() if place.table)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _check_shrink(name: str, before: int, after: int) -> None:
    if before - after > SHRINK_FLOOR and before - after > before * SHRINK_PART:
        raise Shrunk(name, before, after)


def _save(
    session: Session, source_id: str, before: Mapping[str, Position], applied: Applied, cursors: Mapping[str, str]
) -> None:
    for name, cursor in cursors.items():
        old = applied.positions.get(name, Position())
        applied.positions[name] = Position(cursor, old.table, old.live, old.fingerprint, old.run_id)
    moved = {name: place for name, place in applied.positions.items() if before.get(name) != place}
    session.replace_rows(
        CURSORS,
        f"_source = ? AND stream IN ({', '.join('?' * len(moved))})",
        (source_id, *moved),
        [(source_id, name, *astuple(place)) for name, place in moved.items()],
    )


class _Plan:
    """The comparison of one stream's staged rows with the lake, and the writing of its outcome."""

    def __init__(self, session: Session, run: LoadRun, staged: StagedStream, number: int, before: Position) -> None:
        self._session = session
        self._run = run
        self._staged = staged
        #: the temporary table of decisions
        self._plan = f"plan_{number}"
        self.table = raw_table(run.provider, staged.stream.name)
        #: how the stream stood before the load; what it says was read back when it was written
        self.before = before

    def compare(self, *, full: bool) -> StreamCounts:
        """Decide for each key what is to be done, in a temporary table; unchanged keys are only counted."""
        session, source = self._session, self._run.source_id
        session.run(f"CREATE TEMP TABLE {self._plan} AS {self._decisions(full=full)}", (source,))
        kinds = {
            kind: int(count) for kind, count in session.rows(f"SELECT kind, count(*) FROM {self._plan} GROUP BY kind")
        }
        new, restored, deleted = (kinds.get(kind, 0) for kind in ("new", "restored", "deleted"))
        return StreamCounts(
            new=new,
            changed=kinds.get("changed", 0) + restored,
            deleted=deleted,
            unchanged=kinds.get("same", 0),
            total=self.before.live + new + restored - deleted,
        )

    def _decisions(self, *, full: bool) -> str:
        """Return the SELECT of (id, _batch, kind, was, now); the last staged version of a key counts."""
        staged = (
            f"SELECT id, max({BATCH.name}) AS {BATCH.name}, arg_max({GONE.name}, {BATCH.name}) AS {GONE.name},"
            f" arg_max(_hash, {BATCH.name}) AS _hash FROM read_parquet({text(str(self._staged.rows))}) GROUP BY id"
        )
        there = f"SELECT id, _hash, _deleted FROM {lake(self.table)} WHERE _source = ?"
        return (
            f"SELECT coalesce(s.id, r.id) AS id, s.{BATCH.name}, CASE"
            # Not read at all can only happen in the outer join of a full read.
            f" WHEN s.id IS NULL OR s.{GONE.name} THEN CASE WHEN NOT r._deleted THEN 'deleted' END"
            " WHEN r.id IS NULL THEN 'new' WHEN r._deleted THEN 'restored'"
            " WHEN r._hash IS DISTINCT FROM s._hash THEN 'changed' ELSE 'same' END AS kind,"
            " r._hash AS was, s._hash AS now"
            f" FROM ({staged}) s {'FULL' if full else 'LEFT'} JOIN ({there}) r ON r.id = s.id"
        )

    def write(self, counts: StreamCounts) -> None:
        """Delete what is replaced, insert what is new; a deleted record stays as a row that says so, with its lines."""
        session, source, stamp = self._session, self._run.source_id, (self._run.extracted_at, self._run.run_id)
        table, gone = lake(self.table), f"{self._plan}_gone"
        if counts.deleted:
            session.run(
                f"CREATE TEMP TABLE {gone} AS SELECT * REPLACE (? AS _extracted_at, ? AS _run_id, true AS _deleted)"
                f" FROM {table} WHERE _source = ? AND id IN {self._keys('deleted')}",
                (*stamp, source),
            )
        if counts.changed or counts.deleted:
            replaced = self._keys("changed", "restored", "deleted")
            session.run(f"DELETE FROM {table} WHERE _source = ? AND id IN {replaced}", (source,))
        if counts.deleted:
            session.run(f"INSERT INTO {table} BY NAME FROM {gone}")
        if counts.new or counts.changed:
            names = _listed(column.name for column in batch_columns(self._staged.stream))
            session.run(
                f"INSERT INTO {table} (_source, {names}, _extracted_at, _run_id, _deleted)"
                f" SELECT ?, {names}, ?, ?, false FROM {self._winning(self._staged.rows, 'id')}",
                (source, *stamp),
            )
            for child in self._staged.stream.children:
                self._write_lines(child, replacing=counts.changed > 0)

    def _write_lines(self, child: ChildTable, *, replacing: bool) -> None:
        source, table = self._run.source_id, lake(raw_table(self._run.provider, child.name))
        if replacing:
            replaced = self._keys("changed", "restored")
            self._session.run(f"DELETE FROM {table} WHERE _source = ? AND parent_id IN {replaced}", (source,))
        names = _listed(column.name for column in line_columns(child))
        winning = self._winning(self._staged.children[child.name], "parent_id")
        self._session.run(f"INSERT INTO {table} (_source, {names}) SELECT ?, {names} FROM {winning}", (source,))

    def _keys(self, *kinds: str) -> str:
        return f"(SELECT id FROM {self._plan} WHERE kind IN ({', '.join(map(text, kinds))}))"

    def _winning(self, path: Path, key: str) -> str:
        """Return the staged rows of the versions that are to be written."""
        plan = f"(FROM {self._plan} WHERE kind IN ('new', 'changed', 'restored'))"
        same = f"p.id = s.{key} AND p.{BATCH.name} = s.{BATCH.name}"
        return f"read_parquet({text(str(path))}) s SEMI JOIN {plan} p ON {same}"

    def read_back(self, counts: StreamCounts, *, full: bool) -> Position:
        """Count the stream's live rows as they stand in the transaction (Disagreement), and digest them.

        The digest of a whole read is that of all rows; after other loads it is the earlier one, less what went and
        plus what came: the cost of a load is that of its changes.
        """
        digest = f", coalesce({_digest('_hash')}, 0)::VARCHAR" if full else ""
        sql = f"SELECT count(*), count(DISTINCT id){digest} FROM {lake(self.table)} WHERE _source = ? AND NOT _deleted"
        live, keys, *whole = self._session.row(sql, (self._run.source_id,))
        if live != counts.total or keys != live:
            raise Disagreement(f"{self.table}: {counts.total} live rows expected, {live} rows of {keys} keys found")
        digest = str(whole[0]) if whole else self._moved_digest()
        return Position(self.before.cursor, self.table, int(live), digest, self._run.run_id)

    def _moved_digest(self) -> str:
        gone, come = (
            f"{_digest(column)} FILTER (kind IN ({', '.join(map(text, kinds))}))"
            for column, kinds in (("was", ("changed", "deleted")), ("now", ("new", "changed", "restored")))
        )
        values = self._session.row(f"SELECT coalesce({gone}, 0), coalesce({come}, 0) FROM {self._plan}")
        return str(int(self.before.fingerprint) ^ int(values[0]) ^ int(values[1]))


def _digest(column: str) -> str:
    """Return the SQL of the digest of rows: the same in any order."""
    return f"bit_xor(md5_number(id || chr(31) || {column}))"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quote, names))
