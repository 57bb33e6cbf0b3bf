"""The sweep of the exchange: starts what is due, looks again at what waits, gives up what is too late for its night.

A pair's next time is a row with a due time, taken by a guarded update: any number of workers may sweep. Nights that
were missed, because Tidings stood still, are made up once, at once, and the run says that it is late.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from functools import partial

import structlog

from jobs.asks import Enqueue
from jobs.exchange import freshness, leftovers
from jobs.exchange.freshness import Fresh
from jobs.exchange.pairs import made, plan
from jobs.exchange.running import LOOK_EVERY, attempt_work, fail
from jobs.exchange.timing import Due, latest_due, next_due
from jobs.threads import in_thread
from storage.facts.clock import Clock
from storage.facts.dependents import DependentKind
from storage.facts.exchange import ExchangePair, ExchangeRun, RunState, Trigger
from storage.facts.ids import derived_id
from storage.records import exchange, frozen, organizations
from storage.sessions import Database, Session

EVERY = 1.0
PAIRS_EVERY = 300.0
#: a run that begins later than that says so
_LATE = timedelta(minutes=15)
#: no pair is planned further ahead, wherever clocks change: what is was planned by a clock that ran ahead
_AHEAD = timedelta(days=3)
#: how long a run that makes up for a night may wait for data
_PATIENCE = timedelta(hours=4)
_BOOKS = frozenset({freshness.DISCONNECTED, freshness.NEVER, freshness.PUT_ASIDE, freshness.OLD})
MISSED, DISCONNECTED = "missed", "disconnected"

log = structlog.get_logger()


def exchange_sweep(database: Database, clock: Clock, enqueue: Enqueue) -> Callable[[], Awaitable[None]]:
    """Return the sweep."""

    async def sweep() -> None:
        now = clock.now()
        waiting, due = await database.reading(
            lambda session: (exchange.waiting(session, now), exchange.due_pairs(session, now, now + _AHEAD))
        )
        # What is too late makes room for what is due.
        for run in waiting:
            await database.writing(partial(look, run_id=run.id, now=now, enqueue=enqueue))
        for pair in due:
            await database.writing(partial(begin, pair_id=pair.id, now=now, enqueue=enqueue))

    return sweep


def pairs_sweep(database: Database, clock: Clock) -> Callable[[], Awaitable[None]]:
    """Return the sweep that makes the pairs of connections that have none, and removes what dead processes left."""

    async def sweep() -> None:
        cleared = await in_thread(leftovers.clear)
        if cleared:
            log.info("exchange_leftovers_cleared", folders=cleared)
        for organization_id in await database.reading(exchange.without_pairs):
            await database.writing(partial(_made, organization_id=organization_id, now=clock.now()))

    return sweep


def _made(session: Session, *, organization_id: str, now: datetime) -> None:
    organizations.lock(session, organization_id)
    if not made(session, organization_id, now):
        # Which company's customers go there must never be guessed.
        log.warning("exchange_company_unclear", organization=organization_id)


def begin(session: Session, *, pair_id: str, now: datetime, enqueue: Enqueue) -> ExchangeRun | None:
    """Start the run of a pair that is due, once for its slot; of several that were missed the last one alone."""
    pair = exchange.pair(session, pair_id)
    organizations.lock(session, pair.organization_id)
    pair = exchange.pair(session, pair_id)
    if pair.due_at is None:
        return None
    if not pair.runs or pair.due_at > now:
        if not pair.runs or pair.due_at > now + _AHEAD:
            plan(session, pair, now)
        return None
    holds = exchange.active(session, pair.id)
    if holds is not None and holds.trigger is not Trigger.SCHEDULE:
        # Whatever a person began may come to nothing: the night has its turn once that is over.
        return None
    due, following = latest_due(pair.schedule, pair.zone, now), next_due(pair.schedule, pair.zone, now)
    if not exchange.move_due(session, pair, following.at) or holds is not None:
        return None
    if frozen.is_frozen(session, DependentKind.EXCHANGE, pair.source_id):
        # The lost connection has its own alarm.
        exchange.note_missed(session, pair.id, due.at)
        return None
    until = due.until if due.until > now else now + _PATIENCE
    late = now - due.at > _LATE
    return start(session, pair, Trigger.SCHEDULE, Due(due.key, due.at, until), now, enqueue, late=late)


def start(
    session: Session,
    pair: ExchangePair,
    trigger: Trigger,
    due: Due,
    now: datetime,
    enqueue: Enqueue,
    *,
    asked_by: str = "",
    late: bool = False,
    of_run: str = "",
    agreed: dict[str, int] | None = None,
) -> ExchangeRun | None:
    """Insert a run and enqueue its work; None where the slot had its run, or another one holds the pair."""
    run_id = derived_id("xrn", pair.id, due.key)
    added = exchange.add_run(
        session,
        id=run_id,
        organization_id=pair.organization_id,
        source_id=pair.source_id,
        books_id=pair.books_id,
        pair_id=pair.id,
        pair=pair.pair.value,
        trigger=trigger.value,
        slot=due.key,
        asked_by=asked_by,
        requested_at=now,
        slot_at=due.at,
        deadline=due.until,
        late=late,
        of_run=of_run,
        agreed=agreed or {},
    )
    if not added:
        return None
    run = exchange.run(session, run_id)
    enqueue(session, attempt_work(run, run.attempt))
    return run


def look(session: Session, *, run_id: str, now: datetime, enqueue: Enqueue) -> None:
    """Let a run that waits go on where it can; end it when it is too late for its night, with the reason."""
    run = exchange.run(session, run_id)
    organizations.lock(session, run.organization_id)
    run = exchange.run(session, run_id)
    if run.state is not RunState.WAITING or run.next_at is None or run.next_at > now:
        return
    if frozen.is_frozen(session, DependentKind.EXCHANGE, run.source_id):
        fail(
            session, run, "the connection to PocketAdvantage is disconnected; reconnect it", DISCONNECTED, now, enqueue
        )
        return
    if now >= run.deadline:
        log.warning("exchange_missed", run=run.id, pair=run.pair.value, code=run.code)
        fail(session, run, f"no file was sent in its time: {run.why}", MISSED, now, enqueue)
        return
    if run.code in _BOOKS:
        pair = exchange.pair(session, run.pair_id)
        stands = freshness.standing(session, pair, now)
        if not isinstance(stands, Fresh):
            again = min(now + LOOK_EVERY, run.deadline)
            exchange.advance(session, run, RunState.WAITING, why=stands.why, code=stands.code, next_at=again)
            freshness.ask(session, pair, run, stands, now, enqueue)
            return
    attempt = run.attempt + 1
    if exchange.advance(session, run, RunState.WAITING, state=RunState.QUEUED, attempt=attempt, next_at=None):
        enqueue(session, attempt_work(run, attempt))
