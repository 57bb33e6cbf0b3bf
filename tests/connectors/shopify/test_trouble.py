"""Every misbehaviour of a shop ends in the right class."""

import dataclasses
from pathlib import Path
from typing import Any

import httpx
import pytest

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.shopify.judge import judge
from connectors.wire import Answer
from sandbox.misbehave import Kind, Rule
from sandbox.providers.shopify import Shopify
from storage.facts.clock import OffsetClock
from tests.connectors.shopify.test_collect import assert_true
from tests.connectors.worlds import QUICK, QUIET, SHOP, hearing, shopify_world


@pytest.fixture
def clock() -> OffsetClock:
    return OffsetClock()


@pytest.fixture
def app(clock: OffsetClock) -> Shopify:
    return Shopify.generated(seed=2, orders=12, clock=clock)


LASTING = [
    (Kind.RATE_LIMIT, {"retry_after": "40"}, Retry, "throttled"),
    (Kind.SERVER_ERROR, {"status": 502}, Retry, "server_error"),
    (Kind.RESET, {}, Retry, "connection"),
    (Kind.TRUNCATE, {"fraction": 0.5}, Retry, "connection"),
    (Kind.UNAUTHORIZED, {}, Reconnect, "token_rejected"),
    (Kind.REVOKE, {}, Reconnect, "invalid_grant"),
    (Kind.HANG, {}, Retry, "timeout"),
    (Kind.HTML, {}, Retry, "not_json"),
    (Kind.REDIRECT, {"location": "http://127.0.0.2:1/elsewhere"}, Broken, "redirected"),
    (Kind.OVERSIZE, {"size": 9 << 20}, Broken, "body_too_large"),
]


@pytest.mark.parametrize("kind, more, expected, code", LASTING, ids=[f"{row[0]}-{row[3]}" for row in LASTING])
@pytest.mark.parametrize("entity", ["orders", "ordersCount", "customers"])
async def test_lasting_trouble_has_its_class(
    app: Shopify,
    clock: OffsetClock,
    entity: str,
    kind: Kind,
    more: dict[str, Any],
    expected: type[ConnectorError],
    code: str,
) -> None:
    async with shopify_world(app, clock, limits=hearing(kind, QUIET)) as world:
        app.script.add(Rule(kind, operation="query", entity=entity, times=None, **more))
        with pytest.raises(expected) as caught:
            await world.collect()
        assert caught.value.code == code
        assert not app.journal.mutating()
        assert world.tokens.tokens.access.reveal() not in f"{caught.value!r} {caught.value}"


@pytest.mark.parametrize("kind", [Kind.SERVER_ERROR, Kind.RESET, Kind.TRUNCATE, Kind.HTML, Kind.UNAUTHORIZED])
async def test_passing_trouble_is_waited_out(app: Shopify, clock: OffsetClock, kind: Kind) -> None:
    async with shopify_world(app, clock, limits=QUICK) as world:
        app.script.add(Rule(kind, operation="query", entity="orders"))
        app.script.add(Rule(kind, operation="query", entity="products"))
        await world.collect()
        assert_true(world, app)


@pytest.mark.parametrize(
    "state, expected, code",
    [
        ("frozen", Retry, "shop_frozen"),
        ("forbidden", Reconnect, "scope_missing"),
        ("locked", Broken, "shop_locked"),
        ("inactive", Broken, "shop_inactive"),
    ],
)
async def test_shops_that_are_closed(
    app: Shopify, clock: OffsetClock, state: str, expected: type[ConnectorError], code: str
) -> None:
    app.shops[SHOP].state = state
    async with shopify_world(app, clock, limits=QUIET) as world:
        with pytest.raises(ConnectorError) as caught:
            await world.collect()
    assert (type(caught.value), caught.value.code) == (expected, code)
    if state == "frozen":
        assert isinstance(caught.value, Retry)
        assert caught.value.after == 86400


@pytest.mark.parametrize(
    "account",
    ["", "evil.example", "a.myshopify.com.evil.example", "A.myshopify.com", "a/b.myshopify.com", "ａ.myshopify.com"],
)
async def test_a_malformed_shop_is_refused(app: Shopify, clock: OffsetClock, account: str) -> None:
    async with shopify_world(app, clock) as world:
        world.access = dataclasses.replace(world.access, account=account)
        with pytest.raises(Broken, match="account_malformed"):
            await world.collect()


def answer(status: int, body: bytes, **headers: str) -> Answer:
    return Answer(status, httpx.Headers(headers), body, "r-1")


COLLECTED = [
    ("graphql_ok_orders.json", 200, None, ""),
    ("graphql_throttled_200.json", 200, None, ""),
    ("graphql_max_cost_200.json", 200, None, ""),
    ("graphql_access_denied_200.json", 200, Reconnect, "scope_missing"),
    ("http_401.json", 401, Reconnect, "token_rejected"),
    ("http_403_scope.json", 403, Reconnect, "scope_missing"),
    ("http_403_ip.html", 403, Broken, "address_not_allowed"),
]


@pytest.mark.contracts
@pytest.mark.parametrize("name, status, expected, code", COLLECTED, ids=[row[0] for row in COLLECTED])
def test_collected_answers(
    contracts: Path, name: str, status: int, expected: type[ConnectorError] | None, code: str
) -> None:
    problem = judge(answer(status, (contracts / "shopify/synthetic" / name).read_bytes()))
    assert (type(problem) if problem else None) is expected
    assert problem is None or (problem.code, problem.request_id) == (code, "r-1")


@pytest.mark.parametrize(
    "status, body, expected, code",
    [
        (404, b"", Broken, "shop_unknown"), (423, b"", Broken, "shop_locked"), (430, b"", Broken, "security_refused"), (402, b"", Retry, "shop_frozen"),
        (400, b"", Broken, "request_refused"), (200, b"", Retry, "not_json"), (200, b"null", Retry, "not_json"), (200, b"{}", Retry, "no_data"),
        (200, b'{"errors":"no"}', Broken, "request_refused"), (200, b'{"errors":[{"message":"x"}]}', Broken, "query_refused"),
        (200, b'{"data":{},"errors":[{"extensions":{"code":"INTERNAL_SERVER_ERROR"}}]}', Retry, "server_error"),
        (200, b'{"data":{},"errors":[{"extensions":{"code":"SHOP_INACTIVE"}}]}', Broken, "shop_inactive"),
        (200, b'{"data":{},"extensions":{"search":[{"path":["orders"],"warnings":[{"field":"x"}]}]}}', Broken, "filter_ignored"),
    ],
)  # fmt: skip
def test_made_up_answers(status: int, body: bytes, expected: type[ConnectorError], code: str) -> None:
    problem = judge(answer(status, body))
    assert problem is not None
    assert (type(problem), problem.code) == (expected, code)


def test_another_version_than_asked_for_is_refused() -> None:
    moved = answer(200, b'{"data":{}}', **{"x-shopify-api-version": "2027-01"})
    assert (problem := judge(moved)) is not None
    assert problem.code == "version_moved"
    assert judge(answer(200, b'{"data":{}}', **{"x-shopify-api-version": "2026-10"})) is None


def test_server_errors_are_left_to_the_shared_judge() -> None:
    assert judge(answer(502, b"")) is None
    assert judge(answer(429, b"")) is None
