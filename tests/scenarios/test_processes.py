"""One web process and two workers on one Postgres: everything arrives, and a worker that is killed is not missed."""

import asyncio
from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import pytest

from jobs.engine import Engine
from sandbox.misbehave import Kind, Rule
from sandbox.providers import catalogue
from sandbox.slack import Message
from storage.facts.clock import SystemClock
from storage.facts.runs import Run, RunState
from storage.facts.sources import Provider, Source
from storage.records import last_runs, runs, sources
from storage.sessions import Database, Session
from storage.warehouse import Warehouse
from templates import actions
from tests.scenarios.processes import Fleet, Process, fleet
from tests.waiting import eventually

pytestmark = [pytest.mark.postgres, pytest.mark.timeout(900)]

MAYA, FINANCE, ADDRESS = "U0MAYA", "C0FINANCE", "maya@temeritygoods.example"


def once(told: Sequence[str], mails: Sequence[str]) -> bool:
    """Whether the news came exactly once, to the thread and to the address."""
    return len(told) == 1 and list(Counter(mails).values()) == [1]


async def test_everything_arrives_and_a_killed_worker_is_not_missed(
    postgres_database: Database, tmp_path: Path
) -> None:
    async with fleet(postgres_database, tmp_path) as stage:
        web, *workers = await asyncio.gather(*(stage.start(role) for role in ("web", "worker", "worker")))
        await eventually(
            lambda: _ready(stage, Provider.SHOPIFY) and _ready(stage, Provider.QUICKBOOKS), seconds=60, every=0.3
        )
        before = _ready(stage, Provider.SHOPIFY)
        await _is_answered_at_once(stage)
        stage.sandbox.business(new=3)
        card = await _confirms(stage)
        killed = await _dies_in_the_middle(stage, workers)
        told, mails = await _is_told(stage, card)
        assert once(told, mails), (told, mails)
        after = _ready(stage, Provider.SHOPIFY)
        assert before is not None
        assert after is not None
        assert after.id != before.id
        assert await _held(stage) == len(stage.sandbox.shopify.shops[catalogue.SHOP].truth("Order"))
        assert stage.sandbox.slack.red == []
        assert [await one.stop() for one in (web, *workers) if one is not killed] == [0, 0]
        assert "interaction_failed" not in web.events


def test_the_check_sees_news_that_came_twice_or_not() -> None:
    assert once(["ready"], ["ready"])
    assert not once(["ready", "ready"], ["ready"])
    assert not once(["ready"], ["ready", "ready"])
    assert not once([], [])


async def _is_answered_at_once(stage: Fleet) -> None:
    """The first question is kept for a worker, the next one is answered by the web process itself."""
    answer = await stage.sandbox.slack.command(MAYA, FINANCE, "/data", "status")
    assert answer.ok, answer
    await _seen(stage, "Shopify")

    async with asyncio.timeout(60):
        # A machine that is far too busy may be later than Slack's three seconds: then a person asks again.
        while not answer.ok or b"Shopify" not in answer.body:
            await asyncio.sleep(0.2)
            answer = await stage.sandbox.slack.command(MAYA, FINANCE, "/data", "status")


async def _confirms(stage: Fleet) -> Message:
    """Ask for Shopify's data, which comes slowly from now on, confirm, and say yes to mail."""
    slow = Rule(Kind.LATENCY, seconds=2.0, times=None, operation="query")
    stage.sandbox.shopify.script.add(slow)
    slack = stage.sandbox.slack
    await slack.command(MAYA, FINANCE, "/data", "refresh shopify")
    asked = await _offered(stage, actions.REFRESH_CONFIRM)
    assert (await slack.click(MAYA, asked, actions.REFRESH_CONFIRM)).ok
    question = await _offered(stage, actions.EMAIL_YES)
    assert (await slack.click(MAYA, question, actions.EMAIL_YES)).ok
    return await eventually(lambda: _card(stage))


async def _dies_in_the_middle(stage: Fleet, workers: Sequence[Process]) -> Process:
    """Kill the worker that collects, while it waits for the slow shop."""
    looking = Engine(stage.database, SystemClock(), role="web")
    await looking.launch()
    try:
        run = await eventually(lambda: _collecting(stage))
        (holder,) = [held.executor_id for held in looking.held() if run.id in held.id]
    finally:
        await looking.close()
    (victim,) = [one for one in workers if f"-{one.child.pid}-" in holder]
    await victim.kill()
    still = _collecting(stage)
    assert still is not None, "it died too late to be missed"
    stage.sandbox.shopify.script.clear()
    return victim


async def _is_told(stage: Fleet, card: Message) -> tuple[list[str], list[str]]:
    """Wait for the news in the thread and by mail; then for anything that would come twice."""
    mail = stage.sandbox.mail

    def told() -> list[str]:
        replies = stage.sandbox.slack.replies(FINANCE, card.ts, viewer=MAYA)[1:]
        return [one.text for one in replies if "ready" in one.everything]

    await eventually(lambda: told() and mail.to(ADDRESS), seconds=60)
    await asyncio.sleep(3)
    return told(), [one.message_id for one in mail.to(ADDRESS)]


async def _held(stage: Fleet) -> int:
    """Return how many orders the warehouse holds, read from this process, beside all others."""
    warehouse = Warehouse(stage.variables["WAREHOUSE_URL"], stage.organization_id)
    counts = await asyncio.to_thread(warehouse.counts, _source(stage, Provider.SHOPIFY).id)
    return counts["raw_shopify_orders"]


def _source(stage: Fleet, provider: Provider) -> Source:
    found = stage.database.in_read(lambda session: sources.sources_of(session, stage.organization_id))
    return next(source for source in found if source.provider is provider)


def _ready(stage: Fleet, provider: Provider) -> Run | None:
    source_id = _source(stage, provider).id
    return stage.database.in_read(lambda session: last_runs.ready_of(session, [source_id])).get(source_id)


def _collecting(stage: Fleet) -> Run | None:
    def look(session: Session) -> Run | None:
        active = runs.active_of(session, [_source(stage, Provider.SHOPIFY).id])
        return next((run for run in active.values() if run.state is RunState.RUNNING), None)

    return stage.database.in_read(look)


async def _seen(stage: Fleet, words: str) -> Message:
    def look() -> Message | None:
        seen = stage.sandbox.slack.messages(FINANCE, viewer=MAYA)
        return next((one for one in reversed(seen) if words in one.everything), None)

    return await eventually(look)


async def _offered(stage: Fleet, action: str) -> Message:
    def look() -> Message | None:
        seen = stage.sandbox.slack.messages(FINANCE, viewer=MAYA)
        return next((one for one in reversed(seen) if action in one.actions), None)

    return await eventually(look)


def _card(stage: Fleet) -> Message | None:
    posted = [one for one in stage.sandbox.slack.messages(FINANCE, viewer=MAYA) if one.metadata and not one.is_reply]
    return posted[-1] if posted else None
