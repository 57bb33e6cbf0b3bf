"""Three hours: support is called once, the people who wait are told, and the post is edited when it ends."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.refresh.ask import TriggerKey
from jobs.refresh.view import refresh_status
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from storage.records import audit, deadlines
from storage.sessions import Database
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

THREE_HOURS = timedelta(hours=3, seconds=1)


def _support_posts(stage: Stage) -> list[Any]:
    return list(stage.slack.messages("C0DATASUP", viewer="U0SAM"))


async def test_support_is_called_once_and_the_asker_is_told(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=4, times=1))
        outcome = await stage.request(Provider.SHOPIFY)
        stage.clock.advance(THREE_HOURS)

        (post,) = await eventually(lambda: _support_posts(stage))
        assert "Temerity Goods" in post.everything
        assert "Shopify" in post.everything
        assert outcome.refresh_id in post.everything
        told = await eventually(lambda: [m for m in _thread(stage) if "support" in m.everything.lower()], seconds=15)
        assert "still processing" in told[0].everything.lower()
        mails = await eventually(lambda: stage.mail.to("data-support@tidings.example"))
        assert len(mails) == 1

        await stage.finished(outcome.refresh_id)
        await eventually(lambda: "Acknowledge" not in _support_posts(stage)[0].everything, seconds=15)
        assert len(_support_posts(stage)) == 1


def _thread(stage: Stage) -> list[Any]:
    cards = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
    return list(stage.slack.replies("C0FINANCE", cards[0].ts, viewer="U0MAYA")) if cards else []


async def test_a_refresh_that_ends_in_time_calls_nobody(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        outcome = await stage.request(Provider.SHOPIFY)
        await stage.finished(outcome.refresh_id)
        stage.clock.advance(THREE_HOURS)

        await eventually(lambda: stage.slack.messages("C0FINANCE", viewer="U0MAYA"))
        with stage.database.read() as session:
            assert deadlines.due(session, stage.clock.now()) == []
        assert _support_posts(stage) == []


async def test_support_acknowledges_once_and_nobody_else_may(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
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
        await eventually(lambda: "Sam Keller" in _support_posts(stage)[0].everything, seconds=15)


async def test_support_cancels(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
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
