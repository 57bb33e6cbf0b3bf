"""Maintenance: few big files instead of many small ones, old snapshots gone, nothing left lying about."""

import shutil
from datetime import datetime, timedelta

from storage.facts.clock import aware
from storage.warehouse.location import Location
from storage.warehouse.results import Upkeep
from storage.warehouse.session import Session

#: files that the catalog no longer needs, or never knew, stay this long: a reader or a load may still hold them
GRACE = timedelta(days=1)


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
