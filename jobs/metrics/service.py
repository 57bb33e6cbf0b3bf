"""What people do with metrics: look at them, and make them after a look at their last values."""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta

import structlog

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, RequestError, TooLateError
from jobs.ground import Ground
from jobs.metrics.calculating import Calculating
from jobs.metrics.checking import MetricRefusedError, check
from jobs.metrics.compiling import needs_of, sides_of
from jobs.metrics.datasets import names_of, tables
from jobs.metrics.wishes import Wish, read_wish
from jobs.promises import freshness
from jobs.refresh.ask import TriggerKey
from jobs.threads import in_thread
from storage.facts.clock import Clock
from storage.facts.dependents import DependentKind, Frozen
from storage.facts.ids import new_id
from storage.facts.metrics import (
    MOST_METRICS,
    Dataset,
    Definition,
    ItemKind,
    Kept,
    Metric,
    MetricState,
    Selection,
    Shown,
)
from storage.facts.people import Action, Actor, Member
from storage.facts.runs import Run
from storage.facts.sources import ConnectionState, Freshness, Provider, Source
from storage.records import audit, frozen, metrics, organizations, runs, sources, triggers
from storage.records.metric_forms import definition_json
from storage.sessions import Session
from storage.warehouse import WarehouseError

#: What is read once a day may be so old.
_DAILY = timedelta(hours=48)
#: values that one answer shows
_VALUES = 12
#: values that are shown before it is made
_PREVIEWED = 6

log = structlog.get_logger()


class NotConnectedError(RequestError):
    """No QuickBooks company is connected: there is nothing to calculate from."""


class MetricService:
    """The metrics of the actor's own organization."""

    def __init__(self, desk: Desk, clock: Clock, ground: Ground, calculating: Calculating) -> None:
        self._desk = desk
        self._clock = clock
        self._ground = ground
        self._calculating = calculating
        #: each is a process that may take half a gigabyte
        self._looks = asyncio.Semaphore(2)

    async def all(self, actor: Actor) -> list[Shown]:
        """Return all of them by name, each with its latest value."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> list[Shown]:
            found = metrics.of_organization(session, member.organization_id)
            latest = metrics.latest_of(session, [one.id for one in found])
            return _shown(session, found, {name: (kept,) for name, kept in latest.items()}, self._clock.now())

        return await self._desk.read(work)

    async def preview(self, actor: Actor, words: str) -> Shown:
        """Return what the words would make, with its last values; keeps nothing.

        MetricRefusedError says what is wrong with the words; NotConnectedError that there is nothing to calculate from.
        """
        metric, source, run = await self._wished(actor, words)
        warehouse = self._ground.warehouses.of(source.organization_id)
        async with self._looking():
            snapshot = await in_thread(warehouse.snapshot)
            cursors = await in_thread(lambda: warehouse.cursors(source.id))
            (found,) = await self._calculating.outcomes(source, [metric], run, snapshot, cursors)
        if found.broken:
            raise MetricRefusedError(found.broken)
        last = reversed(found.values[-_PREVIEWED:])
        kept = tuple(Kept(value, 1, found.currency, found.as_of, run.id, snapshot, 1) for value in last)
        return Shown(replace(metric, as_of=found.as_of), MetricState.CALCULATING, source.company, values=kept)

    async def make(self, actor: Actor, words: str, trigger: TriggerKey) -> str:
        """Make the metric that the words ask for and return its name; the same trigger makes one.

        MetricRefusedError and NotConnectedError as `preview`; TooLateError when another one has the name by now.
        """
        authorize(actor, Action.CHANGE_METRICS)
        name = read_wish(words).name
        if await self._desk.read(lambda session: triggers.first_result(session, trigger.team_id, trigger.trigger_id)):
            return name
        metric, _, _ = await self._wished(actor, words)

        def work(session: Session) -> str:
            member = authorize(
                Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.CHANGE_METRICS
            )
            organizations.lock(session, member.organization_id)
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
                return name
            if metrics.count(session, member.organization_id) >= MOST_METRICS:
                raise TooLateError(f"an organization has {MOST_METRICS} metrics at most")
            if not metrics.add(session, metric, member.id):
                raise TooLateError("a metric of that name was made meanwhile")
            now = self._clock.now()
            metrics.due(session, metric.source_id, now)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, metric.id, now)
            detail: dict[str, object] = {"name": metric.name, "definition": definition_json(metric.definition)}
            audit.record(session, member.organization_id, member.id, Action.CHANGE_METRICS, metric.id, now, detail)
            return name

        return await self._desk.write(work)

    async def _wished(self, actor: Actor, words: str) -> tuple[Metric, Source, Run]:
        """Return the metric that the words ask for, which is not made yet, and what it would be calculated from."""
        member = authorize(actor, Action.CHANGE_METRICS)
        wish = read_wish(words)
        source, run, zone, taken = await self._desk.read(lambda session: _ground_of(session, member, wish.name))
        if taken:
            raise MetricRefusedError("there is a metric of that name already; choose another name")
        if run is None or run.clocks.source_as_of is None:
            raise MetricRefusedError("nothing is imported from QuickBooks yet: try again after its first collection")
        definition = await self._resolved(source, wish, zone)
        check(definition)
        metric = Metric(
            new_id("met"), source.organization_id, source.id, source.account, wish.name, definition, 1, member.id, "",
            self._clock.now(), MetricState.CALCULATING, "", None, "", None, 0,
        )  # fmt: skip
        return metric, source, run

    async def _resolved(self, source: Source, wish: Wish, zone: str) -> Definition:
        """Return the definition with the items that are called so in what was imported."""
        from storage.warehouse.apart import Question, ask_apart

        table = tables()
        asked: list[tuple[int, ItemKind]] = []
        questions: list[Question] = []
        for number, (dataset, name) in enumerate(wish.items):
            known = table.get((dataset, wish.rest.basis))
            for kind in sorted(known.kinds - {ItemKind.ALL} if known and name else ()):
                asked.append((number, kind))
                names = names_of(dataset, kind)
                questions.append(Question(names, (source.id, name), needs_of(names)))
        url, organization_id = self._ground.warehouses.url, source.organization_id
        async with self._looking():
            answers = await ask_apart(url, organization_id, questions) if questions else []
        found: dict[int, list[tuple[ItemKind, str, str]]] = {}
        for (number, kind), rows in zip(asked, answers, strict=True):
            found.setdefault(number, []).extend((kind, key, name) for key, name in rows)
        chosen = [_chosen(*item, found.get(number, [])) for number, item in enumerate(wish.items)]
        second = chosen[1] if len(chosen) > 1 else None
        return replace(wish.rest, selection=chosen[0], divisor=second, zone=zone)

    @asynccontextmanager
    async def _looking(self) -> AsyncIterator[None]:
        """Look into the lake for somebody who waits: not many at once, and what does not work out is said in words."""
        async with self._looks:
            try:
                yield
            except WarehouseError as error:
                # Its text may quote a customer's values.
                log.warning("metric_not_looked_up", reason=type(error).__name__)
                raise MetricRefusedError("the data could not be looked at in time; try again in a minute") from error

    async def one(self, actor: Actor, name: str) -> Shown:
        """Return one with its last values; NotFoundError for a missing one and for somebody else's."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> Shown:
            found = metrics.named(session, member.organization_id, name)
            if found is None:
                raise NotFoundError
            values = {found.id: tuple(metrics.newest_values(session, found.id, _VALUES))}
            return _shown(session, [found], values, self._clock.now())[0]

        return await self._desk.read(work)


def _chosen(dataset: Dataset, name: str, found: Sequence[tuple[ItemKind, str, str]]) -> Selection:
    """Return the one item that is called so (MetricRefusedError: none is, or several are)."""
    if not name:
        return Selection(dataset)
    if len(found) == 1:
        kind, key, called = found[0]
        return Selection(dataset, kind, key, called)
    what = "several things there are" if found else "nothing there is"
    raise MetricRefusedError(f"{what} called “{name}” in QuickBooks: write the whole name, as QuickBooks shows it")


def _ground_of(session: Session, member: Member, name: str) -> tuple[Source, Run | None, str, bool]:
    """Return the connected QuickBooks source, its last good run, the zone, and whether the name is taken."""
    books = [one for one in sources.sources_of(session, member.organization_id) if one.provider is Provider.QUICKBOOKS]
    connected = [one for one in books if one.connection is not ConnectionState.DISCONNECTED]
    if not connected:
        raise NotConnectedError
    if len(connected) > 1:
        raise MetricRefusedError("several QuickBooks companies are connected, and which one cannot be said here yet")
    (source,) = connected
    zone = organizations.organization(session, member.organization_id).timezone
    run = runs.last_ready_of(session, [source.id]).get(source.id)
    return source, run, zone, metrics.named(session, member.organization_id, name) is not None


def _shown(
    session: Session, found: Sequence[Metric], values: Mapping[str, tuple[Kept, ...]], now: datetime
) -> list[Shown]:
    """Return metrics with the state that follows from their sources, in three looks however many there are."""
    if not found:
        return []
    known = {source.id: source for source in sources.sources_of(session, found[0].organization_id)}
    last = runs.last_ready_of(session, list(known))
    still = {
        one.dependent.id: one
        for many in frozen.of_sources(session, list(known)).values()
        for one in many
        if one.dependent.kind is DependentKind.METRIC
    }
    return [
        _one(metric, known[metric.source_id], last.get(metric.source_id), still.get(metric.id), values, now)
        for metric in found
    ]


def _one(
    metric: Metric,
    source: Source,
    run: Run | None,
    still: Frozen | None,
    values: Mapping[str, tuple[Kept, ...]],
    now: datetime,
) -> Shown:
    state, reason = standing(metric, source, run, still, now)
    company, since = source.company or source.label, still.since if still else None
    return Shown(metric, state, company, reason, since, values.get(metric.id, ()))


def standing(
    metric: Metric, source: Source, run: Run | None, still: Frozen | None, now: datetime
) -> tuple[MetricState, str]:
    """Return where a metric stands, and why it is not current. Only what is current may look well."""
    if still is not None or source.connection is ConnectionState.DISCONNECTED:
        return MetricState.FROZEN, still.reason if still else source.connection_reason or "its source is disconnected"
    if metric.state is MetricState.BROKEN:
        return MetricState.BROKEN, metric.reason
    if metric.state is MetricState.CALCULATING or metric.calculated_version != metric.version:
        return MetricState.CALCULATING, metric.reason
    old = _why_old(metric, source, run, now)
    return (MetricState.STALE, old) if old else (MetricState.CURRENT, "")


def _why_old(metric: Metric, source: Source, run: Run | None, now: datetime) -> str:
    """Return why its input is too old; empty where it is not."""
    at = run.clocks.source_as_of if run else None
    if at is None or metric.as_of is None or freshness(source, at, now) is not Freshness.FRESH:
        return "what it is calculated from is older than promised"
    if any(side.table and side.table.daily for side in sides_of(metric.definition)):
        return "what it is calculated from was not read for two days" if now - metric.as_of > _DAILY else ""
    return "it is not calculated from the newest data yet" if metric.as_of < at else ""
