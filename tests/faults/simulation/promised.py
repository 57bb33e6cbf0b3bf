"""What was promised of each source, as people set it, and which alarms of it are shown: for the oracle.

Both are known from outside: from what people chose and what Slack shows. Instants are bounds: a source is late by them
at the latest, so that what is complained of is late by any reading of its promise.
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from tests.faults.simulation.clock import BEGINNING

#: What a run may take before its source counts as late.
_GRACE = timedelta(minutes=5)
#: Friday's data is in time on Monday, and on the first Monday in September by Tuesday.
_WEEKEND = timedelta(days=4)
#: Where the clock collects nothing, data is fresh for a day all the same.
_OFF = timedelta(days=1)
_OPEN = re.compile(r"is (late|overdue|still in time, but its refreshes fail|catching up|disconnected$)")
_TOGETHER = re.compile(r"^[0-9]+ sources? (need|in order again)")
#: More sources than a message lists.
_MORE = re.compile("^… and [0-9]+ more source", re.MULTILINE)
_SPAN = re.compile("warn ([0-9]+)h overdue ([0-9]+)h")
_EVERY = re.compile("every ([0-9]+) hours")


@dataclass
class Promised:
    """Of one source."""

    #: None: nothing is collected by the clock
    every: timedelta | None
    #: it counts working days alone
    working_days: bool = False
    warn: timedelta | None = None
    #: nobody wants to be told
    quiet: bool = False
    #: disconnected on purpose
    stopped: bool = False
    #: kind -> until when nobody wants to be told
    muted: dict[str, datetime] = field(default_factory=dict)
    #: since when it is as it is
    since: datetime = BEGINNING
    #: the schedule leaves out the weekend
    weekdays: bool = False
    #: the schedule names times of day, of which one may have been missed sooner than its data is a day old
    by_times: bool = False

    def schedule(self, words: str, now: datetime) -> None:
        """Take what a person chose as its schedule."""
        self.since = now
        found = _EVERY.fullmatch(words)
        self.every = None if words == "off" else timedelta(hours=int(found[1]) if found else 24)
        self.weekdays, self.by_times = words.startswith("weekdays"), " at " in words

    def promise(self, words: str, now: datetime) -> None:
        """Take what a person chose as its promise."""
        self.since, self.quiet, self.working_days = now, words == "off", words == "business days"
        found = _SPAN.fullmatch(words)
        self.warn = timedelta(hours=int(found[1])) if found else None

    def fresh_until(self, as_of: datetime) -> datetime:
        """Return until when data of that instant is fresh at most."""
        allowed = self.warn or ((self.every or _OFF) + _GRACE)
        weekend = self.working_days or (self.weekdays and self.warn is None)
        # Times of day count from the first one after they were chosen.
        begins = self.since + (allowed if self.by_times and self.warn is None else timedelta(0))
        return max(as_of + allowed, begins) + (_WEEKEND if weekend else timedelta(0))

    def late_at(self, as_of: datetime) -> datetime | None:
        """Return from when data of that instant is late at the latest; None where nobody is told."""
        if self.quiet or self.stopped or (self.every is None and self.warn is None):
            return None
        return self.fresh_until(as_of)

    def collected_every(self) -> timedelta | None:
        """Return how often the clock collects it at least; None: not at all."""
        if self.stopped or self.every is None:
            return None
        return self.every + (_WEEKEND if self.weekdays else timedelta(0))

    def mute_ends(self, now: datetime) -> datetime:
        """Return until when some alarm of it was muted."""
        return max((end for end in self.muted.values() if end <= now), default=BEGINNING)

    def is_muted(self, now: datetime) -> bool:
        """Whether some alarm of it is muted."""
        return any(end > now for end in self.muted.values())


@dataclass
class Alarms:
    """What the living messages of a company's channel say now, by message and source."""

    #: source -> its title
    titles: Mapping[str, str]
    _open: dict[str, dict[str, str]] = field(default_factory=dict)

    def hear(self, ts: str, lines: Sequence[str], ids: Iterable[str]) -> None:
        """Take what a message says now; `ids`: the sources that its buttons name."""
        head = lines[0] if lines else ""
        if _TOGETHER.match(head):
            rows, more = self._rows(lines, set(ids)), any(_MORE.match(line) for line in lines)
            # Whichever of the others it is: it is counted, and no name is shown for which it could be judged.
            self._open[ts] = {**(dict.fromkeys(self.titles, "more") if more else {}), **rows}
            return
        for source_id, title in self.titles.items():
            if head.startswith(f"{title} ") and (ts in self._open or _OPEN.search(head)):
                state = "disconnected" if head.endswith("is disconnected") else "troubled"
                self._open.setdefault(ts, {})[source_id] = state if _OPEN.search(head) else ""

    def said(self, source_id: str) -> str:
        """Return what some message says is wrong: ``troubled``, ``disconnected``, ``more`` without a name, or nothing."""
        return max((said.get(source_id, "") for said in self._open.values()), default="")

    def _rows(self, lines: Sequence[str], ids: set[str]) -> dict[str, str]:
        found = {}
        for name, state in pairwise(lines):
            for source_id in self._named(name, ids):
                found[source_id] = "troubled" if state.startswith("*") else ""
        return found

    def _named(self, line: str, ids: set[str]) -> list[str]:
        """Return the sources that a row may be about: a provider alone is its only one in the message."""
        name = line.strip("*")
        if not line.startswith("*") or not name:
            return []
        exact = [one for one, title in self.titles.items() if title == name]
        some = [one for one, title in self.titles.items() if title.startswith(f"{name} · ")]
        return exact or [one for one in some if one in ids] or some
