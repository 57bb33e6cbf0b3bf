"""One clock for the stand-ins and for every process of the product: its offset is in a file that all of them map."""

import mmap
import os
import struct
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

from storage.facts.clock import OffsetClock

_OFFSET = struct.Struct("d")


@dataclass
class SharedClock(OffsetClock):
    """The real time moved by an offset that every process with the same file sees at once."""

    #: of the offset; made where it is not there
    path: Path = field(default_factory=Path)

    def __post_init__(self) -> None:
        if not self.path.exists():
            self.path.write_bytes(_OFFSET.pack(0.0))
        descriptor = os.open(self.path, os.O_RDWR)
        self._map = mmap.mmap(descriptor, _OFFSET.size)
        os.close(descriptor)

    def now(self) -> datetime:
        """Return the moved instant, aware, in UTC."""
        seconds: float = _OFFSET.unpack_from(self._map)[0]
        return datetime.now(UTC) + timedelta(seconds=seconds)

    def advance(self, by: timedelta) -> None:
        """Let time pass at once, for every process; only one of them may."""
        seconds: float = _OFFSET.unpack_from(self._map)[0]
        _OFFSET.pack_into(self._map, 0, seconds + by.total_seconds())
