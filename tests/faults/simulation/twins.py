"""The product put together wrongly in one place each; the oracle must catch every one of them."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, TypeVar

from jobs.build import Jobs
from jobs.deliver.again import Again
from jobs.deliver.handler import DeliveryHandler
from jobs.deliver.results import Refused
from jobs.incidents.noticing import back
from jobs.refresh.collecting import Collecting
from jobs.refresh.handler import RunHandler
from jobs.refresh.outcome import Outcome
from jobs.slots import Slot
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.incidents import Resolution
from storage.facts.runs import FailureKind, Run, RunState
from storage.records import deliveries, last_runs, runs
from storage.sessions import Session
from storage.warehouse import LoadResult, Shrunk
from tests.faults.simulation.world import Build, Simulated

T = TypeVar("T")


@dataclass(frozen=True)
class Twin:
    """A product with one bug, the acts that bring it out, and what the oracle says of it."""

    build: Build
    acts: tuple[str, ...]
    says: str
    seed: int
    days: float = 2
    often: float = 12
    minutes: int = 360
    #: what the oracle says as well
    also: str = ""


def _remade(kind: type[T], whole: object) -> T:
    """Return the same parts in another class."""
    made = kind.__new__(kind)
    made.__dict__.update(whole.__dict__)
    return made


def _runs(kind: type[RunHandler] = RunHandler, collecting: type[Collecting] = Collecting) -> Build:
    """Return a product whose runs are handled by a handler with one part changed."""

    def build(world: Simulated) -> Jobs:
        jobs = world.built()
        handler = _remade(kind, jobs.handlers["run"].__self__)  # type: ignore[attr-defined]  # a bound method
        handler._collecting = collecting(jobs.ground)
        return dataclasses.replace(jobs, handlers={**jobs.handlers, "run": handler.handle})

    return Build(jobs=build)


def _delivers(kind: type[DeliveryHandler]) -> Build:
    """Return a product whose deliveries are made by a handler with one part changed."""

    def build(world: Simulated) -> Jobs:
        jobs = world.built()
        handler = _remade(kind, jobs.handlers["delivery"].__self__)  # type: ignore[attr-defined]  # a bound method
        return dataclasses.replace(jobs, handlers={**jobs.handlers, "delivery": handler.handle})

    return Build(jobs=build)


def _without(*names: str, after_a_crash: bool) -> Build:
    """Return a product that forgets some of its sweeps, in every process or in those after the first."""

    def build(world: Simulated) -> Jobs:
        jobs = world.built()
        if after_a_crash and not world.deaths:
            return jobs
        return dataclasses.replace(jobs, sweeps=[one for one in jobs.sweeps if one.name not in names])

    return Build(jobs=build)


def _slots(keeps: Callable[[Simulated, Session, Slot], bool]) -> Build:
    """Return a product whose clock loses some slots."""

    def build(world: Simulated) -> Jobs:
        jobs = world.built()

        def submit(slots: Sequence[Slot]) -> None:
            kept = world.database.in_read(lambda session: [one for one in slots if keeps(world, session, one)])
            jobs.submit_slots(kept)

        return dataclasses.replace(jobs, submit_slots=submit)

    return Build(jobs=build)


class DatesByTheEnd(Collecting):
    """Takes the end of a read for the instant up to which everything is in it."""

    async def _note_loaded(self, run_id: str, generation: int, result: LoadResult, plan: dict[str, Any]) -> None:
        now = self._ground.clock.now()
        late = dataclasses.replace(result, extracted_at=now)
        await super()._note_loaded(run_id, generation, late, {**plan, "source_as_of": now.isoformat()})


class PartialMoves(Collecting):
    """Forgets that a stream is missing."""

    async def _note_loaded(self, run_id: str, generation: int, result: LoadResult, plan: dict[str, Any]) -> None:
        whole = dataclasses.replace(result, aside=())
        as_of = result.extracted_at.isoformat()
        await super()._note_loaded(run_id, generation, whole, {**plan, "partly": None, "source_as_of": as_of})


class FailedMoves(RunHandler):
    """Takes a failed run for a ready one."""

    async def _end(self, run_id: str, result: dict[str, Any]) -> None:
        now: datetime = self._ground.clock.now()
        if result["verdict"] == RunState.FAILED:

            def move(session: Session) -> None:
                runs.advance(session, run_id, result["generation"], source_as_of=now, loaded_at=now)

            await self._ground.database.writing(move)
            result = {**result, "verdict": RunState.READY, "failure": None}
        await super()._end(run_id, result)


class AnyReadResolves(RunHandler):
    """Takes the end of any run for a sign that the connection is back."""

    def _settle(self, session: Session, run_id: str, outcome: Any) -> None:
        super()._settle(session, run_id, outcome)
        source_id = runs.run(session, run_id).source_id
        back(session, source_id, Resolution.CLEARED, self._ground.clock.now(), self._notifier)


class TriesAgain(RunHandler):
    """Takes what trying again does not cure for an outage, which cures itself."""

    def _settle(self, session: Session, run_id: str, outcome: Any) -> None:
        if outcome.failure is not None and outcome.failure.kind is FailureKind.BROKEN:
            outcome = dataclasses.replace(outcome, failure=dataclasses.replace(outcome.failure, kind=FailureKind.RETRY))
        super()._settle(session, run_id, outcome)


class BelievesNothing(Collecting):
    """Takes an answer without a record for one: everything that is there stays, and is called new."""

    async def _held(self, run: Run, generation: int, shrunk: Shrunk) -> Outcome:
        now = self._ground.clock.now()
        await self._ground.database.writing(
            lambda session: runs.advance(session, run.id, generation, source_as_of=now, loaded_at=now)
        )
        return Outcome(generation)


class NeverLooks(DeliveryHandler):
    """Does not look whether another process has sent meanwhile what it was to send."""

    async def attempt(self, delivery_id: str) -> Again | None:
        found = await self._database.reading(lambda session: deliveries.delivery(session, delivery_id))
        if found.state is DeliveryState.SENT and found.channel is Channel.SLACK:
            prepared = await self._posting.prepare(found, None)
            assert not isinstance(prepared, Refused)
            await prepared()
        return await super().attempt(delivery_id)


class Forgets(DeliveryHandler):
    """Takes what it was sending when it died, or when nobody answered, for sent."""

    async def _reconciled(self, delivery: Delivery) -> Again | None:
        await self._settle(delivery, DeliveryState.SENT)
        return Again(0)


class SendsAgain(DeliveryHandler):
    """Does not look whether a message arrived of which nobody said so."""

    async def _reconciled(self, _delivery: Delivery) -> Again | None:
        return None


def _after_an_error(_world: Simulated, session: Session, slot: Slot) -> bool:
    return slot.source_id not in last_runs.failed_of(session, [slot.source_id])


def _missed(world: Simulated, _session: Session, slot: Slot) -> bool:
    return world.clock.now() - slot.at < timedelta(minutes=15)


TWINS = {
    "the last refresh is the end of the read": Twin(
        _runs(collecting=DatesByTheEnd), ("change",), "was read as of", seed=1, days=0.5
    ),
    "a failed run moves the last refresh": Twin(
        _runs(FailedMoves), ("broken", "request"), "was read as of", seed=1, days=1
    ),
    "a partial run moves the last refresh": Twin(
        _runs(collecting=PartialMoves), ("partly", "request"), "returns was read as of", seed=1, days=1
    ),
    "a lost connection is back after any read": Twin(
        _runs(AnyReadResolves), ("revoked", "request"), "is said to work again", seed=1, days=1
    ),
    "a delivery in doubt is forgotten": Twin(
        _delivers(Forgets), ("lost", "request"), "messages of it are in Slack", seed=1, days=1
    ),
    "a delivery in doubt is sent twice": Twin(
        _delivers(SendsAgain), ("doubt", "request"), "posted 2 times", seed=1, days=1
    ),
    "a card is never shown to its end": Twin(
        _without("cards", after_a_crash=False),
        ("throttled", "request"),
        "never shown to its end",
        seed=1,
        days=1,
        also="never closed for support",
    ),
    "an escalation is lost in a crash": Twin(
        _without("deadlines", "escalations", after_a_crash=True),
        ("throttled", "request", "crash"),
        "was never called",
        seed=2,
    ),
    "a source that failed is never collected again": Twin(
        _slots(_after_an_error), ("broken", "change"), "was not collected since", seed=1, days=1.5
    ),
    "what was due while the machine slept is dropped": Twin(
        _slots(_missed), ("jump", "change"), "was not collected since", seed=1, days=3, often=1.5, minutes=1440
    ),
    "a source that turns late is not looked at": Twin(
        _without("deadlines", "lateness", after_a_crash=False), ("down", "change"), "is late since", seed=1, days=1
    ),
    "what fails for good is taken for an outage": Twin(
        _runs(TriesAgain), ("broken", "change"), "fails since", seed=3, days=1
    ),
    "what is over is never said": Twin(
        _without("cards", after_a_crash=False), ("broken", "change"), "still said to be in trouble", seed=1, days=1
    ),
    "an empty answer is taken for the truth": Twin(
        _runs(collecting=BelievesNothing), ("empty", "request"), "was read as of", seed=1, days=1
    ),
    "what another process sent is sent again": Twin(
        _delivers(NeverLooks), ("stand", "request"), "posted 2 times", seed=4, days=1
    ),
}
