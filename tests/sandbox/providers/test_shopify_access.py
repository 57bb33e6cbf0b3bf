"""Installing, refreshing and uninstalling."""

import hashlib
import hmac
from urllib.parse import parse_qs, urlencode, urlsplit

import httpx

from sandbox.providers.shopify.generate import generate
from sandbox.providers.shopify.store import Store
from storage.facts.clock import SystemClock
from tests.sandbox.providers.conftest import SHOP, ShopifyBench, hours

QUERY = "{ shop { id } }"


async def use(shopify: ShopifyBench, token: str) -> int:
    shopify.client.headers["X-Shopify-Access-Token"] = token
    return (await shopify.post(QUERY)).status_code


async def test_an_access_token_lives_an_hour(shopify: ShopifyBench) -> None:
    shopify.clock.advance(hours(0.99))
    assert await use(shopify, shopify.access) == 200
    shopify.clock.advance(hours(0.02))
    answer = await shopify.post(QUERY)
    assert answer.status_code == 401
    assert answer.json() == {"errors": "[API] Invalid API key or access token (unrecognized login or wrong password)"}


async def test_every_refresh_gives_a_new_pair_and_the_old_may_be_tried_until_it_is_used(shopify: ShopifyBench) -> None:
    first = (await shopify.renew(shopify.refresh)).json()
    assert first["refresh_token"] != shopify.refresh
    assert (first["expires_in"], first["refresh_token_expires_in"]) == (3600, 7_776_000)
    second = (await shopify.renew(shopify.refresh)).json()
    assert second["refresh_token"] not in (shopify.refresh, first["refresh_token"])
    assert await use(shopify, second["access_token"]) == 200
    dead = await shopify.renew(shopify.refresh)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert (await shopify.renew(second["refresh_token"])).status_code == 200


async def test_a_refresh_token_ends_after_ninety_days(shopify: ShopifyBench) -> None:
    shopify.clock.advance(hours(24 * 90 + 1))
    assert (await shopify.renew(shopify.refresh)).json()["error"] == "invalid_grant"


async def test_uninstalling_ends_everything(shopify: ShopifyBench) -> None:
    shopify.app.oauth.revoke(SHOP)
    assert await use(shopify, shopify.access) == 401
    assert (await shopify.renew(shopify.refresh)).json()["error"] == "invalid_grant"


async def test_a_token_of_another_shop_does_not_open_this_one(shopify: ShopifyBench) -> None:
    other = "other.myshopify.com"
    shopify.app.shops[other] = Store(other, "Other", shopify.clock)
    assert await use(shopify, shopify.app.oauth.grant(other).access_token) == 401


async def install(shopify: ShopifyBench, **other: str) -> httpx.Response:
    asked = {"client_id": "sandbox-shopify-client", "scope": "read_orders,read_products", "state": "n1"}
    asked |= {"redirect_uri": "http://127.0.0.1/back"}
    return await shopify.client.get(f"/{SHOP}/admin/oauth/authorize", params=asked | other)


async def test_the_callback_is_signed_and_its_code_works_once(shopify: ShopifyBench) -> None:
    answer = await install(shopify)
    back = {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    signature = back.pop("hmac")
    text = urlencode(sorted(back.items()))
    assert hmac.new(b"sandbox-shopify-secret", text.encode(), hashlib.sha256).hexdigest() == signature
    assert (back["shop"], back["state"]) == (SHOP, "n1")
    tokens = (await shopify.token(code=back["code"], expiring="1")).json()
    assert tokens["scope"] == "read_orders,read_products"
    assert await use(shopify, tokens["access_token"]) == 200
    again = await shopify.token(code=back["code"], expiring="1")
    assert (again.status_code, again.json()["error"]) == (400, "invalid_request")


async def test_without_expiring_the_token_never_ends(shopify: ShopifyBench) -> None:
    code = shopify.app.oauth.code(SHOP, ("read_orders",))
    tokens = (await shopify.token(code=code)).json()
    assert set(tokens) == {"access_token", "scope"}
    shopify.clock.advance(hours(24 * 400))
    assert await use(shopify, tokens["access_token"]) == 200


async def test_wrong_keys_denial_and_unknown_shops(shopify: ShopifyBench) -> None:
    assert (await shopify.token(client_secret="no", code="x")).status_code == 401
    assert (await shopify.token(grant_type="password")).json()["error"] == "unsupported_grant_type"
    assert (await install(shopify, client_id="x")).status_code == 400
    shopify.app.oauth.consents = False
    assert "error=access_denied" in (await install(shopify)).headers["location"]


def test_the_same_seed_gives_the_same_shop() -> None:
    from datetime import UTC, datetime

    def shop(seed: int) -> Store:
        return generate(seed, 50, as_of=datetime(2026, 11, 20, tzinfo=UTC), clock=SystemClock())

    first, second = shop(1), shop(1)
    assert first.tables == second.tables
    assert first.tables != shop(2).tables
    at = datetime(2026, 11, 21, tzinfo=UTC)
    assert first.mutate(5, new=5, changed=5, deleted=1, at=at) == second.mutate(5, new=5, changed=5, deleted=1, at=at)
    assert first.tables == second.tables
