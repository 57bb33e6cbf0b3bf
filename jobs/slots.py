"""When a source is due: pure arithmetic, the same on every machine, so that any number of clocks start a slot once.

A slot is named by the instant it stands for, or by the local date for nightly ones: a change of the clock at night
then cannot run it twice, and a longer interval finds the slots that were already run.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_HOUR = 3600


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a source is collected by the clock: every so many minutes, or at a local time of day."""

    source_id: str
    #: interval; None: nightly, or never
    minutes: int | None
    timezone: str = "UTC"
    version: int = 1
    active: bool = True
    #: local time of day
    nightly: time | None = None

    @property
    def runs(self) -> bool:
        """Whether the clock ever starts it."""
        return self.active and (self.minutes is not None or self.nightly is not None)


@dataclass(frozen=True, slots=True)
class Slot:
    """One due time of one source; source and key together exist once."""

    source_id: str
    #: such as ``2026-11-21T14:37:05Z``, or ``night-2026-11-21``
    key: str
    at: datetime


def offset_seconds(schedule: Schedule) -> int:
    """Return how far the source's slots lie after the full interval: spreads the sources, the same everywhere."""
    assert schedule.minutes is not None
    digest = hashlib.sha256(schedule.source_id.encode()).digest()
    return int.from_bytes(digest[:8], "big") % min(schedule.minutes * 60, _HOUR)


def latest_slot(schedule: Schedule, now: datetime) -> Slot:
    """Return the newest slot that is due at that instant."""
    if schedule.nightly is not None:
        night = _latest_night(schedule, now)
        return Slot(schedule.source_id, f"night-{night.isoformat()}", _instant(schedule, night))
    return _interval_slot(schedule, _number(schedule, now))


def next_slot(schedule: Schedule, now: datetime) -> datetime:
    """Return the first instant after now at which the source is due."""
    if schedule.nightly is not None:
        return _instant(schedule, _latest_night(schedule, now) + timedelta(days=1))
    return _interval_slot(schedule, _number(schedule, now) + 1).at


def _number(schedule: Schedule, now: datetime) -> int:
    assert schedule.minutes is not None
    return (int(now.timestamp() // 1) - offset_seconds(schedule)) // (schedule.minutes * 60)


def _interval_slot(schedule: Schedule, number: int) -> Slot:
    assert schedule.minutes is not None
    at = datetime.fromtimestamp(number * schedule.minutes * 60 + offset_seconds(schedule), UTC)
    return Slot(schedule.source_id, at.strftime("%Y-%m-%dT%H:%M:%SZ"), at)


def _latest_night(schedule: Schedule, now: datetime) -> date:
    night = now.astimezone(ZoneInfo(schedule.timezone)).date()
    # A zone that skips a whole day at the date line still has its nights one after the other.
    while _instant(schedule, night) > now:
        night -= timedelta(days=1)
    return night


def _instant(schedule: Schedule, night: date) -> datetime:
    """Return the instant of that night: of two equal local times the first, of a skipped one the time after the gap."""
    assert schedule.nightly is not None
    local = datetime.combine(night, schedule.nightly.replace(fold=0), ZoneInfo(schedule.timezone))
    return local.astimezone(UTC)
