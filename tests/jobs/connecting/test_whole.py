"""The whole way with the stand-ins at the sockets: the code by DM, the provider's page, the first read."""

import re
from dataclasses import replace
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

import httpx

from connectors.slack_signin import SlackApp
from jobs.connecting.service import ConnectService
from jobs.refresh.ask import TriggerKey
from storage.facts.deliveries import CONNECT_CODE, CONNECTION_CHANGED, Delivery, DeliveryState
from storage.facts.flows import FlowState
from storage.facts.ids import new_id
from storage.facts.runs import RunState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Provider
from storage.records import deliveries, runs, sources
from storage.sessions import Database
from tests.jobs.connecting.stage import a_browser, everything
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

DANIEL = "U0DANIEL"


async def _link(stage: Stage, service: ConnectService, provider: Provider) -> Secret:
    trigger = TriggerKey("T0TEMERITY", new_id("trg"))
    made = await service.link(await stage.actor(DANIEL), provider, trigger, stage.source(provider).id)
    return Secret(made.url.reveal().rpartition("/")[2])


async def _answer(url: str) -> list[tuple[str, str]]:
    """Go to a page that says yes by itself, and return what it sends back."""
    async with httpx.AsyncClient() as browser:
        page = await browser.get(url)
    assert page.status_code in {302, 303}, page.text
    return parse_qsl(urlsplit(page.headers["location"]).query, keep_blank_values=True)


async def _code(stage: Stage) -> str:
    """Read the newest code in Daniel's DM."""

    def look() -> str | None:
        said = [post.text for post in stage.slack.journal.posts() if "Your code to connect" in post.text]
        return said[-1].rpartition(": ")[2] if said else None

    return await eventually(look)


async def test_a_reconnect_by_the_code_of_a_direct_message(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        service, browser = stage.jobs.services.connect, a_browser()
        source = stage.source(Provider.SHOPIFY)
        now = stage.clock.now()
        database.in_write(
            lambda session: sources.set_connection(session, source.id, ConnectionState.DISCONNECTED, "refused", now)
        )
        link = await _link(stage, service, Provider.SHOPIFY)
        await service.send_code(link, browser)
        code = await _code(stage)
        assert re.fullmatch(r"\d{4} \d{4}", code)
        await service.prove_code(link, browser, code)
        view = await service.returned(Provider.SHOPIFY, await _answer(await service.go(link, browser)), browser)
        assert (view.state, view.mismatch, view.missing) == (FlowState.RETURNED, None, ())
        connected = await service.confirm(browser, flow_id=view.id)
        assert (connected.newly, connected.source.id) == (False, source.id)
        assert connected.state is ConnectionState.CONNECTED

        def ready() -> bool:
            run = database.in_read(lambda session: runs.run(session, connected.run_id or ""))
            assert run.state is not RunState.FAILED, run.failure
            return run.state is RunState.READY

        await eventually(ready)
        done = await service.result(browser)
        assert done.connected
        assert done.connected.last_data_refresh is not None
        sent = await eventually(lambda: _settled(database, view.id, 1))
        assert [(one.kind, one.state) for one in sent] == [(CONNECTION_CHANGED, DeliveryState.SENT)]
        (asked,) = _settled(database, f"{view.id}.1", 1) or []
        assert (asked.kind, asked.state) == (CONNECT_CODE, DeliveryState.SENT)
        assert database.in_read(lambda session: deliveries.facts_of(session, asked.id)) == {}
        assert code.replace(" ", "").encode() not in everything(database)


async def test_a_reconnect_by_signing_in_with_slack(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        app = stage.slack.core.world.app
        slack = SlackApp(app.client_id, app.client_secret, stage.slack.api_url)
        service = ConnectService(replace(stage.jobs.services.connect._means, slack=slack))
        browser = a_browser()
        link = await _link(stage, service, Provider.QUICKBOOKS)
        fresh = await service.signed_in(await _answer(await service.sign_in(link, browser)), browser)
        view = await service.returned(Provider.QUICKBOOKS, await _answer(await service.go(fresh, browser)), browser)
        assert (view.state, view.company) == (FlowState.RETURNED, stage.source(Provider.QUICKBOOKS).company)
        connected = await service.confirm(browser, flow_id=view.id)
        assert connected.source.environment == "127.0.0.1"


def _settled(database: Database, subject: str, count: int) -> list[Delivery] | None:
    found = database.in_read(lambda session: deliveries.of_subject(session, subject))
    waiting = {DeliveryState.PENDING, DeliveryState.SENDING}
    return found if len(found) == count and not any(one.state in waiting for one in found) else None
