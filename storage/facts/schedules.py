"""Schedules that are not an interval: a local time of day, or none at all."""

import re
from dataclasses import dataclass
from datetime import time
from enum import StrEnum

_TIME = re.compile(r"[0-2][0-9]:[0-5][0-9]", re.ASCII)


class Rhythm(StrEnum):
    """On which days, in the organization's zone."""

    DAILY = "daily"
    #: Monday to Friday; holidays are not known
    WEEKDAYS = "weekdays"
    #: the clock never collects
    OFF = "off"


@dataclass(frozen=True, slots=True)
class Rule:
    """A schedule by the wall clock; ``str`` of it is what is stored: ``weekdays 07:30``."""

    rhythm: Rhythm
    #: local time of day, whole minutes; None exactly when off
    at: time | None = None

    def __post_init__(self) -> None:
        if (self.at is None) != (self.rhythm is Rhythm.OFF):
            raise ValueError("a time belongs to every rule but off")

    def __str__(self) -> str:
        return f"{self.rhythm} {self.at:%H:%M}" if self.at else str(self.rhythm)


def read_rule(text: str) -> Rule:
    """Return the rule that a text stands for (ValueError)."""
    rhythm, _, at = text.partition(" ")
    if at and not _TIME.fullmatch(at):
        raise ValueError(f"not a time of day: {at!r}")
    return Rule(Rhythm(rhythm), time.fromisoformat(at) if at else None)
