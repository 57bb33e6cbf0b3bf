"""What a load has just written, kept in memory for the build that follows it at once.

The build of a small run would read back from the lake, look by look, what the load of the same run held in its hands a
moment before. It is used only while the load's commit is still the lake's newest snapshot and the only load since the
last build; in any other case, and after a crash, the build reads the lake.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

#: bytes of Arrow tables; a bigger load is read from the lake
MOST_BYTES = 16_000_000


@dataclass(frozen=True, slots=True)
class Fresh:
    """The rows of one load, as they are in the lake."""

    run_id: str
    source_id: str
    #: the load's own
    snapshot: int
    #: raw main table -> (id, _deleted) of every record that is different
    changed: Mapping[str, Any]
    #: raw main or child table -> rows of the records that are live, without ``_source`` and ``_deleted``
    rows: Mapping[str, Any]

    @property
    def size(self) -> int:
        """Bytes in memory."""
        return sum(table.nbytes for table in (*self.changed.values(), *self.rows.values()))
