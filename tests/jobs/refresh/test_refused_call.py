"""A call that is refused is followed by one cheap call; only what that one meets, too, is a lost connection."""

from functools import partial
from pathlib import Path

import pytest

from jobs.notify.notifier import Notifier
from jobs.refresh.handler import RunHandler
from jobs.refresh.outcome import Outcome
from jobs.refresh.retry import RetryPlan
from jobs.schedule import start_catch_up
from jobs.work import Work
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import Failure, FailureKind, RunState
from storage.facts.runs import Stage as RunStage
from storage.facts.sources import ConnectionState, Provider
from storage.records import runs
from storage.sessions import Database, Session
from tests.jobs.stage import staged

GONE, STANDS = ConnectionState.DISCONNECTED, ConnectionState.CONNECTED


class BelievesOneCall(RunHandler):
    """A twin for which one refused call is a lost connection."""

    async def _looked_again(self, run_id: str, outcome: Outcome) -> Outcome:
        _ = run_id
        return outcome


def _left(session: Session, work: Work) -> None:
    """Leave the work to nobody: the run is ended by hand."""
    _ = session, work


@pytest.mark.parametrize("kind", [RunHandler, BelievesOneCall])
async def test_one_cheap_call_decides(sqlite_database: Database, tmp_path: Path, kind: type[RunHandler]) -> None:
    """The provider accepts it, does not answer, or refuses it too; what no single call is about is believed as it is."""
    played: dict[str, tuple[ConnectionState, str | None]] = {}
    cases: tuple[tuple[str, str, Kind | None], ...] = (
        ("accepted", "token_rejected", None),
        ("no answer", "token_rejected", Kind.SERVER_ERROR),
        ("of another company", "company_not_granted", None),
        ("refused too", "token_rejected", Kind.UNAUTHORIZED),
    )
    async with staged(sqlite_database, tmp_path) as stage:
        source, database = stage.source(Provider.QUICKBOOKS), stage.database
        notifier = Notifier(stage.engine.enqueue, support_channel="", support_email="")
        handler = kind(stage.jobs.ground, notifier, _left, RetryPlan(attempts=1))
        for name, code, trouble in cases:
            stage.quickbooks.script.clear()
            if trouble is not None:
                stage.quickbooks.script.add(Rule(trouble, operation="companyinfo", times=None))
            start = partial(start_catch_up, source=source, slot_key=name, now=stage.clock.now(), enqueue=_left)
            run_id = database.in_write(start)
            assert run_id is not None
            generation = database.in_write(partial(runs.claim, run_id=run_id, attempt=1, now=stage.clock.now()))
            assert generation is not None
            refusal = Failure(FailureKind.RECONNECT, code, "refused", RunStage.COLLECTING, "ref")
            await handler._end(run_id, Outcome(generation, RunState.FAILED, refusal).to_json())
            run = database.in_read(partial(runs.run, run_id=run_id))
            assert run.state is RunState.FAILED
            played[name] = (stage.source(Provider.QUICKBOOKS).connection, run.failure.code if run.failure else None)
    expected = {
        "accepted": (STANDS, "call_refused"),
        "no answer": (STANDS, "server_error"),
        "of another company": (STANDS, "call_refused"),
        "refused too": (GONE, "token_rejected"),
    }
    assert (played == expected) is (kind is RunHandler), played
