"""Keeping a grant alive: refreshing tokens, one at a time, saved before they are used.

The only module that knows authlib. The flow itself (`renewal`) is a generator that yields the request and is sent the
answer, so it has no I/O of its own; `TokenKeeper` drives it between the lease, the stored tokens and the wire.
"""

import asyncio
import json
import math
import re
from collections.abc import Generator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

import httpx
from authlib.oauth2.auth import ClientAuth
from authlib.oauth2.rfc6749.parameters import prepare_token_request

from connectors.backoff import retry_after
from connectors.errors import TOKEN_REJECTED, Broken, ConnectorError, Reconnect, Retry
from connectors.tokens import MemoryTokens, Tokens, TokenStore
from connectors.wire import Answer, HttpLimits, Wire, pinned
from storage.facts.clock import Clock
from storage.facts.secret import Secret

__all__ = ["MemoryTokens", "TokenEndpoint", "TokenKeeper", "TokenStore", "TokenStyle", "Tokens", "renewal"]

#: A token is renewed this long before it expires, so that no call starts with one that dies on the way.
AHEAD = timedelta(minutes=2)
_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_LONGEST_LIFE = 10 * 366 * 86400


class TokenStyle(StrEnum):
    """How a provider wants to be asked for new tokens."""

    #: form body, Basic authorization (QuickBooks)
    BASIC_FORM = "basic_form"
    #: everything in a JSON body, ``expiring=1`` (Shopify)
    JSON_BODY = "json_body"


@dataclass(frozen=True, slots=True)
class TokenEndpoint:
    """Where and how tokens are renewed."""

    url: str
    client_id: str
    client_secret: Secret
    style: TokenStyle


def renewal(tokens: Tokens, endpoint: TokenEndpoint, now: datetime) -> Generator[httpx.Request, Answer, Tokens]:
    """Yield the token request, be sent its answer, return the new tokens; raises what the answer means otherwise."""
    if tokens.refresh is None:
        raise Reconnect("the grant has no refresh token: connect the account again", code="no_refresh_token")
    answer = yield _token_request(tokens.refresh, endpoint)
    return _read_tokens(answer, tokens, now)


def _token_request(refresh: Secret, endpoint: TokenEndpoint) -> httpx.Request:
    headers = {"Accept": "application/json"}
    if endpoint.style is TokenStyle.JSON_BODY:
        headers["Content-Type"] = "application/json"
        auth = ClientAuth(endpoint.client_id, endpoint.client_secret.reveal(), _client_in_json)
        body = json.dumps({"grant_type": "refresh_token", "refresh_token": refresh.reveal(), "expiring": "1"})
    else:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
        headers["x-include-refresh-token-hard-expires-in"] = "true"
        auth = ClientAuth(endpoint.client_id, endpoint.client_secret.reveal(), "client_secret_basic")
        body = prepare_token_request("refresh_token", "", refresh_token=refresh.reveal())
    url, headers, body = auth.prepare("POST", endpoint.url, headers, body)
    return httpx.Request("POST", url, headers=headers, content=body.encode())


def _client_in_json(
    client: ClientAuth, method: str, uri: str, headers: dict[str, str], body: str
) -> tuple[str, dict[str, str], str]:
    _ = method
    named = {"client_id": client.client_id, "client_secret": client.client_secret, **json.loads(body)}
    return uri, headers, json.dumps(named)


def _read_tokens(answer: Answer, old: Tokens, now: datetime) -> Tokens:
    if answer.status == 429 or answer.status >= 500:
        after = retry_after(answer.headers.get("retry-after"), now)
        raise Retry(
            after, "the provider's token service is not answering", code="token_service", request_id=answer.request_id
        )
    said = _strict_object(answer)
    if answer.status != 200 or "error" in said:
        raise _refusal(said, answer)
    return Tokens(
        access=_token(said, "access_token", answer),
        refresh=_token(said, "refresh_token", answer),
        expires_at=now + _life(said, "expires_in", answer),
        refresh_expires_at=_end(said, ("x_refresh_token_expires_in", "refresh_token_expires_in"), now, answer),
        hard_expires_at=_end(said, ("x_refresh_token_hard_expires_in",), now, answer),
        scopes=_scopes(said, old, answer),
    )


def _strict_object(answer: Answer) -> Mapping[str, Any]:
    """Read a JSON object without duplicate keys; anything else (a proxy's page) says nothing about the grant."""
    try:
        said = json.loads(answer.body, object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise Retry(
            None,
            "the provider's token service answered with something else",
            code="token_service",
            request_id=answer.request_id,
        ) from error
    if not isinstance(said, dict):
        raise _malformed("no object", answer)
    return said


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _refusal(said: Mapping[str, Any], answer: Answer) -> ConnectorError:
    code = said.get("error")
    if code == "invalid_grant":
        return Reconnect(
            "the provider no longer accepts this grant", code="invalid_grant", request_id=answer.request_id
        )
    if code in {"temporarily_unavailable", "server_error"}:
        return Retry(
            None, "the provider's token service is not answering", code="token_service", request_id=answer.request_id
        )
    if code in {"invalid_client", "unauthorized_client"}:
        return Broken("the provider refuses our app's own keys", code="invalid_client", request_id=answer.request_id)
    return Broken(
        "the provider refused to renew the token for a reason we do not know",
        code="token_refused",
        request_id=answer.request_id,
    )


def _malformed(what: str, answer: Answer) -> Broken:
    return Broken(
        f"the provider's token answer cannot be used ({what}); the old tokens are kept",
        code="token_malformed",
        request_id=answer.request_id,
    )


def _token(said: Mapping[str, Any], name: str, answer: Answer) -> Secret:
    value = said.get(name)
    if name == "access_token" and str(said.get("token_type", "bearer")).lower() != "bearer":
        raise _malformed("token_type", answer)
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise _malformed(name, answer)
    return Secret(value)


def _life(said: Mapping[str, Any], name: str, answer: Answer) -> timedelta:
    value = said.get(name)
    if (
        isinstance(value, bool)
        or not isinstance(value, int | float)
        or not math.isfinite(value)
        or not 0 < value <= _LONGEST_LIFE
    ):
        raise _malformed(name, answer)
    return timedelta(seconds=value)


def _end(said: Mapping[str, Any], names: tuple[str, ...], now: datetime, answer: Answer) -> datetime | None:
    for name in names:
        if said.get(name) is not None:
            return now + _life(said, name, answer)
    return None


def _scopes(said: Mapping[str, Any], old: Tokens, answer: Answer) -> tuple[str, ...]:
    value = said.get("scope")
    if value is None:
        return old.scopes
    if not isinstance(value, str):
        raise _malformed("scope", answer)
    return tuple(part for part in re.split(r"[\s,]+", value) if part)


class TokenKeeper:
    """Hands out the access token of one grant and renews it: single flight, saved before first use."""

    def __init__(self, store: TokenStore, endpoint: TokenEndpoint, *, clock: Clock, limits: HttpLimits) -> None:
        self._store = store
        self._endpoint = endpoint
        self._clock = clock
        self._limits = limits
        self._tokens: Tokens | None = None
        self._single = asyncio.Lock()

    async def token(self) -> Secret:
        """Return an access token that should work now; renews one that is about to expire."""
        if self._tokens is None:
            self._tokens = await self._store.load()
        if self._usable(self._tokens):
            return self._tokens.access
        return await self.renew(self._tokens.access)

    @property
    def scopes(self) -> tuple[str, ...]:
        """The scopes that the newest tokens carry."""
        return self._tokens.scopes if self._tokens else ()

    async def renew(self, rejected: Secret) -> Secret:
        """Return a token other than the rejected one: a sibling's newer one if there is, else a fresh one.

        Shielded: a cancelled collection must not lose a token between the provider's answer and the save.
        """
        return await asyncio.shield(asyncio.ensure_future(self._renew(rejected)))

    async def _renew(self, rejected: Secret) -> Secret:
        async with self._single, self._store.lease():
            stored = await self._store.load()
            if stored.access != rejected and self._usable(stored):
                self._tokens = stored
                return stored.access
            if stored.refresh is None:
                raise Reconnect("the provider no longer accepts the token", code=TOKEN_REJECTED)
            try:
                fresh = await self._ask(stored)
            except Reconnect as refusal:
                fresh = await self._second_look(stored, rejected, refusal)
            return await self._adopt(fresh)

    def _usable(self, tokens: Tokens) -> bool:
        return tokens.expires_at is None or tokens.expires_at - self._clock.now() > AHEAD

    async def _second_look(self, tried: Tokens, rejected: Secret, refusal: Reconnect) -> Tokens:
        """After invalid_grant: maybe a sibling rotated the token meanwhile; only an unchanged store makes it final."""
        again = await self._store.load()
        if again.refresh == tried.refresh:
            raise refusal
        if again.access != rejected and self._usable(again):
            return again
        return await self._ask(again)

    async def _adopt(self, fresh: Tokens) -> Secret:
        await self._store.save(fresh)
        self._tokens = fresh
        return fresh.access

    async def _ask(self, tokens: Tokens) -> Tokens:
        flow = renewal(tokens, self._endpoint, self._clock.now())
        request = next(flow)
        base = pinned(self._endpoint.url)
        async with Wire(str(base.copy_with(path="/")), limits=self._limits) as wire:
            answer = await wire.exchange(request)
        try:
            flow.send(answer)
        except StopIteration as done:
            renewed: Tokens = done.value
            return renewed
        raise AssertionError("a renewal asks once")
