"""A small ground for the ledger: real rows, no engine; the clock's work is called by hand."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from jobs.expectations.judging import Judge
from jobs.expectations.ledger import Ledger
from jobs.expectations.missed_view import MISSED_KINDS, missed_words
from jobs.expectations.reporting import Reporter, SupportPlaces
from jobs.schedule import schedule_of, start_slot
from jobs.slots import latest_slot, next_slot
from jobs.work import Work
from storage.facts.clock import OffsetClock
from storage.facts.deliveries import Delivery
from storage.facts.expectations import Expectation, ExpectationKind
from storage.facts.runs import RunState
from storage.facts.sources import Source
from storage.records import deliveries, expectations, runs, sources
from storage.sessions import Database, Session
from templates import slack
from tests.storage.test_seeding import ORGANIZATION, seed

BEGAN = datetime(2026, 11, 23, 9, tzinfo=UTC)
PLACES = SupportPlaces("T0SUPPORT/C0DATASUP", "data-support@tidings.example")
Starts = Callable[..., str | None]


@dataclass
class Ground:
    """A seeded database, a clock that stands, and a ledger."""

    database: Database
    clock: OffsetClock = field(default_factory=lambda: OffsetClock(base=lambda: BEGAN))
    works: list[Work] = field(default_factory=list)
    missed: list[Expectation] = field(default_factory=list)

    def __post_init__(self) -> None:
        seed(self.database)

    def enqueue(self, session: Session, work: Work) -> None:
        """Take note of work; nobody does it."""
        assert session.in_transaction()
        self.works.append(work)

    def ledger(self) -> Ledger:
        """Return a ledger of a process that began just now."""
        judge = Judge(MISSED_KINDS)
        reporter = Reporter(self.database, self.enqueue, PLACES)
        return Ledger(self.database, self.clock, judge, reporter, [lambda _session, one, _now: self.missed.append(one)])

    def sources(self) -> list[Source]:
        """Return what the clock starts."""
        found = self.database.in_read(lambda session: sources.sources_of(session, ORGANIZATION))
        return [source for source in found if schedule_of(source).runs]

    def start(self, source: Source, how: Starts = start_slot) -> str | None:
        """Do what the clock does at a slot: start the newest one that is due; the run ends at once."""
        now = self.clock.now()
        slot = latest_slot(schedule_of(source), now)

        def work(session: Session) -> str | None:
            run_id = how(session, slot, now, self.enqueue)
            if run_id is not None:
                generation = runs.claim(session, run_id, 1, now)
                assert generation is not None
                runs.finish(session, run_id, generation, RunState.READY, now, source_as_of=now, ready_at=now)
            return run_id

        return self.database.in_write(work)

    def pass_time(
        self,
        ledger: Ledger,
        until: datetime,
        sources_that_start: Sequence[Source],
        how: Starts = start_slot,
        *,
        step: timedelta = timedelta(seconds=50),
    ) -> None:
        """Let time pass in steps: slots start when they are due, the ledger looks each time."""
        due = {source.id: next_slot(schedule_of(source), self.clock.now()) for source in sources_that_start}
        while self.clock.now() < until:
            self.clock.advance(step)
            for source in sources_that_start:
                if due[source.id] <= self.clock.now():
                    self.start(source, how)
                    due[source.id] = next_slot(schedule_of(source), self.clock.now())
            ledger.tick()

    def told(self) -> list[Delivery]:
        """Return what support is told, oldest first."""
        return [one for one in map(self._delivery, self._ids()) if one.kind in MISSED_KINDS]

    def words(self, delivery: Delivery) -> str:
        """Return a delivery's words, as Slack's top line."""
        return str(self._rendered(delivery)["text"])

    def message(self, delivery: Delivery) -> str:
        """Return everything that a delivery shows in Slack."""
        return json.dumps(self._rendered(delivery), ensure_ascii=False)

    def rows(self, source: Source) -> list[Expectation]:
        """Return what was ever expected of the source's clock."""
        return self.database.in_read(lambda session: expectations.of_subject(session, ExpectationKind.SLOT, source.id))

    def _rendered(self, delivery: Delivery) -> Mapping[str, Any]:
        message = self.database.in_read(
            lambda session: missed_words()[delivery.kind](session, delivery, self.clock.now())
        )
        return slack.render(message, team_id="T0SUPPORT")

    def _ids(self) -> list[str]:
        return [work.subject for work in self.works if work.kind == "delivery"]

    def _delivery(self, delivery_id: str) -> Delivery:
        found: Any = self.database.in_read(lambda session: deliveries.delivery(session, delivery_id))
        assert isinstance(found, Delivery)
        return found
