"""Setting a schedule: shown first, by managers, once, in the audit, and the clock keeps exactly to what was shown."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
import pytest_asyncio

import sandbox
from bot.cli.seed import modes
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.plans import PlanRefusedError
from jobs.promises import freshness
from jobs.refresh.ask import TriggerKey
from jobs.schedule import schedule_of, start_slot
from jobs.schedules import Planned, ScheduleService
from jobs.slots import Slot, latest_slot
from jobs.status import next_run_at
from storage.facts.clock import OffsetClock
from storage.facts.ids import new_id
from storage.facts.people import Action, Actor, Role, SlackIdentity
from storage.facts.schedules import Rhythm, Rule
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, Freshness, Provider, Source
from storage.facts.status import SourceStatus
from storage.records import audit, organizations, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import OrganizationRow
from templates.notices import pieces

SEED = Path(sandbox.__file__).parent / "temerity_goods.yaml"
_TOKENS = (
    *("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN"),
    *("SHOPIFY_ACCESS_TOKEN", "SHOPIFY_REFRESH_TOKEN"),
)


class Stage:
    """A seeded database with the service in front."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, OffsetClock()
        seed = load_seed(SEED, dict.fromkeys(_TOKENS, "a-token-of-a-test"))
        how = Seeding(Seal([Secret(new_key())]), self.clock.now(), modes())
        self._write = lambda session: write_seed(session, seed, how)
        self.organization_id = self.seed()
        self.desk = Desk(database.url)
        self.service = ScheduleService(self.desk, self.clock)

    def seed(self) -> str:
        return self.database.in_write(self._write).organization_id

    def actor(self, user: str, role: Role | None = None) -> Actor:
        identity = SlackIdentity("T0TEMERITY", user)
        member = self.database.in_read(lambda session: organizations.member_by_identity(session, identity))
        assert member is not None
        return Actor(identity, replace(member, role=role) if role else member)

    def source(self, provider: Provider = Provider.SHOPIFY) -> Source:
        found = self.database.in_read(lambda session: sources.sources_of(session, self.organization_id))
        return next(source for source in found if source.provider is provider)

    async def set(self, words: str, *, user: str = "U0DANIEL", card: str | None = None) -> Planned:
        shown = await self.service.preview(self.actor(user), self.source().id, words)
        assert shown is not None
        key = TriggerKey("T0TEMERITY", card or new_id("card"))
        return await self.service.change(self.actor(user), shown.source.id, shown.words, shown.seen, key)

    def noted(self) -> list[dict[str, object]]:
        found = self.database.in_read(lambda session: audit.newest(session, self.organization_id, 50))
        return [dict(row.detail) for row in reversed(found) if row.action == Action.CHANGE_SCHEDULE]

    def start(self, slot: Slot) -> bool:
        work = lambda session: start_slot(session, slot, self.clock.now(), lambda *_: None)  # noqa: E731 - one use
        return self.database.in_write(work) is not None


@pytest_asyncio.fixture
async def stage(sqlite_database: Database) -> AsyncIterator[Stage]:
    found = Stage(sqlite_database)
    yield found
    found.desk.close()


async def test_what_was_shown_is_what_the_clock_keeps_to(stage: Stage) -> None:
    shown = await stage.set("weekdays at 07:30")
    source = stage.source()
    assert (source.rule, source.zone) == (Rule(Rhythm.WEEKDAYS, time(7, 30)), "America/New_York")
    assert source == replace(shown.source, schedule_version=2, scheduled_at=source.scheduled_at)
    assert len(shown.times) == 5
    schedule = schedule_of(source)
    assert next_run_at(source, stage.clock.now()) == shown.times[0]
    for found in (
        stage.database.in_read(lambda session: sources.source(session, source.id)),
        stage.database.in_read(lambda session: sources.visible(session, stage.organization_id, source.id)),
        *stage.database.in_read(lambda session: sources.changed_since(session, source.scheduled_at)),
    ):
        assert found is not None
        assert schedule_of(found) == schedule
    # Nothing that was due before, and then exactly the first time.
    assert not stage.start(latest_slot(schedule, stage.clock.now()))
    stage.clock.advance(shown.times[0] - stage.clock.now() + timedelta(seconds=1))
    assert stage.start(latest_slot(schedule, stage.clock.now()))


async def test_off_is_off_and_default_is_the_providers_own(stage: Stage) -> None:
    assert (await stage.set("off")).times == ()
    source = stage.source()
    assert next_run_at(source, stage.clock.now()) is None
    stage.clock.advance(timedelta(days=3))
    assert not stage.start(Slot(source.id, "2026-11-24T11:46:40Z", stage.clock.now()))
    await stage.set("default")
    assert (stage.source().schedule_minutes, stage.source().rule) == (60, None)
    now = stage.clock.now()
    assert next_run_at(stage.source(), now) is not None
    assert [(note["before"], note["now"]) for note in stage.noted()] == [
        ("every 60 minutes", "off"),
        ("off", "every 60 minutes"),
    ]


async def test_a_card_changes_once_and_not_over_another_change(stage: Stage) -> None:
    shown = await stage.service.preview(stage.actor("U0DANIEL"), stage.source().id, "at 06:00")
    assert shown is not None
    assert stage.source().rule is None
    await stage.set("every 6 hours", card="card_1")
    await stage.set("every 6 hours", card="card_1")
    assert len(stage.noted()) == 1
    with pytest.raises(TooLateError):
        await stage.service.change(
            stage.actor("U0DANIEL"), shown.source.id, shown.words, shown.seen, TriggerKey("T0TEMERITY", "card_2")
        )
    assert stage.source().schedule_minutes == 360


async def test_a_stretched_schedule_says_what_it_was_set_to_until_another_is_set(stage: Stage) -> None:
    stage.database.in_write(lambda session: sources.set_stretched(session, stage.source().id, 120, stage.clock.now()))
    stretched = stage.source()
    assert (stretched.schedule_minutes, stretched.planned_minutes) == (120, 60)
    status = SourceStatus(stretched, Freshness.FRESH, None, None, None, None, None, stretched_minutes=120)
    assert "every 2 hours instead of every 60 minutes" in str(pieces.stretched(status))
    await stage.set("every 6 hours")
    assert (stage.source().schedule_minutes, stage.source().planned_minutes) == (360, None)
    assert stage.noted()[-1]["before"] == "every 60 minutes"


async def test_the_seed_file_leaves_what_a_person_chose(stage: Stage) -> None:
    await stage.set("at 06:00")
    chosen = stage.source()
    stage.seed()
    assert stage.source() == chosen


class Trusting(ScheduleService):
    """A twin that does not read the role again in the transaction of its effect."""

    def _still_allowed(self, session: Session, actor: Actor) -> None:
        pass


@pytest.mark.parametrize("kind, caught", [(ScheduleService, True), (Trusting, False)])
async def test_only_who_is_manager_now_changes_a_schedule(
    stage: Stage, kind: type[ScheduleService], *, caught: bool
) -> None:
    stage.service = kind(stage.desk, stage.clock)
    source_id, key = stage.source().id, TriggerKey("T0TEMERITY", "card_1")
    for role in (Role.VIEWER, Role.REFRESHER):
        actor = stage.actor("U0MAYA", role)
        with pytest.raises(NotAllowedError):
            await stage.service.preview(actor, source_id, "off")
        with pytest.raises(NotAllowedError):
            await stage.service.change(actor, source_id, "off", 1, key)
    # Maya was a manager a moment ago.
    before = stage.actor("U0MAYA", Role.MANAGER)
    if caught:
        with pytest.raises(NotAllowedError):
            await stage.service.change(before, source_id, "off", 1, key)
    else:
        await stage.service.change(before, source_id, "off", 1, key)
    assert (stage.source().rule is None) is caught


async def test_a_foreign_source_is_a_missing_one_and_nonsense_is_refused(stage: Stage) -> None:
    daniel, key = stage.actor("U0DANIEL"), TriggerKey("T0TEMERITY", "card_1")
    assert daniel.member is not None
    stranger = Actor(daniel.identity, replace(daniel.member, organization_id="org_other"))
    with pytest.raises(NotFoundError):
        await stage.service.preview(stranger, stage.source().id, "off")
    assert await stage.service.preview(daniel, stage.source().id, "whenever") is None
    with pytest.raises(NotFoundError):
        await stage.service.change(daniel, stage.source().id, "whenever", 1, key)
    with pytest.raises(PlanRefusedError) as caught:
        await stage.service.preview(daniel, stage.source(Provider.QUICKBOOKS).id, "off")
    assert caught.value.reason == "timer"
    assert stage.noted() == []


async def test_a_zone_that_is_none_is_said_and_stops_no_clock(stage: Stage) -> None:
    chosen = replace(stage.source(), rule=Rule(Rhythm.DAILY, time(7, 30)), zone="Mars/Olympus")
    assert next_run_at(chosen, stage.clock.now()) is not None
    with stage.database.write() as session:
        session.get_one(OrganizationRow, stage.organization_id).timezone = "Mars/Olympus"
    with pytest.raises(PlanRefusedError) as caught:
        await stage.set("at 07:30")
    assert caught.value.reason == "zone"
    assert (await stage.set("every 6 hours")).times


@pytest.mark.parametrize(
    "as_of, now, expected",
    [  # Friday's time was kept; on Monday it is late five minutes after its time, and by Tuesday's overdue.
        ("2026-11-20T12:45", "2026-11-23T12:29", Freshness.FRESH),
        ("2026-11-20T12:45", "2026-11-23T12:50", Freshness.LATE),
        ("2026-11-20T12:45", "2026-11-24T12:50", Freshness.OVERDUE),
        ("2026-11-23T12:41", "2026-11-24T12:29", Freshness.FRESH),
    ],
)
def test_freshness_by_the_wall_clock_knows_the_weekend(as_of: str, now: str, expected: Freshness) -> None:
    seen, at = (datetime.fromisoformat(moment).replace(tzinfo=UTC) for moment in (as_of, now))
    source = _source(Rule(Rhythm.WEEKDAYS, time(7, 30)))
    assert freshness(source, seen, at) is expected
    twin = freshness(replace(source, rule=None), seen, at)
    assert (twin is expected) == (now in {"2026-11-24T12:50", "2026-11-24T12:29"}), (
        "an interval of a day is another promise"
    )


def _source(rule: Rule) -> Source:
    from tests.bot.twins.world import SHOP

    return replace(
        SHOP, id="src_a", rule=rule, zone="America/New_York", schedule_minutes=1440, mode=CollectMode.ON_DEMAND
    )
