"""The pages of a flow: who connects what, the proof, the provider, the yes, and what came of it.

A GET never changes anything but what the provider or Slack hands back with it, and that is taken once. Every POST must
come from a form that was drawn for the same browser.
"""

import structlog
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import Route

from bot.pages import words
from bot.pages.browser import Browsers
from bot.pages.draw import page, said
from bot.pages.edge import AGAIN, Handler, coming_back, forgotten, in_words, told_before
from bot.pages.filling import Drawn, FormPages
from bot.pages.form import posted
from bot.pages.port import Flows
from connectors.grants import HintError, Pairs
from jobs.connecting.views import FlowView
from jobs.errors import FlowGoneError, TooManyCodesError, WrongCodeError
from storage.facts.clock import Clock
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from templates.text import label

log = structlog.get_logger("bot.pages")

_ENDED = "/connect/ended"
_MOST_QUERY = 8 * 1024


class ConnectPages:
    """Draws the pages and hands every step to the flows."""

    def __init__(self, flows: Flows, browsers: Browsers, clock: Clock) -> None:
        self._flows = flows
        self._browsers = browsers
        self._clock = clock
        self._forms = FormPages(flows, browsers, clock)

    def routes(self) -> list[Route]:
        """Return the addresses of a flow."""
        link = "/connect/l/{link}"
        return [
            Route(link, in_words(self._start)),
            Route(f"{link}/slack", in_words(self._sign_in), methods=["POST"]),
            Route(f"{link}/code", in_words(self._send_code), methods=["POST"]),
            Route(f"{link}/prove", in_words(self._prove), methods=["POST"]),
            Route(f"{link}/go", in_words(self._go), methods=["POST"]),
            Route(f"{link}/form", in_words(self._forms.fill), methods=["POST"]),
            Route("/connect/slack/callback", self._back(self._signed_in)),
            Route("/connect/{provider}/callback", self._back(self._returned)),
            Route(_ENDED, in_words(self._told)),
            Route("/connect/confirm", in_words(self._ask_yes)),
            Route("/connect/confirm", in_words(self._confirm), methods=["POST"]),
            Route("/connect/give-up", in_words(self._give_up), methods=["POST"]),
            Route("/connect/done", in_words(self._done)),
        ]

    def _back(self, handler: Handler) -> Handler:
        return coming_back(handler, self._browsers, _ENDED)

    async def _told(self, request: Request) -> Response:
        return (told_before(self._browsers, request) or forgotten()).page()

    async def _start(self, request: Request) -> Response:
        browser = self._browsers.of(request)
        known = browser or self._browsers.new()
        view = await self._flows.look(_link(request), browser)
        response = self._step(request, view, known)
        # Also one that we know: its hour must not end while it is at the provider.
        self._browsers.remember(response, known)
        return response

    def _step(self, request: Request, view: FlowView, browser: Secret, *, wrong: str = "", typed: str = "") -> Response:
        """Return the page of the step at which the flow is."""
        match view.state:
            case FlowState.LINKED if view.code_sent:
                return self._code_page(request, view, browser, wrong)
            case FlowState.LINKED:
                return self._start_page(request, view, browser)
            case FlowState.PROVEN | FlowState.SENT:
                return self._ready_page(request, view, browser, wrong, typed)
            case FlowState.RETURNED:
                return RedirectResponse("/connect/confirm", 303)
            case FlowState.DONE:
                return RedirectResponse("/connect/done", 303)
            case _:
                return _ended(view)

    def _start_page(self, request: Request, view: FlowView, browser: Secret) -> Response:
        return page(
            "start",
            title=words.title(view),
            rows=words.who(view),
            member=label(view.member),
            signs_in=view.can_sign_in,
            until=words.minutes_left(view.expires_at, self._clock.now()),
            here=_here(request),
            csrf=self._browsers.mark(browser),
        )

    def _code_page(self, request: Request, view: FlowView, browser: Secret, wrong: str) -> Response:
        return page(
            "code",
            member=label(view.member),
            workspace=label(view.workspace),
            wrong=wrong,
            more=view.codes_left > 0,
            here=_here(request),
            csrf=self._browsers.mark(browser),
        )

    def _ready_page(self, request: Request, view: FlowView, browser: Secret, wrong: str, typed: str) -> Response:
        if view.form:
            return self._forms.draw(request, view, browser, Drawn(view.typed))
        return page(
            "ready",
            title=words.title(view),
            rows=words.who(view),
            wrong=wrong,
            hint=view.hint,
            typed=typed,
            provider=view.provider_label,
            here=_here(request),
            csrf=self._browsers.mark(browser),
        )

    async def _sign_in(self, request: Request) -> Response:
        browser, _ = await self._posted(request)
        return _leave("Slack", await self._flows.sign_in(_link(request), browser))

    async def _send_code(self, request: Request) -> Response:
        browser, _ = await self._posted(request)
        try:
            await self._flows.send_code(_link(request), browser)
        except TooManyCodesError:
            view = await self._flows.look(_link(request), browser)
            wrong = "No more codes are sent for this link. Type the last one, or start again in Slack."
            return self._code_page(request, view, browser, wrong)
        return RedirectResponse(_here(request), 303)

    async def _prove(self, request: Request) -> Response:
        browser, form = await self._posted(request)
        try:
            await self._flows.prove_code(_link(request), browser, form.get("code", ""))
        except WrongCodeError as error:
            if not error.left:
                return said("That was not the code", "It was typed wrong too often, so this link is over.", step=AGAIN)
            view = await self._flows.look(_link(request), browser)
            tries = "once more" if error.left == 1 else f"{error.left} more times"
            return self._step(request, view, browser, wrong=f"That is not the code. You can try {tries}.")
        return RedirectResponse(_here(request), 303)

    async def _signed_in(self, request: Request) -> Response:
        link = await self._flows.signed_in(_pairs(request), self._known(request))
        return RedirectResponse(f"/connect/l/{link.reveal()}", 303)

    async def _go(self, request: Request) -> Response:
        browser, form = await self._posted(request)
        typed = form.get("hint", "")[:200]
        try:
            url = await self._flows.go(_link(request), browser, typed)
        except HintError as error:
            view = await self._flows.look(_link(request), browser)
            return self._step(request, view, browser, wrong=str(error), typed=typed)
        view = await self._flows.look(_link(request), browser)
        return _leave(view.provider_label, url)

    async def _returned(self, request: Request) -> Response:
        provider = request.path_params["provider"]
        if provider not in {known.value for known in Provider}:
            raise FlowGoneError
        view = await self._flows.returned(Provider(provider), _pairs(request), self._known(request))
        # A clean address: no code and no state stay in the history.
        return RedirectResponse("/connect/confirm" if view.state is FlowState.RETURNED else "/connect/done", 303)

    async def _ask_yes(self, request: Request) -> Response:
        browser = self._known(request)
        view = await self._flows.result(browser)
        if view.state is not FlowState.RETURNED:
            return RedirectResponse("/connect/done", 303)
        mark = self._browsers.mark(browser)
        if view.mismatch is not None:
            return _mismatch_page(view, mark)
        return page(
            "confirm",
            company=label(view.company or ""),
            organization=label(view.organization),
            member=label(view.member),
            rows=words.chosen(view),
            missing=words.missing(view),
            provider=view.provider_label,
            scopes=[label(scope) for scope in view.missing],
            flow=view.id,
            csrf=mark,
        )

    async def _confirm(self, request: Request) -> Response:
        browser, form = await self._posted(request)
        connected = await self._flows.confirm(browser, flow_id=form.get("flow", ""), as_new=form.get("as") == "new")
        log.info("connected", source=connected.source.id, organization=connected.source.organization_id)
        return RedirectResponse("/connect/done", 303)

    async def _give_up(self, request: Request) -> Response:
        browser, form = await self._posted(request)
        await self._flows.give_up(browser, flow_id=form.get("flow", ""))
        return RedirectResponse("/connect/done", 303)

    async def _done(self, request: Request) -> Response:
        view = await self._flows.result(self._known(request))
        if view.state is FlowState.RETURNED:
            return RedirectResponse("/connect/confirm", 303)
        if view.state is not FlowState.DONE:
            return _ended(view)
        waits = words.waiting(view)
        return page(
            "done",
            title=f"{label(view.company or '') or view.provider_label} is connected",
            rows=words.done(view),
            streams=[label(stream) for stream in view.streams],
            attention=words.attention(view),
            waiting=waits,
        )

    def _known(self, request: Request) -> Secret:
        browser = self._browsers.of(request)
        if browser is None:
            raise FlowGoneError
        return browser

    async def _posted(self, request: Request) -> tuple[Secret, dict[str, str]]:
        return await posted(self._browsers, request)


def _pairs(request: Request) -> Pairs:
    if len(request.url.query) > _MOST_QUERY:
        raise FlowGoneError
    return request.query_params.multi_items()


def _link(request: Request) -> Secret:
    return Secret(request.path_params["link"])


def _here(request: Request) -> str:
    return f"/connect/l/{request.path_params['link']}"


def _leave(where: str, url: str) -> Response:
    """Return a page that goes on to another host: a form's own redirect would need that host in our policy."""
    return page("leaving", where=where, url=url)


def _mismatch_page(view: FlowView, mark: str) -> Response:
    assert view.mismatch is not None
    assert view.source is not None
    found = view.mismatch
    return page(
        "mismatch",
        company=label(found.chosen),
        expected=label(found.expected),
        organization=label(view.organization),
        rows=words.both(found),
        may_be_new=found.new_allowed,
        provider=view.provider_label,
        again=f"/data reconnect {label(view.source.label)}",
        flow=view.id,
        csrf=mark,
    )


def _ended(view: FlowView) -> Response:
    """Return the page of a flow that came to nothing."""
    if view.state is FlowState.EXPIRED:
        return said("This took too long", "Nothing was connected and nothing is left behind.", step=AGAIN)
    stays = f"{label(view.source.company)} stays as it is." if view.source else "Nothing was connected."
    return said("Nothing was connected", label(view.said or stays), step=AGAIN)
