"""Pictures of runs and metrics: drawn only where they tell something, and never more than is known."""

from dataclasses import replace
from decimal import Decimal

from bot.cli.samples.facts import usual_runs
from bot.cli.samples.numbers import metric_messages
from bot.cli.samples.quiet import quiet_messages
from storage.facts.charts import Chart
from storage.facts.runs import RunState, Trigger
from templates.notices.trends import history_charts


def test_a_history_shows_how_old_the_data_got_and_what_came():
    ages, rows = history_charts(usual_runs(), "UTC")
    assert (ages.title, ages.y_label, ages.x_label) == ("How old the data got", "Hours", "Ready at (UTC)")
    assert ages.series[0].values[-1] == Decimal("1.0")
    assert max(value for value in ages.series[0].values if value is not None) == Decimal("7.7")
    assert rows.series[0].values == tuple(map(Decimal, (175, 260, 130, 0, 88, 1204, 410, 96, 204, 31)))
    assert rows.categories[-1] == "Nov 21, 19:21"
    assert "0 to 1,204 rows changed; 31 in the newest" in rows.alt


def test_a_digest_shows_which_data_are_the_oldest():
    (chart,) = [part for part in quiet_messages()["digest_of_person"].parts if isinstance(part, Chart)]
    assert [name.partition(" ")[0] for name in chart.categories] == ["Shopify", "Shopify", "QuickBooks"]
    assert chart.series[0].values == (Decimal("28.2"), Decimal("5.2"), Decimal("0.4"))
    assert not [part for part in quiet_messages()["digest_of_channel"].parts if isinstance(part, Chart)]


def test_runs_that_brought_nothing_ready_are_no_points():
    runs = [replace(run, state=RunState.FAILED) for run in usual_runs()]
    assert history_charts(runs, "UTC") == []
    assert history_charts(usual_runs()[:2], "UTC") == []


def test_first_reads_would_hide_all_others():
    runs = [*usual_runs()[:-1], replace(usual_runs()[-1], trigger=Trigger.FIRST_READ)]
    assert len(history_charts(runs, "UTC")[1].categories) == 9


def test_where_all_brought_the_same_it_is_told_how_long_they_took():
    runs = [replace(run, counts={}) for run in usual_runs()]
    again = [replace(run, started_at=None) for run in runs]
    assert [chart.title for chart in history_charts(again, "UTC")] == ["How old the data got"]


def test_a_metric_is_drawn_without_the_period_that_is_not_over():
    (chart,) = [part for part in metric_messages()["metric_trend"].parts if isinstance(part, Chart)]
    assert chart.categories[0] == "Jan 2026"
    assert chart.categories[-1] == "Oct 2026"
    assert chart.series[0].values[7] is None
    assert chart.series[1].values == (Decimal("4000.00"),) * 10
    assert not [part for part in metric_messages()["metric"].parts if isinstance(part, Chart)]
