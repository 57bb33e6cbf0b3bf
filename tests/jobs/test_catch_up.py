"""A catch-up over sources that all had their runs costs a look, not a transaction for each."""

from collections.abc import Callable, Sequence
from typing import Any

import pytest

from jobs.schedule import schedule_of, slots_submitter, start_slot
from jobs.slots import Slot, latest_slot
from storage.records import runs
from storage.sessions import Database
from tests.jobs.expectations.ground import BEGAN, Ground

Submit = Callable[[Sequence[Slot]], None]


class Counting:
    """A database that counts its write transactions."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self.in_read = database.in_read
        self.writes = 0

    def in_write(self, work: Callable[..., Any]) -> object:
        """Count and do it."""
        self.writes += 1
        return self._database.in_write(work)


def heedless(database: Any, ground: Ground) -> Submit:
    """Twin: opens a transaction for each slot, to find that it had its run."""

    def submit(slots: Sequence[Slot]) -> None:
        for slot in slots:
            database.in_write(lambda session, slot=slot: start_slot(session, slot, BEGAN, ground.enqueue))

    return submit


def product(database: Any, ground: Ground) -> Submit:
    """Submit as the clock does."""
    return slots_submitter(database, ground.clock, ground.enqueue)


@pytest.mark.parametrize("how, writes", [(product, 0), (heedless, None)], ids=["product", "twin"])
def test_what_had_its_run_is_looked_up_together(database: Database, how: Any, writes: int | None) -> None:
    ground, counting = Ground(database), Counting(database)
    everything = [latest_slot(schedule_of(source), BEGAN) for source in ground.sources()]
    submit = how(counting, ground)
    submit(everything[:-1])
    assert counting.writes == len(everything) - 1
    counting.writes = 0
    submit(everything[:-1])
    assert counting.writes == (len(everything) - 1 if writes is None else writes)
    # One that is new among them is started; of the same key, another source's counts for nothing.
    *_, last = everything
    submit([*everything[:-1], last])
    names = {(slot.source_id, slot.key) for slot in everything}
    found = database.in_read(lambda session: runs.slots_taken(session, {*names, (last.source_id, everything[0].key)}))
    assert found - {(last.source_id, everything[0].key)} == names
    assert ((last.source_id, everything[0].key) in found) == (last.key == everything[0].key)
