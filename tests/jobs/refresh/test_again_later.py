"""A retry of missing streams that is cancelled or fails is followed by another one, and whoever looks is told when."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest

from bot.cli.seed import modes
from jobs.notify.notifier import Notifier
from jobs.refresh.alone import read_missing
from jobs.refresh.cancel import cancel_run
from jobs.refresh.ending import MISSING, Verdict, after_run, end_run
from sandbox.world import SEED_FILE
from storage.facts.ids import new_id
from storage.facts.runs import Failure, FailureKind, Missing, Partly, Result, RunState, Stage, Trigger
from storage.facts.secret import Secret
from storage.records import deadlines, outcomes, runs, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import RunRow

NOW = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)
_TOKENS = ("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN", "SHOPIFY_ACCESS_TOKEN",
           "SHOPIFY_REFRESH_TOKEN")  # fmt: skip
_LOST = Partly(
    (Missing(("products",), "Products", FailureKind.BROKEN, "page_unreadable", "no", NOW),), NOW, again_at=NOW
)
_SOON, _LATER = NOW + timedelta(minutes=5), NOW + timedelta(minutes=40)
_FAILURE = Failure(kind=FailureKind.BROKEN, code="x", detail="y", stage=Stage.COLLECTING, reference="z")

End = Callable[[Session, str, Notifier], None]


def _cancelled(session: Session, run_id: str, notifier: Notifier) -> None:
    cancel_run(session, run_id, NOW, notifier)


def _failed(session: Session, run_id: str, notifier: Notifier) -> None:
    generation = runs.claim(session, run_id, 1, NOW)
    assert generation is not None
    assert end_run(session, run_id, generation, Verdict(RunState.FAILED, _FAILURE), NOW, notifier)


def _stopped(session: Session, run_id: str, notifier: Notifier) -> None:
    generation = runs.claim(session, run_id, 1, NOW)
    assert generation is not None
    assert end_run(session, run_id, generation, Verdict(RunState.CANCELLED), NOW, notifier)


def _forgets(session: Session, run_id: str, notifier: Notifier) -> None:
    """Twin: ends the run and leaves the rest to the next ordinary one."""
    assert runs.cancel_waiting(session, run_id, NOW)
    after_run(session, run_id, NOW, notifier)


@pytest.mark.parametrize(
    "end, before, follows, tells",
    [
        (_cancelled, NOW, True, _LATER),
        (_failed, NOW, True, _LATER),
        # A person did not wait for the next one, which is still due.
        (_failed, _SOON, True, _SOON),
        (_stopped, NOW, True, _LATER),
        (_forgets, NOW, False, NOW),
    ],
)
def test_what_is_missing_is_tried_again_after_a_retry_that_came_to_nothing(
    sqlite_database: Database, end: End, before: datetime, tells: datetime, *, follows: bool
) -> None:
    database, notifier = sqlite_database, Notifier(lambda *_: None, support_channel="T0/C0", support_email="")
    seed = load_seed(SEED_FILE, dict.fromkeys(_TOKENS, "a token of a test"))
    how = Seeding(Seal([Secret(new_key())]), NOW, modes())
    organization = database.in_write(lambda session: write_seed(session, seed, how)).organization_id
    source, *_ = database.in_read(lambda session: sources.sources_of(session, organization))
    partial = RunRow(
        id=new_id("run"), organization_id=organization, source_id=source.id, slot_key="1", trigger=Trigger.SCHEDULE,
        state=RunState.READY, result=Result.PARTIAL, requested_at=NOW - timedelta(hours=1), loaded_at=NOW,
        finished_at=NOW, ready_at=NOW, source_as_of=NOW, outcome={"partly": outcomes.partly_json(_LOST), "counts": {}},
    )  # fmt: skip
    retry = RunRow(
        id=new_id("run"), organization_id=organization, source_id=source.id, slot_key="2", trigger=Trigger.SCHEDULE,
        state=RunState.QUEUED, requested_at=NOW, only=["products"],
    )  # fmt: skip
    partial_id, retry_id = partial.id, retry.id
    with database.write() as session:
        session.add(partial)
        session.add(retry)
    with database.write() as session:
        outcomes.put_off(session, partial_id, before)
        deadlines.add(session, organization, MISSING, partial_id, before)
    with database.write() as session:
        end(session, retry_id, notifier)
    with database.read() as session:
        due = deadlines.due(session, NOW + timedelta(hours=6))
        mine = next((one for one in due if (one.kind, one.subject) == (MISSING, retry_id)), None)
        partly = runs.run(session, partial_id).partly
        assert partly is not None
        told = partly.again_at
    assert (mine is not None, told) == (follows, tells)
    assert len([one for one in due if one.kind == MISSING]) == 1  # what failed twice does not come back twice
    if mine is not None:
        with database.write() as session:
            read_missing(session, mine, _LATER, lambda *_: None)
        with database.read() as session:
            (started,) = runs.active_of(session, [source.id]).values()
        assert started.only == ("products",)
