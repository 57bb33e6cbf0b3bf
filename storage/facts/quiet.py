"""Hours in which a person wants to hear nothing, and what is told once a day."""

from dataclasses import dataclass
from datetime import datetime, time

from storage.facts.subscriptions import Ways


@dataclass(frozen=True, slots=True)
class Quiet:
    """Quiet hours of every day, by the wall clock of the person; over midnight where they end before they start."""

    starts: time
    ends: time
    #: Saturdays and Sundays as well, the whole day
    weekends: bool = False

    @property
    def words(self) -> str:
        """As it can be typed."""
        return f"{self.starts:%H:%M}-{self.ends:%H:%M}" + (" weekends" if self.weekends else "")


@dataclass(frozen=True, slots=True)
class QuietView:
    """How a person's quiet hours stand."""

    quiet: Quiet | None
    zone: str
    #: when they end, where they are now
    until: datetime | None
    #: messages that wait for that
    held: int = 0


@dataclass(frozen=True, slots=True)
class Rhythm:
    """When a digest is told: at a local time of day."""

    at: time
    #: not on Saturdays and Sundays
    weekdays: bool = False


@dataclass(frozen=True, slots=True)
class Digest:
    """What happened, once a day, to a person or a channel."""

    id: str
    organization_id: str
    #: None: a channel's
    member_id: str | None
    #: ``team/channel``, or ``team/user`` of a person
    place: str
    rhythm: Rhythm
    ways: Ways
    due_at: datetime
    #: what happened by then was told, or was nothing
    told_until: datetime
