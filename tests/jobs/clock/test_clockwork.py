"""The clock submits each slot, notices jumps and changes, carries on after errors, and never overlaps a sweep."""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from apscheduler.schedulers.asyncio import AsyncIOScheduler
from sqlalchemy import text

from jobs.clock import Clockwork, Sweep
from jobs.engine import Work, WorkContext
from jobs.slots import Schedule, Slot, latest_slot
from storage.facts.clock import OffsetClock
from storage.sessions import Database, Session
from tests.jobs.engine.stage import ended, running

NOW = datetime(2026, 11, 22, 12, 5, tzinfo=UTC)


class Sources:
    """Schedules and submitted slots, in memory."""

    def __init__(self, *schedules: Schedule) -> None:
        self.schedules = {schedule.source_id: schedule for schedule in schedules}
        self.batches: list[Sequence[Slot]] = []
        self.failures = 0
        self.loads: list[datetime | None] = []

    def load(self, since: datetime | None) -> Sequence[Schedule]:
        self.loads.append(since)
        return list(self.schedules.values())

    def submit(self, slots: Sequence[Slot]) -> None:
        if self.failures:
            self.failures -= 1
            raise OSError("the database is away")
        self.batches.append(slots)

    @property
    def slots(self) -> list[Slot]:
        return [slot for batch in self.batches for slot in batch]


@asynccontextmanager
async def ticking(
    sources: Sources, clock: OffsetClock, *sweeps: Sweep, make: type[Clockwork] = Clockwork
) -> AsyncIterator[Clockwork]:
    clockwork = make(sources.load, sources.submit, sweeps, clock, reread_seconds=0.3)
    await clockwork.start()
    try:
        yield clockwork
    finally:
        await clockwork.stop()


async def until(look: Callable[[], Any], seconds: float = 60.0) -> None:
    deadline = time.monotonic() + seconds
    while not look():
        assert time.monotonic() < deadline, "it did not happen in time"
        await asyncio.sleep(0.02)


async def test_the_latest_slot_is_caught_up_at_the_start() -> None:
    sources = Sources(Schedule("a", 60), Schedule("b", 15), Schedule("off", 60, active=False))
    # No slot becomes due while the test looks.
    clock = OffsetClock(NOW - datetime.now(UTC))
    async with ticking(sources, clock):
        await until(lambda: len(sources.slots) >= 2)
    assert {slot.source_id for slot in sources.slots} == {"a", "b"}
    for slot in sources.slots:
        assert slot == latest_slot(sources.schedules[slot.source_id], NOW)


async def test_a_jump_of_the_clock_submits_the_slots_that_became_due() -> None:
    sources = Sources(*(Schedule(f"s{number}", 60) for number in range(120)))
    clock = OffsetClock()
    async with ticking(sources, clock):
        await until(lambda: len(sources.slots) >= 120)
        sources.batches.clear()
        clock.advance(timedelta(hours=3))
        began = clock.now()
        await until(lambda: len({slot.source_id for slot in sources.slots}) == 120)
    # Only the newest slot counts, and sources that are due together go together.
    assert max(Counter(slot.key for slot in set(sources.slots)).values()) <= 120
    newest = {slot.source_id: slot.at for slot in sources.slots}
    for source_id, at in newest.items():
        # A slot may become due while the test looks.
        schedule = sources.schedules[source_id]
        assert latest_slot(schedule, began).at <= at <= latest_slot(schedule, clock.now()).at
    assert 2 <= max(len(batch) for batch in sources.batches) <= 50
    # Clocks that submit the same slots at once lock their rows in one order, or Postgres finds deadlocks.
    assert all(list(batch) == sorted(batch, key=lambda slot: slot.source_id) for batch in sources.batches)


async def test_a_clock_turned_back_does_not_stop_the_slots() -> None:
    sources = Sources(Schedule("a", 1))
    clock = OffsetClock(timedelta(hours=5))
    async with ticking(sources, clock) as clockwork:
        await until(lambda: sources.slots)
        turned = clock.now()
        clock.advance(timedelta(hours=-5))
        await until(lambda: clockwork._seen < turned)
        sources.batches.clear()
        clock.advance(timedelta(minutes=1))
        await until(lambda: latest_slot(Schedule("a", 1), clock.now()) in sources.slots)


async def test_slots_that_could_not_be_submitted_are_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    sources = Sources(Schedule("a", 1))
    clock = OffsetClock()
    async with ticking(sources, clock):
        await until(lambda: sources.slots)
        sources.batches.clear()
        sources.failures = 1
        clock.advance(timedelta(minutes=1))
        await until(lambda: not sources.failures)
        missed = latest_slot(Schedule("a", 1), clock.now())
        clock.advance(timedelta(seconds=5))
        await until(lambda: any(slot.at >= missed.at for slot in sources.slots))
    [failed] = [record for record in caplog.records if record.message == "slots_not_submitted"]
    assert failed.__dict__["sources"] == ["a"]


async def test_changed_schedules_are_read_again() -> None:
    sources = Sources(Schedule("a", 60))
    clock = OffsetClock()
    async with ticking(sources, clock) as clockwork:
        await until(lambda: sources.slots)
        sources.schedules = {"a": Schedule("a", 60, version=2, active=False), "b": Schedule("b", 15)}
        loads = len(sources.loads)
        await until(lambda: len(sources.loads) > loads)
        assert sources.loads[0] is None
        assert sources.loads[-1] is not None
        await until(lambda: set(clockwork._schedules) == {"b"})
        sources.batches.clear()
        clock.advance(timedelta(minutes=16))
        await until(lambda: sources.slots)
    assert {slot.source_id for slot in sources.slots} == {"b"}


async def test_a_sweep_never_overlaps_itself_and_survives_errors(caplog: pytest.LogCaptureFixture) -> None:
    running_now = 0
    most = 0
    runs = 0

    async def slow_and_faulty() -> None:
        nonlocal running_now, most, runs
        running_now += 1
        most = max(most, running_now)
        await asyncio.sleep(0.25)
        running_now -= 1
        runs += 1
        if runs == 1:
            raise OSError("once")

    async with ticking(Sources(), OffsetClock(), Sweep("slow", 0.05, slow_and_faulty)):
        await until(lambda: runs >= 4)
    assert most == 1
    failed = [record for record in caplog.records if record.message == "sweep_failed"]
    assert [record.__dict__["sweep"] for record in failed] == ["slow"]
    assert failed[0].exc_info is not None
    assert all(record.levelno >= logging.WARNING for record in caplog.records if record.name.startswith("apscheduler"))


async def test_a_missed_slot_is_found_by_the_catch_up_and_the_twin_without_it_loses_it() -> None:
    class NoCatchUp(Clockwork):
        async def _catch_up_when_due(self) -> None:
            return

    async def missed(make: type[Clockwork]) -> bool:
        """A slot fell while no clock ran."""
        sources = Sources(Schedule("nightly", 24 * 60))
        beats: list[int] = []

        async def beat() -> None:
            beats.append(1)

        async with ticking(sources, OffsetClock(), Sweep("beat", 0.1, beat), make=make):
            await until(lambda: len(beats) >= 12)
        return not sources.slots

    assert not await missed(Clockwork)
    assert await missed(NoCatchUp)


async def test_racing_clocks_start_each_slot_once(database: Database) -> None:
    """Three clocks on one database; each submits through the engine by the id of source and slot."""
    schedules = [Schedule(f"s{number}", 60) for number in range(30)]
    clock = OffsetClock()
    ran: Counter[str] = Counter()

    async def handler(work: WorkContext) -> None:
        await work.step("collect", lambda: ran.update([work.subject]))

    async with running(database, {"collect": handler}) as engine:

        def enqueue_all(session: Session, slots: Sequence[Slot]) -> None:
            for slot in slots:
                engine.enqueue(session, Work("collect", f"{slot.source_id}/{slot.key}", queue="notify"))

        def submit(slots: Sequence[Slot]) -> None:
            database.in_write(lambda session: enqueue_all(session, slots))

        clocks = [Clockwork(lambda _since: schedules, submit, [], clock) for _ in range(3)]
        await asyncio.gather(*(clockwork.start() for clockwork in clocks))
        first = [_work(latest_slot(schedule, clock.now())) for schedule in schedules]
        await ended(engine, *first)
        clock.advance(timedelta(minutes=61))
        second = [_work(latest_slot(schedule, clock.now())) for schedule in schedules]
        await ended(engine, *second)
        await asyncio.gather(*(clockwork.stop() for clockwork in clocks))
    assert set(ran.values()) == {1}
    assert {work.subject for work in [*first, *second]} <= set(ran)
    with database.read() as session:
        table = "workflow_status" if database.is_sqlite else "dbos.workflow_status"
        rows = session.connection().execute(text(f"SELECT count(*) FROM {table}")).scalar_one()
    assert rows == len(ran)


async def test_without_slot_ids_the_same_clocks_start_it_more_than_once() -> None:
    """The twin: ids that differ per clock (as with random jitter) are not recognized as one."""
    schedule = Schedule("s", 60)
    submitted: list[str] = []
    clock = OffsetClock()

    def clumsy(name: str) -> Callable[[Sequence[Slot]], None]:
        return lambda slots: submitted.extend(f"{slot.source_id}:{name}" for slot in slots)

    clocks = [Clockwork(lambda _since: [schedule], clumsy(f"clock{number}"), [], clock) for number in range(3)]
    await asyncio.gather(*(clockwork.start() for clockwork in clocks))
    await until(lambda: len(submitted) >= 3)
    await asyncio.gather(*(clockwork.stop() for clockwork in clocks))
    assert len(set(submitted)) == 3


def _work(slot: Slot) -> Work:
    return Work("collect", f"{slot.source_id}/{slot.key}", queue="notify")


class WasAhead(Clockwork):
    """Began by a machine's clock that was an hour ahead, and was set back since."""

    def begins(self) -> datetime:
        return super().begins() + timedelta(hours=1)


class Waits(WasAhead):
    """Twin: waits until it is as late again; how often it could have looked is counted."""

    looks = 0

    def hasten(self, scheduler: AsyncIOScheduler) -> None:
        self.looks += 1


@pytest.mark.parametrize("kind", [WasAhead, Waits])
async def test_a_machine_whose_clock_is_set_back_stands_not_still(
    kind: type[WasAhead], caplog: pytest.LogCaptureFixture
) -> None:
    sources = Sources(Schedule("a", 60))
    swept = asyncio.Event()

    async def run() -> None:
        swept.set()

    async with ticking(sources, OffsetClock(), Sweep("mine", 3.0, run), make=kind) as clockwork:
        if isinstance(clockwork, Waits):
            await until(lambda: clockwork.looks)
            assert not swept.is_set()
            assert not sources.slots
        else:
            await until(lambda: swept.is_set() and sources.slots)
            [said] = [record for record in caplog.records if record.message == "clock_set_back"]
            assert 0 < said.__dict__["seconds"] <= 3600
