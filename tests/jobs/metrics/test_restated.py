"""What moved after it was whole is told on each surface, once, with the closed books; what never was whole is not."""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal
from functools import partial

import pytest

from bot.cli.samples.restated import DOCUMENTS
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.metrics import weekly
from jobs.metrics.export import as_csv, as_object
from jobs.metrics.service import MetricService
from storage.facts.clock import OffsetClock
from storage.facts.metrics import Kept, MetricState, Shown, Value
from storage.facts.restated import document_json, is_restated, restated_of
from storage.records import metric_keeping, metric_posts, metric_restated, metrics
from storage.records.metric_keeping import Calculated
from storage.sessions import Database, Session
from templates import mail
from templates.notices.metric_words import changed_words, said_by
from templates.notices.metrics_restated import restated_part
from tests.jobs.metrics.standing_metrics import MONDAY, NET, NOW, Company

TUESDAY = NOW + timedelta(days=2)


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    """A company of which a metric's October moved on Tuesday, with what made it move."""
    made = Company(sqlite_database)
    made.ready(NOW)
    metric = made.make("Net income")
    october, september = made.database.in_read(lambda session: metrics.newest_values(session, metric.id))
    again = [replace(october.value, value=Decimal(161)), september.value]
    of = Calculated("run_2", 8, TUESDAY, "USD", 1)
    kept = made.database.in_write(lambda session: metric_keeping.keep(session, metric, again, of, TUESDAY))
    (moved,) = kept
    assert made.database.in_read(lambda session: metric_restated.untold(session, [metric.id], 8)) == {
        metric.id: [moved]
    }
    noted = {"through": [document_json(one) for one in DOCUMENTS], "more": 0, "books_closed": "2026-10-31"}
    made.database.in_write(lambda session: metric_restated.note_all(session, [(metric.id, moved, noted)]))
    assert made.database.in_read(lambda session: metric_restated.untold(session, [metric.id], 8)) == {}
    return made


def plan(company: Company, at: datetime) -> None:
    for planned in company.database.in_read(lambda session: metric_posts.due(session, at)):
        company.database.in_write(partial(weekly.tell, post=planned, enqueue=company.enqueue, now=at))


def post(company: Company, weeks: int) -> str:
    """Return what the post of a Monday says."""
    at = MONDAY + timedelta(weeks=weeks, minutes=1)
    plan(company, at)
    last = company.posts(weekly.WEEKLY)[-1]
    words = weekly.weekly_words()[weekly.WEEKLY]
    return mail.render(company.database.in_read(lambda session: words(session, last, at))).text


async def test_what_moved_is_told_once_with_what_made_it_move(company: Company) -> None:
    clock = OffsetClock()
    clock.advance(TUESDAY - clock.now())
    desk = Desk(company.database.url)
    service = MetricService(desk, clock, None, None)  # type: ignore[arg-type]  # nothing is looked up in a lake
    shown, found = await service.restated(company.actor("U0MAYA"), "net income")
    (one,) = found
    assert (one.before, one.kept.value.value, one.at, one.documents) == (Decimal(150), Decimal(161), TUESDAY, DOCUMENTS)
    assert one.in_closed_books
    assert restated_of(shown.values[0]) == one
    with pytest.raises(NotFoundError):
        await service.restated(company.actor("U0MAYA"), "no such")
    desk.close()
    # In the post of its week, and in no other.
    plan(company, NOW)
    plan(company, MONDAY)
    assert "150.00 USD → 161.00 USD (+11.00 USD)" in post(company, 1)
    assert "Restated" not in post(company, 2)


def counting_everything(kept: Kept) -> bool:
    """The bug: whatever is another than before was restated."""
    return "before" in kept.changed


def test_what_was_never_whole_or_is_defined_otherwise_did_not_move(company: Company) -> None:
    def work(session: Session) -> list[Kept]:
        metric = metrics.named(session, company.source.organization_id, "net income")
        assert metric is not None
        october = metrics.newest_values(session, metric.id)[0].value
        found = []
        # So far, then whole, then by another definition.
        for complete, amount, version in ((False, 170, 1), (True, 180, 1), (True, 190, 2)):
            if version > metric.version:
                metrics.redefine(session, metric, replace(NET, reversed=True), "mem_1", TUESDAY)
                metric = replace(metric, version=2)
            value = replace(october, complete=complete, value=Decimal(amount))
            of = Calculated("run_3", 9, TUESDAY, "USD", version)
            found += metric_keeping.keep(session, metric, [value], of, TUESDAY, partial=True)
        return found

    kept = company.database.in_write(work)
    assert [is_restated(one) for one in kept] == [True, False, False]
    assert [counting_everything(one) for one in kept] == [True, True, True]


@pytest.mark.parametrize("loses", [False, True], ids=["as it was", "twin: in the currency of today"])
def test_what_it_was_is_told_in_the_currency_that_it_was_in(company: Company, *, loses: bool) -> None:
    """A company that counts in another currency from one day on: 161.00 USD became 161.00 EUR, which is not the same."""

    def work(session: Session) -> Kept:
        metric = metrics.named(session, company.source.organization_id, "net income")
        assert metric is not None
        of = Calculated("run_3", 9, TUESDAY, "EUR", 1)
        october = metrics.newest_values(session, metric.id)[0].value
        (one,) = metric_keeping.keep(session, metric, [october], of, TUESDAY, partial=True)
        return one

    kept = company.database.in_write(work)
    if loses:
        kept = replace(kept, changed={name: one for name, one in kept.changed.items() if name != "currency_before"})
    assert is_restated(kept) is not loses
    words = changed_words(kept, NET)
    assert ("restated, was 161.00 USD" in words, "was 161.00 EUR" in words) == (not loses, loses)
    if not loses:
        metric = company.database.in_read(
            lambda session: metrics.named(session, company.source.organization_id, "net income")
        )
        assert metric is not None
        shown = Shown(metric, MetricState.CURRENT, "Temerity", values=(kept,))
        told = repr(restated_part(shown, said_by(shown)))
        assert "161.00 USD → 161.00 EUR" in told
        assert "+0.00" not in told
        assert as_object(shown, values=True)["values"][0]["restated"]["currency"] == "USD"
        assert b",161 USD," in as_csv(shown)
        below = replace(kept, changed={**kept.changed, "before": "-161", "currency_before": "+cmd|x!A0"})
        assert b",'-161 +cmd|x!A0," in as_csv(replace(shown, values=(below,)))


def test_a_period_that_had_no_value_for_a_while_goes_on_with_its_next_revision(company: Company) -> None:
    def kept(session: Session, count: int) -> list[int]:
        metric = metrics.named(session, company.source.organization_id, "net income")
        assert metric is not None
        again = metric_keeping.keep(session, metric, values[:count], Calculated("run_3", 9, TUESDAY, "USD", 1), TUESDAY)
        return [one.revision for one in again]

    def newest(session: Session) -> list[Value]:
        metric = metrics.named(session, company.source.organization_id, "net income")
        assert metric is not None
        return [one.value for one in metrics.newest_values(session, metric.id)]

    values = company.database.in_read(newest)
    # An invoice of long ago is removed, and entered again.
    assert [company.database.in_write(partial(kept, count=count)) for count in (1, 2, 1, 2)] == [[], [2], [], [3]]
    assert company.database.in_read(newest) == values
