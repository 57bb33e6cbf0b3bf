"""The past of one long list, read in slices by a date of its records, the newest first.

A list that is too long for one go is read by periods, one with each run: the cursor that is saved with its rows says
how far back everything is in (`Mark.back_to`). Here is how the periods are chosen; how one is read, and how a change
between two slices is not lost, is each provider's own.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta

from connectors.errors import Broken

#: No list reaches further back; whatever says so is read with the rest.
_EARLIEST = 1900
#: Lengths of a period, the longest first: months, then days where a month may be split.
_MONTHS = (12, 6, 3, 1)
_DAYS = (14, 7, 3, 1)
#: Empty periods in a row that are passed over: a century of years, and more.
_MOST_EMPTY = 200
#: whoever counts more of one list is not believed: calls are planned by what was counted
MOST_RECORDS = 100_000_000


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
        return await self._filled(await self._fitting(sorted(starts), None, total, most), total, most)

    async def before(self, end: date, most: int | None = None) -> Slice:
        """Return the slice that ends there, of `most` records where that is given; the last one has no start."""
        most = most or self.slicing.most
        return await self._filled(await self._ending(end, await self._sure(Span(end=end)), most), None, most)

    async def of(self, span: Span) -> Slice:
        """Return the slice of a period that was chosen before."""
        left = await self._sure(Span(end=span.start)) if span.start else 0
        return Slice(span, await self._sure(span), left)

    async def _filled(self, found: Slice, total: int | None, most: int) -> Slice:
        """Return a slice, or the next one before it that is not empty.

        A period that is said to be empty is passed over only where what is older is as much as what was left with it:
        whoever contradicts himself is not believed, and it is read. `total` is what was left with it.
        """
        left = found.left if total is None else total
        for _ in range(_MOST_EMPTY):
            start = found.span.start
            if found.records or start is None:
                return found
            older = await self._sure(Span(end=start))
            if older != left:
                return replace(found, records=max(left - older, 1), left=older)
            found = await self._ending(start, older, most)
        raise Broken("the provider says that there are records, and of no period how many", code="page_unreadable")

    async def _ending(self, end: date, left: int, most: int) -> Slice:
        """Return the slice that ends there, empty or not."""
        if left <= most or end.year <= _EARLIEST:
            return Slice(Span(end=end), left, 0)
        starts = [before(end, months) for months in _MONTHS]
        if self.slicing.by_days:
            starts += [end - timedelta(days) for days in _DAYS]
        return await self._fitting(starts, end, left, most)

    async def _fitting(self, starts: Sequence[date], end: date | None, left: int, most: int) -> Slice:
        """Return the widest period that is not too long, or else the narrowest one."""
        for start in starts:
            span = Span(start, end)
            records = await self._sure(span)
            if records <= most:
                break
        # A record may come in between two counts.
        return Slice(span, records, max(left - records, 0))

    async def _sure(self, span: Span) -> int:
        count = await self._count(span)
        if not 0 <= count <= MOST_RECORDS:
            raise Broken(
                "the provider counts more records than there can be, or fewer than none", code="page_unreadable"
            )
        return count


def before(month: date, months: int) -> date:
    """Return the first day of the month that lies so many months before."""
    years, number = divmod(month.year * 12 + month.month - 1 - months, 12)
    return date(years, number + 1, 1)
