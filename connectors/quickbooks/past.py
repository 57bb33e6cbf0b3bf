"""The past of one kind of document, read in slices by the document's own date, the newest first.

A list that is too long for one go is read by periods, one with each run: the cursor that is saved with its rows says
how far back everything is in. Changes come by the call for changes as always, from before the first slice on, whatever
the dates of the documents: so what changes between two slices, or moves from one period to another, is not lost.

While a slice is read its pages may shift. They are ordered by id, and each begins with the last record of the one
before it: then every record that was in the period all the time lies between two borders and came with one of the
pages. Whatever came, went or moved meanwhile has changed, and the next call for changes tells it.
"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import date
from functools import partial

from connectors.decode import Record
from connectors.quickbooks.company import Company
from connectors.quickbooks.heads import keys_of
from connectors.quickbooks.statements import PAGE, Entity, Span
from connectors.side_by_side import in_order

#: No book reaches further back; whatever says so is read with the rest.
_EARLIEST = 1900
_WIDTHS = (12, 6, 3, 1)


@dataclass(frozen=True, slots=True)
class Slicing:
    """From which length on a list of documents is read in slices, and how long a slice is."""

    #: records; a list that is no longer is read in one run: half a minute of calls, and every slice has a price
    above: int = 150_000
    #: records of one slice; a month that has more is one slice all the same
    most: int = 200_000


@dataclass(frozen=True, slots=True)
class Slice:
    """A period that is to be read."""

    span: Span
    #: records in it, as counted before it is read
    records: int
    #: records that are older
    left: int


class MovedError(Exception):
    """Pages shifted while they were read."""


class Past:
    """Chooses and reads the slices of one entity."""

    def __init__(self, company: Company, entity: Entity, slicing: Slicing, width: int) -> None:
        self.slicing = slicing
        self._company = company
        self._entity = entity
        #: calls in flight
        self._width = width

    async def newest(self, total: int, today: date) -> Slice:
        """Return the first slice: this and last year where that is not too much; later dates are in it too."""
        month = today.replace(day=1)
        starts = {date(today.year - 1, 1, 1), date(today.year, 1, 1), *(_before(month, n) for n in (5, 2, 0))}
        return await self._fitting(sorted(starts), None, total)

    async def before(self, end: date) -> Slice:
        """Return the slice that ends there; the last one has no start."""
        left = await self._count(Span(end=end))
        if left <= self.slicing.most or end.year <= _EARLIEST:
            return Slice(Span(end=end), left, 0)
        return await self._fitting([_before(end, months) for months in _WIDTHS], end, left)

    async def pages(self, one: Slice) -> AsyncIterator[list[Record]]:
        """Yield the records of a slice, some of them twice; MovedError when pages shifted."""
        step = PAGE - 1
        starts = range(1, one.records + 1, step)
        fetch = partial(self._page, one.span)
        page: list[Record] = []
        async for following in in_order([partial(fetch, start) for start in starts], self._width):
            yield self._follows(page, following)
            page = following
        start = 1 + len(starts) * step
        while len(page) >= PAGE:
            following = await fetch(start)
            yield self._follows(page, following)
            page, start = following, start + step

    def _follows(self, page: list[Record], following: list[Record]) -> list[Record]:
        """Return the following page; MovedError unless it begins with this one's last record, or this was the last."""
        if page and (following or len(page) >= PAGE) and not self.joined(page, following):
            raise MovedError
        return following

    def joined(self, page: list[Record], following: list[Record]) -> bool:
        """Whether a page begins with the last record of the one before it."""
        return bool(following) and keys_of(following[:1]) == keys_of(page[-1:])

    async def _fitting(self, starts: list[date], end: date | None, left: int) -> Slice:
        """Return the widest period that is not too long, or else the narrowest one."""
        for start in starts:
            span = Span(start, end)
            records = await self._count(span)
            if records <= self.slicing.most:
                break
        return Slice(span, records, left - records) if records else await self.before(start)

    async def _count(self, span: Span) -> int:
        return (await self._company.count(self._entity, span=span)).count or 0

    async def _page(self, span: Span, start: int) -> list[Record]:
        return (await self._company.query(self._entity.name, self._entity.page(start, span=span))).records


def _before(month: date, months: int) -> date:
    """Return the first day of the month that lies so many months before."""
    years, number = divmod(month.year * 12 + month.month - 1 - months, 12)
    return date(years, number + 1, 1)
