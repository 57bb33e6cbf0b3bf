"""What is different between two snapshots: keys from the catalog's change feed, rows as they stood at both."""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
from collections.abc import Sequence
from dataclasses import dataclass

from storage.facts.streams import StreamCounts
from storage.warehouse.errors import StorageFailed, WarehouseError
from storage.warehouse.names import lake, quote, text
from storage.warehouse.results import Change, ChangeKind
from storage.warehouse.session import Session

#: columns that say whose a row is and when it was loaded, not what it holds
_ABOUT = frozenset({"_source", "_key", "_extracted_at", "_run_id", "_deleted"})


def changes(session: Session, source_id: str, table: str, first: int, last: int, limit: int | None) -> list[Change]:
    """Return what is different at snapshot `last` from snapshot `first`, ordered by key; see `Warehouse.changes`."""
    pairs = _pairs(session, source_id, table, first, last)
    if pairs is None:
        return []
    end = "" if limit is None else f" LIMIT {int(limit)}"
    sql = f"SELECT kind, key, before, after FROM ({pairs.sql}) ORDER BY key, place, kind{end}"
    return [Change(ChangeKind(kind), key, before, after) for kind, key, before, after in session.rows(sql)]


def change_totals(session: Session, source_id: str, first: int, last: int) -> dict[str, StreamCounts]:
    """Count what is different, for each raw and ready table in which something is."""
    totals = {}
    for table, columns in session.tables().items():
        if not {"_hash", "_key"} & set(columns):
            continue
        pairs = _pairs(session, source_id, table, first, last)
        found = dict(session.rows(f"SELECT kind, count(*) FROM ({pairs.sql}) GROUP BY kind")) if pairs else {}
        if found:
            totals[table] = StreamCounts(*(int(found.get(kind.value, 0)) for kind in ChangeKind))
    return totals


@dataclass(frozen=True, slots=True)
class _Side:
    """A table as it stood at one snapshot."""

    relation: str
    columns: dict[str, str]


@dataclass(frozen=True, slots=True)
class _Pairs:
    """A SELECT of kind, key, place, before and after."""

    sql: str


def _pairs(session: Session, source_id: str, table: str, first: int, last: int) -> _Pairs | None:
    """Return the SELECT of all differences, or None when there can be none.

    Rows that are the same on both sides cancel out; of what remains under one key, the n-th row before and the n-th row
    after are one changed row. Rows of whole ready tables have no key and are not paired.
    """
    if table not in session.tables():
        raise WarehouseError(f"no such table: {table}")
    if first >= last or (after := _side(session, table, last)) is None:
        return None
    key = next((name for name, mark in (("id", "_hash"), ("_key", "_key")) if mark in after.columns), None)
    if key is None:
        raise WarehouseError(f"{table} has no keys of its own; look at its parent")
    before = _side(session, table, first)
    content = [name for name in after.columns if name not in _ABOUT]
    old = _rows(before or after, key, content, "false" if before is None else _where(after, source_id))
    # A table whose columns changed was built anew, so its feed knows the new rows only.
    if before is not None and before.columns == after.columns:
        feed = f"ducklake_table_changes('lake', 'main', {text(table)}, {first + 1}, {last})"
        keys = f" AND {quote(key)} IN (SELECT {quote(key)} FROM {feed} WHERE _source = {text(source_id)})"
    else:
        keys = ""
    new = _rows(after, key, content, _where(after, source_id) + keys)
    old += keys if before is not None else ""
    return _Pairs(_join(old, new, content))


def _side(session: Session, table: str, snapshot: int) -> _Side | None:
    relation = f"{lake(table)} AT (VERSION => {int(snapshot)})"
    try:
        return _Side(relation, session.describe(f"(FROM {relation})"))
    except StorageFailed as error:
        if "does not exist at version" in str(error):
            return None
        raise


def _where(side: _Side, source_id: str) -> str:
    return f"_source = {text(source_id)}{' AND NOT _deleted' if '_deleted' in side.columns else ''}"


def _rows(side: _Side, key: str, content: Sequence[str], where: str) -> str:
    values = ", ".join(quote(name) if name in side.columns else f"NULL AS {quote(name)}" for name in content)
    return f"SELECT {quote(key)} AS _of, {values} FROM {side.relation} WHERE {where}"


def _join(old: str, new: str, content: Sequence[str]) -> str:
    names = ", ".join(map(quote, content))
    fields = ", ".join(f"{quote(name)} := {quote(name)}" for name in content)

    def numbered(rows: str, other: str) -> str:
        place = f"row_number() OVER (PARTITION BY _of ORDER BY {names})"
        return f"(SELECT _of, {place} AS place, struct_pack({fields}) AS side FROM (({rows}) EXCEPT ALL ({other})))"

    return (
        "SELECT CASE WHEN o.side IS NULL THEN 'new' WHEN n.side IS NULL THEN 'deleted' ELSE 'changed' END AS kind,"
        " coalesce(n._of, o._of) AS key, coalesce(n.place, o.place) AS place, o.side AS before, n.side AS after"
        f" FROM {numbered(old, new)} o FULL JOIN {numbered(new, old)} n"
        " ON o._of = n._of AND o.place = n.place AND o._of <> ''"
    )
