"""How a slice of the past of one kind of document is read, by the document's own date.

Changes come by the call for changes as always, from before the first slice on, whatever the dates of the documents: so
what changes between two slices, or moves from one period to another, is not lost.

While a slice is read its pages may shift. They are ordered by id, and each begins with the last record of the one
before it: then every record that was in the period all the time lies between two borders and came with one of the
pages. Whatever came, went or moved meanwhile has changed, and the next call for changes tells it.
"""

from collections.abc import AsyncIterator
from functools import partial

from connectors.decode import Record
from connectors.past import Periods, Slice, Slicing, Span
from connectors.quickbooks.company import Company
from connectors.quickbooks.heads import keys_of
from connectors.quickbooks.statements import PAGE, Entity
from connectors.side_by_side import in_order

#: A list of no more records is half a minute of calls.
SLICING = Slicing(above=150_000, most=200_000)


class MovedError(Exception):
    """Pages shifted while they were read."""


class Past(Periods):
    """Chooses and reads the slices of one entity."""

    def __init__(self, company: Company, entity: Entity, slicing: Slicing, width: int) -> None:
        super().__init__(self._counted, slicing)
        self._company = company
        self._entity = entity
        #: calls in flight
        self._width = width

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

    async def _counted(self, span: Span) -> int:
        return (await self._company.count(self._entity, span=span)).count or 0

    async def _page(self, span: Span, start: int) -> list[Record]:
        return (await self._company.query(self._entity.name, self._entity.page(start, span=span))).records
