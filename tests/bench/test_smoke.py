"""Each bench runs at a tiny size and says something sane; how fast it was is nobody's test."""

import json
import os
import sys
from datetime import datetime
from pathlib import Path

import pytest

from bench import (
    answers,
    click,
    companies,
    full_read,
    growth,
    home,
    idle,
    incidents,
    outbox,
    questions,
    rates,
    sources10k,
    status,
)
from bench.__main__ import PARTS, main
from bench.figures import Figure, Outcome, at_most, at_most_times, machine, quantile, spread, write
from bench.peers import outcome as compared
from bench.processes import Used, finished
from bench.rates_shopify import shopify
from connectors.limits import Rate
from connectors.shopify import graph

pytestmark = [
    pytest.mark.skipif(sys.platform != "linux", reason="the bench reads /proc, which only Linux has"),
    pytest.mark.timeout(900),
]


def sane(outcome: Outcome) -> dict[str, Figure]:
    assert outcome.figures
    assert outcome.notes
    for figure in outcome.figures:
        assert figure.value >= 0, figure
        assert figure.ratio is None or figure.ratio > 0, figure
        assert (figure.met is None) == (not figure.target), figure
    json.dumps(outcome.raw, default=str)
    return {figure.what.strip(): figure for figure in outcome.figures}


def test_a_click_is_followed_to_its_confirmation() -> None:
    outcome = click.measure(quick=True, rounds=1, size=120)
    sane(outcome)
    (played,) = outcome.raw["rounds"]
    # A mutation touches what hangs together with the records that it is asked to change.
    assert played["rows"] >= click.NEW + click.CHANGED
    assert all(seconds >= 0 for seconds in played["stretches"].values())
    assert sum(played["stretches"].values()) == pytest.approx(played["seconds"], abs=0.001)
    for stage in ("waits in the queue", "ready tables: build", "Slack accepts it"):
        assert played["stretches"][stage] > 0, stage


def test_many_sources_are_watched_and_nothing_is_missed() -> None:
    figures = sane(sources10k.measure(sources=60, seconds=1.0))
    assert figures["messages about what did not happen (all is well)"].value == 0


def test_an_outbox_is_drained_and_slack_refuses_nothing() -> None:
    figures = sane(outbox.measure(quick=True))
    assert figures["not delivered"].value == 0
    assert figures["refused by Slack for coming too early"].value == 0


def test_questions_are_read_and_answered() -> None:
    figures = sane(questions.measure(quick=True))
    assert figures["reading one, 5 sources, median"].value > 0


def test_an_app_home_is_opened_on_a_real_database() -> None:
    figures = sane(home.measure(quick=True))
    assert figures["App Home of 20 sources and 20 metrics, median"].value > 0


def test_server_time_ends_where_the_words_leave() -> None:
    """With the words in the ack, or handed to Slack behind it; before that there is no time."""
    arrived, acked, answered = (1.0, "http.arrived", 0.1), (1.002, "http.answered", 0.101), (1.03, "slack.handed", 0.12)
    assert answers.took([acked]) is None
    assert answers.took([arrived, acked]) is None
    assert answers.took([arrived, acked, answered]) == pytest.approx((30, 20))
    assert answers.took([arrived, (1.01, "http.said", 0.11), acked, answered]) == pytest.approx((10, 10))
    found = answers.figures({answers.FLOOR: [(3.0, 2.0)], "/data": [(40.0, 30.0), (400.0, 300.0)]})
    middle, slow = (one for one in found if one.met is False)
    assert (middle.what, slow.what, middle.ratio) == ("/data", "  p95", 150.0)


def test_the_first_message_of_an_incident_is_timed_from_its_cause() -> None:
    outcome = incidents.measure(quick=True)
    sane(outcome)
    assert len(outcome.raw["took"]) == 3


def test_a_full_read_is_checked_against_the_truth() -> None:
    outcome = full_read.measure(invoices=300, rounds=1)
    figures = sane(outcome)
    assert outcome.raw["truth"]["count"] == 300
    assert figures["CPU, 300 invoices, all columns and raw"].ratio is not None
    assert outcome.raw["runs"]["typed"][0]["said"]["rows"]["invoices"] == 300


def test_a_lake_that_lacks_something_is_not_measured(tmp_path: Path) -> None:
    """The twin: a reader that leaves a record out would be quicker."""
    from connectors.registry import connector_for
    from storage.facts.clock import SystemClock
    from storage.facts.sources import Provider
    from storage.warehouse import LoadRun, Warehouse

    streams = connector_for(Provider.QUICKBOOKS).streams
    with Warehouse(str(tmp_path), "org_1").begin(LoadRun("r", "s", "quickbooks", SystemClock().now()), streams) as load:
        load.commit({})
    with pytest.raises(RuntimeError, match="the truth is"):
        full_read.check(tmp_path, {"count": 1, "total": "1.00", "lines": 1})


def test_one_account_uses_its_rate_and_is_never_refused() -> None:
    """Ten simulated minutes; the twin's bucket lets a whole minute's calls pass at once, and more come behind them."""
    found = rates.quickbooks(minutes=10)
    assert found.share >= rates.LEAST
    assert (found.refused, found.failed) == (0, 0)
    whole = rates.quickbooks(minutes=2, limits=(Rate(per_second=10, burst=10), Rate(per_second=500 / 60, burst=500)))
    assert whole.refused
    assert whole.share < rates.LEAST


def test_a_shop_uses_its_points_and_is_never_throttled() -> None:
    """Two who share a shop are throttled and give nothing up; the twins do not follow the bucket."""

    class Heedless(graph.Bucket):
        def pause(self, name: str, now: datetime) -> float:
            return 0.0

    class Slow(graph.Bucket):
        def pause(self, name: str, now: datetime) -> float:
            return 15.0

    found = shopify(minutes=2)
    assert found.share >= rates.LEAST
    assert (found.refused, found.failed) == (0, 0)
    shared = shopify(minutes=2, readers=2)
    assert shared.share >= rates.LEAST
    assert not shared.failed
    assert shopify(minutes=2, follow=Heedless).refused
    assert shopify(minutes=2, follow=Slow).share < rates.LEAST


def test_what_counts_as_equal_shares() -> None:
    assert companies.Shares((*[100] * 49, 109)).equal
    assert not companies.Shares((*[100] * 49, 120)).equal
    assert not companies.Shares((*[100] * 49, 80)).equal


# Half a minute of processor time each.
if os.environ.get("SOAK"):

    def test_companies_that_are_read_at_once_get_equal_shares() -> None:
        """The twin: one that does not count its calls takes what others lack."""
        assert companies.shares(pages=120).equal
        assert not companies.shares(pages=40, companies=10, greedy=3).equal


# Some seconds for what the full read's test shows as well.
if os.environ.get("SOAK"):

    def test_growth_is_measured() -> None:
        outcome = growth.measure(rows=(500, 21_500))
        figures = sane(outcome)
        assert figures["linear: a record of 21,500, and one of 500"].ratio is not None
        assert outcome.raw["21500"]["said"]["rows"]["invoices"] == 21_500


# Ten and more seconds of processor time each for starts that the click's test makes as well.
if os.environ.get("SOAK"):

    def test_status_is_asked_with_and_without_a_full_read() -> None:
        outcome = status.measure(requests=3, invoices=800, least=1)
        sane(outcome)
        assert outcome.raw["quiet_ms"]["n"] == 3
        assert outcome.raw["busy_ms"]["n"] >= 1


if os.environ.get("SOAK"):

    def test_everything_is_asked_of_the_whole_product() -> None:
        figures = sane(answers.measure(quick=True))
        assert {answers.FLOOR, answers.HOME, "question, direct"} <= figures.keys()


if os.environ.get("SOAK"):

    def test_idling_is_measured() -> None:
        figures = sane(idle.measure(quick=True))
        assert figures["import of bot.main, fresh process (median)"].value > 0
        assert figures["memory then"].value > 10


def test_unknown_parts_are_named(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["nonsense"])
    said = capsys.readouterr().err
    assert all(part in said for part in PARTS)


def test_figures_know_whether_they_are_met() -> None:
    assert at_most("p", "w", 1.0, "s", 1.0).met
    assert not at_most("p", "w", 1.01, "s", 1.0).met
    figure = at_most_times("p", "w", 10.0, 2.0, "s", 5.0)
    assert (figure.ratio, figure.met) == (5.0, True)
    assert spread([3.0, 1.0, 2.0])["median"] == 2.0
    assert quantile(list(map(float, range(100))), 0.99) == 99.0


def test_peers_are_compared_by_ratio() -> None:
    def used(wall: float, cpu: float) -> Used:
        return Used({"rows": {}, "versions": []}, wall, cpu, 100.0)

    found = {"ours": [used(1, 1)], "tuned": [used(5, 4.9)]}
    wall, cpu, _ = compared(found, {}).figures
    assert (wall.ratio, wall.met) == (5, True)
    assert (cpu.ratio, cpu.met) == (4.9, False)


def test_results_are_written_and_processes_measured() -> None:
    used = finished([sys.executable, "-c", "sum(range(3_000_000)); print('{\"a\": 1}')"])
    assert used.said == {"a": 1}
    assert used.cpu > 0
    assert used.rss_mb > 1
    with pytest.raises(RuntimeError):
        finished([sys.executable, "-c", "raise SystemExit(3)"])
    path = write({"x": Outcome([at_most("p", "w", 1.0, "s", 1.0)], ["said"])}, machine())
    try:
        assert json.loads(path.read_text())["parts"]["x"]["figures"][0]["met"] is True
    finally:
        path.unlink()
