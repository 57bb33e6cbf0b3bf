"""A whole jobs side on stand-ins: database, engine, clock, providers, Slack and mail, without bolt in front."""

import contextlib
import re
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import sandbox
from connectors.base import Connector
from connectors.registry import connector_for
from jobs.build import Jobs, Tuning, build_jobs
from jobs.clock import Clockwork
from jobs.engine import Engine
from jobs.errors import UnavailableError
from jobs.refresh.ask import Place, Scope, TriggerKey
from jobs.refresh.retry import RetryPlan
from sandbox.mail import MailSink
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify
from sandbox.slack import SlackWorkspace, temerity_goods
from storage.facts.clock import OffsetClock
from storage.facts.ids import new_id
from storage.facts.people import Actor, Member, SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import Provider, Source
from storage.facts.status import RefreshStatus
from storage.records import organizations, sources
from storage.seal import Seal, new_key
from storage.seed_file import Seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.settings import Settings
from tests.waiting import eventually

REALM = "9341450000000001"
SHOP = "temeritygoods.myshopify.com"
QUICK = Tuning(
    retries=RetryPlan(first=0.2, cap=0.5, attempts=3),
    quiet=timedelta(seconds=1.5),
    slack_seconds=1.0,
    audit_every_seconds=1.0,
)


@dataclass
class Stage:
    """Everything that stands on it."""

    database: Database
    clock: OffsetClock
    jobs: Jobs
    engine: Engine
    slack: Any
    mail: Any
    quickbooks: Any
    shopify: Any
    organization_id: str

    def member(self, user_id: str = "U0MAYA") -> Member:
        """Return a member by Slack user."""
        identity = SlackIdentity("T0TEMERITY", user_id)
        found = self.database.in_read(lambda session: organizations.member_by_identity(session, identity))
        assert found is not None
        return found

    def source(self, provider: Provider) -> Source:
        """Return the organization's source of that provider."""
        found = self.database.in_read(lambda session: sources.sources_of(session, self.organization_id))
        return next(source for source in found if source.provider is provider)

    async def actor(self, user_id: str = "U0MAYA", team_id: str = "T0TEMERITY") -> Actor:
        """Return who a Slack user is, as the worker learns it."""
        identity = SlackIdentity(team_id, user_id)
        for _ in range(10):
            with contextlib.suppress(UnavailableError):
                return await self.jobs.services.people.learn(identity)
        return await self.jobs.services.people.learn(identity)

    async def request(
        self, *providers: Provider, user_id: str = "U0MAYA", channel: str = "C0FINANCE", trigger: str | None = None
    ) -> Any:
        """Ask for a refresh as a person would."""
        scope = (
            Scope(everything=False, source_ids=tuple(self.source(provider).id for provider in providers))
            if providers
            else Scope(everything=True)
        )
        key = TriggerKey("T0TEMERITY", trigger or new_id("trg"))
        return await self.jobs.services.refresh.request(
            await self.actor(user_id), scope, key, Place("T0TEMERITY", channel)
        )

    async def finished(self, refresh_id: str, *, seconds: float = 60) -> RefreshStatus:
        """Wait until a refresh is over."""
        actor = await self.actor()

        async def look() -> RefreshStatus | None:
            refresh = await self.jobs.services.refresh.get(actor, refresh_id)
            return refresh if refresh.finished_at else None

        return await eventually(look, seconds=seconds)


@asynccontextmanager
async def staged(
    database: Database,
    folder: Path,
    *,
    scheduled: bool = False,
    swept: bool = True,
    orders: int = 40,
    invoices: int = 40,
    tuning: Tuning = QUICK,
    more: Mapping[str, str] | None = None,
    checkpoint: Callable[[str], None] = lambda _name: None,
    connectors: Callable[[Provider], Connector] = connector_for,
    at: datetime | None = None,
) -> AsyncIterator[Stage]:
    """Set everything up on that database; the clock starts runs by itself only when `scheduled`.

    Not `swept`: nothing happens by itself. It begins now, or at another time.
    """
    clock = OffsetClock(at - datetime.now(UTC)) if at else OffsetClock()
    async with AsyncExitStack() as stack:
        quickbooks = QuickBooks.generated(seed=1, invoices=invoices, clock=clock)
        shopify = Shopify.generated(seed=1, orders=orders, clock=clock)
        books = await stack.enter_async_context(serve(quickbooks.app))
        shop = await stack.enter_async_context(serve(shopify.app))
        mail = await stack.enter_async_context(MailSink().serve())
        slack = await stack.enter_async_context(
            SlackWorkspace(temerity_goods(), clock=clock, mail=mail, rates=False).serve()
        )
        settings = Settings.model_validate(
            {
                "database_url": database.url,
                "warehouse_url": str(folder / "warehouse"),
                "secret_keys": [new_key()],
                "slack_bot_token": "xoxb-sandbox-temerity",
                "slack_signing_secret": "sandbox-signing-secret",
                "slack_api_url": slack.api_url,
                "support_channel": "T0SUPPORT/C0DATASUP",
                "support_email": "data-support@tidings.example",
                "smtp_url": mail.smtp_url,
                "mail_from": "Tidings <tidings@tidings.example>",
                **{name.lower(): value for name, value in quickbooks.environment(books.url).items()},
                **{name.lower(): value for name, value in shopify.environment(shop.url).items()},
                **{name.lower(): value for name, value in (more or {}).items()},
            }
        )
        organization_id = database.in_write(
            lambda session: seed_temerity(session, settings, clock, quickbooks, shopify)
        )
        jobs = build_jobs(settings, database, clock, tuning=tuning, checkpoint=checkpoint, connectors=connectors)
        engine = Engine(database, clock, handlers=jobs.handlers, on_error=jobs.on_error)
        jobs.engine.bind(engine.enqueue, engine.status, engine.may_act)
        await engine.launch()
        clockwork = Clockwork(
            jobs.load_schedules if scheduled else lambda _since: [],
            jobs.submit_slots,
            jobs.sweeps if swept else [],
            clock,
        )
        await clockwork.start()
        try:
            yield Stage(database, clock, jobs, engine, slack, mail, quickbooks, shopify, organization_id)
        finally:
            await clockwork.stop()
            await engine.close()
            await jobs.close()


def seed_temerity(session: Session, settings: Settings, clock: OffsetClock, quickbooks: Any, shopify: Any) -> str:
    """Write Temerity Goods with both providers' grants, and return the organization's id."""
    books, shop = quickbooks.oauth.grant(REALM), shopify.oauth.grant(SHOP)
    seed = Seed.model_validate(
        _filled(
            _read_once(),
            {
                "TEMERITY_BOT_TOKEN": "xoxb-sandbox-temerity",
                "SUPPORT_BOT_TOKEN": "xoxb-sandbox-support",
                "QUICKBOOKS_REFRESH_TOKEN": books.refresh_token,
                "SHOPIFY_ACCESS_TOKEN": shop.access_token,
                "SHOPIFY_REFRESH_TOKEN": shop.refresh_token,
            },
        )
    )
    seal = Seal([Secret(key.get_secret_value()) for key in settings.secret_keys])
    modes = {provider: connector_for(provider).mode for provider in Provider}
    return write_seed(session, seed, Seeding(seal, clock.now(), modes)).organization_id


@cache
def _read_once() -> Any:
    """Return the plain data of Temerity Goods' seed, with its references as they stand: YAML is slow to read."""
    text = (Path(sandbox.__file__).parent / "temerity_goods.yaml").read_text(encoding="utf-8")
    return yaml.safe_load(text)


def _filled(data: Any, environment: Mapping[str, str]) -> Any:
    """Return the same with values where the references were."""
    if isinstance(data, dict):
        return {key: _filled(value, environment) for key, value in data.items()}
    if isinstance(data, list):
        return [_filled(value, environment) for value in data]
    named = re.fullmatch(r"\$\{(\w+)\}", data) if isinstance(data, str) else None
    return environment[named[1]] if named else data
