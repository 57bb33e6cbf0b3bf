"""The sweep of the ledger: finds what did not happen, claims it once, and has it reported.

It runs on the clock and on a thread of its own: a clock that stands still must not be the only one to notice.
"""

import asyncio
import threading
from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import TypeVar

import structlog

from jobs.expectations.judging import Judge, Verdict, later
from jobs.expectations.opening import expected, following
from jobs.expectations.reporting import Reporter
from jobs.figures import EXPECTATIONS_MISSED, Figures
from jobs.schedule import schedule_of
from storage.facts.clock import Clock
from storage.facts.expectations import Expectation, ExpectationKind, Expected
from storage.facts.sources import Source
from storage.records import expectations, organizations, overdue
from storage.sessions import Database, Session

#: How often the clock and the thread sweep.
EVERY = 5.0
#: A sweep that comes later than that after the one before: the process, or its clock, was asleep.
_SLEPT = timedelta(seconds=60)
#: After a sleep the clock first makes up for what it missed; only what is still absent then is accused.
_PATIENCE = timedelta(seconds=150)
#: How often all sources are gone through, by pages, for schedules that nobody expects anything of.
_PASS_EVERY = timedelta(minutes=5)
_PAGE = 500
_OTHERS_EVERY = timedelta(seconds=30)
#: What happened in its time is forgotten after that: its run or its message is the evidence.
_KEEP_MET = timedelta(days=1)

T = TypeVar("T")

#: Told of each absence in the transaction that claims it: opens incidents, or holds them while it is not clear whose
#: fault it is.
Missed = Callable[[Session, Expectation, datetime], None]

log = structlog.get_logger()


class Ledger:
    """Looks at what is due; any number of processes may, each absence is claimed by one."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        judge: Judge,
        reporter: Reporter,
        missed: Sequence[Missed] = (),
        figures: Figures | None = None,
    ) -> None:
        self._figures = figures or Figures()
        self._database = database
        self._clock = clock
        self._judge = judge
        self._reporter = reporter
        self._missed = missed
        self._one = threading.Lock()
        self._seen: datetime | None = None
        self._patient_until: datetime | None = None
        self._passed: datetime | None = None
        self._others: datetime | None = None

    def sweep(self) -> Callable[[], Awaitable[None]]:
        """Return the sweep for the clock."""

        async def sweep() -> None:
            await asyncio.to_thread(self.tick)

        return sweep

    @property
    def looked_at(self) -> datetime | None:
        """When this process began its newest look; None before the first."""
        return self._seen

    def tick(self) -> None:
        """Look once; while another thread of this process looks, it is enough that it does."""
        if not self._one.acquire(blocking=False):
            return
        try:
            self._look(self._clock.now())
        finally:
            self._one.release()

    def _look(self, now: datetime) -> None:
        if self._seen is None or not timedelta(0) <= now - self._seen < _SLEPT:
            self._patient_until = now + _PATIENCE
            self._passed = self._others = None
        self._seen = now
        if self._passed is None or now - self._passed >= _PASS_EVERY:
            self._passed = now
            self.go_through(now)
        if self._patient_until is not None and now < self._patient_until:
            return
        for one in self._read(partial(expectations.due, now=now)):
            self._database.in_write(partial(self._judged, one=one, now=now))
        if self._others is None or now - self._others >= _OTHERS_EVERY:
            self._others = now
            self._look_at_others(now)
        self._reporter.report(now)

    def _judged(self, session: Session, one: Expectation, now: datetime) -> None:
        if one.organization_id is not None:
            organizations.lock(session, one.organization_id)
        verdict = self._judge.verdict(session, one, now)
        if verdict is Verdict.MET:
            expectations.met(session, one.id, now)
        elif verdict is Verdict.VOID:
            expectations.void(session, one.id, now)
        elif verdict is Verdict.LATER:
            expectations.postpone(session, one.id, later(now))
        elif expectations.miss(session, one.id, now):
            self._told(session, one, now)

    def _told(self, session: Session, one: Expectation | Expected, now: datetime) -> None:
        self._figures.count(EXPECTATIONS_MISSED, one.kind.value)
        # The ids of a kind of thing of ours, never names.
        log.warning("expectation_missed", kind=one.kind.value, subject=one.subject, slot=one.slot,
                    organization=one.organization_id, source=one.source_id, due_at=one.due_at.isoformat())  # fmt: skip
        if isinstance(one, Expectation):
            for tell in self._missed:
                tell(session, one, now)

    def _look_at_others(self, now: datetime) -> None:
        for wanted in self._read(lambda session: self._judge.late(session, now)):
            self._database.in_write(partial(self._note, wanted=wanted, now=now))
        for one in self._read(expectations.still_missing):
            if self._read(partial(self._judge.settled, one=one, now=now)):
                self._database.in_write(partial(expectations.void, expectation_id=one.id, now=now))
        if self._read(lambda session: expectations.any_old(session, now - _KEEP_MET)):
            self._database.in_write(lambda session: expectations.forget_met(session, now - _KEEP_MET))

    def _note(self, session: Session, wanted: Expected, now: datetime) -> None:
        if expectations.note_missed(session, wanted, now):
            self._told(session, wanted, now)

    # The pass over all sources

    def go_through(self, now: datetime) -> None:
        """Expect the next slot of every schedule of which none is expected, whoever forgot it; drop what is outdated.

        So that a schedule that nobody submits any more is found, also when nothing ever wrote down its next slot.
        """
        after = ""
        while page := self._read(partial(overdue.page_of_sources, after=after, limit=_PAGE)):
            after = page[-1].id
            opened, dropped = self._read(partial(_compared, page=page, now=now))
            if opened or dropped:
                self._database.in_write(partial(_written, opened=opened, dropped=dropped, now=now))

    def _read(self, work: Callable[[Session], T]) -> T:
        return self._database.in_read(work)


def _compared(session: Session, page: Sequence[Source], now: datetime) -> tuple[list[Expected], list[str]]:
    known = expectations.unsettled(session, ExpectationKind.SLOT, [source.id for source in page])
    still = overdue.standing_still(session, [source.id for source in page])
    opened: list[Expected] = []
    dropped: list[str] = []
    for source in page:
        schedule = schedule_of(source)
        wanted = following(schedule, now) if schedule.runs and source.id not in still else None
        mine = known.get(source.id, [])
        # What is due, or missed, is judged by the sweep.
        outdated = [one.id for one in mine if one.due_at > now and (wanted is None or one.slot != wanted.key)]
        dropped += outdated
        if wanted is not None and len(mine) == len(outdated):
            opened.append(expected(source, wanted))
    return opened, dropped


def _written(session: Session, opened: Sequence[Expected], dropped: Sequence[str], now: datetime) -> None:
    for expectation_id in dropped:
        expectations.void(session, expectation_id, now)
    for wanted in opened:
        expectations.expect(session, wanted)
