"""Metrics for programs: `/api/v1/metrics`, with a key that an admin made. Every answer says how old it is.

Whoever has no good key learns nothing (401); a key that may not learns nothing of what there is (403); what is missing
and what is somebody else's read the same (404).
"""

import asyncio
import hashlib
import json
from collections.abc import Awaitable, Callable, Mapping
from contextlib import nullcontext
from datetime import datetime, timedelta
from typing import Any, Protocol

import structlog
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import BaseRoute, Route

from bot.payloads import MalformedError, parse_json
from bot.raw import Limits, Refused, read_body, single
from jobs.api_keys import Opened
from jobs.errors import NotAllowedError, NotFoundError, TooLateError, UnavailableError
from jobs.metrics.checking import MetricRefusedError
from jobs.metrics.export import FileForm, as_csv, as_object
from jobs.metrics.fields import Asked, read_fields
from jobs.metrics.service import NotConnectedError
from jobs.refresh.ask import TriggerKey
from storage.facts.api_keys import KeyScope
from storage.facts.clock import Clock
from storage.facts.ids import derived_id, new_id
from storage.facts.metrics import MetricState, Shown
from storage.facts.people import Actor
from storage.facts.secret import Secret

PATH = "/api/v1/metrics"
#: requests of one key in a minute, by each process
MOST_A_MINUTE = 120
#: requests without a good key from one address in a minute, by each process
MOST_WRONG_A_MINUTE = 60
#: metrics that one organization makes in a minute: each is a look into the lake, for which everybody waits in one line
MOST_MADE_A_MINUTE = 20
_MOST_KEYS = 10_000
_LIMITS = Limits(most_bytes=10_000)
_LONGEST_KEY = 200

log = structlog.get_logger("bot.api")


class Keys(Protocol):
    """What a key opens."""

    async def opened(self, token: Secret) -> Opened | None:
        """Return who acts by it; None for whatever opens nothing."""
        ...


class Metrics(Protocol):
    """The metrics of the actor's own organization."""

    async def all(self, actor: Actor) -> list[Shown]:
        """Return all of them."""
        ...

    async def made(self, actor: Actor, asked: str | Asked, trigger: TriggerKey) -> str:
        """Make one and return its id; the same trigger makes one, and answers with it whatever it is called by now."""
        ...


class Files(Protocol):
    """Metrics with all their values."""

    async def whole(self, actor: Actor, metric_id: str) -> Shown:
        """Return one by its id."""
        ...


class _Answer(Exception):  # noqa: N818 - an answer to a request, not an error of ours
    def __init__(self, status: int, words: str, **headers: str) -> None:
        super().__init__(words)
        self.status, self.words, self.headers = status, words, headers


class Pace:
    """So many requests of one key in a minute."""

    def __init__(self, clock: Clock, most: int = MOST_A_MINUTE) -> None:
        self._clock = clock
        self._most = most
        self._seen: dict[str, tuple[datetime, int]] = {}

    def wait(self, key_id: str) -> int:
        """Count a request and return 0, or after how many seconds the next one may come."""
        now = self._clock.now()
        since, count = self._seen.get(key_id, (now, 0))
        if not timedelta(0) <= now - since < timedelta(minutes=1):
            since, count = now, 0
        if count >= self._most:
            return int((since + timedelta(minutes=1) - now).total_seconds()) + 1
        if len(self._seen) >= _MOST_KEYS:
            self._seen.clear()
        self._seen[key_id] = (since, count + 1)
        return 0

    def left(self, key_id: str) -> int:
        """Return after how many seconds the next one may come, without counting; 0: at once."""
        now = self._clock.now()
        since, count = self._seen.get(key_id, (now, 0))
        if count < self._most or not timedelta(0) <= now - since < timedelta(minutes=1):
            return 0
        return int((since + timedelta(minutes=1) - now).total_seconds()) + 1


class Api:
    """Answers programs."""

    def __init__(
        self,
        keys: Keys,
        metrics: Metrics,
        files: Files,
        clock: Clock,
        pace: Pace | None = None,
        strangers: Pace | None = None,
    ) -> None:
        self._keys = keys
        self._metrics = metrics
        self._files = files
        self._clock = clock
        self._pace = pace or Pace(clock)
        self._making = Pace(clock, MOST_MADE_A_MINUTE)
        self._strangers = strangers or Pace(clock, MOST_WRONG_A_MINUTE)
        self._one_by_one = asyncio.Lock()
        #: prints of keys that opened something, so that nobody waits behind what others try
        self._known: set[bytes] = set()

    def routes(self) -> list[BaseRoute]:
        """Return the addresses."""
        read, write = KeyScope.METRICS_READ, KeyScope.METRICS_WRITE
        return [
            Route(PATH, self._in_json(self._all, read), methods=["GET"]),
            Route(PATH, self._in_json(self._make, write), methods=["POST"]),
            Route(f"{PATH}/{{wanted}}", self._in_json(self._one, read), methods=["GET"]),
        ]

    def _in_json(
        self, handler: Callable[[Request, Opened], Awaitable[Response]], scope: KeyScope
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            try:
                opened = await self._opened(request, scope)
                return _known(request, await handler(request, opened))
            except Exception as error:  # noqa: BLE001 - the edge of the process: what is not known is logged below
                return _refusal(error)

        return answered

    async def _opened(self, request: Request, scope: KeyScope) -> Opened:
        """Return who acts; whoever does not say it in the one right way learns nothing else."""
        said = request.headers.getlist("authorization")
        if len(said) > 1:
            raise _Answer(400, "there are several Authorization headers: send one")
        address = request.client.host if request.client else ""
        kind, _, token = (said[0] if said else "").partition(" ")
        # Whoever was known is not made to wait for strangers behind the same address.
        mark = hashlib.sha256(token.encode()).digest()
        wait = 0 if mark in self._known else self._strangers.left(address)
        opened = None
        if kind.casefold() == "bearer" and len(token) <= _LONGEST_KEY:
            opened = await self.looked_at(Secret(token.strip()), wait)
        if opened is None:
            self._known.discard(mark)
            if wait:
                raise _Answer(429, "too many requests without a valid key", **{"retry-after": str(wait)})
            self._strangers.wait(address)
            raise _Answer(401, "no valid key", **{"www-authenticate": "Bearer"})
        if len(self._known) >= _MOST_KEYS:
            self._known.clear()
        self._known.add(mark)
        wait = self._pace.wait(opened.key.id)
        if wait:
            raise _Answer(429, "too many requests with this key", **{"retry-after": str(wait)})
        if scope not in opened.key.scopes:
            raise _Answer(403, f"this key has no scope {scope.value}")
        log.info("api", key=opened.key.id, org=opened.key.organization_id, method=request.method)
        return opened

    async def looked_at(self, token: Secret, wait: int) -> Opened | None:
        """Return what a key opens. Where strangers have to `wait`, theirs are looked at one after the other.

        Behind a proxy all have one address: whoever guesses there must keep nobody out who has a key.
        """
        async with self._one_by_one if wait else nullcontext():
            return await self._keys.opened(token)

    async def _all(self, _: Request, opened: Opened) -> Response:
        found = await self._metrics.all(opened.actor)
        known = [one.metric.as_of for one in found if one.metric.as_of is not None]
        oldest = min(found, key=lambda one: (one.metric.as_of is not None, one.metric.as_of or self._clock.now()),
                     default=None)  # fmt: skip
        body = {
            # Of none nothing is said: a program must not read "all is well" where nothing is.
            "all_current": bool(found) and all(one.state is MetricState.CURRENT for one in found),
            "as_of": min(known).isoformat(timespec="seconds") if known and len(known) == len(found) else None,
            "oldest_input": oldest.worst if oldest else "",
            "metrics": [as_object(one, values=False) for one in found],
        }
        return _json(body)

    async def _one(self, request: Request, opened: Opened) -> Response:
        wanted, dot, ending = request.path_params["wanted"].partition(".")
        if dot and ending not in set(FileForm):
            raise NotFoundError
        shown = await self._files.whole(opened.actor, wanted)
        accepts = request.headers.get("accept", "").partition(",")[0].partition(";")[0].strip()
        if (ending or ("csv" if accepts == "text/csv" else "json")) == FileForm.CSV:
            return Response(as_csv(shown, marked=False), media_type="text/csv; charset=utf-8; header=present")
        return _json(as_object(shown, values=True))

    async def _make(self, request: Request, opened: Opened) -> Response:
        """Make a metric from a definition in words, as `/data metric new` takes it, or from fields."""
        if request.headers.get("content-type", "").partition(";")[0].strip().casefold() != "application/json":
            raise _Answer(415, "send application/json")
        raw = await read_body(request.scope, request.receive, _LIMITS, too_slow=408)
        try:
            body = parse_json(raw.decode("utf-8"))
        except UnicodeDecodeError:
            raise MalformedError("not UTF-8") from None
        asked = _asked(body)
        key = single(request.scope["headers"])(b"idempotency-key").decode("latin-1")
        if len(key) > _LONGEST_KEY:
            raise _Answer(422, f"an Idempotency-Key has {_LONGEST_KEY} characters at most")
        wait = self._making.wait(opened.key.organization_id)
        if wait:
            raise _Answer(429, "too many metrics are made at once", **{"retry-after": str(wait)})
        once = derived_id("api", opened.key.id, key, _told(body)) if key else new_id("api")
        made_id = await self._metrics.made(opened.actor, asked, TriggerKey(opened.actor.identity.team_id, once))
        made = as_object(await self._files.whole(opened.actor, made_id), values=True)
        return _json(made, 201, {"location": f"{PATH}/{made['id']}"})


def _asked(body: dict[str, Any]) -> str | Asked:
    """Return the words, or what the fields ask for."""
    if "definition" not in body:
        if not body:
            raise _Answer(422, 'send {"definition": "Net income = profit and loss: NetIncome, monthly"}, or fields')
        return read_fields(body)
    words = body["definition"]
    if set(body) != {"definition"} or not isinstance(words, str):
        raise _Answer(422, "definition: a text, and no other field beside it")
    return words


def _told(body: dict[str, Any]) -> str:
    """Return what a body asks for as one text, however its fields are ordered."""
    words = body.get("definition")
    return words if isinstance(words, str) else json.dumps(body, sort_keys=True)


def _json(body: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    content = json.dumps(body, ensure_ascii=False).encode()
    return Response(content, status, headers, media_type="application/json")


def _known(request: Request, response: Response) -> Response:
    """Give the answer its tag; who has the same already, with its state and as-of, is told so without a body."""
    if request.method == "POST":
        return response
    tag = f'"{hashlib.sha256(bytes(response.body)).hexdigest()[:32]}"'
    if request.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers={"etag": tag})
    response.headers["etag"] = tag
    return response


def _refusal(error: Exception) -> Response:
    status, words, headers = _said(error)
    if status == 500:
        reference = new_id("err")
        log.error("api_failed", reference=reference, exc_info=error)
        words = f"something went wrong on our side, reference {reference}"
    return _json({"error": words}, status, headers)


def _said(error: Exception) -> tuple[int, str, dict[str, str]]:
    if isinstance(error, _Answer):
        return error.status, error.words, error.headers
    if isinstance(error, Refused):
        # A header that came twice says nothing about who it is.
        return error.status, error.reason, {"www-authenticate": "Bearer"} if error.status == 401 else {}
    status, words = next((said for kind, said in _SAID.items() if isinstance(error, kind)), (500, ""))
    return status, words or str(error), {"retry-after": "5"} if status == 503 else {}


_SAID: Mapping[type[Exception], tuple[int, str]] = {
    MalformedError: (400, ""),
    NotAllowedError: (403, "whoever made this key may not do that"),
    NotFoundError: (404, "not found"),
    MetricRefusedError: (422, ""),
    NotConnectedError: (409, "no QuickBooks company is connected"),
    TooLateError: (409, ""),
    UnavailableError: (503, "try again in a moment"),
}
