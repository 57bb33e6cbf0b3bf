"""Making personal values unreadable for good: in the rows, in the files and statistics, and in every older snapshot.

As with a whole source (`erase`), tables are written anew, because replaced rows live on in older snapshots and smallest
and largest values in the catalog. Keys, hashes and counts stay as they were, so that loads, receipts and fingerprints
hold, and so that an unchanged record which is read again is not taken for a change.
"""

# ruff: noqa: S608 - the names are validated and quoted, the values quoted
import json
from collections.abc import Iterable, Mapping

from storage.facts.personal import Redaction
from storage.warehouse.errors import Disagreement, NoLake
from storage.warehouse.loader import Checkpoint, Fence
from storage.warehouse.location import Location
from storage.warehouse.names import lake, of_source, quote, text
from storage.warehouse.retry import retried
from storage.warehouse.session import Limits, Session, opened

#: what stands in the place of a record's own bytes
REDACTED = json.dumps({"redacted": True})
_RAW = "_raw"


def redact(
    location: Location,
    limits: Limits,
    source_id: str,
    redactions: Iterable[Redaction],
    *,
    fence: Fence,
    checkpoint: Checkpoint,
) -> dict[str, int]:
    """Do all of it and return the rows by table; safe to repeat after a crash. See `Warehouse.redact`."""
    wanted = tuple(redactions)
    try:
        # A look first: a lake that was never made must not be made for this.
        with opened(location, limits, write=False) as session:
            session.snapshot()
    except NoLake:
        return {}

    def written_anew() -> dict[str, int]:
        with opened(location, limits, write=True) as session, session.transaction():
            return _written_anew(session, source_id, wanted, fence, checkpoint)

    rows = retried(written_anew)
    checkpoint("redact.written_anew")
    with opened(location, limits, write=True) as session:
        _forget_older(session)
        _nothing_left(session, source_id, wanted)
    checkpoint("redact.files_removed")
    return rows


def _written_anew(
    session: Session, source_id: str, wanted: Iterable[Redaction], fence: Fence, checkpoint: Checkpoint
) -> dict[str, int]:
    existing, rows = session.tables(), {}
    for each in wanted:
        if each.table not in existing:
            continue
        found = _condition(source_id, each)
        rows[each.table] = int(session.row(f"SELECT count(*) FROM {lake(each.table)} WHERE {found}")[0])
        replaced = ", ".join(
            f"CASE WHEN {found} THEN {value} ELSE {quote(column)} END AS {quote(column)}"
            for column, value in _values(each, existing[each.table]).items()
        )
        session.run(
            f"CREATE OR REPLACE TABLE {lake(each.table)} AS SELECT * REPLACE ({replaced}) FROM {lake(each.table)}"
        )
    message = json.dumps({"kind": "redact", "source": source_id}, sort_keys=True)
    session.run(f"CALL ducklake_set_commit_message('lake', 'redact', {text(message)})")
    checkpoint("redact.before_commit")
    fence()
    session.commit()
    return rows


def _forget_older(session: Session) -> None:
    """Expire every snapshot before the newest and remove files at once: who reads one of them fails and looks again.

    Also what loads left that were killed; whoever loads now would hold the lease that the caller holds.
    """
    newest = session.snapshot()
    older = [int(row[0]) for row in session.rows("SELECT snapshot_id FROM ducklake_snapshots('lake')")]
    expired = [snapshot for snapshot in older if snapshot < newest]
    if expired:
        session.rows(f"CALL ducklake_expire_snapshots('lake', versions => {expired})")
    session.rows("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
    session.rows("CALL ducklake_delete_orphaned_files('lake', cleanup_all => true)")


def _nothing_left(session: Session, source_id: str, wanted: Iterable[Redaction]) -> None:
    """Look at the lake as everybody sees it now (Disagreement when a value is still there)."""
    existing = session.tables()
    for each in wanted:
        if each.table not in existing:
            continue
        still = " OR ".join(
            f"{quote(column)} IS DISTINCT FROM {value}" for column, value in _values(each, existing[each.table]).items()
        )
        sql = f"SELECT count(*) FROM {lake(each.table)} WHERE {_condition(source_id, each)} AND ({still})"
        if session.row(sql)[0]:
            raise Disagreement(f"{each.table}: personal values are still there")


def _values(each: Redaction, columns: Mapping[str, str]) -> dict[str, str]:
    """Return what is put into which column, as SQL."""
    empty = {column: "NULL" for column in each.clear if column in columns}
    return {**empty, _RAW: text(REDACTED)} if _RAW in columns else empty


def _condition(source_id: str, each: Redaction) -> str:
    found = " OR ".join(
        f"coalesce({quote(column)} IN ({', '.join(map(text, values))}), false)"
        for column, values in each.where.items()
        if values
    )
    return f"{of_source(source_id)} AND ({found or 'false'})"
