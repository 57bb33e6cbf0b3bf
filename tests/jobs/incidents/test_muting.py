"""Muting alarms: nobody is called for a while, status says what it said, and it always ends, with a word."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update
from sqlmodel import col

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.incidents.muting import MuteService, Muting
from jobs.incidents.noticing import lost
from jobs.incidents.reminding import reminder_sweep
from jobs.incidents.until import EndRefusedError, read_until
from jobs.notify.kinds import INCIDENT_CARD, INCIDENT_NOTE, MUTE_OVER
from jobs.refresh.ask import TriggerKey
from jobs.status import statuses
from storage.facts.ids import new_id
from storage.facts.incidents import IncidentKind
from storage.facts.messages import Facts, Message
from storage.facts.mutes import LONGEST, MUTABLE, Mute, mutes_text, read_mutes
from storage.facts.people import Actor, SlackIdentity
from storage.facts.sources import Provider, Source
from storage.records import audit, incidents, organizations
from storage.sessions import Database
from storage.tables import IncidentRow
from templates import notices
from templates.notices.status import source_status
from tests.jobs.incidents.troubled import FRIDAY, Company

DAY = timedelta(days=1)
LATE = (IncidentKind.LATE,)


class Quiet(Company):
    """A company whose one source turns late an hour after its last run, with mutes in front."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.service = MuteService(Desk(self.database.url), self.clock, self.notifier)
        self.reminders = reminder_sweep(self.database, self.clock, self.notifier)
        self.shop = self.founded("temerity", Provider.SHOPIFY)[0]
        self.ready(self.shop)

    def actor(self) -> Actor:
        identity = SlackIdentity("T0TEMERITY", "U0ADMIN")
        return Actor(identity, self.database.in_read(lambda s: organizations.member_by_identity(s, identity)))

    async def mutes(self, words: str, kinds: Any = LATE, key: TriggerKey | None = None) -> Muting:
        shown = await self.service.preview(self.actor(), self.shop.id, kinds, words)
        assert shown is not None
        assert shown.until is not None
        key = key or self.key()
        return await self.service.mute(self.actor(), self.shop.id, kinds, shown.until, shown.seen, key)

    def key(self) -> TriggerKey:
        return TriggerKey("T0TEMERITY", new_id("trg"))

    async def passes(self, *, step: timedelta | None = None, **span: float) -> None:
        await super().passes(step=step, **span)
        await self.reminders()
        await self.deadlines()

    def now_is(self) -> Source:
        return self.source(self.shop.id)

    def cards(self) -> int:
        return len(self.told(INCIDENT_CARD))


async def test_what_is_muted_is_noticed_and_told_when_the_mute_ends(database: Database) -> None:
    company = Quiet(database)
    key = company.key()
    shown = await company.mutes("3h", key=key)
    assert (shown.open, shown.lately) == ((), 0)
    # Once more with the same card: nothing but the first is done.
    await company.service.mute(company.actor(), company.shop.id, LATE, shown.until or FRIDAY, shown.seen, key)
    await company.passes(hours=2, step=timedelta(minutes=10))
    late = company.open(company.shop)
    assert late is not None
    assert late.told_at is None
    assert company.cards() == 0
    await company.passes(minutes=59, seconds=59)
    assert (company.cards(), company.told(MUTE_OVER)) == (0, [])
    await company.passes(seconds=2)
    assert company.cards() == 2
    ((subject, place),) = company.told(MUTE_OVER)
    assert place == "T0TEMERITY/U0ADMIN"
    assert "told again. One is open now" in company.says(MUTE_OVER, subject).summary
    assert company.now_is().mutes == ()
    await company.passes(hours=5, step=timedelta(hours=1))
    assert (company.cards(), len(company.told(MUTE_OVER))) == (2, 1)
    rows = company.database.in_read(lambda s: audit.newest(s, company.shop.organization_id, 50))
    assert [row.detail["alarms"] for row in rows if row.action == "mute_alarms"] == [["late"]]


@pytest.mark.parametrize("broken", [False, True])
async def test_a_mute_always_ends(sqlite_database: Database, *, broken: bool) -> None:
    """The bug: what was muted waits for nothing, and the mute itself stands for ever."""
    company = Quiet(sqlite_database)
    await company.mutes("2 days")
    await company.passes(hours=2, step=timedelta(minutes=10))
    if broken:
        forget = update(IncidentRow).where(col(IncidentRow.source_id) == company.shop.id).values(due_at=None)
        company.database.in_write(lambda session: session.connection().execute(forget).rowcount)
    await company.passes(days=2, step=timedelta(hours=1))
    assert (company.cards() > 0) is not broken


def test_no_stored_mute_outlasts_the_longest() -> None:
    forever = Mute(IncidentKind.LATE, "mem_1", "Ada", FRIDAY, FRIDAY + 3650 * DAY)
    assert read_mutes(mutes_text([forever]))[0].until == FRIDAY + LONGEST
    usual = replace(forever, until=FRIDAY + DAY)
    assert read_mutes(mutes_text([usual])) == (usual,)
    assert mutes_text([]) is None


async def test_lifting_tells_what_is_open_and_a_second_card_is_too_late(sqlite_database: Database) -> None:
    company = Quiet(sqlite_database)
    stale = await company.service.preview(company.actor(), company.shop.id, LATE, "")
    assert stale is not None
    await company.mutes("5 days", MUTABLE)
    with pytest.raises(TooLateError):
        await company.service.mute(
            company.actor(), company.shop.id, LATE, stale.until or FRIDAY, stale.seen, company.key()
        )
    await company.passes(hours=2, step=timedelta(minutes=10))
    assert company.cards() == 0
    lifted = await company.service.lift(company.actor(), company.shop.id, MUTABLE, company.key())
    assert len(lifted.open) == 1
    await company.passes(seconds=1)
    assert company.cards() == 2
    assert company.now_is().mutes == ()
    await company.passes(days=6, step=timedelta(hours=12))
    assert company.told(MUTE_OVER) == []


async def test_a_mute_hides_neither_a_lost_connection_nor_the_end(sqlite_database: Database) -> None:
    company = Quiet(sqlite_database)
    await company.passes(hours=2, step=timedelta(minutes=10))
    assert company.cards() == 2
    await company.mutes("5 days", MUTABLE)
    company.ready(company.shop)
    notes = [subject.partition(".")[2] for subject, _ in company.told(INCIDENT_NOTE)]
    assert set(notes) == {"over"}
    # It comes back within the hour: the message says so by an edit, and nobody is called.
    company.ready(company.shop, company.at - timedelta(minutes=58))
    await company.passes(minutes=20)
    again = company.open(company.shop)
    assert again is not None
    assert again.times == 2
    assert {subject.partition(".")[2] for subject, _ in company.told(INCIDENT_NOTE)} == {"over"}
    company.database.in_write(lambda s: lost(s, company.shop.id, "revoked", company.at, company.notifier))
    assert company.cards() == 4
    with pytest.raises(NotFoundError):
        await company.mutes("1 day", (IncidentKind.DISCONNECTED,))


@pytest.mark.parametrize("snoozed", [False, True])
async def test_what_is_snoozed_and_comes_back_is_said_when_the_snooze_ends(
    sqlite_database: Database, *, snoozed: bool
) -> None:
    company = Quiet(sqlite_database)
    await company.passes(hours=2, step=timedelta(minutes=10))
    late = company.open(company.shop)
    assert late is not None
    if snoozed:
        company.database.in_write(lambda s: incidents.snooze(s, late.id, "Ada", company.at + DAY))
    company.ready(company.shop)
    company.ready(company.shop, company.at - timedelta(minutes=58))
    await company.passes(minutes=20)
    notes = {subject.partition(".")[2] for subject, _ in company.told(INCIDENT_NOTE)}
    assert notes == ({"over"} if snoozed else {"over", "again"})
    again = company.open(company.shop)
    assert again is not None
    assert (again.due_at == again.snoozed_until) if snoozed else again.due_at is None


def _answer(source: Source, company: Quiet, *, broken: bool) -> Message:
    now = company.at
    found = company.database.in_read(lambda s: statuses(s, [source], now, budget=1))[0]
    if broken and source.mutes:
        # The bug: what is muted counts as fresh.
        company.ready(company.shop)
        found = company.database.in_read(lambda s: statuses(s, [source], now, budget=1))[0]
    return source_status("Temerity", found, now)


@pytest.mark.parametrize("broken", [False, True])
async def test_a_mute_is_seen_in_the_answer_and_changes_nothing_else(
    sqlite_database: Database, *, broken: bool
) -> None:
    company = Quiet(sqlite_database)
    await company.mutes("5 days")
    await company.passes(hours=3, step=timedelta(minutes=10))
    muted = company.now_is()
    plain = _answer(replace(muted, mutes=()), company, broken=broken)
    said = _answer(muted, company, broken=broken)
    rows = next(part.rows for part in said.parts if isinstance(part, Facts))
    assert [name for name, _ in rows].count("Alarms") == 1
    without = tuple(
        replace(part, rows=tuple(row for row in part.rows if row[0] != "Alarms")) if isinstance(part, Facts) else part
        for part in said.parts
    )
    assert ((said.summary, without) == (plain.summary, plain.parts)) is not broken
    many = [replace(muted, id=f"src_{number}", label=f"shop-{number}") for number in range(6)]
    found = company.database.in_read(lambda s: statuses(s, many, company.at, budget=1))
    listed = notices.status("Temerity", found, company.at)
    text = str(listed.parts)
    assert "are muted by Ada until" in text
    assert "3 more mutes" in text


async def test_only_managers_and_only_their_own(sqlite_database: Database) -> None:
    company = Quiet(sqlite_database)
    stranger = company.founded("rival", Provider.SHOPIFY)[0]
    with pytest.raises(NotFoundError):
        await company.service.preview(company.actor(), stranger.id, LATE, "1 day")
    with pytest.raises(NotFoundError):
        await company.service.lift(company.actor(), stranger.id, LATE, company.key())
    with pytest.raises(NotAllowedError):
        await company.service.preview(Actor(SlackIdentity("T0X", "U0X"), None), company.shop.id, LATE, "1 day")
    for until, reason in ((company.at, "past"), (company.at + 31 * DAY, "long")):
        with pytest.raises(EndRefusedError) as refused:
            await company.service.mute(company.actor(), company.shop.id, LATE, until, 0, company.key())
        assert refused.value.reason == reason


@pytest.mark.parametrize(
    "words, until",
    [
        ("3d", "2026-11-23T21:00"),
        ("for 12 hours", "2026-11-21T09:00"),
        ("until friday", "2026-11-27T14:00"),
        ("Sunday", "2026-11-22T14:00"),
        ("tomorrow", "2026-11-21T14:00"),
        ("until 2026-12-01", "2026-12-01T14:00"),
        ("until Tuesday 9:00", "2026-11-24T14:00"),
        ("friday at 15:30", "2026-11-27T20:30"),
        ("friday at 17:30", "2026-11-20T22:30"),
        ("today 18:00", "2026-11-20T23:00"),
        ("until 15:00", "2026-11-21T20:00"),
        ("2026-12-01 07:05", "2026-12-01T12:05"),
        ("until 5pm", "2026-11-20T22:00"),
        ("friday 12:15 am", "2026-11-27T05:15"),
        ("90 minutes", "2026-11-20T22:30"),
        ("tuesday 25:00", None),
        ("whenever", None),
        ("-3d", None),
    ],
)
def test_ends_are_read_where_the_person_is(words: str, until: str | None) -> None:
    found = read_until(words, FRIDAY, "America/New_York", longest=LONGEST)
    assert found == (datetime.fromisoformat(until).replace(tzinfo=UTC) if until else None)


@pytest.mark.parametrize("words", ["until 9999-12-31 23:59", "2026-02-30", "until 13pm"])
def test_an_end_that_no_calendar_has_is_refused(words: str) -> None:
    with pytest.raises(EndRefusedError) as refused:
        read_until(words, FRIDAY, "America/New_York", longest=LONGEST)
    assert refused.value.reason == "date"
