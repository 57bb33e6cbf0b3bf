"""One entity of one QuickBooks company in one collection.

The first read (and one after a long gap) asks for one page; where that is all, it is one call. Longer lists fan out
over a count, ordered by id, so that what changes meanwhile keeps its place; then they read what changed since they
began. Very long lists of documents are read by periods, the newest first, one with each run (`past`). Later reads take
what the one call for changes of all entities said (`changes`), or where it could not say it ask by query for what
changed since the cursor less an overlap.

Queries never show a hard-deleted record. Changes do; and once a day, and after a read by query that stands in for them,
COUNT(*) is asked too: where QuickBooks has another number than we would hold, all keys are read (QuickBooks knows no
projection, so this costs as many metered calls as a full read), what we hold and it has not is asked for by key once
more, and only then reported as deleted; what it has and we have not is read. That holds for name lists too, where
merging two names removes one. Short lists (accounts; once a day tax codes and settings) are read whole instead.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import partial

from connectors.base import OVERLAP, Held, Mark
from connectors.decode import Record
from connectors.errors import Broken, Retry
from connectors.intake import Intake
from connectors.past import ALWAYS, Slice, Span
from connectors.quickbooks.changes import Changed
from connectors.quickbooks.company import Company, QueryAnswer
from connectors.quickbooks.heads import keys_of, made_since
from connectors.quickbooks.past import MovedError, Past
from connectors.quickbooks.statements import PAGE, Entity
from connectors.side_by_side import in_order

#: Pages that are decoded together; twice as many cost 150 MB more at the top of a long read, and are not quicker.
BATCH = 5
_ROUNDS = 3
#: A cursor that old is saved even without changes, or windows would grow for ever.
_OLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one entity's reading came to."""

    name: str
    cursor: Mark
    full: bool
    #: whether the cursor is worth saving when no row changed
    keep: bool
    rounded: int
    #: whether all ids were compared
    swept: bool = False
    #: records that are older than those that are in, where the past is still being read
    left: int = 0


@dataclass(frozen=True, slots=True)
class _End:
    """How a reading ended."""

    #: live records, where they were counted
    count: int | None
    #: whether that was compared with what we hold
    compared: bool
    #: the first day that is in, where older ones are not
    back_to: date | None = None
    left: int = 0


async def _and_on(
    pages: AsyncIterator[list[Record]], fetch: Callable[[int], Awaitable[list[Record]]], starts: range
) -> AsyncIterator[list[Record]]:
    """Yield the planned pages, then further ones as long as the last one was full.

    Broken where a page begins as the one before it: whoever answers so has pages without end.
    """
    last: list[Record] | None = None
    async for page in pages:
        yield _another(page, last)
        last = page
    start = starts.start + len(starts) * PAGE
    while last is None or len(last) >= PAGE:
        page = await fetch(start)
        yield _another(page, last)
        last, start = page, start + PAGE


def _another(page: list[Record], last: list[Record] | None) -> list[Record]:
    if page and last and keys_of(page[:1]) == keys_of(last[:1]):
        raise Broken("QuickBooks sent the same page twice", code="paging_stuck")
    return page


class Reader:
    """Reads one entity."""

    def __init__(
        self,
        company: Company,
        entity: Entity,
        held: Held,
        intake: Callable[[], Intake],
        width: int,
        *,
        sweeps: bool = False,
        past: Past | None = None,
    ) -> None:
        self._company = company
        self._entity = entity
        self._held = held
        self._new_intake = intake
        #: calls in flight
        self._width = width
        #: whether ids are compared also where the counts agree: no call tells of what was deleted
        self._sweeps = sweeps and not entity.followed
        #: reads by periods what is too long for one run
        self._past = past if entity.dated else None
        self._compared = False

    async def read(self, since: Mark | None, until: datetime, changed: Changed | None = None) -> Reading:
        """Read what changed since the mark, all of it without one; `changed` is what is known of it already."""
        if self._entity.whole or self._entity.daily:
            return await self._list(since, until)
        intake = self._new_intake()
        if since is None:
            end = await self._all(intake, until)
            last = intake.newest
        else:
            end = await self._since(intake, since, until, changed)
            last = max(filter(None, (intake.newest, changed.newest if changed else None)), default=None)
        newest = max(last.isoformat() if last else "", since.newest if since else "")
        back_to = end.back_to.isoformat() if end.back_to else ""
        keep = since is None or end.compared or bool(back_to) or until - since.read_to > _OLD
        marked, swept = Mark(until, newest, end.count, back_to), self._compared and since is not None
        full = since is None and not back_to
        return Reading(self._entity.shape.name, marked, full, keep, intake.rounded, swept, end.left)

    async def _since(self, intake: Intake, since: Mark, until: datetime, changed: Changed | None) -> _End:
        """Read a window of changes, and some more of the past where that is not all in."""
        if changed is None:
            await self._changes(intake, since.read_to - OVERLAP)
        else:
            await intake.take([changed.records])
            await intake.drop(set(changed.gone))
        if since.back_to and self._past is not None:
            back_to = date.fromisoformat(since.back_to)
            if changed is None:
                # Too much changed for the call that tells of deletions, and all is counted only after the last period.
                await self._reconcile(intake, await self._ours(intake), Span(back_to))
            return await self._slice(intake, self._past, await self._past.before(back_to))
        if self._sweeps:
            return _End(await self._swept(intake), compared=True)
        if since.read_to.date() == until.date() and (changed is not None or not self._entity.followed):
            return _End(None, compared=False)
        return _End(await self._agree(intake), compared=True)

    async def _slice(self, intake: Intake, past: Past, part: Slice) -> _End:
        """Read one period, again when its pages shifted meanwhile; after the last one all is compared."""
        intake.expected = intake.rows + part.records
        for _ in range(_ROUNDS):
            try:
                await self._take(intake, past.pages(part))
            except MovedError:
                continue
            if part.span.start is None:
                return _End(await self._agree(intake), compared=True)
            return _End(None, compared=False, back_to=part.span.start, left=part.left)
        raise Retry(60, "QuickBooks changed faster than it could be read", code="moving_target")

    async def _list(self, since: Mark | None, until: datetime) -> Reading:
        """Read a short list whole, in one call where it fits a page; its mark is a fingerprint of all of it."""
        intake = self._new_intake()
        intake.hashes = {}
        count = (await self._all(intake, until)).count
        keep = since is None or self._entity.daily or until - since.read_to > _OLD
        marked = Mark(until, intake.fingerprint, count)
        return Reading(self._entity.shape.name, marked, full=True, keep=keep, rounded=intake.rounded)

    async def _all(self, intake: Intake, until: datetime) -> _End:
        """Read everything, or the newest period of very much; what fits a page is one call, and one moment."""
        page = await self._page(1, keys_only=False)
        if len(page) < PAGE:
            intake.expected = len(page)
            await intake.take([page])
            return _End(intake.live_count, compared=True)
        first, past = await self._company.count(self._entity), self._past
        # What is held already is read whole when it is read again: only then it shows what is gone.
        if past is not None and (first.count or 0) > past.slicing.above and not await self._holds():
            return await self._slice(intake, past, await past.newest(first.count or 0, until.date()))
        return _End(await self._whole(intake, first), compared=True)

    async def _holds(self) -> bool:
        return await self._held.count(self._entity.shape.name) > 0

    async def _whole(self, intake: Intake, first: QueryAnswer) -> int:
        """Read pages between two counts; the first one again, since what vanished before the count shifts them."""
        intake.expected = first.count or 0
        await self._take(intake, self._pages(intake.expected))
        began = first.time or intake.newest
        if began is None:
            return 0
        late = await self._company.query(self._entity.name, self._entity.changed(began, 1))
        await intake.take([late.records])
        last = await self._company.count(self._entity)
        # Records are stamped to the second: one that was made a moment after the count may bear an earlier time.
        made = sum(made_since(record, began.replace(microsecond=0)) for record in late.records)
        steady = last.count == intake.expected + made == intake.live_count and len(late.records) < PAGE
        if not steady:
            await self._reconcile(intake, set())
        return intake.live_count

    def _pages(self, count: int, *, keys_only: bool = False, span: Span = ALWAYS) -> AsyncIterator[list[Record]]:
        """Page through everything: as many pages as the count says at once, then on while pages are full."""
        starts = range(1, count + 1, PAGE)
        fetch = partial(self._page, keys_only=keys_only, span=span)
        return _and_on(in_order([partial(fetch, start) for start in starts], self._width), fetch, starts)

    async def _page(self, start: int, *, keys_only: bool, span: Span = ALWAYS) -> list[Record]:
        statement = self._entity.page(start, keys_only=keys_only, span=span)
        return (await self._company.query(self._entity.name, statement)).records

    async def _take(self, intake: Intake, pages: AsyncIterator[list[Record]]) -> None:
        waiting: list[list[Record]] = []
        async for page in pages:
            waiting.append(page)
            if len(waiting) >= BATCH:
                await intake.take(waiting)
                waiting = []
        await intake.take(waiting)

    async def _changes(self, intake: Intake, since: datetime) -> None:
        """Read a window of changes; one of several pages again when it moved while it was read."""
        for _ in range(_ROUNDS):
            first = await self._company.query(self._entity.name, self._entity.changed(since, 1))
            await intake.take([first.records])
            if len(first.records) < PAGE:
                return
            try:
                await self._take(intake, self._more_changes(since, first.records))
            except MovedError:
                continue
            return
        raise Retry(60, "QuickBooks changed faster than it could be read", code="moving_target")

    async def _more_changes(self, since: datetime, page: list[Record]) -> AsyncIterator[list[Record]]:
        """Yield the further pages; each begins with the last record of the one before, or the window has moved.

        By time of change, whatever is deleted or changed again leaves its place, and all behind it move up.
        """
        start = 1
        while len(page) >= PAGE:
            start += PAGE - 1
            last = page[-1]
            page = (await self._company.query(self._entity.name, self._entity.changed(since, start))).records
            if keys_of(page[:1]) != keys_of([last]):
                raise MovedError
            yield page[1:]

    async def _agree(self, intake: Intake) -> int:
        """Compare counts, bring keys together where they differ, and return how many live records there are."""
        name = self._entity.shape.name
        counted = (await self._company.count(self._entity)).count or 0
        live, gone = intake.live, intake.gone
        known = set(await self._held.among(name, live | gone))
        if counted != await self._held.count(name) + len(live - known) - len(known & gone):
            await self._reconcile(intake, await self._ours(intake))
        return counted

    async def _swept(self, intake: Intake) -> int:
        """Compare all keys, whatever the counts say: one that is gone and one that never came make the same number."""
        await self._reconcile(intake, await self._ours(intake))
        return (await self._company.count(self._entity)).count or 0

    async def _ours(self, intake: Intake) -> set[str]:
        return (set(await self._held.keys(self._entity.shape.name)) | intake.live) - intake.gone

    async def _reconcile(self, intake: Intake, held: set[str], span: Span = ALWAYS) -> None:
        """Read all keys, of a period or ever; report what is gone, read what is missing."""
        self._compared = True
        ours = held | intake.live
        theirs = await self._keys(span)
        back = await self._company.some(self._entity, ours - theirs)
        kept = set(keys_of(record for page in back for record in page))
        await intake.drop(ours - theirs - kept)
        await intake.take(await self._company.some(self._entity, theirs - ours))

    async def _keys(self, span: Span) -> set[str]:
        """Return every key; again when their number changed meanwhile, since a deletion shifts the pages after it."""
        for _ in range(_ROUNDS):
            before = await self._company.count(self._entity, span=span)
            keys: set[str] = set()
            async for page in self._pages(before.count or 0, keys_only=True, span=span):
                keys.update(keys_of(page))
            after = await self._company.count(self._entity, span=span)
            if before.count == after.count == len(keys):
                return keys
        raise Retry(60, "QuickBooks changed faster than it could be read", code="moving_target")
