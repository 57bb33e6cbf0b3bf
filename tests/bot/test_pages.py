"""The pages of a flow as a browser meets them: what they let happen, what they carry, and what they say when we fail."""

import re
from collections.abc import Callable
from dataclasses import replace
from html.parser import HTMLParser
from typing import Any

import httpx
import pytest
import structlog
from jinja2 import Environment, PackageLoader
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.cli.samples.facts import status
from bot.pages.browser import COOKIE, HOST_COOKIE, Browsers
from bot.pages.connect import ConnectPages
from bot.pages.draw import said
from bot.pages.edge import Handler, in_words
from bot.pages.install import InstallPages
from bot.web import build_web
from connectors.errors import Broken
from connectors.grants import Pairs
from jobs.connecting.views import Connected
from jobs.errors import FlowGoneError, FlowRefusedError, UnavailableError
from jobs.installs.service import InstallView
from storage.facts.clock import OffsetClock
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState
from templates.times import absolute
from tests.bot.page_stage import (
    BROWSER,
    KEY,
    LINK,
    PUBLIC,
    VIEW,
    Site,
    TwinFlows,
    TwinInstalls,
    addresses,
    built,
    form,
    views,
)

SCANNERS = (
    "Mozilla/5.0 (compatible; SafeLinks)",
    "Slackbot-LinkExpanding 1.0",
    "Barracuda Sentinel",
    "GoogleImageProxy",
)
PRESSED = (f"/connect/l/{LINK}/code", f"/connect/l/{LINK}/prove", f"/connect/l/{LINK}/go", f"/connect/l/{LINK}/slack",
           "/connect/confirm", "/connect/give-up", "/slack/install")  # fmt: skip


class NoMark(Browsers):
    """A twin that takes a form from anywhere."""

    def drew(self, browser: Secret, mark: str) -> bool:
        _ = browser, mark
        return True


async def _scanned(site: Site, asgi: Any) -> None:
    """Do to a link what mail scanners and previews do, those that press every button included."""
    for agent in SCANNERS:
        async with site.browser(known=False, asgi=asgi) as client:
            client.headers["user-agent"] = agent
            for method in ("GET", "HEAD", "OPTIONS", "GET", "POST", "PUT"):
                answer = await client.request(method, f"/connect/l/{LINK}")
                assert answer.status_code in ((200, 303) if method in ("GET", "HEAD") else (404,))
            client.cookies.clear()
            for cookie in ("", "x" * 43, BROWSER.reveal()):
                sent = {"cookie": f"{HOST_COOKIE}={cookie}"} if cookie else {}
                for csrf in ({}, {"csrf": ""}, {"csrf": "0" * 64}, form(Secret("c" * 43))):
                    for address in PRESSED:
                        await client.post(address, data=csrf, headers=sent)


@pytest.mark.parametrize("twin", [False, True])
async def test_only_the_button_of_the_browsers_own_page_counts(*, twin: bool) -> None:
    """T35: a scanner that presses every button consumes nothing; the twin does not ask where a form comes from."""
    site = built()
    asgi = site.asgi
    if twin:
        routes = ConnectPages(site.flows, NoMark([KEY], secure=True), OffsetClock()).routes()
        asgi = build_web(None, None, _ready, pages=routes)
    await _scanned(site, asgi)
    assert (site.effects == []) != twin
    if not twin:
        async with site.browser() as client:
            assert (await client.post(PRESSED[0], data=form())).status_code == 303
        assert site.effects == ["send_code"]


async def _ready() -> bool:
    return True


# -- what every answer carries -----------------------------------------------------------------------------------------

CARRIED = {
    "cache-control": "no-store",
    "referrer-policy": "no-referrer",
    "x-frame-options": "DENY",
    "x-content-type-options": "nosniff",
    "strict-transport-security": "max-age=31536000",
}


def lacks(answer: httpx.Response) -> list[str]:
    """Return what an answer does not carry and should."""
    missing = [name for name, value in CARRIED.items() if answer.headers.get(name) != value]
    policy = answer.headers.get("content-security-policy", "")
    wanted = ("default-src 'none'", "frame-ancestors 'none'")
    missing += [part for part in wanted if part not in policy]
    return missing + (["no script"] if "script-src" in policy or "unsafe" in policy else [])


async def _all_answers(site: Site, asgi: Any = None) -> list[httpx.Response]:
    """Ask for every address in every way that is answered differently."""
    found = []
    for known in (True, False):
        async with site.browser(known=known, asgi=asgi) as client:
            for method, address in addresses(site):
                found.append(await client.request(method, address, data=form() if method == "POST" else None))
            for address in ("/", "/nothing", "/healthz", "/readyz", "/webhooks/shopify", "/slack/events"):
                found += [await client.get(address), await client.post(address, content=b"x")]
    return found


async def test_every_answer_keeps_out_of_frames_caches_and_referrers() -> None:
    """T42, T38: pages, refusals, faults and addresses that do not exist; the twin is the pages without the edge."""
    shown = [built(view) for view in views("Acme")]
    for site in (*shown, built(error=RuntimeError("x"))):
        for answer in await _all_answers(site):
            assert lacks(answer) == [], (answer.request.method, answer.request.url.path, answer.status_code)
    bare = await _all_answers(shown[0], Starlette(routes=shown[0].routes))
    assert sum(bool(lacks(answer)) for answer in bare) > len(bare) / 2


class KeepsTheAddress(ConnectPages):
    """A twin that shows its page at the address that the provider sent the browser to."""

    async def _returned(self, request: Request) -> Response:
        await super()._returned(request)
        return Response(f"<a href='{request.url}'>again</a>")


class KeepsSlacksAddress(InstallPages):
    """A twin that shows what came of an installation where Slack sent the browser to."""

    async def _returned(self, request: Request) -> Response:
        await super()._returned(request)
        return said("Tidings is in Temerity")


def stays(answer: httpx.Response) -> bool:
    """Whether the browser is left at the address that it came to."""
    return (answer.status_code, answer.headers.get("location")) != (303, "/slack/installed")


@pytest.mark.parametrize("twin", [False, True])
async def test_code_and_state_stay_in_no_address_page_or_log(*, twin: bool) -> None:
    """T38: what came in a query is taken once, and the browser goes on to a clean address."""
    site = built()
    asgi = site.asgi
    if twin:
        pages = KeepsTheAddress(site.flows, Browsers([KEY], secure=True), OffsetClock())
        shown = KeepsSlacksAddress(site.installs, Browsers([KEY], secure=True))
        asgi = build_web(None, None, _ready, pages=[*pages.routes(), *shown.routes()])
    query = "code=canary-code&state=canary-state&realmId=123&hmac=canary-mac"
    told = []
    with structlog.testing.capture_logs() as logs:
        async with site.browser(asgi=asgi) as client:
            for where in ("shopify", "quickbooks", "amazon", "slack"):
                answer = await client.get(f"/connect/{where}/callback?{query}")
                told += [answer.text, str(answer.headers), *([] if twin else [answer.headers["location"]])]
                assert twin or answer.status_code == 303
            for where in ("nobody", "SHOPIFY"):
                answer = await client.get(f"/connect/{where}/callback?{query}")
                assert (answer.status_code, answer.headers["location"]) == (303, "/connect/ended")
                assert (await client.get("/connect/ended")).status_code == 410
            answer = await client.get(f"/slack/oauth/callback?{query}")
            assert stays(answer) == twin
            told += [answer.text, str(answer.headers)]
    assert len(site.flows.queries) == 4
    assert ("canary" in f"{told} {logs}") == twin


class SaysItThere(ConnectPages):
    """A twin that says what went wrong at the address that the provider sent the browser to."""

    def _back(self, handler: Handler) -> Handler:
        return in_words(handler)


BACK = ("/connect/shopify/callback", "/connect/slack/callback", "/slack/oauth/callback")
WENT_WRONG: dict[int, Exception] = {
    500: RuntimeError("x"),
    503: UnavailableError("x"),
    502: Broken("Shopify's answer cannot be read", code="odd", request_id="r-1"),
    409: FlowRefusedError("refused", "You stopped here. Nothing was stored."),
    410: FlowGoneError(),
}


async def left_at(site: Site, asgi: Any, address: str) -> tuple[str, httpx.Response]:
    """Come back with a code; return where the browser is left, and what it shows."""
    async with site.browser(asgi=asgi) as client:
        answer = await client.get(f"{address}?code=canary-code&state=canary-state", follow_redirects=True)
        if answer.history:
            # Drawn again it says the same.
            again = await client.get(answer.url)
            assert (again.status_code, again.text) == (answer.status_code, answer.text)
    return str(answer.url), answer


@pytest.mark.parametrize("status", WENT_WRONG)
async def test_whatever_goes_wrong_leaves_the_address_clean(status: int) -> None:
    """T38: a fault of ours behind a callback is said on another address, with its reference; so is all the rest."""
    site = built(error=WENT_WRONG[status])
    for address in BACK:
        with structlog.testing.capture_logs() as logs:
            where, shown = await left_at(site, None, address)
        assert where in {f"{PUBLIC}/connect/ended", f"{PUBLIC}/slack/installed"}
        assert shown.status_code == status
        assert lacks(shown) == []
        assert "canary" not in f"{shown.text} {shown.headers} {[step.headers for step in shown.history]} {logs}"
        if status == 500:
            (reference,) = _REFERENCE.findall(shown.text)
            assert [entry["reference"] for entry in logs if "reference" in entry] == [reference]
    twin = SaysItThere(site.flows, Browsers([KEY], secure=True), OffsetClock())
    asgi = build_web(None, None, _ready, pages=twin.routes())
    assert "canary" in (await left_at(site, asgi, BACK[0]))[0]


async def test_a_browser_that_carries_nothing_is_told_where_to_look() -> None:
    """One that we never met learns nothing, whatever it brings; one whose cookie is gone, or too small, where to look."""
    site = built(error=FlowRefusedError("refused", "x" * 4000))
    async with site.browser(known=False) as stranger:
        answer = await stranger.get(f"{BACK[0]}?code=canary-code&state=s", follow_redirects=True)
        assert (answer.status_code, answer.url.path) == (410, "/connect/ended")
        assert "belongs to another browser" in answer.text
        assert "tidings_kept" not in stranger.cookies
    async with site.browser() as client:
        for address, place in zip(BACK[:3:2], ("/data status", "under Apps"), strict=True):
            answer = await client.get(f"{address}?code=c&state=s", follow_redirects=True)
            assert answer.status_code in (409, 410)
            client.cookies.delete("tidings_kept")
            looked = await client.get(answer.url.path)
            assert looked.status_code == 410
            assert place in looked.text
            assert not denies(looked.text)


# -- text from outside -------------------------------------------------------------------------------------------------

MARKUP = (
    "<script>alert(1)</script>",
    '"><img src=x onerror=alert(1)>',
    "' onmouseover='alert(1)",
    "</title><svg/onload=alert(1)>",
    "<a href=javascript:alert(1)>x</a>",
    "{{ 7 * 7 }}{% raw %}",
    "&lt;script&gt;<b>",
    "<style>*{display:none}</style>",
    "\u202e<iframe src=//evil.example>",
    "</form><form action=//evil.example>",
)


class _Structure(HTMLParser):
    """What a browser makes of a page, without its text."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, ...]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        led = [value or "" for name, value in attrs if name in ("href", "action", "src")]
        self.found.append((tag, *(name for name, _ in attrs), *led))

    def handle_endtag(self, tag: str) -> None:
        self.found.append((f"/{tag}",))


def structure(page: str) -> list[tuple[str, ...]]:
    """Return the elements of a page with the names of their attributes and where they lead."""
    parser = _Structure()
    parser.feed(page)
    return parser.found


STEPS = (f"/connect/l/{LINK}", "/connect/confirm", "/connect/done")


async def _pages_with(text: str) -> list[str]:
    """Return every page of a flow in which that text is a name or a reason."""
    found = []
    for view in views(text):
        async with built(view).browser() as client:
            found += [(await client.get(address)).text for address in STEPS]
    return found


async def test_text_from_outside_stays_text() -> None:
    """T39: names and reasons with markup in them, on every page; the twin is the same template without escaping."""
    plain = await _pages_with("Acme")
    assert sum("Acme" in page for page in plain) >= 8
    bare = Environment(loader=PackageLoader("bot.pages", "html"), autoescape=False).get_template("said.html.j2")
    drawn = [bare.render(title=text, lines=[text], style="", footer="") for text in ("Acme", *MARKUP)]
    assert sum(structure(page) != structure(drawn[0]) for page in drawn[1:]) >= 7
    for text in MARKUP:
        for page, harmless in zip(await _pages_with(text), plain, strict=True):
            assert structure(page) == structure(harmless), text
            assert "49" not in page


async def test_nothing_in_a_query_or_a_form_leads_a_browser_away() -> None:
    """T36: our pages know no address to go on to but their own; the twin is a page that follows `next`."""

    async def follows(request: Request) -> Response:
        return Response(status_code=303, headers={"location": request.query_params.get("next", "/")})

    names = ("next", "return_to", "redirect", "redirect_uri", "continue", "url", "host", "amazon_callback_uri", "back")
    query = dict.fromkeys(names, "https://evil.example/")
    sites: list[tuple[Site, Any]] = [(built(view), None) for view in views("Acme")]
    sites.append((built(), Starlette(routes=[Route("/connect/done", follows)])))
    led = []
    for site, asgi in sites:
        async with site.browser(asgi=asgi) as client:
            answers = [await client.get("/connect/done", params=query)]
            for method, address in [] if asgi else addresses(site):
                more = form() | query if method == "POST" else None
                answers.append(await client.request(method, address, params=query, data=more))
            led.append(any("evil" in f"{structure(one.text)} {one.headers}" for one in answers))
    assert led == [False] * (len(sites) - 1) + [True]


# -- faults of ours ----------------------------------------------------------------------------------------------------

LEAK = "SELECT refresh_token FROM connections; postgresql://tidings:hunter2@db/x; xoxb-1-canary; /srv/app/jobs/x.py"
FAULTS: tuple[Callable[[], Exception], ...] = (
    lambda: RuntimeError(LEAK),
    lambda: KeyError(LEAK),
    lambda: AssertionError(LEAK),
    lambda: ExceptionGroup(LEAK, [ValueError(LEAK)]),
)
_REFERENCE = re.compile(r"err_[A-Za-z0-9]+")
#: They show fixed words and ask nobody.
_CANNOT_FAIL = {
    "/slack/installed",
    "/connect/ended",
    "/connect/help/shopify",
    "/connect/reconnect",
    "/connect/shopify/install",
}


def leaks(answer: httpx.Response) -> bool:
    """Whether an answer tells what only a log may."""
    words = ("SELECT", "hunter2", "canary", "/srv", "Traceback", ".py", "Error", "line ")
    return any(word in f"{answer.text} {answer.headers}" for word in words)


@pytest.mark.parametrize("fault", FAULTS)
async def test_a_fault_on_any_page_is_a_reference_and_nothing_else(fault: Callable[[], Exception]) -> None:
    """T53: every address of every page, and the check of readiness; the log has the cause under the same reference."""
    site = built(error=fault())
    site.broken.append(fault())
    asked = [(method, address) for method, address in addresses(site) if address not in _CANNOT_FAIL]
    asked.append(("GET", "/readyz"))
    assert len(asked) >= 15
    async with site.browser() as client:
        for method, address in asked:
            with structlog.testing.capture_logs() as logs:
                sent = form() if method == "POST" else None
                answer = await client.request(method, address, data=sent, follow_redirects=address in BACK)
            assert answer.status_code == 500, (method, address)
            assert not leaks(answer), (method, address, answer.text)
            (reference,) = _REFERENCE.findall(answer.text)
            assert [entry["reference"] for entry in logs if "reference" in entry] == [reference]
            assert lacks(answer) == []


class TooLate(TwinFlows):
    """Fails after the commit, as the way to the next page may."""

    async def confirm(self, browser: Secret, *, flow_id: str, as_new: bool = False) -> Connected:
        await super().confirm(browser, flow_id=flow_id, as_new=as_new)
        raise self.fault

    fault: Exception = RuntimeError()


class InstalledTooLate(TwinInstalls):
    """The same, with an installation."""

    async def returned(self, query: Pairs, browser: Secret) -> InstallView:
        await super().returned(query, browser)
        raise self.fault

    fault: Exception = RuntimeError()


def denies(page: str) -> bool:
    """Whether a page says that nothing happened."""
    return "nothing was" in page.casefold()


@pytest.mark.parametrize("fault", [RuntimeError("x"), UnavailableError("x")])
async def test_no_page_denies_what_may_be_done(fault: Exception) -> None:
    """What fails after flow.confirmed or install.stored is said with where to look; the twin has the words of before."""
    site = built()
    flows, installs, browsers = TooLate(), InstalledTooLate(), Browsers([KEY], secure=True)
    flows.fault = installs.fault = fault
    routes = [*ConnectPages(flows, browsers, OffsetClock()).routes(), *InstallPages(installs, browsers).routes()]
    async with site.browser(asgi=build_web(None, None, _ready, pages=routes)) as client:
        told = [
            (await client.post("/connect/confirm", data=form())).text,
            (await client.get("/slack/oauth/callback?code=c&state=s", follow_redirects=True)).text,
        ]
    assert (flows.done, installs.done) == (["confirm"], ["installed"])
    assert [denies(page) for page in told] == [False, False]
    assert "look in Slack with /data status" in told[0]
    assert "look in Slack, under Apps" in told[1]
    assert denies(bytes(said("Something went wrong on our side", "Nothing was changed.").body).decode())


async def test_what_a_provider_did_wrong_is_said_in_our_words() -> None:
    """T53: no body of a provider's answer and no class of ours is on the page."""
    site = built(error=Broken("Shopify's answer cannot be read", code="odd", request_id="r-1"))
    async with site.browser() as client:
        answer = await client.get("/connect/done")
    assert answer.status_code == 502
    assert "cannot be read" in answer.text
    assert not leaks(answer)


async def test_the_check_sees_a_page_that_tells() -> None:
    """T53: the twin is the framework's own page for errors."""

    async def page(_: Request) -> Response:
        raise RuntimeError(LEAK)

    site = built()
    async with site.browser(asgi=Starlette(routes=[Route("/", page)], debug=True)) as client:
        assert leaks(await client.get("/"))
    async with site.browser(asgi=Starlette(routes=[Route("/", page)])) as client:
        assert not _REFERENCE.search((await client.get("/")).text)


async def test_times_are_in_the_members_own_zone_which_is_named() -> None:
    known = status()
    assert known.last_data_refresh is not None
    view = replace(VIEW, state=FlowState.DONE, connected=known, zone="America/New_York")
    async with built(view).browser() as client:
        shown = (await client.get("/connect/done")).text
    assert absolute(known.last_data_refresh, "America/New_York") in shown
    lacking = replace(
        known.source, connection=ConnectionState.ATTENTION, connection_reason="not allowed to read everything"
    )
    view = replace(view, connected=replace(known, source=lacking))
    async with built(view).browser() as client:
        told = (await client.get("/connect/done")).text
    assert "not allowed to read everything" in told
    assert "not allowed" not in shown
    assert "UTC" not in shown


@pytest.mark.parametrize("secure, believes", [(True, False), (False, True)])
async def test_a_neighbouring_host_gives_no_browser_its_name(*, secure: bool, believes: bool) -> None:
    """T27: a name that another host or the network planted counts for nothing; the twin is a page without TLS."""
    site, browsers = built(), Browsers([KEY], secure=secure)
    routes = ConnectPages(site.flows, browsers, OffsetClock()).routes()
    async with site.browser(known=False, asgi=build_web(None, None, _ready, pages=routes)) as client:
        planted = {"cookie": f"{COOKIE}={BROWSER.reveal()}"}
        shown = await client.get("/connect/confirm", headers=planted)
        assert (shown.status_code != 410) is believes
        ours = {"cookie": f"{HOST_COOKIE if secure else COOKIE}={BROWSER.reveal()}"}
        # A browser that we know keeps its name, for another hour.
        (told,) = (await client.get(f"/connect/l/{LINK}", headers=ours)).headers.get_list("set-cookie")
        assert BROWSER.reveal() in told
        assert "Max-Age=3600" in told
        parts = {part.strip().lower() for part in told.split(";")[1:]}
        assert ({"secure", "path=/"} <= parts and told.startswith("__Host-")) is secure
        assert not any(part.startswith("domain") for part in parts)
