"""The clock: submits the slots of schedules that are due, and runs the sweeps.

The only module that imports apscheduler, which gives the beat. What is due is decided by the injected Clock and by
`jobs.slots`, so a jump of the clock is noticed at the next beat, and several due sources go in one call. Every
worker runs its own clock: slots are idempotent, so none has to lead.
"""

import asyncio
import heapq
import itertools
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from apscheduler.events import EVENT_JOB_ERROR, EVENT_JOB_MAX_INSTANCES, EVENT_JOB_MISSED, JobEvent
from apscheduler.schedulers.asyncio import AsyncIOScheduler

from jobs.figures import SWEEPS, Figures
from jobs.slots import Schedule, Slot, latest_slot, next_slot
from storage.facts.clock import Clock

logger = logging.getLogger(__name__)

#: None: every schedule; an instant: those that changed at or after it, inactive ones included
LoadSchedules = Callable[[datetime | None], Sequence[Schedule]]
#: must be idempotent by source and key
SubmitSlots = Callable[[Sequence[Slot]], None]

_BATCH = 50
_BEAT_SECONDS = 1.0
_CATCH_UP = timedelta(minutes=10)
#: clocks of machines differ, and a row is seen only once it is committed
_OVERLAP = timedelta(seconds=60)
_RETRY = timedelta(seconds=5)
#: what comes each second is never planned so far ahead: the machine's clock was set back
_SET_BACK = timedelta(seconds=5)
_SPREAD_SECONDS = 0.25
_LONG_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Sweep:
    """Something that is looked after regularly; it never overlaps itself."""

    name: str
    every_seconds: float
    run: Callable[[], Awaitable[None]]


class Clockwork:
    """Beats once a second while it runs, on the event loop that started it."""

    def __init__(
        self,
        load_schedules: LoadSchedules,
        submit_slots: SubmitSlots,
        sweeps: Sequence[Sweep],
        clock: Clock,
        *,
        reread_seconds: float = 5.0,
        figures: Figures | None = None,
    ) -> None:
        self._figures = figures or Figures()
        self._load = load_schedules
        self._submit = submit_slots
        self._clock = clock
        self._sweeps = [
            Sweep("due_slots", _BEAT_SECONDS, self._submit_due),
            Sweep("changed_schedules", reread_seconds, self._reread),
            Sweep("catch_up", _BEAT_SECONDS, self._catch_up_when_due),
            *sweeps,
        ]
        self._schedules: dict[str, Schedule] = {}
        #: instant, number of the plan, schedule; a plan counts only while it is the newest of its source
        self._due: list[tuple[datetime, int, Schedule]] = []
        self._plans: dict[str, int] = {}
        self._numbers = itertools.count()
        self._seen = clock.now()
        self._caught_up: datetime | None = None
        self._reread_from: datetime | None = None
        self._began: dict[str, float] = {}
        self._scheduler: AsyncIOScheduler | None = None
        self._keeper: asyncio.Task[None] | None = None

    @property
    def sweeps(self) -> Sequence[Sweep]:
        """Everything that is looked after, the clock's own sweeps first: for whoever beats by hand after `prepare`."""
        return tuple(self._sweeps)

    @property
    def next_due(self) -> datetime | None:
        """When the next slot may be due; None when nothing is scheduled."""
        return self._due[0][0] if self._due else None

    async def prepare(self) -> None:
        """Read every schedule."""
        await self._read_all()

    async def start(self) -> None:
        """Read every schedule and begin to beat; the catch-up of what was missed begins at once, spread."""
        await self.prepare()
        scheduler = AsyncIOScheduler(timezone=UTC)
        scheduler.add_listener(self._note, EVENT_JOB_ERROR | EVENT_JOB_MISSED | EVENT_JOB_MAX_INSTANCES)
        # Its own words about each skipped beat are replaced by ours about long ones.
        logging.getLogger("apscheduler").setLevel(logging.ERROR)
        for sweep in self._sweeps:
            scheduler.add_job(
                self.look_after,
                "interval",
                args=[sweep],
                id=sweep.name,
                seconds=sweep.every_seconds,
                next_run_time=self.begins(),
                coalesce=True,
                max_instances=1,
                misfire_grace_time=None,
            )
        scheduler.start()
        self._scheduler = scheduler
        self._keeper = asyncio.create_task(self._kept(scheduler))

    def begins(self) -> datetime:
        """Return when everything is looked after first, by the machine's clock, which the library goes by."""
        return datetime.now(UTC)

    def hasten(self, scheduler: AsyncIOScheduler) -> None:
        """Look after everything now where the machine's clock was set back: else not before it is as late again."""
        now, first = datetime.now(UTC), scheduler.get_job(self._sweeps[0].name)
        if first is None or first.next_run_time is None or first.next_run_time <= now + _SET_BACK:
            return
        logger.warning("clock_set_back", extra={"seconds": round((first.next_run_time - now).total_seconds())})
        for sweep in self._sweeps:
            scheduler.modify_job(sweep.name, next_run_time=now)

    async def _kept(self, scheduler: AsyncIOScheduler) -> None:
        while True:
            await asyncio.sleep(_BEAT_SECONDS)
            self.hasten(scheduler)

    async def stop(self, seconds: float = 5.0) -> None:
        """Stop beating; sweeps that run may end within that time, then they are cancelled."""
        if self._scheduler is None:
            return
        if self._keeper is not None:
            self._keeper.cancel()
        self._scheduler.pause()
        deadline = asyncio.get_running_loop().time() + seconds
        while self._began and asyncio.get_running_loop().time() < deadline:
            await self._clock.sleep(0.02)
        self._scheduler.shutdown(wait=False)
        self._scheduler = None
        # The scheduler shuts down by a call of its own on the loop.
        await asyncio.sleep(0)

    async def look_after(self, sweep: Sweep) -> None:
        """Run one sweep now; what goes wrong in it is logged, and the next one looks again."""
        self._began[sweep.name] = asyncio.get_running_loop().time()
        try:
            with self._figures.timed(SWEEPS, sweep.name):
                await sweep.run()
        except Exception:  # the edge of a sweep: the next one looks again
            logger.exception("sweep_failed", extra={"sweep": sweep.name})
        finally:
            del self._began[sweep.name]

    def _note(self, event: JobEvent) -> None:
        if event.code == EVENT_JOB_MAX_INSTANCES:
            now = asyncio.get_running_loop().time()
            if now - self._began.get(event.job_id, now) > _LONG_SECONDS:
                logger.warning("sweep_takes_long", extra={"sweep": event.job_id})
                self._began[event.job_id] = now
            return
        logger.error("sweep_missed", extra={"sweep": event.job_id, "event": event.code})

    # Due slots

    async def _submit_due(self) -> None:
        now = self._clock.now()
        if now < self._seen - _OVERLAP:
            # Somebody turned the clock back: what was planned by the old time would come far too late.
            self._plan_all(now)
        self._seen = now
        due = []
        while self._due and self._due[0][0] <= now:
            _, number, schedule = heapq.heappop(self._due)
            if self._plans.get(schedule.source_id) == number:
                due.append(schedule)
        for schedule in due:
            self._plan(schedule, next_slot(schedule, now))
        for batch in _batches(due):
            await self._submit_or_retry(batch, now)

    async def _submit_or_retry(self, schedules: Sequence[Schedule], now: datetime) -> None:
        try:
            await self._submit_latest(schedules, now)
        except Exception:  # the edge of a batch: it is tried again soon, and the others must not wait for it
            logger.exception("slots_not_submitted", extra={"sources": [item.source_id for item in schedules]})
            for schedule in schedules:
                if self._schedules.get(schedule.source_id) == schedule:
                    self._plan(schedule, now + _RETRY)

    async def _submit_latest(self, schedules: Sequence[Schedule], now: datetime) -> None:
        # One order everywhere: clocks that submit the same slots at once must not lock their rows crosswise.
        slots = sorted((latest_slot(schedule, now) for schedule in schedules), key=lambda slot: slot.source_id)
        await asyncio.to_thread(self._submit, slots)

    def _plan(self, schedule: Schedule, at: datetime) -> None:
        number = next(self._numbers)
        self._plans[schedule.source_id] = number
        heapq.heappush(self._due, (at, number, schedule))

    def _plan_all(self, now: datetime) -> None:
        self._due = []
        self._plans = {}
        for schedule in self._schedules.values():
            self._plan(schedule, next_slot(schedule, now))

    # Schedules

    async def _read_all(self) -> None:
        now = self._clock.now()
        found = await asyncio.to_thread(self._load, None)
        self._schedules = {schedule.source_id: schedule for schedule in found if schedule.runs}
        self._reread_from = now - _OVERLAP
        self._plan_all(now)

    async def _reread(self) -> None:
        now = self._clock.now()
        for schedule in await asyncio.to_thread(self._load, self._reread_from):
            self._take(schedule, now)
        self._reread_from = now - _OVERLAP

    def _take(self, schedule: Schedule, now: datetime) -> None:
        if not schedule.runs:
            self._schedules.pop(schedule.source_id, None)
            self._plans.pop(schedule.source_id, None)
        elif self._schedules.get(schedule.source_id) != schedule:
            self._schedules[schedule.source_id] = schedule
            self._plan(schedule, next_slot(schedule, now))

    # Catch-up

    async def _catch_up_when_due(self) -> None:
        now = self._clock.now()
        if self._caught_up is not None and abs(now - self._caught_up) < _CATCH_UP:
            return
        if self._caught_up is not None:
            await self._read_all()
        for batch in _batches(list(self._schedules.values())):
            await self._submit_latest(batch, self._clock.now())
            # Sources that all missed their slot must not all start in the same second.
            await self._clock.sleep(_SPREAD_SECONDS)
        self._caught_up = now


def _batches(schedules: Sequence[Schedule]) -> list[Sequence[Schedule]]:
    return [schedules[start : start + _BATCH] for start in range(0, len(schedules), _BATCH)]
