"""Installing Tidings into a Slack workspace: what it may do, Slack's own page, and what came of it.

A GET never begins anything: only the button does, from a form drawn for the same browser. What Slack sends back counts
once, within ten minutes, in that browser.
"""

import json
from dataclasses import asdict, replace
from typing import Any, Protocol

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.pages.browser import Browsers
from bot.pages.draw import page, said
from bot.pages.edge import ForeignFormError, Told, TooLargeError, coming_back, forgotten, in_words, told_before, told_of
from bot.pages.form import posted
from connectors.errors import ConnectorError
from connectors.grants import Pairs
from jobs.errors import FlowGoneError, FlowRefusedError
from jobs.installs.service import InstallView
from jobs.manifest import LOST, MAY
from storage.facts.secret import Secret
from templates.text import label, listed

log = structlog.get_logger("bot.pages")

PATH = "/slack"
AGAIN = "open the page /slack/install and press Add to Slack."
LOOK = "look in Slack, under Apps, whether Tidings is there before you try again."
_DONE = "/slack/installed"
_MOST_QUERY = 8 * 1024
#: Names of an enterprise's workspaces on the page; Slack itself lists the others.
_MOST_NAMES = 20
_GONE = "The page is older than ten minutes, was used, or belongs to another browser. It installed nothing now."
_NOT_SET_UP = "SLACK_CLIENT_ID and SLACK_CLIENT_SECRET are empty, so Slack cannot be asked."


_FIRST_ADMIN = (
    "You are the first admin. Next, in Slack: /data connect to connect an account, and /data members to let people in."
)
_SLACK_ADMINS = "Admins of the Slack workspace are admins here when they first speak to Tidings."


class Installs(Protocol):
    """What the pages need of installing; jobs.installs has it."""

    @property
    def ready(self) -> bool:
        """Whether the app's own keys are set."""
        ...

    async def begin(self, browser: Secret) -> str:
        """Return Slack's page."""
        ...

    async def returned(self, query: Pairs, browser: Secret) -> InstallView:
        """Take what Slack sent back."""
        ...


class InstallPages:
    """Draws the pages; `forget` is told of workspaces whose token changed."""

    def __init__(self, installs: Installs, browsers: Browsers) -> None:
        self._installs = installs
        self._browsers = browsers

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [
            Route("/slack/install", in_words(self._ask, _told_of)),
            Route("/slack/install", in_words(self._go, _told_of), methods=["POST"]),
            Route("/slack/oauth/callback", coming_back(self._returned, self._browsers, _DONE, _told_of)),
            Route(_DONE, in_words(self._done, _told_of)),
        ]

    async def _ask(self, request: Request) -> Response:
        if not self._installs.ready:
            return said("Installing is not set up here", _NOT_SET_UP, status=503, step="tell whoever runs Tidings.")
        browser = self._browsers.of(request) or self._browsers.new()
        response = page("install", may=list(dict.fromkeys(MAY.values())), csrf=self._browsers.mark(browser))
        self._browsers.remember(response, browser)
        return response

    async def _go(self, request: Request) -> Response:
        browser, _ = await posted(self._browsers, request)
        if not self._installs.ready:
            return said("Installing is not set up here", _NOT_SET_UP, status=503, step="tell whoever runs Tidings.")
        return page("leaving", where="Slack", url=await self._installs.begin(browser))

    async def _returned(self, request: Request) -> Response:
        browser = self._browsers.of(request)
        if browser is None or len(request.url.query) > _MOST_QUERY:
            raise FlowGoneError
        view = await self._installs.returned(request.query_params.multi_items(), browser)
        # A clean address: no code and no state stay in the history.
        response = RedirectResponse(_DONE, 303)
        self._browsers.keep(response, browser, json.dumps({"view": asdict(_short(view))}))
        return response

    async def _done(self, request: Request) -> Response:
        told = told_before(self._browsers, request)
        if told is not None:
            return told.page()
        outcome = self._kept(request)
        if "view" not in outcome:
            # Names that were too long for a cookie, or a browser that keeps none: where to look is said instead.
            return forgotten(LOOK).page()
        view = InstallView(**outcome["view"])
        return page("installed", title=_title(view), rows=_rows(view), lost=_lost(view), lines=_lines(view))

    def _kept(self, request: Request) -> dict[str, Any]:
        browser = self._browsers.of(request)
        text = self._browsers.kept(request, browser) if browser is not None else None
        outcome: dict[str, Any] = json.loads(text) if text else {}
        return outcome


def _short(view: InstallView) -> InstallView:
    more = len(view.workspaces) - _MOST_NAMES
    names = view.workspaces[:_MOST_NAMES] + ((f"{more} more",) if more > 0 else ())
    return replace(view, workspaces=names)


def _title(view: InstallView) -> str:
    return f"Tidings is in {label(view.name)}{' again' if view.again else ''}"


def _rows(view: InstallView) -> list[tuple[str, str]]:
    rows = [("Enterprise" if view.whole else "Workspace", label(view.name))]
    if view.whole:
        rows.append(("Workspaces", listed([label(name) for name in view.workspaces]) if view.workspaces else "–"))
    if view.organization is not None:
        rows.append(("Organization", label(view.organization)))
    return rows


def _lost(view: InstallView) -> list[tuple[str, str]]:
    return [(scope, LOST.get(scope, scope)) for scope in view.missing]


def _lines(view: InstallView) -> list[str]:
    if view.organization is None:
        return ["This is the support team's own workspace; it has no data of its own."]
    if view.made_admin:
        return [_FIRST_ADMIN, _SLACK_ADMINS]
    if view.founded:
        return ["Admins of the Slack workspaces, and you, are admins here on first speaking to Tidings: /data connect."]
    return ["Members and their roles are as they were. Who may do what: /data members in Slack."]


def _told_of(error: Exception) -> Told:
    """Say what can go wrong with an installation."""
    if isinstance(error, FlowGoneError | ForeignFormError | TooLargeError):
        return Told("Please begin again", _GONE, AGAIN, 410)
    if isinstance(error, FlowRefusedError):
        return Told("Nothing was installed", label(error.said), AGAIN, 409)
    if isinstance(error, ConnectorError):
        log.warning("install_failed", reason=error.code)
        return Told("Slack did not answer as it should", label(error.detail), AGAIN, 502)
    return told_of(error, LOOK)
