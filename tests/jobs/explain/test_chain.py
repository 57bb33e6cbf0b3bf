"""Why a metric is as it is: the first link that is not fine is the cause, and what is not current is never all fine."""

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from itertools import product

import pytest

from bot.cli.samples import facts as s
from bot.cli.samples.metric_why import evidence, evidences
from bot.cli.samples.numbers import NET, kept, shown
from jobs.desk import Desk
from jobs.errors import NotFoundError
from jobs.explain.chain import explain_metric
from jobs.explain.service import ExplainService
from storage.facts.clock import OffsetClock
from storage.facts.metric_why import Link, LinkCause, LinkKind, LinkState, MetricEvidence, MetricWhy, Turn
from storage.facts.metrics import MetricState
from storage.facts.runs import FailureKind, Missing, Partly
from storage.facts.sources import Freshness
from storage.sessions import Database
from templates import mail
from templates.notices.metric_why import metric_why
from tests.jobs.metrics.standing_metrics import NOW, Company

CAUSES = {
    "well": None,
    "source": (LinkKind.SOURCE, LinkState.BROKEN, LinkCause.SOURCE),
    "late": (LinkKind.SOURCE, LinkState.LATE, LinkCause.SOURCE),
    "stream": (LinkKind.STREAM, LinkState.LATE, LinkCause.DAILY),
    "table": (LinkKind.TABLE, LinkState.EMPTY, LinkCause.NOT_IMPORTED),
    "left_out": (LinkKind.TABLE, LinkState.PARTLY, LinkCause.LEFT_OUT),
    "broken": (LinkKind.DEFINITION, LinkState.BROKEN, LinkCause.BROKEN),
    "changed": (LinkKind.DEFINITION, LinkState.LATE, LinkCause.NOT_YET),
    "failing": (LinkKind.SCHEDULE, LinkState.LATE, LinkCause.FAILING),
    "unexplained": (LinkKind.SCHEDULE, LinkState.LATE, LinkCause.UNEXPLAINED),
}


def cause_of(found: MetricWhy) -> tuple[LinkKind, LinkState, LinkCause] | None:
    link = found.cause
    return (link.kind, link.state, link.cause) if link is not None else None


def test_each_link_is_found() -> None:
    assert {name: cause_of(explain_metric(one)) for name, one in evidences().items()} == CAUSES
    for one in evidences().values():
        assert [link.kind for link in explain_metric(one).links] == list(LinkKind)


def believing(it: MetricEvidence) -> MetricWhy:
    """The bug: what nobody listed is well."""
    fine = [replace(one, state=LinkState.FINE) if one.cause is LinkCause.UNEXPLAINED else one
            for one in explain_metric(it).links]  # fmt: skip
    return MetricWhy(tuple(fine), it)


def all_well(explained: Callable[[MetricEvidence], MetricWhy]) -> set[MetricState]:
    """Return the states in which some metric is said to be well, over all that can come together."""
    net = shown("Net income", NET, MetricState.CURRENT, kept("4414.00"), kept("5211.00", 10))
    turns = (None, Turn(None, 0), Turn(s.NOW, 1), Turn(s.NOW, 4))
    found = set()
    for state, stored, turn, freshness in product(MetricState, MetricState, turns, Freshness):
        metric = replace(net.metric, state=stored)
        why = explained(evidence(replace(net, metric=metric, state=state), turn=turn, freshness=freshness))
        if why.cause is None:
            found.add(state)
    return found


def test_what_is_not_current_is_never_all_well() -> None:
    assert all_well(explain_metric) == {MetricState.CURRENT}
    assert all_well(believing) > {MetricState.CURRENT}


def test_a_stream_that_could_not_be_read_is_named() -> None:
    net = shown(
        "Fees", NET, MetricState.STALE, kept("4414.00"), reason="what it is calculated from is older than promised"
    )

    def partial(stream: str) -> Link | None:
        at = s.NOW - timedelta(hours=30)
        missing = Missing(
            (stream,), stream.replace("_", " "), FailureKind.PARTIAL, "report_fatal", "Intuit could not make it", at
        )
        run = replace(s.partial(), partly=Partly((missing,), s.NOW, (), s.NOW + s.minutes(9)))
        return explain_metric(evidence(net, last_ready=run, freshness=Freshness.LATE)).cause

    own, other = partial("profit_and_loss"), partial("bills")
    assert own is not None
    assert other is not None
    assert (own.kind, own.cause, own.names) == (LinkKind.STREAM, LinkCause.UNREAD, ("profit and loss",))
    # What it does not read is not its trouble: the source as a whole is what is late.
    assert (other.kind, other.cause) == (LinkKind.SOURCE, LinkCause.SOURCE)


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    return Company(sqlite_database)


async def test_a_whole_name_comes_before_a_part_and_others_see_nothing(company: Company) -> None:
    company.ready(NOW)
    company.make("Net income")
    company.make("Income")
    clock = OffsetClock()
    clock.advance(NOW + timedelta(minutes=1) - clock.now())
    desk = Desk(company.database.url)
    service = ExplainService(desk, clock, read_budget=100)
    maya = company.actor("U0MAYA")
    for words, name in (("income", "Income"), ("is Net  INCOME stale?", "Net income"), ("incomes", None)):
        found = await service.metric(maya, words)
        assert (found.evidence.shown.metric.name if found else None) == name
    found = await service.metric(maya, "net income")
    assert found is not None
    assert (found.cause, found.evidence.streams, found.evidence.written_by) == (None, ["profit_and_loss"], "")
    told = mail.render(metric_why(found, zone="America/New_York")).text
    assert "Every link is fine." in told
    assert "Nov 22, 2026" in told
    clock.advance(timedelta(days=2))
    late = await service.metric_of(maya, found.evidence.shown.metric.id)
    assert late.cause is not None
    assert late.cause.kind is LinkKind.SOURCE
    with pytest.raises(NotFoundError):
        await service.metric_of(maya, "met_rival")
    desk.close()
