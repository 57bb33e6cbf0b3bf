"""A source that is older than promised is said at once, whether or not anything runs, and is over by real success alone."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlmodel import Session

from jobs.incidents import failing, lateness
from jobs.incidents.noticing import back, lost
from jobs.promises import freshness
from storage.facts.incidents import IncidentKind, Resolution
from storage.facts.runs import FailureKind, Run
from storage.facts.schedules import Rhythm, Rule
from storage.facts.sources import ConnectionState, Freshness, Provider, Source
from storage.records import incidents, last_runs, organizations, sources
from storage.sessions import Database
from tests.jobs.incidents.troubled import Company

SHOPIFY, AMAZON = Provider.SHOPIFY, Provider.AMAZON
CARD, NOTE = "incident_card", "incident_note"


async def test_a_source_for_which_nothing_runs_is_said_to_be_late_and_then_overdue(database: Database) -> None:
    company = Company(database)
    (shop,) = company.founded("temerity", SHOPIFY)
    company.ready(shop)
    await company.passes(minutes=65)
    assert company.open(shop) is None
    await company.passes(minutes=1)
    found = company.open(shop)
    assert found is not None
    # One in the channel, one to whoever can act; again nothing more, however often it is looked at.
    assert sorted(company.told(CARD)) == [(found.id, "T0TEMERITY/C0FINANCE"), (found.id, "T0TEMERITY/U0ADMIN")]
    assert company.says(CARD, found.id).summary.startswith("temerity: Shopify · temerity is late.")
    await company.passes(minutes=90)
    assert company.says(CARD, found.id).summary.startswith("temerity: Shopify · temerity is overdue.")
    assert len(company.told(CARD)) == 2
    company.ready(shop)
    assert company.open(shop) is None
    assert company.all()[0].resolution is Resolution.RECOVERED
    assert len(company.told(NOTE)) == 2
    assert "is fresh again" in company.says(CARD, found.id).summary


async def test_a_source_from_before_is_found_by_the_pass(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    (shop,) = company.founded("temerity", SHOPIFY)
    company.ready(shop, company.at - timedelta(hours=9))
    found = company.open(shop)
    assert found is not None
    company.database.in_write(lambda s: incidents.resolve(s, found.id, Resolution.PROMISE_CHANGED, company.at))
    await company.slow()
    assert company.open(shop) is not None


def by_any_read(_state: Freshness, last: Run | None, opened_at: datetime) -> Resolution | None:
    """A twin for which every run that became ready is a recovery (Nango #2323)."""
    ready = last.clocks.ready_at if last else None
    return Resolution.RECOVERED if ready is not None and ready > opened_at else None


@pytest.mark.parametrize("ends", [lateness.end_of, by_any_read], ids=["product", "twin"])
async def test_only_a_whole_run_that_brings_it_inside_its_promise_is_a_recovery(
    sqlite_database: Database, ends: Callable[..., Resolution | None]
) -> None:
    company = Company(sqlite_database)
    (shop,) = company.founded("temerity", SHOPIFY)
    company.ready(shop)
    await company.passes(minutes=70)
    opened = company.open(shop)
    assert opened is not None

    def judged() -> Resolution | None:
        now = company.at
        last = company.database.in_read(lambda s: last_runs.ready_of(s, [shop.id])[shop.id])
        return ends(freshness(shop, last.clocks.source_as_of, now), last, opened.opened_at)

    wrong = []
    company.ready(shop, company.at - timedelta(hours=2))
    wrong.append(judged())
    company.ready(shop, partly=True)
    wrong.append(judged())
    company.fails(shop)
    wrong.append(judged())
    if ends is by_any_read:
        assert any(wrong)
        return
    assert wrong == [None, None, None]
    assert company.open(shop) is not None
    company.ready(shop)
    assert judged() is Resolution.RECOVERED
    assert company.open(shop) is None


async def test_what_comes_and_goes_has_one_message_and_one_word_of_each_kind(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    (shop,) = company.founded("temerity", SHOPIFY)
    company.ready(shop)
    for _ in range(6):
        await company.passes(minutes=70)
        assert company.open(shop) is not None
        company.ready(shop, company.at - timedelta(minutes=40))
    (one,) = company.all()
    assert one.times == 6
    assert len(company.told(CARD)) == 2
    assert sorted(company.told(NOTE)) == sorted(
        (f"{one.id}.{what}", place) for what in ("again", "over") for _, place in company.told(CARD)
    )
    # A day later it is a story of its own.
    await company.passes(hours=30, step=timedelta(minutes=10))
    assert len(company.all()) == 1
    company.ready(shop)
    await company.passes(hours=2, step=timedelta(minutes=10))
    assert len(company.all()) == 2


def _stopped(company: Company, source: Source, write: Callable[[Session], Any]) -> None:
    def locked(session: Session) -> None:
        organizations.lock(session, source.organization_id)
        write(session)

    company.database.in_write(locked)


async def test_a_disconnected_source_has_its_own_incident_and_no_other(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    (shop, other) = company.founded("temerity", SHOPIFY, AMAZON)
    company.ready(shop)
    company.ready(other)
    await company.passes(minutes=66)
    first = company.open(shop)
    assert first is not None
    _stopped(company, shop, lambda s: lost(s, shop.id, "refused", company.at, company.notifier))
    _stopped(company, other, lambda s: lost(s, other.id, "refused", company.at, company.notifier))
    await company.passes(hours=5, step=timedelta(minutes=5))
    kinds = {(one.source_id, one.kind) for one in company.all() if one.resolved_at is None}
    assert kinds == {(shop.id, IncidentKind.DISCONNECTED), (other.id, IncidentKind.DISCONNECTED)}
    assert company.all()[0].resolution is Resolution.SUPERSEDED
    assert not company.told(NOTE)

    def connected(session: Session) -> None:
        sources.set_connection(session, shop.id, ConnectionState.CONNECTED, None, company.at)
        back(session, shop.id, Resolution.RECONNECTED, company.at, company.notifier)

    _stopped(company, shop, connected)
    # Nothing comes although it is connected again.
    await company.passes(minutes=6)
    assert company.open(shop) is not None


@pytest.mark.parametrize("rule, nags", [("off", False), (None, True)])
async def test_who_switched_a_schedule_off_is_not_nagged(
    sqlite_database: Database, rule: str | None, *, nags: bool
) -> None:
    company = Company(sqlite_database)
    (shop,) = company.founded("temerity", SHOPIFY)
    company.ready(shop)
    off = Rule(Rhythm.OFF) if rule else None
    company.database.in_write(lambda s: sources.set_schedule(s, shop.id, 60, off, company.at))
    await company.passes(hours=4, step=timedelta(minutes=5))
    assert (company.open(shop) is not None) is nags
    assert freshness(company.source(shop.id), company.at - timedelta(hours=4), company.at) is Freshness.OVERDUE


async def test_a_run_that_moves_is_given_time_and_one_that_stands_is_not(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    (shop,) = company.founded("temerity", SHOPIFY)
    company.ready(shop)
    await company.passes(minutes=60)
    company.begun(shop)
    await company.passes(minutes=9)
    assert company.open(shop) is None
    await company.passes(minutes=4)
    assert company.open(shop) is not None


async def test_several_of_one_company_share_a_message(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    found = company.founded("temerity", SHOPIFY, AMAZON, SHOPIFY)
    for number, source in enumerate(found):
        company.ready(source, company.at - timedelta(minutes=5 * number))
    await company.passes(minutes=70)
    first, *others = company.all()
    assert len(others) == 2
    assert {one.lead_id for one in others} == {first.id}
    assert len(company.told(CARD)) == 2
    assert "3 sources need a look" in company.says(CARD, first.id).summary
    company.ready(found[0])
    company.ready(found[1])
    assert not company.told(NOTE)
    assert "1 source needs a look, 2 of 3 are in order again" in company.says(CARD, first.id).summary
    company.ready(found[2])
    assert len(company.told(NOTE)) == 2


async def test_what_is_known_is_said_at_once_and_the_unknown_after_three_in_a_row(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    shop, other = company.founded("temerity", SHOPIFY, AMAZON)
    company.fails(shop, FailureKind.BROKEN, "report_fatal")
    assert company.open(shop, IncidentKind.FAILING) is not None
    company.fails(other)
    company.fails(other)
    assert company.open(other, IncidentKind.FAILING) is None
    company.fails(other)
    found = company.open(other, IncidentKind.FAILING)
    assert found is not None
    company.fails(other)
    assert "4 runs in a row" in str(company.says(CARD, found.message_id)) or found.lead_id
    company.ready(other, partly=True)
    assert company.open(other, IncidentKind.FAILING) is not None
    company.ready(other)
    assert company.open(other, IncidentKind.FAILING) is None
    # A good one in between begins the count anew.
    company.fails(other)
    company.fails(other)
    company.ready(other)
    company.fails(other)
    assert company.open(other, IncidentKind.FAILING) is None


def test_a_real_success_reads_the_provider_and_all_of_it(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    (shop,) = company.founded("temerity", SHOPIFY)
    company.ready(shop)
    last = company.database.in_read(lambda s: last_runs.ready_of(s, [shop.id])[shop.id])
    assert failing.is_real(last, collects=True)
    assert not failing.is_real(last, collects=False)
