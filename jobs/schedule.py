"""The clock's side of refreshing: which schedules there are, and a run for each slot, once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from functools import partial

from jobs.asks import Enqueue
from jobs.expectations.opening import slot_started
from jobs.figures import SLOT_LAG, Figures
from jobs.slots import Schedule, Slot, known_zone, latest_slot
from jobs.work import Work
from storage.facts.clock import Clock
from storage.facts.dependents import DependentKind
from storage.facts.ids import derived_id
from storage.facts.policies import read_policy
from storage.facts.runs import Trigger
from storage.facts.schedules import Rhythm
from storage.facts.sources import CollectMode, ConnectionState, Source
from storage.records import deadlines, frozen, last_runs, organizations, runs, sources
from storage.records.deadlines import Deadline
from storage.sessions import ConflictError, Database, Session

#: The deadline of a first read that nobody asked for: it may take as long as it likes while it moves.
STALLED = "stalled_read"
#: Where files are delivered nothing tells us: the clock looks there.
LOOK_EVERY_MINUTES = 30
#: A slot that came while a run held its source; the subject is that run, and its end makes the deadline due.
SLOT_WAITS = "slot_waits"
#: Whatever became of the run by then, the slot is looked at.
_LONGEST_WAIT = timedelta(hours=6)


def schedule_of(source: Source) -> Schedule:
    """Return the schedule in force; a disconnected source has none that runs, nor has what no data is read from.

    Where files are delivered, the clock looks whether any came: its rhythm is ours, the promise is the source's.
    """
    delivered = source.mode is CollectMode.PUSH
    active = source.connection is not ConnectionState.DISCONNECTED and source.mode.collects
    minutes = min(source.schedule_minutes, LOOK_EVERY_MINUTES) if delivered else source.schedule_minutes
    rule = source.rule
    return Schedule(
        source.id,
        minutes if rule is None else None,
        # A name that is no zone any more must not stop the clock of everybody else.
        timezone=source.zone if known_zone(source.zone) else "UTC",
        version=source.schedule_version,
        active=active,
        daily=rule.at if rule else None,
        weekdays=rule is not None and rule.rhythm is Rhythm.WEEKDAYS,
        since=source.scheduled_at,
    )


def schedules_loader(database: Database) -> Callable[[datetime | None], Sequence[Schedule]]:
    """Return what the clock calls to read all schedules, or the changed ones."""

    def load(since: datetime | None) -> Sequence[Schedule]:
        found = database.in_read(lambda session: sources.changed_since(session, since))
        return [schedule_of(source) for source in found]

    return load


def slots_submitter(
    database: Database, clock: Clock, enqueue: Enqueue, figures: Figures | None = None
) -> Callable[[Sequence[Slot]], None]:
    """Return what the clock calls with slots whose time has come; any number of clocks start a slot once."""

    def submit(slots: Sequence[Slot]) -> None:
        # Nearly all slots of a catch-up, and those that another clock was quicker with, had their runs: a look is
        # enough for them all, and a run that was there stays there.
        names = {(slot.source_id, slot.key) for slot in slots}
        taken = database.in_read(partial(runs.slots_taken, slots=names))
        for slot in slots:
            if (slot.source_id, slot.key) in taken:
                continue
            try:
                started = database.in_write(partial(start_slot, slot=slot, now=clock.now(), enqueue=enqueue))
            except ConflictError:
                # Another clock started the slot, or a person's request took the source, a moment ago.
                continue
            if started is not None and figures is not None:
                figures.observe(SLOT_LAG, (clock.now() - slot.at).total_seconds())

    return submit


def start_slot(session: Session, slot: Slot, now: datetime, enqueue: Enqueue) -> str | None:
    """Start the run of a slot and return its id; None when the slot had its run or another run holds the source.

    In the latter case the slot waits for the end of that run, and is started by `start_waiting` then. Under the
    organization's lock, so that no run starts beside a disconnect that has looked for runs to stop.
    """
    organizations.lock(session, sources.organization_of(session, slot.source_id))
    source = sources.source(session, slot.source_id)
    schedule = schedule_of(source)
    # What was due before the schedule was set is not made up for: its first time is the one that was shown.
    if not schedule.runs or (schedule.since is not None and slot.at <= schedule.since):
        return None
    if frozen.is_frozen(session, DependentKind.SCHEDULE, source.id):
        return None
    if runs.slot_taken(session, source.id, slot.key):
        return None
    holds = runs.active_of(session, [source.id]).get(source.id)
    if holds is not None:
        deadlines.add(session, source.organization_id, SLOT_WAITS, holds.id, now + _LONGEST_WAIT)
        return None
    run_id = start_catch_up(session, source, slot.key, now, enqueue)
    slot_started(session, source, schedule, slot, now)
    return run_id


def start_waiting(session: Session, deadline: Deadline, now: datetime, enqueue: Enqueue) -> None:
    """Start the newest slot of a source now that the run has ended that stood in its way."""
    run = runs.run(session, deadline.subject)
    if run.state.active:
        deadlines.postpone(session, deadline.id, now + _LONGEST_WAIT)
    elif deadlines.fire(session, deadline.id, now):
        schedule = schedule_of(sources.source(session, run.source_id))
        if schedule.runs:
            start_slot(session, latest_slot(schedule, now), now, enqueue)


def start_catch_up(session: Session, source: Source, slot_key: str, now: datetime, enqueue: Enqueue) -> str | None:
    """Start a collection because the connection came (back), unless a run holds the source; return the run's id.

    Nobody asked for it as a refresh, so that nobody is told as if they had; a first read has a trigger of its own.
    None where no data is read from the connection.
    """
    if not source.mode.collects:
        return None
    active = runs.active_of(session, [source.id]).get(source.id)
    if active is not None:
        return active.id
    known = last_runs.ready_of(session, [source.id])
    trigger = Trigger.SCHEDULE if known else Trigger.FIRST_READ
    first = trigger is Trigger.FIRST_READ
    policy = organizations.escalation_policy(session, source.organization_id) if first else None
    run_id = start_run(session, source, trigger, slot_key, now, enqueue, collects=True, policy=policy)
    if first:
        deadlines.add(session, source.organization_id, STALLED, run_id, now + read_policy(policy).first)
    return run_id


def start_run(
    session: Session,
    source: Source,
    trigger: Trigger,
    slot_key: str,
    now: datetime,
    enqueue: Enqueue,
    *,
    collects: bool,
    agreed: Mapping[str, int] | None = None,
    only: Sequence[str] = (),
    policy: str | None = None,
) -> str:
    """Insert a queued run and enqueue its work in the same transaction; return its id."""
    run_id = derived_id("run", source.id, slot_key)
    runs.add(
        session,
        run_id=run_id,
        organization_id=source.organization_id,
        source_id=source.id,
        trigger=trigger,
        slot_key=slot_key,
        requested_at=now,
        collects=collects,
        agreed=agreed,
        only=only,
        policy=policy,
    )
    enqueue(session, Work("run", run_id, queue="refresh", partition=source.organization_id))
    return run_id
