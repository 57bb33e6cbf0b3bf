"""How deep a run reads: what was asked to be read again, and whether it sweeps this night.

Both are the ordinary read from other cursors. Rows, cursors and the note of the night are saved in one transaction, so
that whatever ends a run leaves all of them as they were.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from connectors.base import Collected
from connectors.rewind import rewound
from jobs.slots import known_zone
from storage.facts.rereads import Reread
from storage.facts.runs import Run, Trigger
from storage.facts.streams import Stream

#: the cursor that says which night was the last to be swept; no stream has such a name
SWEPT = "_swept"
#: from this local time on the night's sweep is due
_NIGHT = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class Depth:
    """What one run reads beyond what changed."""

    reread: Reread | None
    #: the local day whose night is swept; None: this run does not
    night: date | None
    #: it reads streams that could not be read, in the night neither
    alone: bool = False

    @property
    def sweeps(self) -> bool:
        """Whether ids are compared: of streams that are read alone too, for the night they missed is noted."""
        return self.alone or self.night is not None

    def cursors(self, saved: Mapping[str, str], now: datetime) -> dict[str, str]:
        """Return the cursors from which the run reads."""
        known = {name: text for name, text in saved.items() if name != SWEPT}
        return known if self.reread is None else rewound(known, self.reread.streams, self.reread.since, now)

    def noted(self, found: Collected, streams: Iterable[Stream]) -> Collected:
        """Return what is saved: the night too, if ids were compared; far fewer rows of what is read again are held."""
        if self.night is not None and found.guarded:
            found = replace(
                found,
                cursors={**found.cursors, SWEPT: self.night.isoformat()},
                keep_cursors=(*found.keep_cursors, SWEPT),
            )
        return found if self.reread is None else replace(found, guarded=tuple(stream.name for stream in streams))


def depth_of(run: Run, reread: Reread | None, saved: Mapping[str, str], zone: str, now: datetime) -> Depth:
    """Return how deep a run reads that starts now; only the clock sweeps all, so that nobody who asked waits for it."""
    if run.trigger is not Trigger.SCHEDULE or run.only:
        return Depth(reread, None, alone=bool(run.only))
    local = now.astimezone(ZoneInfo(zone if known_zone(zone) else "UTC"))
    night = (local - _NIGHT).date()
    return Depth(reread, None if saved.get(SWEPT) == night.isoformat() else night)
