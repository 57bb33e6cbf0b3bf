"""Where the reading of a view stands: a text that sorts as the view's own column does."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any

#: Each reading goes back this far behind the last one: what was written then may have been committed since.
OVERLAP = timedelta(minutes=10)
#: A clock on the wall repeats an hour when summer ends.
_WALL_OVERLAP = timedelta(minutes=70)
#: A row version is taken when a row is written and seen when that is committed; so many may lie between.
_COUNTED_OVERLAP = 10_000
_WIDTH = 20
_TEXT = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}[ T][0-9]{2}:[0-9]{2}:[0-9]{2}(?:\.[0-9]{1,6})?", re.ASCII)
_VERSION_BYTES = 8
#: signs of an instant down to its seconds
_SECONDS = 19


def position_of(value: Any) -> str | None:
    """Return the position of a row by what stands in its column; None for what tells nothing."""
    if isinstance(value, datetime):
        kind = "w" if value.tzinfo is None else "z"
        return f"{kind}{_written(value if value.tzinfo is None else value.astimezone(UTC))}"
    if isinstance(value, str):
        return _of_text(value) if _TEXT.fullmatch(value) else None
    if isinstance(value, bytes):
        return f"v{value.hex()}" if len(value) == _VERSION_BYTES else None
    return f"n{value:0{_WIDTH}d}" if isinstance(value, int) and not isinstance(value, bool) and value >= 0 else None


def _of_text(value: str) -> str | None:
    try:
        return f"t{_written(datetime.fromisoformat(value))}"
    except ValueError:
        return None


def _written(value: datetime) -> str:
    """Return it so that it sorts, in the first thousand years as well: programs write the year 1 for "never"."""
    return value.replace(tzinfo=None).isoformat(" ", "microseconds")


def since(position: str) -> Any:
    """Return what to read from, an overlap before a position; None for everything."""
    try:
        return _before(position[:1], position[1:])
    except (OverflowError, ValueError):
        # It lies at the beginning of the calendar.
        return None


def _before(kind: str, text: str) -> Any:
    match kind:
        case "n":
            return max(0, int(text) - _COUNTED_OVERLAP)
        case "v":
            return max(0, int(text, 16) - _COUNTED_OVERLAP).to_bytes(_VERSION_BYTES, "big")
        case "z":
            return datetime.fromisoformat(text).replace(tzinfo=UTC) - OVERLAP
        case "w":
            return datetime.fromisoformat(text) - _WALL_OVERLAP
        case "t":
            return _written(datetime.fromisoformat(text) - _WALL_OVERLAP)[:_SECONDS]
        case _:
            return None


def capped(position: str, now: Any) -> str:
    """Return a position, or the database's own time where that is earlier.

    A row that was changed in the year 9999 must not let us believe that everything before it was read.
    """
    present = position_of(now) if position[:1] in {"z", "w", "t"} else None
    if present is None or present[:1] != position[:1]:
        return position
    return min(position, present)


def is_zoned(position: str) -> bool:
    """Whether the view tells instants with their zone."""
    return position.startswith("z")
