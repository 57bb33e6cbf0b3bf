"""Engines that stay open for a moment: quicker, and in nothing else different from new ones."""

import shutil
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from storage.facts.streams import Stream
from storage.warehouse import NoLake, Warehouse
from storage.warehouse.location import Location, locate
from storage.warehouse.session import Limits
from storage.warehouse.warm import Keeper
from tests.storage.warehouse.company import STREAMS, Invoice, invoices, run

LIMITS = Limits("64MB", 1)


class Steady:
    """A clock that is moved by hand."""

    now = 0.0

    def __call__(self) -> float:
        return self.now


class NeverLooks(Keeper):
    """Takes any catalog of that name for the one it has open."""

    def _taken(self, key):
        kept = self._kept.get(key)
        if kept is None:
            return super()._taken(key)
        kept.users += 1
        return kept


def collect(url: str, count: int, organization: str = "org_1", streams: Sequence[Stream] = STREAMS) -> Location:
    with Warehouse(url, organization, threads=1).begin(run(f"run {count}"), streams) as loader:
        loader.write(invoices([Invoice(str(n)) for n in range(count)]))
        loader.commit({})
    return locate(url, organization)


@pytest.fixture
def location(folder_url: str) -> Location:
    return collect(folder_url, 3)


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    made = Keeper(seconds=60.0, most=2)
    yield made
    made.close()


def count(keeper: Keeper, location: Location, *, write: bool = False) -> int:
    with keeper.opened(location, LIMITS, write=write) as session:
        return int(session.row("SELECT count(*) FROM lake.main.raw_books_invoices")[0])


def test_uses_share_an_engine_and_nothing_temporary(keeper: Keeper, location: Location) -> None:
    for _ in range(2):
        with keeper.opened(location, LIMITS, write=False) as session:
            session.run("CREATE TEMP TABLE mine AS SELECT 1 AS a")
            session.run("BEGIN")
    assert keeper.tidy() == 1
    with keeper.opened(location, LIMITS, write=False) as session:
        assert session.rows("SELECT current_setting('TimeZone'), current_setting('ducklake_max_retry_count')") == [
            ("UTC", 0)
        ]


def test_what_others_commit_is_seen(keeper: Keeper, location: Location, folder_url: str) -> None:
    assert count(keeper, location) == 3
    collect(folder_url, 5)
    assert count(keeper, location) == 5


def test_threads_share_an_engine(keeper: Keeper, location: Location) -> None:
    with ThreadPoolExecutor(4) as pool:
        found = set(pool.map(lambda _: count(keeper, location), range(20)))
    assert found == {3}
    assert keeper.tidy() == 1


def test_it_closes_after_its_time_and_beyond_its_number(folder_url: str) -> None:
    steady = Steady()
    keeper = Keeper(seconds=10.0, most=2, steady=steady)
    for number in range(3):
        count(keeper, collect(folder_url, 1, f"org_{number}"))
        steady.now += 1
    assert keeper.tidy() == 2
    steady.now += 8.5
    assert keeper.tidy() == 1
    with keeper.opened(locate(folder_url, "org_2"), LIMITS, write=False) as session:
        steady.now += 100
        assert keeper.tidy() == 1
        assert session.rows("SELECT 1") == [(1,)]
    steady.now += 100
    assert keeper.tidy() == 0


def threads(keeper: Keeper) -> list[threading.Timer]:
    """Return the timers of this keeper; the process's own one may start another at any time."""
    timers = [one for one in threading.enumerate() if isinstance(one, threading.Timer)]
    return [one for one in timers if getattr(one.function, "__self__", None) is keeper]


class Stays(Keeper):
    """Leaves its thread to the interpreter's end."""

    def end(self) -> None:
        self.close()


@pytest.mark.parametrize("kind", [Keeper, Stays])
def test_at_the_end_of_the_process_no_thread_is_in_the_engine(kind: type[Keeper], location: Location) -> None:
    """The interpreter ends threads where they are, which C++ takes for a reason to abort."""
    keeper = kind(seconds=60.0)
    count(keeper, location)
    assert threads(keeper)
    keeper.end()
    count(keeper, location)
    assert bool(threads(keeper)) == (kind is Stays)
    Keeper.end(keeper)


def test_a_use_that_fails_takes_the_engine_with_it(keeper: Keeper, location: Location) -> None:
    def fail() -> None:
        with keeper.opened(location, LIMITS, write=True) as session:
            session.run("BEGIN")
            raise LookupError

    with pytest.raises(LookupError):
        fail()
    assert keeper.tidy() == 0
    assert count(keeper, location, write=True) == 3


def replaced(keeper: Keeper, location: Location, folder_url: str, tmp_path: Path) -> int:
    """Let somebody restore another lake under the same name, between two uses."""
    assert count(keeper, location) == 3
    # The same tables under other numbers: what was known of the first lake is wrong for this one.
    collect(str(tmp_path / "backup"), 7, streams=STREAMS[::-1])
    shutil.rmtree(location.home)
    shutil.copytree(tmp_path / "backup" / "org_1", Path(folder_url) / "org_1")
    return count(keeper, location)


def test_a_catalog_that_was_replaced_is_opened_anew(
    keeper: Keeper, location: Location, folder_url: str, tmp_path: Path
) -> None:
    assert replaced(keeper, location, folder_url, tmp_path) == 7


def test_a_keeper_that_does_not_look_is_caught(location: Location, folder_url: str, tmp_path: Path) -> None:
    blind = NeverLooks()
    try:
        found = replaced(blind, location, folder_url, tmp_path)
    except Exception:  # noqa: BLE001 - it may read from files that are gone, in many ways
        found = 0
    blind.close()
    assert found != 7


def test_a_lake_that_is_gone_is_said_so(keeper: Keeper, location: Location) -> None:
    assert count(keeper, location) == 3
    shutil.rmtree(location.home)
    with pytest.raises(NoLake):
        count(keeper, location)
    assert keeper.tidy() == 0
