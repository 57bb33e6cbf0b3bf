"""An organization's own mapping as people see and change it: looked at before it is saved, and saved once."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from connectors.errors import ConnectorError
from jobs.authorize import authorize
from jobs.desk import Desk
from jobs.errors import NotFoundError, RequestError, TooLateError, UnavailableError
from jobs.exchange.fil import FilRules
from jobs.exchange.looking import looked
from jobs.exchange.mapping.differing import differences, pair_differences
from jobs.exchange.mapping.places import located
from jobs.exchange.mapping.problems import MappingError
from jobs.exchange.mapping.profile import ColumnMapping, Profile
from jobs.exchange.mapping.reading import DEFAULT, load_profile, versions
from jobs.exchange.mapping.service import (
    InForce,
    Load,
    Saved,
    history,
    in_force,
    propose,
    restore,
    save,
    updates,
)
from jobs.exchange.ports import FarSides
from jobs.ground import Warehouses
from jobs.refresh.ask import TriggerKey
from jobs.threads import in_thread
from storage.facts.clock import Clock
from storage.facts.exchange import ExchangePair, Pair
from storage.facts.exchange_mapping import (
    MappedColumn,
    MappingLook,
    MappingSaved,
    MappingVersion,
    MappingView,
    MappingWish,
    PairLook,
    WishKind,
)
from storage.facts.people import Action, Actor, Member
from storage.facts.sources import Source
from storage.records import audit, exchange, exchange_mappings, organizations, sources, triggers
from storage.records.exchange_mappings import KeptMapping
from storage.sessions import Session
from storage.warehouse.errors import NoLake

LOOK_SECONDS = 20.0
#: what it would come to, both mappings, the companies, and the connection whose file it is
_Proposal = tuple[MappingLook, Profile, Profile, list[str], Source]
_ASSUMPTION = "assumption"
_VERSIONS = 30


class MappingRefusedError(RequestError):
    """It cannot be saved like that; `problems` say why, each with its line where one is sure."""

    def __init__(self, problems: Sequence[str]) -> None:
        super().__init__("; ".join(problems))
        self.problems = tuple(problems)


class MappingService:
    """Shows and changes the mapping of the actor's own organization."""

    def __init__(
        self,
        desk: Desk,
        clock: Clock,
        warehouses: Warehouses,
        sides: FarSides,
        load: Load = load_profile,
        known: Callable[[str], list[int]] = versions,
    ) -> None:
        self._desk = desk
        self._clock = clock
        self._warehouses = warehouses
        self._sides = sides
        self._load = load
        self._known = known

    async def view(self, actor: Actor, pair_id: str) -> MappingView:
        """Return the mapping of a pair as it is in force, with its versions; NotFoundError for what has none."""
        member = authorize(actor, Action.SEE_STATUS)

        def work(session: Session) -> MappingView:
            pair = _visible(session, member, pair_id)
            kept = exchange_mappings.current(session, member.organization_id)
            name, version = (kept.profile, kept.profile_version) if kept else (DEFAULT, 1)
            base, broken = self._load(name, version), ""
            try:
                now_there = in_force(session, member.organization_id, self._load)
            except MappingError as error:
                broken = "; ".join(error.problems)
                now_there = InForce(base, kept.number if kept else 0, kept.layer if kept else "")
            return replace(
                _view(pair, base, now_there),
                organization=organizations.organization(session, member.organization_id).name,
                versions=_versions(session, history(session, member.organization_id)[:_VERSIONS]),
                newer=max(updates(session, member.organization_id, self._known), default=0),
                broken=broken,
            )

        return await self._desk.read(work)

    async def check(self, actor: Actor, wish: MappingWish) -> None:
        """Pass when it could be saved as it stands; MappingRefusedError, or TooLateError for an old version."""
        await self._proposed(actor, wish, conflicts=False)

    async def look(self, actor: Actor, wish: MappingWish) -> MappingLook:
        """Return what it would change, in words and in the records that QuickBooks has; nothing is saved.

        Conflicts are told, and nothing is compared then. Errors as those of `check`; UnavailableError when it takes
        too long.
        """
        found, before, after, books, source = await self._proposed(actor, wish, conflicts=True)
        if found.conflicts:
            return found
        warehouse = self._warehouses.of(authorize(actor, Action.CHANGE_EXCHANGE).organization_id)
        rules = await self._rules(source)
        seen: list[PairLook]
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                seen = await in_thread(partial(looked, warehouse, books, before, after, found.pair, rules))
        except NoLake:
            seen = []
        except TimeoutError:
            raise UnavailableError("the lake did not answer in time") from None
        return replace(found, pairs=tuple(seen))

    async def save(self, actor: Actor, wish: MappingWish, trigger: TriggerKey) -> MappingSaved:
        """Save it as the newest version; the same trigger saves once. Errors as those of `check`."""
        member = authorize(actor, Action.CHANGE_EXCHANGE)

        def work(session: Session) -> MappingSaved:
            now, org = self._clock.now(), member.organization_id
            organizations.lock(session, org)
            pair = _visible(session, member, wish.pair_id)
            known = triggers.first_result(session, trigger.team_id, trigger.trigger_id)
            if known is not None:
                return MappingSaved(pair.pair, int(known))
            done = self._saved(session, member, wish)
            if done is Saved.MISSING:
                raise NotFoundError
            if done is Saved.MEANWHILE:
                raise TooLateError(_meanwhile(session, org))
            if done is Saved.SAME:
                return MappingSaved(pair.pair, wish.seen, changed=False)
            triggers.remember(session, trigger.team_id, trigger.trigger_id, str(wish.seen + 1), now)
            detail: dict[str, object] = {"version": wish.seen + 1, "how": wish.kind.value, "of": wish.number}
            audit.record(session, org, member.id, "exchange_mapping_changed", pair.id, now, detail)
            return MappingSaved(pair.pair, wish.seen + 1)

        return await self._desk.write(work)

    def _saved(self, session: Session, member: Member, wish: MappingWish) -> Saved:
        org, now = member.organization_id, self._clock.now()
        try:
            if wish.kind is WishKind.VERSION:
                return restore(session, org, wish.seen, wish.number, member.id, now, self._load)
            layer, version = self._wanted(session, org, wish)
            return save(
                session, org, wish.seen, layer, member.id, now, profile_version=version or None, load=self._load
            )
        except MappingError as error:
            raise MappingRefusedError(located(wish.layer, error.problems)) from error

    async def _proposed(self, actor: Actor, wish: MappingWish, *, conflicts: bool) -> _Proposal:
        member = authorize(actor, Action.CHANGE_EXCHANGE)

        def work(session: Session) -> _Proposal:
            org = member.organization_id
            pair = _visible(session, member, wish.pair_id)
            kept = exchange_mappings.current(session, org)
            if (kept.number if kept else 0) != wish.seen:
                raise TooLateError(_meanwhile(session, org))
            layer, version = self._wanted(session, org, wish)
            try:
                found = propose(session, org, layer, version or None, self._load)
            except MappingError as error:
                raise MappingRefusedError(located(layer, error.problems)) from error
            against = [str(each) for each in found.conflicts]
            if against and not conflicts:
                raise MappingRefusedError(located(layer, against))
            base = self._load(found.profile.name, kept.profile_version if kept else 1)
            try:
                before = in_force(session, org, self._load).profile
            except MappingError:
                before = base
            books = list(dict.fromkeys(each.books_id for each in exchange.pairs_of(session, org)))
            look = MappingLook(
                wish, pair.pair, found.profile.name, found.profile.version, found.differences, tuple(against)
            )
            return look, before, found.profile, books, sources.source(session, pair.source_id)

        return await self._desk.read(work)

    async def _rules(self, source: Source) -> FilRules:
        """Return how the far side wants its files; the usual where nobody can say now."""
        try:
            return (await self._sides.of(source)).rules
        except ConnectorError:
            return FilRules()

    def _wanted(self, session: Session, organization_id: str, wish: MappingWish) -> tuple[str, int]:
        """Return the text that is wanted, and the version of the profile below it; 0 for that which is there."""
        if wish.kind is WishKind.LAYER:
            return wish.layer, 0
        kept = exchange_mappings.current(session, organization_id)
        if wish.kind is WishKind.PROFILE:
            if wish.number not in self._known(kept.profile if kept else DEFAULT):
                raise NotFoundError
            return kept.layer if kept else "", wish.number
        older = exchange_mappings.version(session, organization_id, wish.number)
        if older is None:
            raise NotFoundError
        return older.layer, older.profile_version


def _visible(session: Session, member: Member, pair_id: str) -> ExchangePair:
    found = exchange.visible(session, member.organization_id, pair_id)
    if found is None or found.pair is Pair.ORDERS:
        raise NotFoundError
    return found


def _view(pair: ExchangePair, base: Profile, now_there: InForce) -> MappingView:
    name, there = pair.pair.value, now_there.profile
    own = pair_differences(base.pair(name), there.pair(name))
    tables = [each for each in differences(base, there) if each.startswith("table ")]
    elsewhere = sum(
        len(pair_differences(base.pairs[each], there.pairs[each]))
        for each in there.pairs
        if each != name and each in base.pairs
    )
    return MappingView(
        pair_id=pair.id,
        pair=pair.pair,
        organization="",
        profile=base.name,
        profile_version=base.version,
        assumption=base.status == _ASSUMPTION,
        number=now_there.number,
        layer=now_there.layer,
        columns=tuple(_column(each) for each in there.pair(name).columns),
        fields=tuple(there.pair(name).fields),
        own=(*own, *tables),
        elsewhere=elsewhere,
    )


def _column(column: ColumnMapping) -> MappedColumn:
    cut = column.longer.value == "cut"
    return MappedColumn(column.name, column.source, column.kind.value, column.width, cut, column.required)


def _versions(session: Session, kept: Sequence[KeptMapping]) -> tuple[MappingVersion, ...]:
    names = {by: organizations.still_member(session, by) for by in {one.written_by for one in kept} if by}
    return tuple(
        MappingVersion(
            one.number,
            one.profile_version,
            found.name if (found := names.get(one.written_by)) is not None else "",
            one.written_at,
            one.restored,
        )
        for one in kept
    )


def _meanwhile(session: Session, organization_id: str) -> str:
    kept = exchange_mappings.current(session, organization_id)
    by = organizations.still_member(session, kept.written_by) if kept is not None else None
    who = by.name if by is not None else "somebody else"
    return f"{who} saved version {kept.number if kept else 0} of the mapping meanwhile; look at it first"
