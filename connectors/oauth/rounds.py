"""The conversations with a token service, as generators that yield a request and are sent its answer: no I/O inside."""

from collections.abc import Callable, Generator
from dataclasses import replace
from datetime import datetime
from typing import TypeVar

import httpx

from connectors.errors import Broken, Reconnect
from connectors.oauth.answers import INVALID_CLIENT, read_tokens
from connectors.oauth.asking import TokenEndpoint, code_request, refresh_request
from connectors.tokens import Tokens
from connectors.wire import Answer, HttpLimits, Wire, pinned
from storage.facts.secret import Secret

Result = TypeVar("Result")
#: One conversation: requests out, answers in, a result at the end.
Round = Generator[httpx.Request, Answer, Result]

#: No honest token answer is larger.
_LARGEST_ANSWER = 1 << 18


def renewal(tokens: Tokens, endpoint: TokenEndpoint, now: datetime) -> Round[Tokens]:
    """Return newer tokens of a grant; raises what the answer means otherwise."""
    refresh = tokens.refresh
    if refresh is None:
        raise Reconnect("the grant has no refresh token: connect the account again", code="no_refresh_token")
    return (yield from _asked(endpoint, lambda secret: refresh_request(endpoint, secret, refresh), tokens, now))


def code_exchange(
    code: Secret,
    endpoint: TokenEndpoint,
    now: datetime,
    *,
    redirect_uri: str,
    verifier: Secret | None,
    asked: tuple[str, ...],
) -> Round[Tokens]:
    """Return the first tokens of a grant; `asked` are the scopes where the provider does not name the granted ones."""
    nothing = Tokens(Secret(""), scopes=asked)
    request = _code_request(endpoint, code, redirect_uri, verifier)
    return (yield from _asked(endpoint, request, nothing, now))


async def converse(talk: Round[Result], url: str, limits: HttpLimits) -> Result:
    """Carry one conversation out with the host of `url`, and with no other."""
    base = pinned(url)
    async with Wire(str(base.copy_with(path="/")), limits=replace(limits, body=_LARGEST_ANSWER)) as wire:
        request = next(talk)
        while True:
            answer = await wire.exchange(request)
            try:
                request = talk.send(answer)
            except StopIteration as done:
                result: Result = done.value
                return result


def _code_request(
    endpoint: TokenEndpoint, code: Secret, redirect_uri: str, verifier: Secret | None
) -> Callable[[Secret], httpx.Request]:
    return lambda secret: code_request(endpoint, secret, code, redirect_uri, verifier)


def _asked(
    endpoint: TokenEndpoint, request: Callable[[Secret], httpx.Request], before: Tokens, now: datetime
) -> Round[Tokens]:
    """Ask with our present secret, and with the one before it where the provider does not know the present one yet."""
    *earlier, last = endpoint.secrets
    for secret in earlier:
        answer = yield request(secret)
        try:
            return read_tokens(answer, before, now, rotates=endpoint.style.rotates)
        except Broken as problem:
            if problem.code != INVALID_CLIENT:
                raise
    answer = yield request(last)
    return read_tokens(answer, before, now, rotates=endpoint.style.rotates)
