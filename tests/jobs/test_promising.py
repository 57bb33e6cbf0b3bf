"""`/data promise`: read from what people type, shown before it is saved, set once, and what is late follows."""

from datetime import UTC, datetime, timedelta

import pytest

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.promise_words import PromiseRefusedError, read_words, split
from jobs.promising import PromiseService
from jobs.refresh.ask import TriggerKey
from storage.facts.people import Actor, SlackIdentity
from storage.facts.sources import Provider
from storage.records import audit, organizations
from storage.sessions import Database
from tests.jobs.incidents.troubled import Company


@pytest.mark.parametrize(
    "words, stored",
    [
        ("warn 26h overdue 50h", "warn 1560 overdue 3000"),
        ("warn after 26 hours, overdue after 2 days", "warn 1560 overdue 2880"),
        ("late 90m overdue 3h business days", "warn 90 overdue 180 days 12345"),
        ("Business Days holidays US", "days 12345 holidays US"),
        ("working days hours 9:00-17:30 holidays of ca-qc", "days 12345 hours 09:00-17:30 holidays CA-QC"),
        ("every day holidays gb", "days 1234567 holidays GB"),
        ("weekdays closed on 2026-12-31 and 2026-12-24", "days 12345 closed 2026-12-24,2026-12-31"),
        ("warn 26h overdue 50h off", "warn 1560 overdue 3000 off"),
        ("off", "off"),
        ("every day", ""),
        ("default", "default"),
    ],
)
def test_what_people_type_is_one_promise(words: str, stored: str) -> None:
    assert str(read_words(words)) == stored
    assert split(f"temerity shop {words}") == ("temerity shop", words.casefold())


@pytest.mark.parametrize("words", ["", "whenever", "warn", "business", "warn 26h overdue 50h please", "holidays"])
def test_other_words_are_no_promise(words: str) -> None:
    assert read_words(words) is None


@pytest.mark.parametrize(
    "words, reason",
    [
        ("warn 26h", "both"),
        ("warn 50h overdue 26h", "order"),
        ("warn 5m overdue 10m", "short"),
        ("warn 26h overdue 9999d", "long"),
        ("holidays zz", "country"),
        ("hours 17:00-9:00", "hours"),
        ("hours 9:00-25:00", "hours"),
        ("closed 2026-13-24", "date"),
    ],
)
def test_what_cannot_be_says_why(words: str, reason: str) -> None:
    with pytest.raises(PromiseRefusedError) as refused:
        read_words(words)
    assert refused.value.reason == reason


async def test_it_is_shown_saved_once_and_what_is_late_follows(database: Database) -> None:
    company = Company(database)
    (shop,) = company.founded("temerity", Provider.SHOPIFY)
    company.founded("other", Provider.SHOPIFY)
    company.ready(shop)
    await company.passes(minutes=70)
    assert company.open(shop) is not None
    desk = Desk(database.url)
    service = PromiseService(desk, company.clock)

    def actor(name: str) -> Actor:
        identity = SlackIdentity(f"T0{name.upper()}", "U0ADMIN")
        return Actor(identity, database.in_read(lambda s: organizations.member_by_identity(s, identity)))

    ada, words = actor("temerity"), "warn 26h overdue 50h business days holidays us"
    shown = await service.preview(ada, shop.id, words)
    assert shown is not None
    # Friday 16:00 in New York: eight hours of Friday, and eighteen of Monday.
    assert shown.late_at == datetime(2026, 11, 23, 23, 0, 0, 1, tzinfo=UTC)
    assert shown.late_before is not None
    assert shown.late_before - shown.as_of < timedelta(hours=2)
    assert str(shown.days_off[0]) == "2026-11-26"
    assert company.source(shop.id).promise is None
    for _ in range(2):
        await service.change(ada, shop.id, words, shown.seen, TriggerKey("T0TEMERITY", "card_1"))
    assert str(company.source(shop.id).promise) == "warn 1560 overdue 3000 days 12345 holidays US"
    entries = database.in_read(lambda s: audit.newest(s, shop.organization_id, 20))
    assert [row.action for row in entries].count("change_promise") == 1
    await company.passes(minutes=1)
    # Not late by what was promised: said so, and no recovery of anything.
    assert company.open(shop) is None
    assert not company.told("incident_note")
    await company.passes(days=2, step=timedelta(minutes=30))
    assert company.open(shop) is None
    await company.passes(days=1, hours=2, step=timedelta(minutes=30))
    assert company.open(shop) is not None
    with pytest.raises(TooLateError):
        await service.change(ada, shop.id, "default", shown.seen, TriggerKey("T0TEMERITY", "card_2"))
    with pytest.raises(NotFoundError):
        await service.preview(actor("other"), shop.id, words)
    with pytest.raises(NotAllowedError):
        await service.preview(Actor(ada.identity, None), shop.id, words)
    desk.close()
