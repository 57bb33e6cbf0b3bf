"""What people do with metrics: look at them, and make them after a look at their last values."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import structlog

from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, RequestError, TooLateError
from jobs.ground import Ground
from jobs.metrics.calculating import Calculating
from jobs.metrics.calling import chosen_of, company_of, in_company, narrowing_to
from jobs.metrics.checking import MetricRefusedError, check, check_name
from jobs.metrics.compiling import needs_of
from jobs.metrics.datasets import names_of, narrowing_names, tables
from jobs.metrics.fields import Asked
from jobs.metrics.standing import shown_of
from jobs.metrics.wishes import Wish, read_wish
from jobs.refresh.ask import TriggerKey
from jobs.threads import in_thread
from storage.facts.clock import Clock
from storage.facts.ids import new_id
from storage.facts.metrics import (
    MOST_METRICS,
    Definition,
    ItemKind,
    Kept,
    Metric,
    MetricState,
    Shown,
)
from storage.facts.people import Action, Actor, Member
from storage.facts.restated import Restated
from storage.facts.runs import Run
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import (
    audit,
    last_runs,
    members,
    metric_changes,
    metric_restated,
    metrics,
    organizations,
    sources,
    triggers,
)
from storage.records.metric_forms import definition_json
from storage.sessions import Session
from storage.warehouse import WarehouseError

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
            return shown_of(session, found, {name: (kept,) for name, kept in latest.items()}, self._clock.now())

        return await self._desk.read(work)

    async def preview(self, actor: Actor, words: str) -> Shown:
        """Return what the words would make, with its last values; keeps nothing.

        MetricRefusedError says what is wrong with the words; NotConnectedError that there is nothing to calculate from.
        """
        return await self.looked(*await self._wished(actor, words))

    async def looked(self, metric: Metric, source: Source, run: Run) -> Shown:
        """Return a metric that is not kept yet with its last values (MetricRefusedError: it comes to nothing)."""
        warehouse = self._ground.warehouses.of(source.organization_id)
        async with self.looking():
            snapshot = await in_thread(warehouse.snapshot)
            cursors = await in_thread(lambda: warehouse.cursors(source.id))
            (found,) = await self._calculating.outcomes(source, [metric], run, snapshot, cursors)
        if found.broken:
            raise MetricRefusedError(found.broken)
        last = reversed(found.values[-_PREVIEWED:])
        kept = tuple(Kept(value, 1, found.currency, found.as_of, run.id, snapshot, 1) for value in last)
        # Of what is not imported there is no instant up to which it would be complete.
        as_of = None if found.waits else found.as_of
        return Shown(replace(metric, as_of=as_of), MetricState.CALCULATING, source.company, found.note, values=kept)

    async def make(self, actor: Actor, words: str, trigger: TriggerKey) -> str:
        """Make the metric that the words ask for and return its name; the same trigger makes one.

        MetricRefusedError and NotConnectedError as `preview`; TooLateError when another one has the name by now.
        """
        authorize(actor, Action.CHANGE_METRICS)
        name = check_name(words.partition("=")[0])
        await self.made(actor, words, trigger)
        return name

    async def made(self, actor: Actor, asked: str | Asked, trigger: TriggerKey) -> str:
        """Make the metric that words or fields ask for, as `make`, and return its id.

        The same trigger answers with the one that it made, whatever that is called by now.
        """
        authorize(actor, Action.CHANGE_METRICS)
        first = await self._desk.read(
            lambda session: triggers.first_result(session, trigger.team_id, trigger.trigger_id)
        )
        if first is not None:
            return first
        metric, _, _ = await self._wished(actor, asked)

        def work(session: Session) -> str:
            member = authorize(
                Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.CHANGE_METRICS
            )
            organizations.lock(session, member.organization_id)
            known = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
            if known is not None:
                return known
            if metrics.count(session, member.organization_id) >= MOST_METRICS:
                noun = metric_changes.noun(session, member.organization_id)
                raise TooLateError(f"an organization has {MOST_METRICS} {noun.lower()}s at most")
            if not metrics.add(session, metric, member.id):
                raise TooLateError("another one of that name was made meanwhile")
            now = self._clock.now()
            metrics.due(session, metric.source_id, now)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, metric.id, now)
            detail: dict[str, object] = {"name": metric.name, "definition": definition_json(metric.definition)}
            if metric.post_to:
                detail["post_to"] = metric.post_to
            audit.record(session, member.organization_id, member.id, Action.CHANGE_METRICS, metric.id, now, detail)
            return metric.id

        return await self._desk.write(work)

    async def _wished(self, actor: Actor, asked: str | Asked) -> tuple[Metric, Source, Run]:
        """Return the metric that is asked for, which is not made yet, and what it would be calculated from."""
        member = authorize(actor, Action.CHANGE_METRICS)
        connected = await self._desk.read(lambda session: _connected(session, member))
        if isinstance(asked, Asked):
            source, wish = company_of(asked.company, connected), asked.wish
        else:
            source, plain = in_company(asked, connected)
            wish = read_wish(plain)
        run, zone, taken = await self._desk.read(lambda session: _ground_of(session, member, source, wish.name))
        owner_id, place = await self._desk.read(lambda session: _owner_and_place(session, member, asked))
        if taken:
            raise MetricRefusedError("another one has this name; choose another name")
        if run is None or run.clocks.source_as_of is None:
            raise MetricRefusedError("nothing is imported from QuickBooks yet: try again after its first collection")
        definition = await self._resolved(source, wish, wish.zone or zone)
        check(definition)
        metric = Metric(
            new_id("met"), source.organization_id, source.id, source.account, wish.name, definition, 1, owner_id, place,
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
        for field, name in wish.narrowed:
            names = narrowing_names(field)
            questions.append(Question(names, (source.id, name), needs_of(names)))
        url, organization_id = self._ground.warehouses.url, source.organization_id
        async with self.looking():
            answers = await ask_apart(url, organization_id, questions) if questions else []
        found: dict[int, list[tuple[ItemKind, str, str]]] = {}
        for (number, kind), rows in zip(asked, answers, strict=False):
            found.setdefault(number, []).extend((kind, key, name) for key, name in rows)
        within = [narrowing_to(*one) for one in zip(wish.narrowed, answers[len(asked) :], strict=True)]
        chosen = [
            replace(chosen_of(*item, found.get(number, [])), below=wish.below) for number, item in enumerate(wish.items)
        ]
        for narrow in within:
            chosen = [narrow(one) for one in chosen]
        second = chosen[1] if len(chosen) > 1 else None
        return replace(wish.rest, selection=chosen[0], divisor=second, zone=zone)

    @asynccontextmanager
    async def looking(self) -> AsyncIterator[None]:
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
            return shown_of(session, [found], values, self._clock.now())[0]

        return await self._desk.read(work)

    async def restated(self, actor: Actor, name: str) -> tuple[Shown, list[Restated]]:
        """Return one, and its values of closed periods that moved, the last first; NotFoundError as `one`."""
        shown = await self.one(actor, name)

        def work(session: Session) -> list[Restated]:
            found = metric_restated.of_metric(session, shown.metric.id)
            # Of another definition's values nothing is told in the words of this one.
            return [one for one in found if one.kept.version == shown.metric.calculated_version]

        return shown, await self._desk.read(work)


def _connected(session: Session, member: Member) -> list[Source]:
    """Return the connected QuickBooks companies (NotConnectedError: there is none)."""
    books = [one for one in sources.sources_of(session, member.organization_id) if one.provider is Provider.QUICKBOOKS]
    connected = [one for one in books if one.connection is not ConnectionState.DISCONNECTED]
    if not connected:
        raise NotConnectedError
    return connected


def _ground_of(session: Session, member: Member, source: Source, name: str) -> tuple[Run | None, str, bool]:
    """Return the company's last good run, the zone, and whether the name is taken."""
    zone = organizations.organization(session, member.organization_id).timezone
    run = last_runs.ready_of(session, [source.id]).get(source.id)
    return run, zone, metrics.named(session, member.organization_id, name) is not None


def _owner_and_place(session: Session, member: Member, asked: str | Asked) -> tuple[str, str]:
    """Return who looks after it, and where it is posted, as a program says both (MetricRefusedError)."""
    owner_id, place, organization_id = member.id, "", member.organization_id
    if isinstance(asked, Asked) and asked.owner:
        known = [one.id for one in members.of_organization(session, organization_id) if one.user_id == asked.owner]
        if len(known) != 1:
            raise MetricRefusedError("owner: Slack's id of a member, such as U0123ABCD", "owner")
        (owner_id,) = known
    if isinstance(asked, Asked) and asked.post_to:
        allowed = organizations.allowed_channels(session, organization_id)
        there = [f"{team}/{channel}" for team, channel in allowed if channel == asked.post_to]
        if len(there) != 1:
            words = "post_to: Slack's id of a channel where an admin allowed Tidings to speak, such as C0123ABCD"
            raise MetricRefusedError(words, "post_to")
        (place,) = there
    return owner_id, place
