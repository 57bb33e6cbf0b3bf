"""Which extensions' files were checked: a process that another one started takes its word instead of 0.3 s for it.

Nothing here needs the engine, so that who only starts a process does not load it.
"""

from collections.abc import Iterable
from pathlib import Path

#: path, and when it was changed last
_KNOWN: set[tuple[str, int]] = set()


def known() -> list[tuple[str, int]]:
    """Return the files that this process checked, for one that it starts."""
    return sorted(_KNOWN)


def take_over(files: Iterable[tuple[str, int]]) -> None:
    """Know of these files that they were checked, as whoever started this process says."""
    _KNOWN.update((path, changed) for path, changed in files)


def is_known(path: Path, changed: int) -> bool:
    """Whether the file was checked as it was at that time."""
    return (str(path), changed) in _KNOWN


def note(path: Path, changed: int) -> None:
    """Know that the file was checked as it was at that time."""
    _KNOWN.add((str(path), changed))
