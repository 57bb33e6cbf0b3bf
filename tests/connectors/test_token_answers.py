"""Token answers that are wrong, in every way that somebody thought of: nothing of them is ever kept."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.oauth import MemoryTokens, TokenEndpoint, TokenKeeper, Tokens, TokenStyle, code_exchange, converse
from connectors.oauth.answers import read_tokens
from connectors.wire import Answer, HttpLimits
from sandbox.providers.malform import MALFORMED, malformed
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.connectors.tiny import Asked, said, tiny

NOW = datetime(2026, 11, 20, 17, 0, tzinfo=UTC)
LIMITS = HttpLimits(connect=5, read=10, total=15)
GOOD = {
    "access_token": "access-2",
    "refresh_token": "refresh-2",
    "token_type": "bearer",
    "expires_in": 3600,
    "x_refresh_token_expires_in": 8726400,
}
BEFORE = Tokens(Secret("access-1"), Secret("refresh-1"), NOW, scopes=("a",), hard_expires_at=NOW + timedelta(days=9))

#: What the stand-ins' list leaves out.
MORE: dict[str, bytes] = {
    "digits_expires_in": json.dumps(GOOD).replace("3600", "9" * 400).encode(),
    "exponent_expires_in": json.dumps(GOOD).replace("3600", "1e12").encode(),
    "object_expires_in": json.dumps(GOOD | {"expires_in": {}}).encode(),
    "zero_end": json.dumps(GOOD | {"x_refresh_token_expires_in": 0}).encode(),
    "text_end": json.dumps(GOOD | {"x_refresh_token_expires_in": "soon"}).encode(),
    "quoted_scope": json.dumps(GOOD | {"scope": 'a "b" c'}).encode(),
    "unicode_refresh_token": json.dumps(GOOD | {"refresh_token": "re\u200bfresh"}).encode(),
    "surrogate_access_token": json.dumps(GOOD).replace("access-2", "\\ud800").encode(),
    "list_error": b'{"error":["invalid_grant"]}',
    "null_error_beside_tokens": json.dumps(GOOD | {"error": None}).encode(),
}


def answer_of(name: str) -> Answer:
    """Return the wrong answer of that name."""
    if name in MORE:
        return Answer(200, httpx.Headers({"content-type": "application/json"}), MORE[name], None)
    wrong = malformed(name, json.dumps(GOOD).encode())
    return Answer(wrong.status, httpx.Headers({"content-type": wrong.content_type}), wrong.body, None)


def lenient(answer: Answer, before: Tokens, now: datetime, *, rotates: bool) -> Tokens:
    """Read as many clients do: the broken twin."""
    _ = rotates
    found: dict[str, Any] = json.loads(answer.body)
    return Tokens(
        Secret(found["access_token"]),
        Secret(found.get("refresh_token")),  # type: ignore[arg-type]  # the twin's bug
        now + timedelta(seconds=int(found.get("expires_in", 3600))),
        scopes=before.scopes,
    )


Reader = Callable[..., Tokens]


def kept_anything(reader: Reader, name: str) -> bool:
    """Whether the reader took the wrong answer for tokens."""
    try:
        reader(answer_of(name), BEFORE, NOW, rotates=True)
    except (ConnectorError, KeyError, ValueError, TypeError, AttributeError, OverflowError, RecursionError):
        return False
    return True


NAMES = [*MALFORMED, *MORE]


@pytest.mark.parametrize("name", NAMES)
def test_no_wrong_answer_is_kept(name: str) -> None:
    with pytest.raises(ConnectorError) as caught:
        read_tokens(answer_of(name), BEFORE, NOW, rotates=True)
    assert isinstance(caught.value, Broken | Retry), "only the provider's plain refusal may end a grant"
    for token in ("access-2", "refresh-2", "access-1"):
        assert token not in f"{caught.value} {caught.value!r}"


def test_there_are_enough_and_a_lenient_reader_falls_for_many() -> None:
    assert len(NAMES) >= 40
    assert sum(kept_anything(lenient, name) for name in NAMES) >= 15
    assert not any(kept_anything(read_tokens, name) for name in NAMES)


def test_a_good_answer_is_read_and_what_it_leaves_out_stays() -> None:
    answer = Answer(200, httpx.Headers(), json.dumps(GOOD).encode(), None)
    found = read_tokens(answer, BEFORE, NOW, rotates=True)
    assert found == Tokens(
        Secret("access-2"),
        Secret("refresh-2"),
        NOW + timedelta(hours=1),
        NOW + timedelta(seconds=8726400),
        BEFORE.hard_expires_at,
        ("a",),
    )


def test_only_where_refresh_tokens_do_not_rotate_an_answer_may_lack_one() -> None:
    short = {name: value for name, value in GOOD.items() if name != "refresh_token"}
    answer = Answer(200, httpx.Headers(), json.dumps(short).encode(), None)
    assert read_tokens(answer, BEFORE, NOW, rotates=False).refresh == BEFORE.refresh
    with pytest.raises(Broken):
        read_tokens(answer, BEFORE, NOW, rotates=True)
    with pytest.raises(Broken):
        read_tokens(answer, Tokens(Secret("")), NOW, rotates=False)


SOME = [
    "no_refresh_token",
    "text_expires_in",
    "nan_expires_in",
    "page_as_json",
    "doubled_access_token",
    "huge_access_token",
]


@pytest.mark.parametrize("style", list(TokenStyle))
@pytest.mark.parametrize("name", SOME)
async def test_over_the_wire_nothing_is_kept_either(name: str, style: TokenStyle) -> None:
    clock = OffsetClock()
    wrong = answer_of(name)

    async def handler(_: Asked) -> bytes:
        return said(wrong.status, wrong.body)

    store = MemoryTokens(Tokens(Secret("access-1"), Secret("refresh-1"), clock.now()))
    async with tiny(handler) as server:
        endpoint = TokenEndpoint(f"{server.url}/t", "client", Secret("hush"), style)
        if name == "no_refresh_token" and not style.rotates:
            assert (await TokenKeeper(store, endpoint, clock=clock, limits=LIMITS).token()).reveal() == "access-2"
            assert store.tokens.refresh == Secret("refresh-1")
            return
        with pytest.raises((Broken, Retry)):
            await TokenKeeper(store, endpoint, clock=clock, limits=LIMITS).token()
        talk = code_exchange(
            Secret("c"), endpoint, clock.now(), redirect_uri="https://x.example/", verifier=None, asked=()
        )
        with pytest.raises(ConnectorError):
            await converse(talk, endpoint.url, LIMITS)
    assert store.saved == []


async def test_the_former_secret_is_tried_where_the_present_one_is_not_known_yet() -> None:
    clock = OffsetClock()

    async def handler(asked: Asked) -> bytes:
        if b"old-secret" in asked.body:
            return said(200, json.dumps(GOOD).encode())
        return said(401, b'{"error":"invalid_client"}')

    async with tiny(handler) as server:
        both = TokenEndpoint(
            f"{server.url}/t", "client", Secret("new-secret"), TokenStyle.POST_FORM, Secret("old-secret")
        )
        store = MemoryTokens(Tokens(Secret("access-1"), Secret("refresh-1"), clock.now()))
        assert (await TokenKeeper(store, both, clock=clock, limits=LIMITS).token()).reveal() == "access-2"
        assert [b"new-secret" in asked.body for asked in server.asked] == [True, False]
        only = TokenEndpoint(f"{server.url}/t", "client", Secret("new-secret"), TokenStyle.POST_FORM)
        with pytest.raises(Broken) as caught:
            await TokenKeeper(
                MemoryTokens(Tokens(Secret("access-1"), Secret("refresh-1"), clock.now())),
                only, clock=clock, limits=LIMITS,
            ).token()  # fmt: skip
    assert caught.value.code == "invalid_client"


async def test_a_refusal_of_the_grant_is_not_asked_again_with_the_former_secret() -> None:
    clock = OffsetClock()

    async def handler(_: Asked) -> bytes:
        return said(400, b'{"error":"invalid_grant"}')

    async with tiny(handler) as server:
        both = TokenEndpoint(f"{server.url}/t", "client", Secret("new"), TokenStyle.BASIC_FORM, Secret("old"))
        store = MemoryTokens(Tokens(Secret("access-1"), Secret("refresh-1"), clock.now()))
        with pytest.raises(Reconnect):
            await TokenKeeper(store, both, clock=clock, limits=LIMITS).token()
        assert len(server.asked) == 1
