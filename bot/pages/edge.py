"""The one place where what goes wrong behind a page becomes a page; the unexpected is logged under its reference."""

from collections.abc import Awaitable, Callable

import structlog
from starlette.requests import Request
from starlette.responses import Response

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


def in_words(handler: Handler, *, look: str = LOOK) -> Handler:
    """Return the handler with the words for what can go wrong; `look` is where one sees how far it came."""

    async def answered(request: Request) -> Response:
        try:
            return await handler(request)
        except Exception as error:  # noqa: BLE001 - the edge of the process: what is not known is logged below
            return _page_of(error, look)

    return answered


#: Kind of error -> title, words, next step, status.
_SAID: dict[type[Exception], tuple[str, str, str, int]] = {
    FlowGoneError: (
        "This link is no longer valid",
        "It was used, is older than 15 minutes, or belongs to another browser.",
        AGAIN,
        410,
    ),
    ForeignFormError: (
        "That did not come from our page",
        "The page that you pressed the button on was not drawn for this browser. Nothing was changed.",
        AGAIN,
        403,
    ),
    TooLargeError: ("That is too much", "Nothing was changed.", AGAIN, 413),
    NotAllowedError: (
        "You may not connect accounts",
        "Only an admin of your organization in Tidings may connect accounts. Nothing was changed.",
        "ask an admin to do it.",
        403,
    ),
}


def _page_of(error: Exception, look: str) -> Response:
    if isinstance(error, UnavailableError):
        return said("That took too long", UNSURE, step=look, status=503)
    if isinstance(error, FlowRefusedError):
        return said("Nothing was connected", label(error.said), step=AGAIN, status=409)
    if isinstance(error, ConnectorError):
        log.warning("connect_provider_failed", reason=error.code)
        return said("The provider did not answer as it should", label(str(error)), step=AGAIN, status=502)
    known = next((said_ for kind, said_ in _SAID.items() if isinstance(error, kind)), None)
    if known is not None:
        title, words, step, status = known
        return said(title, words, step=step, status=status)
    reference = new_id("err")
    log.error("page_failed", reference=reference, exc_info=error)
    return said("Something went wrong on our side", UNSURE, step=look, reference=reference, status=500)
