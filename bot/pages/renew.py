"""Where Amazon sends a seller who renews, or begins, the consent at Amazon: who is it? Slack says so, then back there.

Opening the address changes nothing. What Amazon sent along goes through the form as it came and is checked again.
"""

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.pages.browser import Browsers
from bot.pages.draw import PLAIN_FOOTER, page, said
from bot.pages.edge import in_words
from bot.pages.form import posted
from bot.pages.port import Flows
from connectors.grants import Pairs
from jobs.connecting.views import Launch
from jobs.errors import FlowGoneError, FlowRefusedError
from storage.facts.secret import Secret
from templates.text import label

_PATH = "/connect/amazon/renew"
#: What Amazon sends along; nothing else of its address is kept.
_ASKED = ("amazon_callback_uri", "amazon_state", "selling_partner_id", "version")
_MOST_QUERY = 8 * 1024
_STEP = (
    "in Slack, type /data reconnect amazon, or /data connect amazon for another seller account. "
    "It leads to the same Amazon page."
)


class RenewPages:
    """Draws the page and hands the step to the flows."""

    def __init__(self, flows: Flows, browsers: Browsers) -> None:
        self._flows = flows
        self._browsers = browsers

    def routes(self) -> list[Route]:
        """Return the addresses."""
        return [Route(_PATH, in_words(self._ask)), Route(_PATH, in_words(self._go), methods=["POST"])]

    async def _ask(self, request: Request) -> Response:
        query = _pairs(request)
        try:
            asked = self._flows.launch(query)
        except FlowRefusedError as error:
            return _refused(error)
        browser = self._browsers.of(request) or self._browsers.new()
        response = self._page(asked, query, browser)
        self._browsers.remember(response, browser)
        return response

    def _page(self, asked: Launch, query: Pairs, browser: Secret) -> Response:
        return page(
            "renew",
            rows=[("Seller", label(asked.seller)), ("Region", asked.region)],
            signs_in=asked.can_sign_in,
            step=_STEP,
            asked=[(name, value) for name, value in query if name in _ASKED],
            csrf=self._browsers.mark(browser),
            footer=PLAIN_FOOTER,
        )

    async def _go(self, request: Request) -> Response:
        browser, form = await posted(self._browsers, request)
        try:
            url = await self._flows.renew([(name, form[name]) for name in _ASKED if name in form], browser)
        except FlowRefusedError as error:
            return _refused(error)
        return page("leaving", where="Slack", url=url)


def _pairs(request: Request) -> Pairs:
    if len(request.url.query) > _MOST_QUERY:
        raise FlowGoneError
    return request.query_params.multi_items()


def _refused(error: FlowRefusedError) -> Response:
    return said("Nothing was renewed", label(error.said), step=_STEP, status=409)
