"""The product put together wrongly in one place each; the oracle must catch every one of them."""

import dataclasses
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, TypeVar

from jobs.build import Jobs
from jobs.deliver.again import Again
from jobs.deliver.handler import DeliveryHandler
from jobs.refresh.collecting import Collecting
from jobs.refresh.handler import RunHandler
from jobs.slots import Slot
from storage.facts.deliveries import Delivery
from storage.sessions import Session
from storage.warehouse import LoadResult
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


def _remade(kind: type[T], whole: object) -> T:
    """Return the same parts in another class."""
    made = kind.__new__(kind)
    made.__dict__.update(whole.__dict__)
    return made


def _runs(collecting: type[Collecting]) -> Build:
    """Return a product whose runs are handled by a handler with one part changed."""

    def build(world: Simulated) -> Jobs:
        jobs = world.built()
        handler = _remade(RunHandler, jobs.handlers["run"].__self__)  # type: ignore[attr-defined]  # a bound method
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


class SendsAgain(DeliveryHandler):
    """Does not look whether a message arrived of which nobody said so."""

    async def _reconciled(self, _delivery: Delivery) -> Again | None:
        return None


def _missed(world: Simulated, _session: Session, slot: Slot) -> bool:
    return world.clock.now() - slot.at < timedelta(minutes=15)


TWINS = {
    "the last refresh is the end of the read": Twin(
        _runs(DatesByTheEnd), ("change",), "was read as of", seed=1, days=0.5
    ),
    "a partial run moves the last refresh": Twin(
        _runs(PartialMoves), ("partly", "request"), "returns was read as of", seed=4, days=1
    ),
    "a delivery in doubt is sent twice": Twin(_delivers(SendsAgain), ("doubt", "request"), "posted 2 times", seed=2),
    "what was due while the machine slept is dropped": Twin(
        _slots(_missed), ("jump", "change"), "expected and neither met nor reported", seed=2
    ),
}
