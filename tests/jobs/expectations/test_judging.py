"""A slot is accused of nothing while the clock may still submit it again, nor when its data are there already."""

from datetime import datetime, timedelta

import pytest

from jobs.expectations.judging import Judge, Verdict
from jobs.expectations.opening import expected
from jobs.schedule import schedule_of, start_run
from jobs.slots import latest_slot, next_slot
from storage.facts.expectations import Expectation, ExpectationKind
from storage.facts.runs import RunState, Trigger
from storage.records import expectations, runs
from storage.sessions import Database, Session
from tests.jobs.expectations.ground import BEGAN, Ground

SECOND, MINUTE = timedelta(seconds=1), timedelta(minutes=1)


class Hasty(Judge):
    """Twin: what held the source is forgotten as soon as it ends, and whose data are there is not asked."""

    def verdict(self, session: Session, one: Expectation, now: datetime) -> Verdict:
        """Look at the slot's own run, and at what holds the source now."""
        if runs.slot_taken(session, one.subject, one.slot):
            return Verdict.MET
        return Verdict.LATER if runs.active_of(session, [one.subject]) else Verdict.MISSED


#: asked for, ended, up to when its data are complete, asked at: all in minutes from the slot's time; what is said then
CASES = {
    "held it and goes on": ((-5, None, None), 9, Verdict.LATER),
    "held it and just ended": ((-5, 2, None), 4, Verdict.LATER),
    "held it, and the clock will come": ((-5, 2, None), 12.5, Verdict.LATER),
    "held it, and the clock came and did nothing": ((-5, 2, None), 13.5, Verdict.MISSED),
    "was quicker than the clock": ((0.2, 2, None), 4, Verdict.LATER),
    "ended before": ((-5, -1, None), 4, Verdict.MISSED),
    "began after, when the clock stood": ((1, 2, None), 4, Verdict.MISSED),
    "its data are older than the slot": ((-5, 2, -4), 13.5, Verdict.MISSED),
    "its data are as new as the slot": ((-5, 2, 0), 4, Verdict.MET),
    "began after, and its data are newer": ((1, 2, 1), 4, Verdict.MET),
}


@pytest.mark.parametrize("case", CASES)
def test_the_verdict_over_a_slot_without_a_run(sqlite_database: Database, case: str) -> None:
    (asked, ended, as_of), at, wanted = CASES[case]
    found = verdict(sqlite_database, asked, ended, as_of, at, Judge(frozenset()))
    assert found is wanted


def test_the_twin_accuses_what_the_clock_makes_up_for(sqlite_database: Database) -> None:
    assert verdict(sqlite_database, -5, 2, None, 4, Hasty(frozenset())) is Verdict.MISSED


def verdict(
    database: Database, asked: float, ended: float | None, as_of: float | None, at: float, judge: Judge
) -> Verdict:
    """Let one run be there, and ask."""
    source, *_ = Ground(database).sources()
    slot = latest_slot(schedule_of(source), next_slot(schedule_of(source), BEGAN))

    def after(minutes: float) -> datetime:
        return slot.at + minutes * MINUTE

    def work(session: Session) -> Verdict:
        run_id = start_run(session, source, Trigger.REQUEST, "req_1", after(asked), lambda *_: None, collects=True)
        generation = runs.claim(session, run_id, 1, after(asked))
        assert generation is not None
        if ended is not None and as_of is None:
            runs.finish(session, run_id, generation, RunState.FAILED, after(ended))
        elif ended is not None and as_of is not None:
            end = after(ended)
            runs.finish(session, run_id, generation, RunState.READY, end, source_as_of=after(as_of), ready_at=end)
        expectations.expect(session, expected(source, slot))
        (one,) = expectations.of_subject(session, ExpectationKind.SLOT, source.id)
        return judge.verdict(session, one, after(at))

    return database.in_write(work)
