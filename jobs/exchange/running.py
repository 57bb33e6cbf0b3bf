"""One attempt of one run, for the engine: fresh enough? build, judge, decide, publish, settle.

What is decided is written down before anything is sent, with the state of the lake that it was made from: whoever takes
over from a process that died builds the same bytes again, finds them there or puts them there, and settles. The ledger
is written in the transaction that settles, never before: a file that did not arrive was not given.
"""

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import structlog

from connectors.errors import Broken, ConnectorError, Partial, Reconnect, Retry
from connectors.pocketadvantage.transfer.port import HOST_KEY_CHANGED, LARGEST, LOGIN_REFUSED, WHOLE, silent
from connectors.pocketadvantage.transfer.publishing import Published, publish, restore
from jobs.asks import Enqueue
from jobs.engine import WorkContext
from jobs.exchange import freshness, leftovers, telling
from jobs.exchange import taken as turns
from jobs.exchange.alerting import alert, night_over
from jobs.exchange.building import Built, Maps, build
from jobs.exchange.freshness import Fresh, Stands
from jobs.exchange.guards import WEEK, judged
from jobs.exchange.mapping import MappingError
from jobs.exchange.places import LOOK_EVERY as PLACE_EVERY
from jobs.exchange.places import NO_PLACE, WHY, Places
from jobs.exchange.ports import FarSide, FarSides, Orders, OrdersTaken
from jobs.exchange.timing import night_of
from jobs.ground import Ground
from jobs.incidents.noticing import lost
from jobs.notify.notifier import Notifier
from jobs.threads import in_thread
from jobs.work import EXCHANGE, EXCHANGE_QUEUE, Work
from storage.facts.exchange import ExchangePair, ExchangeRun, Held, LastGood, Pair, RunState, Trigger
from storage.facts.sources import Source
from storage.records import exchange, exchange_given, organizations, sources
from storage.records.exchange_given import Given, Moves
from storage.sessions import Session

#: how often it is looked whether QuickBooks' data is fresh by now
LOOK_EVERY = timedelta(seconds=60)
#: after an outage: so long, then four times as long each time, half an hour at most
_FIRST, _LONGEST = timedelta(seconds=30), timedelta(minutes=30)
#: an incremental file after a longer time says that it compared everything
_GAP = timedelta(days=30)
_UNFORESEEN = "it failed for a reason that Tidings' operators can see"
_TRIES_UNFORESEEN = 3
_NOTHING_NEW = Moves({}, {})
#: a lost connection has an alarm of its own
_TOLD_ELSEWHERE = frozenset({"disconnected", LOGIN_REFUSED, HOST_KEY_CHANGED})

log = structlog.get_logger()

#: the mapping of a pair as it is in force
MapsOf = Callable[[Session, str, Pair], Maps]


@dataclass(frozen=True, slots=True)
class Task:
    """What an attempt works on."""

    run: ExchangeRun
    pair: ExchangePair
    source: Source
    books: Source
    maps: Maps | None
    given: dict[str, Given]


class _OverError(Exception):
    """Somebody else holds the run by now, or it was ended: nothing more is done."""


class _EndedError(Broken):
    """The run was ended, or taken over, while its file was on its way: nothing of it is left there."""

    def __init__(self) -> None:
        super().__init__("the run was ended while its file was on its way", code="over")


class ExchangeHandler:
    """Runs the attempts of runs: a file has at most `largest` bytes, all its steps take at most `whole` seconds."""

    def __init__(
        self,
        ground: Ground,
        notifier: Notifier,
        enqueue: Enqueue,
        far_sides: FarSides,
        maps_of: MapsOf,
        orders: Orders | None = None,
        *,
        may_act: Callable[[], bool] = lambda: True,
        largest: int = LARGEST,
        whole: float = WHOLE,
        places: Places | None = None,
    ) -> None:
        self._ground = ground
        self._notifier = notifier
        self._enqueue = enqueue
        self._far_sides = far_sides
        self._maps_of = maps_of
        self._orders = orders
        self._may_act = may_act
        self._largest = largest
        self._whole = whole
        self._places = places or Places()

    async def handle(self, work: WorkContext) -> None:
        """Run one attempt; a later start of the same one goes on where it was."""
        await self.take(work.subject, work.attempt)

    async def take(self, run_id: str, attempt: int) -> None:
        """Bring a run as far as it comes."""
        run = await self._ground.database.reading(lambda session: exchange.run(session, run_id))
        if not run.state.active or run.attempt != attempt or run.state is RunState.WAITING:
            return
        with structlog.contextvars.bound_contextvars(exchange_run=run_id, pair=run.pair.value):
            if run.state is RunState.QUEUED and not self._places.free(run.organization_id):
                await self._ground.database.writing(lambda session: self._placed_later(session, run))
                return
            with self._places.held(run.organization_id, run.id):
                try:
                    await self._brought(run)
                except _OverError:
                    log.info("exchange_run_over", run=run_id)

    def _placed_later(self, session: Session, run: ExchangeRun) -> None:
        """Let a run wait for others of its organization, and say so: the place is for somebody else."""
        again = min(self._ground.clock.now() + PLACE_EVERY, run.deadline)
        exchange.advance(session, run, RunState.QUEUED, state=RunState.WAITING, why=WHY, code=NO_PLACE, next_at=again)

    async def failed_unexpectedly(self, run_id: str, attempt: int, reference: str, error: Exception) -> None:
        """Try a run again that failed for a reason nobody foresaw; after some times say so on it."""

        def write(session: Session) -> None:
            run = exchange.run(session, run_id)
            organizations.lock(session, run.organization_id)
            if run.attempt != attempt:
                return
            # The text of a foreign error may quote a customer's values: people see its name, the log has the rest.
            why = f"{_UNFORESEEN} under the reference {reference} ({type(error).__name__})"
            if exchange.tries(session, run_id) + 1 < _TRIES_UNFORESEEN:
                self._put_off(session, run, None, why, "unexpected")
            else:
                self._failed(session, run, why, "unexpected")

        await self._ground.database.writing(write)

    async def _brought(self, run: ExchangeRun) -> None:
        try:
            if run.pair is Pair.ORDERS:
                await self._taken_in(run)
            elif run.trigger is Trigger.RESTORE:
                await self._restored(run)
            else:
                await self._file(run)
        except _EndedError:
            raise _OverError from None
        except ConnectorError as error:
            await self._stopped(run, error)
        except MappingError as error:
            await self._stopped(run, Broken(f"the mapping cannot be used: {error}", code="mapping"))

    # Files

    async def _file(self, run: ExchangeRun) -> None:
        from storage.warehouse import WarehouseError

        task = await self._begun(run)
        if task is None:
            return
        self._ground.checkpoint("exchange.begun")
        side = await self._far_sides.of(task.source)
        with tempfile.TemporaryDirectory(prefix=leftovers.PREFIX) as folder:
            try:
                async with self._places.building:
                    built = await in_thread(lambda: self._built(task, side, Path(folder)))
            except WarehouseError as error:
                # Its text may quote a customer's values.
                log.warning("exchange_not_built", run=run.id, reason=type(error).__name__)
                raise Retry(None, "what was imported could not be read", code="lake_unreadable") from error
            self._ground.checkpoint("exchange.built")
            decided = await self._ground.database.writing(lambda session: self._decided(session, task, built))
            if decided is None:
                return
            self._ground.checkpoint("exchange.decided")
            done = await self._published(side, built, decided)
            self._ground.checkpoint("exchange.published")
        await self._ground.database.writing(lambda session: self._settled(session, task, decided, built, done))
        self._ground.checkpoint("exchange.settled")

    async def _begun(self, run: ExchangeRun) -> Task | None:
        """Return what is to be built, from which state of the lake; None: it waits, and says for what.

        A run that was decided before its process died stays with that state, as long as that is fresh.
        """
        warehouse = self._ground.warehouses.of(run.organization_id)
        run = await self._ground.database.writing(lambda session: self._in_time(session, run))
        stands = await self._ground.database.writing(lambda session: self._looked(session, run))
        if stands is None:
            return None
        snapshot = run.snapshot if run.state is RunState.PUBLISHING else None
        if snapshot is None:
            # Taken after the look: the file may be newer than it says, never older.
            snapshot = await in_thread(warehouse.snapshot)
        return await self._ground.database.writing(lambda session: self._task(session, run, stands, snapshot))

    def _in_time(self, session: Session, run: ExchangeRun) -> ExchangeRun:
        """Let what was decided too long ago be made anew: what was fresh when its process died is old by now."""
        now = self._ground.clock.now()
        organizations.lock(session, run.organization_id)
        if run.state is not RunState.PUBLISHING or freshness.still(session, run, now):
            return run
        if not exchange.advance(session, run, state=RunState.BUILDING):
            raise _OverError
        return exchange.run(session, run.id)

    def _looked(self, session: Session, run: ExchangeRun) -> Stands | None:
        now = self._ground.clock.now()
        organizations.lock(session, run.organization_id)
        pair = exchange.pair(session, run.pair_id)
        stands = freshness.standing(session, pair, now)
        if isinstance(stands, Fresh) or run.state is RunState.PUBLISHING or run.trigger is Trigger.DRY:
            return stands
        if not exchange.advance(
            session,
            run,
            state=RunState.WAITING,
            why=stands.why,
            code=stands.code,
            next_at=min(now + LOOK_EVERY, run.deadline),
        ):
            raise _OverError
        freshness.ask(session, pair, run, stands, now, self._enqueue)
        return None

    def _task(self, session: Session, run: ExchangeRun, stands: Stands, snapshot: int) -> Task:
        now = self._ground.clock.now()
        organizations.lock(session, run.organization_id)
        pair = exchange.pair(session, run.pair_id)
        maps = self._maps_of(session, run.organization_id, run.pair)
        given = exchange_given.given(session, pair.id)
        values: dict[str, Any] = {"mapping": maps.version}
        if run.state is not RunState.PUBLISHING:
            books_run = stands.run
            as_of = stands.as_of if isinstance(stands, Fresh) else books_run.clocks.source_as_of if books_run else None
            values |= {
                "state": RunState.BUILDING,
                "snapshot": snapshot,
                "as_of": as_of,
                "books_run": books_run.id if books_run else "",
                "night": run.night or _night(pair, run.slot_at, now, given),
                "started_at": run.started_at or now,
                "rows_before": pair.last.rows if pair.last else None,
                "why": "" if isinstance(stands, Fresh) else stands.why,
                "code": "",
                "next_at": None,
                "note": _note(pair, now),
            }
        if not exchange.advance(session, run, **values):
            raise _OverError
        begun = exchange.run(session, run.id)
        if run.started_at is None:
            telling.started(session, begun, now)
        return Task(
            begun,
            pair,
            sources.source(session, pair.source_id),
            sources.source(session, pair.books_id),
            maps,
            given,
        )

    def _built(self, task: Task, side: FarSide, folder: Path) -> Built:
        assert task.maps is not None
        warehouse = self._ground.warehouses.of(task.run.organization_id)
        with warehouse.reader(snapshot=task.run.snapshot, frugal=True) as reader, reader.steady():
            return build(
                reader, task.pair, task.maps, side.rules, task.given, task.run.night, folder, largest=self._largest
            )

    def _decided(self, session: Session, task: Task, built: Built) -> ExchangeRun | None:
        """Write down what goes, before it goes; None when nothing does: a guard holds it, or it was a dry run."""
        run, written, now = task.run, built.written, self._ground.clock.now()
        organizations.lock(session, run.organization_id)
        counts = built.counts
        values: dict[str, Any] = {
            "rows": written.rows, "size": written.size, "sha256": written.sha256, "replaced": written.replaced,
            "skipped": built.skipped, "rejected": built.rejected,
            "added": counts.added, "updated": counts.updated, "removed": counts.removed,
        }  # fmt: skip
        most = exchange.most_rows(session, task.pair, now - WEEK)
        held = judged(task.pair, run, written.rows, tuple(built.moves.removed), most)
        ends = RunState.DRY if run.trigger is Trigger.DRY else RunState.HELD if held is not None else None
        if ends is not None:
            values |= {"finished_at": now, "held": held}
        if ends is RunState.HELD:
            values |= {"why": _asks(held), "code": "held"}
        if not exchange.advance(session, run, state=ends or RunState.PUBLISHING, **values):
            raise _OverError
        exchange.add_rejects(session, run.id, built.rejects)
        decided = exchange.run(session, run.id)
        if ends is RunState.HELD:
            telling.errored(session, decided, now)
            if not self._replaces(session, decided, now):
                alert(session, decided, self._enqueue, now)
            night_over(session, decided, self._enqueue, now)
        return None if ends else decided

    def _replaces(self, session: Session, run: ExchangeRun, now: datetime) -> bool:
        """Let a later run take the place of one that waits for a person, if any: there is one question at a time."""
        return exchange.discard_held(session, run.pair_id, run.id, "a later run took its place", now)

    async def _published(self, side: FarSide, built: Built, run: ExchangeRun) -> Published:
        last = await self._ground.database.reading(lambda session: _last(session, run))
        with built.path.open("rb") as body:
            async with _all_of_it(self._places.at_most(run.id, self._whole)), side.open() as remote:
                return await publish(
                    remote,
                    side.place.latest,
                    built.path.name,
                    body,
                    archive_folder=side.place.archive,
                    now=self._ground.clock.now(),
                    accept_gap=side.accept_gap,
                    checkpoint=self._checked,
                    wanted=lambda: self.still_wanted(run),
                    instead_of=last,
                )

    async def still_wanted(self, run: ExchangeRun) -> None:
        """Pass while the run goes on: a file may be long on its way, and the connection be disconnected meanwhile."""
        now_there = await self._ground.database.reading(lambda session: exchange.run(session, run.id))
        if now_there.state is not RunState.PUBLISHING or now_there.attempt != run.attempt:
            raise _EndedError

    def _checked(self, name: str) -> None:
        self._ground.checkpoint(name)
        if not self._may_act():
            raise Retry(None, "this worker could not tell in time that it is alive", code="mute")

    def _settled(self, session: Session, task: Task, run: ExchangeRun, built: Built, done: Published) -> None:
        """Write down what the far side has now: run, ledger and pair in one transaction."""
        now = self._ground.clock.now()
        organizations.lock(session, run.organization_id)
        same = done.unchanged and task.pair.last is not None and task.pair.last.sha256 == done.sha256
        state = RunState.UNCHANGED if same else RunState.DONE
        values: dict[str, Any] = {"archived_as": done.archived_as, "gap": done.gap is not None}
        if not exchange.advance(session, run, RunState.PUBLISHING, state=state, finished_at=now, **values):
            raise _OverError
        exchange_given.write(session, run.pair_id, run.id, built.moves)
        assert run.as_of is not None
        last = LastGood(run.id, run.rows, done.size, done.sha256, run.as_of, now)
        exchange.note_given(session, run.pair_id, last)
        exchange.note_missed(session, run.pair_id, None)
        self._replaces(session, run, now)
        telling.completed(session, exchange.run(session, run.id), built.moves, now)
        night_over(session, run, self._enqueue, now)
        log.info("exchange_published", run=run.id, pair=run.pair.value, state=state.value, rows=run.rows)

    # A version from before

    async def _restored(self, run: ExchangeRun) -> None:
        source = await self._ground.database.reading(lambda session: sources.source(session, run.source_id))
        side = await self._far_sides.of(source)
        name = run.of_run
        started = await self._ground.database.writing(
            lambda session: exchange.advance(
                session, run, state=RunState.PUBLISHING, started_at=self._ground.clock.now()
            )
        )
        if not started:
            raise _OverError
        last = await self._ground.database.reading(lambda session: _last(session, run))
        async with _all_of_it(self._places.at_most(run.id, self._whole)), side.open() as remote:
            done = await restore(
                remote,
                side.place.latest,
                _current(name),
                name,
                archive_folder=side.place.archive,
                now=self._ground.clock.now(),
                accept_gap=side.accept_gap,
                checkpoint=self._checked,
                wanted=lambda: self.still_wanted(run),
                instead_of=last,
            )
        self._ground.checkpoint("exchange.published")

        def settle(session: Session) -> None:
            now = self._ground.clock.now()
            organizations.lock(session, run.organization_id)
            values = {"archived_as": done.archived_as, "gap": done.gap is not None, "size": done.size}
            # The ledger stays: what the far side was given it was given, and the next run goes on from there.
            if exchange.advance(
                session, run, state=RunState.DONE, finished_at=now, sha256=done.sha256, next_at=None, **values
            ):
                telling.completed(session, exchange.run(session, run.id), _NOTHING_NEW, now)

        await self._ground.database.writing(settle)

    # Orders

    async def _taken_in(self, run: ExchangeRun) -> None:
        if self._orders is None:
            raise Broken("no database of orders was declared for this connection", code="orders_missing")
        now = self._ground.clock.now()

        def begin(session: Session) -> tuple[Source, Source]:
            if not exchange.advance(
                session, run, state=RunState.BUILDING, started_at=run.started_at or now, why="", code="", next_at=None
            ):
                raise _OverError
            if run.started_at is None:
                telling.started(session, exchange.run(session, run.id), now)
            return sources.source(session, run.source_id), sources.source(session, run.books_id)

        source, books = await self._ground.database.writing(begin)
        taken = await self._turn(self._orders, run, source, books)
        stopped = taken.stopped

        def settle(session: Session) -> None:
            ended = self._ground.clock.now()
            organizations.lock(session, run.organization_id)
            if not (turns.noted if stopped else turns.ended)(session, run, taken, ended):
                raise _OverError

        await self._ground.database.writing(settle)
        if stopped is not None:
            raise stopped

    async def _turn(self, orders: Orders, run: ExchangeRun, source: Source, books: Source) -> OrdersTaken:
        """Take one turn; what it did not come to in its time is left to the next, as if the process had died."""
        take, begun = orders.dry if run.trigger is Trigger.DRY else orders.take, self._ground.clock.now()
        try:
            async with asyncio.timeout(self._places.at_most(run.id)):
                taken = await take(run, source, books)
        except TimeoutError:
            late = Retry(None, "it took long, and others wait: it goes on later", code="timeout")
            return await self._ground.database.reading(lambda session: turns.cut_off(session, run, begun, late))
        if taken.busy:
            raise Retry(None, "another worker takes these orders still; it is looked at again", code="busy")
        return taken

    # What goes wrong

    async def _stopped(self, run: ExchangeRun, error: ConnectorError) -> None:
        def write(session: Session) -> None:
            organizations.lock(session, run.organization_id)
            match error:
                case Reconnect():
                    lost(session, run.source_id, error.detail, self._ground.clock.now(), self._notifier)
                    self._failed(session, run, error.detail, error.code)
                case Retry(after=after):
                    self._put_off(session, run, after, error.detail, error.code)
                case Broken() | Partial():
                    self._failed(session, run, error.detail, error.code)

        log.warning("exchange_stopped", run=run.id, pair=run.pair.value, code=error.code)
        await self._ground.database.writing(write)

    def _put_off(self, session: Session, run: ExchangeRun, after: float | None, why: str, code: str) -> None:
        """Try it again, later and later, until it is too late for its night."""
        now, tries = self._ground.clock.now(), exchange.tries(session, run.id)
        wait = min(_LONGEST, _FIRST * 4 ** min(tries, 6))
        if after is not None:
            wait = max(wait, timedelta(seconds=min(after, _LONGEST.total_seconds())))
        if now + wait >= run.deadline:
            self._failed(session, run, why, code)
            return
        again = {"next_at": now + wait, "tries": tries + 1}
        exchange.advance(session, run, state=RunState.WAITING, why=why, code=code, **again)

    def _failed(self, session: Session, run: ExchangeRun, why: str, code: str) -> None:
        fail(session, run, why, code, self._ground.clock.now(), self._enqueue)


@asynccontextmanager
async def _all_of_it(seconds: float | None) -> AsyncIterator[None]:
    """Bound what is done with one file: a server that is slow at each step must not keep the place of all others."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except TimeoutError:
        raise silent() from None


def fail(session: Session, run: ExchangeRun, why: str, code: str, now: datetime, enqueue: Enqueue) -> bool:
    """End a run that came to nothing, note that it is missing, and say so; people are told of the first in a row."""
    if not exchange.advance(session, run, state=RunState.FAILED, why=why, code=code, finished_at=now, next_at=None):
        return False
    if run.trigger is not Trigger.DRY:
        failed = exchange.run(session, run.id)
        telling.errored(session, failed, now)
        if exchange.note_missed(session, run.pair_id, run.slot_at) and code not in _TOLD_ELSEWHERE:
            alert(session, failed, enqueue, now)
        night_over(session, failed, enqueue, now)
    return True


def attempt_work(run: ExchangeRun, attempt: int) -> Work:
    """Return the work of an attempt: one at a time for each connection, as old file servers want it."""
    return Work(EXCHANGE, run.id, attempt, queue=EXCHANGE_QUEUE.name, partition=run.source_id)


def _last(session: Session, run: ExchangeRun) -> str:
    """Return what should lie there: by it an attempt sees that the one before it died at its very end."""
    return exchange.handed_over(session, exchange.pair(session, run.pair_id))


def _asks(held: Held | None) -> str:
    assert held is not None
    return f"{held.after} rows instead of {held.before}: a person has to look at it"


def _note(pair: ExchangePair, now: datetime) -> str:
    if pair.pair is not Pair.INVOICES:
        return ""
    if pair.last is None:
        return "the first file: every invoice was compared"
    if now - pair.last.at > _GAP:
        return f"nothing was sent for {(now - pair.last.at).days} days: every invoice was compared"
    return ""


def _night(pair: ExchangePair, slot_at: datetime, now: datetime, given: Mapping[str, Given]) -> str:
    """Return the night of a file: that of its slot, unless one of the night that it is now went already.

    What comes late must not take the place of what was sent since and may not have been read yet.
    """
    present = night_of(pair.schedule, pair.zone, now)
    if any(one.night == present for one in given.values()):
        return present
    return night_of(pair.schedule, pair.zone, slot_at)


def _current(archived_as: str) -> str:
    """Return the name under which a version that is kept is read: what stands before its time and mark."""
    return archived_as.rsplit(".", 3)[0]
