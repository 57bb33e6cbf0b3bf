"""The shared client: what it waits for, what it refuses, what it never tells."""

import asyncio
import gzip
import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta

import httpx
import pytest
import structlog

from connectors.errors import Broken, Reconnect, Retry, WriteRefused
from connectors.http import Http
from connectors.limits import Limiter, MemoryLimiter, Rate, Unlimited
from connectors.oauth import MemoryTokens, TokenEndpoint, TokenKeeper, Tokens, TokenStyle
from connectors.reads import Call
from connectors.wire import HttpLimits, Wire, pinned
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.connectors.tiny import Asked, Handler, said, tiny
from tests.connectors.worlds import QUICK

TOKEN = "secret-token-of-the-test"
READ = Call("GET", "/things", "query things")


@dataclass
class Quick(OffsetClock):
    """A clock whose waits take no time but are remembered."""

    waits: list[float] = field(default_factory=list)

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.advance(timedelta(seconds=seconds))
        await asyncio.sleep(0)


def headers(token: Secret) -> Mapping[str, str]:
    return {"Authorization": f"Bearer {token.reveal()}"}


def client(
    wire: Wire, clock: OffsetClock, *, limiter: Limiter | None = None, rates: tuple[Rate, ...] = (), writes: bool = False,
    judge: Callable[..., None] = lambda _: None,
) -> Http:  # fmt: skip
    endpoint = TokenEndpoint(str(wire.base), "id", Secret("s"), TokenStyle.BASIC_FORM)
    keeper = TokenKeeper(MemoryTokens(Tokens(Secret(TOKEN))), endpoint, clock=clock, limits=wire.limits)
    return Http(
        wire, keeper, clock=clock, limiter=limiter or Unlimited(), key="p:a", rates=rates, headers=headers, judge=judge, writes=writes
    )  # fmt: skip


class Script:
    """Answers one after another; the last one stays."""

    def __init__(self, *answers: bytes | None) -> None:
        self.answers = list(answers)

    async def __call__(self, asked: Asked) -> bytes | None:
        return self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]


async def test_an_answer_is_given_whole_with_its_request_id() -> None:
    async with (
        tiny(Script(said(200, b"{}", x_request_id="tid-1 <x>"))) as server,
        Wire(server.url, limits=QUICK) as wire,
    ):
        answer = await client(wire, Quick()).send(READ)
    assert (answer.status, answer.body, answer.request_id) == (200, b"{}", "tid-1x")
    assert server.asked[0].headers["authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize(
    "trouble",
    [said(503), said(500, b"<html>"), said(429, retry_after="1"), None, b"garbage\r\n\r\n", said(200, b"x" * 5)[:-2]],
)
async def test_reads_are_tried_again(trouble: bytes | None) -> None:
    clock = Quick()
    handler = Script(trouble, said(200, b"ok"))
    async with tiny(_closing(handler, trouble)) as server, Wire(server.url, limits=QUICK) as wire:
        answer = await client(wire, clock).send(READ)
    assert answer.body == b"ok"
    assert len(server.asked) == 2
    assert len(clock.waits) <= 1  # the transport itself repeats a read once on a connection that was closed on it


def _closing(handler: Script, trouble: bytes | None) -> Handler:
    """Close the connection after a truncated body, or the client would wait for the rest."""
    truncated = trouble is not None and trouble.startswith(b"HTTP/1.1 200")

    async def handle(asked: Asked) -> bytes | None:
        answer = await handler(asked)
        return None if truncated and answer == trouble else answer

    return handle


async def test_attempts_are_capped() -> None:
    clock = Quick()
    async with tiny(Script(said(503))) as server, Wire(server.url, limits=QUICK) as wire:
        with pytest.raises(Retry, match="server_error"):
            await client(wire, clock).send(READ)
    assert len(server.asked) == QUICK.attempts
    assert len(clock.waits) == QUICK.attempts - 1


async def test_the_total_time_is_capped() -> None:
    clock = Quick()
    limits = HttpLimits(attempts=100, retry_total=30, longest_wait=20)
    async with tiny(Script(said(503, retry_after="9"))) as server, Wire(server.url, limits=limits) as wire:
        with pytest.raises(Retry) as caught:
            await client(wire, clock).send(READ)
    assert sum(clock.waits) <= 30
    assert caught.value.after == 9
    assert len(server.asked) == 4


@pytest.mark.parametrize("header, waits", [("0", [0]), ("1.5", [1.5]), ("-1", None), ("soon", None)])
async def test_retry_after_is_followed_where_it_makes_sense(header: str, waits: list[float] | None) -> None:
    clock = Quick()
    async with tiny(Script(said(503, retry_after=header), said(200))) as server, Wire(server.url, limits=QUICK) as wire:
        await client(wire, clock).send(READ)
    assert len(clock.waits) == 1
    if waits is not None:
        assert clock.waits == waits


async def test_a_long_wait_is_given_back_and_blocks_the_account() -> None:
    clock = Quick()
    limiter = MemoryLimiter(clock)
    async with tiny(Script(said(429, retry_after="90"))) as server, Wire(server.url, limits=QUICK) as wire:
        http = client(wire, clock, limiter=limiter)
        with pytest.raises(Retry) as caught:
            await http.send(READ)
        assert caught.value.after == 90
        with pytest.raises(Retry):
            await http.send(READ)
    assert len(server.asked) == 1
    assert clock.waits == []


async def test_a_short_wait_for_the_bucket_is_slept() -> None:
    clock = Quick()
    limiter = MemoryLimiter(clock)
    async with tiny(Script(said(200))) as server, Wire(server.url, limits=QUICK) as wire:
        http = client(wire, clock, limiter=limiter, rates=(Rate(1, 1),))
        for _ in range(3):
            await http.send(READ)
    assert clock.waits == pytest.approx([1, 1], abs=0.1)


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
@pytest.mark.parametrize("where", ["http://127.0.0.1:9/other", "/things", "//127.0.0.2/x"])
async def test_redirects_are_never_followed(status: int, where: str) -> None:
    async with tiny(Script(said(status, location=where))) as server, Wire(server.url, limits=QUICK) as wire:
        with pytest.raises(Broken, match="redirected"):
            await client(wire, Quick()).send(READ)
    assert len(server.asked) == 1


async def test_the_twin_that_follows_redirects_gives_the_token_away() -> None:
    async with tiny(Script(said(200))) as thief, tiny(Script(said(302, location=f"{thief.url}/x"))) as server:
        async with httpx.AsyncClient(follow_redirects=True, trust_env=False) as naive:
            await naive.get(server.url, headers={"X-Shopify-Access-Token": TOKEN})
        assert thief.asked[0].headers["x-shopify-access-token"] == TOKEN
        thief.asked.clear()
        async with Wire(server.url, limits=QUICK) as wire:
            with pytest.raises(Broken):
                await client(wire, Quick()).send(READ)
        assert thief.asked == []


@pytest.mark.parametrize(
    "path",
    [
        "//evil.example/x",
        "/a/../b",
        "/..",
        "a",
        "/a?b=c",
        "/a#b",
        "/a b",
        "/a\\b",
        "/%2e%2e/",
        "@evil.example",
        "/a\r\nx",
    ],
)
async def test_paths_that_could_lead_elsewhere_are_refused(path: str) -> None:
    async with Wire("http://127.0.0.1:1", limits=QUICK) as wire:
        with pytest.raises(Broken, match="path_refused"):
            await client(wire, Quick()).send(Call("GET", path, "x"))


async def test_a_request_to_another_host_is_refused() -> None:
    async with Wire("http://127.0.0.1:1", limits=QUICK) as wire:
        for other in ("http://127.0.0.1:2/", "https://127.0.0.1:1/", "http://localhost:1/"):
            with pytest.raises(Broken, match="host_refused"):
                await wire.exchange(httpx.Request("GET", other))


@pytest.mark.parametrize(
    "address",
    [
        "http://api.example.com",
        "ftp://127.0.0.1",
        "https://u:p@api.example.com",
        "https://a.example?x=1",
        "http://127.0.0.1.evil.example",
        "http://0.0.0.0:1",
        "https://",
    ],
)
def test_addresses_that_are_not_safe_are_refused(address: str) -> None:
    with pytest.raises(Broken, match="address_refused"):
        pinned(address)


@pytest.mark.parametrize(
    "address", ["https://api.example.com/base", "http://127.0.0.1:80", "http://localhost:8", "http://[::1]:8"]
)
def test_safe_addresses_are_taken(address: str) -> None:
    assert str(pinned(address)).startswith(address.rstrip("/")[:10])


async def test_big_bodies_are_refused_while_they_come() -> None:
    limits = HttpLimits(body=1 << 20, attempts=1)
    bomb = gzip.compress(b"0" * (200 << 20), 1)
    assert len(bomb) < limits.body
    async with (
        tiny(Script(said(200, bomb, content_encoding="gzip"))) as server,
        Wire(server.url, limits=limits) as wire,
    ):
        with pytest.raises(Broken, match="body_too_large"):
            await client(wire, Quick()).send(READ)


async def test_gzip_is_read_and_a_broken_one_is_tried_again() -> None:
    good, bad = gzip.compress(b"hello"), b"\x1f\x8b" + b"x" * 30
    handler = Script(said(200, bad, content_encoding="gzip"), said(200, good, content_encoding="gzip"))
    async with tiny(handler) as server, Wire(server.url, limits=QUICK) as wire:
        assert (await client(wire, Quick()).send(READ)).body == b"hello"


async def test_silence_ends_in_time() -> None:
    async def silent(_: Asked) -> bytes:
        await asyncio.sleep(30)
        return b""

    limits = HttpLimits(read=0.2, total=1, attempts=1)
    async with tiny(silent) as server, Wire(server.url, limits=limits) as wire:
        with pytest.raises(Retry, match="timeout"):
            await client(wire, Quick()).send(READ)


async def test_a_trickle_ends_in_time() -> None:
    async def trickle(_: Asked) -> bytes:
        await asyncio.sleep(30)
        return b""

    limits = HttpLimits(read=20, total=0.3, attempts=1)
    async with tiny(trickle) as server, Wire(server.url, limits=limits) as wire:
        with pytest.raises(Retry, match="timeout"):
            await client(wire, Quick()).send(READ)


async def test_nothing_listens() -> None:
    async with Wire("http://127.0.0.1:9", limits=HttpLimits(attempts=1)) as wire:
        with pytest.raises(Retry, match="connection"):
            await client(wire, Quick()).send(READ)


async def test_writes_are_refused_before_the_network_and_with_the_capability_never_repeated() -> None:
    write = Call("POST", "/v3/company/1/invoice", "create", body=b"{}", content_type="application/json")
    async with tiny(Script(said(503))) as server, Wire(server.url, limits=QUICK) as wire:
        with pytest.raises(WriteRefused):
            await client(wire, Quick()).send(write)
        assert server.asked == []
        with pytest.raises(Retry):
            await client(wire, Quick(), writes=True).send(write)
        assert len(server.asked) == 1


async def test_a_rejected_token_without_a_refresh_token_is_for_a_person() -> None:
    def judge(answer: object) -> Reconnect:
        return Reconnect("no", code="token_rejected")

    async with tiny(Script(said(401))) as server, Wire(server.url, limits=QUICK) as wire:
        with pytest.raises(Reconnect):
            await client(wire, Quick(), judge=judge).send(READ)  # type: ignore[arg-type]
    assert len(server.asked) == 1


async def test_secrets_are_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with (
        tiny(Script(said(503, TOKEN.encode(), x_request_id=TOKEN))) as server,
        Wire(server.url, limits=QUICK) as wire,
    ):
        with structlog.testing.capture_logs() as logs, pytest.raises(Retry) as caught:
            await client(wire, Quick()).send(READ)
    assert TOKEN not in caplog.text.replace(f"request_id={TOKEN}", "")
    assert all(TOKEN not in str({key: value for key, value in entry.items() if key != "request_id"}) for entry in logs)
    assert TOKEN not in caught.value.detail
    assert [entry["event"] for entry in logs] == ["provider_call_failed"] * QUICK.attempts
    assert server.url not in str(logs)


async def test_cookies_are_not_kept() -> None:
    async with tiny(Script(said(200, set_cookie="a=b"))) as server, Wire(server.url, limits=QUICK) as wire:
        http = client(wire, Quick())
        await http.send(READ)
        await http.send(READ)
    assert "cookie" not in server.asked[1].headers
