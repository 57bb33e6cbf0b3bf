"""When a source is collected, in words."""

from storage.facts.metrics import DAYS, PostTime
from storage.facts.schedules import Rhythm
from storage.facts.sources import Source
from templates import times


def rhythm(source: Source, stretched: int | None = None) -> str:
    """Return ``every 60 minutes``, ``every day at 07:30 New York time``; `stretched`: the minutes now in force."""
    rule = source.rule
    if rule is None:
        return times.every(stretched or source.schedule_minutes)
    if rule.at is None:
        return "only when somebody asks"
    days = "Monday to Friday" if rule.rhythm is Rhythm.WEEKDAYS else "every day"
    return f"{days} at {rule.at:%H:%M} {zone_name(source.zone)}"


def weekly(when: PostTime) -> str:
    """Return ``every Friday at 16:00``."""
    return f"every {DAYS[when.weekday].capitalize()} at {when.at:%H:%M}"


def zone_name(zone: str) -> str:
    """Return a zone as people say it: ``New York time``."""
    return "UTC" if zone == "UTC" else f"{zone.rpartition('/')[2].replace('_', ' ')} time"
