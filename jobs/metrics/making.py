"""Metrics through a form: what it offers, the last values before anything is saved, making, changing and deleting."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cache
from typing import TYPE_CHECKING, Any
from zoneinfo import available_timezones

from jobs.authorize import authorize
from jobs.desk import Desk as Listeners
from jobs.errors import NotFoundError, TooLateError
from jobs.ground import Ground
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.choosing import Ask, Catalogue, Names, filter_of, items_of
from jobs.metrics.filling import complaints, filled
from jobs.metrics.fitting import BEGINS, fits
from jobs.metrics.losing import lost_fields, without_lost
from jobs.metrics.post_times import read_post_time
from jobs.metrics.posting import timed
from jobs.metrics.service import MetricService, NotConnectedError
from jobs.refresh.ask import TriggerKey
from storage.facts.clock import Clock
from storage.facts.ids import new_id
from storage.facts.metric_drafts import Desk, Draft, Filling, Pick
from storage.facts.metrics import MOST_METRICS, Dataset, Metric, MetricState, Shown
from storage.facts.people import Action, Actor, Member
from storage.facts.runs import Run
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import (
    audit,
    channels,
    home_views,
    last_runs,
    members,
    metric_changes,
    metric_posts,
    metrics,
    organizations,
    sources,
    triggers,
)
from storage.records.metric_forms import definition_json
from storage.sessions import Session

if TYPE_CHECKING:
    from storage.warehouse.apart import Question

#: What an organization may call its metrics.
NOUNS = ("Metric", "Goal", "Objective")
_MOST_OFFERED = 100
_TAKEN = "Another one has this name; choose another name."
_CHANGED = "somebody changed it meanwhile; look at it again and begin anew"


@dataclass(frozen=True, slots=True)
class Saved:
    """What came of a form that was sent."""

    name: str
    noun: str
    #: whether it was there before
    changed: bool


class MetricMaking:
    """Makes, changes and deletes metrics of the actor's own organization; managers and admins only."""

    def __init__(
        self,
        desk: Listeners,
        clock: Clock,
        ground: Ground,
        shown: MetricService,
        ask: Callable[[str], Ask] | None = None,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._ground = ground
        self._shown = shown
        self._ask_of = ask or self._ask
        self._catalogue = Catalogue(clock)

    async def begin(self, actor: Actor, card: str, wanted: str = "", *, by_name: bool = False) -> Filling:
        """Return what the form shows first: an empty draft, or a metric as it is (its id, or its name).

        NotConnectedError: there is nothing to calculate from. NotFoundError: no such metric.
        """
        member = authorize(actor, Action.CHANGE_METRICS)

        def work(session: Session) -> Filling:
            desk = _desk_of(session, member)
            metric = None
            if wanted:
                find = metrics.named if by_name else metric_changes.find
                metric = find(session, member.organization_id, wanted)
                if metric is None:
                    raise NotFoundError
            if not desk.companies:
                raise NotConnectedError
            draft = _begun(card, member, desk) if metric is None else _of(card, metric, desk, member)
            lost = lost_fields(metric) if metric is not None else ()
            gone = metric.reason if metric is not None and lost else ""
            return Filling(draft, desk, fits(draft.definition), metric is not None and not gone, gone=gone, lost=lost)

        found = await self._desk.read(work)
        # What menus will ask for is looked up while the person reads.
        await self._soon(member, found.draft.source_id)
        return found

    async def filled(self, actor: Actor, draft: Draft, fields: Mapping[str, str], *, more: bool) -> Filling:
        """Return the draft with what stands in the form, what is wrong with it, and what fits it now."""
        member = authorize(actor, Action.CHANGE_METRICS)
        desk = await self._desk.read(lambda session: _desk_of(session, member))
        if not desk.companies:
            raise NotConnectedError
        names = await self._soon(member, fields.get("company", draft.source_id))
        done, wrong = filled(draft, fields, desk, names)
        return Filling(done, desk, fits(done.definition), more, {**complaints(done), **wrong})

    async def search(self, actor: Actor, draft: Draft, field: str, words: str) -> list[Pick] | None:
        """Return what a menu of the form offers; None while the names are still being looked up."""
        member = authorize(actor, Action.CHANGE_METRICS)
        plain = words.casefold().strip()
        if field == "zone":
            return [Pick(None, zone, zone) for zone in _zones() if plain.replace(" ", "_") in zone.casefold()][
                :_MOST_OFFERED
            ]
        if field in {"owner", "post_to"}:
            desk = await self._desk.read(lambda session: _desk_of(session, member))
            offered = desk.owners if field == "owner" else desk.channels
            return [Pick(None, key, name) for key, name in offered.items() if plain in name.casefold()][:_MOST_OFFERED]
        names = await self._soon(member, draft.source_id)
        if names is None:
            return None
        name, _, rest = field.removeprefix("by_").partition(".")
        dataset = rest.partition(".")[0]
        try:
            what = items_of(Dataset(dataset)) if name == "item" else filter_of(name)
        except (KeyError, ValueError):
            raise NotFoundError from None
        return names.search(what, words)

    async def preview(self, actor: Actor, draft: Draft) -> Shown:
        """Return what the draft would come to; keeps nothing (MetricRefusedError, TooLateError)."""
        member = authorize(actor, Action.CHANGE_METRICS)
        metric, source, run = await self._desk.read(lambda session: self._drawn(session, member, draft))
        return await self._shown.looked(metric, source, run)

    async def save(self, actor: Actor, draft: Draft, trigger: TriggerKey) -> Saved:
        """Make or change the metric; the same trigger does it once.

        MetricRefusedError says what is wrong by now; TooLateError that it was changed or deleted meanwhile.
        """
        authorize(actor, Action.CHANGE_METRICS)

        def work(session: Session) -> Saved:
            member = _still(session, actor)
            organizations.lock(session, member.organization_id)
            saved = Saved(draft.name, metric_changes.noun(session, member.organization_id), bool(draft.metric_id))
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is not None:
                return saved
            now = self._clock.now()
            metric, _, _ = self._drawn(session, member, draft)
            if draft.metric_id:
                self._change(session, member, draft, now)
            else:
                self._add(session, member, metric)
            when = read_post_time(draft.post_time) if draft.post_to else None
            if when is not None:
                timed(session, member.organization_id, draft.post_to, when, now)
            metrics.due(session, metric.source_id, now)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, metric.id, now)
            detail: dict[str, object] = {"name": draft.name, "definition": definition_json(draft.definition)}
            if draft.metric_id:
                detail["version_before"] = draft.version
            if when is not None:
                detail["post_time"] = str(when)
            audit.record(session, member.organization_id, member.id, Action.CHANGE_METRICS, metric.id, now, detail)
            return saved

        return await self._desk.write(work)

    async def delete(self, actor: Actor, metric_id: str, trigger: TriggerKey) -> Saved:
        """Delete a metric with all its values; the same trigger does it once (NotFoundError)."""
        authorize(actor, Action.CHANGE_METRICS)

        def work(session: Session) -> Saved:
            member = _still(session, actor)
            organizations.lock(session, member.organization_id)
            noun = metric_changes.noun(session, member.organization_id)
            first = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
            if first is not None:
                return Saved(first.partition(" ")[2], noun, changed=True)
            metric = metric_changes.find(session, member.organization_id, metric_id)
            if metric is None:
                raise NotFoundError
            now = self._clock.now()
            values = metric_changes.erase(session, metric)
            home_views.changed(session, member.organization_id, now)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, f"{metric.id} {metric.name}", now)
            detail: dict[str, object] = {"deleted": metric.name, "values": values,
                                         "definition": definition_json(metric.definition)}  # fmt: skip
            audit.record(session, member.organization_id, member.id, Action.CHANGE_METRICS, metric.id, now, detail)
            return Saved(metric.name, noun, changed=True)

        return await self._desk.write(work)

    async def noun(self, actor: Actor) -> str:
        """Return what the organization calls its metrics."""
        member = authorize(actor, Action.SEE_STATUS)
        return await self._desk.read(lambda session: metric_changes.noun(session, member.organization_id))

    async def name_all(self, actor: Actor, noun: str, trigger: TriggerKey) -> str:
        """Call the organization's metrics so; admins. MetricRefusedError: that is none of the words."""
        authorize(actor, Action.NAME_METRICS)
        chosen = next((one for one in NOUNS if noun.casefold() in {one.casefold(), f"{one.casefold()}s"}), None)
        if chosen is None:
            raise MetricRefusedError(f"they can be called {', '.join(NOUNS[:-1])} or {NOUNS[-1]}")

        def work(session: Session) -> str:
            member = organizations.member_by_identity(session, actor.identity)
            found = authorize(Actor(actor.identity, member), Action.NAME_METRICS)
            organizations.lock(session, found.organization_id)
            if triggers.first_result(session, trigger.team_id, trigger.trigger_id) is None:
                now, before = self._clock.now(), metric_changes.noun(session, found.organization_id)
                metric_changes.set_noun(session, found.organization_id, chosen)
                home_views.changed(session, found.organization_id, now)
                triggers.remember(session, trigger.team_id, trigger.trigger_id, chosen, now)
                detail: dict[str, object] = {"before": before, "noun": chosen}
                owner = found.organization_id
                audit.record(session, owner, found.id, Action.NAME_METRICS, owner, now, detail)
            return chosen

        return await self._desk.write(work)

    async def close(self) -> None:
        """Let go of names that are being looked up."""
        await self._catalogue.close()

    def _add(self, session: Session, member: Member, metric: Metric) -> None:
        if metrics.count(session, member.organization_id) >= MOST_METRICS:
            noun = metric_changes.noun(session, member.organization_id)
            raise TooLateError(f"an organization has {MOST_METRICS} {noun.lower()}s at most")
        if not metrics.add(session, metric, member.id):
            raise MetricRefusedError(_TAKEN, "name")

    def _change(self, session: Session, member: Member, draft: Draft, now: datetime) -> None:
        before = metric_changes.find(session, member.organization_id, draft.metric_id)
        if before is None or (before.version, before.source_id) != (draft.version, draft.source_id):
            raise TooLateError(_CHANGED)
        if not metric_changes.rename(session, before, draft.name, draft.owner_id):
            raise MetricRefusedError(_TAKEN, "name")
        if before.post_to != draft.post_to:
            metric_posts.move(session, before, draft.post_to, now)
        same = before.definition == draft.definition and before.state is not MetricState.BROKEN
        if not same and not metrics.redefine(session, before, draft.definition, member.id, now):
            raise TooLateError(_CHANGED)

    def _drawn(self, session: Session, member: Member, draft: Draft) -> tuple[Metric, Source, Run]:
        """Return the draft as a metric, and what it would be calculated from; whatever it names is looked at again."""
        desk = _desk_of(session, member)
        if draft.source_id not in desk.companies:
            raise TooLateError("this QuickBooks company is not connected; connect it again first")
        wrong = complaints(draft)
        _, also = filled(draft, {}, desk, None)
        for field, words in {**wrong, **also}.items():
            raise MetricRefusedError(words, field)
        taken = metrics.named(session, member.organization_id, draft.name)
        if taken is not None and taken.id != draft.metric_id:
            raise MetricRefusedError(_TAKEN, "name")
        source = sources.source(session, draft.source_id)
        run = last_runs.ready_of(session, [source.id]).get(source.id)
        if run is None or run.clocks.source_as_of is None:
            raise MetricRefusedError("nothing is imported from QuickBooks yet: try again after its first collection")
        metric = Metric(
            draft.metric_id or new_id("met"), source.organization_id, source.id, source.account, draft.name,
            draft.definition, draft.version or 1, draft.owner_id, draft.post_to, self._clock.now(),
            MetricState.CALCULATING, "", None, "", None, 0,
        )  # fmt: skip
        return metric, source, run

    async def _soon(self, member: Member, source_id: str) -> Names | None:
        """Return the names of a company of the member's own organization, if they are there in time."""
        owner = member.organization_id
        return await self._catalogue.soon(owner, source_id, self._ask_of(owner))

    def _ask(self, organization_id: str) -> Ask:
        async def ask(questions: "Sequence[Question]") -> Sequence[Sequence[Sequence[Any]]]:
            from storage.warehouse.apart import ask_apart

            async with self._shown.looking():
                return await ask_apart(self._ground.warehouses.url, organization_id, questions)

        return ask


def _desk_of(session: Session, member: Member) -> Desk:
    """Return what a form offers beside what was imported."""
    owner = member.organization_id
    books = [one for one in sources.sources_of(session, owner) if one.provider is Provider.QUICKBOOKS]
    places = organizations.allowed_channels(session, owner)
    named = {f"{team}/{channel}": channels.last_name(session, owner, channel) for team, channel in places}
    return Desk(
        companies={
            one.id: one.company or one.label for one in books if one.connection is not ConnectionState.DISCONNECTED
        },
        owners={one.id: one.name for one in members.of_organization(session, owner)},
        channels={
            place: f"#{name.removeprefix('#')}" if name else place.partition("/")[2] for place, name in named.items()
        },
        zone=organizations.zone(session, owner),
        noun=metric_changes.noun(session, owner),
        posts=metric_posts.times(session, owner),
    )


def _begun(card: str, member: Member, desk: Desk) -> Draft:
    return Draft(card, next(iter(desk.companies)), replace(BEGINS, zone=desk.zone), owner_id=member.id)


def _of(card: str, metric: Metric, desk: Desk, member: Member) -> Draft:
    if metric.source_id not in desk.companies:
        raise TooLateError("its QuickBooks company is disconnected: connect it again first")
    # Whoever left is followed by who changes it, unless another one is chosen; a channel may not be allowed any more.
    owner = metric.owner_id if metric.owner_id in desk.owners else member.id
    place = metric.post_to if metric.post_to in desk.channels else ""
    left = without_lost(metric)
    return Draft(card, metric.source_id, left, metric.name, metric.id, metric.version, owner, place)


def _still(session: Session, actor: Actor) -> Member:
    """Return the member as they may act now, and not when the form was opened."""
    return authorize(
        Actor(actor.identity, organizations.member_by_identity(session, actor.identity)), Action.CHANGE_METRICS
    )


@cache
def _zones() -> Sequence[str]:
    return sorted(available_timezones())
