"""The Slack stand-in as tests and the demo use it: started, acted in, read, and made to lie."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Sequence
from typing import Any, TypeVar

from starlette.applications import Starlette
from starlette.routing import Route

from sandbox.mail import MailSink
from sandbox.slack.acts import People
from sandbox.slack.admin import admin_routes
from sandbox.slack.api import WebApi
from sandbox.slack.core import Core
from sandbox.slack.courier import Answer, Courier
from sandbox.slack.errors import Json
from sandbox.slack.journal import Call, Delivery, Entry, Journal, Refused
from sandbox.slack.lies import Kind, Lie
from sandbox.slack.messages import Message
from sandbox.slack.oauth import Asked, OAuth
from sandbox.slack.oauth_install import admin_of, install_routes, installed
from sandbox.slack.oauth_signin import signin_routes
from sandbox.slack.responses import Responses
from sandbox.slack.sockets import SocketMode
from sandbox.slack.views import View
from sandbox.slack.wire import serving
from sandbox.slack.world import SlackApp, World
from sandbox.web.page import page_routes
from storage.facts.clock import Clock, SystemClock

T = TypeVar("T")


class SlackWorkspace:
    """Several Slack teams with one app installed, on 127.0.0.1. The waits (cut-off, retries) are real seconds."""

    def __init__(self, world: World, *, clock: Clock | None = None, mail: MailSink | None = None,
                 request_url: str | None = None, rates: bool = True, ack_seconds: float = 3.0,
                 retry_delays: Sequence[float] = (0.0, 60.0, 300.0)) -> None:  # fmt: skip
        self.core = Core(world, clock or SystemClock(), rates=rates)
        self.mail: MailSink | None = mail
        self.sockets = SocketMode(self.core)
        self.courier = Courier(
            self.core, self.sockets, request_url=request_url, ack_seconds=ack_seconds, retry_delays=retry_delays
        )
        self._responses = Responses(self.core)
        self.people = People(self.core, self.courier, self._responses)
        self._changed = asyncio.Event()
        self.core.rooms.own = lambda message: self.core.background.start(self.people.echo(message))
        self.core.journal.watchers.append(self._wake)
        if mail is not None:
            mail.watchers.append(self._wake)

    @contextlib.asynccontextmanager
    async def serve(self, port: int = 0) -> AsyncIterator["SlackWorkspace"]:
        """Serve Web API, page and sockets while the block runs; the address is `url`."""
        async with self.sockets.serving(), serving(self.asgi(), port) as found:
            self.core.url = f"http://127.0.0.1:{found}"
            try:
                yield self
            finally:
                self.core.closing.set()
                self._wake()
                await self.core.background.stop()
                await self.courier.close()

    def asgi(self) -> Starlette:
        """Return the application: Web API, response URLs, page and the admin routes."""
        return Starlette(routes=[
            Route("/api/{method}", WebApi(self.core).handle, methods=["GET", "POST"]),
            Route("/response/{name}", self._responses.handle, methods=["POST"]),
            *signin_routes(self.core),
            *install_routes(self.core),
            *admin_routes(self),
            *page_routes(self),
        ])  # fmt: skip

    # Where it is, and whom it serves.

    @property
    def url(self) -> str:
        """Address of the page and of everything else."""
        return self.core.url

    @property
    def api_url(self) -> str:
        """What a Slack client takes as its base URL."""
        return f"{self.core.url}/api/"

    @property
    def app(self) -> SlackApp:
        """The installed app: its signing secret and tokens."""
        return self.core.world.app

    @property
    def world(self) -> World:
        """Teams, people and channels; may be changed while it runs."""
        return self.core.world

    @property
    def request_url(self) -> str | None:
        """Where commands, actions, views and events are delivered over HTTP."""
        return self.courier.request_url

    @request_url.setter
    def request_url(self, url: str | None) -> None:
        self.courier.request_url = url

    # What people do.

    async def command(self, user: str, channel: str, command: str, text: str = "") -> Answer:
        """Type a slash command."""
        return await self.people.command(user, channel, command, text)

    async def click(self, user: str, where: Message | View, action_id: str, value: str | None = None, *,
                    block_id: str | None = None) -> Answer:  # fmt: skip
        """Press a button (picked by its value when several share the action_id) or choose an option."""
        return await self.people.click(user, where, action_id, value, block_id)

    async def shortcut(self, user: str, callback: str, message: Message | None = None) -> Answer:
        """Choose a shortcut, of Slack's own menu or of a message."""
        return await self.people.shortcut(user, callback, message)

    async def submit_view(self, user: str, values: dict[str, object] | None = None, view: View | None = None) -> Answer:
        """Fill the topmost modal by block_id and submit it."""
        return await self.people.submit(user, view or self._topmost(user), values or {})

    def fill(self, user: str, values: dict[str, object], view: View | None = None) -> None:
        """Fill inputs of the topmost modal by block_id, without sending it."""
        self.people.fill(user, view or self._topmost(user), values)

    async def type_into(self, user: str, name: str, typed: str = "", view: View | None = None) -> list[Json]:
        """Type into a menu of the topmost modal that asks the app, by block_id; return what it offers."""
        return await self.people.type_into(user, view or self._topmost(user), name, typed)

    async def close_view(self, user: str, view: View | None = None, *, everything: bool = False) -> Answer:
        """Close the topmost modal, or all of them."""
        return await self.people.close(user, view or self._topmost(user), everything=everything)

    async def mention(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Answer:
        """Write to the app in a channel, by mentioning it."""
        bot = self.core.installation_for(self.world.channels[channel]).bot_user
        return await self.people.say(user, channel, f"<@{bot}> {text}", thread_ts)

    async def say(self, user: str, channel: str, text: str, thread_ts: str | None = None) -> Answer:
        """Write a message as it is."""
        return await self.people.say(user, channel, text, thread_ts)

    async def dm(self, user: str, text: str, thread_ts: str | None = None) -> Answer:
        """Write to the app in its direct message."""
        return await self.people.say(user, self.world.direct(user).id, text, thread_ts)

    async def open_home(self, user: str) -> Answer:
        """Open the Home tab of the app."""
        return await self.people.open_home(user)

    async def open_messages(self, user: str) -> Answer:
        """Open the Messages tab of the app."""
        return await self.people.open_messages(user)

    async def join(self, user: str, channel: str) -> Answer:
        """Join a channel."""
        return await self.people.membership(user, channel, joins=True)

    async def leave(self, user: str, channel: str) -> Answer:
        """Leave a channel."""
        return await self.people.membership(user, channel, joins=False)

    async def change_user(self, user: str, **fields: object) -> Answer:
        """Change a person's account or profile; the app hears of it by `user_change`."""
        return await self.people.change(user, **fields)

    async def post_raw(self, body: bytes, headers: dict[str, str]) -> Answer:
        """Send bytes to the request URL as they are: forged, replayed, oversized."""
        return await self.courier.post(body, headers)

    def sign(self, body: bytes, timestamp: int | None = None) -> dict[str, str]:
        """Return the headers that Slack would send with this body."""
        return self.courier.sign(body, timestamp)

    def grant_code(self, place: str, *scopes: str) -> str:
        """Return a code that oauth.v2.access exchanges once, for a team or an enterprise; without the page."""
        admin = admin_of(self.core, place)
        user = admin.id if admin else next(each.id for each in self.world.of_team(place) if not each.bot_id)
        return self.core.oauth.code("install", place, user, Asked("", "", scopes=scopes))

    async def uninstall(
        self, place: str, *, events: Sequence[str] = ("tokens_revoked", "app_uninstalled")
    ) -> list[Answer]:
        """Take the app out of a team or an enterprise; its tokens die at once, the app hears of it in that order."""
        found = installed(self.core, place)
        if not found:
            raise LookupError(f"the app is not installed in {place}")
        for each in found:
            each.revoked = True
            if each.refresh is not None:
                self.core.oauth.refreshes.pop(each.refresh.reveal(), None)
        self.core.oauth.note("uninstalled", place, "")
        self.core.journal.changed()
        told: list[Json] = [{"type": kind, "event_ts": self.core.stamps.ts()} for kind in events]
        for inner in told:
            if inner["type"] == "tokens_revoked":
                inner["tokens"] = {"oauth": [], "bot": [found[0].bot_user]}
        return [await self.courier.event(found[0].team, inner) for inner in told]

    @property
    def oauth(self) -> OAuth:
        """Sign in with Slack and installations: who answers how, and what came of it."""
        return self.core.oauth

    # What can be seen.

    def messages(self, channel: str, viewer: str | None = None) -> list[Message]:
        """Return what a viewer sees in a channel, threads included; without one: what all see."""
        return self.core.rooms.store.seen(channel, viewer)

    def replies(self, channel: str, thread_ts: str, viewer: str | None = None) -> list[Message]:
        """Return a thread, its parent first."""
        return self.core.rooms.store.replies(channel, thread_ts, viewer)

    def message(self, channel: str, ts: str) -> Message | None:
        """Return one message."""
        return self.core.rooms.store.get(channel, ts)

    def modal(self, user: str) -> View | None:
        """Return the topmost modal of a person."""
        return self.core.views.modal(user)

    def home(self, user: str) -> View | None:
        """Return the Home tab of a person."""
        return self.core.views.home(user)

    @property
    def journal(self) -> Journal:
        """The append-only record of all that was accepted."""
        return self.core.journal

    @property
    def entries(self) -> list[Entry]:
        """The accepted effects."""
        return self.core.journal.entries

    @property
    def calls(self) -> list[Call]:
        """Every Web API call."""
        return self.core.journal.calls

    @property
    def refused(self) -> list[Refused]:
        """Every refused Web API call, response and ack."""
        return self.core.journal.refused

    @property
    def deliveries(self) -> list[Delivery]:
        """Every attempt to hand something to the app."""
        return self.core.journal.deliveries

    @property
    def red(self) -> list[str]:
        """Accepted blocks that the page cannot draw."""
        return self.core.journal.red

    async def wait_for(self, look: Callable[[], T], timeout: float = 60.0) -> T:  # noqa: ASYNC109 - the message of the error is the point
        """Look after every change until there is something; TimeoutError tells what is there instead."""
        deadline = asyncio.get_running_loop().time() + timeout
        while not (found := look()):
            left = deadline - asyncio.get_running_loop().time()
            if left <= 0:
                raise TimeoutError(self._story())
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.changed.wait(), min(left, 0.2))
        return found

    @property
    def changed(self) -> asyncio.Event:
        """Set at the next change; ask for it anew each time."""
        return self._changed

    async def quiet(self) -> None:
        """Wait until no redelivery and no late acceptance is under way."""
        await self.core.background.quiet()

    # How it misbehaves.

    def lie(self, method: str, kind: Kind, **how: Any) -> None:
        """Script a fault for the next calls of a method (`*` for all, `response_url`); see `Lie` for the rest."""
        self.core.lies.add(Lie(method, kind, **how))

    def stop_lying(self) -> None:
        """Behave from now on."""
        self.core.lies.clear()

    def _topmost(self, user: str) -> View:
        view = self.modal(user)
        if view is None:
            raise LookupError(f"{user} has no modal open")
        return view

    def _wake(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    def _story(self) -> str:
        """Say what happened last, for a test that waits in vain."""
        last = [f"{entry.kind} {entry.channel} {entry.text[:120]!r}" for entry in self.entries[-12:]]
        refused = [f"{each.method}: {each.error} {each.messages[:2]}" for each in self.refused[-5:]]
        failed = [f"{each.kind}: {each.error}" for each in self.deliveries[-12:] if each.error]
        return "\n".join(["nothing came; accepted last:", *last, "refused:", *refused, "not delivered:", *failed])
