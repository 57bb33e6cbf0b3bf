"""One stream of one shop in one collection.

Reads windows of ``updated_at``: from the cursor less the overlap to the start of the collection (a set that stays the
same while it is read), then from the start on without an end. The second window is what makes the as-of time honest: a
record that changes while the first one is read leaves it, and a shop whose clock is ahead of ours stamps it "later".


Deleted records are in no window. So the counts are compared: where Shopify has another number of records than we would
hold afterwards, all keys are read and what is missing among them is gone. Once a night keys are compared where the
counts agree, too: one that is gone and one that no window brought make the same number.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta

from connectors.base import OVERLAP, Held, Mark
from connectors.errors import Broken, Retry
from connectors.intake import Intake
from connectors.past import ALWAYS, Slice, Span
from connectors.shopify.connection import Pager, Root
from connectors.shopify.past import Past, within

#: Shopify pages through at most 25,000 records of one query; before that a new one starts where the last one was.
SLICE = 20_000
#: Records that are decoded together.
BATCH = 2_000
_ROUNDS = 3
#: A cursor that old is saved even without changes, or windows would grow for ever.
_OLD = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Reading:
    """What one stream's reading came to."""

    name: str
    cursor: Mark
    full: bool
    #: whether the cursor is worth saving when no row changed
    keep: bool
    notes: tuple[str, ...] = ()
    #: whether all ids were compared
    swept: bool = False
    #: records that are older than those that are in, where the past is still being read
    left: int = 0


class Reader:
    """Reads one root field."""

    def __init__(
        self,
        pager: Pager,
        root: Root,
        held: Held,
        intake: Callable[[], Intake],
        *,
        sees_all: bool,
        slices_of: int = SLICE,
        sweeps: bool = False,
        past: Past | None = None,
    ) -> None:
        self._pager = pager
        self._root = root
        self._held = held
        self._new_intake = intake
        #: whether the grant shows every record, so that a missing one is a deleted one
        self._sees_all = sees_all
        self._slices_of = slices_of
        #: whether ids are compared also where the counts agree; false again when they could not be
        self._sweeps = sweeps
        self._middle: datetime | None = None
        #: reads by periods what is too long for one run
        self._past = past if root.dated else None

    async def read(self, since: Mark | None, until: datetime) -> Reading:
        """Read what changed since the mark, all of it without one; and some more of the past where that is not in."""
        if since is None:
            return await self._whole(until)
        intake = self._new_intake()
        if since.back_to and self._past is not None:
            part, began = await self._slice(intake, self._past, date.fromisoformat(since.back_to), until)
            # After the slice: what a file says of a record may be older than what its change says.
            await self._windows(intake, min(since.read_to, began or since.read_to) - OVERLAP, until)
            return await self._ended(intake, part, until)
        await self._windows(intake, since.read_to - OVERLAP, until)
        if self._sees_all and not await self._agree(intake):
            return await self._in_one(self._new_intake(), until)
        found = self._reading(until, full=False, keep=until - since.read_to > _OLD)
        # Also what counts that differ led to: a count and a list that failed together would take everything away.
        return replace(found, swept=self._sees_all and (self._sweeps or bool(intake.gone)))

    async def _whole(self, until: datetime) -> Reading:
        """Read everything, or the newest period of very much."""
        intake, past = self._new_intake(), self._past
        intake.expected = await self._pager.count()
        # What is held already is read whole when it is read again: only then it shows what is gone.
        if past is None or not self._sees_all or (intake.expected or 0) <= past.slicing.above or await self._holds():
            return await self._in_one(intake, until)
        part, began = await self._slice(intake, past, None, until)
        self._middle = began - OVERLAP if began else until.replace(microsecond=0)
        await self._window(intake, self._middle, None)
        return await self._ended(intake, part, until)

    async def _holds(self) -> bool:
        return await self._held.count(self._root.shape.name) > 0

    async def _slice(
        self, intake: Intake, past: Past, end: date | None, until: datetime
    ) -> tuple[Slice, datetime | None]:
        """Read one period: the one that an earlier collection began with, or else the next older one.

        Return it, and since when changes may lack, where that is not the beginning of this collection.
        """
        total = intake.expected or 0
        begun = await self._pager.whole.begun(end) if self._pager.whole else None
        if begun is not None:
            part = await past.of(begun)
        elif end is None:
            part = await past.newest(total, until.date())
        else:
            part = await past.before(end)
        intake.expected = part.records
        began = await self._pager.whole.read(intake, part.span) if self._pager.whole else None
        if began is not None:
            return part, began
        if part.records > past.paged:
            part = await past.of(await past.narrower(end, total, until.date()))
            intake.expected = intake.rows + part.records
        # Without an end: whatever changes meanwhile comes once more, as the last one.
        await self._window(intake, None, None, part.span)
        return part, None

    async def _ended(self, intake: Intake, part: Slice, until: datetime) -> Reading:
        """Compare all after the last slice."""
        if part.span.start is not None:
            back_to = part.span.start.isoformat()
            found = self._reading(until, full=False, keep=True)
            return replace(found, cursor=replace(found.cursor, back_to=back_to), left=part.left)
        if self._sees_all and not await self._agree(intake):
            return await self._in_one(self._new_intake(), until)
        return replace(self._reading(until, full=False, keep=True), swept=self._sees_all and bool(intake.gone))

    async def _in_one(self, intake: Intake, until: datetime) -> Reading:
        if intake.expected is None:
            intake.expected = await self._pager.count()
        began = await self._pager.whole.read(intake) if self._pager.whole else None
        if began is None:
            await self._windows(intake, None, until)
        else:
            self._middle = began - OVERLAP
            await self._window(intake, self._middle, None)
        if self._sees_all:
            await self._prune(intake)
        return self._reading(until, full=self._sees_all, keep=True)

    def _reading(self, until: datetime, *, full: bool, keep: bool) -> Reading:
        notes = () if self._sees_all else (_SIXTY_DAYS,)
        return Reading(self._root.shape.name, Mark(until, self._root.edition), full, keep, notes)

    async def _windows(self, intake: Intake, since: datetime | None, until: datetime) -> None:
        self._middle = until.replace(microsecond=0)
        await self._window(intake, since, self._middle)
        await self._window(intake, self._middle, None)

    async def _window(
        self, intake: Intake, since: datetime | None, until: datetime | None, span: Span = ALWAYS
    ) -> None:
        """Read one window in slices; each slice starts at the second, or the id, where the one before ended."""
        behind = ""
        while True:
            waiting: list[list[bytes]] = []
            read, newest = 0, None
            async for page in self._pager.pages(self._filter(since, until, behind, span)):
                waiting.append(page.records)
                read += len(page.records)
                newest = page.newest or newest
                if self._root.by_id and page.ids:
                    behind = page.ids[-1].rpartition("/")[2]
                if sum(map(len, waiting)) >= BATCH:
                    await intake.take(waiting)
                    waiting = []
                if read >= self._slices_of and newest is not None:
                    break
            else:
                await intake.take(waiting)
                return
            await intake.take(waiting)
            if self._root.by_id:
                continue
            if newest is None or newest == since:
                raise Broken(
                    "more records changed in one second than Shopify lets us page through", code="paging_stuck"
                )
            since = newest

    def _filter(self, since: datetime | None, until: datetime | None, behind: str, span: Span) -> str | None:
        made = within(self._root.dated, span)
        terms: Iterable[str] = (
            *((f"id:>{behind}",) if behind else ()),
            *((made,) if made else ()),
            *((f"updated_at:>='{stamp(since)}'",) if since else ()),
            *((f"updated_at:<'{stamp(until)}'",) if until else ()),
        )
        return " ".join(terms) or None

    async def _agree(self, intake: Intake) -> bool:
        """Bring our keys and the shop's together; False when the shop has some that we neither hold nor read."""
        name = self._root.shape.name
        count = await self._pager.count()
        seen = intake.seen
        expected = await self._held.count(name) + len(seen.difference(await self._held.among(name, seen)))
        if count == expected and not self._sweeps:
            return True
        ours = set(await self._held.keys(name)) | seen
        keys = await self._pager.keys()
        if count == expected and len(keys) != await self._pager.count():
            # A list that was cut, or a shop that changed meanwhile, proves nothing about what is not in it.
            self._sweeps = False
            return True
        await intake.drop(ours - keys)
        if not keys <= ours:
            await self._window(intake, self._middle, None)
        return keys <= ours | intake.seen

    async def _prune(self, intake: Intake) -> None:
        """After a whole read: what was deleted while we read came, but is gone."""
        for _ in range(_ROUNDS):
            if await self._pager.count() == intake.live_count:
                return
            keys = await self._pager.keys()
            await intake.drop(intake.live - keys)
            if keys <= intake.seen:
                return
            await self._window(intake, self._middle, None)
        raise Retry(60, "the shop changed faster than it could be read", code="moving_target")


_SIXTY_DAYS = (
    "Shopify shows this app 60 days of orders only (permission read_all_orders): older orders stay as they were, "
    "and deleted orders are not noticed."
)


def last_whole(since: Mark | None) -> datetime | None:
    """Return when a stream that is read whole now and then was last read so, by its cursor's note."""
    try:
        found = datetime.fromisoformat(since.newest) if since is not None else None
    except ValueError:
        return None
    return found if found is not None and found.tzinfo is not None else None


def stamp(moment: datetime) -> str:
    """Write an instant for a search."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
