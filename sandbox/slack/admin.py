"""`/_sandbox/…`: reading and acting from another process, in JSON; for scripts on the same machine only."""

import dataclasses
from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from sandbox.settings import adjust, settings
from sandbox.slack.courier import Answer
from sandbox.slack.errors import Json
from sandbox.slack.messages import Message
from sandbox.slack.views import View
from storage.facts.secret import Secret

if TYPE_CHECKING:
    from sandbox.slack.workspace import SlackWorkspace

_Reading = Callable[["SlackWorkspace", dict[str, str]], object]
_Act = Callable[["SlackWorkspace", Json], Awaitable[Answer | None]]


def admin_routes(slack: "SlackWorkspace") -> list[Route]:
    """Return the routes over one workspace."""

    async def read(request: Request) -> Response:
        reading = _READINGS.get(request.path_params["what"])
        if reading is None:
            return JSONResponse({"ok": False, "error": "no such reading", "known": sorted(_READINGS)}, 404)
        return JSONResponse({"ok": True, "found": plain(reading(slack, dict(request.query_params)))})

    async def act(request: Request) -> Response:
        deed = _ACTS.get(request.path_params["what"])
        if deed is None:
            return JSONResponse({"ok": False, "error": "no such act", "known": sorted(_ACTS)}, 404)
        try:
            answer = await deed(slack, await request.json())
        except (LookupError, ValueError, TypeError) as problem:
            return JSONResponse({"ok": False, "error": f"{type(problem).__name__}: {problem}"}, 400)
        return JSONResponse({"ok": True} if answer is None else plain(answer))

    return [
        Route("/_sandbox/{what:path}", read, methods=["GET"]),
        Route("/_sandbox/{what:path}", act, methods=["POST"]),
    ]


def plain(value: object) -> Any:
    """Turn facts into what JSON can say."""
    if isinstance(value, Message):
        versions = [{"text": v.text, "blocks": v.blocks} for v in value.versions]
        more = {"channel": value.channel, "ephemeral_to": value.ephemeral_to, "versions": versions, "via": value.via}
        return value.wire() | more | {"everything": value.everything}
    if isinstance(value, View):
        return {"id": value.id, **value.content, "hash": value.hash, "errors": value.errors}
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: plain(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    return [plain(item) for item in value] if isinstance(value, list | tuple | set | frozenset) else _scalar(value)


def _scalar(value: object) -> Any:
    if isinstance(value, Secret):
        return str(value)
    if isinstance(value, bytes):
        return value.decode(errors="replace")
    return value.isoformat() if isinstance(value, datetime) else value


def _info(slack: "SlackWorkspace", _: dict[str, str]) -> object:
    return {
        "url": slack.url,
        "api_url": slack.api_url,
        "request_url": slack.request_url,
        "smtp_url": slack.mail.smtp_url if slack.mail else None,
        "socket_connected": slack.sockets.connected,
        "teams": slack.world.teams,
        "people": slack.world.people,
        "channels": slack.world.channels,
    }


_READINGS: dict[str, _Reading] = {
    "info": _info,
    "journal": lambda slack, query: [e for e in slack.entries if e.seq > int(query.get("since", "0"))],
    "messages": lambda slack, query: slack.messages(query["channel"], query.get("viewer")),
    "modal": lambda slack, query: slack.modal(query["user"]),
    "home": lambda slack, query: slack.home(query["user"]),
    "mail": lambda slack, _: [mail.wire() for mail in slack.mail.messages] if slack.mail else [],
    "red": lambda slack, _: slack.red,
    "oauth": lambda slack, _: {"settings": settings(slack.oauth), "witness": slack.oauth.witness},
    "refused": lambda slack, _: slack.refused,
    "calls": lambda slack, _: slack.calls,
    "deliveries": lambda slack, _: slack.deliveries,
}


async def _click(slack: "SlackWorkspace", asked: Json) -> Answer:
    where: Message | View | None
    if "ts" in asked:
        where = slack.message(asked["channel"], asked["ts"])
    else:
        shown = (slack.modal(asked["user"]), slack.home(asked["user"]))
        where = next((view for view in shown if view and view.id == asked["view"]), None)
    if where is None:
        raise LookupError("no such message or view")
    return await slack.click(asked["user"], where, asked["action_id"], asked.get("value"))


async def _lie(slack: "SlackWorkspace", asked: Json) -> None:
    slack.lie(**asked)


async def _mail_lie(slack: "SlackWorkspace", asked: Json) -> None:
    if slack.mail is None:
        raise LookupError("there is no mail stand-in")
    slack.mail.lie(**asked)


async def _stop_lying(slack: "SlackWorkspace", _: Json) -> None:
    slack.stop_lying()
    if slack.mail is not None:
        slack.mail.stop_lying()


async def _oauth(slack: "SlackWorkspace", asked: Json) -> None:
    adjust(slack.oauth, asked)


async def _uninstall(slack: "SlackWorkspace", asked: Json) -> Answer:
    events = tuple(asked.get("events", ("tokens_revoked", "app_uninstalled")))
    answers = await slack.uninstall(asked["team"], events=events)
    return next((answer for answer in answers if not answer.ok), Answer(ok=True))


async def _request_url(slack: "SlackWorkspace", asked: Json) -> None:
    slack.request_url = asked["url"]


_ACTS: dict[str, _Act] = {
    "command": lambda slack, asked: slack.command(
        asked["user"], asked["channel"], asked["command"], asked.get("text", "")
    ),
    "click": _click,
    "submit": lambda slack, asked: slack.submit_view(asked["user"], asked.get("values")),
    "close": lambda slack, asked: slack.close_view(asked["user"]),
    "mention": lambda slack, asked: slack.mention(
        asked["user"], asked["channel"], asked["text"], asked.get("thread_ts")
    ),
    "say": lambda slack, asked: slack.say(asked["user"], asked["channel"], asked["text"], asked.get("thread_ts")),
    "dm": lambda slack, asked: slack.dm(asked["user"], asked["text"]),
    "home": lambda slack, asked: slack.open_home(asked["user"]),
    "join": lambda slack, asked: slack.join(asked["user"], asked["channel"]),
    "leave": lambda slack, asked: slack.leave(asked["user"], asked["channel"]),
    "user": lambda slack, asked: slack.change_user(**asked),
    "lie": _lie,
    "mail/lie": _mail_lie,
    "stop_lying": _stop_lying,
    "request_url": _request_url,
    "oauth": _oauth,
    "uninstall": _uninstall,
}
