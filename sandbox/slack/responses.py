"""Answers in the place of an interaction: posts to a response_url, and what a command's ack says."""

import json

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from sandbox.slack.api import limited, misbehave, scripted
from sandbox.slack.core import Core
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.journal import Refused
from sandbox.slack.messages import Message
from sandbox.slack.triggers import ResponseUrl

_KEYS = frozenset(
    [
        "text",
        "blocks",
        "response_type",
        "replace_original",
        "delete_original",
        "thread_ts",
        "unfurl_links",
        "unfurl_media",
        "metadata",
    ]
)


class Responses:
    """`/response/…` of one core."""

    def __init__(self, core: Core) -> None:
        self._core = core

    async def handle(self, request: Request) -> Response:
        """Answer one post to a response_url."""
        name, raw = request.path_params["name"], await request.body()
        lie = self._core.lies.take("response_url", None)
        if lie is not None and lie.kind in {"ratelimited", "server_error", "error"}:
            return _refused(scripted(lie))
        if lie is None or lie.kind == "latency":
            return self._accept(name, raw)
        await misbehave(self._core, request, lie, lambda: self._accept(name, raw))
        return Response(status_code=503)

    def answer(self, right: ResponseUrl, said: Json, kind: str) -> None:
        """Show what the app says in the place of the interaction."""
        unknown = sorted(set(said) - _KEYS)
        if unknown:
            raise Refusal("invalid_arguments", *(f"unknown argument [json-pointer:/{key}]" for key in unknown))
        core, via = self._core, "ack" if kind == "ack" else "response_url"
        source = core.rooms.store.get(right.channel, right.source_ts) if right.source_ts else None
        if said.get("delete_original") and source:
            core.rooms.delete(source, via=via)
        elif said.get("replace_original") and source:
            core.rooms.edit(source, said.get("text") or "", said.get("blocks") or [], via=via)
        else:
            self._post(right, said, kind, via, source)

    def _accept(self, name: str, raw: bytes) -> Response:
        try:
            said = json.loads(raw)
            right = self._core.triggers.take_response(name)
            wait = self._core.rates.take("response_url", right.team, right.channel)
            if wait:
                raise limited(wait)
            self.answer(right, said, "respond")
        except ValueError:
            return _refused(Refusal("invalid_payload", status=400))
        except Refusal as refusal:
            self._core.journal.refused.append(Refused("response_url", refusal.error, refusal.messages))
            self._core.journal.changed()
            return _refused(refusal)
        return PlainTextResponse("ok")

    def _post(self, right: ResponseUrl, said: Json, kind: str, via: str, source: Message | None) -> None:
        core = self._core
        channel = core.world.channels[right.channel]
        public = said.get("response_type") == "in_channel"
        thread_ts = said.get("thread_ts") or (source.thread_ts if source else None)
        core.rooms.post(
            core.bot(core.installation_for(channel).team), channel, said.get("text") or "", said.get("blocks"),
            kind=kind, via=via, metadata=said.get("metadata"), thread_ts=thread_ts,
            ephemeral_to=None if public else right.user,
        )  # fmt: skip


def _refused(refusal: Refusal) -> Response:
    status = refusal.status if refusal.status != 200 else 400
    return JSONResponse(refusal.body(), status, refusal.headers)
