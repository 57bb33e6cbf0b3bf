"""The one place where what goes wrong behind a page becomes a page; the unexpected is logged under its reference."""

import json
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from bot.pages.browser import Browsers
from bot.pages.draw import said
from connectors.errors import ConnectorError
from jobs.errors import FlowGoneError, FlowRefusedError, NotAllowedError, UnavailableError
from storage.facts.ids import new_id
from templates.text import label

log = structlog.get_logger("bot.pages")

#: Where an error may come after what it interrupts was written down, only a look says how far it came.
UNSURE = "It is not certain how far this came: it may be done."
LOOK = "look in Slack with /data status whether the account is connected before you try again."
AGAIN = "start again in Slack with /data connect, or press Reconnect on the message there."

Handler = Callable[[Request], Awaitable[Response]]


class ForeignFormError(Exception):
    """The form was not drawn for this browser."""


class TooLargeError(Exception):
    """Nothing of ours is that large."""


@dataclass(frozen=True, slots=True)
class Told:
    """What went wrong, as a page says it."""

    title: str
    line: str
    #: the one next step
    step: str
    status: int
    #: under which the log has the cause
    reference: str = ""

    def page(self) -> Response:
        """Draw it."""
        return said(self.title, self.line, step=self.step, reference=self.reference, status=self.status)


#: Says what an error means to the person.
Tell = Callable[[Exception], Told]


def in_words(handler: Handler, tell: Tell | None = None) -> Handler:
    """Return the handler with the words for what can go wrong; `tell` has other ones than those of connecting."""
    telling = tell or told_of

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the edge of the process: what is not known is logged below
            return telling(error).page()

    return answered


def coming_back(handler: Handler, browsers: Browsers, ended: str, tell: Tell | None = None) -> Handler:
    """Return the handler of an address that browsers are sent back to, with a code and a state behind it.

    It leads elsewhere itself when all is well. What goes wrong is said at `ended`: the browser carries it there, and
    nothing of the address stays in its history, in a copied link, or on a screen that is shared.
    """
    telling = tell or told_of

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - as above
            told = telling(error)
        response = RedirectResponse(ended, 303)
        # A browser that we never met is told the same of whatever it brings.
        if (browser := browsers.of(request)) is not None:
            browsers.keep(response, browser, json.dumps({_TOLD: asdict(told)}))
        return response

    return answered


def told_before(browsers: Browsers, request: Request) -> Told | None:
    """Return what the browser carries from an address that it came back to; FlowGoneError for one never met."""
    browser = browsers.of(request)
    if browser is None:
        raise FlowGoneError
    carried = json.loads(browsers.kept(request, browser) or "{}")
    return Told(**carried[_TOLD]) if _TOLD in carried else None


_TOLD = "told"
_SAID: dict[type[Exception], Told] = {
    FlowGoneError: Told(
        "This link is no longer valid",
        "It was used, is older than 15 minutes, or belongs to another browser.",
        AGAIN,
        410,
    ),
    ForeignFormError: Told(
        "That did not come from our page",
        "The page that you pressed the button on was not drawn for this browser. Nothing was changed.",
        AGAIN,
        403,
    ),
    TooLargeError: Told("That is too much", "Nothing was changed.", AGAIN, 413),
    NotAllowedError: Told(
        "You may not connect accounts",
        "Only an admin of your organization in Tidings may connect accounts. Nothing was changed.",
        "ask an admin to do it.",
        403,
    ),
}


def told_of(error: Exception, look: str = LOOK) -> Told:
    """Say what an error means; the unexpected is logged. `look` is where one sees how far it came."""
    if isinstance(error, UnavailableError):
        return Told("That took too long", UNSURE, look, 503)
    if isinstance(error, FlowRefusedError):
        return Told("Nothing was connected", label(error.said), AGAIN, 409)
    if isinstance(error, ConnectorError):
        log.warning("connect_provider_failed", reason=error.code)
        return Told("The provider did not answer as it should", label(str(error)), AGAIN, 502)
    known = next((told for kind, told in _SAID.items() if isinstance(error, kind)), None)
    if known is not None:
        return known
    reference = new_id("err")
    log.error("page_failed", reference=reference, exc_info=error)
    return Told("Something went wrong on our side", UNSURE, look, 500, reference)


def forgotten(look: str = LOOK) -> Told:
    """Say that the browser does not carry any more what came of something."""
    return Told("What came of it is no longer shown here", UNSURE, look, 410)
