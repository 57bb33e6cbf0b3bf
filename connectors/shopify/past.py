"""The past of a long list of a shop, read in slices by the day on which its records were made.

That day never changes, so no record moves from one period to another. Changes are read by their own time as always,
from before the first slice on and after each slice; what was deleted meanwhile shows when the last slice is in and all
is counted.
"""

import re
from datetime import date

from connectors.past import Periods, Slicing, Span
from connectors.shopify.connection import Pager

#: A slice by a bulk operation is there within minutes; the first one is what people wait for.
SLICING = Slicing(above=20_000, most=50_000, first=20_000, by_days=True)
#: Records of a slice that is read by pages: some ten minutes of a small shop's points.
PAGED = 2_500
#: what the counts of all kinds call it, whatever their lists do
_COUNTED = "created_at"
_BORDER = re.compile(r"(?P<field>[a-z_]+):(?P<sign>>=|<)'(?P<day>[0-9]{4}-[0-9]{2}-[0-9]{2})T00:00:00Z'", re.ASCII)


class Past(Periods):
    """Chooses the slices of one root field."""

    def __init__(self, pager: Pager, slicing: Slicing, paged: int = PAGED) -> None:
        super().__init__(self._counted, slicing)
        self._pager = pager
        #: records of one slice where it is read by pages
        self.paged = min(paged, slicing.most)

    async def narrower(self, end: date | None, total: int, today: date) -> Span:
        """Return the period to read by pages; `total` records are all there are."""
        if end is not None:
            return (await self.before(end, self.paged)).span
        return (await self.newest(total, today, self.paged)).span

    async def _counted(self, span: Span) -> int:
        return await self._pager.at_least(within(_COUNTED, span))


def within(field: str, span: Span) -> str:
    """Return the search for a period; empty for one without borders."""
    first = (f"{field}:>='{span.start.isoformat()}T00:00:00Z'",) if span.start else ()
    return " ".join((*first, f"{field}:<'{span.end.isoformat()}T00:00:00Z'") if span.end else first)


def period(field: str, terms: str) -> Span | None:
    """Return the period that a search of ours is for."""
    days = {match["sign"]: date.fromisoformat(match["day"]) for match in _BORDER.finditer(terms)}
    span = Span(days.get(">="), days.get("<"))
    return span if within(field, span) == terms else None
