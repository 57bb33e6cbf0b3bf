"""Erasing a source: no row, file, statistic or older snapshot of it is left; the other sources' rows stay.

Rows that are only deleted live on in older snapshots, in files that those need, and as smallest and largest values in
the catalog's statistics. So every table that ever held the source is written anew without it, in one transaction, and
then all snapshots before that one are expired and their files removed. Totals of older receipts stay true; what changed
in detail can no longer be asked, for the organization's other sources either (DetailExpired), and their ready tables
are built anew by their next run.
"""

# ruff: noqa: S608 - the names are validated and quoted, the values bound or quoted
import json
import shutil
from collections.abc import Mapping
from datetime import UTC, datetime
from functools import partial

from storage.warehouse.errors import Disagreement, NoLake
from storage.warehouse.loader import Checkpoint, Fence
from storage.warehouse.location import Location
from storage.warehouse.names import lake, of_source, text
from storage.warehouse.results import Erased
from storage.warehouse.retry import retried
from storage.warehouse.session import Limits, Session, opened
from storage.warehouse.staging import staged_by

_SOURCE = "_source"


def erase(
    location: Location, limits: Limits, source_id: str, provider: str, *, fence: Fence, checkpoint: Checkpoint
) -> Erased:
    """Do all of it; safe to repeat after a crash at any instant. See `Warehouse.erase`."""
    # By the clock of the files: those of a load that begins after us, should we lose the lease unnoticed, are younger.
    began = datetime.now(UTC)
    try:
        # A look first: a lake that was never made must not be made for this.
        with opened(location, limits, write=False) as session:
            session.snapshot()
    except NoLake:
        return Erased({}, 0, 0)
    rows = retried(partial(_written_anew, location, limits, source_id, provider, fence=fence, checkpoint=checkpoint))
    checkpoint("erase.written_anew")
    with opened(location, limits, write=True) as session:
        newest = session.snapshot()
        older = [int(row[0]) for row in session.rows("SELECT snapshot_id FROM ducklake_snapshots('lake')")]
        expired = [snapshot for snapshot in older if snapshot < newest]
        if expired:
            session.rows(f"CALL ducklake_expire_snapshots('lake', versions => {expired})")
        checkpoint("erase.expired")
        removed = session.rows("CALL ducklake_cleanup_old_files('lake', cleanup_all => true)")
        # What loads that were killed left.
        orphans = session.rows("CALL ducklake_delete_orphaned_files('lake', older_than => ?)", (began,))
        checkpoint("erase.files_removed")
        _nothing_left(session, source_id)
    for folder in staged_by(location.staging, source_id):
        shutil.rmtree(folder, ignore_errors=True)
    return Erased(rows, len(expired), len(removed) + len(orphans))


def _written_anew(
    location: Location, limits: Limits, source_id: str, provider: str, *, fence: Fence, checkpoint: Checkpoint
) -> Mapping[str, int]:
    """Write the tables without the source in one transaction; return the rows that went, by table."""
    with opened(location, limits, write=True) as session, session.transaction():
        counts = _counted(session, source_id)
        # Those of its provider as well: rows that went earlier may still stand in their statistics.
        own = (f"raw_{provider}_", f"ready_{provider}_")
        for name in [name for name, count in counts.items() if count or name.startswith(own)]:
            session.run(
                f"CREATE OR REPLACE TABLE {lake(name)} AS"
                f" SELECT * FROM {lake(name)} WHERE {_SOURCE} IS DISTINCT FROM {text(source_id)}"
            )
        found = {name: count for name, count in counts.items() if count}
        message = json.dumps({"kind": "erase", "source": source_id}, sort_keys=True)
        session.run(f"CALL ducklake_set_commit_message('lake', 'erase', {text(message)})")
        checkpoint("erase.before_commit")
        fence()
        session.commit()
        return found


def _nothing_left(session: Session, source_id: str) -> None:
    """Look at the lake as everybody sees it now, and refuse to report an erasure that did not happen (Disagreement)."""
    left = {name: count for name, count in _counted(session, source_id).items() if count}
    if left:
        raise Disagreement(f"rows of {source_id} are still there: {left}")


def _counted(session: Session, source_id: str) -> dict[str, int]:
    """Return the rows of the source in each table that says whose its rows are."""
    names = [name for name, columns in session.tables().items() if _SOURCE in columns]
    each = " UNION ALL ".join(
        f"SELECT {text(name)}, count(*) FROM {lake(name)} WHERE {of_source(source_id)}" for name in names
    )
    return {name: int(count) for name, count in session.rows(each)} if names else {}
