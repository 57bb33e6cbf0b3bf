"""Amazon's consent: the region first, the seller proven where Amazon tells it, and nothing to revoke with."""

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from urllib.parse import parse_qs, parse_qsl, urlsplit

import pytest

from connectors.amazon import entry
from connectors.amazon.grant import AmazonGrants
from connectors.amazon.login import answer_login, read_login
from connectors.amazon.regions import REGIONS
from connectors.errors import Broken, ConnectorError, Reconnect
from connectors.grants import Granted, HintError, ReturnRefusedError
from connectors.oauth import MemoryTokens, TokenKeeper, Tokens
from connectors.registry import grants_for
from sandbox.misbehave import Kind, Rule
from sandbox.providers.amazon import Amazon
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from tests.connectors.consents import STATE, Way, replaced, served_amazon, settings_of, walk

SELLER = "A2TEMERITYUS01"
OTHER = "A3HARBOURPINE1"


@pytest.fixture
def app() -> Amazon:
    found = Amazon(clock=OffsetClock())
    found.oauth.choice = SELLER
    return found


@contextlib.asynccontextmanager
async def the_way(app: Amazon, region: str = "na") -> AsyncIterator[Way]:
    """Serve Amazon and stand before Seller Central."""
    async with served_amazon(app) as urls:
        assert isinstance(app.clock, OffsetClock)
        yield Way(AmazonGrants(), settings_of(app.environment(urls), "AMAZON"), app.clock, region)


def test_the_region_is_chosen_from_a_list() -> None:
    grants = grants_for(Provider.AMAZON)
    assert isinstance(grants, AmazonGrants)
    assert grants.hint is not None
    assert [choice.value for choice in grants.hint.choices] == ["na", "eu", "fe"]
    assert grants.read_hint(" EU ") == "eu"
    assert grants.hint_of(SELLER, "fe") == "fe"
    for wrong in ("", "us", "na/../eu", "ｎa"):
        with pytest.raises(HintError):
            grants.read_hint(wrong)


async def test_the_page_is_that_of_the_region(app: Amazon) -> None:
    async with the_way(app) as way:
        seen = set()
        for region in REGIONS:
            url = urlsplit(way.grants.consent(way.settings, hint=region, redirect_uri=way.back, state=STATE).url)
            seen.add(url.netloc)
            assert parse_qs(url.query) == {
                "application_id": [app.oauth.application_id],
                "state": [STATE.reveal()],
                "redirect_uri": [way.back],
            }
        draft = replace(way.settings, draft=True)
        url = urlsplit(way.grants.consent(draft, hint="na", redirect_uri=way.back, state=STATE).url)
        assert parse_qs(url.query)["version"] == ["beta"]
        with pytest.raises(Broken):
            way.grants.consent(way.settings, hint="mars", redirect_uri=way.back, state=STATE)
    assert len(seen) == len(REGIONS)


@pytest.mark.parametrize(
    "region, seller, company",
    [("na", SELLER, "Temerity Goods"), ("eu", "A1TEMERITYEU01", "Temerity Goods Europe"), ("fe", "A4TEMERITYJP01", "Temerity Goods Japan")],
)  # fmt: skip
async def test_yes_gives_a_grant_of_the_region(app: Amazon, region: str, seller: str, company: str) -> None:
    async with the_way(app, region) as way:
        granted = await way.granted()
    assert (granted.account, granted.company, granted.region) == (seller, company, region)
    assert granted.tokens.hard_expires_at is not None
    left = granted.tokens.hard_expires_at - way.clock.now()
    assert timedelta(days=364) < left <= timedelta(days=365)
    assert way.settings.environment(seller, region) == "127.0.0.1"


GOOD = [("state", "s"), ("selling_partner_id", SELLER), ("spapi_oauth_code", "AN1")]


@pytest.mark.parametrize(
    "query, reason",
    [
        (replaced(GOOD, spapi_oauth_code=None), "no_code"), (replaced(GOOD, selling_partner_id=None), "no_account"),
        (replaced(GOOD, selling_partner_id="a"), "no_account"), ([*GOOD, ("selling_partner_id", OTHER)], "duplicated"),
        ([*GOOD, ("iss", "https://appleid.example")], "mixed_up"), ([("error", "access_denied"), ("state", "s")], "access_denied"),
        ([("code", "XAB"), ("realmId", "1"), ("state", "s")], "no_account"),
    ],
)  # fmt: skip
async def test_what_is_no_answer_is_refused(app: Amazon, query: list[tuple[str, str]], reason: str) -> None:
    settings = settings_of(app.environment(dict.fromkeys(REGIONS, "http://127.0.0.1:1")), "AMAZON")
    with pytest.raises(ReturnRefusedError) as caught:
        Way(AmazonGrants(), settings, OffsetClock(), "na").returned(query)
    assert caught.value.reason == reason


class Trusting(AmazonGrants):
    """The twin: believes the seller of the address."""

    async def exchange(self, *arguments: object, **more: object) -> Granted:
        """Skip the proof."""
        _ = more
        returned = arguments[1]
        return Granted(Tokens(Secret("t")), returned.account, "?", ())  # type: ignore[attr-defined]


async def test_an_edited_seller_is_not_connected(app: Amazon) -> None:
    """T32."""
    async with the_way(app) as way:
        twin = replace(way, grants=Trusting())
        edited = twin.returned(replaced(await way.query(), selling_partner_id=OTHER))
        assert (await twin.exchange(edited)).account == OTHER
        with pytest.raises(ReturnRefusedError) as caught:
            await way.exchange(way.returned(replaced(await way.query(), selling_partner_id=OTHER)))
    assert caught.value.reason == "account_unproven"


@pytest.mark.parametrize("wish", [{"transactions": 0}, {"finance_role": 0}], ids=str)
async def test_where_amazon_does_not_tell_the_seller_the_consents_word_counts(
    app: Amazon, wish: dict[str, int]
) -> None:
    app.mutate(SELLER, **wish)
    async with the_way(app) as way:
        assert (await way.granted()).account == SELLER


async def test_a_suspended_seller_hears_why(app: Amazon) -> None:
    app.mutate(SELLER, suspended=1)
    async with the_way(app) as way:
        with pytest.raises(ReturnRefusedError) as caught:
            await way.granted()
    assert caught.value.reason == "region_refused"
    assert REGIONS["na"] in str(caught.value)


async def test_a_code_works_once_and_in_time(app: Amazon) -> None:
    async with the_way(app) as way:
        returned = way.returned(await way.query())
        await way.exchange(returned)
        late = way.returned(await way.query())
        assert isinstance(way.clock, OffsetClock)
        way.clock.advance(timedelta(minutes=6))
        for dead in (returned, late):
            with pytest.raises(ReturnRefusedError) as caught:
                await way.exchange(dead)
            assert caught.value.reason == "code_refused"


async def test_the_keys_go_in_the_form_and_both_are_good_during_a_change(app: Amazon) -> None:
    async with the_way(app) as way:
        settings = replace(way.settings, client_secret=Secret("new"), previous_secret=way.settings.client_secret)
        assert (await way.exchange(way.returned(await way.query()), settings)).account == SELLER
        app.script.add(Rule(Kind.MALFORMED, operation="token", code="no_refresh_token"))
        with pytest.raises(ConnectorError):
            await way.granted()


async def test_a_renewal_keeps_the_refresh_token_and_the_end_of_the_consent(app: Amazon) -> None:
    async with the_way(app) as way:
        granted = await way.granted()
        assert isinstance(way.clock, OffsetClock)
        way.clock.advance(timedelta(hours=2))
        store = MemoryTokens(granted.tokens)
        endpoint = entry.endpoint(way.settings.at("na"))
        keeper = TokenKeeper(store, endpoint, clock=way.clock, limits=way.settings.limits)
        assert await keeper.token() != granted.tokens.access
        assert store.tokens.refresh == granted.tokens.refresh
        assert store.tokens.hard_expires_at == granted.tokens.hard_expires_at
        app.revoke(SELLER)
        with pytest.raises(Reconnect) as caught:
            await keeper.renew(store.tokens.access)
    assert caught.value.code == "invalid_grant"


async def test_there_is_nothing_to_revoke_with(app: Amazon) -> None:
    async with the_way(app) as way:
        granted = await way.granted()
        asked = len(app.journal.entries)
        assert not await way.grants.revoke(way.settings, MemoryTokens(granted.tokens), account=SELLER, region="na")
        assert len(app.journal.entries) == asked


async def test_a_seller_may_start_at_amazon(app: Amazon) -> None:
    app.oauth.login_uri = "https://tidings.example/connect/amazon/renew"
    async with the_way(app) as way:
        base = way.settings.at("na").api_url
        query = parse_qsl(urlsplit(app.launch(SELLER, base)).query)
        login = read_login(way.settings, query)
        assert (login.seller, login.region) == (SELLER, "na")
        answer = answer_login(way.settings, login, redirect_uri=way.back, state=STATE)
        back = await walk(answer.url, way.back)
        assert dict(back)["state"] == STATE.reveal()
        assert (await way.exchange(way.returned(back))).account == SELLER
