"""A process killed at any moment leaves the whole run or nothing, says which, and can be repeated."""

import random
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from storage.warehouse import Warehouse
from tests.storage.warehouse.company import READY, SOURCE, STREAMS
from tests.storage.warehouse.model import load, model_ready, model_state, raw_state, ready_state
from tests.storage.warehouse.story import FIRST, SECOND, after_first, after_second, cursors

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def prepared(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder of lakes after the first run; tests copy it."""
    folder = tmp_path_factory.mktemp("prepared") / "lakes"
    prepare(str(folder))
    return folder


@pytest.fixture
def first(prepared: Path, folder_url: str) -> Warehouse:
    shutil.copytree(prepared, folder_url)
    return Warehouse(folder_url, "org_1", threads=1)


def prepare(url: str) -> Warehouse:
    warehouse = Warehouse(url, "org_1", threads=1)
    load(warehouse, "first", FIRST, cursors("first"), STREAMS)
    warehouse.process("first", SOURCE, READY)
    return warehouse


def start(url: str, deadly: str, kind: str = "whole") -> "subprocess.Popen[str]":
    command = [sys.executable, "-m", "tests.storage.warehouse.crashing", url, deadly, kind]
    return subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True)


def killed(url: str, deadly: str, kind: str = "whole") -> bool:
    """Run the loading process and say whether it died at that checkpoint."""
    with start(url, deadly, kind) as process:
        return process.wait(60) == -signal.SIGKILL


def whole_or_nothing(warehouse: Warehouse) -> bool:
    """Check that the second run is there wholly or not at all, and return which."""
    found = warehouse.find_run("second", "collect")
    model = after_second() if found else after_first()
    assert raw_state(warehouse) == model_state(model)
    assert warehouse.cursors(SOURCE) == cursors("second" if found else "first")
    built = warehouse.find_run("second", "process")
    assert ready_state(warehouse) == model_ready(after_second() if built else after_first())
    assert warehouse.waiting(SOURCE) == (found is not None and built is None)
    return found is not None


def repeat(warehouse: Warehouse) -> None:
    """Load the run again, as recovery does; nothing may be doubled."""
    found = warehouse.find_run("second", "collect")
    again = load(warehouse, "second", SECOND, cursors("second"), STREAMS)
    assert dict(again.counts) == after_first().load(SECOND)
    assert found is None or found == again
    warehouse.process("second", SOURCE, READY)
    assert whole_or_nothing(warehouse)
    assert ready_state(warehouse) == model_ready(after_second())


CHECKPOINTS = {
    "warehouse.staged": False,
    "warehouse.before_commit": False,
    "warehouse.after_commit": True,
    "warehouse.process.before_commit": True,
    "warehouse.process.after_commit": True,
}


@pytest.mark.parametrize("checkpoint", sorted(CHECKPOINTS))
def test_killed_at_a_checkpoint(first: Warehouse, folder_url: str, checkpoint: str) -> None:
    assert killed(folder_url, checkpoint)
    assert whole_or_nothing(first) == CHECKPOINTS[checkpoint]
    if checkpoint.endswith(".before_commit"):
        repeat(first)


@pytest.mark.postgres
@pytest.mark.parametrize("checkpoint", ["warehouse.before_commit", "warehouse.after_commit"])
def test_killed_at_a_checkpoint_on_postgres(postgres_url: str, checkpoint: str) -> None:
    warehouse = prepare(postgres_url)
    assert killed(postgres_url, checkpoint)
    assert whole_or_nothing(warehouse) == CHECKPOINTS[checkpoint]


def test_killed_at_random_moments(prepared: Path, tmp_path: Path) -> None:
    dice = random.Random()
    for number in range(3):
        url = str(tmp_path / f"copy_{number}")
        shutil.copytree(prepared, url)
        with start(url, "-") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "loading\n"
            time.sleep(dice.uniform(0.05, 1.5))
            process.kill()
        warehouse = Warehouse(url, "org_1", threads=1)
        whole_or_nothing(warehouse)
        if number == 0:
            repeat(warehouse)


def test_a_loader_that_commits_table_by_table_is_caught(first: Warehouse, folder_url: str) -> None:
    assert killed(folder_url, "warehouse.before_commit", "each-table")
    with pytest.raises(AssertionError):
        whole_or_nothing(first)


def test_killed_while_the_lake_is_made(folder_url: str) -> None:
    """The very first load of an organization dies; nothing is there, and it can begin again."""
    assert killed(folder_url, "warehouse.before_commit")
    warehouse = Warehouse(folder_url, "org_1", threads=1)
    assert warehouse.find_run("second", "collect") is None
    assert (warehouse.cursors(SOURCE), warehouse.counts(SOURCE), warehouse.waiting(SOURCE)) == ({}, {}, False)
    load(warehouse, "second", SECOND, cursors("second"), STREAMS)
    assert warehouse.counts(SOURCE)["raw_books_invoices"] == 30
