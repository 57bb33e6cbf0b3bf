"""Building one ready table inside an open transaction."""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

from storage.facts.ready import ReadyTable
from storage.facts.streams import StreamCounts
from storage.warehouse import commits
from storage.warehouse.errors import NotReadable, WrongReadyTable
from storage.warehouse.fresh import Fresh
from storage.warehouse.guard import check_select
from storage.warehouse.names import identifier, is_in, lake, of_source, quote, ready_table, text
from storage.warehouse.session import Session

#: columns of ours beside those of the SELECT; no alias of theirs is likely to be named so
_PLACE, _ROWS = quote("~place"), quote("~rows")

_OWN = {"_source": "VARCHAR", "_key": "VARCHAR"}


@dataclass(frozen=True, slots=True)
class Since:
    """The last build of a ready table."""

    #: everything up to here is in it
    snapshot: int
    #: raw tables in which nothing happened since
    unchanged: frozenset[str]
    #: rows of the source then
    total: int


class Feed:
    """The keys of raw records that changed: each row carries the run that last changed it, deleted ones too.

    Each question is asked once for all ready tables of a run, and its answer kept in a temporary table: a look into
    the lake costs some 10 ms of CPU however small its answer is.
    """

    def __init__(self, session: Session, alone: Collection[str], fresh: Fresh | None) -> None:
        self._session = session
        #: raw main tables in which the source is alone
        self._alone = alone
        #: what the newest commit of the lake wrote, if it is known
        self._fresh = fresh
        self._held: dict[str, str] = {}
        self._runs: dict[tuple[str, int], list[str]] = {}
        self._found: dict[tuple[str, str, int], str] = {}
        self._keys: dict[str, str] = {}
        self._live: dict[tuple[str, str, str], str] = {}
        self._views: dict[str, str] = {}

    def changed(self, table: str, source_id: str, since: int) -> str:
        """Return the temporary table (id, _deleted) of the records that changed after a snapshot."""
        place = (table, source_id, since)
        if place not in self._found:
            name = self._found[place] = f"changed_{len(self._found)}"
            fresh = self._only_fresh(source_id, since)
            if fresh is not None and table in fresh.changed:
                self._session.hold(name, fresh.changed[table])
            else:
                runs = ", ".join(map(text, self._runs_since(source_id, since))) or "NULL"
                where = f"{self.whose(table, source_id)} AND _run_id IN ({runs})"
                self._session.run(f"CREATE TEMP TABLE {name} AS SELECT id, _deleted FROM {lake(table)} WHERE {where}")
        return self._found[place]

    def rows(self, tables: Sequence[str], source_id: str, since: int) -> dict[str, tuple[str, list[str]]]:
        """Return temporary tables, with their columns, of what changed after a snapshot; empty where the lake must say.

        They hold all rows of the live records that changed, in all of the tables: a parent's and its lines'.
        """
        fresh = self._only_fresh(source_id, since)
        if fresh is None or not all(table in fresh.rows for table in tables):
            return {}
        for table in tables:
            if table not in self._held:
                self._held[table] = f"fresh_{len(self._held)}"
                self._session.hold(self._held[table], fresh.rows[table])
        return {table: (self._held[table], fresh.rows[table].column_names) for table in tables}

    def view(self, name: str, sql: str) -> None:
        """Let a name stand for a SELECT in what is asked from now on; several ready tables read the same."""
        if self._views.get(name) != sql:
            self._session.run(f"CREATE OR REPLACE TEMP VIEW {quote(name)} AS {sql}")
            self._views[name] = sql

    def whose(self, table: str, source_id: str) -> str:
        """Return the condition for a source's rows of a raw main table, or of tables that follow it."""
        return of_source(source_id, alone=table in self._alone)

    def keys(self, parts: Sequence[str]) -> str:
        """Return the temporary table of the ids that some SELECTs give; '' when they give none."""
        sql = " UNION ".join(f"({part})" for part in parts)
        if sql not in self._keys:
            name = f"keys_{len(self._keys)}"
            self._session.run(f"CREATE TEMP TABLE {name} AS {sql}")
            self._keys[sql] = name if self._session.rows(f"SELECT 1 FROM temp.{name} LIMIT 1") else ""
        return self._keys[sql]

    def live(self, table: str, source_id: str, keys: str) -> str:
        """Return the temporary table of those ids that live records of a source have."""
        place = (table, source_id, keys)
        if place not in self._live:
            name = self._live[place] = f"live_{len(self._live)}"
            where = f"{self.whose(table, source_id)} AND NOT _deleted AND id IN (SELECT id FROM temp.{keys})"
            self._session.run(f"CREATE TEMP TABLE {name} AS SELECT id FROM {lake(table)} WHERE {where}")
        return self._live[place]

    def live_changed(self, table: str, source_id: str, since: int) -> str:
        """Return the same for the ids of the records that changed; the lake need not be asked again."""
        changed = self.changed(table, source_id, since)
        place = (table, source_id, changed)
        if place not in self._live:
            name = self._live[place] = f"live_{len(self._live)}"
            self._session.run(f"CREATE TEMP TABLE {name} AS SELECT id FROM temp.{changed} WHERE NOT _deleted")
        return self._live[place]

    def _only_fresh(self, source_id: str, since: int) -> Fresh | None:
        """Return what is at hand if nothing else was loaded for the source after the snapshot."""
        fresh = self._fresh
        if fresh is None or fresh.source_id != source_id or self._runs_since(source_id, since) != [fresh.run_id]:
            return None
        return fresh

    def _runs_since(self, source_id: str, since: int) -> list[str]:
        place = (source_id, since)
        if place not in self._runs:
            self._runs[place] = commits.loads_since(self._session, source_id, since)
        return self._runs[place]


class Build:
    """One ready table of one process run."""

    def __init__(
        self, session: Session, table: ReadyTable, number: int, feed: Feed, existing: Mapping[str, Mapping[str, str]]
    ) -> None:
        self._session = session
        self._feed = feed
        #: the lake's tables as they were when the transaction began
        self._existing = existing
        self._table = table
        self._target = ready_table(table.name)
        #: the temporary table of the ids to build; '' while all of them are
        self._keys = ""
        #: whether those are just the parents that changed themselves
        self._only_own = False
        self._built = f"built_{number}"
        self._old = f"old_{number}"
        self._keyed = f"keyed_{number}"
        #: other sources whose rows had to be built too, because the table's columns changed; with their rows now
        self.displaced: dict[str, int] = {}
        #: column -> rows built for the source in which an amount does not fit
        self.unfit: dict[str, int] = {}

    def run(self, source_id: str, since: Since | None, *, bare: bool = False) -> StreamCounts:
        """Build one source's rows: those of what changed since, or all of them (WrongReadyTable).

        `bare` says that the source has no live parent records: a table that is new is then only made.
        """
        self._check()
        there = self._existing.get(self._target)
        if there is None:
            since = None
        if since is not None and not self._find_keys(source_id, since):
            return StreamCounts(total=since.total)
        shape = self._known_shape(source_id)
        if there is not None and there != shape:
            # Its columns are others now: the rows of the other sources are built again too.
            others = f"SELECT DISTINCT _source FROM {lake(self._target)} WHERE _source <> ? ORDER BY 1"
            self.displaced = dict.fromkeys((name for (name,) in self._session.rows(others, (source_id,))), 0)
            self._session.run(f"DROP TABLE {lake(self._target)}")
            there, since = None, None
        if there is None:
            columns = ", ".join(f"{quote(name)} {kind}" for name, kind in shape.items())
            self._session.run(f"CREATE TABLE {lake(self._target)} ({columns})")
            if bare and not self._table.whole and not self.displaced:
                return StreamCounts()
        for other in self.displaced:
            self.displaced[other] = self._replace(other, None).total
        # A whole table in which anything changed is built like one that is new.
        return self._replace(source_id, None if self._table.whole else since)

    def _check(self) -> None:
        """Refuse a declaration that does not fit the lake, and SQL that reads what it does not declare."""
        table = self._table
        declared = {name.casefold() for name in (table.parent, *table.lines, *table.lookups)}
        missing = sorted(declared - {name.casefold() for name in self._existing})
        if missing:
            raise WrongReadyTable(f"{table.name}: no such raw table: {', '.join(missing)}")
        if not all(name.startswith("raw_") for name in declared):
            raise WrongReadyTable(f"{table.name}: ready tables are built from raw tables")
        seen = (table.sql, frozenset(declared))
        if seen in _checked():
            return
        try:
            check_select(self._session, table.sql, declared.__contains__)
        except NotReadable as error:
            raise WrongReadyTable(f"{table.name}: {error}") from error
        _checked().add(seen)

    def _known_shape(self, source_id: str) -> dict[str, str]:
        """Return the columns of the table, asked once for the same SQL over the same columns."""
        table = self._table
        read = sorted({table.parent, *table.lines, *table.lookups})
        known = (table.sql, table.key, table.whole, *((name, *self._existing.get(name, {}).items()) for name in read))
        if known not in _shapes():
            _shapes()[known] = self._shape(source_id)
        return _shapes()[known]

    def _shape(self, source_id: str) -> dict[str, str]:
        """Return the columns of the table as its SQL gives them now."""
        self._show(source_id, "")
        columns = self._session.describe(f"({self._table.sql})")
        folded = [name.casefold() for name in columns]
        if set(folded) & set(_OWN) or len(set(folded)) != len(folded):
            raise WrongReadyTable(f"{self._table.name}: a column is named twice, or like one of ours")
        if not self._table.whole and self._table.key.casefold() not in folded:
            raise WrongReadyTable(f"{self._table.name}: no column {self._table.key} in its SELECT")
        return {**_OWN, **columns}

    def _show(self, source_id: str, ids: str, since: Since | None = None) -> None:
        """Make the views that the SQL reads: of the parents in a temporary table of ids, or ('') of all of them.

        With `since` the ids are the live parents that changed themselves after it: their rows may be at hand.
        """
        table, whose = self._table, self._feed.whose(self._table.parent, source_id)
        for lookup in table.lookups:
            live = f"{self._feed.whose(lookup, source_id)} AND NOT _deleted"
            self._feed.view(lookup, f"SELECT * EXCLUDE (_source, _deleted) FROM {lake(lookup)} WHERE {live}")
        if since is not None:
            held = self._feed.rows((table.parent, *table.lines), source_id, since.snapshot)
            for name, (temporary, columns) in held.items():
                self._feed.view(name, self._as_in_the_lake(name, temporary, columns))
            if held:
                return
        wanted = (
            f"SELECT id FROM temp.{ids}"
            if ids
            else f"SELECT id FROM {lake(table.parent)} WHERE {whose} AND NOT _deleted"
        )
        only = f" AND id IN ({wanted})" if ids else ""
        self._feed.view(
            table.parent,
            f"SELECT * EXCLUDE (_source, _deleted) FROM {lake(table.parent)} WHERE {whose} AND NOT _deleted{only}",
        )
        for lines in table.lines:
            self._feed.view(
                lines, f"SELECT * EXCLUDE (_source) FROM {lake(lines)} WHERE {whose} AND parent_id IN ({wanted})"
            )

    def _as_in_the_lake(self, table: str, temporary: str, columns: Collection[str]) -> str:
        """Return the SELECT of rows at hand with the columns of their table, of which a stream may name a part only."""
        values = (
            f"CAST({quote(name) if name in columns else 'NULL'} AS {kind}) AS {quote(name)}"
            for name, kind in self._existing[table].items()
            if name not in {"_source", "_deleted"}
        )
        return f"SELECT {', '.join(values)} FROM temp.{temporary}"

    def _replace(self, source_id: str, since: Since | None) -> StreamCounts:
        """Build, compare with what is there, and write only the keys that are different; all keys without `since`."""
        ids = self._ids(source_id, since) if since is not None else ""
        self._show(source_id, ids, since if self._only_own else None)
        key = "''" if self._table.whole else f"CAST({quote(self._table.key)} AS VARCHAR)"
        self._make(self._built, f"SELECT {text(source_id)} AS _source, {key} AS _key, * FROM ({self._table.sql})")
        self.unfit = self._count_unfit()
        only = f" AND {is_in('_key', f'SELECT id FROM temp.{self._keys}', since.total)}" if since is not None else ""
        whose = self._feed.whose(self._table.parent, source_id)
        self._make(self._old, f"FROM {lake(self._target)} WHERE {whose}{only}")
        parents = "" if self._table.whole else f"temp.{ids}" if ids else quote(self._table.parent)
        counts, old, built = self._write(source_id, None if since is None else since.total, parents)
        # What was not looked at is as it was. The whole is counted in the lake once it is committed.
        total = built if since is None else since.total - old + built
        return StreamCounts(counts.new, counts.changed, counts.deleted, counts.unchanged, total)

    def _count_unfit(self) -> dict[str, int]:
        """Count the built rows in which a column is empty although all that makes it is there."""
        fits = self._table.fits
        if not fits:
            return {}
        each = ", ".join(
            "count(*) FILTER ({})".format(
                " AND ".join([f"{quote(name)} IS NULL", *(f"{quote(one)} IS NOT NULL" for one in known)])
            )
            for name, known in fits.items()
        )
        found = self._session.row(f"SELECT {each} FROM temp.{quote(self._built)}")
        return {name: int(count) for name, count in zip(fits, found, strict=True) if count}

    def _write(self, source_id: str, rows: int | None, parents: str) -> tuple[StreamCounts, int, int]:
        """Write what is different; return the counts, and how many rows were looked at before and after.

        `rows` is how many the source had; None when all of them were looked at. `parents` holds the ids of the records
        that were built.
        """
        session, target = self._session, lake(self._target)
        built, old = (f"temp.{quote(name)}" for name in (self._built, self._old))
        different = f"SELECT _key FROM temp.{quote(self._keyed)} WHERE differs"
        # Each row counts +1 where it is now and -1 where it was: what does not cancel out is different. Ten times
        # quicker than two EXCEPT ALL over wide rows.
        both = f"SELECT *, 1 AS {_PLACE} FROM {built} UNION ALL SELECT *, -1 FROM {old}"
        each = f"SELECT * EXCLUDE ({_PLACE}), sum({_PLACE}) AS {_PLACE}, count(*) AS {_ROWS} FROM ({both}) GROUP BY ALL"
        self._make(
            self._keyed,
            f"SELECT _key, sum({_ROWS} + {_PLACE}) // 2 AS is_now, sum({_ROWS} - {_PLACE}) // 2 AS was,"
            f" sum(greatest({_PLACE}, 0)) AS come, sum(greatest(-{_PLACE}, 0)) AS gone,"
            f" bool_or({_PLACE} <> 0) AS differs FROM ({each}) GROUP BY _key",
        )
        counts, before, after = self._counts(parents)
        if counts.touched and before:
            whose = self._feed.whose(self._table.parent, source_id)
            among = is_in("_key", different, before if rows is None else rows)
            session.run(f"DELETE FROM {target} WHERE {whose} AND {among}")
        if counts.touched:
            session.run(f"INSERT INTO {target} FROM {built} WHERE _key IN ({different})")
        return counts, before, after

    def _counts(self, parents: str) -> tuple[StreamCounts, int, int]:
        """Count keys (for a whole table, which has none, rows); return with them the rows there were and are.

        Refuses rows whose key is not one of the parent's records that were to be built (WrongReadyTable).
        """
        strange = f"count(*) FILTER (is_now > 0 AND (_key IS NULL OR _key NOT IN (SELECT id FROM {parents})))"
        if self._table.whole:
            kinds = "0, sum(come), 0, sum(gone), sum(is_now) - sum(come)"
        else:
            kinds = (
                f"{strange}, count(*) FILTER (was = 0), count(*) FILTER (was > 0 AND is_now > 0 AND differs),"
                " count(*) FILTER (is_now = 0), count(*) FILTER (NOT differs)"
            )
        before, after, strangers, *found = (
            int(value or 0)
            for value in self._session.row(f"SELECT sum(was), sum(is_now), {kinds} FROM temp.{quote(self._keyed)}")
        )
        if strangers:
            raise WrongReadyTable(
                f"{self._table.name}: rows whose {self._table.key} is not the id of a record of {self._table.parent}"
            )
        new, changed, deleted, unchanged = found
        return StreamCounts(new, changed, deleted, unchanged), before, after

    def _find_keys(self, source_id: str, since: Since) -> bool:
        """Collect the ids of the parents to build (changed, or referring to a changed lookup); say if there are any."""
        moved = [name for name in (self._table.parent, *self._table.lookups) if name not in since.unchanged]
        parts = []
        for name in moved:
            changed = f"SELECT id FROM temp.{self._feed.changed(name, source_id, since.snapshot)}"
            direct = name == self._table.parent or self._table.whole
            parts.append(changed if direct else self._referring(self._table.lookups[name], changed, source_id))
        if not parts:
            return False
        self._keys = self._feed.keys(parts)
        self._only_own = moved == [self._table.parent]
        return bool(self._keys)

    def _ids(self, source_id: str, since: Since) -> str:
        """Return the temporary table of the live parents among those to build."""
        if self._only_own:
            return self._feed.live_changed(self._table.parent, source_id, since.snapshot)
        return self._feed.live(self._table.parent, source_id, self._keys)

    def _referring(self, reference: str, changed: str, source_id: str) -> str:
        """Return the parents that refer to changed lookups, by a column of their own or of their lines."""
        table, _, column = reference.rpartition(".")
        if table and table not in (self._table.parent, *self._table.lines):
            raise WrongReadyTable(f"{self._table.name}: {reference} is neither the parent's nor its lines'")
        own = not table or table == self._table.parent
        whose = self._feed.whose(self._table.parent, source_id)
        where = f"WHERE {whose} AND {quote(identifier(column))} IN ({changed})"
        return f"SELECT {'id' if own else 'parent_id'} AS id FROM {lake(table or self._table.parent)} {where}"

    def _make(self, name: str, sql: str) -> None:
        self._session.run(f"CREATE OR REPLACE TEMP TABLE {quote(name)} AS {sql}")


@cache
def _checked() -> set[tuple[str, frozenset[str]]]:
    """Return the SQL texts that were looked at in this process and read only what they declare."""
    return set()


@cache
def _shapes() -> dict[tuple[Any, ...], dict[str, str]]:
    """Return the columns of the SQL texts that were asked for in this process."""
    return {}
