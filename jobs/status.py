"""Status: three separate states of each source, and the times behind them."""

from collections.abc import Sequence
from datetime import datetime

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.promises import freshness, next_file_at
from jobs.schedule import schedule_of
from jobs.slots import next_slot
from storage.facts.begun import Begun
from storage.facts.clock import Clock
from storage.facts.estimates import Calibration
from storage.facts.people import Action, Actor
from storage.facts.runs import Run
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from storage.facts.status import SourceStatus
from storage.records import askers, frozen, last_runs, receipts, runs, sources, webhooks
from storage.records.durations import calibration_of, durations_of
from storage.sessions import Session

#: Providers that count every read and charge for it.
METERED = frozenset({Provider.QUICKBOOKS})


def next_run_at(source: Source, now: datetime) -> datetime | None:
    """Return when the clock collects this source next; None when it does not."""
    schedule = schedule_of(source)
    if source.mode is CollectMode.PUSH or not schedule.runs:
        return None
    return next_slot(schedule, now)


def month_of(now: datetime) -> str:
    """Return the month that reads are metered in."""
    return f"{now:%Y-%m}"


def statuses(
    session: Session, found: Sequence[Source], now: datetime, *, budget: int, with_durations: bool = False
) -> list[SourceStatus]:
    """Put together the status of each source, in a handful of queries for any number of them."""
    ids = [source.id for source in found]
    ready = last_runs.ready_of(session, ids)
    failed = last_runs.failed_of(session, ids)
    active = runs.active_of(session, ids)
    reads = sources.reads_in(session, [source.id for source in found if source.provider in METERED], month_of(now))
    stretched = sources.stretched_of(session, ids)
    durations = durations_of(session, ids if with_durations else list(active))
    # What is read on demand is read when its provider tells of a change; the others wait for their timer.
    changed = webhooks.newest(session, [source for source in found if source.mode is CollectMode.TIMER])
    still = frozen.of_sources(session, [one.id for one in found if one.connection is ConnectionState.DISCONNECTED])
    return [
        SourceStatus(
            source=source,
            freshness=freshness(source, _as_of(ready.get(source.id)), now),
            last_ready=ready.get(source.id),
            last_finished=failed.get(source.id),
            active=active.get(source.id),
            next_run_at=next_run_at(source, now),
            next_file_at=next_file_at(source, _as_of(ready.get(source.id))),
            duration=durations.get(source.id),
            reads=(reads.get(source.id, 0), budget) if source.provider in METERED else None,
            stretched_minutes=stretched.get(source.id),
            changed_at=changed.get(source.id),
            frozen=tuple(still.get(source.id, ())),
        )
        for source in found
    ]


def states(session: Session, found: Sequence[Source], now: datetime) -> list[SourceStatus]:
    """Return only what a request needs: connection, freshness and the run that holds each source."""
    ids = [source.id for source in found]
    ready = last_runs.ready_of(session, ids)
    active = runs.active_of(session, ids)
    return [
        SourceStatus(
            source=source,
            freshness=freshness(source, _as_of(ready.get(source.id)), now),
            last_ready=ready.get(source.id),
            last_finished=None,
            active=active.get(source.id),
            next_run_at=None,
            duration=None,
        )
        for source in found
    ]


def _as_of(run: Run | None) -> datetime | None:
    return run.clocks.source_as_of if run else None


class StatusService:
    """Answers questions; writes nothing."""

    def __init__(self, desk: Desk, clock: Clock, *, read_budget: int) -> None:
        self._desk = desk
        self._clock = clock
        self._budget = read_budget

    async def sources(self, actor: Actor) -> list[Source]:
        """Return the sources of the actor's organization."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: sources.sources_of(session, member.organization_id))

    async def connections(self, actor: Actor) -> list[Source]:
        """Return the connections of the actor's organization: the sources, and what files and orders go over."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: sources.connections_of(session, member.organization_id))

    async def all(self, actor: Actor, *, with_durations: bool = False) -> list[SourceStatus]:
        """Return the status of every source of the actor's organization."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(
            lambda session: statuses(
                session,
                sources.sources_of(session, member.organization_id),
                self._clock.now(),
                budget=self._budget,
                with_durations=with_durations,
            )
        )

    async def one(self, actor: Actor, source_id: str) -> SourceStatus:
        """Return the status of one source; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> SourceStatus:
            source = sources.visible(session, member.organization_id, source_id)
            if source is None:
                raise NotFoundError
            return statuses(session, [source], self._clock.now(), budget=self._budget, with_durations=True)[0]

        return await self._desk.read(work)

    async def history(self, actor: Actor, source_id: str | None, limit: int = 10) -> tuple[list[Run], dict[str, str]]:
        """Return the newest runs of one source or of all, and the receipt id of each that has one."""
        member = authorize(actor, Action.SEE_HISTORY)

        def work(session: Session) -> tuple[list[Run], dict[str, str]]:
            found = sources.sources_of(session, member.organization_id)
            chosen = [source.id for source in found if source_id is None or source.id == source_id]
            if not chosen and source_id is not None:
                raise NotFoundError
            listed = runs.history(session, chosen, limit)
            return listed, receipts.ids_of(session, [run.id for run in listed])

        return await self._desk.read(work)

    async def begun(self, actor: Actor, source_ids: Sequence[str], limit: int = 50) -> list[Begun]:
        """Return the newest runs of these sources of the actor's organization, each with who asked for it."""
        member = authorize(actor, Action.SEE_HISTORY)

        def work(session: Session) -> list[Begun]:
            own = {source.id for source in sources.sources_of(session, member.organization_id)}
            listed = runs.history(session, [one for one in source_ids if one in own], limit)
            people = askers.askers_of(session, [run.id for run in listed])
            return [Begun(run, people.get(run.id, ())) for run in listed]

        return await self._desk.read(work)

    async def calibration(self, actor: Actor, source_id: str) -> Calibration | None:
        """Return, for admins, how well the estimates of time held that were told for one source."""
        member = authorize(actor, Action.SEE_AUDIT)

        def work(session: Session) -> Calibration | None:
            if sources.visible(session, member.organization_id, source_id) is None:
                raise NotFoundError
            return calibration_of(session, source_id)

        return await self._desk.read(work)
