"""Calculates the metrics of a source after each of its runs: all of them in one process apart, what changed is kept.

A turn is a row with a due time: set in the transaction that ends a run, swept every second, taken by a guarded update.
Whoever dies with it leaves it to the next one, and the same values again are not written again.
"""

import asyncio
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from zoneinfo import ZoneInfo

import structlog

from jobs.ground import Ground
from jobs.metrics.compiling import Answered, Compiled, Side, sides_of
from jobs.metrics.values import Input, values
from jobs.outgoing import events
from jobs.promises import freshness
from jobs.threads import in_thread
from storage.facts.ids import derived_id
from storage.facts.metrics import Calculation, Metric, Value
from storage.facts.runs import Run
from storage.facts.sources import ConnectionState, Freshness, Source
from storage.records import metrics, organizations, runs, sources
from storage.records.metrics import Calculated, Turn
from storage.sessions import Session
from storage.warehouse import NoLake, WarehouseError

SWEEP_SECONDS = 1.0
#: Whoever holds a turn longer than that has died with it.
_HOLD = timedelta(minutes=5)
#: how long to wait after an attempt that came to nothing, at most
_LONGEST_WAIT = timedelta(hours=1)
#: values that are written in one transaction, so that no click waits behind it
_AT_ONCE = 1000

_WITHOUT_CURRENCY = frozenset({Calculation.COUNT, Calculation.RATIO, Calculation.GROWTH, Calculation.GROWTH_YEAR})

#: why there is no value yet
_WAITS = "what it is calculated from is not imported yet; it follows with one of the next collections"
_FAILED = "calculating it did not end in time, and is tried again by itself"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class _Ready:
    """What a turn calculates, and from what."""

    source: Source
    run: Run
    as_of: datetime
    metrics: Sequence[Metric]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one metric came to: values, or why there are none."""

    metric: Metric
    as_of: datetime
    values: Sequence[Value] = ()
    currency: str = ""
    broken: str = ""
    #: nothing to calculate from is imported yet
    waits: bool = False


class Calculating:
    """Looks for due turns, one at a time in this process."""

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
            except Exception:  # the edge of a task: the turn comes again when its hold is over
                log.exception("metrics_failed", source=turn.source_id)

    async def take(self, turn: Turn) -> None:
        """Calculate the metrics of one source, if nobody else does."""
        database, clock = self._ground.database, self._ground.clock
        now = clock.now()
        taken = await database.writing(lambda session: metrics.claim(session, turn, now, now + _HOLD))
        if taken is None:
            return
        self._ground.checkpoint("metrics.claimed")
        ready = await database.reading(lambda session: _ready(session, taken.source_id))
        if ready is None:
            await database.writing(lambda session: metrics.done(session, taken, taken.seen))
            return
        try:
            await self._calculated(taken, ready)
        except NoLake:
            await database.writing(lambda session: metrics.done(session, taken, ""))
        except WarehouseError as error:
            # Its text may quote a customer's values.
            log.warning("metrics_not_calculated", source=taken.source_id, reason=type(error).__name__)
            wait = min(_LONGEST_WAIT, timedelta(seconds=5 * 4 ** min(taken.attempts, 6)))
            await database.writing(lambda session: _failed(session, taken, clock.now() + wait))

    async def _calculated(self, turn: Turn, ready: _Ready) -> None:
        ground = self._ground
        warehouse = ground.warehouses.of(turn.organization_id)
        snapshot = await in_thread(warehouse.snapshot)
        seen = _seen(snapshot, ready)
        if seen == turn.seen:
            await self._verified(turn, ready, seen)
            return
        cursors = await in_thread(lambda: warehouse.cursors(ready.source.id))
        found = await self.outcomes(ready.source, ready.metrics, ready.run, snapshot, cursors)
        for some in _batches(found):
            if not await ground.database.writing(
                partial(self._kept, turn=turn, ready=ready, snapshot=snapshot, some=some)
            ):
                return
            ground.checkpoint("metrics.kept")
        await ground.database.writing(lambda session: metrics.done(session, turn, seen))

    async def outcomes(
        self,
        source: Source,
        wanted: Sequence[Metric],
        run: Run,
        snapshot: int,
        cursors: Mapping[str, str],
    ) -> list[Outcome]:
        """Ask the lake once for all of them, in a process apart, and return what each comes to. Writes nothing."""
        from storage.warehouse.apart import TooManyRows, ask_apart

        sides = [side for metric in wanted for side in sides_of(metric.definition)]
        compiled = Compiled(source.id, sides)
        try:
            answers = await ask_apart(
                self._ground.warehouses.url, source.organization_id, compiled.questions(), snapshot=snapshot
            )
        except TooManyRows:
            if len(wanted) == 1:
                raise
            half = len(wanted) // 2
            return [
                one
                for some in (wanted[:half], wanted[half:])
                for one in await self.outcomes(source, some, run, snapshot, cursors)
            ]

        def made() -> list[Outcome]:
            answered = iter(zip(sides, compiled.answers(answers), strict=True))
            return [_outcome(one, [next(answered) for _ in sides_of(one.definition)], run, cursors) for one in wanted]

        # Seconds for hundreds of metrics by the day: nobody's click waits for that.
        return await in_thread(made)

    async def _verified(self, turn: Turn, ready: _Ready, seen: str) -> None:
        """Move the as-of of what is as new as the run; what is read once a day is as old as it was."""
        moved = {
            metric.id: ready.as_of
            for metric in ready.metrics
            if not any(side.table and side.table.daily for side in sides_of(metric.definition))
        }

        def work(session: Session) -> None:
            if metrics.done(session, turn, seen):
                metrics.verified(session, ready.source.id, ready.run.id, moved, self._ground.clock.now())

        await self._ground.database.writing(work)

    def _kept(self, session: Session, turn: Turn, ready: _Ready, snapshot: int, some: Sequence[Outcome]) -> bool:
        """Keep some of what was calculated, and tell receivers; False when the turn is somebody else's by now."""
        organizations.lock(session, turn.organization_id)
        if not metrics.holds(session, turn):
            return False
        now = self._ground.clock.now()
        for one in some:
            metric = one.metric
            if one.broken:
                metrics.mark_broken(session, metric, one.broken)
            elif one.waits:
                metrics.say_why(session, metric.source_id, _WAITS, metric.id)
            else:
                of = Calculated(ready.run.id, snapshot, one.as_of, one.currency, metric.version)
                stale = freshness(ready.source, ready.as_of, now) is not Freshness.FRESH
                kept = metrics.keep(session, metric, one.values, of, now)
                events.metric_updated(session, metric, kept, of, now, stale=stale)
        return True


def _failed(session: Session, turn: Turn, again_at: datetime) -> None:
    """Try it again then; whoever waits for a first value reads why there is none yet."""
    if metrics.holds(session, turn):
        metrics.again_at(session, turn, again_at)
        metrics.say_why(session, turn.source_id, _FAILED)


def _ready(session: Session, source_id: str) -> _Ready | None:
    """Return what is to be calculated; None when nothing is, because the source stands still or was never ready."""
    source = sources.source(session, source_id)
    run = runs.last_ready_of(session, [source_id]).get(source_id)
    found = metrics.of_source(session, source_id)
    as_of = run.clocks.source_as_of if run else None
    if run is None or as_of is None or not found or source.connection is ConnectionState.DISCONNECTED:
        return None
    return _Ready(source, run, as_of, found)


def _seen(snapshot: int, ready: _Ready) -> str:
    """Return a text that is another as soon as anything is that values depend on."""
    days = {local_day(ready.as_of, metric.definition.zone) for metric in ready.metrics}
    defined = derived_id("def", *(f"{metric.id} {metric.version}" for metric in ready.metrics))
    return f"{snapshot} {defined} {' '.join(sorted(map(str, days)))}{' older' if ready.run.older else ''}"


def local_day(at: datetime, zone: str) -> date:
    """Return which day it is there at that instant."""
    return at.astimezone(ZoneInfo(zone)).date()


def _outcome(
    metric: Metric, answered: Sequence[tuple[Side, Answered]], run: Run, cursors: Mapping[str, str]
) -> Outcome:
    """Return what the answers to a metric's one or two sides come to."""
    at = run.clocks.source_as_of
    assert at is not None
    as_of = min([at, *(_read_at(side, found, at, cursors) for side, found in answered)])
    if any(found.empty for _, found in answered):
        return Outcome(metric, as_of, waits=True)
    inputs: list[Input] = []
    for side, found in answered:
        if found.input is None:
            name = side.selection.item_name or side.selection.item
            return Outcome(metric, as_of, broken=f"{name} is not in QuickBooks any more")
        if found.input.refused:
            return Outcome(metric, as_of, broken=found.input.refused)
        # While a first read goes on with older periods, there is more before the first day.
        inputs.append(replace(found.input, whole=found.input.whole and not run.older))
    currencies = {one.currency for one in inputs if one.currency}
    wanted = metric.definition.currency
    if len(currencies) > 1 or (wanted and currencies and currencies != {wanted}):
        several = ", ".join(sorted(currencies | ({wanted} if wanted else set())))
        return Outcome(metric, as_of, broken=f"its amounts are in {several}, and nothing is converted")
    second = inputs[1] if len(inputs) > 1 else None
    made = values(metric.definition, inputs[0], second, local_day(as_of, metric.definition.zone))
    plain = metric.definition.calculation in _WITHOUT_CURRENCY
    return Outcome(metric, as_of, made, "" if plain else wanted or next(iter(currencies), ""))


def _read_at(side: Side, found: Answered, as_of: datetime, cursors: Mapping[str, str]) -> datetime:
    """Return up to when the side's data is complete: what is read once a day is as old as that reading."""
    daily = side.table.daily if side.table else ""
    if not daily:
        return as_of
    known = [found.read_at] if found.read_at else []
    with suppress(ValueError):
        # The day of the last reading, which may have found nothing new: from its first instant on that is certain.
        known.append(datetime.combine(date.fromisoformat(cursors.get(daily, "")), datetime.min.time(), UTC))
    return min(as_of, max(known)) if known else datetime.min.replace(tzinfo=UTC)


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
