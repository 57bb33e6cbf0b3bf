"""The whole process on stand-ins of every outside party, driven through signed Slack requests."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from bot.guard import Verifier
from bot.main import App, Options, build_app
from bot.surface import Surface
from bot.web import SLACK_PATH, build_web
from jobs.build import Tuning, build_jobs
from jobs.refresh.retry import RetryPlan
from sandbox.mail import MailSink
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify
from sandbox.slack import Message, SlackWorkspace, temerity_goods
from sandbox.slack.wire import serving
from storage.facts.clock import OffsetClock
from storage.facts.sources import Provider, Source
from storage.records import sources
from storage.seal import new_key
from storage.sessions import Database
from storage.settings import Settings
from tests.jobs.stage import seed_temerity

REALM = "9341450000000001"
SHOP = "temeritygoods.myshopify.com"
TUNING = Tuning(
    retries=RetryPlan(first=0.2, cap=0.5, attempts=3),
    quiet=timedelta(seconds=1.5),
    slack_seconds=1.0,
    audit_every_seconds=1.0,
)


@dataclass
class Whole:
    """Everything that a scenario drives and looks at."""

    app: App
    settings: Settings
    clock: OffsetClock
    slack: SlackWorkspace
    mail: MailSink
    organization_id: str
    url: str
    #: the stand-ins of the providers, by name
    providers: dict[str, Any]

    @property
    def database(self) -> Database:
        return self.app.database

    def source(self, provider: Provider) -> Source:
        found = self.database.in_read(lambda session: sources.sources_of(session, self.organization_id))
        return next(source for source in found if source.provider is provider)

    async def shown(self, user: str, channel: str, words: str, seconds: float = 60) -> Message:
        """Wait until the person sees a message with these words."""
        found = await self.slack.wait_for(
            lambda: [m for m in self.slack.messages(channel, viewer=user) if words in m.everything], timeout=seconds
        )
        last: Message = found[-1]
        return last

    async def confirm_card(self, user: str, channel: str, words: str) -> Message:
        """Ask for a refresh and return the card that asks back."""
        answer = await self.slack.command(user, channel, "/data", words)
        assert answer.ok, answer
        return await self.shown(user, channel, "Confirm")


@contextlib.asynccontextmanager
async def whole(database: Database, folder: Path, *, socket_mode: bool = False) -> AsyncIterator[Whole]:
    """Run the process on that (migrated) database while the block runs."""
    clock = OffsetClock()
    async with contextlib.AsyncExitStack() as stack:
        quickbooks = QuickBooks.generated(seed=1, invoices=20, clock=clock)
        shopify = Shopify.generated(seed=1, orders=20, clock=clock)
        books = await stack.enter_async_context(serve(quickbooks.app))
        shop = await stack.enter_async_context(serve(shopify.app))
        mail = await stack.enter_async_context(MailSink().serve())
        # Slack itself waits three seconds; here a machine that is busy fails no test that is about something else.
        patient: dict[str, Any] = {"rates": False, "ack_seconds": 60, "retry_delays": (0.2,)}
        workspace = SlackWorkspace(temerity_goods(), clock=clock, mail=mail, **patient)
        slack = await stack.enter_async_context(workspace.serve())
        environment = quickbooks.environment(books.url) | shopify.environment(shop.url)
        addresses: dict[str, Any] = {name.lower(): value for name, value in environment.items()}
        settings = Settings(
            database_url=database.url,
            warehouse_url=str(folder / "warehouse"),
            secret_keys=[new_key()],
            slack_bot_token="xoxb-sandbox-temerity",
            slack_app_token="xapp-sandbox-tidings" if socket_mode else "",
            slack_signing_secret="sandbox-signing-secret",
            slack_api_url=slack.api_url,
            support_channel="T0SUPPORT/C0DATASUP",
            support_email="data-support@tidings.example",
            smtp_url=mail.smtp_url,
            mail_from="Tidings <tidings@tidings.example>",
            **addresses,
        )
        organization_id = database.in_write(
            lambda session: seed_temerity(session, settings, clock, quickbooks, shopify)
        )
        app = build_app(settings, Options(clock=clock, tuning=TUNING, drain_seconds=0.3))
        await stack.enter_async_context(app.running())
        port = await stack.enter_async_context(serving(app.asgi))
        url = f"http://127.0.0.1:{port}"
        slack.request_url = None if socket_mode else url + SLACK_PATH
        providers = {"quickbooks": quickbooks, "shopify": shopify}
        yield Whole(app, settings, clock, slack, mail, organization_id, url, providers)


@contextlib.asynccontextmanager
async def another_worker(first: Whole) -> AsyncIterator[str]:
    """Run the web side of a second process on the same database; give Slack's address there."""
    jobs = build_jobs(first.settings, first.database, first.clock, tuning=TUNING)
    engine = first.app.engine
    jobs.engine.bind(engine.enqueue, engine.status, engine.may_act)
    surface = Surface(jobs.services, jobs.tokens.token, first.settings.slack_api_url, first.clock)
    await surface.start()

    async def ready() -> bool:
        return True

    verifier = Verifier(first.slack.app.signing_secret, first.clock)
    try:
        async with serving(build_web(surface.take, verifier, ready)) as port:
            yield f"http://127.0.0.1:{port}{SLACK_PATH}"
    finally:
        await surface.close()
        await jobs.close()
