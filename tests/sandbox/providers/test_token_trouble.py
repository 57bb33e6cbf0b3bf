"""Token endpoints that rotate, forget, mix up and answer nonsense, by script."""

import json
from datetime import timedelta

import httpx
import pytest

from sandbox.misbehave import Kind, Rule
from sandbox.providers.malform import MALFORMED, malformed
from sandbox.providers.quickbooks.oauth import Rotation
from sandbox.world import Plan, open_sandbox
from tests.sandbox.providers.conftest import REALM, SHOP, QuickBooksBench, ShopifyBench, hours

GRACES = (timedelta(0), timedelta(seconds=60), timedelta(hours=24))


@pytest.mark.parametrize("grace", GRACES)
@pytest.mark.parametrize("revokes", [False, True])
async def test_rotation_with_grace_at_quickbooks(quickbooks: QuickBooksBench, grace: timedelta, revokes: bool) -> None:  # noqa: FBT001 - a case of the table
    oauth = quickbooks.app.oauth
    oauth.rotation, oauth.grace, oauth.reuse_revokes = Rotation.ALWAYS, grace, revokes
    second = (await quickbooks.renew(quickbooks.refresh)).json()["refresh_token"]
    assert second != quickbooks.refresh
    if grace:
        quickbooks.clock.advance(grace - timedelta(seconds=5))
        assert (await quickbooks.renew(quickbooks.refresh)).json()["refresh_token"] == second
        quickbooks.clock.advance(timedelta(seconds=6))
    assert (await quickbooks.renew(quickbooks.refresh)).json()["error"] == "invalid_grant"
    assert (await quickbooks.renew(second)).status_code == (400 if revokes else 200)
    assert (await quickbooks.query("select count(*) from Invoice")).status_code == (
        401 if revokes or grace > hours(1) else 200
    )


@pytest.mark.parametrize("grace", GRACES)
@pytest.mark.parametrize("revokes", [False, True])
async def test_rotation_with_grace_at_shopify(shopify: ShopifyBench, grace: timedelta, revokes: bool) -> None:  # noqa: FBT001 - a case of the table
    oauth = shopify.app.oauth
    oauth.grace, oauth.reuse_revokes = grace, revokes
    second = (await shopify.renew(shopify.refresh)).json()["refresh_token"]
    if grace:
        shopify.clock.advance(grace - timedelta(seconds=5))
        assert (await shopify.renew(shopify.refresh)).status_code == 200
        assert (await shopify.renew(second)).status_code == 200
        shopify.clock.advance(timedelta(seconds=6))
    assert (await shopify.renew(shopify.refresh)).json()["error"] == "invalid_grant"
    newest = oauth.grants(SHOP)[-1].refresh_token or ""
    assert (await shopify.renew(newest)).status_code == (400 if revokes else 200)


async def test_shopify_without_rotation(shopify: ShopifyBench) -> None:
    shopify.app.oauth.rotation = Rotation.NEVER
    assert (await shopify.renew(shopify.refresh)).json()["refresh_token"] == shopify.refresh
    shopify.app.oauth.rotation = Rotation.DAILY
    assert (await shopify.renew(shopify.refresh)).json()["refresh_token"] == shopify.refresh
    shopify.clock.advance(hours(24))
    assert (await shopify.renew(shopify.refresh)).json()["refresh_token"] != shopify.refresh


async def test_a_connection_cut_after_the_rotation(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.oauth.rotation = Rotation.ALWAYS
    quickbooks.app.script.add(Rule(Kind.RESET, operation="token", accept=True))
    with pytest.raises(httpx.TransportError):
        await quickbooks.renew(quickbooks.refresh)
    entry = quickbooks.app.journal.entries[-1]
    assert (entry.outcome, entry.effects) == ("reset", ("rotated refresh token",))
    assert (await quickbooks.renew(quickbooks.refresh)).status_code == 400


async def test_a_connection_cut_before_it_changes_nothing(quickbooks: QuickBooksBench) -> None:
    """The twin of the test above."""
    quickbooks.app.oauth.rotation = Rotation.ALWAYS
    quickbooks.app.script.add(Rule(Kind.RESET, operation="token"))
    with pytest.raises(httpx.TransportError):
        await quickbooks.renew(quickbooks.refresh)
    assert (await quickbooks.renew(quickbooks.refresh)).status_code == 200


async def test_a_slow_token_answer(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.script.add(Rule(Kind.LATENCY, operation="token", seconds=1.0))
    with pytest.raises(httpx.ReadTimeout):
        await quickbooks.client.post(
            "/oauth2/v1/tokens/bearer", auth=("sandbox-quickbooks-client", "sandbox-quickbooks-secret"), timeout=httpx.Timeout(60, read=0.05),
            data={"grant_type": "refresh_token", "refresh_token": quickbooks.refresh},
        )  # fmt: skip


async def test_tokens_of_another_account(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.add_company("77", "Elsewhere LLC", invoices=5)
    quickbooks.app.script.add(Rule(Kind.OTHER_ACCOUNT, operation="token", code="77"))
    answer = (await quickbooks.renew(quickbooks.refresh)).json()
    holder = quickbooks.app.oauth.holder(answer["access_token"])
    assert holder is not None
    assert holder.account == "77"
    foreign = await quickbooks.query("select count(*) from Invoice", authorization=f"Bearer {answer['access_token']}")
    assert foreign.status_code == 403
    assert (await quickbooks.renew(quickbooks.refresh)).json()["refresh_token"] == quickbooks.refresh


@pytest.mark.parametrize("name", MALFORMED)
async def test_every_malformed_answer_is_sent_and_takes_effect(quickbooks: QuickBooksBench, name: str) -> None:
    quickbooks.app.oauth.rotation = Rotation.ALWAYS
    quickbooks.app.script.add(Rule(Kind.MALFORMED, operation="token", code=name))
    answer = await quickbooks.renew(quickbooks.refresh)
    assert answer.status_code in {200, 201, 204, 400}
    assert quickbooks.app.journal.entries[-1].effects == ("rotated refresh token",)
    assert quickbooks.app.journal.entries[-1].fault == "malformed"
    assert (await quickbooks.renew(quickbooks.refresh)).status_code == 400


def test_there_are_enough_ways_and_each_differs_from_a_good_answer() -> None:
    good = {"access_token": "a" * 20, "refresh_token": "b" * 20, "token_type": "bearer", "expires_in": 3600}
    spoiled = {name: malformed(name, json.dumps(good).encode()) for name in MALFORMED}
    assert len(spoiled) >= 40
    assert len({(each.body, each.status, each.content_type) for each in spoiled.values()}) == len(spoiled)
    assert (json.dumps(good).encode(), 200, "application/json") not in {
        (each.body, each.status, each.content_type) for each in spoiled.values()
    }
    with pytest.raises(KeyError, match="empty_object"):
        malformed("surprise", b"{}")


async def test_the_same_at_every_token_endpoint() -> None:
    async with open_sandbox(Plan(size=5)) as sandbox, httpx.AsyncClient() as client:
        environment = sandbox.environment()
        seller = "A2TEMERITYUS01"
        for name, provider, account, url in (
            ("QUICKBOOKS", sandbox.quickbooks, REALM, environment["QUICKBOOKS_TOKEN_URL"]),
            ("SHOPIFY", sandbox.shopify, SHOP, environment["SHOPIFY_TOKEN_URL"].replace("{shop}", SHOP)),
            ("AMAZON", sandbox.amazon, seller, environment["AMAZON_TOKEN_URL_NA"]),
        ):
            refresh = str(provider.give(account)["refresh_token"])
            form = {"grant_type": "refresh_token", "refresh_token": refresh}
            form |= {
                "client_id": environment[f"{name}_CLIENT_ID"],
                "client_secret": environment[f"{name}_CLIENT_SECRET"],
            }
            provider.script.add(Rule(Kind.MALFORMED, operation="token", code="no_refresh_token"))
            assert "refresh_token" not in (await client.post(url, data=form)).json()
            provider.script.add(Rule(Kind.HTML, operation="token"))
            assert "html" in (await client.post(url, data=form)).headers["content-type"]
