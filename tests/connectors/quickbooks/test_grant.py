"""QuickBooks' consent: what comes back is checked, the company is proven with the new token, the grant is given up."""

import contextlib
import json
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.base import Access, open_session
from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.grants import Granted, ReturnRefusedError
from connectors.limits import Unlimited
from connectors.oauth import MemoryTokens, Tokens
from connectors.quickbooks.connector import QuickBooksConnector
from connectors.quickbooks.discovery import DOCUMENT, HOSTS, REVOCATION, revocation_address
from connectors.quickbooks.grant import QuickBooksGrants
from connectors.registry import grants_for
from sandbox.misbehave import Kind, Rule
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from tests.connectors.consents import PATIENT, STATE, Way, replaced, settings_of
from tests.connectors.tiny import Asked, said, tiny
from tests.connectors.worlds import REALM, Kept

OTHER = "9341450000000077"


@pytest.fixture(scope="module")
def app() -> QuickBooks:
    found = QuickBooks.generated(seed=5)
    found.books[OTHER] = QuickBooks.generated(seed=6).books[REALM]
    return found


@contextlib.asynccontextmanager
async def the_way(app: QuickBooks) -> AsyncIterator[Way]:
    """Serve Intuit and stand before its page."""
    app.oauth.choice, app.oauth.consents, app.oauth.former_secret = REALM, True, ""
    async with serve(app.app) as served:
        yield Way(QuickBooksGrants(), settings_of(app.environment(served.url), "QUICKBOOKS"), OffsetClock())


def test_it_is_in_the_registry_and_asks_nothing_before() -> None:
    grants = grants_for(Provider.QUICKBOOKS)
    assert isinstance(grants, QuickBooksGrants)
    assert grants.hint is None
    assert (grants.read_hint("anything"), grants.hint_of(REALM, "")) == ("", "")


async def test_yes_gives_a_grant_that_was_proven_by_companyinfo(app: QuickBooks) -> None:
    async with the_way(app) as way:
        granted = await way.granted()
    assert (granted.account, granted.company) == (REALM, app.names()[REALM])
    assert granted.scopes == ("com.intuit.quickbooks.accounting",)
    assert granted.missing == ()
    tokens, now = granted.tokens, way.clock.now()
    assert tokens.expires_at is not None
    assert tokens.refresh_expires_at is not None
    assert tokens.hard_expires_at is not None
    assert tokens.expires_at - now <= timedelta(hours=1)
    assert tokens.refresh_expires_at - now > timedelta(days=99)
    assert tokens.hard_expires_at - now > timedelta(days=4 * 365)


async def test_the_page_is_asked_exactly(app: QuickBooks) -> None:
    async with the_way(app) as way:
        url = way.grants.consent(way.settings, hint="", redirect_uri=way.back, state=STATE).url
    assert parse_qs(urlsplit(url).query) == {
        "client_id": [app.oauth.client_id],
        "response_type": ["code"],
        "scope": ["com.intuit.quickbooks.accounting"],
        "redirect_uri": [way.back],
        "state": [STATE.reveal()],
    }


GOOD = [("code", "XAB-1"), ("state", "s"), ("realmId", REALM)]
WRONG = [
    (replaced(GOOD, code=None), "no_code"),
    (replaced(GOOD, code=""), "no_code"),
    (replaced(GOOD, code="a b"), "no_code"),
    (replaced(GOOD, code="x" * 5000), "malformed"),
    (replaced(GOOD, realmId=None), "no_account"),
    (replaced(GOOD, realmId="12345a"), "no_account"),
    (replaced(GOOD, realmId="1" * 33), "no_account"),
    (replaced(GOOD, realmId=f"{REALM}\n"), "malformed"),
    (replaced(GOOD, realmId="٩٣٤١٤٥"), "malformed"),
    (replaced(GOOD, realmId="../../x"), "no_account"),
    ([*GOOD, ("realmId", OTHER)], "duplicated"),
    ([*GOOD, ("code", "XAB-1")], "duplicated"),
    ([*GOOD, ("<b>", "x")], "malformed"),
    ([*GOOD, *((f"x{n}", "y") for n in range(60))], "malformed"),
    (replaced(GOOD, iss="https://evil.example"), "mixed_up"),
    ([("error", "access_denied"), ("error_description", "<script>alert(1)</script>"), ("state", "s")], "access_denied"),
    ([*GOOD, ("error", "access_denied")], "access_denied"),
    ([("error", "temporarily_unavailable"), ("state", "s")], "provider_error"),
    ([("error", "<img src=x onerror=alert(1)>"), ("state", "s")], "provider_error"),
    ([], "no_account"),
]  # fmt: skip


@pytest.mark.parametrize("query, reason", WRONG, ids=[f"{n}-{row[1]}" for n, row in enumerate(WRONG)])
def test_what_is_no_answer_is_refused_in_plain_words(
    app: QuickBooks, query: list[tuple[str, str]], reason: str
) -> None:
    way = Way(QuickBooksGrants(), settings_of(app.environment("http://127.0.0.1:1"), "QUICKBOOKS"), OffsetClock())
    with pytest.raises(ReturnRefusedError) as caught:
        way.returned(query)
    assert caught.value.reason == reason
    said_to_people = str(caught.value)
    assert "<" not in said_to_people
    assert said_to_people.endswith(".")


def test_the_right_issuer_is_welcome(app: QuickBooks) -> None:
    way = Way(QuickBooksGrants(), settings_of(app.environment("http://127.0.0.1:1"), "QUICKBOOKS"), OffsetClock())
    assert way.returned(replaced(GOOD, iss="https://oauth.platform.intuit.com/op/v1")).account == REALM


class Trusting(QuickBooksGrants):
    """The twin: believes the realm of the address."""

    async def exchange(self, *arguments: object, **more: object) -> Granted:
        """Skip the proof."""
        _ = more
        returned = arguments[1]
        return Granted(Tokens(Secret("t")), returned.account, "?", ())  # type: ignore[attr-defined]


async def test_an_edited_realm_is_not_connected_and_its_grant_is_taken_back(app: QuickBooks) -> None:
    async with the_way(app) as way:
        returned = way.returned(replaced(await way.query(), realmId=OTHER))
        assert returned.account == OTHER
        with pytest.raises(ReturnRefusedError) as caught:
            await way.exchange(returned)
        assert caught.value.reason == "account_unproven"
        assert app.oauth.grants(REALM)[-1].revoked
        twin = replace(way, grants=Trusting())
        assert (await twin.exchange(twin.returned(replaced(await way.query(), realmId=OTHER)))).account == OTHER


async def test_a_code_works_once_and_for_its_own_address_only(app: QuickBooks) -> None:
    async with the_way(app) as way:
        returned = way.returned(await way.query())
        await way.exchange(returned)
        with pytest.raises(ReturnRefusedError) as caught:
            await way.exchange(returned)
        assert caught.value.reason == "code_refused"
        fresh = way.returned(await way.query())
        with pytest.raises(ReturnRefusedError):
            await way.grants.exchange(
                way.settings, fresh, hint="", redirect_uri=f"{way.back}/x", verifier=None, clock=way.clock
            )


async def test_a_wrong_token_answer_connects_nothing(app: QuickBooks) -> None:
    async with the_way(app) as way:
        for name in ("no_refresh_token", "text_expires_in", "page_as_json", "mac_token_type"):
            app.script.add(Rule(Kind.MALFORMED, operation="token", code=name))
            with pytest.raises(ConnectorError) as caught:
                await way.granted()
            assert isinstance(caught.value, Broken | Retry)


async def test_during_a_change_of_the_secret_both_are_good(app: QuickBooks) -> None:
    async with the_way(app) as way:
        settings = replace(
            way.settings, client_secret=Secret("not yet known"), previous_secret=way.settings.client_secret
        )
        granted = await way.exchange(way.returned(await way.query()), settings)
        assert await way.grants.revoke(settings, MemoryTokens(granted.tokens), account=granted.account, region="")
        assert app.oauth.grants(REALM)[-1].revoked
        with pytest.raises(Broken) as caught:
            await way.exchange(way.returned(await way.query()), replace(settings, previous_secret=None))
        assert caught.value.code == "invalid_client"


async def test_giving_up_revokes_at_intuit_and_is_said_to_be_done_when_it_was_done_before(app: QuickBooks) -> None:
    async with the_way(app) as way:
        granted = await way.granted()
        for _ in range(2):
            assert await way.grants.revoke(
                way.settings, MemoryTokens(granted.tokens), account=granted.account, region=""
            )
        assert app.oauth.grants(REALM)[-1].revoked
        app.script.add(Rule(Kind.SERVER_ERROR, path="revoke"))
        with pytest.raises(Retry):
            await way.grants.revoke(way.settings, MemoryTokens(granted.tokens), account=granted.account, region="")


@pytest.mark.parametrize(
    "named, believed",
    [
        ("{base}/moved/revoke", True), ("https://evil.example/revoke", False), ("http://127.0.0.1:9/revoke", False),
        ("{base}@evil.example/revoke", False), ("not an address", False), (None, False),
    ],
)  # fmt: skip
async def test_the_discovery_document_may_move_the_path_but_not_the_host(named: str | None, *, believed: bool) -> None:
    async def handler(asked: Asked) -> bytes:
        assert asked.target == "/.well-known/openid_configuration"
        body = {} if named is None else {"revocation_endpoint": named.format(base=server.url)}
        return said(200, json.dumps(body).encode())

    async with tiny(handler) as server:
        environment = {
            f"QUICKBOOKS_{name}": server.url for name in ("API_URL", "AUTH_URL", "CLIENT_ID", "CLIENT_SECRET")
        }
        settings = settings_of({**environment, "QUICKBOOKS_TOKEN_URL": f"{server.url}/t"}, "QUICKBOOKS")
        found = await revocation_address(settings)
        assert found == (f"{server.url}/moved/revoke" if believed else f"{server.url}/v2/oauth2/tokens/revoke")


def test_the_collected_document_names_what_we_know(contracts_document: dict[str, str]) -> None:
    assert contracts_document["revocation_endpoint"] == REVOCATION
    assert urlsplit(contracts_document["token_endpoint"]).hostname in HOSTS
    assert urlsplit(DOCUMENT).scheme == "https"


@pytest.fixture
def contracts_document(contracts: object) -> dict[str, str]:
    found: dict[str, str] = json.loads((contracts / "qbo/oauth/discovery.json").read_text())  # type: ignore[operator]
    return found


async def test_a_renewal_with_another_companys_token_reads_nothing(app: QuickBooks) -> None:
    """T63: every address names the company, so Intuit itself refuses; nothing is handed over."""
    async with the_way(app) as way:
        granted = await way.granted()
        store, kept = MemoryTokens(replace(granted.tokens, expires_at=way.clock.now())), Kept()
        access = Access(REALM, replace(way.settings, limits=PATIENT), store, way.clock, Unlimited(), kept)
        app.script.add(Rule(Kind.OTHER_ACCOUNT, operation="token", code=OTHER))
        with pytest.raises((Broken, Reconnect)) as caught:
            async with open_session(QuickBooksConnector(), access) as session:
                await QuickBooksConnector().collect(session, {}, way.clock.now(), kept.sink, lambda *_: None)
        assert caught.value.code in {"wrong_environment", "company_not_granted"}
        assert kept.batches == []


async def test_a_grant_of_another_environment_is_not_used(app: QuickBooks) -> None:
    async with the_way(app) as way:
        granted = await way.granted()
        here = way.settings.environment(REALM)
        assert here == "127.0.0.1"
        access = Access(REALM, way.settings, MemoryTokens(granted.tokens), way.clock, Unlimited(), environment=here)
        async with open_session(QuickBooksConnector(), access) as session:
            assert (await QuickBooksConnector().probe(session)).id == REALM
        asked = len(app.journal.entries)
        with pytest.raises(Broken) as caught:
            async with open_session(QuickBooksConnector(), replace(access, environment="oauth.platform.intuit.com")):
                pass
        assert caught.value.code == "wrong_environment"
        assert len(app.journal.entries) == asked
