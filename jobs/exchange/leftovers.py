"""Files that a process which was killed left on this machine: they hold a company's records, and nobody reads them."""

import shutil
import tempfile
import time
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

PREFIX = "tidings-exchange-"
#: no file is that long on its way
_OLD = timedelta(hours=6)


def clear(folder: Path | None = None, now: Callable[[], float] = time.time) -> int:
    """Remove what is old; return how much it was. It blocks, and runs beside any other process that does the same."""
    found = 0
    for one in (folder or Path(tempfile.gettempdir())).glob(f"{PREFIX}*"):
        try:
            # The machine's own time: that of files.
            old = one.lstat().st_mtime < now() - _OLD.total_seconds()
        except OSError:
            continue
        if old:
            shutil.rmtree(one, ignore_errors=True)
            found += not one.exists()
    return found
