"""Every scripted trouble, for both stand-ins, as it is on the wire."""

import asyncio
import time
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.quickbooks.oauth import Rotation
from sandbox.providers.serve import TRANSPORT, serve
from tests.sandbox.providers.conftest import REALM, SHOP, QuickBooksBench
from tests.waiting import eventually


@pytest.fixture(params=["quickbooks", "shopify"])
def bench(request: pytest.FixtureRequest) -> Any:
    return request.getfixturevalue(request.param)


async def read(bench: Any, within: float = 60.0) -> httpx.Response:
    if hasattr(bench, "query"):
        params = {"query": "select * from Customer maxresults 20"}
        answer: httpx.Response = await bench.client.get(f"/v3/company/{REALM}/query", params=params, timeout=within)
        return answer
    body = {"query": "{ customers(first: 20) { nodes { id email } } }"}
    path = f"/{SHOP}/admin/api/2026-10/graphql.json"
    posted: httpx.Response = await bench.client.post(path, json=body, timeout=within)
    return posted


def raw_request(bench: Any) -> bytes:
    """The same read as bytes, for a bare socket."""
    if hasattr(bench, "query"):
        head = f"GET /v3/company/{REALM}/query?query=select%20*%20from%20Customer HTTP/1.1\r\n"
        return f"{head}Host: x\r\nAccept: application/json\r\nAuthorization: Bearer {bench.access}\r\n\r\n".encode()
    body = b'{"query":"{ customers(first: 20) { nodes { id email } } }"}'
    head = f"POST /{SHOP}/admin/api/2026-10/graphql.json HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    return f"{head}X-Shopify-Access-Token: {bench.access}\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body


async def on_the_wire(bench: Any) -> tuple[bytes, str]:
    """What a bare socket receives, and how the connection ends."""
    reader, writer = await asyncio.open_connection("127.0.0.1", int(bench.url.rpartition(":")[2]))
    received = bytearray()
    try:
        writer.write(raw_request(bench))
        await writer.drain()
        while piece := await asyncio.wait_for(reader.read(65536), 60):
            received += piece
    except ConnectionResetError:
        return bytes(received), "reset"
    finally:
        writer.transport.abort()
    return bytes(received), "end"


async def test_a_reset_is_a_reset_on_the_wire(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.RESET))
    assert await on_the_wire(bench) == (b"", "reset")
    assert bench.app.journal.entries[-1].outcome == "reset"
    assert bench.app.journal.entries[-1].status is None


async def test_the_check_for_resets_catches_a_polite_close() -> None:
    """A twin that only closes the connection must not pass as a reset."""
    app = QuickBooks.generated(invoices=12)

    async def polite(scope: Scope, _receive: Receive, _send: Send) -> None:
        scope["extensions"][TRANSPORT].close()
        await asyncio.sleep(0)

    class Bench:
        query = None
        url = ""
        access = app.oauth.grant(REALM).access_token

    async with serve(polite) as served:
        Bench.url = served.url
        assert await on_the_wire(Bench) == (b"", "end")


async def test_a_truncated_body_declares_more_than_it_sends(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.TRUNCATE, fraction=0.25))
    received, ending = await on_the_wire(bench)
    head, _, body = received.partition(b"\r\n\r\n")
    declared = int(head.lower().split(b"content-length: ")[1].split(b"\r\n")[0])
    assert head.startswith(b"HTTP/1.1 200")
    assert ending == "end"
    assert len(body) == declared // 4
    assert bench.app.journal.entries[-1].outcome == "truncated"


async def test_a_client_notices_the_truncation(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.TRUNCATE))
    with pytest.raises(httpx.RemoteProtocolError):
        await read(bench)
    assert (await read(bench)).status_code == 200


@pytest.mark.parametrize(
    "value", ["7", "garbage", "-1", format_datetime(datetime(2026, 11, 20, tzinfo=UTC), usegmt=True)]
)
async def test_a_rate_limit_says_when_to_come_back_as_it_was_told(bench: Any, value: str) -> None:
    bench.app.script.add(Rule(Kind.RATE_LIMIT, retry_after=value))
    answer = await read(bench)
    assert answer.status_code == 429
    assert answer.headers["retry-after"] == value


async def test_a_rate_limit_may_not_say_when(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.RATE_LIMIT))
    answer = await read(bench)
    assert answer.status_code == 429
    assert "retry-after" not in answer.headers


async def test_a_server_error_has_the_status_it_was_given(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.SERVER_ERROR), Rule(Kind.SERVER_ERROR, status=500, body="oops"))
    assert (await read(bench)).status_code == 503
    answer = await read(bench)
    assert (answer.status_code, answer.text) == (500, "oops")


async def test_unauthorized_leaves_the_grant_whole(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.UNAUTHORIZED))
    assert (await read(bench)).status_code == 401
    assert (await read(bench)).status_code == 200


async def test_a_revoked_grant_stays_revoked(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.REVOKE, nth=2))
    assert (await read(bench)).status_code == 200
    assert (await read(bench)).status_code == 401
    assert (await read(bench)).status_code == 401
    answer = await bench.renew(bench.refresh)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_a_fault_comes_under_status_200(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.FAULT))
    answer = await read(bench)
    assert answer.status_code == 200
    assert "Fault" in answer.json() or "errors" in answer.json()


async def test_a_hang_is_accepted_and_never_answered(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.HANG))
    with pytest.raises(httpx.ReadTimeout):
        await read(bench, within=0.2)
    await eventually(lambda: bench.app.journal.entries[-1].outcome == "hung")


async def test_a_hang_ends_without_a_word_after_its_seconds(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.HANG, seconds=0.05))
    assert await on_the_wire(bench) == (b"", "end")


async def test_a_hanging_token_request_took_effect(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.oauth.rotation = Rotation.ALWAYS
    quickbooks.app.script.add(Rule(Kind.HANG, operation="token", seconds=0.05))
    with pytest.raises(httpx.RemoteProtocolError):
        await quickbooks.renew(quickbooks.refresh)
    await eventually(lambda: quickbooks.app.journal.entries[-1].effects == ("rotated refresh token",))
    assert quickbooks.app.journal.entries[-1].status is None


async def test_a_reset_before_acceptance_has_no_effect_and_after_it_has(quickbooks: QuickBooksBench) -> None:
    body = {"DisplayName": "Somebody"}
    before = quickbooks.books.ids("Customer")
    for accept, grown in ((False, 0), (True, 1)):
        quickbooks.app.script.add(Rule(Kind.RESET, accept=accept))
        with pytest.raises(httpx.ReadError):
            await quickbooks.client.post(f"/v3/company/{REALM}/customer", json=body)
        assert len(quickbooks.books.ids("Customer") - before) == grown


async def test_a_late_request_takes_effect_after_its_caller_left(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.script.add(Rule(Kind.LATE, seconds=1.0))
    before, soon = quickbooks.books.ids("Customer"), httpx.Timeout(60, read=0.05)
    with pytest.raises(httpx.ReadTimeout):
        await quickbooks.client.post(f"/v3/company/{REALM}/customer", json={"DisplayName": "Late"}, timeout=soon)
    assert quickbooks.books.ids("Customer") == before
    await eventually(lambda: len(quickbooks.books.ids("Customer") - before) == 1)
    await eventually(lambda: quickbooks.app.journal.entries[-1].effects != ())


async def test_a_late_request_is_answered_to_a_patient_caller(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.LATE, seconds=0.1))
    began = time.monotonic()
    assert (await read(bench)).status_code == 200
    assert time.monotonic() - began >= 0.1


async def test_what_is_held_is_answered_once_the_script_is_cleared(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.HOLD))
    asked = asyncio.ensure_future(read(bench))
    await eventually(lambda: bench.app.script.struck == 1)
    assert not asked.done()
    bench.app.script.clear()
    assert (await asked).status_code == 200


async def test_latency_only_delays(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.LATENCY, seconds=0.1))
    began = time.monotonic()
    assert (await read(bench)).status_code == 200
    assert time.monotonic() - began >= 0.1
    assert bench.app.journal.entries[-1].fault == "latency"


async def test_a_web_page_where_data_should_be(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.HTML))
    answer = await read(bench)
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    assert answer.text.startswith("<!DOCTYPE html>")


async def test_a_redirect_to_another_host(bench: Any) -> None:
    bench.app.script.add(Rule(Kind.REDIRECT, location="http://127.0.0.2:9/steal"))
    answer = await read(bench)
    assert (answer.status_code, answer.headers["location"]) == (302, "http://127.0.0.2:9/steal")


async def test_a_wrong_content_type_keeps_the_body(bench: Any) -> None:
    right = await read(bench)
    bench.app.script.add(Rule(Kind.CONTENT_TYPE, content_type="image/png"))
    wrong = await read(bench)
    assert wrong.headers["content-type"] == "image/png"
    assert len(wrong.content) == len(right.content)


@pytest.mark.parametrize("declared", [True, False])
async def test_an_oversized_body_is_blanks_and_then_the_right_one(bench: Any, *, declared: bool) -> None:
    bench.app.script.add(Rule(Kind.OVERSIZE, size=3_000_001, declared=declared))
    answer = await read(bench)
    assert len(answer.content) > 3_000_001
    assert answer.content[:3_000_001].isspace()
    assert isinstance(answer.json(), dict)
    assert ("content-length" in answer.headers) is declared


async def test_open_requests_do_not_hold_up_the_end_of_the_server() -> None:
    app = QuickBooks.generated(invoices=12)
    app.script.add(Rule(Kind.HANG))
    access = app.oauth.grant(REALM).access_token
    async with httpx.AsyncClient(headers={"Authorization": f"Bearer {access}"}) as client:
        async with serve(app.app) as served:
            pending = asyncio.create_task(client.get(f"{served.url}/v3/company/{REALM}/query?query=x", timeout=300))
            await eventually(lambda: len(app.journal.entries) == 1)
            began = time.monotonic()
        # Of the five minutes that the client would wait.
        assert time.monotonic() - began < 200
        with pytest.raises(httpx.TransportError):
            await pending
    assert app.journal.entries[0].outcome in ("cancelled", "hung")
