"""The past of one long list, read in slices by a date of its records, the newest first.

A list that is too long for one go is read by periods, one with each run: the cursor that is saved with its rows says
how far back everything is in (`Mark.back_to`). Here is how the periods are chosen; how one is read, and how a change
between two slices is not lost, is each provider's own.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

#: No list reaches further back; whatever says so is read with the rest.
_EARLIEST = 1900
#: Lengths of a period, the longest first: months, then days where a month may be split.
_MONTHS = (12, 6, 3, 1)
_DAYS = (14, 7, 3, 1)


@dataclass(frozen=True, slots=True)
class Slicing:
    """From which length on a list is read in slices, and how long a slice is."""

    #: records; a list that is no longer is read in one run: every slice has a price
    above: int
    #: records of one slice; the shortest period that has more is one slice all the same
    most: int
    #: records of the newest slice, which people wait for; None: as many as of any other
    first: int | None = None
    #: whether a month may be split
    by_days: bool = False


@dataclass(frozen=True, slots=True)
class Span:
    """From the first day, to the day before the end; None: without that border."""

    start: date | None = None
    end: date | None = None


ALWAYS = Span()


@dataclass(frozen=True, slots=True)
class Slice:
    """A period that is to be read."""

    span: Span
    #: records in it, as counted before it is read
    records: int
    #: records that are older
    left: int


class Periods:
    """Chooses the slices of one list by counting."""

    def __init__(self, count: Callable[[Span], Awaitable[int]], slicing: Slicing) -> None:
        self.slicing = slicing
        self._count = count

    async def newest(self, total: int, today: date, most: int | None = None) -> Slice:
        """Return the first slice: this and last year where that is not too much; later dates are in it too."""
        most = most or self.slicing.first or self.slicing.most
        month = today.replace(day=1)
        starts = {date(today.year - 1, 1, 1), date(today.year, 1, 1), *(before(month, n) for n in (5, 2, 0))}
        if self.slicing.by_days:
            starts |= {today - timedelta(days) for days in (*_DAYS, 0)}
        return await self._fitting(sorted(starts), None, total, most)

    async def before(self, end: date, most: int | None = None) -> Slice:
        """Return the slice that ends there, of `most` records where that is given; the last one has no start."""
        most = most or self.slicing.most
        left = await self._count(Span(end=end))
        if left <= most or end.year <= _EARLIEST:
            return Slice(Span(end=end), left, 0)
        starts = [before(end, months) for months in _MONTHS]
        if self.slicing.by_days:
            starts += [end - timedelta(days) for days in _DAYS]
        return await self._fitting(starts, end, left, most)

    async def of(self, span: Span) -> Slice:
        """Return the slice of a period that was chosen before."""
        return Slice(span, await self._count(span), await self._count(Span(end=span.start)) if span.start else 0)

    async def _fitting(self, starts: Sequence[date], end: date | None, left: int, most: int) -> Slice:
        """Return the widest period that is not too long, or else the narrowest one."""
        for start in starts:
            span = Span(start, end)
            records = await self._count(span)
            if records <= most:
                break
        return Slice(span, records, left - records) if records else await self.before(start, most)


def before(month: date, months: int) -> date:
    """Return the first day of the month that lies so many months before."""
    years, number = divmod(month.year * 12 + month.month - 1 - months, 12)
    return date(years, number + 1, 1)
