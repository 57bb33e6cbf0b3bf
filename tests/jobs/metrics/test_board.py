"""The board of App Home: what is in trouble comes first, then what has a target; each as it stands, and no more."""

from dataclasses import replace
from datetime import timedelta

from jobs.desk import Desk
from jobs.home import HomeService
from storage.facts.clock import OffsetClock
from storage.facts.home import Board
from storage.facts.metrics import MetricState
from storage.facts.sources import ConnectionState
from storage.records import metric_board, metrics, sources
from storage.sessions import Database
from tests.jobs.metrics.standing_metrics import NET, NOW, Company
from tests.storage.test_seeding import ORGANIZATION

PLAIN = replace(NET, target=None)
FRESH = NOW - timedelta(minutes=10)


async def board(company: Company) -> Board:
    clock = OffsetClock(base=lambda: NOW)
    service = HomeService(Desk(company.database.url), company.database, clock, read_budget=1)
    found = (await service.index(company.actor("U0MAYA"))).board
    assert found is not None
    return found


def states(found: Board) -> list[tuple[str, MetricState]]:
    return [(one.metric.name, one.state) for one in found.shown]


async def test_trouble_comes_first_then_targets_and_ten_of_a_thousand_are_shown(database: Database) -> None:
    company = Company(database)
    company.ready(FRESH)
    for name in ("A plain", "B plain", "Z broken"):
        company.make(name, place="", definition=PLAIN)
    company.make("C target", place="", definition=NET)
    for name in ("A plain", "B plain", "Z broken", "C target"):
        company.calculated(name, FRESH)

    def later(name: str) -> object:
        def work(session: object) -> object:
            found = metrics.named(session, ORGANIZATION, name)  # type: ignore[arg-type]  # a session of the database
            assert found is not None
            if name == "Z broken":
                return metrics.mark_broken(session, found, "Petty cash is not in QuickBooks any more")  # type: ignore[arg-type]
            return metrics.redefine(session, found, NET, "mem_1", NOW)  # type: ignore[arg-type]

        return database.in_write(work)

    assert later("Z broken")
    assert states(await board(company)) == [
        ("Z broken", MetricState.BROKEN), ("C target", MetricState.CURRENT), ("A plain", MetricState.CURRENT),
        ("B plain", MetricState.CURRENT),
    ]  # fmt: skip
    assert later("B plain")
    shown = (await board(company)).shown
    assert [one.metric.name for one in shown] == ["Z broken", "B plain", "C target", "A plain"]
    # Its value is read as it was calculated.
    assert (shown[1].state, shown[1].before) == (MetricState.CALCULATING, PLAIN)
    for number in range(12):
        company.make(f"More {number:02}", place="", definition=PLAIN)
        company.calculated(f"More {number:02}", FRESH)
    found = await board(company)
    assert (len(found.shown), found.count) == (10, 16)
    assert [one.values[0].value.period.end.month for one in found.shown[:3]] == [10, 10, 10]


async def test_all_of_a_source_that_stands_badly_are_grey(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    company.ready(FRESH)
    company.make("Net", place="")
    company.calculated("Net", FRESH)
    company.ready(NOW - timedelta(minutes=5))
    # Fresh data of which it is not calculated yet.
    assert states(await board(company)) == [("Net", MetricState.STALE)]
    company.calculated("Net", NOW - timedelta(minutes=5))
    assert states(await board(company)) == [("Net", MetricState.CURRENT)]
    lost = ConnectionState.DISCONNECTED
    sqlite_database.in_write(lambda s: sources.set_connection(s, company.source.id, lost, "the grant was revoked", NOW))
    (shown,) = (await board(company)).shown
    assert (shown.state, shown.reason) == (MetricState.FROZEN, "the grant was revoked")
    assert shown.metric.as_of == NOW - timedelta(minutes=5)


async def test_who_has_none_has_no_board_and_whoever_is_old_in_peace_is_no_trouble(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    clock = OffsetClock(base=lambda: NOW)
    service = HomeService(Desk(sqlite_database.url), sqlite_database, clock, read_budget=1)
    assert (await service.index(company.actor("U0MAYA"))).board is None
    for name, days in (("Old", 5), ("Older", 9)):
        company.make(name, place="", definition=NET if name == "Old" else PLAIN)
        company.calculated(name, NOW - timedelta(days=days))
    source, before = company.source.id, NOW - timedelta(days=2)

    def first(since: dict[str, object]) -> list[str]:
        found = sqlite_database.in_read(
            lambda s: metric_board.foremost(s, ORGANIZATION, [], (before, since), 10)  # type: ignore[arg-type]
        )
        return [one.name for one in found[0]]

    # A source that is collected once a week is fresh for a week; without that, what is older than two days is trouble.
    assert first({source: NOW - timedelta(days=6)}) == ["Older", "Old"]
    assert first({source: NOW - timedelta(days=10)}) == ["Old", "Older"]
