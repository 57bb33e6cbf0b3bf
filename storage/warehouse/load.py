"""One load's transaction: compare the staged rows with the lake, then write only what is different."""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from pathlib import Path
from typing import Any

from storage.facts.streams import ChildTable, StreamCounts
from storage.warehouse.batches import BATCH, GONE
from storage.warehouse.columns import batch_columns, line_columns
from storage.warehouse.errors import Disagreement, Shrunk
from storage.warehouse.names import is_in, lake, of_source, opaque, quote, raw_table, text
from storage.warehouse.results import LoadRun
from storage.warehouse.session import CURSORS, Session
from storage.warehouse.shares import KEYS, Share, every_key, shares
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
    #: raw main tables in which no other source has rows
    alone: frozenset[str] = frozenset()
    #: what was written, see `fresh.Fresh`; empty after a load of many rows
    changed: dict[str, Any] = field(default_factory=dict)
    rows: dict[str, Any] = field(default_factory=dict)


def apply(
    session: Session,
    run: LoadRun,
    staged: Mapping[str, StagedStream],
    cursors: Mapping[str, str],
    *,
    full: Collection[str],
    keep_cursors: Collection[str],
    agreed: Mapping[str, int],
    aside: Collection[str] = (),
    guarded: Collection[str] = (),
    most: int = KEYS,
    keep_rows: bool = False,
) -> Applied:
    """Write a load into the open transaction; `wrote` is False when nothing is different (Shrunk, ColumnChanged).

    Of the streams in `aside` nothing is written, whatever is staged. With `keep_rows` the outcome also holds what was
    written. No statement brings many more than `most` keys together.
    """
    existing = ensure_system_tables(session, session.snapshot())
    all_positions = standing(session)
    before = all_positions.get(run.source_id, {})
    applied = Applied(positions=dict(before), alone=alone(all_positions, run.source_id))
    for number, (name, item) in enumerate(staged.items()):
        new_shape = ensure_raw_tables(session, existing, run.provider, item.stream)
        # A full stream of which not even an empty batch came was not read, which says nothing about its records.
        everything = name in full or (item.stream.full and item.batches > 0)
        count = 0 if name in aside else item.count
        if name in before and (name in aside or not (everything or count or new_shape)):
            applied.counts[name] = StreamCounts(total=before[name].live)
            continue
        place = before.get(name, Position())
        if not count and not place.live:
            # Nothing came and nothing was there: no look is needed to know that.
            applied.counts[name] = StreamCounts()
            if new_shape or name not in before:
                table = raw_table(run.provider, name)
                applied.positions[name] = Position(place.cursor, table, 0, "0", run.run_id)
                applied.wrote = True
            continue
        plan = _Plan(session, run, item, number, place, alone=applied.alone, most=most, keep_rows=keep_rows)
        applied.counts[name] = counts = plan.compare(full=everything)
        if everything or name in guarded:
            _check_shrink(name, plan.before.live, counts.total, agreed.get(name))
        if counts.touched:
            plan.write(counts)
            applied.stamped[plan.table] = counts.touched
            if keep_rows:
                applied.changed[plan.table] = plan.changed()
                applied.rows |= plan.rows()
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


def standing(session: Session) -> dict[str, dict[str, Position]]:
    """Return where each stream of each source stands (NoLake when a crash left a lake without tables)."""
    sql = f"SELECT _source, stream, cursor, raw_table, live, fingerprint, run_id FROM {lake(CURSORS)}"
    found: dict[str, dict[str, Position]] = {}
    for source, stream, *place in session.rows(sql):
        found.setdefault(source, {})[stream] = Position(*place)
    return found


def positions(session: Session, source_id: str) -> dict[str, Position]:
    """Return where each stream of a source stands (NoLake when a crash left a lake without tables)."""
    return standing(session).get(source_id, {})


def alone(found: Mapping[str, Mapping[str, Position]], source_id: str) -> frozenset[str]:
    """Return the raw main tables of a source in which no other source has rows."""
    others = {place.table for source, places in found.items() if source != source_id for place in places.values()}
    own = {place.table for place in found.get(source_id, {}).values()}
    return frozenset(table for table in own - others if table is not None)


def fingerprint(found: Mapping[str, Position]) -> str:
    """Return the digest of all live records of a source."""
    lines = sorted(f"{name}\x1f{place.live}\x1f{place.fingerprint}" for name, place in found.items() if place.table)
    return hashlib.sha256("\n".join(lines).encode()).hexdigest()


def _check_shrink(name: str, before: int, after: int, agreed: int | None) -> None:
    if _far_fewer(before, after) and (agreed is None or _far_fewer(agreed, after)):
        raise Shrunk(name, before, after)


def _far_fewer(before: int, after: int) -> bool:
    return before - after > SHRINK_FLOOR and before - after > before * SHRINK_PART


def _save(
    session: Session, source_id: str, before: Mapping[str, Position], applied: Applied, cursors: Mapping[str, str]
) -> None:
    for name, cursor in cursors.items():
        old = applied.positions.get(name, Position())
        applied.positions[name] = Position(cursor, old.table, old.live, old.fingerprint, old.run_id)
    moved = {name: place for name, place in applied.positions.items() if before.get(name) != place}
    session.replace_rows(
        CURSORS,
        f"{of_source(source_id, alone=True)} AND concat(stream) IN ({', '.join('?' * len(moved))})",
        tuple(moved),
        [(source_id, name, *astuple(place)) for name, place in moved.items()],
    )


class _Plan:
    """The comparison of one stream's staged rows with the lake, and the writing of its outcome."""

    def __init__(
        self,
        session: Session,
        run: LoadRun,
        staged: StagedStream,
        number: int,
        before: Position,
        *,
        alone: Collection[str],
        most: int,
        keep_rows: bool,
    ) -> None:
        self._session = session
        #: keys that one statement brings together
        self._most = most
        self._run = run
        self._staged = staged
        #: the temporary table of decisions
        self._plan = f"plan_{number}"
        self.table = raw_table(run.provider, staged.stream.name)
        #: how the stream stood before the load; what it says was read back when it was written
        self.before = before
        #: the digests of the hashes that go and of those that come
        self._gone = self._come = 0
        self._keep = keep_rows
        self._whose = of_source(run.source_id, alone=self.table in alone)
        #: the temporary tables of new rows, by raw table
        self._made: dict[str, str] = {}

    def compare(self, *, full: bool) -> StreamCounts:
        """Decide for each key what is to be done, in a temporary table; unchanged keys are only counted."""
        session = self._session
        for place, share in enumerate(shares(self._staged.count + (self.before.live if full else 0), self._most)):
            into = f"INSERT INTO {self._plan}" if place else f"CREATE TEMP TABLE {self._plan} AS"
            session.run(f"{into} {self._decisions(share, full=full)}")
        kinds: dict[str, int] = {}
        digests = f"coalesce({_digest('was')}, 0), coalesce({_digest('now')}, 0)"
        for kind, count, was, now in session.rows(f"SELECT kind, count(*), {digests} FROM {self._plan} GROUP BY kind"):
            kinds[kind] = int(count)
            self._gone ^= int(was) if kind in {"changed", "deleted"} else 0
            self._come ^= int(now) if kind in {"new", "changed", "restored"} else 0
        new, restored, deleted = (kinds.get(kind, 0) for kind in ("new", "restored", "deleted"))
        return StreamCounts(
            new=new,
            changed=kinds.get("changed", 0) + restored,
            deleted=deleted,
            unchanged=kinds.get("same", 0),
            total=self.before.live + new + restored - deleted,
        )

    def _decisions(self, share: Share, *, full: bool) -> str:
        """Return the SELECT of (id, _batch, kind, was, now); the last staged version of a key counts."""
        staged = (
            f"SELECT id, max({BATCH.name}) AS {BATCH.name}, arg_max({GONE.name}, {BATCH.name}) AS {GONE.name},"
            f" arg_max(_hash, {BATCH.name}) AS _hash FROM read_parquet({text(str(self._staged.rows))})"
            f" WHERE {share('id')} GROUP BY id"
        )
        there = f"SELECT id, _hash, _deleted FROM {lake(self.table)} WHERE {self._whose} AND {share('id')}"
        return (
            f"SELECT coalesce(s.id, r.id) AS id, s.{BATCH.name}, CASE"
            # Not read at all can only happen in the outer join of a full read.
            f" WHEN s.id IS NULL OR s.{GONE.name} THEN CASE WHEN NOT r._deleted THEN 'deleted' END"
            " WHEN r.id IS NULL THEN 'new' WHEN r._deleted THEN 'restored'"
            " WHEN r._hash IS DISTINCT FROM s._hash THEN 'changed' ELSE 'same' END AS kind,"
            " r._hash AS was, s._hash AS now"
            f" FROM ({staged}) s {'FULL' if full else 'LEFT'} JOIN ({there}) r"
            f" ON {opaque('r.id', self.before.live)} = s.id"
        )

    def write(self, counts: StreamCounts) -> None:
        """Delete what is replaced, insert what is new; a deleted record stays as a row that says so, with its lines.

        Each statement must touch as many rows of the main table as were planned (Disagreement).
        """
        session, stamp = self._session, (self._run.extracted_at, self._run.run_id)
        table, gone = lake(self.table), f"{self._plan}_gone"
        if counts.deleted:
            session.run(
                f"CREATE TEMP TABLE {gone} AS SELECT * REPLACE (? AS _extracted_at, ? AS _run_id, true AS _deleted)"
                f" FROM {table} WHERE {self._whose} AND {self._among('id', 'deleted')}",
                stamp,
            )
        if counts.changed or counts.deleted:
            replaced = counts.changed + counts.deleted
            found = self._delete(table, "id", replaced, "changed", "restored", "deleted")
            self._expect(found, replaced, "deleted")
        if counts.deleted:
            self._expect(session.count(f"INSERT INTO {table} BY NAME FROM {gone}"), counts.deleted, "marked")
        if counts.new or counts.changed:
            names = _listed(column.name for column in batch_columns(self._staged.stream))
            winning = self._winning(self._staged.rows, "id")
            made = [f"SELECT {names}, ? AS _extracted_at, ? AS _run_id FROM {each}" for each in winning]
            into = f"{table} (_source, {names}, _extracted_at, _run_id, _deleted)"
            found = self._insert(self.table, into, ", false", made, stamp)
            self._expect(found, counts.new + counts.changed, "inserted")
            for child in self._staged.stream.children:
                self._write_lines(child, counts.changed)

    def _write_lines(self, child: ChildTable, replaced: int) -> None:
        """Replace the lines of what changed, write those of what is new: all that were read, and no old ones left."""
        name = raw_table(self._run.provider, child.name)
        if replaced:
            self._delete(lake(name), "parent_id", replaced, "changed", "restored")
            among = [self._among("parent_id", "changed", "restored", share=s) for s in shares(replaced, self._most)]
            left = self._counted(f"{lake(name)} WHERE {self._whose} AND {each}" for each in among)
            self._expect(left, 0, f"left in {child.name}")
        names = _listed(column.name for column in line_columns(child))
        winning = self._winning(self._staged.children[child.name], "parent_id")
        read, made = self._counted(winning), [f"SELECT {names} FROM {each}" for each in winning]
        written = self._insert(name, f"{lake(name)} (_source, {names})", "", made, ())
        self._expect(written, read, f"inserted into {child.name}")

    def _counted(self, relations: Iterable[str]) -> int:
        return sum(int(self._session.row(f"SELECT count(*) FROM {each}")[0]) for each in relations)

    def _delete(self, table: str, column: str, keys: int, *kinds: str) -> int:
        """Delete the rows of so many keys for which those kinds were decided; return how many rows."""
        among = [self._among(column, *kinds, share=share) for share in shares(keys, self._most)]
        return sum(self._session.count(f"DELETE FROM {table} WHERE {self._whose} AND {each}") for each in among)

    def _insert(self, table: str, into: str, more: str, made: Sequence[str], parameters: tuple[object, ...]) -> int:
        """Insert what SELECTs make; by way of a temporary table, for `rows`, when they are to be kept."""
        session, source = self._session, text(self._run.source_id)
        if self._keep:
            name = self._made[table] = f"{self._plan}_made_{len(self._made)}"
            session.run(f"CREATE TEMP TABLE {name} AS {' UNION ALL '.join(made)}", parameters * len(made))
            return session.count(f"INSERT INTO {into} SELECT {source}, *{more} FROM {name}")
        into = f"INSERT INTO {into} SELECT {source}, *{more} FROM"
        return sum(session.count(f"{into} ({each})", parameters) for each in made)

    def _expect(self, found: int, planned: int, what: str) -> None:
        if found != planned:
            raise Disagreement(f"{self.table}: {planned} rows were to be {what}, {found} were")

    def changed(self) -> Any:
        """Return id and _deleted of the records that are different."""
        different = "kind IN ('new', 'changed', 'restored', 'deleted')"
        return self._session.arrow(f"SELECT id, kind = 'deleted' AS _deleted FROM {self._plan} WHERE {different}")

    def rows(self) -> dict[str, Any]:
        """Return the rows that were inserted, by raw table; deleted records have none."""
        return {table: self._session.arrow(f"FROM {name}") for table, name in self._made.items()}

    def _among(self, column: str, *kinds: str, share: Share = every_key) -> str:
        ids = f"SELECT id FROM {self._plan} WHERE kind IN ({', '.join(map(text, kinds))}) AND {share('id')}"
        return f"{share(column)} AND {is_in(column, ids, self.before.live)}"

    def _winning(self, path: Path, key: str) -> list[str]:
        """Return the staged rows of the versions that are to be written, stretch by stretch of the batches."""
        same = f"p.id = s.{key} AND p.{BATCH.name} = s.{BATCH.name}"
        found = []
        for first, last in self._staged.stretches(self._most):
            part = f"{BATCH.name} BETWEEN {first} AND {last}"
            plan = f"(FROM {self._plan} WHERE kind IN ('new', 'changed', 'restored') AND {part})"
            found.append(f"(FROM read_parquet({text(str(path))}) WHERE {part}) s SEMI JOIN {plan} p ON {same}")
        return found

    def read_back(self, counts: StreamCounts, *, full: bool) -> Position:
        """Return how the stream stands in the transaction.

        After a whole read all live rows are counted and digested (Disagreement). After other loads the numbers are the
        earlier ones, less what went and plus what came, which each statement was held to; the lake itself is counted
        once it is committed. So the cost of a load is that of its changes.
        """
        if not full:
            digest = int(self.before.fingerprint) ^ self._gone ^ self._come
            return Position(self.before.cursor, self.table, counts.total, str(digest), self._run.run_id)
        live, keys, whole = 0, 0, 0
        for share in shares(counts.total, self._most):
            sql = (
                f"SELECT count(*), count(DISTINCT id), coalesce({_digest('_hash')}, 0)"
                f" FROM {lake(self.table)} WHERE {self._whose} AND NOT _deleted AND {share('id')}"
            )
            rows, different, digest = self._session.row(sql)
            live, keys, whole = live + int(rows), keys + int(different), whole ^ int(digest)
        if live != counts.total or keys != live:
            raise Disagreement(f"{self.table}: {counts.total} live rows expected, {live} rows of {keys} keys found")
        return Position(self.before.cursor, self.table, live, str(whole), self._run.run_id)


def _digest(column: str) -> str:
    """Return the SQL of the digest of rows: the same in any order."""
    return f"bit_xor(md5_number(id || chr(31) || {column}))"


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(quote, names))
