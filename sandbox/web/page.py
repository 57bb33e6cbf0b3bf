"""The page: one person's view of the workspaces and of the mail, with forms for everything a person can do."""

import asyncio
import html
import re
from collections.abc import AsyncIterator
from pathlib import Path
from typing import TYPE_CHECKING

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Mount, Route
from starlette.staticfiles import StaticFiles

from sandbox.slack.oauth import ACTS_AS
from sandbox.web.draw.blocks import environment
from sandbox.web.shown import Shown, show

if TYPE_CHECKING:
    from starlette.datastructures import FormData

    from sandbox.slack.courier import Answer
    from sandbox.slack.messages import Message
    from sandbox.slack.views import View
    from sandbox.slack.workspace import SlackWorkspace

_STATIC = Path(__file__).parent / "static"
_POLICY = (
    "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; frame-src 'self'; "
    "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
)
_HEADERS = {
    "Content-Security-Policy": _POLICY,
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
}
#: A mail may style itself and nothing else: no script, no remote picture, no form, no way out of its frame.
_MAIL_POLICY = "default-src 'none'; style-src 'unsafe-inline'; img-src data:; sandbox; frame-ancestors 'self'"
_SECONDS_BETWEEN_LOOKS = 0.08


def page_routes(slack: "SlackWorkspace") -> list[BaseRoute]:
    """Return the routes of the page over one workspace."""
    page = Page(slack)
    return [
        Route("/", page.start),
        Route("/as/{user}/live", page.live),
        Route("/as/{user}/{place}", page.place),
        Route("/as/{user}/{place}/say", page.say, methods=["POST"]),
        Route("/as/{user}/{place}/click", page.click, methods=["POST"]),
        Route("/as/{user}/{place}/shortcut", page.shortcut, methods=["POST"]),
        Route("/as/{user}/{place}/suggest", page.suggest, methods=["POST"]),
        Route("/as/{user}/{place}/submit", page.submit, methods=["POST"]),
        Route("/as/{user}/{place}/close", page.close, methods=["POST"]),
        Route("/mail/{number:int}/html", page.mail_html),
        Mount("/static", StaticFiles(directory=_STATIC)),
    ]


class Page:
    """Draws and acts for whoever the visitor has chosen to be; the address says who and where."""

    def __init__(self, slack: "SlackWorkspace") -> None:
        self._slack = slack
        #: what went wrong with somebody's last act, in words
        self._notices: dict[str, str] = {}
        #: where everybody is
        self._at: dict[str, str] = {}

    async def start(self, _: Request) -> Response:
        """Send a visitor to the first person's first channel."""
        user = self._slack.world.act_as[0]
        return RedirectResponse(f"/as/{user}/{self._first_place(user)}")

    async def place(self, request: Request) -> Response:
        """Draw a channel, a direct message or the Home tab."""
        user, place = request.path_params["user"], request.path_params["place"]
        self._known(user)
        if place == "first":
            return RedirectResponse(f"/as/{user}/{self._first_place(user)}")
        live = "x-live" in request.headers
        if place == "home" and not live:
            self._slack.core.background.start(self._open_home(user))
        if not live and self._comes_to_the_app(user, place):
            self._slack.core.background.start(self._open_messages(user))
        shown = show(self._slack, user, place, dict(request.query_params), self._notices.get(user))
        if shown is None:
            raise HTTPException(404, "there is no such channel, or this person cannot see it")
        return self._page(shown)

    async def live(self, _: Request) -> Response:
        """Tell the page whenever something has changed, as Server-Sent Events."""
        return StreamingResponse(self._changes(), media_type="text/event-stream", headers={"Cache-Control": "no-store"})

    async def say(self, request: Request) -> Response:
        """Send a message, or a slash command."""
        user, place, form = await self._form(request)
        text = form.get("text", "").strip()
        channel = self._slack.world.direct(user).id if place == "home" else place
        if text.startswith("/"):
            command, _, rest = text.partition(" ")
            await self._command(user, channel, command, rest.strip())
        elif text:
            written = self._written(user, text)
            self._notice(user, await self._slack.say(user, channel, written, form.get("thread") or None), "The message")
        return self._done(request, user, place)

    async def click(self, request: Request) -> Response:
        """Use an element."""
        user, place, form = await self._form(request)
        where = self._where(user, form)
        if where is None:
            self._notices[user] = "That message is no longer there."
        else:
            value, block_id = form.get("value") or None, form.get("block_id") or None
            view = self._slack.modal(user)
            if view is not None and where is view and any(name.startswith("input:") for name in form):
                view.fill(_filled(view, await request.form()))
            answer = await self._slack.click(user, where, form["action_id"], value, block_id=block_id)
            self._notice(user, answer, "This action")
        return self._done(request, user, place)

    async def shortcut(self, request: Request) -> Response:
        """Choose a shortcut: of the app, or of a message."""
        user, place, form = await self._form(request)
        message = self._slack.message(form["channel"], form["ts"]) if "ts" in form else None
        if "ts" in form and message is None:
            self._notices[user] = "That message is no longer there."
        else:
            answer = await self._slack.shortcut(user, form.get("callback", ""), message)
            self._notice(user, answer, "The shortcut")
        return self._done(request, user, place)

    async def suggest(self, request: Request) -> Response:
        """Return what a menu of the topmost modal offers for what is typed into it."""
        user, _, form = await self._form(request)
        if self._slack.modal(user) is None:
            return JSONResponse([])
        found = await self._slack.type_into(user, form["block_id"], form.get("text", ""))
        shown = [(one["value"], one["text"]["text"], one.get("description", {}).get("text", "")) for one in found]
        return JSONResponse(shown)

    async def submit(self, request: Request) -> Response:
        """Submit the topmost modal."""
        user, place, _ = await self._form(request)
        view, form = self._slack.modal(user), await request.form()
        if view is not None:
            answer = await self._slack.submit_view(user, _filled(view, form), view)
            if not (answer.error or "").startswith("incomplete"):
                self._notice(user, answer, "This form")
        return self._done(request, user, place)

    async def close(self, request: Request) -> Response:
        """Close the topmost modal."""
        user, place, _ = await self._form(request)
        if self._slack.modal(user) is not None:
            await self._slack.close_view(user)
        return self._done(request, user, place)

    async def mail_html(self, request: Request) -> Response:
        """Return the HTML part of a mail, for its frame."""
        number = request.path_params["number"]
        mails = self._slack.mail.messages if self._slack.mail else []
        if not 1 <= number <= len(mails):
            raise HTTPException(404)
        return HTMLResponse(mails[number - 1].shown(), headers={"Content-Security-Policy": _MAIL_POLICY})

    def _page(self, shown: Shown) -> Response:
        body = environment().get_template("page.html.j2").render(shown=shown)
        page = HTMLResponse(body, headers=_HEADERS)
        # Sign in with Slack, which may open in another tab, then knows whom the visitor acts as.
        page.set_cookie(ACTS_AS, shown.me.id, httponly=True, samesite="lax")
        return page

    async def _changes(self) -> AsyncIterator[str]:
        yield "retry: 1000\n\n"
        number = 0
        while not self._slack.core.closing.is_set():
            await self._slack.changed.wait()
            await asyncio.sleep(_SECONDS_BETWEEN_LOOKS)
            number += 1
            yield f"data: {number}\n\n"

    async def _command(self, user: str, channel: str, command: str, text: str) -> None:
        if command not in self._slack.app.commands:
            self._notices[user] = f"{command} is not a command here. Try /data."
            self._slack.journal.changed()
        elif not self._slack.app.serves(self._slack.world.channels[channel].team):
            self._notices[user] = f"{command} is not installed in this workspace."
        else:
            answer = await self._slack.command(user, channel, command, self._named(user, channel, text))
            self._notice(user, answer, command)

    async def _open_home(self, user: str) -> None:
        await self._slack.open_home(user)

    def _comes_to_the_app(self, user: str, place: str) -> bool:
        """Whether somebody opens the direct message with the app, who was elsewhere."""
        before, self._at[user] = self._at.get(user), place
        serves = self._slack.app.serves(self._slack.core.person(user).team)
        return serves and before != place and place == self._slack.world.direct(user).id

    async def _open_messages(self, user: str) -> None:
        await self._slack.open_messages(user)

    def _named(self, user: str, channel: str, text: str) -> str:
        """Turn `#finance`, `@maya` and `@finance-team` into what Slack sends when they are chosen from its lists."""
        world = self._slack.world
        team = world.channels[channel].team
        rooms = [one for one in world.channels.values() if not one.is_im and world.sees(user, one)]
        known = {f"#{one.name}": f"<#{one.id}|{one.name}>" for one in rooms}
        for person in world.people.values():
            if person.team == team and not person.deleted:
                known[f"@{person.name}"] = f"<@{person.id}|{person.name}>"
        for group in world.groups.values():
            if group.team == team:
                known[f"@{group.handle}"] = f"<!subteam^{group.id}|@{group.handle}>"
        return re.sub(r"(?<!\S)[#@][\w-]+", lambda found: known.get(found[0].lower(), found[0]), text)

    def _written(self, user: str, text: str) -> str:
        """Escape what a person types, as Slack's client does, and turn `@Tidings` into a mention."""
        bot = self._slack.core.bot(self._slack.core.person(user).team)
        return re.sub(rf"(?i)@{re.escape(bot.real_name)}\b", f"<@{bot.id}>", html.escape(text, quote=False))

    def _notice(self, user: str, answer: "Answer", what: str) -> None:
        if answer.ok:
            self._notices.pop(user, None)
        else:
            self._notices[user] = f"{what} failed with the error “{answer.error}”"
            self._slack.journal.changed()

    def _where(self, user: str, form: dict[str, str]) -> "Message | View | None":
        if "ts" in form:
            return self._slack.message(form["channel"], form["ts"])
        views = (self._slack.modal(user), self._slack.home(user))
        return next((view for view in views if view is not None and view.id == form.get("view")), None)

    async def _form(self, request: Request) -> tuple[str, str, dict[str, str]]:
        user = request.path_params["user"]
        self._known(user)
        self._at[user] = request.path_params["place"]
        form = {key: value for key, value in (await request.form()).items() if isinstance(value, str)}
        return user, request.path_params["place"], form

    def _done(self, request: Request, user: str, place: str) -> Response:
        if "x-live" in request.headers:
            return Response(status_code=204)
        query = f"?{request.url.query}" if request.url.query else ""
        return RedirectResponse(f"/as/{user}/{place}{query}", status_code=303)

    def _first_place(self, user: str) -> str:
        channels = self._slack.world.channels.values()
        return next(c.id for c in channels if user in c.people and not c.is_im)

    def _known(self, user: str) -> None:
        if user not in self._slack.world.act_as:
            raise HTTPException(404, "nobody to act as")


def _filled(view: "View", form: "FormData") -> dict[str, object]:
    """Return what stands in each input of a modal, by block_id."""
    values: dict[str, object] = {}
    for block in view.blocks:
        if block["type"] == "input":
            found = [str(value) for value in form.getlist(f"input:{block['block_id']}")]
            many = block["element"]["type"] in {"checkboxes", "multi_static_select", "multi_external_select"}
            values[block["block_id"]] = found if many else (found[0] if found else None)
    return values
