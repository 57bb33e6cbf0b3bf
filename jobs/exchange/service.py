"""The exchange as people see and steer it: pairs, runs, schedules, held files, versions from before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, datetime, timedelta
from typing import ClassVar

from connectors.errors import ConnectorError
from connectors.pocketadvantage.transfer.publishing import versions
from jobs.asks import Enqueue
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, RequestError, TooLateError
from jobs.exchange.alerting import night_over, night_without
from jobs.exchange.due import start
from jobs.exchange.orders.replaying import replay
from jobs.exchange.pairs import companies, confirmed, plan, without_books
from jobs.exchange.ports import FarSides
from jobs.exchange.running import MapsOf
from jobs.exchange.telling import errored
from jobs.exchange.timing import Due, latest_due, next_due
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.dependents import DependentKind
from storage.facts.exchange import (
    ExchangePair,
    ExchangeRun,
    Guard,
    Pair,
    RunState,
    Schedule,
    Trigger,
    read_schedule,
)
from storage.facts.exchange_orders import KeptOrder
from storage.facts.exchange_view import ExchangeView, FileVersion, PairView, RunView
from storage.facts.people import Action, Actor, Member
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import (
    audit,
    exchange,
    exchange_given,
    exchange_orders,
    frozen,
    last_runs,
    organizations,
    sources,
    triggers,
)
from storage.sessions import Session

#: how long a run that a person began may wait for data, or for the far side
_PATIENCE = timedelta(hours=4)
_SHOWN = 5
#: states that say how the last run went
_RUN_WORKS = "a run of it works right now; try again when it is over"
_WORKS = {
    Trigger.DRY: "a dry run of it works right now, which sends nothing; try again when it is over",
    Trigger.RESTORE: "an earlier file is being put back right now; try again when that is over",
}
_ENDED = (RunState.DONE, RunState.UNCHANGED, RunState.FAILED, RunState.HELD)


class ScheduleRefusedError(RequestError):
    """It cannot be set like that; nothing was changed."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.said = said


class ExchangeService:
    """Shows and steers the exchange of the actor's own organization."""

    #: which runs do what a person wants now: whoever wants a file sent is not told of a dry run that it has begun
    joins: ClassVar[Mapping[Trigger, Sequence[Trigger]]] = {
        Trigger.PERSON: (Trigger.SCHEDULE, Trigger.PERSON, Trigger.RELEASE, Trigger.REPLAY),
        Trigger.DRY: (Trigger.DRY,),
    }

    def __init__(self, desk: Desk, clock: Clock, enqueue: Enqueue, far_sides: FarSides, maps_of: MapsOf) -> None:
        self._desk = desk
        self._clock = clock
        self._enqueue = enqueue
        self._far_sides = far_sides
        self._maps_of = maps_of

    # Looking

    async def view(self, actor: Actor) -> list[ExchangeView]:
        """Return every connection with its pairs; none where PocketAdvantage was never connected."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> list[ExchangeView]:
            found: dict[str, list[ExchangePair]] = {}
            for pair in exchange.pairs_of(session, member.organization_id):
                found.setdefault(pair.source_id, []).append(pair)
            unclear = [one for one in without_books(session, member.organization_id) if one.id not in found]
            return [
                *(_connection(session, pairs) for pairs in found.values()),
                *(_unclear(session, one) for one in unclear),
            ]

        return await self._desk.read(work)

    async def one(self, actor: Actor, pair_id: str) -> PairView:
        """Return one pair; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: _view(session, _visible(session, member, pair_id)))

    async def run(self, actor: Actor, run_id: str) -> RunView:
        """Return one run with what it left out; NotFoundError as `one`."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> RunView:
            found = _visible_run(session, member, run_id)
            pair, source = exchange.pair(session, found.pair_id), sources.source(session, found.source_id)
            lost = source.connection is ConnectionState.DISCONNECTED
            return RunView(found, pair, exchange.rejects_of(session, run_id), lost=lost)

        return await self._desk.read(work)

    async def history(self, actor: Actor, pair_id: str, limit: int = 30) -> list[ExchangeRun]:
        """Return the runs of a pair, the newest first."""
        member = authorize(actor, Action.SEE_HISTORY)

        def work(session: Session) -> list[ExchangeRun]:
            return exchange.history(session, _visible(session, member, pair_id).id, limit)

        return await self._desk.read(work)

    async def versions(self, actor: Actor, pair_id: str) -> list[FileVersion]:
        """Return the files of a pair that the far side keeps from before, the newest first (TooLateError: why not)."""
        member = authorize(actor, Action.RUN_EXCHANGE)

        def work(session: Session) -> tuple[Source, str]:
            pair = _file(_visible(session, member, pair_id))
            maps = self._maps_of(session, pair.organization_id, pair.pair)
            return sources.source(session, pair.source_id), maps.file

        source, stem = await self._desk.read(work)
        try:
            side = await self._far_sides.of(source)
            async with side.open() as remote:
                found = await versions(remote, side.place.archive, side.rules.file_name(stem))
        except ConnectorError as error:
            raise TooLateError(f"the file server cannot be asked: {error.detail}") from error
        return [FileVersion(one.archived_as, one.size, one.archived_at) for one in found]

    # Steering

    async def choose_books(self, actor: Actor, source_id: str, books_id: str, trigger: TriggerKey) -> ExchangeView:
        """Say whose records go over a connection of which nobody knew that; every pair is off until it is switched on.

        TooLateError where somebody said so meanwhile, or the company is not connected any more.
        """
        member = authorize(actor, Action.CHANGE_EXCHANGE)

        def work(session: Session) -> ExchangeView:
            now = self._clock.now()
            organizations.lock(session, member.organization_id)
            source = sources.visible_connection(session, member.organization_id, source_id)
            if source is None or source.provider is not Provider.POCKETADVANTAGE:
                raise NotFoundError
            if _known(session, trigger) is None:
                if exchange.pairs_of_source(session, source_id):
                    raise TooLateError("somebody chose a company for it meanwhile")
                if books_id not in {one.id for one in companies(session, member.organization_id)}:
                    raise TooLateError("this QuickBooks company is not connected any more")
                confirmed(session, member.organization_id, source_id, books_id, now)
                _remember(session, trigger, source_id, now)
                detail: dict[str, object] = {"books": books_id}
                audit.record(session, member.organization_id, member.id, Action.CHANGE_EXCHANGE, source_id, now, detail)
            return _connection(session, exchange.pairs_of_source(session, source_id))

        return await self._desk.write(work)

    async def switch(self, actor: Actor, pair_id: str, trigger: TriggerKey, *, on: bool) -> PairView:
        """Switch a pair on or off; its next time is planned by its schedule."""
        return await self._change(actor, Action.CHANGE_EXCHANGE, pair_id, trigger, {"on": on})

    async def pause(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> PairView:
        """Let a pair stand still until somebody resumes it; what runs ends as it would."""
        paused = {"paused_at": self._clock.now(), "paused_by": actor.member.id if actor.member else ""}
        return await self._change(actor, Action.RUN_EXCHANGE, pair_id, trigger, paused)

    async def resume(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> PairView:
        """Let it run again by its schedule, from its next time on."""
        return await self._change(actor, Action.RUN_EXCHANGE, pair_id, trigger, {"paused_at": None, "paused_by": ""})

    async def preview_schedule(self, actor: Actor, pair_id: str, words: str) -> tuple[datetime, ...]:
        """Return the next times that a schedule would mean; changes nothing (ScheduleRefusedError)."""
        member = authorize(actor, Action.RUN_EXCHANGE)

        def work(session: Session) -> tuple[datetime, ...]:
            pair = _visible(session, member, pair_id)
            return _times(_schedule(pair, words), pair.zone, self._clock.now())

        return await self._desk.read(work)

    async def schedule(self, actor: Actor, pair_id: str, words: str, seen: int, trigger: TriggerKey) -> PairView:
        """Set when a pair runs; TooLateError when it was changed since `seen`, ScheduleRefusedError for no schedule."""
        schedule = await self._desk.read(
            lambda session: _schedule(_visible(session, authorize(actor, Action.RUN_EXCHANGE), pair_id), words)
        )
        return await self._change(actor, Action.RUN_EXCHANGE, pair_id, trigger, {"schedule": str(schedule)}, seen=seen)

    async def start(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Run a pair now, whatever its switch; a run that does so already is returned in place of a second one."""
        return await self._started(actor, pair_id, trigger, Trigger.PERSON)

    async def dry_run(self, actor: Actor, pair_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Build everything and send nothing: what would go, what would be left out, what would stop it."""
        return await self._started(actor, pair_id, trigger, Trigger.DRY)

    async def release(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Let a held file go, built again from the newest data, with as few rows as a person saw (TooLateError).

        What was held is not kept: by now it may be wrong. The guard still holds what is far below the number seen.
        """

        def begin(session: Session, member: Member, now: datetime) -> ExchangeRun:
            run = _visible_run(session, member, run_id)
            if run.state is not RunState.HELD or run.held is None:
                raise TooLateError("it does not wait for anybody any more")
            pair = _idle(session, run.pair_id)
            exchange.decide_held(session, run.id, RunState.RELEASED, now)
            agreed = {**run.agreed, run.held.guard.value: run.held.after}
            if run.held.guard is Guard.EMPTY:
                agreed.setdefault(Guard.SHRINK.value, 0)
            begun = self._begin(session, pair, Trigger.RELEASE, trigger, member, now, of_run=run.id, agreed=agreed)
            detail: dict[str, object] = {
                "pair": pair.pair.value, "run": begun.id, "guard": run.held.guard.value, "before": run.held.before,
                "after": run.held.after,
            }  # fmt: skip
            audit.record(session, member.organization_id, member.id, "exchange_released", run.id, now, detail)
            return begun

        return await self._once(actor, trigger, begin)

    async def discard(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Decide that a held file does not go; the far side keeps what it has, until the next run."""
        member = authorize(actor, Action.RUN_EXCHANGE)

        def work(session: Session) -> ExchangeRun:
            now = self._clock.now()
            organizations.lock(session, member.organization_id)
            run = _visible_run(session, member, run_id)
            if _known(session, trigger) is None:
                if not exchange.decide_held(session, run.id, RunState.DISCARDED, now):
                    raise TooLateError("it does not wait for anybody any more")
                _remember(session, trigger, run.id, now)
                detail: dict[str, object] = {"pair": run.pair.value}
                audit.record(session, member.organization_id, member.id, "exchange_discarded", run.id, now, detail)
            return exchange.run(session, run.id)

        return await self._desk.write(work)

    async def restore(self, actor: Actor, pair_id: str, name: str, trigger: TriggerKey) -> ExchangeRun:
        """Put a file from before in its place again; a run that waits ends, and the next one sends the newest data."""
        return await self._started(actor, pair_id, trigger, Trigger.RESTORE, of_run=name)

    async def replay(self, actor: Actor, run_id: str, trigger: TriggerKey) -> ExchangeRun:
        """Take the orders of an earlier run again: each is looked for in QuickBooks first, so that none is made twice.

        The run that begins now lets them be taken again, some at a time: there may be thousands. TooLateError where it
        had none that can be, or a run works right now.
        """

        def begin(session: Session, member: Member, now: datetime) -> ExchangeRun:
            run = _visible_run(session, member, run_id)
            if run.pair is not Pair.ORDERS or run.trigger is Trigger.DRY:
                raise NotFoundError
            pair = _idle(session, run.pair_id)
            self._connected(session, pair)
            taken = 0
            if run.started_at is not None and run.finished_at is not None:
                taken = exchange_orders.can_be_again(session, pair.source_id, run.started_at, run.finished_at)
            if not taken:
                raise TooLateError("this run had no order that can be taken again")
            return self._again(session, pair, trigger, member, now, run.id, taken)

        return await self._once(actor, trigger, begin)

    async def sent_since(self, actor: Actor, pair_id: str, day: date) -> int:
        """Return how many invoices went in the files of that night and those after it; changes nothing."""
        member = authorize(actor, Action.RUN_EXCHANGE)

        def work(session: Session) -> int:
            return len(exchange_given.since(session, _nightly(_visible(session, member, pair_id)).id, day.isoformat()))

        return await self._desk.read(work)

    async def send_again(self, actor: Actor, pair_id: str, day: date, trigger: TriggerKey) -> ExchangeRun:
        """Send the invoices of that night and those after it again, with one file, now (TooLateError)."""

        def begin(session: Session, member: Member, now: datetime) -> ExchangeRun:
            pair = _idle(session, _nightly(_visible(session, member, pair_id)).id)
            self._connected(session, pair)
            keys = exchange_given.since(session, pair.id, day.isoformat())
            if not keys:
                raise TooLateError(f"no invoice went in the night of {day.isoformat()} or after it")
            begun = self._again(session, pair, trigger, member, now, day.isoformat(), len(keys))
            exchange_given.take_back(session, pair.id, begun.id, keys)
            return begun

        return await self._once(actor, trigger, begin)

    def _again(
        self,
        session: Session,
        pair: ExchangePair,
        trigger: TriggerKey,
        member: Member,
        now: datetime,
        of: str,
        count: int,
    ) -> ExchangeRun:
        begun = self._begin(session, pair, Trigger.REPLAY, trigger, member, now, of_run=of)
        detail: dict[str, object] = {"pair": pair.pair.value, "why": Trigger.REPLAY.value, "of": of, "records": count}
        audit.record(session, member.organization_id, member.id, Action.RUN_EXCHANGE, begun.id, now, detail)
        return begun

    async def orders(self, actor: Actor, pair_id: str, text: str) -> list[KeptOrder]:
        """Return what is known of an order, by its number there or by its id or number in QuickBooks, newest first."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> list[KeptOrder]:
            pair = _visible(session, member, pair_id)
            organization_id = member.organization_id
            found = exchange_orders.by_order(session, organization_id, text)
            found = found or exchange_orders.by_target(session, organization_id, text)
            return [one for one in found if one.source_id == pair.source_id]

        return await self._desk.read(work)

    async def order_again(self, actor: Actor, pair_id: str, order_no: str, trigger: TriggerKey) -> str:
        """Let an order be taken again, by the next turn, which is now; return what comes of it, in plain words."""
        authorize(actor, Action.RUN_EXCHANGE)

        def work(session: Session) -> str:
            known = organizations.member_by_identity(session, actor.identity)
            member = authorize(Actor(actor.identity, known), Action.RUN_EXCHANGE)
            organizations.lock(session, member.organization_id)
            pair, now = _visible(session, member, pair_id), self._clock.now()
            if pair.pair is not Pair.ORDERS:
                raise NotFoundError
            if _known(session, trigger) is not None:
                raise TooLateError("that was done already")
            done = replay(session, pair.source_id, order_no, now)
            _remember(session, trigger, pair.id, now)
            if done.again and pair.runs:
                exchange.due_earlier(session, pair.id, now)
            detail: dict[str, object] = {"pair": pair.pair.value, "why": Trigger.REPLAY.value, "of": order_no}
            audit.record(session, member.organization_id, member.id, Action.RUN_EXCHANGE, pair.id, now, detail)
            return done.said

        return await self._desk.write(work)

    async def _change(
        self,
        actor: Actor,
        action: Action,
        pair_id: str,
        trigger: TriggerKey,
        values: dict[str, object],
        *,
        seen: int | None = None,
    ) -> PairView:
        member = authorize(actor, action)

        def work(session: Session) -> PairView:
            now = self._clock.now()
            organizations.lock(session, member.organization_id)
            pair = _visible(session, member, pair_id)
            if _known(session, trigger) is None:
                if seen is not None and pair.schedule_version != seen:
                    raise TooLateError("somebody changed it meanwhile; look at it again")
                exchange.change_pair(session, pair, **values)
                plan(session, exchange.pair(session, pair.id), now)
                if not exchange.pair(session, pair.id).runs:
                    exchange.note_missed(session, pair.id, None)
                if pair.runs:
                    night_without(session, pair, self._enqueue, now)
                _remember(session, trigger, pair.id, now)
                detail = {"pair": pair.pair.value, **{name: str(value) for name, value in values.items()}}
                audit.record(session, member.organization_id, member.id, action, pair.id, now, detail)
            return _view(session, exchange.pair(session, pair.id))

        return await self._desk.write(work)

    async def _started(
        self, actor: Actor, pair_id: str, trigger: TriggerKey, why: Trigger, *, of_run: str = ""
    ) -> ExchangeRun:
        def begin(session: Session, member: Member, now: datetime) -> ExchangeRun:
            pair = _visible(session, member, pair_id)
            if why is Trigger.RESTORE:
                stem = self._maps_of(session, pair.organization_id, _file(pair).pair).file
                if not of_run.casefold().startswith(f"{stem}.fil.".casefold()):
                    # Another pair's file, which another pair's run may be writing right now.
                    raise NotFoundError
            self._connected(session, pair)
            if why is Trigger.RESTORE:
                self.make_room(session, pair, now)
            active = exchange.active(session, pair.id)
            if active is not None:
                if active.trigger not in self.joins.get(why, ()):
                    raise TooLateError(_works(active))
                _remember(session, trigger, active.id, now)
                return active
            begun = self._begin(session, pair, why, trigger, member, now, of_run=of_run)
            detail: dict[str, object] = {"pair": pair.pair.value, "run": begun.id, "why": why.value, "of": of_run}
            audit.record(session, member.organization_id, member.id, Action.RUN_EXCHANGE, pair.id, now, detail)
            return begun

        return await self._once(actor, trigger, begin)

    async def _once(
        self, actor: Actor, trigger: TriggerKey, begin: Callable[[Session, Member, datetime], ExchangeRun]
    ) -> ExchangeRun:
        """Begin a run under the organization's lock; the same trigger begins it once, and is told of that one."""
        member = authorize(actor, Action.RUN_EXCHANGE)

        def work(session: Session) -> ExchangeRun:
            organizations.lock(session, member.organization_id)
            known = _known(session, trigger)
            return exchange.run(session, known) if known is not None else begin(session, member, self._clock.now())

        return await self._desk.write(work)

    def _begin(
        self,
        session: Session,
        pair: ExchangePair,
        why: Trigger,
        trigger: TriggerKey,
        member: Member,
        now: datetime,
        *,
        of_run: str = "",
        agreed: dict[str, int] | None = None,
    ) -> ExchangeRun:
        # A button may be older than what became of its connection.
        self._connected(session, pair)
        due = Due(f"{why.value}-{trigger.team_id}-{trigger.trigger_id}", now, now + _PATIENCE)
        begun = start(session, pair, why, due, now, self._enqueue, asked_by=member.id, of_run=of_run, agreed=agreed)
        if begun is None:
            raise TooLateError(_RUN_WORKS)
        _remember(session, trigger, begun.id, now)
        return begun

    def make_room(self, session: Session, pair: ExchangePair, now: datetime) -> None:
        """End a run that only waits: whoever puts an earlier file back wants that one there, and not in hours."""
        waits = exchange.active(session, pair.id)
        if waits is None or waits.state is not RunState.WAITING:
            return
        if exchange.stop(session, waits, "an earlier file was put back while it waited", "restored", now):
            over = exchange.run(session, waits.id)
            if over.trigger is not Trigger.DRY:
                errored(session, over, now)
            night_over(session, over, self._enqueue, now)

    def _connected(self, session: Session, pair: ExchangePair) -> None:
        if frozen.is_frozen(session, DependentKind.EXCHANGE, pair.source_id):
            raise TooLateError("the connection to PocketAdvantage is disconnected; reconnect it first")


def _connection(session: Session, pairs: list[ExchangePair]) -> ExchangeView:
    source_id, books_id = pairs[0].source_id, pairs[0].books_id
    run = last_runs.ready_of(session, [books_id]).get(books_id)
    return ExchangeView(
        sources.source(session, source_id),
        sources.source(session, books_id),
        tuple(_view(session, pair) for pair in pairs),
        run.clocks.source_as_of if run else None,
        sources.stored_grant(session, books_id).can_write,
    )


def _unclear(session: Session, source: Source) -> ExchangeView:
    return ExchangeView(source, None, (), companies=tuple(companies(session, source.organization_id)))


def _view(session: Session, pair: ExchangePair) -> PairView:
    # Whoever looks reads a name; what is kept is who it was.
    stopped_it = organizations.still_member(session, pair.paused_by) if pair.paused_by else None
    by = stopped_it.name if stopped_it is not None else ""
    active = exchange.active(session, pair.id)
    return PairView(
        replace(pair, paused_by=by),
        exchange.newest(session, pair.id, _ENDED),
        active,
        exchange.held(session, pair.id),
        _expected_by(pair, active),
    )


def _expected_by(pair: ExchangePair, active: ExchangeRun | None) -> datetime | None:
    """Return when the night's run, or the next one, is over at the latest, by what its sweep holds it to."""
    if active is not None and active.trigger is Trigger.SCHEDULE:
        return active.deadline
    if not pair.runs or pair.due_at is None:
        return None
    return latest_due(pair.schedule, pair.zone, pair.due_at).until


def _visible(session: Session, member: Member, pair_id: str) -> ExchangePair:
    found = exchange.visible(session, member.organization_id, pair_id)
    if found is None:
        raise NotFoundError
    return found


def _visible_run(session: Session, member: Member, run_id: str) -> ExchangeRun:
    found = exchange.visible_run(session, member.organization_id, run_id)
    if found is None:
        raise NotFoundError
    return found


def _idle(session: Session, pair_id: str) -> ExchangePair:
    active = exchange.active(session, pair_id)
    if active is not None:
        raise TooLateError(_works(active))
    return exchange.pair(session, pair_id)


def _works(run: ExchangeRun) -> str:
    """Return why nothing else can begin now: what works, or what a run waits for."""
    if run.state is RunState.WAITING and run.why:
        return f"a run of it waits already: {run.why}. It goes on by itself"
    return _WORKS.get(run.trigger, _RUN_WORKS)


def _nightly(pair: ExchangePair) -> ExchangePair:
    if pair.pair is not Pair.INVOICES:
        raise NotFoundError
    return pair


def _file(pair: ExchangePair) -> ExchangePair:
    if pair.pair is Pair.ORDERS:
        raise NotFoundError
    return pair


def _known(session: Session, trigger: TriggerKey) -> str | None:
    return triggers.first_result(session, trigger.team_id, trigger.trigger_id)


def _remember(session: Session, trigger: TriggerKey, result: str, now: datetime) -> None:
    triggers.remember(session, trigger.team_id, trigger.trigger_id, result, now)


def _schedule(pair: ExchangePair, words: str) -> Schedule:
    try:
        schedule = read_schedule(" ".join(words.casefold().split()))
    except ValueError as error:
        raise ScheduleRefusedError(str(error)) from error
    if pair.pair is not Pair.ORDERS and schedule.window is None:
        raise ScheduleRefusedError("files have a window, such as: nightly 02:00 within 01:00-05:00")
    if pair.pair not in {Pair.INVOICES, Pair.ORDERS} and schedule.at is None:
        raise ScheduleRefusedError("a full file is sent once a night, such as: nightly 02:00 within 01:00-05:00")
    return schedule


def _times(schedule: Schedule, zone: str, now: datetime) -> tuple[datetime, ...]:
    found: list[datetime] = []
    while len(found) < _SHOWN:
        found.append(next_due(schedule, zone, found[-1] if found else now).at)
    return tuple(found)
