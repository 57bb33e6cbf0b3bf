"""Fleet alarms: most sources stood badly at once, so that the fault may be ours."""

from dataclasses import dataclass
from datetime import datetime

#: over all organizations, and where nothing ran for a while
ALL, CLOCK = "all", "clock"


@dataclass(frozen=True, slots=True)
class FleetAlarm:
    """What support is told once, while the customers' alarms wait."""

    id: str
    #: ``all``, ``clock``, or the name of a provider
    scope: str
    opened_at: datetime
    #: sources that stand badly, and all that were due lately
    bad: int
    seen: int
    organizations: int
    closed_at: datetime | None = None
    #: alarms of customers that were told after all, and that were not needed any more
    released: int = 0
    dropped: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """How one source did lately."""

    source_id: str
    organization_id: str
    provider: str
    bad: bool
