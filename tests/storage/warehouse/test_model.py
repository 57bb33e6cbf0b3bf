"""Over many random runs the lake, its change feed and its ready tables equal a plain model."""

import random
from copy import deepcopy
from datetime import UTC, datetime

import pytest

from storage.warehouse import Warehouse
from storage.warehouse.shares import KEYS
from tests.storage.warehouse.company import READY, SOURCE, STREAMS
from tests.storage.warehouse.model import (
    Model,
    expected_changes,
    load,
    model_ready,
    model_state,
    plan,
    raw_state,
    ready_state,
)
from tests.storage.warehouse.twins import Faulty, ForgetsDeletions, LoadsAgain, RewritesEverything


def live_through(warehouse: Warehouse, seed: int, runs: int) -> None:
    """Load random runs and hold everything against the model after each."""
    dice = random.Random(seed)
    model = Model()
    history = {warehouse.snapshot(): deepcopy(model)}
    for number in range(runs):
        planned = plan(dice)
        before = deepcopy(model)
        expected = model.load(planned)
        result = load(warehouse, f"run_{number}", planned, {"invoices": f"at {number}"}, STREAMS)
        assert dict(result.counts) == expected, number
        touched = any(counts.touched for counts in expected.values())
        assert result.wrote == (touched or number == 0)
        assert warehouse.find_run(f"run_{number}", "collect") == (result if result.wrote else None)
        assert raw_state(warehouse) == model_state(model), number
        for stream in model.records:
            changes = warehouse.changes(SOURCE, f"raw_books_{stream}", result.snapshot_before, result.snapshot_after)
            assert [(c.kind.value, c.key) for c in changes] == expected_changes(before.live(stream), model.live(stream))
        if result.wrote:
            assert warehouse.cursors(SOURCE) == {"invoices": f"at {number}"}
            history[result.snapshot_after] = deepcopy(model)
        if dice.random() < 0.7:
            process(warehouse, number, model)
        if dice.random() < 0.15:
            warehouse.maintain(now=datetime.now(UTC))
    process(warehouse, runs, model)
    rebuilt = warehouse.process("rebuilt", SOURCE, READY, rebuild=True)
    assert not any(counts.touched for counts in rebuilt.counts.values())
    for earlier in dice.sample(sorted(history), min(3, len(history))):
        changes = warehouse.changes(SOURCE, "raw_books_invoices", earlier, warehouse.snapshot())
        then, now = history[earlier].live("invoices"), model.live("invoices")
        assert [(c.kind.value, c.key) for c in changes] == expected_changes(then, now)
        for change in changes:
            assert change.before is None or change.before["total"] == then[change.key].total
            assert change.after is None or change.after["total"] == now[change.key].total


def process(warehouse: Warehouse, number: int, model: Model) -> None:
    assert warehouse.process(f"build_{number}", SOURCE, READY) is not None
    assert not warehouse.waiting(SOURCE, READY)
    assert ready_state(warehouse) == model_ready(model), number


@pytest.mark.parametrize("seed, keys", [(1, KEYS), (2, 3)], ids=["together", "parted"])
def test_the_lake_equals_the_model(folder_url: str, seed: int, keys: int) -> None:
    """Also when no statement may bring more than three keys together, as those of very big loads are parted."""
    live_through(Warehouse(folder_url, "org_1", threads=1, keys=keys), seed, 4)


@pytest.mark.postgres
def test_the_lake_on_postgres_equals_the_model(postgres_url: str) -> None:
    live_through(Warehouse(postgres_url, "org_1", threads=1), 3, 3)


@pytest.mark.parametrize("twin", [ForgetsDeletions, RewritesEverything, LoadsAgain])
def test_a_faulty_loader_does_not_equal_the_model(folder_url: str, twin: type[Faulty]) -> None:
    with pytest.raises(AssertionError):
        live_through(twin(folder_url, "org_1", threads=1), 2, 5)
