"""What is urgent goes before everything else that waits in its queue."""

import dataclasses

import pytest

from jobs.engine import NOTIFY_QUEUE, Engine, Queue, Work, WorkContext
from storage.sessions import Database, Session
from tests.jobs.engine.stage import ended, enqueue, running


class InOrder(Engine):
    """The twin to which all work is the same."""

    def enqueue(self, session: Session, work: Work) -> str:
        return super().enqueue(session, dataclasses.replace(work, urgent=False))


@pytest.mark.parametrize("kind, urgent", [(Engine, True), (InOrder, False)])
async def test_an_escalation_does_not_wait_for_the_rest(
    database: Database, kind: type[Engine], *, urgent: bool
) -> None:
    order: list[str] = []

    async def handler(work: WorkContext) -> None:
        order.append(work.subject)

    many = [Work("one", f"many.{number}", queue="notify") for number in range(6)]
    call = Work("one", "call", queue="notify", urgent=True)
    queue = Queue(NOTIFY_QUEUE.name, poll_seconds=0.05, worker_concurrency=1)
    async with running(database, {"one": handler}, kind=kind, queues=[queue]) as engine:
        await enqueue(engine, database, *many, call)
        await ended(engine, *many, call, seconds=60)
    assert (order[0] == "call") is urgent
