"""Keeping a grant alive: one refresh at a time, saved before use, and nothing thrown away for a bad answer."""

import asyncio
import base64
import contextlib
import gc
import json
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from urllib.parse import parse_qs

import pytest

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.oauth import MemoryTokens, TokenEndpoint, TokenKeeper, Tokens, TokenStyle
from connectors.wire import HttpLimits
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.connectors.tiny import Asked, Tiny, said, tiny
from tests.waiting import eventually

LIMITS = HttpLimits(connect=10, read=20, total=30)
GOOD = {"access_token": "access-2", "refresh_token": "refresh-2", "token_type": "bearer", "expires_in": 3600}


@dataclass
class Rotating:
    """A token service whose refresh tokens work once."""

    valid: str = "refresh-1"
    issued: int = 1
    answer: dict[str, Any] = field(default_factory=dict)
    pause: float = 0.0

    async def __call__(self, asked: Asked) -> bytes:
        await asyncio.sleep(self.pause)
        refresh = parse_qs(asked.body.decode()).get("refresh_token", [""])[0]
        if refresh != self.valid:
            return said(400, b'{"error":"invalid_grant","error_description":"text"}')
        self.issued += 1
        self.valid = f"refresh-{self.issued}"
        token = {**GOOD, "access_token": f"access-{self.issued}", "refresh_token": self.valid, **self.answer}
        return said(200, json.dumps(token).encode(), content_type="application/json")


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


def old(clock: OffsetClock, *, expired: bool = True) -> Tokens:
    ends = clock.now() + (timedelta(seconds=-5) if expired else timedelta(hours=1))
    return Tokens(Secret("access-1"), Secret("refresh-1"), ends, scopes=("a",))


def keeper(
    server: Tiny, store: MemoryTokens, clock: OffsetClock, style: TokenStyle = TokenStyle.BASIC_FORM
) -> TokenKeeper:
    endpoint = TokenEndpoint(f"{server.url}/oauth/token", "client", Secret("hush"), style)
    return TokenKeeper(store, endpoint, clock=clock, limits=LIMITS)


async def test_a_living_token_is_used_as_it_is(clock: OffsetClock) -> None:
    store = MemoryTokens(old(clock, expired=False))
    async with tiny(Rotating()) as server:
        assert (await keeper(server, store, clock).token()).reveal() == "access-1"
    assert server.asked == []


async def test_an_expiring_token_is_renewed_and_saved(clock: OffsetClock) -> None:
    store = MemoryTokens(old(clock))
    async with tiny(
        Rotating(answer={"x_refresh_token_expires_in": 8726400, "x_refresh_token_hard_expires_in": 157494248})
    ) as server:
        assert (await keeper(server, store, clock).token()).reveal() == "access-2"
    new = store.saved[0]
    assert new.refresh == Secret("refresh-2")
    assert new.scopes == ("a",)
    assert new.expires_at is not None
    assert timedelta(minutes=59) < new.expires_at - clock.now() <= timedelta(hours=1)
    assert new.hard_expires_at is not None
    assert new.refresh_expires_at is not None
    asked = server.asked[0]
    assert asked.headers["authorization"] == "Basic " + base64.b64encode(b"client:hush").decode()
    assert asked.headers["x-include-refresh-token-hard-expires-in"] == "true"
    assert parse_qs(asked.body.decode()) == {"grant_type": ["refresh_token"], "refresh_token": ["refresh-1"]}


async def test_shopify_is_asked_in_json_for_an_expiring_token(clock: OffsetClock) -> None:
    async def handler(asked: Asked) -> bytes:
        token = {
            "access_token": "shpat_2",
            "scope": "read_orders,read_products",
            "expires_in": 3600,
            "refresh_token": "shprt_2",
            "refresh_token_expires_in": 7776000,
        }
        return said(200, json.dumps(token).encode())

    store = MemoryTokens(old(clock))
    async with tiny(handler) as server:
        await keeper(server, store, clock, TokenStyle.JSON_BODY).token()
    assert json.loads(server.asked[0].body) == {
        "client_id": "client", "client_secret": "hush", "grant_type": "refresh_token", "refresh_token": "refresh-1", "expiring": "1",
    }  # fmt: skip
    assert "authorization" not in server.asked[0].headers
    assert store.tokens.scopes == ("read_orders", "read_products")


async def test_many_callers_make_one_refresh(clock: OffsetClock) -> None:
    store = MemoryTokens(old(clock))
    async with tiny(Rotating(pause=0.05)) as server:
        one, other = keeper(server, store, clock), keeper(server, store, clock)
        found = await asyncio.gather(*(k.token() for k in [one, other] * 10))
    assert {token.reveal() for token in found} == {"access-2"}
    assert len(server.asked) == 1


async def test_a_siblings_newer_token_is_taken_instead_of_a_refresh(clock: OffsetClock) -> None:
    store = MemoryTokens(old(clock, expired=False))
    async with tiny(Rotating()) as server:
        mine = keeper(server, store, clock)
        rejected = await mine.token()
        store.tokens = Tokens(Secret("access-9"), Secret("refresh-9"), clock.now() + timedelta(hours=1))
        assert (await mine.renew(rejected)).reveal() == "access-9"
    assert server.asked == []


@dataclass
class Racing(MemoryTokens):
    """A store without a working lease, in which a sibling rotates the token while we are on the way."""

    sibling: Tokens | None = None
    loads: int = 0

    async def load(self) -> Tokens:
        self.loads += 1
        if self.loads >= 3 and self.sibling is not None:
            self.tokens, self.sibling = self.sibling, None
        return self.tokens


class Believes(TokenKeeper):
    """The twin: takes a refusal for the last word on the grant, also where a sibling has just renewed it."""

    async def _second_look(self, tried: Tokens, rejected: Secret, refusal: Reconnect) -> Tokens:
        _ = tried, rejected
        raise refusal


@pytest.mark.parametrize("kind, ends", [(TokenKeeper, "kept"), (Believes, "given up")])
async def test_a_refusal_is_believed_only_of_the_newest_token(
    clock: OffsetClock, kind: type[TokenKeeper], ends: str
) -> None:
    """T62: the refused token was rotated out while we asked; the grant lives."""
    sibling = Tokens(Secret("access-5"), Secret("refresh-5"), clock.now() + timedelta(hours=1))
    async with tiny(Rotating(valid="refresh-5")) as server:
        endpoint = TokenEndpoint(f"{server.url}/t", "c", Secret("s"), TokenStyle.BASIC_FORM)
        mine = kind(Racing(old(clock), sibling=sibling), endpoint, clock=clock, limits=LIMITS)
        try:
            came = (await mine.token()).reveal()
        except Reconnect:
            came = "given up"
    assert came == ("access-5" if ends == "kept" else "given up")


async def test_invalid_grant_looks_again_before_it_gives_up(clock: OffsetClock) -> None:
    sibling = Tokens(Secret("access-5"), Secret("refresh-5"), clock.now() + timedelta(hours=1))
    store = Racing(old(clock), sibling=sibling)
    async with tiny(Rotating(valid="refresh-5")) as server:
        assert (await keeper(server, store, clock).token()).reveal() == "access-5"
    stale = Racing(old(clock), sibling=replace(sibling, expires_at=clock.now()))
    async with tiny(Rotating(valid="refresh-5", issued=6)) as server:
        assert (await keeper(server, stale, clock).token()).reveal() == "access-7"
    assert len(server.asked) == 2


async def test_invalid_grant_with_nothing_newer_is_for_a_person(clock: OffsetClock) -> None:
    store = MemoryTokens(old(clock))
    async with tiny(Rotating(valid="another")) as server:
        with pytest.raises(Reconnect) as caught:
            await keeper(server, store, clock).token()
    assert caught.value.code == "invalid_grant"
    assert store.saved == []
    assert len(server.asked) == 1


MALFORMED: list[dict[str, Any]] = [
    {"refresh_token": None}, {"refresh_token": ""}, {"refresh_token": 5}, {"access_token": None}, {"access_token": "a b"},
    {"access_token": "a\n"}, {"expires_in": "3600"}, {"expires_in": 0}, {"expires_in": -1}, {"expires_in": 1e12}, {"expires_in": None},
    {"expires_in": True}, {"token_type": "mac"}, {"token_type": None}, {"x_refresh_token_expires_in": "x"}, {"scope": 5},
]  # fmt: skip


@pytest.mark.parametrize("wrong", MALFORMED, ids=str)
async def test_malformed_answers_keep_the_old_tokens(clock: OffsetClock, wrong: dict[str, Any]) -> None:
    store = MemoryTokens(old(clock))
    async with tiny(Rotating(answer=wrong)) as server:
        with pytest.raises(Broken) as caught:
            await keeper(server, store, clock).token()
    assert caught.value.code == "token_malformed"
    assert store.saved == []
    assert "refresh-" not in str(caught.value)


@pytest.mark.parametrize(
    "answer, expected, code",
    [
        (said(500, b"{}"), Retry, "token_service"), (said(503, retry_after="5"), Retry, "token_service"), (said(429, retry_after="5"), Retry, "token_service"),
        (said(200, b"<html>maintenance</html>"), Retry, "token_service"), (said(200, b""), Retry, "token_service"), (said(200, b"[1]"), Broken, "token_malformed"),
        (said(200, b'{"access_token":"a","access_token":"b"}'), Retry, "token_service"), (said(200, b'{"expires_in":NaN}'), Retry, "token_service"),
        (said(401, b'{"error":"invalid_client"}'), Broken, "invalid_client"), (said(400, b'{"error":"invalid_request"}'), Broken, "token_refused"),
        (said(400, b"<html>"), Retry, "token_service"), (said(200, b'{"error":"temporarily_unavailable"}'), Retry, "token_service"),
        (said(302, location="http://127.0.0.2/"), Broken, "redirected"),
    ],
)  # fmt: skip
async def test_other_answers_never_touch_the_stored_tokens(
    clock: OffsetClock, answer: bytes, expected: type[ConnectorError], code: str
) -> None:
    async def handler(_: Asked) -> bytes:
        return answer

    store = MemoryTokens(old(clock))
    async with tiny(handler) as server:
        with pytest.raises(expected) as caught:
            await keeper(server, store, clock).token()
    assert caught.value.code == code
    assert store.saved == []


class Panics(TokenKeeper):
    """The twin: whatever is no answer is a refusal of the grant."""

    async def _ask(self, tokens: Tokens) -> Tokens:
        try:
            return await super()._ask(tokens)
        except Retry as outage:
            raise Reconnect(outage.detail, code="invalid_grant") from outage


@pytest.mark.parametrize("kind, lives", [(TokenKeeper, True), (Panics, False)])
async def test_a_provider_that_flaps_refuses_nothing(
    clock: OffsetClock, kind: type[TokenKeeper], *, lives: bool
) -> None:
    """T62: outages, throttling and pages of a proxy before the good answer, and not one of them ends the grant."""
    flaps = [said(503), said(429, retry_after="1"), said(400, b"<html>clock skew</html>"), said(502, b"<html>")]
    good = Rotating()

    async def flapping(asked: Asked) -> bytes:
        return flaps.pop(0) if flaps else await good(asked)

    store = MemoryTokens(old(clock))
    ended: list[type[ConnectorError]] = []
    async with tiny(flapping) as server:
        endpoint = TokenEndpoint(f"{server.url}/t", "c", Secret("s"), TokenStyle.BASIC_FORM)
        mine = kind(store, endpoint, clock=clock, limits=LIMITS)
        for _ in range(4):
            with pytest.raises(ConnectorError) as caught:
                await mine.token()
            ended.append(type(caught.value))
        assert (await mine.token()).reveal() == "access-2"
    assert (Reconnect not in ended) is lives


async def test_silence_is_a_retry(clock: OffsetClock) -> None:
    store = MemoryTokens(old(clock))
    async with tiny(Rotating(pause=60)) as server:
        endpoint = TokenEndpoint(f"{server.url}/t", "c", Secret("s"), TokenStyle.BASIC_FORM)
        with pytest.raises(Retry):
            await TokenKeeper(store, endpoint, clock=clock, limits=replace(LIMITS, read=0.4)).token()
    assert store.saved == []


async def test_a_token_that_does_not_expire_has_nothing_to_renew(clock: OffsetClock) -> None:
    store = MemoryTokens(Tokens(Secret("shpat_forever")))
    async with tiny(Rotating()) as server:
        mine = keeper(server, store, clock)
        token = await mine.token()
        with pytest.raises(Reconnect):
            await mine.renew(token)
    assert server.asked == []


class DiskFullError(Exception):
    """Saving failed."""


@dataclass
class Failing(MemoryTokens):
    """A store that cannot save."""

    async def save(self, tokens: Tokens) -> None:
        raise DiskFullError


class SavesAfterUse(TokenKeeper):
    """The twin: hands the new token out first and saves it when it comes to it."""

    async def _adopt(self, fresh: Tokens) -> Secret:
        self._tokens = fresh
        with contextlib.suppress(DiskFullError):
            await self._store.save(fresh)
        return fresh.access


@pytest.mark.parametrize("kind, ends", [(TokenKeeper, "kept"), (SavesAfterUse, "lost")])
async def test_what_could_not_be_saved_is_not_used(clock: OffsetClock, kind: type[TokenKeeper], ends: str) -> None:
    store = Failing(old(clock))
    async with tiny(Rotating()) as server:
        endpoint = TokenEndpoint(f"{server.url}/t", "c", Secret("s"), TokenStyle.BASIC_FORM)
        mine = kind(store, endpoint, clock=clock, limits=LIMITS)
        if ends == "kept":
            with pytest.raises(DiskFullError):
                await mine.token()
        else:
            # used, so Shopify would now retire the refresh token that is still the stored one: the grant is lost
            assert (await mine.token()).reveal() == "access-2"
            assert store.tokens.refresh == Secret("refresh-1")


@dataclass
class Slow(MemoryTokens):
    """A store that takes its time to save."""

    saving: bool = False

    async def save(self, tokens: Tokens) -> None:
        self.saving = True
        await asyncio.sleep(0.1)
        await super().save(tokens)

    @contextlib.asynccontextmanager
    async def _open(self) -> AsyncIterator[None]:
        yield

    def lease(self) -> AbstractAsyncContextManager[None]:
        return self._open()


async def until(true: Callable[[], bool]) -> None:
    """Look again and again."""
    await eventually(true, every=0.005)


async def test_a_cancelled_collection_does_not_lose_the_new_token(clock: OffsetClock) -> None:
    store = Slow(old(clock))
    async with tiny(Rotating()) as server:
        task = asyncio.ensure_future(keeper(server, store, clock).token())
        await until(lambda: bool(server.asked))
        await until(lambda: store.saving)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: bool(store.saved))
    assert store.tokens.refresh == Secret("refresh-2")


class Unheld(TokenKeeper):
    """The twin leaves a renewal behind that nobody asks for its error."""

    async def renew(self, rejected: Secret) -> Secret:
        return await asyncio.shield(asyncio.ensure_future(self._renew(rejected)))


@pytest.mark.parametrize("made, complaints", [(TokenKeeper, 0), (Unheld, 1)])
async def test_a_renewal_that_fails_after_its_caller_left_makes_no_noise(
    clock: OffsetClock, made: type[TokenKeeper], complaints: int
) -> None:
    heard: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _loop, context: heard.append(context))
    async with tiny(Rotating(valid="another", pause=0.05)) as server:
        endpoint = TokenEndpoint(f"{server.url}/oauth/token", "client", Secret("hush"), TokenStyle.BASIC_FORM)
        kept = [made(Slow(old(clock)), endpoint, clock=clock, limits=LIMITS)]
        task = asyncio.ensure_future(kept[0].token())
        await until(lambda: bool(server.asked))
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await until(lambda: not kept[0]._single.locked())
    del task
    kept.clear()
    gc.collect()
    assert [context["message"] for context in heard] == ["Task exception was never retrieved"] * complaints


def test_tokens_do_not_print_themselves(clock: OffsetClock) -> None:
    assert "access-1" not in repr(old(clock))
    assert "refresh-1" not in repr(MemoryTokens(old(clock)))
