"""The bolt app: few generic listeners, our own dispatch table behind them, guard and token cache before them."""

import json
import logging
import re
from collections.abc import Sequence
from dataclasses import replace

from slack_bolt.async_app import AsyncApp, AsyncBoltContext, AsyncBoltRequest
from slack_bolt.authorization import AuthorizeResult
from slack_bolt.response import BoltResponse

from bot.edge import said_in_ack
from bot.front import Front
from bot.installed import AppEvents
from bot.interaction import Interaction, Kind, Reader
from bot.payloads import Json, MalformedError
from bot.reply import Reply
from bot.show import Background, Shower
from bot.slack import Slack
from bot.tokens import Tokens
from templates import notices

_ANY = re.compile(r"[\s\S]*")
_INTERACTION = "interaction"
_JSON_HEADERS: dict[str, str | Sequence[str]] = {"content-type": "application/json;charset=utf-8"}
_MOST_CHALLENGE = 200


class Intake:
    """Takes verified bodies, from HTTP and from Socket Mode alike, and gives the ack."""

    def __init__(self, bolt: AsyncApp, reader: Reader, background: Background, own: AppEvents) -> None:
        self.bolt = bolt
        #: events about the app itself, or for no workspace of ours
        self.own = own
        self._reader = reader
        self._background = background

    async def take(self, body: Json) -> BoltResponse:
        """Return the ack for a body; what we do not answer is acked and ignored, or Slack would send it again."""
        if body.get("type") == "url_verification":
            return acknowledged(json.dumps({"challenge": str(body.get("challenge", ""))[:_MOST_CHALLENGE]}))
        acked = await self.own.take(body)
        if acked is not None:
            return acked
        try:
            interaction = self._reader.read(body)
        except MalformedError:
            return BoltResponse(status=400)
        if interaction is None:
            return BoltResponse(status=200)
        # Not "http": the guard has verified and parsed the body, and bolt must not read it in a way of its own.
        request = AsyncBoltRequest(body=body, mode="socket_mode", context={_INTERACTION: interaction})
        with self._background.acking():
            return await self.bolt.async_dispatch(request)


def acknowledged(said: str | None) -> BoltResponse:
    """Return an ack, with the JSON that it says by itself."""
    return BoltResponse(status=200, body=said, headers=_JSON_HEADERS) if said else BoltResponse(status=200)


def build_bolt(front: Front, shower: Shower, slack: Slack, tokens: Tokens, background: Background) -> AsyncApp:
    """Return the bolt app; call it inside the running loop, after the connections to Slack are open."""

    async def authorize(context: AsyncBoltContext) -> AuthorizeResult:
        team_id = context.team_id or ""
        token = await tokens.of(team_id)
        return AuthorizeResult(enterprise_id=None, team_id=team_id, bot_token=token.reveal() if token else None)

    async def listen(context: AsyncBoltContext) -> BoltResponse:
        request: Interaction = context[_INTERACTION]
        reply = await front.answer(request)
        said = said_in_ack(reply, request)
        if request.kind is Kind.SEARCH:
            return acknowledged(said)
        if tokens.unreadable(request.team_id) and not reply.form:
            # What is said in the ack, and by a response_url, still arrives; cards and confirmations would not.
            background.start(shower.show(Reply(notices.cannot_speak(), zone=reply.zone), request))
        if reply.then or reply.form or (said is None and reply.message):
            background.start(_finish(reply, request, shown=said is not None))
        return acknowledged(said)

    async def _finish(reply: Reply, request: Interaction, *, shown: bool) -> None:
        said = replace(reply, message=None) if shown else reply
        await shower.show_all(said, request, front.follow)

    app = AsyncApp(
        name="tidings",
        logger=logging.getLogger("slack_bolt"),
        client=slack.client(None),
        authorize=authorize,
        process_before_response=True,
        request_verification_enabled=False,
        ssl_check_enabled=False,
        url_verification_enabled=False,
        ignoring_self_events_enabled=False,
        attaching_function_token_enabled=False,
        attaching_conversation_kwargs_enabled=False,
    )
    app.command(_ANY)(listen)
    app.action(_ANY)(listen)
    app.view(_ANY)(listen)
    app.options(_ANY)(listen)
    app.shortcut(_ANY)(listen)
    app.event(_ANY)(listen)
    return app
