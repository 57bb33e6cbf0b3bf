"""An exclusive lock of the operating system on a file: it goes with the process, however that ends."""

import errno
import fcntl
import os
from pathlib import Path


class AlreadyLockedError(RuntimeError):
    """Another living process holds the lock; the text says which and what to do."""


class FileLock:
    """The lock on one file; the file stays, its content is the holder's process id, for people only."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take the lock at once or refuse (AlreadyLockedError); taking it twice is harmless."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.pread(descriptor, 64, 0).decode(errors="replace").strip()
            os.close(descriptor)
            if error.errno not in {errno.EWOULDBLOCK, errno.EACCES}:
                raise
            raise AlreadyLockedError(self._refusal(holder)) from None
        os.ftruncate(descriptor, 0)
        os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)
        self._descriptor = descriptor

    def release(self) -> None:
        """Give the lock back; harmless when it is not held."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None

    def _refusal(self, holder: str) -> str:
        who = f" (process {holder})" if holder.isdigit() else ""
        return (
            f"another Tidings{who} already works on this database: {self.path} is locked. Stop that one first; "
            "several processes need Postgres (DATABASE_URL=postgresql://…)"
        )
