"""Maintenance: few big files instead of many small ones, old snapshots gone, nothing left lying about."""

import shutil
from datetime import datetime, timedelta

from storage.facts.clock import aware
from storage.warehouse.location import Location
from storage.warehouse.names import text
from storage.warehouse.results import Upkeep
from storage.warehouse.session import Session

#: files that the catalog no longer needs, or never knew, stay this long: a reader or a load may still hold them
GRACE = timedelta(days=1)


#: files of one table beyond which it is gathered: each costs every look into the table a millisecond or two
MANY_FILES = 6
#: bytes up to which a table is written anew as a whole, and up to which files of a bigger one are put together
SMALL_TABLE = 64_000_000


def scattered(session: Session) -> list[str]:
    """Return the tables that lie in many files, those in the most files first."""
    sql = "SELECT table_name FROM ducklake_table_info('lake') WHERE file_count > ? ORDER BY file_count DESC, table_name"
    return [name for (name,) in session.rows(sql, (MANY_FILES,))]


def gather(session: Session, table: str) -> None:
    """Put the small files of one table together, without rows that were deleted; older snapshots stay readable.

    Files with deleted rows are only put together once they are written anew; in a big table that is left to `maintain`.
    """
    (size,) = session.row("SELECT file_size_bytes FROM ducklake_table_info('lake') WHERE table_name = ?", (table,))
    if size <= SMALL_TABLE:
        session.rows(f"CALL ducklake_rewrite_data_files('lake', {text(table)}, delete_threshold => 0.001)")
    session.rows(f"CALL ducklake_merge_adjacent_files('lake', {text(table)}, max_file_size => {SMALL_TABLE})")


def maintain(session: Session, location: Location, older_than: timedelta, now: datetime) -> Upkeep:
    """Do all of it, each step in a transaction of its own; see `Warehouse.maintain`."""
    now = aware(now)
    merged = session.rows("CALL ducklake_merge_adjacent_files('lake')")
    rewritten = session.rows("CALL ducklake_rewrite_data_files('lake')")
    expired = session.rows("CALL ducklake_expire_snapshots('lake', older_than => ?)", (now - older_than,))
    removed = session.rows("CALL ducklake_cleanup_old_files('lake', older_than => ?)", (now - GRACE,))
    orphans = session.rows("CALL ducklake_delete_orphaned_files('lake', older_than => ?)", (now - GRACE,))
    stale = _remove_stale_staging(location, now)
    return Upkeep(len(merged), len(rewritten), len(expired), len(removed), len(orphans), stale)


def _remove_stale_staging(location: Location, now: datetime) -> int:
    """Remove what killed processes left: folders of loads and of spilled rows that nobody touched within the grace."""
    stale = [
        folder
        for folder in location.staging.iterdir()
        if folder.is_dir()
        and max(path.stat().st_mtime for path in (folder, *folder.iterdir())) < (now - GRACE).timestamp()
    ]
    for folder in stale:
        shutil.rmtree(folder, ignore_errors=True)
    return len(stale)
