"""Access to refreshes by request: asked once, decided once by support, checked again where a refresh starts."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select, update

import sandbox
from connectors.registry import connector_for
from jobs.access import AccessAnswer, AccessService, Wish
from jobs.access_policy import AccessPolicy
from jobs.desk import Desk
from jobs.errors import NoAccessError, NotAllowedError, NotFoundError, TooLateError
from jobs.notify.kinds import ACCESS_ASKED, ACCESS_DECIDED
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Outcome, Place, Scope, Started, TriggerKey
from jobs.refresh.clicks import ClickService
from jobs.refresh.service import RefreshService
from jobs.schedule import start_slot
from jobs.slots import Slot
from jobs.work import Work
from storage.facts.access import AccessRequest, AskedAccess, RefreshAccess
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.ids import new_id
from storage.facts.people import Action, Actor, Member, SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import access, audit, deliveries, organizations, seeds, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import AccessRequestRow, DeliveryRow, RefreshRow, RunRow, SupportPersonRow
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

EVERYTHING = Scope(everything=True)
PLACE = Place("T0TEMERITY", "C0FINANCE")
SAM, RUTH = SlackIdentity("T0SUPPORT", "U0SAM"), SlackIdentity("T0SUPPORT", "U0RUTH")
_TOKENS = (
    "TEMERITY_BOT_TOKEN",
    "SUPPORT_BOT_TOKEN",
    "QUICKBOOKS_REFRESH_TOKEN",
    "SHOPIFY_ACCESS_TOKEN",
    "SHOPIFY_REFRESH_TOKEN",
)


@dataclass
class Ground:
    """The services alone, on a seeded database; what the engine would be given is only written down."""

    database: Database
    desk: Desk
    organization_id: str
    clock: OffsetClock = field(default_factory=OffsetClock)
    started: list[Work] = field(default_factory=list)
    dies: bool = False
    policy: AccessPolicy = field(default_factory=lambda: AccessPolicy(RefreshAccess.BY_REQUEST))

    def enqueue(self, session: Session, work: Work) -> object:
        if self.dies:
            raise ConnectionAbortedError("the process died")
        self.started.append(work)
        return work

    @property
    def notifier(self) -> Notifier:
        return Notifier(self.enqueue, support_channel="T0SUPPORT/C0DATASUP", support_email="support@tidings.example")

    def service(self, kind: type[AccessService] = AccessService) -> AccessService:
        return kind(self.desk, self.clock, self.notifier, self.policy)

    def refreshes(self, kind: type[RefreshService] = RefreshService) -> RefreshService:
        return kind(self.desk, self.clock, self.enqueue, self.notifier, read_budget=500_000, access=self.policy)

    def member(self, user: str) -> Actor:
        identity = SlackIdentity("T0TEMERITY", user)
        return Actor(identity, self.read(lambda session: organizations.member_by_identity(session, identity)))

    def read(self, look: Callable[[Session], Any]) -> Any:
        return self.database.in_read(look)

    def newest(self) -> AccessRequest:
        found = self.read(lambda session: access.newest(session, self.organization_id))
        assert isinstance(found, AccessRequest)
        return found

    def allowed(self) -> bool:
        return bool(self.read(lambda session: access.allowed(session, self.organization_id)))

    def told(self, kind: str) -> list[str]:
        rows = self.read(lambda session: [*session.exec(select(DeliveryRow).where(DeliveryRow.kind == kind))])
        return sorted(row.destination for row in rows)

    def audited(self, action: Action) -> list[Any]:
        rows = self.read(lambda session: audit.newest(session, self.organization_id, 100))
        return [row for row in rows if row.action == action]

    def count(self, table: type[Any]) -> int:
        return self.read(lambda session: len([*session.exec(select(table))]))  # type: ignore[no-any-return]  # a count

    async def ask(self, user: str = "U0MAYA", *, trigger: str | None = None, scope: Scope = EVERYTHING) -> AskedAccess:
        wish = Wish(scope, "again", "C0FINANCE/1700000000.000100")
        return (await self.service().ask(self.member(user), wish, _key(trigger))).asked

    async def decide(
        self, *, approve: bool, who: SlackIdentity = SAM, trigger: str | None = None, by: AccessService | None = None
    ) -> AccessRequest:
        decider, request_id = Actor(who, None, support=True), self.newest().id
        service = by or self.service()
        return await service.decide(
            decider, request_id, _key(trigger), approve=approve, message="C0DATASUP/1700000001.000100"
        )


def _key(trigger: str | None = None) -> TriggerKey:
    return TriggerKey("T0TEMERITY", trigger or new_id("trg"))


@contextmanager
def grounded(database: Database) -> Iterator[Ground]:
    """Seed the database and open a desk on it."""
    seed = load_seed(Path(sandbox.__file__).parent / "temerity_goods.yaml", dict.fromkeys(_TOKENS, "a-token-of-a-test"))
    clock = OffsetClock()
    how = Seeding(Seal([Secret(new_key())]), clock.now(), {one: connector_for(one).mode for one in Provider})
    organization_id = database.in_write(lambda session: write_seed(session, seed, how)).organization_id
    database.in_write(lambda session: seeds.put_support_person(session, RUTH.team_id, RUTH.user_id, "Ruth Adler", None))
    desk = Desk(database.url)
    try:
        yield Ground(database, desk, organization_id, clock)
    finally:
        desk.close()


class OnlyAtTheCard(RefreshService):
    """Twin: believes whatever card was shown, and does not look again where the refresh starts."""

    def effect(
        self,
        session: Session,
        member: Member,
        scope: Scope,
        trigger: TriggerKey,
        place: Place,
        *,
        asked_at: datetime | None = None,
    ) -> Outcome:
        self._access = AccessPolicy(RefreshAccess.OPEN)
        return super().effect(session, member, scope, trigger, place, asked_at=asked_at)


@pytest.mark.parametrize("kind, starts", [(RefreshService, 0), (OnlyAtTheCard, 1)])
async def test_a_card_from_before_starts_nothing(
    sqlite_database: Database, kind: type[RefreshService], starts: int
) -> None:
    """The access is taken away (or the setting changed) between the card and the click."""
    with grounded(sqlite_database) as ground:
        maya, service = ground.member("U0MAYA"), ground.refreshes(kind)
        sqlite_database.in_write(lambda session: access.allow(session, ground.organization_id, ground.clock.now()))
        assert len(await service.ask(maya, EVERYTHING)) == 2
        sqlite_database.in_write(lambda session: access.allow(session, ground.organization_id, None))
        clicks = ClickService(ground.desk, ground.clock, service, lambda _name: None)
        click = await clicks.accept(maya, EVERYTHING, _key(), PLACE, {})
        assert click is not None
        played = await clicks.play(click)
        assert played is not None
        assert isinstance(played.refused, NoAccessError) is (starts == 0)
        assert ground.count(RefreshRow) == starts
        if not starts:
            with pytest.raises(NoAccessError):
                await service.request(maya, EVERYTHING, _key(), PLACE)
            assert (ground.count(RefreshRow), ground.started) == (0, [])


async def test_no_card_and_no_refresh_before_support_approved(sqlite_database: Database) -> None:
    with grounded(sqlite_database) as ground:
        maya, service = ground.member("U0MAYA"), ground.refreshes()
        for attempt in (service.ask(maya, EVERYTHING), service.request(maya, EVERYTHING, _key(), PLACE)):
            with pytest.raises(NoAccessError) as caught:
                await attempt
            assert caught.value.standing.request is None
        assert await ground.ask() is AskedAccess.NEW
        with pytest.raises(NoAccessError) as caught:
            await service.ask(maya, EVERYTHING)
        assert caught.value.standing.waiting
        await ground.decide(approve=True)
        assert await ground.ask() is AskedAccess.ALLOWED
        assert isinstance(await service.request(maya, EVERYTHING, _key(), PLACE), Started)


async def test_schedules_go_on_without_access(sqlite_database: Database) -> None:
    """Also the very first read of a source, which a new connection or the clock starts."""
    with grounded(sqlite_database) as ground:
        now = ground.clock.now()
        found = ground.read(lambda session: sources.sources_of(session, ground.organization_id))
        for source in found:
            slot = Slot(source.id, "2026-11-21T14:37:05Z", now)
            assert sqlite_database.in_write(partial(start_slot, slot=slot, now=now, enqueue=ground.enqueue))
        assert ground.count(RunRow) == len(found)


async def test_a_second_ask_joins_and_everybody_is_told_once(sqlite_database: Database) -> None:
    with grounded(sqlite_database) as ground:
        assert await ground.ask(trigger="one") is AskedAccess.NEW
        assert await ground.ask(trigger="one") is AskedAccess.WAITING
        assert await ground.ask() is AskedAccess.WAITING
        assert await ground.ask("U0PRIYA") is AskedAccess.JOINED
        request = ground.newest()
        assert [asker.name for asker in request.askers] == ["Maya Ortiz", "Priya Nair"]
        assert ground.told(ACCESS_ASKED) == ["T0SUPPORT/C0DATASUP", "data-support@tidings.example"]
        await ground.decide(approve=False, trigger="no")
        await ground.decide(approve=True, trigger="no")
        assert not ground.allowed()
        assert ground.told(ACCESS_DECIDED) == ["T0TEMERITY/U0MAYA", "T0TEMERITY/U0PRIYA"]
        # The old click again asks nothing; a new one does.
        assert await ground.ask(trigger="one") is AskedAccess.WAITING
        assert ground.newest().id == request.id
        assert await ground.ask() is AskedAccess.NEW
        assert ground.newest().id != request.id
        asked, decided = ground.audited(Action.ASK_FOR_ACCESS), ground.audited(Action.DECIDE_ACCESS)
        assert [row.detail["joined"] for row in asked] == [False, True, False]
        assert {row.detail["message"] for row in asked} == {"C0FINANCE/1700000000.000100"}
        (no,) = decided
        assert (no.actor, no.detail["decision"], no.detail["asked by"]) == (
            "support:Sam Keller",
            "declined",
            ["Maya Ortiz", "Priya Nair"],
        )
        assert no.detail["message"] == "C0DATASUP/1700000001.000100"
        assert ground.read(lambda session: audit.broken_entries(session, ground.organization_id)) == []


class Hasty(AccessService):
    """Twin: writes the decision whether or not there is one."""

    def _settled(self, session: Session, request_id: str, name: str, now: datetime, *, approve: bool) -> bool:
        statement = update(AccessRequestRow).where(col(AccessRequestRow.id) == request_id)
        session.connection().execute(statement.values(settled_at=now, settled_by=name, approved=approve))
        return True


@pytest.mark.parametrize("kind, decisions", [(AccessService, 1), (Hasty, 2)])
async def test_two_who_press_at_once_decide_once(database: Database, kind: type[AccessService], decisions: int) -> None:
    with grounded(database) as ground:
        asked = await asyncio.gather(ground.ask("U0MAYA"), ground.ask("U0PRIYA"), ground.ask("U0DANIEL"))
        assert sorted(asked) == [AskedAccess.JOINED, AskedAccess.JOINED, AskedAccess.NEW]
        pressed = (
            ground.decide(approve=True, by=ground.service(kind)),
            ground.decide(approve=False, who=RUTH, by=ground.service(kind)),
        )
        outcomes = await asyncio.gather(*pressed, return_exceptions=True)
        assert len(ground.audited(Action.DECIDE_ACCESS)) == decisions
        if kind is AccessService:
            (late,) = [one for one in outcomes if isinstance(one, BaseException)]
            assert isinstance(late, TooLateError)
            request = ground.newest()
            assert str(request.settled_by) in str(late)
            assert ground.allowed() is request.approved
            assert len(ground.told(ACCESS_DECIDED)) == 3


async def test_only_support_decides_and_only_members_ask(sqlite_database: Database) -> None:
    with grounded(sqlite_database) as ground:
        await ground.ask("U0PRIYA")
        request_id, service = ground.newest().id, ground.service()
        for user in ("U0DANIEL", "U0MAYA", "U0GUEST"):
            with pytest.raises(NotAllowedError):
                await service.decide(ground.member(user), request_id, _key(), approve=True, message="")
        for gone in ("acr_unknown", "", "rfr_1"):
            with pytest.raises(NotFoundError):
                await service.decide(Actor(SAM, None, support=True), gone, _key(), approve=True, message="")

        def leaves(session: Session) -> None:
            session.get_one(SupportPersonRow, (RUTH.team_id, RUTH.user_id)).removed_at = ground.clock.now()

        sqlite_database.in_write(leaves)
        # What this process knew of Ruth is a minute old.
        with pytest.raises(NotAllowedError):
            await ground.decide(approve=True, who=RUTH)
        for who in (Actor(SAM, None, support=True), ground.member("U0GUEST")):
            with pytest.raises(NotAllowedError):
                await service.ask(who, Wish(EVERYTHING, "", ""), _key())
        with pytest.raises(NotFoundError):
            await ground.ask(scope=Scope(everything=False, source_ids=("src_of_somebody_else",)))
        assert not ground.allowed()
        assert ground.newest().settled_at is None


class TwoSteps(AccessService):
    """Twin: the request is committed first, and support's messages after it."""

    async def ask(self, actor: Actor, wish: Wish, trigger: TriggerKey) -> AccessAnswer:
        member = actor.member
        assert member is not None
        now = self._clock.now()
        await self._desk.write(lambda session: access.begin(session, member.organization_id, member.id, now))
        return await super().ask(actor, wish, trigger)


@pytest.mark.parametrize("kind, left", [(AccessService, 0), (TwoSteps, 1)])
async def test_a_request_never_stands_without_its_post(
    sqlite_database: Database, kind: type[AccessService], left: int
) -> None:
    with grounded(sqlite_database) as ground:
        ground.dies = True
        wish = Wish(EVERYTHING, "again", "")
        with pytest.raises(ConnectionAbortedError):
            await ground.service(kind).ask(ground.member("U0MAYA"), wish, _key("one"))
        assert ground.count(AccessRequestRow) == left
        assert ground.told(ACCESS_ASKED) == []
        ground.dies = False
        if kind is AccessService:
            assert await ground.ask(trigger="one") is AskedAccess.NEW
            assert len(ground.told(ACCESS_ASKED)) == len(ground.started) == 2


async def test_a_request_whose_post_support_never_got_is_asked_anew(sqlite_database: Database) -> None:
    with grounded(sqlite_database) as ground:
        await ground.ask()
        lost = ground.newest()

        def refuse(session: Session) -> None:
            for one in deliveries.of_subject(session, lost.id):
                if one.channel is Channel.SLACK:
                    _fail(session, one, ground.clock.now())

        sqlite_database.in_write(refuse)
        assert await ground.ask("U0PRIYA") is AskedAccess.NEW
        anew = ground.newest()
        assert anew.id != lost.id
        assert [asker.name for asker in anew.askers] == ["Maya Ortiz", "Priya Nair"]
        with pytest.raises(TooLateError, match="newer post"):
            await ground.service().decide(Actor(SAM, None, support=True), lost.id, _key(), approve=True, message="")
        assert not ground.allowed()


async def test_the_operator_gives_and_takes_it_without_a_request(sqlite_database: Database) -> None:
    with grounded(sqlite_database) as ground:
        await ground.ask()
        service, organization_id = ground.service(), ground.organization_id
        assert not await service.change(organization_id, give=False)
        assert await service.change(organization_id, give=True)
        assert not await service.change(organization_id, give=True)
        assert (ground.allowed(), ground.newest().approved) == (True, True)
        assert ground.told(ACCESS_DECIDED) == ["T0TEMERITY/U0MAYA"]
        with pytest.raises(TooLateError, match="The operator has approved"):
            await ground.decide(approve=False)
        assert await service.change(organization_id, give=False)
        with pytest.raises(NoAccessError):
            await ground.refreshes().ask(ground.member("U0MAYA"), EVERYTHING)
        assert await ground.ask() is AskedAccess.NEW
        entries = ground.audited(Action.DECIDE_ACCESS)
        assert [(one.actor, one.detail["decision"]) for one in entries] == [
            ("operator", "taken away"),
            ("operator", "given"),
        ]


def _fail(session: Session, delivery: Delivery, now: datetime) -> None:
    deliveries.settle(session, delivery.id, DeliveryState.FAILED, now=now, reason="channel_not_found")


async def test_support_gets_the_post_and_the_mail_and_the_askers_hear_of_the_decision(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, more={"REFRESH_ACCESS": "by_request"}) as stage:
        maya, desk = await stage.actor(), stage.jobs.services.access
        with pytest.raises(NoAccessError):
            await stage.request(Provider.SHOPIFY)
        wish = Wish(Scope(everything=False, source_ids=(stage.source(Provider.SHOPIFY).id,)), "again", "")
        assert (await desk.ask(maya, wish, _key())).asked is AskedAccess.NEW
        (post,) = await eventually(lambda: _posts(stage))
        for said in ("Temerity Goods", "Maya Ortiz", "temeritygoods.myshopify.com", "Approve", "Decline"):
            assert said in post.everything
        (mail,) = await eventually(lambda: stage.mail.to("data-support@tidings.example"))
        assert "asks for access" in str(mail.subject)
        sam = await stage.actor(SAM.user_id, SAM.team_id)
        with stage.database.read() as session:
            request = access.newest(session, stage.organization_id)
        assert request is not None
        await desk.decide(sam, request.id, _key(), approve=True, message="")
        await eventually(lambda: "Approved by Sam Keller" in _posts(stage)[0].everything)
        assert "access_approve" not in _posts(stage)[0].actions
        (told,) = await eventually(lambda: _direct(stage))
        assert "has access to refreshes now" in told.everything
        page = await stage.jobs.services.audit.newest(await stage.actor("U0DANIEL"))
        assert [(entry.actor, entry.action) for entry in page.entries[:2]] == [
            ("support: Sam Keller", "decide_access"),
            ("Maya Ortiz", "ask_for_access"),
        ]
        assert isinstance(await stage.request(Provider.SHOPIFY), Started)
        assert len(_posts(stage)) == 1


def _posts(stage: Stage) -> list[Any]:
    return list(stage.slack.messages("C0DATASUP", viewer="U0SAM"))


def _direct(stage: Stage) -> list[Any]:
    return list(stage.slack.messages(stage.slack.world.direct("U0MAYA").id, viewer="U0MAYA"))
