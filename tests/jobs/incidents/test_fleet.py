"""Before a customer is told, all sources are looked at: where the fault is ours, support hears it, once."""

from collections.abc import Callable, Sequence
from datetime import timedelta

import pytest

from jobs.fleet import LEAST_ORGANIZATIONS, LEAST_SOURCES, Suspicion, suspicion
from storage.facts.fleet import Standing
from storage.facts.incidents import Resolution
from storage.facts.sources import Provider, Source
from storage.sessions import Database
from tests.jobs.incidents.troubled import Company

SHOPIFY, AMAZON = Provider.SHOPIFY, Provider.AMAZON
CARD, FLEET = "incident_card", "fleet_alarm"
Check = Callable[[Sequence[Standing], str], Suspicion | None]


def _standings(bad: int, good: int, *, companies: int = 4, provider: str = "shopify") -> list[Standing]:
    return [
        Standing(f"src_{number}", f"org_{number % companies}", provider, bad=number < bad)
        for number in range(bad + good)
    ]  # fmt: skip


def accusing(standings: Sequence[Standing], _provider: str) -> Suspicion | None:
    """A twin that suspects us as soon as five are bad, however many are well: it would silence real alarms."""
    bad = [one for one in standings if one.bad]
    return Suspicion("all", len(bad), len(standings), 1) if len(bad) >= LEAST_SOURCES else None


def trusting(_standings: Sequence[Standing], _provider: str) -> Suspicion | None:
    """A twin that never suspects us: everybody is accused of what we did."""
    return None


CASES = [
    (_standings(6, 2), "all"),
    (_standings(5, 5), None),
    (_standings(6, 60), None),
    (_standings(LEAST_SOURCES - 1, 0), None),
    (_standings(9, 0, companies=LEAST_ORGANIZATIONS - 1), None),
    (_standings(6, 2) + [Standing(f"good_{n}", f"org_{n}", "amazon", bad=False) for n in range(20)], "shopify"),
    (_standings(6, 2, provider="amazon") + _standings(0, 30), None),
]


def _wrong(check: Check) -> list[int]:
    found = [check(standings, "shopify") for standings, _ in CASES]
    return [number for number, one in enumerate(found) if (one.scope if one else None) != CASES[number][1]]


@pytest.mark.parametrize("check, right", [(suspicion, True), (accusing, False), (trusting, False)])
def test_most_of_many_are_our_fault_and_a_few_are_not(check: Check, *, right: bool) -> None:
    assert (not _wrong(check)) is right


def _everybody(company: Company, count: int = 6) -> list[Source]:
    found = [source for number in range(count) for source in company.founded(f"c{number}", SHOPIFY)]
    for source in found:
        company.ready(source)
    return found


async def test_one_message_to_support_and_none_to_customers_until_it_is_clear(database: Database) -> None:
    company = Company(database)
    found = _everybody(company)
    await company.passes(minutes=70)
    assert company.alarms() == [("all", False)]
    assert not company.told(CARD)
    assert sorted(place for _, place in company.told(FLEET)) == ["T0SUPPORT/C0SUP", "s@t.example"]
    assert all(company.source(one.id).alarm_held_at is not None for one in found)
    alarm = company.told(FLEET)[0][0]
    assert company.says(FLEET, alarm).summary == "Most sources are late or failing. Customers are not told yet."
    # All but two come back: those two are the customers' own trouble, and are told now.
    for source in found[2:]:
        company.ready(source)
    assert not company.told(CARD)
    await company.passes(minutes=10)
    assert company.alarms() == [("all", True)]
    assert {subject for subject, _ in company.told(CARD)} == {
        one.id for one in company.all() if one.source_id in {found[0].id, found[1].id}
    }
    over = [one for one in company.all() if one.resolved_at is not None]
    assert {one.resolution for one in over} == {Resolution.NOT_TOLD}
    assert all(company.source(one.id).alarm_held_at is None for one in found)
    assert company.says(FLEET, alarm).summary.startswith("Over after")
    assert len(company.told(FLEET)) == 2
    assert not company.told("incident_note")


async def test_nobody_is_left_without_a_word_for_more_than_three_hours(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    _everybody(company)
    await company.passes(minutes=70)
    await company.passes(hours=2, minutes=50, step=timedelta(minutes=5))
    assert not company.told(CARD)
    await company.passes(minutes=30, step=timedelta(minutes=5))
    assert len(company.told(CARD)) == 12
    # And nobody waits for the same once more.
    assert company.alarms() == [("all", True)]


async def test_a_clock_that_slept_accuses_nobody(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    (shop,) = company.founded("temerity", SHOPIFY)
    (other,) = company.founded("other", AMAZON)
    company.ready(shop)
    company.ready(other)
    await company.passes(minutes=30)
    # Nothing runs for six hours.
    company.at += timedelta(hours=6)
    await company.passes(minutes=1)
    assert company.alarms() == [("clock", False)]
    assert not company.told(CARD)
    company.ready(shop)
    await company.passes(minutes=30)
    assert company.alarms() == [("clock", True)]
    # What is caught up was never told; what still lacks is.
    assert {company.source(shop.id).alarm_held_at, company.source(other.id).alarm_held_at} == {None}
    ours, theirs = sorted(company.all(), key=lambda one: one.source_id != shop.id)
    assert ours.resolution is Resolution.NOT_TOLD
    assert theirs.resolved_at is None
    assert {subject for subject, _ in company.told(CARD)} == {theirs.id}


async def test_a_failing_provider_holds_its_own_alarms_alone(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    shops = _everybody(company)
    books = [source for number in range(20) for source in company.founded(f"b{number}", AMAZON, minutes=1440)]
    for source in books:
        company.ready(source)
    for _ in range(3):
        for source in shops:
            company.fails(source)
    assert company.alarms() == [("shopify", False)]
    assert not company.told(CARD)
    (late, *_) = books
    company.ready(late, company.at - timedelta(days=2))
    assert len(company.told(CARD)) == 2
