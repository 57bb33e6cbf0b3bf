"""Calculates the metrics of a source after each of its runs: all of them in one process apart, what changed is kept.

A turn is a row with a due time: set in the transaction that ends a run, swept every second, taken by a guarded update.
Whoever dies with it leaves it to the next one, and the same values again are not written again.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from functools import partial
from typing import TYPE_CHECKING

import structlog

from jobs.ground import Ground
from jobs.metrics.compiling import Compiled, Mark, sides_of
from jobs.metrics.currencies import is_mixed
from jobs.metrics.following import Base, Following, read_seen, seen_text
from jobs.metrics.losing import is_lost, returns, still_lost
from jobs.metrics.mixing import Mixing
from jobs.metrics.outcomes import Outcome, local_day, outcome_of
from jobs.metrics.standing import standing
from jobs.metrics.tracing import Moved, Tracing
from jobs.outgoing import events
from jobs.threads import in_thread
from storage.facts.ids import derived_id
from storage.facts.metrics import Kept, Metric, MetricState
from storage.facts.restated import is_restated
from storage.facts.runs import Run
from storage.facts.sources import ConnectionState, Source
from storage.records import (
    home_views,
    last_runs,
    metric_keeping,
    metric_restated,
    metric_told,
    metrics,
    organizations,
    sources,
)
from storage.records.metric_keeping import Calculated, Made
from storage.records.metrics import Turn
from storage.sessions import Session
from storage.warehouse import NoLake, WarehouseError

if TYPE_CHECKING:
    from storage.warehouse.apart import Apart

SWEEP_SECONDS = 1.0
#: Whoever holds a turn longer than that has died with it, or takes long: then the next one holds it twice as long, so
#: that two who both take long do not take it from each other for ever.
_HOLD, _LONGER = timedelta(minutes=5), 4
#: how long to wait after an attempt that came to nothing, at most
_LONGEST_WAIT = timedelta(hours=1)
#: parts into which the metrics of a source are cut, at most
_MOST_PARTS = 64
#: values that are written in one transaction, so that no click waits behind it
_AT_ONCE = 1000

#: why there is no value yet
_WAITS = "what it is calculated from is not imported yet; it follows with one of the next collections"
_NOTHING_LEFT = "nothing that it is calculated from is in QuickBooks any more"
_FAILED = "calculating it did not end in time, and is tried again by itself"
_UNFORESEEN = "calculating it failed, Tidings' operators can see why, and it is tried again by itself"

log = structlog.get_logger()


@dataclass(slots=True)
class _Tries:
    """Which attempt this is, and what a part of the metrics came to nothing by."""

    attempts: int = 1
    #: another one with each run, so that it is not always the same ones that are left to a later attempt
    begins: int = 0
    failed: WarehouseError | None = None


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a turn calculates, and from what."""

    source: Source
    run: Run
    as_of: datetime
    metrics: Sequence[Metric]
    tries: _Tries = field(default_factory=_Tries)


class Calculating:
    """Looks for due turns, one at a time in this process."""

    #: parts of an attempt that may come to nothing: then the rest is left, for other companies wait behind it
    most_failed = 3

    def __init__(self, ground: Ground, *, may_act: Callable[[], bool] = lambda: True) -> None:
        self._ground = ground
        self._may_act = may_act
        self._task: asyncio.Task[None] | None = None

    async def sweep(self) -> None:
        """Begin with what is due, unless this process calculates already."""
        if not self._may_act() or (self._task is not None and not self._task.done()):
            return
        now = self._ground.clock.now()
        found = await self._ground.database.reading(lambda session: metrics.due_turns(session, now))
        if found:
            self._task = asyncio.create_task(self._all(found))

    async def close(self) -> None:
        """Let go of what is under way; it is calculated again later."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _all(self, turns: Sequence[Turn]) -> None:
        for turn in turns:
            try:
                await self.take(turn)
            except Exception:  # the edge of a task: not even that could be written down, so its hold ends first
                log.exception("metrics_failed", source=turn.source_id)

    async def take(self, turn: Turn) -> None:
        """Calculate the metrics of one source, if nobody else does."""
        database, now = self._ground.database, self._ground.clock.now()
        hold = _HOLD * (1 << min(turn.attempts, _LONGER))
        taken = await database.writing(lambda session: metrics.claim(session, turn, now, now + hold))
        if taken is None:
            return
        self._ground.checkpoint("metrics.claimed")
        ready = await database.reading(lambda session: _ready(session, taken.source_id))
        if ready is None:
            await database.writing(lambda session: metrics.done(session, taken, taken.seen))
            return
        ready.tries.attempts, ready.tries.begins = taken.attempts, taken.generation
        try:
            await self._calculated(taken, ready)
        except NoLake:
            await database.writing(lambda session: metrics.done(session, taken, ""))
        except WarehouseError as error:
            # Its text may quote a customer's values.
            log.warning("metrics_not_calculated", source=taken.source_id, reason=type(error).__name__)
            await self._again(taken, _FAILED)
        except Exception:  # the edge of a turn: what is unforeseen must not come again each five minutes for ever
            log.exception("metrics_failed", source=taken.source_id, attempts=taken.attempts)
            await self._again(taken, _UNFORESEEN)

    async def _again(self, turn: Turn, reason: str) -> None:
        """Try it again, later and later; the values from before stay."""
        wait = min(_LONGEST_WAIT, timedelta(seconds=5 * 4 ** min(turn.attempts, 6)))
        now = self._ground.clock.now()
        await self._ground.database.writing(lambda session: _failed(session, turn, now + wait, reason, now))

    async def _calculated(self, turn: Turn, ready: _Ready) -> None:
        ground = self._ground
        warehouse = ground.warehouses.of(turn.organization_id)
        snapshot = await in_thread(warehouse.snapshot)
        same, (before, base) = _same(snapshot, ready), read_seen(turn.seen)
        if same == before:
            await self._verified(turn, ready, turn.seen)
            return
        cursors = await in_thread(lambda: warehouse.cursors(ready.source.id))
        # Taken after the cursors: no value may be older than the reading that they tell of.
        snapshot = await in_thread(warehouse.snapshot)
        same = _same(snapshot, ready)
        async with self._apart(ready.source, snapshot) as apart:
            found, marks = await self._since(base, ready, apart, cursors)
            moved: dict[str, Moved] = {}
            for some in _batches(found):
                if not await ground.database.writing(
                    partial(self._kept, turn=turn, ready=ready, snapshot=snapshot, some=some, moved=moved)
                ):
                    return
                ground.checkpoint("metrics.kept")
            await self._traced(turn, ready, moved, apart, snapshot, base.snapshot)
        if ready.tries.failed is not None:
            # What did not come to nothing is kept; the rest is tried again, in smaller parts.
            raise ready.tries.failed
        seen = seen_text(same, Base(snapshot, marks))
        await ground.database.writing(lambda session: metrics.done(session, turn, seen))

    def _apart(self, source: Source, snapshot: int) -> "Apart":
        """Return the process that answers what a calculation asks of the lake, all of it from one snapshot."""
        from storage.warehouse.apart import Apart

        return Apart(self._ground.warehouses.url, source.organization_id, snapshot=snapshot)

    async def _since(
        self, base: Base, ready: _Ready, apart: "Apart", cursors: Mapping[str, str]
    ) -> tuple[list[Outcome], dict[str, Mark]]:
        """Return what became of the metrics since they were calculated last, and what that stands on."""
        from storage.warehouse.apart import TooMuch

        source, run = ready.source, ready.run
        following = Following(source.id, ready.metrics, base, run)
        made: dict[str, Outcome] = {}
        if questions := following.questions():
            kept = await self._ground.database.reading(
                lambda session: metrics.currencies_of(session, [one.id for one in following.metrics])
            )
            with suppress(TooMuch):
                # So much changed that it is no dearer to look at everything.
                answers = await apart.ask(questions)
                made = await in_thread(lambda: following.outcomes(answers, kept, cursors))
        marks = following.marks()
        rest = [one for one in ready.metrics if one.id not in made]
        gone = [one for one in rest if is_lost(one)]
        if gone:
            # Whether what vanished is there again is one small question, and no look at all records.
            still = still_lost(gone, await apart.ask(returns(source.id, gone)))
            rest = [one for one in rest if one.id not in still]
        if mixed := [one for one in rest if is_mixed(one)]:
            mixing = Mixing(source.id, mixed)
            # Where that alone takes too much, they are looked at as the others are, and keep none of these waiting.
            with suppress(TooMuch):
                still = mixing.still(await apart.ask(mixing.questions()))
                rest = [one for one in rest if one.id not in still]
        whole = await self._in_parts(ready, rest, apart, cursors, marks)
        # While a first read goes on with older periods, all is calculated each time.
        return [*made.values(), *whole], {} if run.older else marks

    async def _in_parts(
        self,
        ready: _Ready,
        rest: Sequence[Metric],
        apart: "Apart",
        cursors: Mapping[str, str],
        marks: dict[str, Mark],
    ) -> list[Outcome]:
        """Return what they come to: after attempts that took too much in more and smaller parts, each by itself."""
        from storage.warehouse.apart import TooMuch

        tries, made, failed = ready.tries, list[Outcome](), 0
        parts = list(_parts(rest, tries.attempts))
        first = tries.begins % max(1, len(parts))
        for some in parts[first:] + parts[:first]:
            if tries.attempts > 1:
                # What one process may take of the processor is for all that it is asked: each part has its own.
                await apart.close()
            try:
                made += await self._whole(ready.source, some, ready.run, apart, cursors, marks)
            except TooMuch as error:
                if tries.attempts == 1:
                    raise
                # One that nobody can calculate keeps no other from going on.
                tries.failed = error
                failed += 1
                if failed == self.most_failed:
                    break
        return made

    async def _traced(
        self, turn: Turn, ready: _Ready, moved: dict[str, Moved], apart: "Apart", snapshot: int, before: int
    ) -> None:
        """Note with values of closed periods that are others now through which transactions; they are kept already."""
        ground, known = self._ground, {one.id: one for one in ready.metrics}
        if turn.attempts > 1:
            # Whoever died before this left such values behind.
            left = await ground.database.reading(lambda session: metric_restated.untold(session, list(known), snapshot))
            moved |= {one: Moved(known[one], values) for one, values in left.items()}
        if not moved:
            return
        earlier = [int(one.changed["snapshot_before"]) for each in moved.values() for one in each.values]
        tracing = Tracing(ready.source.id, list(moved.values()), before if before >= 0 else min(earlier))
        try:
            answers = await apart.ask(tracing.questions())
        except WarehouseError as error:
            # Its text may quote a customer's values. The values are right without it.
            log.warning("metrics_not_traced", source=ready.source.id, reason=type(error).__name__)
            return
        found = await in_thread(lambda: list(tracing.found(answers)))

        def work(session: Session) -> None:
            organizations.lock(session, turn.organization_id)
            if metrics.holds(session, turn):
                metric_restated.note_all(session, [(metric.id, kept, noted) for metric, kept, noted in found])

        await ground.database.writing(work)

    async def outcomes(
        self, source: Source, wanted: Sequence[Metric], run: Run, snapshot: int, cursors: Mapping[str, str]
    ) -> list[Outcome]:
        """Ask the lake for all of them, in a process apart, and return what each comes to. Writes nothing."""
        async with self._apart(source, snapshot) as apart:
            return await self._whole(source, wanted, run, apart, cursors, {})

    async def _whole(
        self,
        source: Source,
        wanted: Sequence[Metric],
        run: Run,
        apart: "Apart",
        cursors: Mapping[str, str],
        marks: dict[str, Mark],
    ) -> list[Outcome]:
        """Return what each of them comes to, all looked at; what they stand on is noted in `marks`."""
        from storage.warehouse.apart import TooManyRows

        sides = [side for metric in wanted for side in sides_of(metric.definition)]
        compiled = Compiled(source.id, sides)
        try:
            answers = await apart.ask(compiled.questions())
        except TooManyRows:
            if len(wanted) == 1:
                raise
            half = len(wanted) // 2
            return [
                one
                for some in (wanted[:half], wanted[half:])
                for one in await self._whole(source, some, run, apart, cursors, marks)
            ]

        def made() -> list[Outcome]:
            answered = iter(zip(sides, compiled.answers(answers), strict=True))
            return [outcome_of(one, [next(answered) for _ in sides_of(one.definition)], run, cursors) for one in wanted]

        marks |= compiled.marks(answers)
        # Seconds for hundreds of metrics by the day: nobody's click waits for that.
        return await in_thread(made)

    async def _verified(self, turn: Turn, ready: _Ready, seen: str) -> None:
        """Move the as-of of what is as new as the run; what is read once a day is as old as it was."""
        moved: dict[str, datetime] = {}
        for metric in ready.metrics:
            daily = any(side.table and side.table.daily for side in sides_of(metric.definition))
            as_of = metric.as_of if daily else ready.as_of
            if as_of is not None:
                moved[metric.id] = as_of

        def work(session: Session) -> None:
            if metrics.done(session, turn, seen):
                now = self._ground.clock.now()
                metrics.verified(session, ready.source.id, ready.run.id, moved, now)
                home_views.changed(session, turn.organization_id, now)

        await self._ground.database.writing(work)

    def _kept(
        self,
        session: Session,
        turn: Turn,
        ready: _Ready,
        snapshot: int,
        some: Sequence[Outcome],
        moved: dict[str, Moved],
    ) -> bool:
        """Keep some of what was calculated, and tell receivers; False when the turn is somebody else's by now.

        What was whole and is another now is noted in `moved`.
        """
        organizations.lock(session, turn.organization_id)
        if not metrics.holds(session, turn):
            return False
        metrics.unsee(session, turn)
        now = self._ground.clock.now()
        home_views.changed(session, turn.organization_id, now)
        as_before = {one.metric.id: one.as_of for one in some if one.partial and not one.values}
        metrics.verified(session, ready.source.id, ready.run.id, as_before, now)
        made: list[Made] = []
        for one in some:
            metric = one.metric
            if one.broken:
                metrics.mark_broken(session, metric, one.broken)
            elif one.waits and metric.state is MetricState.CURRENT:
                # Its values are of records that are gone: the next run must not find them as new as itself.
                metrics.mark_broken(session, metric, one.note or _NOTHING_LEFT)
            elif one.waits:
                metrics.say_why(session, metric.source_id, one.note or _WAITS, metric.id)
            elif metric.id not in as_before:
                of = Calculated(ready.run.id, snapshot, one.as_of, one.currency, metric.version, one.note)
                made.append(Made(metric, one.values, of, one.partial))
        kept = metric_keeping.keep_all(session, made, now)
        self._told(session, ready, made, kept, now)
        for each in made:
            if restated := [value for value in kept[each.metric.id] if is_restated(value)]:
                moved[each.metric.id] = Moved(each.metric, restated)
        return True

    def _told(
        self, session: Session, ready: _Ready, made: Sequence[Made], kept: Mapping[str, Sequence[Kept]], now: datetime
    ) -> None:
        """Tell the receivers of the organization, where there are any, which values are others."""
        if not events.heard(session, ready.source.organization_id):
            return
        told: dict[MetricState, list[str]] = {MetricState.CURRENT: [], MetricState.STALE: []}
        for one in made:
            new = replace(one.metric, state=MetricState.CURRENT, as_of=one.of.as_of, calculated_version=one.of.version)
            state, why = standing(new, ready.source, ready.run, None, now)
            stale = state is not MetricState.CURRENT
            values = kept[one.metric.id]
            if events.metric_updated(session, one.metric, values, one.of, now, stale=stale, why=why if stale else ""):
                told[MetricState.STALE if stale else MetricState.CURRENT].append(one.metric.id)
        for state, ids in told.items():
            metric_told.note(session, ids, state)


def _failed(session: Session, turn: Turn, again_at: datetime, reason: str, now: datetime) -> None:
    """Try it again then; whoever waits for a first value reads why there is none yet."""
    if metrics.holds(session, turn):
        metrics.again_at(session, turn, again_at, reason, now)
        metrics.say_why(session, turn.source_id, reason)


def _ready(session: Session, source_id: str) -> _Ready | None:
    """Return what is to be calculated; None when nothing is, because the source stands still or was never ready."""
    source = sources.source(session, source_id)
    run = last_runs.ready_of(session, [source_id]).get(source_id)
    found = metrics.of_source(session, source_id)
    as_of = run.clocks.source_as_of if run else None
    if run is None or as_of is None or not found or source.connection is ConnectionState.DISCONNECTED:
        return None
    return _Ready(source, run, as_of, found)


def _same(snapshot: int, ready: _Ready) -> str:
    """Return a text that is another as soon as anything is that values depend on."""
    days = {local_day(ready.as_of, metric.definition.zone) for metric in ready.metrics}
    defined = derived_id("def", *(f"{metric.id} {metric.version}" for metric in ready.metrics))
    return f"{snapshot} {defined} {' '.join(sorted(map(str, days)))}{' older' if ready.run.older else ''}"


def _parts(wanted: Sequence[Metric], attempts: int) -> Iterator[Sequence[Metric]]:
    """Yield what is calculated at once: all of them at first, half as many with each further attempt.

    What is calculated from the same records stays together, so that they are read as seldom as can be.
    """
    ordered = sorted(
        wanted, key=lambda one: [(side.selection.dataset, side.narrowed) for side in sides_of(one.definition)]
    )
    size = max(1, -(-len(ordered) // min(_MOST_PARTS, 1 << (attempts - 1))))
    for first in range(0, len(ordered), size):
        yield ordered[first : first + size]


def _batches(found: Sequence[Outcome]) -> Iterator[list[Outcome]]:
    some: list[Outcome] = []
    size = 0
    for one in found:
        some.append(one)
        size += len(one.values) + 1
        if size >= _AT_ONCE:
            yield some
            some, size = [], 0
    if some:
        yield some
