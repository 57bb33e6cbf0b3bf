"""As-of that travels: wherever a metric is told, its as-of and oldest input stand beside it, and a stale one says so."""

import io
import json
from collections.abc import Mapping
from csv import DictReader
from dataclasses import replace
from datetime import timedelta
from functools import partial

import pytest
from sqlmodel import select

from jobs.metrics.export import as_csv, as_json, as_object
from jobs.metrics.files import whole
from jobs.metrics.weekly import with_values
from jobs.outgoing import events
from jobs.subscriptions.digesting import happened
from storage.facts.deliveries import Channel
from storage.facts.metrics import MetricState, Shown
from storage.facts.outgoing import EventType
from storage.facts.quiet import Digest, Rhythm
from storage.records import metric_posts, outgoing
from storage.records.metric_keeping import Calculated
from storage.sessions import Database, Session
from storage.tables import OutgoingMessageRow
from templates import mail, slack
from templates.notices.digest import digest
from templates.notices.metrics import metric_shown, metrics_list
from templates.notices.metrics_week import MetricsWeek, metrics_week
from tests.jobs.metrics.standing_metrics import MONDAY, NOW, Company

LATER = NOW + timedelta(days=1, hours=3)
INPUT = "profit and loss, read with every collection"


@pytest.fixture
def company(sqlite_database: Database) -> Company:
    return Company(sqlite_database)


def told(company: Company, shown: Shown) -> Mapping[str, str]:
    """Return what every surface says of a metric."""
    member = company.actor("U0MAYA").member
    assert member is not None
    rhythm = Rhythm(MONDAY.time())
    one = Digest("dig_1", member.organization_id, member.id, "T0TEMERITY/U0MAYA", rhythm, frozenset(Channel), NOW, NOW)
    # In New York it is still Monday then.
    what = company.database.in_read(lambda session: happened(session, one, NOW, LATER))
    assert [known.metric.name for known in what.metrics] == ["Net income"]
    messages = {
        "card": metric_shown(shown, LATER),
        "list": metrics_list("Temerity Goods", [shown], LATER),
        "week": metrics_week(MetricsWeek("Temerity Goods", "UTC", (shown,)), LATER),
        "digest": digest(replace(what, metrics=(shown,)), LATER, channel=False),
    }
    found = {f"{name} in Slack": json.dumps(slack.render(said), default=str) for name, said in messages.items()}
    found |= {f"{name} by mail": mail.render(said).text for name, said in messages.items()}
    found |= {f"{name} by mail, drawn": mail.render(said).html for name, said in messages.items()}
    found["csv"] = as_csv(shown).decode()
    found["json"] = as_json(shown).decode()
    found["a list for programs"] = json.dumps(as_object(shown, values=False))
    return found | {"webhook": company.database.in_write(partial(hooked, shown=shown))}


def hooked(session: Session, shown: Shown) -> str:
    """Return what a receiver is told."""
    metric = shown.metric
    if not outgoing.endpoints(session, metric.organization_id):
        outgoing.add_endpoint(session, "hook_1", metric.organization_id, "https://127.0.0.1:9/in",
                              (EventType.METRIC_UPDATED,), b"x", "mem_1", NOW)  # fmt: skip
    stale = shown.state is not MetricState.CURRENT
    of = Calculated(f"run_{stale}", 7, NOW, "USD", 1)
    events.metric_updated(session, metric, shown.values, of, LATER, stale=stale)
    rows = session.exec(select(OutgoingMessageRow.body).where(OutgoingMessageRow.subject.contains(of.run_id)))  # type: ignore[attr-defined]  # a column
    return rows.one()


def silent(found: Mapping[str, str]) -> set[str]:
    """Return the surfaces that do not say that the metric is stale, as of when, and by which input."""
    day = ("Nov 22, 2026", "2026-11-22", "1795348800")
    return {
        name
        for name, words in found.items()
        if "stale" not in words.replace('"stale": false', "") or INPUT not in words or not any(d in words for d in day)
    }


def test_a_stale_metric_is_marked_wherever_it_is_told(company: Company) -> None:
    company.ready(NOW)
    metric = company.make("Net income")
    found = company.database.in_read(lambda session: whole(session, metric.organization_id, metric.id, LATER))
    assert found is not None
    assert found.state is MetricState.STALE
    everywhere = told(company, found)
    assert len(everywhere) == 16
    assert silent(everywhere) == set()
    # A broken twin takes whatever has a value for current: no surface says then that it is old.
    forgets = replace(found, state=MetricState.CURRENT, reason="")
    assert silent(told(company, forgets)) == set(everywhere)
    # Another one forgets which input it is.
    assert set(everywhere) - silent(told(company, replace(found, worst=""))) == {"webhook"}
    assert all(
        row["state"] == "stale" for row in DictReader(io.StringIO(everywhere["csv"].lstrip("\ufeff"), newline=""))
    )


def test_a_digest_that_has_only_metrics_in_it_is_sent(company: Company) -> None:
    """On a Monday on which nothing else happened; on the day after there is nothing to tell."""
    company.ready(NOW)
    company.make("Net income")
    member = company.actor("U0MAYA").member
    assert member is not None
    one = Digest("dig_1", member.organization_id, member.id, "x/y", Rhythm(MONDAY.time()), frozenset(Channel), NOW, NOW)
    quiet = {"ended": (), "incidents": (), "statuses": (), "undelivered": 0}
    for at, nothing in ((MONDAY, False), (MONDAY + timedelta(days=1), True)):
        found = company.database.in_read(partial(happened, one=one, since=NOW, now=at))
        assert replace(found, **quiet).nothing is nothing  # type: ignore[arg-type]  # all of them are right


def test_the_digest_of_other_days_and_of_channels_has_none(company: Company) -> None:
    company.ready(NOW)
    company.make("Net income")
    member = company.actor("U0MAYA").member
    assert member is not None
    one = Digest("dig_1", member.organization_id, member.id, "x/y", Rhythm(MONDAY.time()), frozenset(Channel), NOW, NOW)
    for digest_of, at in ((one, NOW), (one, LATER + timedelta(days=1)), (replace(one, member_id=None), LATER)):
        told_of = partial(happened, one=digest_of, since=NOW, now=at)
        assert company.database.in_read(told_of).metrics == ()
    posted = company.database.in_read(lambda session: metric_posts.posted(session, member.organization_id))
    assert company.database.in_read(lambda session: len(with_values(session, posted, LATER))) == 1
