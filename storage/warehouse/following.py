"""Which rows of a table are others than at an earlier snapshot: those that came (`_came`) and those that went.

What came and went again is named twice.

Answered from the lake's own change feed, whose cost is that of the changes. Where the feed cannot be trusted to name
them (an expired snapshot, a table made or changed anew, rows that maintenance wrote again) nothing is answered: who
follows changes must look at everything then.
"""

# ruff: noqa: S608 - the names are validated and quoted
from storage.warehouse import commits
from storage.warehouse.names import identifier, quote, text
from storage.warehouse.session import Session

#: rows beyond which it is quicker to look at everything
MOST = 100_000
#: what may have been done to a table: files that were put together keep whose commit each row is
_PLAIN = frozenset({"inserted_into_table", "deleted_from_table", "merge_adjacent"})


def keep_changed(session: Session, table: str, source_id: str, since: int) -> int | None:
    """Keep a source's rows that came or went after a snapshot as ``changed_<table>``, and return how many these are.

    None where nobody can know.
    """
    last = session.snapshot()
    done = _done(session, table, since, last)
    if done is None or not done <= _PLAIN:
        return None
    name = identifier(f"changed_{table}")
    each = (
        f"SELECT *, {came} AS _came FROM ducklake_table_{kind}('lake', 'main', {text(table)}, {int(since) + 1}, {last})"
        f" WHERE _source = {text(source_id)}"
        for kind, came in (("insertions", "true"), ("deletions", "false"))
    )
    shape = f"SELECT *, false AS _came FROM {quote(table)} WHERE false"
    # To ask the feed of a table to which nothing was done costs some 50 ms.
    rows = " UNION ALL ".join(each) if done - {"merge_adjacent"} else shape
    session.run(f"CREATE OR REPLACE TEMP TABLE {quote(name)} AS FROM ({rows}) LIMIT {MOST + 1}")
    (count,) = session.row(f"SELECT count(*) FROM temp.{quote(name)}")
    return int(count) if count <= MOST else None


def _done(session: Session, table: str, since: int, last: int) -> set[str] | None:
    """Return what kinds of things were done to the table since; None where nobody can know."""
    if not commits.oldest(session) <= since <= last:
        return None
    snapshots, changes = session.catalog("ducklake_snapshot"), session.catalog("ducklake_snapshot_changes")
    versions = f"SELECT schema_version FROM {snapshots} WHERE snapshot_id IN ({int(since)}, {last})"
    if len({row[0] for row in session.rows(versions)}) != 1:
        return None
    found = session.rows(
        f"SELECT table_id FROM {session.catalog('ducklake_table')}"
        f" WHERE table_name = {text(table)} AND end_snapshot IS NULL"
    )
    if len(found) != 1:
        return None
    done = session.rows(f"SELECT changes_made FROM {changes} WHERE snapshot_id BETWEEN {int(since) + 1} AND {last}")
    return {
        kind for (made,) in done for kind, _, of in (one.partition(":") for one in (made or "").split(","))
        if of == str(found[0][0])
    }  # fmt: skip
