"""Freed memory goes back to the system; told by the kernel, in a process of its own whose heap only this test fills."""

import os
import platform
import subprocess
import sys

import pytest

_BLOCKS = """
import sys
from storage.warehouse.memory import give_back, share_one_heap
share_one_heap()
import pyarrow as pa
from pathlib import Path

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024

# 60 MB in blocks too small to be mappings of their own, with a block that stays above each that goes: the allocator by
# itself gives back only what is free at the very top of its heap.
held = [bytearray(60_000) for _ in range(1000)]
stays = held[::2][-1], [bytearray(600) for _ in range(10)]
before = resident()
del held[:999]
freed = resident()
{then}
print(before, freed, resident(), pa.default_memory_pool().backend_name)
"""


def told(then: str) -> tuple[float, float, float, str]:
    environment = {name: value for name, value in os.environ.items() if name != "ARROW_DEFAULT_MEMORY_POOL"}
    command = [sys.executable, "-c", _BLOCKS.replace("{then}", then)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True, env=environment)
    before, freed, after, pool = done.stdout.split()
    return float(before), float(freed), float(after), pool


def given_back(then: str) -> float:
    _, freed, after, _ = told(then)
    return freed - after


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's figures are read from /proc")
def test_free_pages_go_back() -> None:
    assert given_back("give_back()") > 40
    assert given_back("pass") < 5, "the twin that gives nothing back would pass"


_GROWN = """
import sys
from storage.warehouse.memory import share_one_heap
share_one_heap() if sys.argv[1] == "ours" else None
from pathlib import Path

def resident():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS:")).split()[1]) / 1024

# The first large block that is freed teaches the C library to put the next ones into its heap.
del (first := [bytearray(30 << 20)])[:]
pages, small, before = [], [], resident()
for number in range(40):
    pages.append(bytearray(2 << 20))
    small.append(bytearray(2000))
pages.clear()
print(resident() - before)
"""


@pytest.mark.skipif(platform.libc_ver()[0] != "glibc", reason="other C libraries have other habits")
def test_large_blocks_leave_at_once_although_small_ones_came_after_them() -> None:
    def kept(who: str) -> float:
        command = [sys.executable, "-c", _GROWN, who]
        return float(subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout)

    assert kept("ours") < 10
    assert kept("twin") > 50, "the twin, an allocator left to itself, would pass"


def test_arrow_has_the_same_heap() -> None:
    assert told("pass")[3] == "system"


_LIBRARIES = """
from storage.warehouse.memory import set_libraries_aside, share_one_heap
share_one_heap()
import duckdb
import pyarrow as pa
from pathlib import Path

def mapped():
    lines = Path("/proc/self/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("RssFile:")).split()[1]) / 1024

lake = duckdb.connect()
ask = "SELECT sum(x), count(DISTINCT x % 7) FROM range(100000) AS t(x)"
first = lake.execute(ask).fetchall()
before = mapped()
{then}
after = mapped()
assert lake.execute(ask).fetchall() == first
assert pa.array([1, 2, 3]).to_pylist() == [1, 2, 3]
print(before - after)
"""


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel's figures are read from /proc")
@pytest.mark.parametrize("then, least, most", [("set_libraries_aside()", 20, 1000), ("pass", -5, 5)])
def test_libraries_are_set_aside_and_work_as_before(then: str, least: int, most: int) -> None:
    command = [sys.executable, "-c", _LIBRARIES.replace("{then}", then)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    assert least < float(done.stdout) < most
