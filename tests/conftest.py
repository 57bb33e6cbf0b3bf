"""What holds for every test: loopback only, no engine variables, databases, and an honest list of what was skipped."""

import gc
import ipaddress
import os
import sys
import zlib
from collections import Counter
from collections.abc import Generator, Iterator
from typing import Any, TypeVar

import pytest
from hypothesis import HealthCheck, settings

from tests.compiled import start_compiling, wait_for
from tests.databases import (
    database,
    postgres_database,
    postgres_pool,
    postgres_server,
    postgres_template,
    sqlite_database,
    sqlite_template,
    start_postgres,
    stop_postgres,
)
from tests.statements import share_statements

__all__ = [
    "database",
    "postgres_database",
    "postgres_pool",
    "postgres_server",
    "postgres_template",
    "sqlite_database",
    "sqlite_template",
]


#: Whole refreshes and whole products; what they are made of is tested on both databases in every run.
LONG = (
    "tests/bot/cli/test_stories",
    "tests/faults/test_crash_points",
    "tests/faults/test_joining",
    "tests/faults/test_random_kills",
    "tests/faults/test_webhook_kills",
    "tests/jobs/clock/test_clockwork",
    "tests/jobs/connecting/",
    "tests/jobs/deliver/",
    "tests/jobs/engine/test_crashes",
    "tests/jobs/escalating/",
    "tests/jobs/exchange/test_nights",
    "tests/jobs/exchange/test_runs",
    "tests/jobs/expectations/",
    "tests/jobs/exchange/",
    "tests/jobs/explain/",
    "tests/jobs/incidents/",
    "tests/jobs/installs/",
    "tests/jobs/metrics/",
    "tests/jobs/outgoing/",
    "tests/jobs/refresh/",
    "tests/jobs/subscriptions/",
    "tests/jobs/test_",
    "tests/jobs/webhooks/",
    "tests/scenarios/",
    "tests/sequences/test_",
    "tests/storage/test_seeding",
    "tests/storage/warehouse/test_apart",
    "tests/storage/warehouse/test_erase",
    "tests/storage/warehouse/test_reader",
    "tests/storage/warehouse/test_redact",
)

#: Whole products that show again, at another provider or on a twin, what a neighbour in the same file shows in every run.
SOAKED = (
    # The parameters beside them are the real ones.
    "tests/jobs/exchange/test_left_out.py::test_what_a_mapping_refuses_later_in_a_night_is_not_taken_for_given[True]",
    "tests/jobs/exchange/test_left_out.py::test_a_night_is_told_when_the_last_that_it_waits_for_is_stopped[planned",
    "tests/jobs/exchange/test_expected.py::test_a_run_that_nobody_ends_is_missed[True]",
    "tests/jobs/exchange/test_expected.py::test_a_night_that_nobody_begins_is_missed[True]",
    "tests/jobs/exchange/test_left_out.py::test_invoices_of_several_nights_are_sent_again",
    "tests/jobs/exchange/orders/test_replays.py::test_a_run_is_taken_again_and_each_order_is_there_once[True]",
    "tests/jobs/exchange/orders/test_taking.py::test_what_a_person_renamed_is_not_written_again[True-",
    "tests/jobs/connecting/test_exchange_form.py::test_of_several_companies_the_person_says_which[True]",
    "tests/jobs/exchange/test_attacks.py::test_what_was_decided_before_a_long_death_is_made_anew[StaysDecided]",
    "tests/jobs/exchange/orders/test_again.py::test_what_is_read_again_keeps_nothing_new_out[CountsAll",
    # Deaths at each of these points are played in one process in tests/jobs/exchange/test_runs.py.
    "tests/jobs/exchange/test_file_kills.py::",
    # What the rules say of each value is tried in tests/jobs/exchange/files/test_fil.py, and a whole run of it beside these.
    "tests/jobs/exchange/test_bytes.py::test_nasty_values_lie_on_the_server_as_the_rules_say[utf-8]",
    "tests/jobs/exchange/test_bytes.py::test_a_twin_that_writes_otherwise_is_caught[Quoting]",
    "tests/jobs/exchange/test_bytes.py::test_the_same_records_are_the_same_bytes_on_every_server_and_every_night",
    "tests/bench/test_smoke.py::test_a_click_is_followed",
    "tests/bench/test_smoke.py::test_the_first_message_of_an_incident",
    # Kills at the named points of a load are played in every run; these two are on both sides of others.
    "tests/storage/warehouse/test_crash.py::test_killed_at_random_moments",
    "tests/storage/warehouse/test_crash.py::test_killed_at_a_checkpoint[warehouse.staged]",
    "tests/storage/warehouse/test_crash.py::test_killed_at_a_checkpoint_on_postgres[warehouse.after_commit]",
    # The same through the whole upkeep: tests/jobs/test_upkeep.py::test_gathering_after_runs_changes_no_result.
    "tests/storage/warehouse/test_fresh.py::test_gathering_files_changes_nothing",
    # Another way in which the same post is taken without an answer is played in every run.
    "tests/jobs/deliver/test_telling.py::test_an_accepted_post_that_nobody_confirmed_is_found_and_not_sent_again[accept_reset]",
    "tests/jobs/deliver/test_telling.py::test_an_accepted_post_that_nobody_confirmed_is_found_and_not_sent_again[late_accept]",
    # Its first parameter dies after the step before.
    "tests/jobs/webhooks/test_acting.py::test_work_that_dies_after_a_step_and_before_its_record_has_one_effect[again]",
    # Somebody who joined meets what the one who began meets.
    "tests/jobs/test_escalation.py::test_a_first_read_that_stands_still_for_three_hours_is_escalated_once[False]",
    # That the judge of a night bites is shown in every run by the third twin.
    "tests/jobs/exchange/test_nights.py::test_a_broken_twin_is_caught[SendsAgain]",
    "tests/jobs/exchange/test_nights.py::test_a_broken_twin_is_caught[ForgetsDeletions]",
    # The twins of the simulation with the real engine are played where it is played itself, in the long run.
    "tests/faults/simulation/test_durable.py::test_an_engine_that_recovers_nothing_is_caught",
    "tests/faults/simulation/test_durable.py::test_a_broken_twin_is_caught",
    # Pages of the stand-ins, which are no part of the product; without a browser in tests/sandbox/slack/test_page.py,
    # tests/sandbox/providers/test_consent.py and tests/sandbox/test_world_backstage.py. A modal, what is typed and
    # hostile words are played in a browser in every run.
    "tests/sandbox/slack/test_browser.py::test_buttons_menus_and_confirmations",
    "tests/sandbox/slack/test_browser.py::test_mail_threads_and_other_people",
    "tests/sandbox/slack/test_browser.py::test_a_phone_shows_it_without_sideways_scrolling",
    "tests/sandbox/slack/test_browser.py::test_what_is_typed_is_sent_and_the_page_follows_without_reload",
    "tests/sandbox/test_consent_browser.py::test_amazon_and_sign_in_with_slack",
    "tests/sandbox/test_consent_browser.py::test_behind_the_scenes",
    "tests/sandbox/test_consent_browser.py::test_cancel_and_enter",
    # The steps of it without a browser: tests/bot/test_install_page.py and tests/jobs/installs.
    "tests/scenarios/test_install_page.py::test_a_workspaces_admin_installs_in_the_browser",
    # The steps of it without a browser: tests/scenarios/test_slack_edge.py; that the demo opens: tests/bot/cli/test_stories.py.
    "tests/scenarios/test_page.py::test_a_newcomer_asks_refreshes_watches_and_reads_the_mail",
    # Who may what is tried for every entry in tests/bot/test_matrix.py, and signatures in tests/bot/test_guard.py.
    "tests/scenarios/test_slack_edge.py::test_who_may_not_starts_nothing",
    # Random runs are held against the model on a folder in every run, and each way of loading on Postgres beside them.
    "tests/storage/warehouse/test_model.py::test_the_lake_on_postgres_equals_the_model",
    # The buckets themselves are tried in tests/connectors, and the order of an outbox in tests/jobs/deliver.
    "tests/bench/test_smoke.py::test_one_account_uses_its_rate",
    "tests/bench/test_smoke.py::test_an_outbox_is_drained",
    # The story of trust plays an escalation as well.
    "tests/bot/cli/test_stories.py::test_a_story_is_seen_to_its_end[escalation]",
    # Its judgement is tried in the same file; calculations, forms and standing still in tests/jobs/metrics and tests/bot.
    "tests/bot/cli/test_metric_story.py::test_the_story_is_seen_to_its_end",
    "tests/bot/cli/test_metric_story.py::test_a_broken_twin_makes_the_story_fail",
    # What judges it is tried in the same file; nights, guards, orders and visits in tests/jobs/exchange.
    "tests/bot/cli/test_exchange_story.py::test_the_story_is_seen_to_its_end",
    "tests/bot/cli/test_exchange_story.py::test_a_broken_twin_makes_the_story_fail",
    # Menus over as many names, without a lake: tests/bot/test_metric_forms.py.
    "tests/jobs/metrics/test_ten_thousand.py",
    # One random order of the same is played in the quick run.
    "tests/jobs/metrics/test_following.py::test_following_in_any_order",
    # Each part of it is tried without a product in tests/bot/test_home.py and tests/jobs/test_home.py.
    "tests/bot/cli/test_stories.py::test_a_story_is_seen_to_its_end[home]",
    # Each part of it is looked for in what each part writes: tests/bot/test_logs.py, tests/connectors, tests/storage.
    "tests/scenarios/test_no_secret_leaks.py::test_no_secret_is_anywhere_after_all_flows",
    # The steps of these, without a browser or a whole product: tests/jobs/connecting, tests/bot/test_pages.py.
    "tests/scenarios/test_connect_page.py::test_an_admin_connects_loses_and_reconnects_in_the_browser",
    "tests/scenarios/test_disconnect.py::test_an_admin_disconnects_and_later_erases",
    # What it plays is simulated in tests/faults/simulation, and seen step by step in the other stories.
    "tests/bot/cli/test_stories.py::test_a_story_is_seen_to_its_end[trust]",
    # Kills at every named point are played in every run (tests/faults/test_crash_points.py).
    "tests/faults/test_random_kills.py::test_random_kills_and_lies",
    "tests/faults/test_escalation_kills.py::test_support_is_called_once[]",
    # The other simulation is played in every run.
    "tests/faults/simulation/test_durable.py::test_nobody_is_told_what_is_not_so",
    # The same is played with QuickBooks in every run, and each provider's parts in tests/connectors.
    "tests/sequences/test_shopify.py::test_any_sequence_ends_in_what_the_shop_has",
    "tests/sequences/test_amazon.py::test_any_sequence_ends_in_what_amazon_has",
    "tests/faults/test_zombie.py::test_an_old_load_never_wins[]",
    # Each step of it is tried in tests/storage/warehouse/test_redact.py.
    "tests/jobs/webhooks/test_acting.py::test_a_customer_is_redacted_everywhere_and_stays_so",
    # The quick run kills workers in tests/jobs/engine and plays the simulation through one process.
    "tests/faults/simulation/test_crew.py",
    # The other broken twins of the simulation are caught in every run.
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[a failed run moves the last refresh]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[a partial run moves the last refresh]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[a delivery in doubt is forgotten]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[an escalation is lost in a crash]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[what was due while the machine slept is dropped]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[what is over is never said]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[a lost connection is back after any read]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[a card is never shown to its end]",
    "tests/faults/simulation/test_simulation.py::test_a_broken_twin_is_caught[what fails for good is taken for an outage]",
    "tests/bot/cli/test_stories.py::test_trust_holds_on_three_workers",
    "tests/bot/cli/test_trust_story.py::",
    # What the watcher tells is tried by a virtual clock in tests/jobs/watching, and the story of trust stops the clock.
    "tests/bot/cli/test_watched.py::",
    # The other points are on both sides of these.
    "tests/jobs/exchange/test_runs.py::test_death_at_any_point_costs_nothing[exchange.begun]",
    "tests/jobs/exchange/test_runs.py::test_death_at_any_point_costs_nothing[exchange.built]",
    "tests/jobs/exchange/test_runs.py::test_death_at_any_point_costs_nothing[exchange.uploaded]",
    "tests/jobs/exchange/test_runs.py::test_death_at_any_point_costs_nothing[exchange.verified]",
    "tests/jobs/exchange/test_runs.py::test_death_at_any_point_costs_nothing[exchange.settled]",
    "tests/faults/test_provider_faults.py::test_later",
    # Of what is ended on its way one is played with each kind of sending.
    "tests/jobs/exchange/test_meanwhile.py::test_a_slow_server_keeps_nobodys_place",
    "tests/jobs/exchange/test_places.py::test_a_file_in_the_last_place",
    "tests/jobs/exchange/orders/test_meanwhile.py::test_another_database_behind_the_connection_is_read_from_its_beginning[OnePlace",
    "tests/jobs/exchange/desktop/test_visits.py::test_what_an_admin_stopped_is_handed_to_nobody[GoesOn",
    "tests/jobs/exchange/test_meanwhile.py::test_who_wants_a_file_sent_is_not_told_that_a_dry_run_began[Joins",
    "tests/jobs/exchange/test_meanwhile.py::test_an_earlier_file_is_put_back_while_a_run_waits_for_data[Keeps",
    "tests/jobs/exchange/test_order_runs.py::test_what_went_before_it_stopped_is_told[failed",
    "tests/jobs/exchange/orders/test_replays.py::test_a_death_between_two_portions_takes_no_order_again_twice[True",
    # That ids of another company say nothing is tried in tests/storage/records/test_exchange_orders.py.
    "tests/jobs/exchange/orders/test_meanwhile.py::test_an_amendment_in_another_company",
    "tests/jobs/exchange/orders/test_taking.py::test_what_lost_its_number_and_its_note_is_left_to_a_person[KnowsNoIds",
    "tests/jobs/exchange/test_meanwhile.py::test_a_mapping_fills_no_disk",
    "tests/jobs/exchange/test_meanwhile.py::test_what_is_ended_while_it_is_sent_takes_no_files_place[Hurries-True",
    "tests/jobs/exchange/test_meanwhile.py::test_what_is_ended_while_it_is_sent_takes_no_files_place[ExchangeHandler-False-another company]",
    "tests/jobs/exchange/orders/test_meanwhile.py::test_what_was_not_sent_by_then_is_not_sent[GoesOn-True-disconnected]",
    "tests/jobs/exchange/orders/test_meanwhile.py::test_what_was_not_sent_by_then_is_not_sent[GoesOn-True-another company]",
    "tests/jobs/exchange/orders/test_meanwhile.py::test_what_was_not_sent_by_then_is_not_sent[Turn-False-not allowed any more]",
    "tests/jobs/exchange/orders/test_meanwhile.py::test_a_dry_run_reads_no_more_than_a_turn_would[Endless",
    "tests/jobs/exchange/desktop/test_visits.py::test_a_clock_that_was_ahead_keeps_nobody_out",
    # They start a server of their own; certificates are looked at in test_orders_sql_server.py, and the twin that wants none is caught.
    "tests/connectors/pocketadvantage/test_orders_postgres_tls.py::test_only_the_right_server_is_asked",
    "tests/connectors/pocketadvantage/test_orders_postgres_tls.py::test_a_user_does_what_was_granted_and_no_more",
    "tests/connectors/pocketadvantage/test_orders_postgres_tls.py::test_a_view_of_other_columns_or_types_is_said_plainly",
    "tests/connectors/pocketadvantage/test_orders_postgres_tls.py::test_a_statement_without_end_is_ended_by_the_server",
    "tests/faults/test_teeth.py::test_a_twin_is_caught[no-quiet]",
    "tests/faults/test_teeth.py::test_a_twin_is_caught[acks-first]",
    # What is in the wheel is what a clone runs; CI installs from a clone.
    "tests/scenarios/test_wheel.py::",
    "tests/sequences/test_twins.py::test_cursors_that_are_saved_before",
    "tests/faults/test_zombie.py::test_a_frozen_delivery_and_a_frozen_load",
    # Each step of these is killed in tests/jobs/connecting, and processes that die in the files beside them.
    "tests/faults/test_disconnect_kills.py::test_killed_on_its_way_it_is_disconnected_and_erased",
    "tests/faults/test_reconnect_story.py::test_it_is_told_though_somebody_dies",
    "tests/scenarios/test_processes.py::test_everything_arrives_and_a_killed_worker_is_not_missed",
    # Equality with the provider is played in tests/sequences for each of them.
    "tests/bot/cli/test_stories.py::test_every_stream_is_compared_and_one_altered_row_is_noticed",
    "tests/bench/test_smoke.py::test_a_full_read_is_checked",
    "tests/faults/test_clicks.py::test_a_worker_that_never_looks",
    "tests/faults/test_escalation_kills.py::test_support_is_called_once[no-deadlines]",
    "tests/faults/test_teeth.py::test_a_twin_is_caught[send-then-mark]",
    "tests/faults/test_zombie.py::test_an_old_load_never_wins[unfenced]",
    "tests/faults/test_first_read_kills.py::test_a_sellers_first_read",
    "tests/faults/test_first_read_kills.py::test_a_cursor_that_is_not_saved",
    "tests/storage/warehouse/test_redact.py::test_interrupted_anywhere_it_is_finished_by_the_next[redact.written_anew]",
    "tests/storage/warehouse/test_redact.py::test_interrupted_anywhere_it_is_finished_by_the_next[redact.files_removed]",
    "tests/storage/warehouse/test_erase.py::test_the_check_finds_what_a_plain_delete_leaves[_only_deleted]",
)

#: What begins first, a bundle for each worker: the longest ones, so that none of them is left alone at the end, and
#: those that share what one process starts once (the fork server of lives, that of steps that die).
FIRST = (
    (
        "tests/faults/simulation/test_simulation.py::test_nobody_is_told_what_is_not_so",
        "tests/scenarios/test_real_data.py::",
        "tests/jobs/refresh/test_reread.py::test_what_changed_unseen",
    ),
    (
        "tests/faults/test_crash_points.py::test_killed_at_every_point",
        "tests/faults/test_",
    ),
    (
        "tests/jobs/metrics/test_golden.py::",
        "tests/jobs/metrics/test_calculating.py::",
        "tests/jobs/metrics/test_following.py::",
        "tests/jobs/refresh/test_partly",
    ),
    (
        "tests/sequences/test_quickbooks.py::",
        "tests/jobs/connecting/test_kills.py::",
        "tests/jobs/connecting/test_disconnect_kills.py::",
        "tests/jobs/connecting/test_form.py::",
        "tests/jobs/engine/",
        "tests/jobs/installs/test_kills.py::",
    ),
)

#: How the fixtures name the databases; a lake's catalog is a file in its folder, or Postgres as well.
KINDS = ("sqlite", "folder", "postgres")

R = TypeVar("R", pytest.TestReport, pytest.CollectReport)


class BlockedNetworkError(RuntimeError):
    """A test tried to leave this machine."""


def pytest_configure(config: pytest.Config) -> None:
    for name in [name for name in os.environ if name.startswith(("DBOS_", "TIDINGS_"))]:
        del os.environ[name]
    _draw_alike()
    if _distributes(config):
        compiling = start_compiling(config)
        # The workers inherit the address; without workers it is started when a test first wants it.
        start_postgres(config)
        wait_for(compiling)
    sys.addaudithook(_stay_on_loopback)
    share_statements()
    # Imports make few cycles and many objects; what they leave is looked through at the end of the collection.
    gc.disable()


def pytest_collection_finish() -> None:
    """Keep the collector from looking through a million imported objects again and again: it cost some of every test.

    Cycles of the tests are collected as before, only less often; what they left is looked for when the run ends, and
    what the imports made is left out there, too.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 10)
    gc.enable()


def pytest_unconfigure(config: pytest.Config) -> None:
    stop_postgres(config)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Let long tests run on one of the two databases in the quick run, chosen by their names; `make soak` runs both."""
    if not os.environ.get("SOAK"):
        left_out = set(_on_the_other_database(items))
        if len(items) > 1:  # whoever names one gets it
            left_out |= {item for item in items if item.nodeid.startswith(SOAKED)}
        config.hook.pytest_deselected(items=list(left_out))
        items[:] = [item for item in items if item not in left_out]
    items[:] = _begun_first(items, int(getattr(config, "workerinput", {}).get("workercount", 1)))


def _begun_first(items: list[pytest.Item], workers: int) -> list[pytest.Item]:
    """Put the bundles where the workers begin: each is given an equal part of the list, one after the other."""
    bundles: list[list[pytest.Item]] = [[] for _ in range(workers)]
    for number, bundle in enumerate(FIRST):
        for name in bundle:
            mine = bundles[number % workers]
            mine += [item for item in items if item.nodeid.startswith(name) and item not in mine]
    taken = {item for mine in bundles for item in mine}
    others = [item for item in items if item not in taken]
    ordered: list[pytest.Item] = []
    for number, mine in enumerate(bundles):
        many = max((len(items) - len(ordered)) // (workers - number) - len(mine), 0)
        ordered += [*mine, *others[:many]]
        del others[:many]
    return ordered + others


def _on_the_other_database(items: list[pytest.Item]) -> Iterator[pytest.Item]:
    """Yield one of each pair; whoever names a single one of them gets it."""
    pairs: dict[str, dict[str, pytest.Item]] = {}
    for item in items:
        called = getattr(item, "callspec", None)
        kind = next((one for one in called.params.values() if one in KINDS), None) if called else None
        if kind is not None and item.nodeid.startswith(LONG):
            pairs.setdefault(item.nodeid.replace(kind, "*"), {})[kind] = item
    for name, pair in pairs.items():
        if len(pair) == 2:
            yield pair[sorted(pair)[zlib.crc32(name.encode()) % 2]]


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    report = yield
    return _no_skip_in_ci(report)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    report = yield
    return _no_skip_in_ci(report)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    reasons = Counter(_reason(report) for report in terminalreporter.stats.get("skipped", []))
    if not reasons:
        return
    terminalreporter.section("skipped here, and how to allow it")
    for reason, count in sorted(reasons.items()):
        terminalreporter.write_line(f"{count} x {reason}")


def _no_skip_in_ci(report: R) -> R:
    if os.environ.get("CI") and report.outcome == "skipped" and not hasattr(report, "wasxfail"):
        report.longrepr = f"in CI a skip is a failure: {_reason(report)}"
        report.outcome = "failed"
    return report


def _reason(report: Any) -> str:
    text = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
    return str(text).removeprefix("Skipped: ")


def _draw_alike() -> None:
    """Let what hypothesis draws be the same in every quick run, and how quick the machine is decide nothing."""
    never = [HealthCheck.too_slow]
    draws = settings(deadline=None, derandomize=not os.environ.get("SOAK"), database=None, suppress_health_check=never)
    settings.register_profile("tidings", draws)
    settings.load_profile("tidings")


def _distributes(config: pytest.Config) -> bool:
    is_worker = hasattr(config, "workerinput")
    return not is_worker and bool(getattr(config.option, "numprocesses", None))


def _stay_on_loopback(event: str, arguments: tuple[Any, ...]) -> None:
    if event in {"socket.connect", "socket.sendto"}:
        address = arguments[1]
        host = address[0] if isinstance(address, tuple) and address else None
    elif event in {"socket.getaddrinfo", "socket.gethostbyname"}:
        host = arguments[0]
    else:
        return
    if isinstance(host, bytes):
        host = host.decode(errors="replace")
    if isinstance(host, str) and not _is_loopback(host):
        raise BlockedNetworkError(f"tests stay on loopback, but something wants {host!r}")


def _is_loopback(host: str) -> bool:
    if host in {"", "localhost"} or host.endswith(".localhost"):
        return True
    try:
        return ipaddress.ip_address(host).is_loopback or host == "0.0.0.0"
    except ValueError:
        return False
