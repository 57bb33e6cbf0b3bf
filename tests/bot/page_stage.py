"""Every page of a process in front of flows and installs that remember what they were asked, or fail on order."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import httpx
from starlette.routing import BaseRoute, Route
from starlette.types import ASGIApp

from bot.guard import Verifier
from bot.pages.browser import HOST_COOKIE, Browsers
from bot.pages.site import pages
from bot.web import build_web
from bot.webhooks import endpoints
from connectors.amazon.login import read_login
from connectors.grants import FormAnswer, HintError, Pairs, ReturnRefusedError, Sample
from connectors.netsuite.grant import NetSuiteGrants
from jobs.connecting.views import Connected, FlowView, Launch, Mismatch
from jobs.errors import FlowRefusedError
from jobs.installs.service import InstallView
from jobs.subscriptions.mail_off import MailOff, Standing
from storage.facts.clock import OffsetClock
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.facts.subscriptions import Topic
from tests.bot.requests import SECRET
from tests.bot.test_webhooks import SETTINGS, Taken
from tests.bot.twins.world import AT, SHOP
from tests.connectors.amazon.test_login import settings as amazon_settings
from tests.jobs.connecting.stage import settings_of

PUBLIC = "https://tidings.example"
KEY = Secret("x")
BROWSER = Secret("b" * 43)
LINK = "l" * 43
TICKET = "dlv_1.late." + "m" * 43
AWAY = "https://shop.example/authorize?state=s"
VIEW = FlowView(
    "flw_1", FlowState.RETURNED, Provider.SHOPIFY, "Shopify", "Temerity Goods", "Daniel Kim", "Temerity", AT, None, None,
    can_sign_in=True, code_sent=False, codes_left=3, tries_left=5, company="Temerity Outlet", account="outlet.myshopify.com",
)  # fmt: skip


@dataclass
class TwinFlows:
    """Shows one view at every step; what may change something is written down."""

    view: FlowView = VIEW
    error: Exception | None = None
    #: what stands against every form that is filled in
    refusing: str = ""
    refused_at: str = ""
    #: what is said of a form that is tried
    answer: FormAnswer = field(default_factory=lambda: FormAnswer({}))
    looked: int = 0
    done: list[str] = field(default_factory=list)
    queries: list[Pairs] = field(default_factory=list)

    def _did(self, what: str) -> None:
        if self.error is not None:
            raise self.error
        self.done.append(what)

    async def look(self, link: Secret, browser: Secret | None) -> FlowView:
        _ = link, browser
        if self.error is not None:
            raise self.error
        self.looked += 1
        return self.view

    async def send_code(self, link: Secret, browser: Secret) -> None:
        _ = link, browser
        self._did("send_code")

    async def prove_code(self, link: Secret, browser: Secret, code: str) -> None:
        _ = link, browser, code
        self._did("prove_code")

    async def sign_in(self, link: Secret, browser: Secret) -> str:
        _ = link, browser
        self._did("sign_in")
        return AWAY

    async def signed_in(self, query: Pairs, browser: Secret) -> Secret:
        _ = browser
        self._did("signed_in")
        self.queries.append(query)
        return Secret(LINK)

    def launch(self, query: Pairs) -> Launch:
        if self.error is not None:
            raise self.error
        try:
            login = read_login(amazon_settings(), query)
        except ReturnRefusedError as error:
            raise FlowRefusedError(error.reason, error.said) from error
        return Launch(login.seller, login.region, can_sign_in=self.view.can_sign_in)

    async def renew(self, query: Pairs, browser: Secret) -> str:
        _ = browser
        self._did("renew")
        self.queries.append(query)
        return AWAY

    async def go(self, link: Secret, browser: Secret, hint: str = "") -> str:
        _ = link, browser, hint
        self._did("go")
        return AWAY

    async def fill(self, link: Secret, browser: Secret, typed: Pairs) -> FlowView:
        _ = link, browser
        self._did("fill")
        self.queries.append(typed)
        if self.refusing:
            raise HintError(self.refusing)
        return self.view

    async def try_form(self, link: Secret, browser: Secret, typed: Pairs) -> FormAnswer:
        _ = link, browser
        self._did("try_form")
        self.queries.append(typed)
        if self.refusing:
            raise HintError(self.refusing, self.refused_at)
        return self.answer

    async def try_part(self, link: Secret, browser: Secret, typed: Pairs, test: str) -> FormAnswer:
        _ = link, browser
        self._did(f"try_part {test}")
        self.queries.append(typed)
        if self.refusing:
            raise HintError(self.refusing, self.refused_at)
        return self.answer

    async def detect(
        self, link: Secret, browser: Secret, typed: Pairs, number: int, sample: Sample | None
    ) -> FormAnswer:
        _ = link, browser, typed
        self._did(f"detect {number} {sample.name if sample else 'newest'} {len(sample.body) if sample else 0}")
        return self.answer

    async def returned(self, provider: Provider, query: Pairs, browser: Secret) -> FlowView:
        _ = provider, browser
        self._did("returned")
        self.queries.append(query)
        return self.view

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        _ = browser, as_new
        self._did("confirm")
        return Connected(flow_id, SHOP, None, newly=True)

    async def give_up(self, browser: Secret, *, flow_id: str) -> None:
        _ = browser, flow_id
        self._did("give_up")

    async def result(self, browser: Secret) -> FlowView:
        _ = browser
        if self.error is not None:
            raise self.error
        return self.view


@dataclass
class TwinInstalls:
    """Installs nowhere."""

    error: Exception | None = None
    done: list[str] = field(default_factory=list)

    @property
    def ready(self) -> bool:
        if self.error is not None:
            raise self.error
        return True

    async def begin(self, browser: Secret) -> str:
        _ = browser
        self.done.append("begin")
        return AWAY

    async def returned(self, query: Pairs, browser: Secret) -> InstallView:
        _ = query, browser
        if self.error is not None:
            raise self.error
        self.done.append("installed")
        return InstallView(
            "Temerity", whole=False, organization="T", founded=True, made_admin=True, again=False, missing=()
        )


@dataclass
class TwinOffs:
    """Knows one link in a mail."""

    error: Exception | None = None
    done: list[str] = field(default_factory=list)

    async def look(self, ticket: str) -> MailOff | None:
        if self.error is not None:
            raise self.error
        used = Standing.DONE if self.done else Standing.OPEN
        return MailOff(Topic.LATE, used) if ticket == TICKET else None

    async def stop(self, ticket: str) -> MailOff | None:
        found = await self.look(ticket)
        if found is not None:
            self.done.append("mail_off")
        return found


@dataclass
class Site:
    """What a test drives and looks at."""

    flows: TwinFlows
    installs: TwinInstalls
    offs: TwinOffs
    taken: Taken
    routes: list[Route]
    asgi: ASGIApp
    #: whether the readiness check itself breaks
    broken: list[Exception] = field(default_factory=list)

    @property
    def effects(self) -> list[str]:
        """Everything that was more than looking."""
        return [
            *self.flows.done,
            *self.installs.done,
            *self.offs.done,
            *(event.topic for _, event in self.taken.events),
        ]

    @asynccontextmanager
    async def browser(self, *, known: bool = True, asgi: ASGIApp | None = None) -> AsyncIterator[httpx.AsyncClient]:
        """Open a browser that was here before, or a new one."""
        transport = httpx.ASGITransport(asgi or self.asgi, raise_app_exceptions=False)
        cookies = {HOST_COOKIE: BROWSER.reveal()} if known else {}
        async with httpx.AsyncClient(transport=transport, base_url=PUBLIC, cookies=cookies) as client:
            yield client


async def never(_: object) -> object:
    """Stand where Slack's verified bodies go; nothing here is signed."""
    raise AssertionError("nobody signed that")


def built(view: FlowView | None = None, error: Exception | None = None) -> Site:
    """Build the web side of a process as it is in production, in front of twins."""
    clock = OffsetClock(base=lambda: AT)
    flows, installs, taken = TwinFlows(view or VIEW, error), TwinInstalls(error), Taken()
    offs = TwinOffs(error)
    settings = SETTINGS.model_copy(update={"public_url": PUBLIC})
    shown: list[BaseRoute] = pages(settings, flows, installs, offs, settings_of(Provider.SHOPIFY), clock)
    broken: list[Exception] = []

    async def ready() -> bool:
        if broken:
            raise broken[0]
        return True

    verifier = Verifier(Secret(SECRET), clock)
    asgi = build_web(never, verifier, ready, pages=shown, webhooks=endpoints(settings, taken))  # type: ignore[arg-type]  # never answers
    routes = [route for route in shown if isinstance(route, Route)]
    return Site(flows, installs, offs, taken, routes, asgi, broken)


def address(route: Route, provider: str = "shopify") -> str:
    """Return an address that the route answers."""
    return route.path.replace("{link}", LINK).replace("{provider}", provider)


def addresses(site: Site) -> list[tuple[str, str]]:
    """Return every page as (method, address); methods that only repeat GET are left out."""
    return [
        (method, address(route)) for route in site.routes for method in sorted(route.methods or ()) if method != "HEAD"
    ]


def form(browser: Secret = BROWSER, **fields: str) -> dict[str, str]:
    """Return a form that was drawn for the browser."""
    return {"csrf": Browsers([KEY], secure=True).mark(browser), "flow": "flw_1", **fields}


def views(said: str) -> list[FlowView]:
    """Return a view for every page, with that text wherever text from outside is shown."""
    source = replace(SHOP, company=said, label=said)
    later = AT + timedelta(minutes=5)
    named = replace(VIEW, company=said, account=said, organization=said, member=said, workspace=said, expires_at=later)
    return [
        replace(named, state=FlowState.LINKED),
        replace(named, state=FlowState.LINKED, code_sent=True),
        replace(named, state=FlowState.PROVEN, source=source),
        replace(named, state=FlowState.PROVEN, form=NetSuiteGrants.form, rows=NetSuiteGrants.rows),
        replace(named, missing=(said,), known=source),
        replace(named, source=source, mismatch=Mismatch(said, said, said, said, new_allowed=True)),
        replace(named, state=FlowState.DONE, streams=(said,)),
        replace(named, state=FlowState.FAILED, said=said, reason="x"),
        replace(named, state=FlowState.EXPIRED),
    ]
