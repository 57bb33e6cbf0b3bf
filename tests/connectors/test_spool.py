"""Files that are read at the same time leave room on the disk, and whoever finds none comes again."""

import contextlib
import shutil
import tempfile
from collections.abc import Callable

import pytest

from connectors.errors import Retry
from connectors.files.spool import LEFT, Spool, room

RECORD = b"x" * (1 << 20)


class _Disk:
    """A disk with room for so many MB beside what is always left, which spools fill."""

    def __init__(self, megabytes: int) -> None:
        self.spools: list[Spool] = []
        self._room = megabytes << 20

    def free(self) -> int:
        return self._room - sum(spool._size for spool in self.spools if not spool._file.closed)

    def spool(self, kind: Callable[..., Spool]) -> Spool:
        self.spools.append(kind(free=self.free))
        return self.spools[-1]


def _never_asks(free: Callable[[], int]) -> Spool:
    """A twin that knows its own size alone."""
    return Spool(free=lambda: 1 << 50)


def _filled(spool: Spool, megabytes: int) -> int:
    """Keep so much, or what there is room for; return how many megabytes are kept."""
    with contextlib.suppress(Retry):
        for number in range(megabytes):
            spool.add(str(number), RECORD)
    return spool.count


@pytest.mark.parametrize("kind, catches", [(Spool, True), (_never_asks, False)])
def test_files_that_are_read_together_leave_room(kind: Callable[..., Spool], *, catches: bool) -> None:
    disk = _Disk(60)
    kept = [_filled(disk.spool(kind), 40) for _ in range(3)]
    # Each may be one look ahead of the disk.
    assert (disk.free() > -(3 * 17 << 20)) == catches
    assert (kept[2] < 40) == catches
    for spool in disk.spools:
        spool.close()


def test_whoever_finds_no_room_is_told_to_come_again_and_finds_it_then() -> None:
    disk = _Disk(20)
    first, second = disk.spool(Spool), disk.spool(Spool)
    _filled(first, 40)
    with contextlib.closing(second), pytest.raises(Retry, match="nothing is wrong with this one") as caught:
        second.add("1", RECORD)
    assert caught.value.code == "disk_full"
    first.close()
    with contextlib.closing(disk.spool(Spool)) as third:
        assert _filled(third, 10) == 10


def test_the_room_is_that_of_the_folder_of_temporary_files() -> None:
    disk = shutil.disk_usage(tempfile.gettempdir())
    # Others write meanwhile.
    assert abs(disk.free - min(LEFT, disk.total // 10) - room()) < LEFT
