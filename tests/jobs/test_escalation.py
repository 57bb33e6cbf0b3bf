"""Three hours: support is called once, the people who wait are told, and the post is edited when it ends."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.fleet import LATENESS
from jobs.refresh.ask import TriggerKey
from jobs.refresh.progress import Watch
from jobs.refresh.retry import retry_now
from jobs.refresh.view import refresh_status
from jobs.slots import Slot
from sandbox.misbehave import Kind, Rule
from storage.facts.clock import OffsetClock
from storage.facts.people import Actor
from storage.facts.runs import Run, RunState
from storage.facts.sources import Provider
from storage.records import audit, deadlines, escalations, runs
from storage.sessions import Database, Session
from storage.tables import DeadlineRow
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

THREE_HOURS = timedelta(hours=3, seconds=1)


def _support_posts(stage: Stage) -> list[Any]:
    return list(stage.slack.messages("C0DATASUP", viewer="U0SAM"))


async def test_support_is_called_once_and_the_asker_is_told(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=4, times=1))
        outcome = await stage.request(Provider.SHOPIFY)
        stage.clock.advance(THREE_HOURS)

        (post,) = await eventually(lambda: _support_posts(stage))
        assert "Temerity Goods" in post.everything
        assert "Shopify" in post.everything
        run = (await stage.jobs.services.refresh.get(await stage.actor(), outcome.refresh_id)).runs[0][1]
        assert run.id in post.everything
        told = await eventually(lambda: [m for m in _thread(stage) if "support" in m.everything.lower()])
        assert "still processing" in told[0].everything.lower()
        mails = await eventually(lambda: stage.mail.to("data-support@tidings.example"))
        assert len(mails) == 1

        await stage.finished(outcome.refresh_id)
        await eventually(lambda: "Acknowledge" not in _support_posts(stage)[0].everything)
        assert len(_support_posts(stage)) == 1


def _thread(stage: Stage) -> list[Any]:
    cards = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
    return list(stage.slack.replies("C0FINANCE", cards[0].ts, viewer="U0MAYA")) if cards else []


async def test_a_refresh_that_ends_in_time_calls_nobody(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        outcome = await stage.request(Provider.SHOPIFY)
        await stage.finished(outcome.refresh_id)
        stage.clock.advance(THREE_HOURS)

        await eventually(lambda: stage.slack.messages("C0FINANCE", viewer="U0MAYA"))
        with stage.database.read() as session:
            due = deadlines.due(session, stage.clock.now())
            assert [one for one in due if one.kind != LATENESS] == []
        assert _support_posts(stage) == []


async def test_support_acknowledges_once_and_nobody_else_may(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=8, times=1))
        outcome = await stage.request(Provider.SHOPIFY)
        desk = stage.jobs.services.escalation
        sam = await stage.actor("U0SAM", "T0SUPPORT")
        with pytest.raises(NotFoundError):
            await desk.acknowledge(sam, outcome.refresh_id, TriggerKey("T0SUPPORT", "too-early"))
        stage.clock.advance(THREE_HOURS)
        await eventually(lambda: _support_posts(stage))
        sam = await stage.actor("U0SAM", "T0SUPPORT")

        with pytest.raises(NotAllowedError):
            await desk.acknowledge(await stage.actor("U0DANIEL"), outcome.refresh_id, TriggerKey("T0TEMERITY", "x"))
        refresh = await desk.acknowledge(sam, outcome.refresh_id, TriggerKey("T0SUPPORT", "ack-1"))
        assert refresh.acknowledged_by == "Sam Keller"
        with pytest.raises(TooLateError):
            await desk.acknowledge(sam, outcome.refresh_id, TriggerKey("T0SUPPORT", "ack-2"))
        with stage.database.read() as session:
            assert audit.entries(session, stage.organization_id) >= 2
            assert audit.broken_entries(session, stage.organization_id) == []
        await eventually(lambda: "Sam Keller" in _support_posts(stage)[0].everything)


async def test_support_cancels(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=30, times=1))
        outcome = await stage.request(Provider.SHOPIFY)
        await eventually(
            lambda: [e for e in stage.shopify.journal.entries if e.operation == "query"] or _running(stage, outcome)
        )
        stage.clock.advance(THREE_HOURS)
        await eventually(lambda: _support_posts(stage))
        sam = await stage.actor("U0SAM", "T0SUPPORT")
        await stage.jobs.services.escalation.cancel(sam, outcome.refresh_id, TriggerKey("T0SUPPORT", "cancel-1"))

        refresh = await stage.finished(outcome.refresh_id)
        assert refresh.runs[0][1].state is RunState.CANCELLED


def _running(stage: Stage, outcome: Any) -> bool:
    status = stage.database.in_read(lambda session: refresh_status(session, outcome.refresh_id, stage.clock.now()))
    return status.runs[0][1].state is RunState.RUNNING


async def test_a_hanging_run_is_started_again_and_the_old_one_can_write_nothing(
    database: Database, tmp_path: Path
) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=50, times=None))
        outcome, hung, sam = await _escalated(stage)

        stage.shopify.script.clear()
        await stage.jobs.services.escalation.retry(sam, outcome.refresh_id, TriggerKey("T0SUPPORT", "retry-1"))

        refresh = await stage.finished(outcome.refresh_id)
        ((_, run),) = refresh.runs
        assert run.state is RunState.READY
        assert run.attempt == hung.attempt + 1
        assert run.generation > hung.generation + 1
        with stage.database.read() as session:
            assert audit.broken_entries(session, stage.organization_id) == []


async def test_a_run_that_moves_is_not_started_again(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=50, times=None))
        outcome, hung, sam = await _escalated(stage)
        with stage.database.write() as session:
            runs.advance(session, hung.id, hung.generation, rows=12, moved_at=stage.clock.now() - timedelta(seconds=20))

        with pytest.raises(TooLateError, match=r"moved 2\d s ago"):
            await stage.jobs.services.escalation.retry(sam, outcome.refresh_id, TriggerKey("T0SUPPORT", "retry-1"))
        same = await stage.jobs.services.refresh.get(await stage.actor(), outcome.refresh_id)
        assert same.runs[0][1].generation == hung.generation


async def _escalated(stage: Stage) -> tuple[Any, Run, Actor]:
    """Return a refresh that support was called about, its run, which hangs, and a support engineer."""
    outcome = await stage.request(Provider.SHOPIFY)
    await eventually(lambda: _running(stage, outcome))
    stage.clock.advance(THREE_HOURS)
    await eventually(lambda: _support_posts(stage))
    run = (await stage.jobs.services.refresh.get(await stage.actor(), outcome.refresh_id)).runs[0][1]
    return outcome, run, await stage.actor("U0SAM", "T0SUPPORT")


@pytest.mark.parametrize("broken", [False, True])
async def test_being_alive_is_not_progress(sqlite_database: Database, tmp_path: Path, *, broken: bool) -> None:
    """A reading that hangs shows that it lives, and its rows stand still."""
    clock = OffsetClock()
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=50, times=None))
        outcome = await stage.request(Provider.SHOPIFY)
        await eventually(lambda: _running(stage, outcome))
        run = (await stage.jobs.services.refresh.get(await stage.actor(), outcome.refresh_id)).runs[0][1]
        with stage.database.write() as session:
            # From now on nobody else reports about this run.
            generation = runs.claim(session, run.id, run.attempt, clock.now())
        assert generation is not None
        watch = (_Heartbeat if broken else Watch)(stage.database, clock, run.id, generation)
        reported: list[Run] = []

        async def reading() -> None:
            watch.progress("orders", 5, None)
            for _ in range(2):
                known = len(reported)
                clock.advance(timedelta(hours=1))
                await eventually(partial(_more, stage, run.id, reported, known))

        await watch.over(reading())
        first, second = reported[-2:]
        assert first.progress_at != second.progress_at
        assert (first.moved_at != second.moved_at) is broken


def _more(stage: Stage, run_id: str, reported: list[Run], known: int) -> bool:
    with stage.database.read() as session:
        run = runs.run(session, run_id)
    if run.rows and (not reported or reported[-1].progress_at != run.progress_at):
        reported.append(run)
    return len(reported) > known


class _Heartbeat(Watch):
    """The bug: every report counts as movement."""

    async def _report(self) -> None:
        self._told = -1
        await super()._report()


@pytest.mark.parametrize("joined", [False, True])
async def test_a_first_read_that_stands_still_for_three_hours_is_escalated_once(
    sqlite_database: Database, tmp_path: Path, *, joined: bool
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=50, times=None))
        source = stage.source(Provider.SHOPIFY)
        stage.jobs.submit_slots([Slot(source.id, "2026-11-22T04:00:00Z", stage.clock.now())])
        run = await eventually(lambda: _active(stage, source.id))
        # It moved not long ago: nobody is called after three hours.
        with stage.database.write() as session:
            moved = stage.clock.now() + timedelta(hours=2)
            runs.advance(session, run.id, run.generation, moved_at=moved)
        stage.clock.advance(THREE_HOURS)
        await eventually(lambda: _deadline(stage, run.id) == moved + timedelta(hours=3))
        assert _support_posts(stage) == []
        if joined:
            outcome = await stage.request(Provider.SHOPIFY)

        stage.clock.advance(timedelta(hours=2, minutes=30))
        (post,) = await eventually(lambda: _support_posts(stage))
        assert run.id in post.everything
        assert ("first read of Shopify stands still" in post.everything) is not joined
        stage.clock.advance(THREE_HOURS)

        sam = await stage.actor("U0SAM", "T0SUPPORT")
        named = outcome.refresh_id if joined else run.id
        desk = stage.jobs.services.escalation
        assert (await desk.acknowledge(sam, named, TriggerKey("T0SUPPORT", "a"))).acknowledged_by == "Sam Keller"
        stage.shopify.script.clear()
        await desk.retry(sam, named, TriggerKey("T0SUPPORT", "b"))
        await eventually(lambda: "Ended" in _support_posts(stage)[0].everything)
        assert len(_support_posts(stage)) == 1


def _active(stage: Stage, source_id: str) -> Run | None:
    with stage.database.read() as session:
        run = runs.active_of(session, [source_id]).get(source_id)
    return run if run and run.state is RunState.RUNNING else None


def _deadline(stage: Stage, subject: str) -> datetime:
    with stage.database.read() as session:
        return session.exec(select(DeadlineRow.due_at).where(DeadlineRow.subject == subject)).one()


@pytest.mark.parametrize("broken", [False, True])
async def test_what_is_started_again_is_taken_from_the_old_execution_at_once(
    sqlite_database: Database, tmp_path: Path, *, broken: bool
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=50, times=None))
        outcome, hung, _ = await _escalated(stage)
        real = retry_now(stage.clock, stage.jobs.engine.enqueue)

        def unfenced(session: Session, found: Sequence[Run]) -> None:
            """The bug: a new attempt beside the old one, which still holds the run."""
            for run in found:
                runs.revive(session, run.id, run.attempt, stage.clock.now())

        with stage.database.write() as session:
            (unfenced if broken else real)(session, escalations.runs_of(session, outcome.refresh_id))
            old_one_writes = runs.advance(session, hung.id, hung.generation, rows=7)

        assert old_one_writes is broken
