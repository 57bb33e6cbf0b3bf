"""The Amazon stand-in: regions, what 403 means, the year, and sellers who start at Amazon."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.misbehave import Kind, Rule
from sandbox.providers.amazon import REGIONS, Amazon
from sandbox.world import Plan, Sandbox, open_sandbox
from tests.sandbox.providers.conftest import hours

SELLER, EUROPEAN = "A2TEMERITYUS01", "A1TEMERITYEU01"
BACK = "http://127.0.0.1:9/connect/amazon/callback"
PARTICIPATIONS = "/sellers/v1/marketplaceParticipations"


@dataclass
class Bench:
    sandbox: Sandbox
    client: httpx.AsyncClient

    @property
    def app(self) -> Amazon:
        return self.sandbox.amazon

    async def ask(self, token: str, *, region: str = "na", path: str = PARTICIPATIONS) -> httpx.Response:
        headers = {"x-amz-access-token": token} if token else {}
        return await self.client.get(f"{self.sandbox.amazon_urls[region]}{path}", headers=headers)

    async def why(self, token: str, **how: str) -> str:
        answer = await self.ask(token, **how)
        assert answer.status_code == 403
        (error,) = answer.json()["errors"]
        assert (error["code"], error["message"]) == ("Unauthorized", "Access to requested resource is denied.")
        assert answer.headers["x-amzn-requestid"]
        return str(error["details"])

    async def token(self, **form: str) -> httpx.Response:
        keys = {"client_id": self.app.oauth.client_id, "client_secret": self.app.oauth.client_secret}
        return await self.client.post(f"{self.sandbox.amazon_urls['na']}/auth/o2/token", data=keys | form)

    async def renew(self, refresh: str) -> httpx.Response:
        return await self.token(grant_type="refresh_token", refresh_token=refresh)


@pytest.fixture
async def bench() -> AsyncIterator[Bench]:
    async with open_sandbox(Plan(size=5)) as sandbox, httpx.AsyncClient() as client:
        yield Bench(sandbox, client)


async def test_marketplaces_of_a_seller(bench: Bench) -> None:
    tokens = bench.app.give(SELLER)
    bench.app.generous = False
    answer = await bench.ask(str(tokens["access_token"]))
    assert answer.headers["x-amzn-ratelimit-limit"] == "0.016"
    found: list[dict[str, Any]] = answer.json()["payload"]
    taking = {each["marketplace"]["countryCode"]: each["participation"]["isParticipating"] for each in found}
    assert taking == {"US": True, "CA": True, "MX": False}
    assert {each["storeName"] for each in found} == {"Temerity Goods"}
    assert str(tokens["access_token"]).startswith("Atza|")
    assert str(tokens["refresh_token"]).startswith("Atzr|")


async def test_every_403_says_why_in_its_details(bench: Bench) -> None:
    access = str(bench.app.give(SELLER)["access_token"])
    assert await bench.why("") == "Access token is missing in the request header."
    assert "revoked, malformed or invalid" in await bench.why("Atza|nonsense")
    assert await bench.why(access, region="eu") == ""
    since = bench.sandbox.clock.now() - hours(24 * 60)
    finances = f"/finances/2024-06-19/transactions?postedAfter={since:%Y-%m-%dT%H:%M:%SZ}"
    bench.app.mutate(SELLER, finance_role=0)
    assert "data roles" in await bench.why(access, path=finances)
    bench.app.mutate(SELLER, finance_role=1, suspended=1)
    assert await bench.why(access) == ""
    bench.app.mutate(SELLER, suspended=0)
    said = (await bench.ask(access, path=finances)).json()["payload"]["transactions"]
    assert said[0]["sellingPartnerMetadata"]["sellingPartnerId"] == SELLER
    bench.sandbox.clock.advance(hours(1.01))
    assert await bench.why(access) == "The access token you provided has expired."
    bench.app.revoke(SELLER)
    assert "revoked, malformed or invalid" in await bench.why(access)


async def test_the_refresh_token_stays_for_a_year_and_no_longer(bench: Bench) -> None:
    refresh = str(bench.app.give(SELLER)["refresh_token"])
    bench.sandbox.clock.advance(hours(24 * 364))
    assert (await bench.renew(refresh)).json()["refresh_token"] == refresh
    bench.sandbox.clock.advance(hours(25))
    dead = await bench.renew(refresh)
    assert (dead.status_code, dead.json()["error"]) == (400, "invalid_grant")
    assert "grant parameter : refresh_token" in dead.json()["error_description"]
    wrong = await bench.token(grant_type="refresh_token", refresh_token=refresh, client_secret="no")
    assert (wrong.status_code, wrong.json()["error"]) == (401, "invalid_client")
    assert (await bench.token(grant_type="password")).json()["error"] == "unsupported_grant_type"


async def test_a_code_lives_five_minutes_and_keeps_to_its_address(bench: Bench) -> None:
    code = bench.app.oauth.code(BACK)
    exchange = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK}
    assert (await bench.token(**exchange | {"redirect_uri": f"{BACK}/x"})).status_code == 400
    bench.sandbox.clock.advance(hours(0.1))
    assert (await bench.token(**exchange)).status_code == 400


async def test_each_region_has_its_own_sellers_and_its_own_address(bench: Bench) -> None:
    query = {"application_id": bench.app.oauth.application_id, "state": "s", "redirect_uri": BACK}
    found = {}
    for region in REGIONS:
        page = f"{bench.sandbox.amazon_urls[region]}/apps/authorize/consent"
        back = parse_qs(urlsplit((await bench.client.get(page, params=query)).headers["location"]).query)
        found[region] = back["selling_partner_id"][0]
    assert found == {"na": SELLER, "eu": EUROPEAN, "fe": "A4TEMERITYJP01"}
    page = f"{bench.sandbox.amazon_urls['na']}/apps/authorize/consent"
    assert (await bench.client.get(page, params=query | {"application_id": "x"})).status_code == 400


async def test_a_seller_who_starts_at_amazon(bench: Bench) -> None:
    base = bench.sandbox.amazon_urls["eu"]
    with pytest.raises(ValueError, match="login address"):
        bench.app.launch(EUROPEAN, base)
    bench.sandbox.slack.request_url = "http://127.0.0.1:9/slack/events"
    renew = await bench.client.get(f"{base}/apps/manage", params={"choice": EUROPEAN})
    asked = {key: values[0] for key, values in parse_qs(urlsplit(renew.headers["location"]).query).items()}
    assert renew.headers["location"].startswith("http://127.0.0.1:9/connect/amazon/renew?")
    assert asked["selling_partner_id"] == EUROPEAN
    query = {"amazon_state": asked["amazon_state"], "state": "ours", "redirect_uri": BACK}
    foreign = await bench.client.get(asked["amazon_callback_uri"], params=query | {"amazon_state": "guessed"})
    assert foreign.status_code == 400
    back = parse_qs(
        urlsplit((await bench.client.get(asked["amazon_callback_uri"], params=query)).headers["location"]).query
    )
    assert (back["state"], back["selling_partner_id"]) == (["ours"], [EUROPEAN])
    assert (await bench.client.get(asked["amazon_callback_uri"], params=query)).status_code == 400


async def test_the_quota_where_it_is_kept(bench: Bench) -> None:
    bench.app.throttle = True
    access = str(bench.app.give(SELLER)["access_token"])
    statuses = [(await bench.ask(access)).status_code for _ in range(16)]
    assert statuses == [200] * 15 + [429]
    bench.sandbox.clock.advance(hours(0.02))
    assert (await bench.ask(access)).status_code == 200


async def test_scripted_troubles_have_amazons_shape(bench: Bench) -> None:
    access = str(bench.app.give(SELLER)["access_token"])
    for kind, status, code in (
        (Kind.RATE_LIMIT, 429, "QuotaExceeded"),
        (Kind.SERVER_ERROR, 503, "ServiceUnavailable"),
        (Kind.UNAUTHORIZED, 403, "Unauthorized"),
        (Kind.FAULT, 400, "InvalidInput"),
    ):
        bench.app.script.add(Rule(kind))
        answer = await bench.ask(access)
        assert (answer.status_code, answer.json()["errors"][0]["code"]) == (status, code)
    assert (await bench.ask(access, path="/nowhere")).status_code == 404
    entry = bench.app.journal.entries[0]
    assert (entry.operation, entry.account) == ("participations", SELLER)
