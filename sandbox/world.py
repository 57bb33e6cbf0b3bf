"""All stand-ins together: the providers of Temerity Goods, its Slack workspace, and the mail; one clock for all.

The demo, `tidings sandbox` and whole-product tests start this one thing and are told the environment that points the
product at it.
"""

import asyncio
import contextlib
import threading
from collections.abc import AsyncIterator, Coroutine, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

from sandbox.mail import MailSink
from sandbox.providers import catalogue
from sandbox.providers.amazon import Amazon
from sandbox.providers.netsuite import Bucket
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify
from sandbox.slack import SlackWorkspace, temerity_goods
from storage.facts.clock import OffsetClock

if TYPE_CHECKING:
    from sandbox.exchange.distributor import Distributor

T = TypeVar("T")

#: The seed file of the organization that lives here.
SEED_FILE = Path(__file__).with_name("temerity_goods.yaml")


@dataclass(frozen=True)
class Plan:
    """What to start. A port of 0 means any free one; everything listens on 127.0.0.1."""

    #: invoices and orders that were there before the start
    size: int = 200
    #: documents of each rarer kind at QuickBooks (receipts, credits, transfers), and its small lists
    documents: int = 0
    seed: int = 1
    slack_port: int = 0
    mail_port: int = 0
    quickbooks_port: int = 0
    shopify_port: int = 0
    #: whether the Slack stand-in limits the rate of calls, as Slack does
    rates: bool = True
    #: seconds between two changes at the providers; None: nothing happens by itself
    change_seconds: float | None = None
    #: a new folder for the distributor's files and orders; None: there is no PocketAdvantage
    exchange_folder: Path | None = None
    #: the organization's id, whose folder the orders lie in
    organization: str = ""


@dataclass
class Sandbox:
    """The running stand-ins."""

    clock: OffsetClock
    slack: SlackWorkspace
    mail: MailSink
    quickbooks: QuickBooks
    shopify: Shopify
    amazon: Amazon
    #: where a NetSuite account may deliver its files
    bucket: Bucket
    quickbooks_url: str = ""
    shopify_url: str = ""
    bucket_url: str = ""
    #: address of each region
    amazon_urls: dict[str, str] = field(default_factory=dict)
    #: PocketAdvantage, where the plan has it
    distributor: "Distributor | None" = None
    #: what happened at the providers since the start
    changes: int = 0
    #: where the product takes webhooks, below its own address
    hook_paths: dict[str, str] = field(
        default_factory=lambda: {"quickbooks": "/webhooks/intuit", "shopify": "/webhooks/shopify"}
    )
    #: what was started by `start` and may still run
    started: list[Future[Any]] = field(default_factory=list)
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.get_running_loop)
    _random: Random = field(default_factory=lambda: Random(7))

    def environment(self) -> dict[str, str]:
        """Return the variables that point the product here; keys and storage are the caller's."""
        app = self.slack.app
        return {
            "SLACK_API_URL": self.slack.api_url,
            "SLACK_BOT_TOKEN": app.bot_token("T0TEMERITY"),
            "SLACK_SIGNING_SECRET": app.signing_secret.reveal(),
            "SLACK_CLIENT_ID": app.client_id,
            "SLACK_CLIENT_SECRET": app.client_secret.reveal(),
            "SUPPORT_CHANNEL": "T0SUPPORT/C0DATASUP",
            "SUPPORT_EMAIL": "data-support@tidings.example",
            "SMTP_URL": self.mail.smtp_url,
            "MAIL_FROM": "tidings@tidings.example",
            **self.quickbooks.environment(self.quickbooks_url),
            **self.shopify.environment(self.shopify_url),
            **self.amazon.environment(self.amazon_urls),
            "NETSUITE_ENDPOINTS": self.bucket_url,
            **(self.distributor.environment() if self.distributor else {}),
        }

    def socket_mode(self) -> dict[str, str]:
        """Return the variable that makes the product connect by Socket Mode."""
        return {"SLACK_APP_TOKEN": self.slack.app.app_token.reveal()}

    def credentials(self) -> dict[str, str]:
        """Grant access to both accounts and return the variables that the seed file names."""
        quickbooks = self.quickbooks.give(catalogue.REALM)
        shopify = self.shopify.give(catalogue.SHOP)
        return {
            "TEMERITY_BOT_TOKEN": self.slack.app.bot_token("T0TEMERITY"),
            "SUPPORT_BOT_TOKEN": self.slack.app.bot_token("T0SUPPORT"),
            "QUICKBOOKS_REFRESH_TOKEN": str(quickbooks["refresh_token"]),
            "SHOPIFY_ACCESS_TOKEN": str(shopify["access_token"]),
            "SHOPIFY_REFRESH_TOKEN": str(shopify["refresh_token"]),
        }

    def business(self, *, new: int = 1, changed: int = 2, deleted: int = 0) -> None:
        """Let things happen at both providers now."""
        for provider, account in ((self.quickbooks, catalogue.REALM), (self.shopify, catalogue.SHOP)):
            provider.mutate(account, seed=self.draw(), new=new, changed=changed, deleted=deleted)
            self.changes += new + changed + deleted

    def draw(self) -> int:
        """Return a seed for the next change."""
        return self._random.randrange(1 << 30)

    def start(self, work: Coroutine[Any, Any, Any]) -> None:
        """Let it run among the stand-ins, from any thread, without waiting for it."""
        self.started = [each for each in self.started if not each.done()]
        self.started.append(asyncio.run_coroutine_threadsafe(work, self.loop))

    def product_url(self) -> str:
        """Return the product's address: where it takes Slack's requests; empty as long as that is not known."""
        address = urlsplit(self.slack.request_url or "")
        return f"{address.scheme}://{address.netloc}" if address.netloc else ""

    async def stop_started(self) -> None:
        """Cancel what `start` began and is not done."""
        for each in self.started:
            each.cancel()
        await asyncio.gather(*map(asyncio.wrap_future, self.started), return_exceptions=True)

    def tell(self, provider: str, wishes: dict[str, Any]) -> None:
        """Send the product a webhook, where it takes Slack's requests; without waiting for its answer."""
        if product := self.product_url():
            self.start(getattr(self, provider).hook(product + self.hook_paths[provider], wishes))

    def pass_time(self, by: timedelta) -> None:
        """Let time pass at once, for the product and for everybody outside."""
        self.clock.advance(by)


@contextlib.asynccontextmanager
async def open_sandbox(plan: Plan, clock: OffsetClock | None = None) -> AsyncIterator[Sandbox]:
    """Run all stand-ins in the running loop until the block ends."""
    ticking = clock or OffsetClock()
    mail = MailSink(ticking)
    sandbox = Sandbox(
        clock=ticking,
        slack=SlackWorkspace(temerity_goods(), clock=ticking, mail=mail, rates=plan.rates),
        mail=mail,
        quickbooks=QuickBooks.generated(
            seed=plan.seed, invoices=plan.size, documents=plan.documents, as_of=ticking.now(), clock=ticking
        ),
        shopify=Shopify.generated(seed=plan.seed, orders=plan.size, as_of=ticking.now(), clock=ticking),
        amazon=Amazon(clock=ticking, generous=True),
        bucket=Bucket(ticking),
    )
    sandbox.amazon.product = sandbox.product_url
    sandbox.shopify.left = lambda shop: sandbox.tell("shopify", {"topic": "app/uninstalled", "account": shop})
    others = max(5, plan.size // 4)
    sandbox.quickbooks.add_company(
        catalogue.HARBOUR_REALM, catalogue.HARBOUR, seed=plan.seed + 1, invoices=others, as_of=ticking.now()
    )
    sandbox.shopify.add_shop(
        catalogue.OUTLET_SHOP, catalogue.OUTLET, seed=plan.seed + 1, orders=others, as_of=ticking.now()
    )
    async with contextlib.AsyncExitStack() as stack:
        await stack.enter_async_context(mail.serve(plan.mail_port))
        await stack.enter_async_context(sandbox.slack.serve(plan.slack_port))
        for name in ("quickbooks", "shopify"):
            app = getattr(sandbox, name).app
            served = await stack.enter_async_context(serve(app, port=getattr(plan, f"{name}_port")))
            setattr(sandbox, f"{name}_url", served.url)
        served = await stack.enter_async_context(serve(sandbox.bucket.app))
        sandbox.bucket_url = served.url
        for region, app in sandbox.amazon.apps.items():
            served = await stack.enter_async_context(serve(app))
            sandbox.amazon_urls[region] = served.url
        if plan.exchange_folder is not None:
            sandbox.distributor = stack.enter_context(_distributor(plan, sandbox))
        if plan.change_seconds is not None:
            await stack.enter_async_context(_business_goes_on(sandbox, plan.change_seconds))
        stack.push_async_callback(sandbox.stop_started)
        yield sandbox


def _distributor(plan: Plan, sandbox: Sandbox) -> "contextlib.AbstractContextManager[Distributor]":
    # Its servers take half a second to import, and few need them.
    from sandbox.exchange.distributor import distributor

    assert plan.exchange_folder is not None
    return distributor(plan.exchange_folder, plan.organization, sandbox.quickbooks.books[catalogue.REALM])


@contextlib.asynccontextmanager
async def _business_goes_on(sandbox: Sandbox, seconds: float) -> AsyncIterator[None]:
    async def forever() -> None:
        while True:
            await asyncio.sleep(seconds)
            sandbox.business()

    task = asyncio.create_task(forever())
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


class SandboxThread:
    """The stand-ins in a thread and loop of their own, so that the product has its loop for itself."""

    def __init__(self, sandbox: Sandbox, loop: asyncio.AbstractEventLoop) -> None:
        self.sandbox = sandbox
        self.loop = loop

    async def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine among the stand-ins and wait for it, from any other loop."""
        return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, self.loop))

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine among the stand-ins and wait for it, from code without a loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result()


@contextlib.contextmanager
def sandbox_in_thread(plan: Plan, clock: OffsetClock | None = None) -> Iterator[SandboxThread]:
    """Run all stand-ins in a thread of their own until the block ends; what fails at the start is raised here."""
    started = threading.Event()
    found: list[SandboxThread] = []
    failed: list[BaseException] = []
    stops: list[asyncio.Event] = []

    async def run() -> None:
        stop = asyncio.Event()
        async with open_sandbox(plan, clock) as sandbox:
            found.append(SandboxThread(sandbox, asyncio.get_running_loop()))
            stops.append(stop)
            started.set()
            await stop.wait()

    def body() -> None:
        try:
            asyncio.run(run())
        except Exception as error:  # noqa: BLE001 - the thread's edge: told to the thread that waits
            failed.append(error)
        finally:
            started.set()

    thread = threading.Thread(target=body, name="sandbox", daemon=True)
    thread.start()
    started.wait()
    if not found:
        thread.join()
        raise failed[0]
    try:
        yield found[0]
    finally:
        found[0].loop.call_soon_threadsafe(stops[0].set)
        thread.join()
