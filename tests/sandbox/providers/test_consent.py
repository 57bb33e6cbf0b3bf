"""Consent by click and by script: who is asked, what may be chosen, and that every yes works once."""

import base64
import hashlib
import re
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.consent import Asking
from sandbox.providers import catalogue
from sandbox.providers.quickbooks.oauth import Tokens
from sandbox.providers.tokens import Denied, Grant
from sandbox.world import Plan, Sandbox, open_sandbox
from storage.facts.clock import OffsetClock
from tests.sandbox.providers.conftest import hours

BACK = "http://127.0.0.1:9/connect/back"
BROWSER = {"Accept": "text/html,application/xhtml+xml"}
SELLER = "A3HARBOURPINE1"


@dataclass(frozen=True)
class House:
    """One provider's consent, as a caller sees it."""

    provider: Any
    page: str
    query: dict[str, str]
    #: the account that is chosen unless said otherwise, and another one
    own: str
    other: str
    #: where the callback names the account and the code
    account: str
    code: str

    def token(self, code: str) -> tuple[str, dict[str, str]]:
        oauth = self.provider.oauth
        url = self.page.replace("/admin/oauth/authorize", "/admin/oauth/access_token")
        url = url.replace("/connect/oauth2", "/oauth2/v1/tokens/bearer").replace(
            "/apps/authorize/consent", "/auth/o2/token"
        )
        form = {"grant_type": "authorization_code", "code": code, "redirect_uri": BACK, "expiring": "1"}
        return url, form | {"client_id": oauth.client_id, "client_secret": oauth.client_secret}


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(Plan(size=5)) as found:
        yield found


@pytest.fixture
async def client() -> AsyncIterator[httpx.AsyncClient]:
    async with httpx.AsyncClient() as found:
        yield found


@pytest.fixture(params=["quickbooks", "shopify", "amazon"])
def house(request: pytest.FixtureRequest, sandbox: Sandbox) -> House:
    back = {"redirect_uri": BACK, "state": "s-1"}
    if request.param == "quickbooks":
        query = back | {"client_id": "sandbox-quickbooks-client", "response_type": "code"}
        query |= {"scope": "com.intuit.quickbooks.accounting"}
        page = f"{sandbox.quickbooks_url}/connect/oauth2"
        return House(sandbox.quickbooks, page, query, catalogue.REALM, catalogue.HARBOUR_REALM, "realmId", "code")
    if request.param == "shopify":
        query = back | {"client_id": "sandbox-shopify-client", "scope": "read_orders,read_customers"}
        page = f"{sandbox.shopify_url}/{catalogue.SHOP}/admin/oauth/authorize"
        return House(sandbox.shopify, page, query, catalogue.SHOP, catalogue.OUTLET_SHOP, "shop", "code")
    query = back | {"application_id": "amzn1.sp.solution.sandbox"}
    page = f"{sandbox.amazon_urls['na']}/apps/authorize/consent"
    return House(sandbox.amazon, page, query, "A2TEMERITYUS01", SELLER, "selling_partner_id", "spapi_oauth_code")


def came_back(answer: httpx.Response) -> dict[str, str]:
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{BACK}?")
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


async def asked(client: httpx.AsyncClient, house: House, **more: str) -> str:
    page = await client.get(house.page, params=house.query | more, headers=BROWSER)
    assert page.status_code == 200
    assert "Sandbox" in page.text
    assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
    return re.search(r'name="ask" value="([^"]+)"', page.text)[1]  # type: ignore[index] # the test fails where there is none


async def test_a_person_chooses_and_the_yes_works_once(client: httpx.AsyncClient, house: House) -> None:
    ask = await asked(client, house)
    form = {"ask": ask, "choice": house.other, "decision": "yes"}
    back = came_back(await client.post(house.page, data=form))
    assert (back[house.account], back["state"]) == (house.other, "s-1")
    assert (await client.post(house.page, data=form)).status_code == 400
    url, exchange = house.token(back[house.code])
    if "shopify" in house.page or "admin" in house.page:
        url = url.replace(house.own, house.other)
    tokens = (await client.post(url, data=exchange)).json()
    assert house.provider.oauth.holder(tokens["access_token"]).account == house.other
    again = await client.post(url, data=exchange)
    assert again.status_code == 400
    assert house.provider.oauth.holder(tokens["access_token"]) is None
    effects = [effect for entry in house.provider.journal.entries for effect in entry.effects]
    assert effects[:3] == ["asked a person", f"consented for {house.other}", "exchanged code"]
    assert effects[-1] == "code used twice: revoked the grant"


async def test_a_person_says_no(client: httpx.AsyncClient, house: House) -> None:
    ask = await asked(client, house)
    back = came_back(await client.post(house.page, data={"ask": ask, "choice": house.own, "decision": "no"}))
    assert back["error"] == "access_denied"
    assert back["state"] == "s-1"
    assert house.code not in back


async def test_an_answer_that_was_never_asked_for_or_is_too_late(
    client: httpx.AsyncClient, house: House, sandbox: Sandbox
) -> None:
    ask = await asked(client, house)
    yes = {"choice": house.own, "decision": "yes"}
    assert (await client.post(house.page, data=yes)).status_code == 400
    assert (await client.post(house.page, data=yes | {"ask": "guessed"})).status_code == 400
    sandbox.clock.advance(hours(1))
    assert (await client.post(house.page, data=yes | {"ask": ask})).status_code == 400


async def test_a_choice_that_was_not_on_the_page(client: httpx.AsyncClient, house: House) -> None:
    form = {"ask": await asked(client, house), "choice": "somebody-elses", "decision": "yes"}
    assert (await client.post(house.page, data=form)).status_code == 400


async def test_plain_clients_are_answered_at_once_as_the_script_says(client: httpx.AsyncClient, house: House) -> None:
    oauth = house.provider.oauth
    assert came_back(await client.get(house.page, params=house.query))[house.account] == house.own
    oauth.choice = house.other
    assert came_back(await client.get(house.page, params=house.query))[house.account] == house.other
    oauth.consents = False
    assert came_back(await client.get(house.page, params=house.query))["error"] == "access_denied"
    oauth.asking = Asking.EVERYBODY
    assert (await client.get(house.page, params=house.query)).status_code == 200
    oauth.asking = Asking.NOBODY
    assert (await client.get(house.page, params=house.query, headers=BROWSER)).status_code == 302


async def test_only_registered_addresses_are_gone_back_to(client: httpx.AsyncClient, house: House) -> None:
    house.provider.oauth.registered = frozenset({BACK})
    assert (await client.get(house.page, params=house.query)).status_code == 302
    for other in (f"{BACK}/", f"{BACK}x", BACK.replace("http", "https"), "http://evil.example/"):
        answer = await client.get(house.page, params=house.query | {"redirect_uri": other})
        assert answer.status_code == 400
        assert "location" not in answer.headers


async def test_the_account_of_the_script_over_http(client: httpx.AsyncClient, house: House) -> None:
    base = f"{urlsplit(house.page).scheme}://{urlsplit(house.page).netloc}/_sandbox"
    wishes: dict[str, Any] = {"choice": house.other, "asking": "nobody", "access_lifetime": 60, "registered": [BACK]}
    settings = (await client.post(f"{base}/oauth", json=wishes)).json()
    assert {name: settings[name] for name in wishes} == wishes | {"access_lifetime": 60.0}
    assert came_back(await client.get(house.page, params=house.query, headers=BROWSER))[house.account] == house.other
    for wrong in ({"explode": 1}, {"consents": "yes"}, {"asking": "cats"}, {"choice": None}):
        assert (await client.post(f"{base}/oauth", json=wrong)).status_code == 400
    await client.post(f"{base}/grant", json={"account": house.own})
    accounts = (await client.get(f"{base}/accounts")).json()
    assert accounts[house.own]["grants"] == 1
    assert accounts[house.other]["grants"] == 0


async def test_two_client_secrets_while_they_change(client: httpx.AsyncClient, house: House) -> None:
    oauth = house.provider.oauth
    former, oauth.client_secret = oauth.client_secret, "the-new-secret"
    back = came_back(await client.get(house.page, params=house.query))
    url, form = house.token(back[house.code])
    assert (await client.post(url, data=form | {"client_secret": former})).status_code == 401
    oauth.former_secret = former
    assert (await client.post(url, data=form | {"client_secret": former})).status_code == 200


async def test_pkce_where_it_is_used(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    verifier = "v" * 50
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.encode()).digest()).rstrip(b"=").decode()
    query = {"client_id": "sandbox-quickbooks-client", "response_type": "code", "redirect_uri": BACK, "state": "s"}
    query |= {"scope": "com.intuit.quickbooks.accounting", "code_challenge": challenge}
    page = f"{sandbox.quickbooks_url}/connect/oauth2"
    assert (await client.get(page, params=query)).status_code == 400
    assert (await client.get(page, params=query | {"code_challenge_method": "plain"})).status_code == 400
    back = came_back(await client.get(page, params=query | {"code_challenge_method": "S256"}))
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": BACK}
    url, keys = f"{sandbox.quickbooks_url}/oauth2/v1/tokens/bearer", (query["client_id"], "sandbox-quickbooks-secret")
    assert (await client.post(url, data=form | {"code_verifier": "w" * 50}, auth=keys)).status_code == 400
    assert (await client.post(url, data=form | {"code_verifier": verifier}, auth=keys)).status_code == 200


async def test_quickbooks_tells_where_everything_is(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    for end in ("openid_configuration", "openid_configuration/", "openid_sandbox_configuration"):
        said = (await client.get(f"{sandbox.quickbooks_url}/.well-known/{end}")).json()
        assert said["token_endpoint"] == sandbox.environment()["QUICKBOOKS_TOKEN_URL"]
        assert said["authorization_endpoint"] == sandbox.environment()["QUICKBOOKS_AUTH_URL"]


async def test_a_withheld_scope_shuts_the_books(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.quickbooks.oauth.withheld = frozenset({"com.intuit.quickbooks.accounting"})
    code = sandbox.quickbooks.oauth.code(BACK)
    access = sandbox.quickbooks.oauth.exchange(code, BACK).access_token
    path = f"/v3/company/{catalogue.REALM}/companyinfo/{catalogue.REALM}"
    headers = {"Authorization": f"Bearer {access}", "Accept": "application/json"}
    answer = await client.get(f"{sandbox.quickbooks_url}{path}", headers=headers)
    assert (answer.status_code, answer.json()["fault"]["error"][0]["code"]) == (403, "3100")


async def test_shopify_gives_fewer_scopes_than_asked_for(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    sandbox.shopify.oauth.withheld = frozenset({"read_customers"})
    page = f"{sandbox.shopify_url}/{catalogue.SHOP}/admin/oauth/authorize"
    query = {"client_id": "sandbox-shopify-client", "scope": "read_orders,read_customers", "redirect_uri": BACK}
    back = came_back(await client.get(page, params=query | {"state": "s"}))
    keys = {"client_id": "sandbox-shopify-client", "client_secret": "sandbox-shopify-secret", "code": back["code"]}
    url = page.replace("authorize", "access_token")
    assert (await client.post(url, json=keys | {"expiring": "1"})).json()["scope"] == "read_orders"


async def test_the_app_may_leave_a_shop_by_itself(client: httpx.AsyncClient, sandbox: Sandbox) -> None:
    for leaves in ("graphql", "rest"):
        access = str(sandbox.shopify.give(catalogue.SHOP)["access_token"])
        headers, base = {"X-Shopify-Access-Token": access}, f"{sandbox.shopify_url}/{catalogue.SHOP}/admin"
        if leaves == "graphql":
            said = {"query": "mutation { appUninstall { userErrors { code } } }"}
            answer = await client.post(f"{base}/api/2026-10/graphql.json", json=said, headers=headers)
            assert answer.json()["data"] == {"appUninstall": {"userErrors": []}}
        else:
            answer = await client.delete(f"{base}/api_permissions/current.json", headers=headers)
            assert answer.status_code == 200
        assert sandbox.shopify.oauth.holder(access) is None


class Forgetful(Tokens):
    """The broken twin: it does not remember that a code was used."""

    def exchange(self, code: str, redirect_uri: str, verifier: str = "") -> Grant:
        grant = super().exchange(code, redirect_uri, verifier)
        self._codes[code].grant = None
        return grant


def works_once(oauth: Tokens) -> bool:
    code = oauth.code(BACK)
    first = oauth.exchange(code, BACK)
    try:
        oauth.exchange(code, BACK)
    except Denied:
        return first.revoked
    return False


def test_the_check_of_single_use_sees_a_service_that_forgets() -> None:
    clock = OffsetClock()
    assert works_once(Tokens(clock, choice=catalogue.REALM))
    assert not works_once(Forgetful(clock, choice=catalogue.REALM))
