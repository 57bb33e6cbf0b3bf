"""The operator's routes of a stand-in, for the demo and for tests that talk to it from another process."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Protocol

import msgspec
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from sandbox.journal import Journal
from sandbox.misbehave import Script, rules_from_json
from sandbox.providers.hooks import Delivered
from sandbox.settings import adjust, settings


class Operable(Protocol):
    """What can be done to a provider from outside."""

    journal: Journal
    script: Script

    @property
    def oauth(self) -> Any:
        """The token service: a dataclass whose public fields may be changed."""
        ...

    def names(self) -> Mapping[str, str]:
        """Return the accounts' names."""
        ...

    def revoke(self, account: str) -> None:
        """Take the grants of an account back."""
        ...

    def give(self, account: str) -> dict[str, Any]:
        """Give the app access to an account; returns the tokens."""
        ...

    def mutate(self, account: str, **wishes: int) -> dict[str, Any]:
        """Let business go on; returns what changed. Raises KeyError, TypeError or ValueError."""
        ...

    async def hook(self, url: str, wishes: Mapping[str, Any]) -> list[Delivered]:
        """Send a webhook there. Raises KeyError, TypeError or ValueError."""
        ...

    def truth(self, account: str, entity: str) -> bytes:
        """Return all live records as a JSON list. Raises KeyError."""
        ...


def routes(provider: Operable) -> list[Route]:
    """Return the /_sandbox routes."""

    async def journal(request: Request) -> Response:
        after = int(request.query_params.get("after", "0"))
        return _json(provider.journal.entries[after:])

    async def script(request: Request) -> Response:
        if request.method == "DELETE":
            provider.script.clear()
        else:
            provider.script.add(*rules_from_json(await request.body()))
        return _json({"struck": provider.script.struck})

    async def mutate(request: Request) -> Response:
        wishes = msgspec.json.decode(await request.body(), type=dict[str, str | int])
        account = str(wishes.pop("account", ""))
        return _json(provider.mutate(account, **{key: int(value) for key, value in wishes.items()}))

    async def truth(request: Request) -> Response:
        asked = request.query_params
        return Response(provider.truth(asked["account"], asked["entity"]), media_type="application/json")

    return [
        *_grant_routes(provider),
        Route("/_sandbox/journal", _readable(journal)),
        Route("/_sandbox/script", _readable(script), methods=["POST", "DELETE"]),
        Route("/_sandbox/mutate", _readable(mutate), methods=["POST"]),
        Route("/_sandbox/truth", _readable(truth)),
    ]


def _grant_routes(provider: Operable) -> list[Route]:
    """Return what is about accounts, their grants and what is told about them."""

    async def revoke(request: Request) -> Response:
        provider.revoke(await _account(request))
        return _json({})

    async def grant(request: Request) -> Response:
        return _json(provider.give(await _account(request)))

    async def oauth(request: Request) -> Response:
        if request.method == "POST":
            adjust(provider.oauth, msgspec.json.decode(await request.body(), type=dict[str, Any]))
        return _json(settings(provider.oauth))

    async def accounts(_: Request) -> Response:
        def alive(account: str) -> int:
            return sum(not grant.revoked for grant in provider.oauth.grants(account))

        return _json({account: {"name": name, "grants": alive(account)} for account, name in provider.names().items()})

    async def webhook(request: Request) -> Response:
        wishes = msgspec.json.decode(await request.body(), type=dict[str, Any])
        return _json(await provider.hook(str(wishes.pop("url")), wishes))

    return [
        Route("/_sandbox/oauth", _readable(oauth), methods=["GET", "POST"]),
        Route("/_sandbox/accounts", _readable(accounts)),
        Route("/_sandbox/webhook", _readable(webhook), methods=["POST"]),
        Route("/_sandbox/revoke", _readable(revoke), methods=["POST"]),
        Route("/_sandbox/grant", _readable(grant), methods=["POST"]),
    ]


async def _account(request: Request) -> str:
    return msgspec.json.decode(await request.body(), type=dict[str, str])["account"]


def _readable(handler: Callable[[Request], Awaitable[Response]]) -> Callable[[Request], Awaitable[Response]]:
    """Answer a mistake of the operator with 400 and what it was."""

    async def safe(request: Request) -> Response:
        try:
            return await handler(request)
        except (KeyError, TypeError, ValueError) as mistake:
            return Response(f"{type(mistake).__name__}: {mistake}\n", 400, media_type="text/plain")

    return safe


def _json(value: Any) -> Response:
    return Response(msgspec.json.encode(value), media_type="application/json")
