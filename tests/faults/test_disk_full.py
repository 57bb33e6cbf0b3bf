"""The disk fills up under the product: it says so or waits, loses nothing, and goes on by itself when there is room."""

import ctypes
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.sessions import open_database
from tests.faults.lives import ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import DANIEL, MAYA, World, world_on

_SIZE = 48 << 20
_HOW_TO_ALLOW = "a small file system cannot be mounted here: run the tests as root (or with CAP_SYS_ADMIN)"


@pytest.fixture
def disk(tmp_path: Path) -> Iterator[Path]:
    """A small file system of its own."""
    libc = ctypes.CDLL(None, use_errno=True)
    place = tmp_path / "disk"
    place.mkdir()
    if libc.mount(b"tmpfs", os.fsencode(place), b"tmpfs", 0, f"size={_SIZE}".encode()) != 0:
        pytest.skip(_HOW_TO_ALLOW)
    yield place
    assert libc.umount2(os.fsencode(place), 2) == 0


def _fill(disk: Path) -> Path:
    """Write until nothing goes any more, to the last byte."""
    ballast = disk / "ballast"
    size = 1 << 20
    with ballast.open("wb", buffering=0) as file:
        while size:
            try:
                if file.write(bytes(size)) < size:
                    size //= 2
            except OSError:
                size //= 2
    return ballast


def test_a_full_disk_loses_nothing(sqlite_template: Path, tmp_path: Path, disk: Path, server: ForkServer) -> None:
    path = disk / "tidings.db"
    shutil.copyfile(sqlite_template, path)
    database = open_database(f"sqlite:///{path}")
    with world_on(database, tmp_path, server, WAREHOUSE_URL=str(disk / "warehouse")) as world:
        world.begin()
        world.asked()
        world.settled(120)
        assert world.undone() == []
        world.business(seed=1)
        # One is accepted and under way when the disk fills up, another comes when it is full.
        world.asked(MAYA)
        ballast = _fill(disk)
        _asks_in_vain(world)
        assert world.life is not None
        assert world.life.alive, world.life.tail()
        ballast.unlink()
        world.settled(120)
        world.asked(MAYA)
        world.settled(120)
        assert world.life.alive
        world.life.stop()
        assert complaints(world) == []
    database.close()


def _asks_in_vain(world: World) -> None:
    """Ask while the disk is full: answered in time and in words, and nothing is taken on that cannot be kept."""
    slack = world.sandbox.slack
    answer = world.outside.call(slack.command(DANIEL, "C0FINANCE", "/data", "refresh shopify"))
    assert answer.ok, answer
    seen = " ".join(one.everything for one in slack.messages("C0FINANCE", viewer=DANIEL))
    said = answer.body.decode() + seen
    assert "nothing was started" in said, said
    assert "no room left" in said, said
