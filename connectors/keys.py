"""Every key that one read brought, kept small: a set of five million texts is 600 MB, and a first read has no bound."""

from typing import Any

import pyarrow as pa
import pyarrow.compute as pc


class Keys:
    """Keys in columns: 8 bytes each where they are plain numbers, their own length where they are not."""

    def __init__(self) -> None:
        #: columns of whole numbers, and columns of texts
        self._columns: list[Any] = []
        self._count: int | None = 0

    def add(self, keys: Any) -> None:
        """Take in a column of keys (pyarrow, texts without nulls)."""
        if len(keys):
            self._columns.append(_narrow(pa.chunked_array(keys) if isinstance(keys, pa.Array) else keys))
            self._count = None

    def __bool__(self) -> bool:
        return bool(self._columns)

    def __len__(self) -> int:
        """Count different keys; by sorting, since a table of five million of them would be 300 MB."""
        if self._count is None:
            column = self._column()
            ordered = column.take(pc.sort_indices(column))
            repeated = pc.sum(pc.equal(ordered[1:], ordered[:-1])).as_py() or 0
            self._count = len(ordered) - int(repeated)
        return self._count

    def texts(self) -> set[str]:
        """Return them as a set, for what must look at each."""
        return {key for column in self._columns for key in column.cast(pa.string()).to_pylist()}

    def _column(self) -> Any:
        kinds = {column.type for column in self._columns}
        kind = kinds.pop() if len(kinds) == 1 else pa.string()
        return pa.chunked_array([chunk for column in self._columns for chunk in column.cast(kind).chunks], kind)


def _narrow(keys: Any) -> Any:
    """Return whole numbers where each key is written in the one way in which a number is."""
    try:
        numbers = keys.cast(pa.int64())
    except pa.ArrowInvalid:
        return _copied(keys)
    return numbers if numbers.cast(pa.string()).equals(keys) else _copied(keys)


def _copied(keys: Any) -> Any:
    """Return the texts alone: as they come they may hold the memory of the whole page."""
    return pa.chunked_array([pa.concat_arrays([*keys.chunks, pa.array([], pa.string())])])
