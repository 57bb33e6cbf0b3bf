"""Memory that was freed goes back to the system, so that a process that waits for the next run is as small as can be.

Arrow's own allocator keeps what it once had (25 MB after two small reads, 50 MB more at the top of a big one) and is
not quicker here. With the C library's there is one heap for all, and one call that gives its free pages back.
"""

import ctypes
import os
import platform
import re
from pathlib import Path

#: a block of at least that many bytes is a mapping of its own, which leaves with it: a page of records, a column
_LARGE = 1 << 20
#: `M_MMAP_THRESHOLD` of the C library's malloc.h
_MMAP_THRESHOLD = -3
#: `MADV_DONTNEED` of the kernel's mman.h
_NOT_NEEDED = 4
_MAPPING = re.compile(r"(?P<start>[0-9a-f]+)-(?P<end>[0-9a-f]+) r-[x-]p [0-9a-f]+ \S+ [1-9]\d* +(?P<path>/.*)$")
#: libraries that only runs use
_SELDOM = re.compile(r"/[^/]*(?:duckdb|ducklake|arrow|parquet|scanner)[^/]*$")


def share_one_heap() -> None:
    """Let Arrow use the C library's allocator in this process, unless the environment chose one, and large blocks none.

    Call it before Arrow is imported. `pyarrow.set_memory_pool` would come too late and change less: what Arrow does on
    its own, such as computing and writing Parquet, takes the pool that the environment names.
    The C library by itself learns from the first large blocks to put all later ones, up to 32 MB, into its heap, where
    small ones above them keep their pages: 60 MB stayed after a read of 60,000 invoices, and its peak was 60 MB higher.
    """
    os.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).mallopt(_MMAP_THRESHOLD, _LARGE)


def give_back() -> None:
    """Give the free pages of the C library's heap, and of Arrow's pool where it is another one, back to the system.

    It takes some 10 ms. Where the C library knows no such call (Arrow's system pool makes `malloc_trim` of it), nothing
    happens.
    """
    import pyarrow as pa

    pa.default_memory_pool().release_unused()
    pa.system_memory_pool().release_unused()


def set_libraries_aside() -> None:
    """Let go of the pages of DuckDB's and Arrow's libraries, some 100 MB, until they are used again.

    Only what is mapped from a file, cannot be written and never was is touched: those pages are the file cache's, and
    the next call finds them there. Where the kernel's list of mappings is not to be read, nothing happens.
    """
    system = ctypes.CDLL(None)
    for start, size in _clean_mappings():
        system.madvise(ctypes.c_void_p(start), ctypes.c_size_t(size), _NOT_NEEDED)


def _clean_mappings() -> list[tuple[int, int]]:
    """Return (address, bytes) of the read-only mappings of those libraries that hold no page of our own."""
    try:
        lines = Path("/proc/self/smaps").read_text().splitlines()
    except OSError:
        return []
    found, here = [], None
    for line in lines:
        if mapping := _MAPPING.match(line):
            start, end = int(mapping["start"], 16), int(mapping["end"], 16)
            here = (start, end - start) if _SELDOM.search(mapping["path"]) else None
        elif here is not None and line.startswith("Anonymous:"):
            # Relocated tables are read-only too, but their pages are nowhere else.
            found += [here] if line.split()[1] == "0" else []
            here = None
    return found
