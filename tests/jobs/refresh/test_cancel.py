"""Cancel stops what nobody else waits for, and says what goes on for others."""

from collections.abc import Callable
from datetime import datetime
from pathlib import Path

import pytest

from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Started
from jobs.refresh.cancel import cancel_run, cancel_runs
from sandbox.misbehave import Kind, Rule
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from storage.records import refreshes
from storage.sessions import Database, Session
from templates import notices
from tests.jobs.briefly import briefly
from tests.jobs.stage import staged
from tests.waiting import eventually


def careless(session: Session, refresh_id: str, now: datetime, notifier: Notifier) -> None:
    """Twin: stops every run of the refresh, whoever waits for it."""
    for _, run, _ in refreshes.runs_of(session, refresh_id):
        cancel_run(session, run.id, now, notifier)


@pytest.mark.parametrize("cancel", [cancel_runs, careless])
async def test_a_run_goes_on_for_those_who_wait_for_it_too(
    sqlite_database: Database, tmp_path: Path, cancel: Callable[[Session, str, datetime, Notifier], None]
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=3, times=1))
        stage.quickbooks.script.add(Rule(Kind.LATENCY, operation="query", seconds=3, times=1))
        daniels = await stage.request(Provider.SHOPIFY, user_id="U0DANIEL", channel="D0DANIEL")
        mayas = await stage.request()
        assert isinstance(daniels, Started)
        assert isinstance(mayas, Started)
        notifier = Notifier(stage.jobs.engine.enqueue, support_channel="", support_email="")
        with stage.database.write() as session:
            cancel(session, mayas.refresh_id, stage.clock.now(), notifier)

        his = await stage.finished(daniels.refresh_id)
        hers = await stage.finished(mayas.refresh_id)
        assert (his.runs[0][1].state is RunState.READY) is (cancel is cancel_runs)
        if cancel is cancel_runs:
            assert {run.state for _, run in hers.runs} == {RunState.CANCELLED}
            shopify = next(run for source, run in hers.runs if source.provider is Provider.SHOPIFY)
            assert shopify.goes_on
            assert hers.finished_at is not None


async def test_who_leaves_a_run_to_others_is_told_so_and_no_more(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.shopify.script.add(Rule(Kind.LATENCY, operation="query", seconds=4, times=1))
        first = await stage.request(Provider.SHOPIFY)
        # The same run, for a refresh of everything that is left to it alone.
        everything = await stage.request(user_id="U0DANIEL", channel="D0DANIEL")
        notifier = Notifier(stage.jobs.engine.enqueue, support_channel="", support_email="")
        with stage.database.write() as session:
            cancel_runs(session, first.refresh_id, stage.clock.now(), notifier)

        left = await stage.jobs.services.refresh.get(await stage.actor(), first.refresh_id)
        assert left.finished_at is not None
        answer = notices.cancel_requested(left).summary
        assert "no longer told" in answer
        assert "The run of Shopify goes on for Daniel Kim" in answer
        told = await eventually(lambda: stage.slack.messages("C0FINANCE", viewer="U0MAYA"))
        await eventually(lambda: "goes on for Daniel Kim" in _thread(stage, told[0].ts))
        await stage.finished(everything.refresh_id)
        assert "ready to import" not in _thread(stage, told[0].ts)


def _thread(stage: object, ts: str) -> str:
    found = stage.slack.replies("C0FINANCE", ts, viewer="U0MAYA")  # type: ignore[attr-defined]  # the stand-in workspace
    return " ".join(one.everything for one in found)
