"""The lock on a file is exclusive, explains itself, and ends with its holder."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from storage.lock import AlreadyLockedError, FileLock


def test_the_second_is_refused_until_the_first_lets_go(tmp_path: Path) -> None:
    first, second = FileLock(tmp_path / "a.lock"), FileLock(tmp_path / "a.lock")
    first.take()
    first.take()
    with pytest.raises(AlreadyLockedError, match=rf"process {os.getpid()}\).*Stop that one first"):
        second.take()
    first.release()
    second.take()
    second.release()
    second.release()


def test_a_killed_holder_holds_nothing(tmp_path: Path) -> None:
    path = tmp_path / "a.lock"
    script = f"from pathlib import Path; from storage.lock import FileLock; FileLock(Path({str(path)!r})).take(); "
    script += "print('held', flush=True); input()"
    holder = subprocess.Popen([sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"held\n"
        with pytest.raises(AlreadyLockedError, match=f"process {holder.pid}"):
            FileLock(path).take()
        holder.kill()
        holder.wait()
    lock = FileLock(path)
    lock.take()
    lock.release()
