"""Before a situation is set up, nothing is under way that could be taken for it, and nothing will be for a while."""

from datetime import timedelta
from functools import partial

from bot.cli.stories.stage import Stage
from jobs.schedule import schedule_of
from jobs.slots import latest_slot, next_slot
from jobs.watching.troubles import WORKER_DEAD
from storage.facts.expectations import ExpectationKind
from storage.records import expectations, overdue, runs
from storage.sessions import Session

#: Nothing takes longer that is to be seen without a scheduled collection in between.
_AHEAD = timedelta(minutes=15)


async def quiet(stage: Stage) -> None:
    """Wait until no run is active, none is due by any schedule, and every message is where it belongs."""
    await stage.until("that nothing runs, nothing is due and no message waits", partial(_is_quiet, stage))


async def idle(stage: Stage) -> None:
    """Wait until no run is active, and none is due by any schedule."""
    await stage.until("that nothing runs and nothing is due", partial(_idle, stage))


async def undisturbed(stage: Stage, ahead: timedelta = _AHEAD) -> None:
    """Wait until it is quiet and no schedule comes in between for so long; what would is let come first."""
    await quiet(stage)
    while (left := await _until_next(stage)) < ahead:
        await stage.outside(partial(stage.sandbox.pass_time, left))
        await quiet(stage)


async def delivered(stage: Stage) -> bool:
    """Whether no message waits to be sent."""
    return await stage.database.reading(_none_waits)


async def no_slot_is_missing(stage: Stage) -> bool:
    """Whether every collection that did not start in its time was told of, and has been made up for."""

    def look(session: Session) -> bool:
        open_ones = [*expectations.kinds_missed(session), *(one.kind for one in expectations.still_missing(session))]
        return ExpectationKind.SLOT not in open_ones

    return await stage.database.reading(look)


async def _is_quiet(stage: Stage) -> bool:
    # A run leaves its messages behind, and a slot that waited for its end comes after it: all at one look, twice.
    return await _idle(stage) and await delivered(stage) and await _idle(stage)


async def _idle(stage: Stage) -> bool:
    found = await stage.statuses()
    if any(one.active is not None for one in found):
        return False
    now = stage.sandbox.clock.now()
    planned = [schedule for one in found if (schedule := schedule_of(one.source)).runs]
    slots = [(schedule, latest_slot(schedule, now)) for schedule in planned]
    # What was due before a schedule was set is made up for by nobody.
    owed = {(slot.source_id, slot.key) for one, slot in slots if one.since is None or slot.at > one.since}
    return owed <= await stage.database.reading(partial(runs.slots_taken, slots=owed))


async def _until_next(stage: Stage) -> timedelta:
    schedules = [schedule for one in await stage.statuses() if (schedule := schedule_of(one.source)).runs]
    now = stage.sandbox.clock.now()
    return min((next_slot(schedule, now) - now for schedule in schedules), default=timedelta.max)


def _none_waits(session: Session) -> bool:
    return overdue.pulse(session, WORKER_DEAD).unsent == 0
