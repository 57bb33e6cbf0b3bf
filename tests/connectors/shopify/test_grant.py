"""Shopify's consent: the shop's name, the signature, the proof by the shop's own word, and the uninstalling."""

import base64
import contextlib
import hashlib
import hmac
import json
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import parse_qs, parse_qsl, urlencode, urlsplit

import pytest
from graphql import parse, validate

from connectors.base import Access, open_session
from connectors.errors import Broken, ConnectorError, Reconnect, Retry, WriteRefused
from connectors.grants import HintError, ReturnRefusedError
from connectors.limits import Unlimited
from connectors.oauth import MemoryTokens
from connectors.reads import Call
from connectors.registry import grants_for
from connectors.shopify.connector import ShopifyConnector
from connectors.shopify.documents.app import SCOPES, UNINSTALL
from connectors.shopify.documents.every import DOCUMENTS
from connectors.shopify.entry import DOMAIN
from connectors.shopify.grant import ShopifyGrants, lacking
from connectors.shopify.signed import verify
from sandbox.misbehave import Kind, Rule
from sandbox.providers.serve import serve
from sandbox.providers.shopify import Shopify
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from tests.connectors.consents import STATE, Way, replaced, settings_of
from tests.connectors.shopify.test_documents import schema
from tests.connectors.tiny import Asked, said, tiny
from tests.connectors.worlds import SHOP, Kept

__all__ = ["schema"]

OTHER = "harbour-and-pine.myshopify.com"
KEY = Secret("hush")


@pytest.fixture(scope="module")
def app() -> Shopify:
    found = Shopify.generated(seed=5, orders=3)
    found.add_shop(OTHER, "Harbour & Pine", orders=3)
    return found


@contextlib.asynccontextmanager
async def the_way(app: Shopify) -> AsyncIterator[Way]:
    """Serve the shops and stand before the consent page of one."""
    app.oauth.consents, app.oauth.withheld = True, frozenset()
    async with serve(app.app) as served:
        yield Way(ShopifyGrants(), settings_of(app.environment(served.url), "SHOPIFY"), OffsetClock(), SHOP)


FRIENDLY = [
    "temeritygoods", "TemerityGoods", " temeritygoods.myshopify.com ", "TEMERITYGOODS.MYSHOPIFY.COM",
    "https://temeritygoods.myshopify.com", "https://temeritygoods.myshopify.com/", "temeritygoods.myshopify.com/admin",
    "https://temeritygoods.myshopify.com/admin/orders?query=1#x", "http://temeritygoods.myshopify.com",
    "https://admin.shopify.com/store/temeritygoods", "https://admin.shopify.com/store/temeritygoods/settings/domains",
    "admin.shopify.com/store/temeritygoods?x=1",
]  # fmt: skip
#: what must never lead anywhere
HOSTILE = [
    "", " ", ".", "-", "temeritygoods.com", "evil.com", "temeritygoods.myshopify.com.evil.com", "evil.com/temeritygoods.myshopify.com",
    "evil.com#temeritygoods.myshopify.com", "evil.com?temeritygoods.myshopify.com", "https://evil.com@temeritygoods.myshopify.com",
    "https://temeritygoods.myshopify.com@evil.com", "https://temeritygoods.myshopify.com:443@evil.com/", "temeritygoods.myshopify.com:8443",
    "temeritygoods.myshopify.com\\@evil.com", "temeritygoods.myshopify.com%00.evil.com", "temeritygoods.myshopify.com\n.evil.com",
    "a.b.myshopify.com", "-a.myshopify.com", "a_b.myshopify.com", "a b.myshopify.com", f"{'a' * 61}.myshopify.com", "a" * 400,
    "temeritygoods.myshopify.io", "temeritygoods.myshopify.comm", "temeritygoods.myshopifyXcom", "xn--temeritygoods-.myshopify.com.",
    "tеmeritygoods.myshopify.com", "temeritygoods。myshopify.com", "ｔemeritygoods", "\u212aelvin", "//evil.com", "javascript:alert(1)",
    "ftp://temeritygoods.myshopify.com", "https://admin.shopify.com.evil.com/store/temeritygoods", "https://admin.shopify.com/store/../x",
    "https://admin.shopify.com/storefront/temeritygoods", "127.0.0.1", "localhost:80", "[::1]", "{shop}", "%74emerity",
]  # fmt: skip


@pytest.mark.parametrize("typed", FRIENDLY)
def test_people_may_type_what_they_see(typed: str) -> None:
    assert ShopifyGrants().read_hint(typed) == SHOP


@pytest.mark.parametrize("typed", HOSTILE)
def test_nothing_else_becomes_a_shop(typed: str) -> None:
    with pytest.raises(HintError):
        ShopifyGrants().read_hint(typed)


@pytest.mark.parametrize("hint", ["", "evil.com", "temeritygoods", f"{SHOP}\n", f"{SHOP}.evil.com"])
def test_a_hint_that_is_no_domain_leads_nowhere(app: Shopify, hint: str) -> None:
    settings = settings_of(app.environment("http://127.0.0.1:1"), "SHOPIFY")
    with pytest.raises(HintError):
        ShopifyGrants().consent(settings, hint=hint, redirect_uri="https://t.example/cb", state=STATE)


def test_it_is_in_the_registry_and_leads_back_to_its_shop() -> None:
    grants = grants_for(Provider.SHOPIFY)
    assert isinstance(grants, ShopifyGrants)
    assert grants.hint is not None
    assert grants.hint_of(SHOP, "") == SHOP
    assert DOMAIN.fullmatch(SHOP)


async def test_yes_gives_a_grant_that_the_shop_itself_confirms(app: Shopify) -> None:
    async with the_way(app) as way:
        url = way.grants.consent(way.settings, hint=SHOP, redirect_uri=way.back, state=STATE).url
        granted = await way.granted()
    asked = parse_qs(urlsplit(url).query)
    assert urlsplit(url).path == f"/{SHOP}/admin/oauth/authorize"
    assert asked["scope"] == [",".join(SCOPES)]
    assert asked["redirect_uri"] == [way.back]
    assert asked["state"] == [STATE.reveal()]
    assert (granted.account, granted.company) == (SHOP, app.names()[SHOP])
    assert set(granted.scopes) == set(SCOPES)
    assert granted.missing == ()
    assert granted.tokens.refresh, "tokens that expire were asked for"
    assert granted.tokens.refresh_expires_at is not None
    assert granted.tokens.refresh_expires_at - way.clock.now() > timedelta(days=89)


async def test_withheld_scopes_are_named(app: Shopify) -> None:
    async with the_way(app) as way:
        app.oauth.withheld = frozenset({"read_all_orders", "read_customers"})
        granted = await way.granted()
    assert granted.missing == ("read_all_orders", "read_customers")


@pytest.mark.parametrize(
    "granted, missing",
    [
        (("read_a", "read_b"), ()), (("write_a", "read_b"), ()), (("write_a",), ("read_b",)), ((), ("read_a", "read_b")),
        (("read_a_b", "unwrite_b"), ("read_a", "read_b")), (("WRITE_A", "read_b"), ("read_a",)),
    ],
)  # fmt: skip
def test_to_write_is_to_read(granted: tuple[str, ...], missing: tuple[str, ...]) -> None:
    assert lacking(("read_a", "read_b"), granted) == missing


# -- the way back ------------------------------------------------------------------------------------------------------


def signed(key: Secret, now: float, **changes: str | None) -> list[tuple[str, str]]:
    """Return a callback's query, signed as Shopify's JavaScript library does."""
    plain = {"code": "c0de", "host": "YWRtaW4", "shop": SHOP, "state": "s", "timestamp": str(int(now))}
    query = replaced(sorted(plain.items()), **changes)
    text = urlencode(sorted(query)).replace("+", "%20")
    return [*query, ("hmac", hmac.new(key.reveal().encode(), text.encode(), hashlib.sha256).hexdigest())]


Check = Callable[[dict[str, str], tuple[Secret, ...], OffsetClock], str]


def ours(query: dict[str, str], keys: tuple[Secret, ...], clock: OffsetClock) -> str:
    """Check as the product does."""
    return verify(query, keys, clock.now())


def unsigned(query: dict[str, str], keys: tuple[Secret, ...], clock: OffsetClock) -> str:
    """Look at the shop's name only, with re.match and a dollar: the twin."""
    _ = keys, clock
    if not re.match(r"^[a-z0-9][a-z0-9-]*\.myshopify\.com$", query.get("shop", "")):
        raise ReturnRefusedError("shop_malformed", ".")
    return query["shop"]


FORGED: list[tuple[dict[str, str | None], str]] = [
    ({"hmac": None}, "not_signed"), ({"hmac": ""}, "not_signed"), ({"hmac": "0" * 64}, "not_signed"), ({"hmac": "zz"}, "not_signed"),
    ({"code": "other"}, "not_signed"), ({"state": "other"}, "not_signed"), ({"shop": OTHER}, "not_signed"), ({"extra": "1"}, "not_signed"),
    ({"timestamp": "9999999999"}, "not_signed"), ({"host": None}, "not_signed"),
]  # fmt: skip


@pytest.mark.parametrize("changes, reason", FORGED, ids=str)
def test_what_was_changed_after_signing_is_refused(changes: dict[str, str | None], reason: str) -> None:
    clock = OffsetClock()
    query = replaced(signed(KEY, clock.now().timestamp()), **changes)
    with pytest.raises(ReturnRefusedError) as caught:
        ours(dict(query), (KEY,), clock)
    assert caught.value.reason == reason


def test_the_twin_without_a_signature_takes_them() -> None:
    clock, taken = OffsetClock(), 0
    for changes, _ in FORGED:
        query = dict(replaced(signed(KEY, clock.now().timestamp()), **changes))
        taken += bool(unsigned(query, (KEY,), clock))
    assert taken == len(FORGED)
    assert unsigned({"shop": f"{SHOP}\n"}, (KEY,), clock), "re.match lets a line end pass"


SIGNED_BUT_WRONG: list[tuple[dict[str, str | None], str]] = [
    ({"shop": "evil.com"}, "shop_malformed"), ({"shop": f"{SHOP}\n"}, "shop_malformed"), ({"shop": f"{SHOP}.evil.com"}, "shop_malformed"),
    ({"shop": SHOP.upper()}, "shop_malformed"), ({"shop": None}, "shop_malformed"), ({"timestamp": None}, "stale"),
    ({"timestamp": "x"}, "stale"), ({"timestamp": "-1"}, "stale"), ({"timestamp": "1"}, "stale"), ({"timestamp": "١٧٠٠٠٠٠٠٠٠"}, "stale"),
]  # fmt: skip


@pytest.mark.parametrize("changes, reason", SIGNED_BUT_WRONG, ids=str)
def test_a_signature_alone_is_not_enough(changes: dict[str, str | None], reason: str) -> None:
    clock = OffsetClock()
    with pytest.raises(ReturnRefusedError) as caught:
        ours(dict(signed(KEY, clock.now().timestamp(), **changes)), (KEY,), clock)
    assert caught.value.reason == reason


@pytest.mark.parametrize("seconds, good", [(-80, True), (80, True), (-100, False), (100, False), (-86400, False)])
def test_an_answer_is_good_for_a_minute_and_a_half(seconds: int, *, good: bool) -> None:
    clock = OffsetClock()
    query = dict(signed(KEY, clock.now().timestamp() + seconds))
    if good:
        assert ours(query, (KEY,), clock) == SHOP
    else:
        with pytest.raises(ReturnRefusedError) as caught:
            ours(query, (KEY,), clock)
        assert caught.value.reason == "stale"


def test_both_secrets_sign_during_a_change_and_an_empty_one_never_does() -> None:
    clock = OffsetClock()
    old, now = Secret("old"), clock.now().timestamp()
    assert ours(dict(signed(old, now)), (KEY, old), clock) == SHOP
    assert ours(dict(signed(KEY, now)), (KEY, old), clock) == SHOP
    for keys in ((KEY,), (KEY, Secret(""))):
        with pytest.raises(ReturnRefusedError):
            ours(dict(signed(old, now)), keys, clock)
    with pytest.raises(ReturnRefusedError):
        ours(dict(signed(Secret(""), now)), (Secret(""),), clock)


def test_the_other_librarys_spelling_counts_as_well() -> None:
    clock = OffsetClock()
    host = base64.b64encode(b"admin.shopify.com/store/x?").decode()
    assert host.endswith("=")
    query = {"code": "c", "host": host, "shop": SHOP, "state": "s", "timestamp": str(int(clock.now().timestamp()))}
    text = "&".join(f"{name}={value}" for name, value in sorted(query.items()))
    mac = hmac.new(b"hush", text.encode(), hashlib.sha256).hexdigest()
    assert ours({**query, "hmac": mac}, (KEY,), clock) == SHOP
    merged = {"code": f"c&host={host}", **{name: query[name] for name in ("shop", "state", "timestamp")}, "hmac": mac}
    with pytest.raises(ReturnRefusedError):
        ours(merged, (KEY,), clock)


async def test_the_shop_that_answers_is_the_shop_that_was_asked(app: Shopify) -> None:
    async with the_way(app) as way:
        app.oauth.choice = OTHER
        try:
            query = await way.query()
        finally:
            app.oauth.choice = ""
        with pytest.raises(ReturnRefusedError) as caught:
            way.returned(query)
        assert caught.value.reason == "other_shop"
        with pytest.raises(ReturnRefusedError) as doubled:
            way.returned([*query, ("shop", SHOP)])
        assert doubled.value.reason == "duplicated"
        elsewhere = replace(way, hint=OTHER)
        with pytest.raises(ReturnRefusedError):
            await way.exchange(elsewhere.returned(query))


async def test_no_is_no(app: Shopify) -> None:
    async with the_way(app) as way:
        app.oauth.consents = False
        with pytest.raises(ReturnRefusedError) as caught:
            way.returned(await way.query())
        assert caught.value.reason == "access_denied"


async def test_a_launch_from_the_admin_is_signed_too(app: Shopify) -> None:
    async with the_way(app) as way:
        grants = way.grants
        assert isinstance(grants, ShopifyGrants)
        query = parse_qsl(urlsplit(app.launch(SHOP, "https://tidings.example/connect/shopify/install")).query)
        assert grants.verify_install(way.settings, query, now=way.clock.now()) == SHOP
        for wrong in (replaced(query, shop=OTHER), [*query, ("shop", OTHER)], replaced(query, hmac=None), []):
            with pytest.raises(ReturnRefusedError):
                grants.verify_install(way.settings, wrong, now=way.clock.now())


async def test_another_shops_word_is_not_taken() -> None:
    """The token comes from the right host, but the shop behind it names itself otherwise."""
    answer = {"access_token": "shpat_1", "scope": "read_orders", "expires_in": 3600, "refresh_token": "shprt_1"}
    shop = {"data": {"shop": {"id": "gid://shopify/Shop/1", "name": "Other", "myshopifyDomain": OTHER}}}

    async def handler(asked: Asked) -> bytes:
        found = answer if asked.target.endswith("access_token") else shop
        return said(200, json.dumps(found).encode(), x_shopify_api_version="2026-10")

    async with tiny(handler) as server:
        names = {f"SHOPIFY_{name}": "x" for name in ("CLIENT_ID", "CLIENT_SECRET", "AUTH_URL")}
        urls = {"SHOPIFY_API_URL": f"{server.url}/{{shop}}", "SHOPIFY_TOKEN_URL": f"{server.url}/{{shop}}/access_token"}
        way = Way(ShopifyGrants(), settings_of(names | urls, "SHOPIFY"), OffsetClock(), SHOP)
        returned = way.returned(signed(Secret("x"), way.clock.now().timestamp()))
        with pytest.raises(ReturnRefusedError) as caught:
            await way.exchange(returned)
    assert caught.value.reason == "other_shop"
    assert json.loads(server.asked[0].body)["expiring"] == "1"


# -- giving up, and what a stranger's token opens ----------------------------------------------------------------------


async def test_giving_up_uninstalls_the_app_even_with_a_token_that_ended(app: Shopify) -> None:
    async with the_way(app) as way:
        granted = await way.granted()
        app.script.add(Rule(Kind.UNAUTHORIZED, operation="mutation"))
        assert await way.grants.revoke(way.settings, MemoryTokens(granted.tokens), account=SHOP, region="")
        assert [entry.operation for entry in app.journal.mutating()] == ["mutation", "mutation"]
        with pytest.raises(ConnectorError):
            await _read(way, granted.tokens)
        assert await way.grants.revoke(way.settings, MemoryTokens(granted.tokens), account=SHOP, region=""), (
            "gone is gone"
        )
        other = await way.granted()
        app.script.add(Rule(Kind.SERVER_ERROR, operation="mutation"))
        with pytest.raises(Retry):
            await way.grants.revoke(way.settings, MemoryTokens(other.tokens), account=SHOP, region="")


async def _read(way: Way, tokens: object) -> str:
    store = MemoryTokens(tokens)  # type: ignore[arg-type]  # the caller's tokens
    async with open_session(ShopifyConnector(), Access(SHOP, way.settings, store, way.clock, Unlimited())) as session:
        return (await ShopifyConnector().probe(session)).name


async def test_the_connection_that_collects_cannot_uninstall(app: Shopify) -> None:
    async with the_way(app) as way:
        granted = await way.granted()
        access = Access(SHOP, way.settings, MemoryTokens(granted.tokens), way.clock, Unlimited())
        body = json.dumps({"query": UNINSTALL}).encode()
        call = Call("POST", "/admin/api/2026-10/graphql.json", "uninstall", body=body, content_type="application/json")
        before = len(app.journal.mutating())
        async with open_session(ShopifyConnector(), access) as session:
            with pytest.raises(WriteRefused):
                await session.http.send(call)
        assert len(app.journal.mutating()) == before


@pytest.mark.contracts
def test_the_one_mutation_is_in_shopifys_schema(schema: object, contracts: Path) -> None:
    assert contracts.is_dir()
    assert validate(schema, parse(UNINSTALL)) == []  # type: ignore[arg-type]  # the fixture's type
    assert UNINSTALL not in DOCUMENTS.values()


async def test_a_renewal_with_another_shops_token_reads_nothing(app: Shopify) -> None:
    """T63: the host is the shop, and no shop takes another one's token."""
    async with the_way(app) as way:
        granted = await way.granted()
        store, kept = MemoryTokens(replace(granted.tokens, expires_at=way.clock.now())), Kept()
        access = Access(SHOP, way.settings, store, way.clock, Unlimited(), kept)
        app.script.add(Rule(Kind.OTHER_ACCOUNT, operation="token", code=OTHER))
        try:
            with pytest.raises(Reconnect):
                async with open_session(ShopifyConnector(), access) as session:
                    await ShopifyConnector().collect(session, {}, way.clock.now(), kept.sink, lambda *_: None)
        finally:
            app.script.clear()
        assert kept.batches == []


async def test_a_dead_code_is_said_to_be_dead(app: Shopify) -> None:
    async with the_way(app) as way:
        returned = way.returned(await way.query())
        await way.exchange(returned)
        with pytest.raises(ReturnRefusedError) as caught:
            await way.exchange(returned)
        assert caught.value.reason == "code_refused"
        wrong = replace(way.settings, client_secret=Secret("wrong"))
        with pytest.raises(Broken):
            await way.exchange(replace(returned, code=Secret("x")), wrong)
