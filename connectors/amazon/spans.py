"""Which times the reports of one kind are asked for: what is new, then the past, some of it with each run.

Amazon makes such reports for at most 30 days each, and about one a minute. The borders of past spans stand still, so
that a later attempt of a run finds the reports that an earlier one asked for.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from itertools import pairwise

from connectors.amazon.reports import Wanted
from connectors.base import OVERLAP, Mark

SPAN = timedelta(days=30)
#: How far back is read.
HISTORY = timedelta(days=730)
#: Past that is read with what is new: as few records as this, where its reports take no longer than so many seconds.
LITTLE, QUICKLY = 20_000, 30.0


@dataclass(frozen=True, slots=True)
class Kind:
    """A report of which there is one for each time."""

    type: str
    #: what people read: "Orders"
    label: str
    #: whole spans of the past that are read at first, and with each later run
    first: int
    more: int
    #: how far each collection goes back behind the last one
    overlap: timedelta = OVERLAP


@dataclass(frozen=True, slots=True)
class Stretch:
    """How long the past is, and how much of it is little enough to be read with what is new."""

    history: timedelta = HISTORY
    #: records; fewer than none: it is always read with further runs
    little: int = LITTLE


@dataclass(frozen=True, slots=True)
class Plan:
    """Which spans to read, the oldest first, and how far back everything is in afterwards."""

    kind: Kind
    wanted: tuple[Wanted, ...]
    back_to: datetime
    #: whether all of the history is in afterwards
    complete: bool
    #: whole spans of the past that are not in afterwards
    left: int

    @property
    def reports(self) -> int:
        """How many reports the rest takes, about: one for each span, and with each run one of what is new."""
        more = self.kind.more
        return self.left + -(-self.left // more)

    def rest(self) -> "Plan":
        """Return the plan of all that is left, the oldest first."""
        borders = [self.back_to - SPAN * number for number in range(self.left, -1, -1)]
        new = self.wanted[-1]
        wanted = [replace(new, start=start, end=stop, least_end=None) for start, stop in pairwise(borders)]
        return Plan(self.kind, tuple(wanted), borders[0], complete=True, left=0)


def plan(
    kind: Kind, since: Mark | None, until: datetime, marketplaces: tuple[str, ...], history: timedelta = HISTORY
) -> Plan:
    """Plan one collection: what changed since the last one, and some more of the past until all of it is there."""
    # Amazon takes whole seconds: the next one, so that everything up to `until` is in.
    end = until + timedelta(microseconds=-until.microsecond % 1_000_000)
    floor = _aligned(until - history)
    spans: list[tuple[datetime, datetime]] = []
    if since is None:
        back_to, more, made_since = _aligned(until), kind.first, None
        spans.append((back_to, end))
    else:
        back_to, made_since = _back_to(since), since.read_to
        more = kind.more
        spans += reversed(list(_spans(since.read_to - kind.overlap, end)))
    while more > 0 and back_to > floor:
        spans.append((back_to - SPAN, back_to))
        back_to, more = back_to - SPAN, more - 1
    least = max(until - timedelta(minutes=30), since.read_to + timedelta(seconds=1) if since else until - SPAN)
    wanted = [
        Wanted(
            kind.type, kind.label, marketplaces, start, stop, made_since=made_since,
            least_end=min(least, end) if stop == end else None,
        )
        for start, stop in reversed(spans)
    ]  # fmt: skip
    return Plan(kind, tuple(wanted), back_to, back_to <= floor, max(0, -((floor - back_to) // SPAN)))


def _aligned(moment: datetime) -> datetime:
    """Return the last border before an instant; borders stand still, so that a later attempt finds its report."""
    epoch = datetime.fromtimestamp(0, UTC)
    return epoch + (moment - epoch) // SPAN * SPAN


def _spans(start: datetime, until: datetime) -> Iterator[tuple[datetime, datetime]]:
    while until - start > SPAN:
        yield start, start + SPAN
        start += SPAN
    yield start, until


def _back_to(since: Mark) -> datetime:
    try:
        return datetime.fromisoformat(since.newest).astimezone(UTC)
    except ValueError:
        return since.read_to
