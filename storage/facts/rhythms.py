"""The rhythm in which a company's files come, as it was observed: nobody declares it."""

import re
from dataclasses import dataclass
from datetime import time

_TEXT = re.compile(r"(?:at ([0-2][0-9]:[0-5][0-9])|every ([0-9]+)) lag ([0-9]+)( weekdays)?", re.ASCII)


@dataclass(frozen=True, slots=True)
class FileRhythm:
    """When the data of the next file ends, and how long after it a file is here. ``str`` of it is what is stored."""

    #: local time of day at which the data of a day's file ends; None where not one comes a day
    daily: time | None
    #: the longest usual time between two, where not one comes a day
    minutes: int
    #: how long after the end of its data a file has usually been taken in
    lag_minutes: int
    #: none ends on a Saturday or Sunday
    weekdays: bool

    def __str__(self) -> str:
        rhythm = f"at {self.daily:%H:%M}" if self.daily else f"every {self.minutes}"
        return f"{rhythm} lag {self.lag_minutes}{' weekdays' if self.weekdays else ''}"


def read_rhythm(text: str) -> FileRhythm:
    """Return the rhythm that a stored text stands for (ValueError)."""
    found = _TEXT.fullmatch(text)
    if found is None:
        raise ValueError(f"not a rhythm: {text!r}")
    daily = time.fromisoformat(found[1]) if found[1] else None
    return FileRhythm(daily, int(found[2] or 0), int(found[3]), weekdays=found[4] is not None)
