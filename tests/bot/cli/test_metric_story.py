"""The story of metrics: on both databases under SOAK, with products that break their word; its judgement in every run."""

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from bot.cli.stories import metrics as story
from bot.cli.stories.judging import rows_of, truth_of, worth, wrong_values
from bot.cli.stories.measuring import made
from bot.cli.stories.stage import Stage
from jobs.build import Jobs
from jobs.metrics.service import MetricService
from sandbox.providers.quickbooks import Books, QuickBooks
from storage.facts.clock import OffsetClock
from storage.facts.metrics import (
    Calculation,
    Dataset,
    Definition,
    Frequency,
    Kept,
    Metric,
    MetricState,
    Period,
    Selection,
    Shown,
    Value,
)
from storage.facts.people import Actor
from templates import slack as blocks
from templates.notices.metrics import metrics_list
from tests.bot.cli.broken import IN_VAIN, Halting, Twin, fails
from tests.connectors.worlds import REALM

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 11, 21, 18, tzinfo=UTC)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("kind", ["sqlite", pytest.param("postgres", marks=pytest.mark.postgres)])
def test_the_story_is_seen_to_its_end(kind: str, request: pytest.FixtureRequest) -> None:
    command = [sys.executable, "-m", "bot.cli", "demo", "--headless", "--check", "metrics", "--size", "20"]
    if kind == "postgres":
        command += ["--database", request.getfixturevalue("postgres_database").url]
    ran = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=880, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "nine metrics are made through the form" in ran.stdout
    assert "all nine are others" in ran.stdout
    assert "all nine stand still" in ran.stdout
    assert "days of the gap are filled" in ran.stdout
    assert ran.stderr == ""


async def one_made(stage: Stage) -> None:
    """Play the story up to one metric that is calculated."""
    await stage.first_reads()
    await story._collected_again(stage, await stage.outside(lambda: story._noon(stage.sandbox.clock.now())))
    books = await story._source(stage)
    wanted = await stage.outside(lambda: story._wanted(story._books(stage)))
    await made(stage, books.source.id, wanted[0])
    await story.follow(stage, books.last_data_refresh)


def does_not_follow() -> Twin:
    """Return a product that calculates what is made once, and then nobody looks."""
    broken = Halting(("metrics",))

    async def played(stage: Stage) -> None:
        await one_made(stage)
        broken.halt()
        stage.impatient(IN_VAIN)
        await story._follows(stage)

    return Twin(played, "a calculation of every metric from newer data did not come true", broken)


class Well(MetricService):
    """A list that calls everything current, whatever became of its source."""

    def __init__(self, real: MetricService) -> None:
        vars(self).update(vars(real))

    async def all(self, actor: Actor) -> list[Shown]:
        return [replace(one, state=MetricState.CURRENT, reason="") for one in await super().all(actor)]


async def looked_at_frozen(stage: Stage) -> None:
    await one_made(stage)
    stage.impatient(IN_VAIN)
    await story._freezes(stage)


def frozen_looks_well() -> Twin:
    def variant(jobs: Jobs) -> Jobs:
        return replace(jobs, services=replace(jobs.services, metrics=Well(jobs.services.metrics)))

    return Twin(looked_at_frozen, "the word that every metric is frozen did not come true", variant)


TWINS = {"does not follow": does_not_follow, "frozen looks well": frozen_looks_well}


@pytest.mark.timeout(900)
@pytest.mark.parametrize("name", TWINS)
def test_a_broken_twin_makes_the_story_fail(name: str, capsys: pytest.CaptureFixture[str], logs_restored: None) -> None:
    fails(TWINS[name](), 20, capsys)


# -- in every run: the judgement itself -------------------------------------------------------------------------------


def company() -> tuple[Books, Metric, list[Kept]]:
    """Return books, a metric of its sales by day, and what a right product would keep of it."""
    clock = OffsetClock(NOW - datetime.now(UTC))
    books = QuickBooks.generated(seed=7, invoices=12, as_of=NOW - timedelta(days=1), clock=clock).books[REALM]
    asked = Definition(Selection(Dataset.CUSTOMERS), Calculation.SUM, frequency=Frequency.DAILY)
    metric = Metric("met_1", "org_1", "src_1", REALM, "Sales", asked, 1, "mem_1", "", NOW, MetricState.CURRENT, "",
                    NOW, "run_1", NOW, 1)  # fmt: skip
    truth = truth_of(books, metric)
    since = truth.since(asked)
    days = [since + timedelta(days=number) for number in range((truth.today - since).days + 1)]
    return books, metric, [kept(day, truth.days(asked.selection, asked.basis).between(day, day)[0]) for day in days]


def kept(day: date, worth: Any) -> Kept:
    value = Value(Period(day, day), Decimal(worth.numerator) / Decimal(worth.denominator), complete=day < NOW.date())
    return Kept(value, 1, "USD", NOW, "run_1", 7, 1)


def test_every_wrong_value_is_found() -> None:
    books, metric, right = company()
    truth = truth_of(books, metric)
    wrong, same = wrong_values(truth, metric, right)
    assert wrong == []
    assert same >= 10
    middle = len(right) // 2
    one = right[middle]
    cent = replace(one, value=replace(one.value, value=(one.value.value or Decimal(0)) + Decimal("0.01")))
    empty = replace(one, value=replace(one.value, value=None))
    for name, twin in {
        "a cent": [*right[:middle], cent, *right[middle + 1 :]],
        "empty": [*right[:middle], empty, *right[middle + 1 :]],
        "the last day": right[:-1],
        "nothing": [],
    }.items():
        assert len(wrong_values(truth, metric, twin)[0]) == 1, name
    assert worth(truth, metric) == "0.00"


@pytest.mark.parametrize("state", MetricState)
def test_only_a_current_metric_looks_well(state: MetricState) -> None:
    from bot.cli.samples.numbers import NET, kept, shown

    reason = "" if state is MetricState.CURRENT else "Daniel Kim disconnected it"
    told = metrics_list("Temerity Goods", [shown("Net income", NET, state, kept("4414.00"), reason=reason)], NOW)
    rows = rows_of(blocks.render(told, team_id="T0TEMERITY", zone="UTC")["blocks"])
    row = rows["Net income"]
    assert row.looks_well is (state is MetricState.CURRENT)
    assert row.value == "4,414.00 USD"
    assert "UTC" in row.as_of
