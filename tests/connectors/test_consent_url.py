"""The address of a consent page: exact, and with PKCE by S256 where a provider has it."""

import base64
import hashlib
from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.errors import Broken, Reconnect
from connectors.oauth import TokenEndpoint, TokenStyle, code_exchange, consent_url, converse, new_verifier
from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.serve import serve
from storage.facts.clock import OffsetClock
from storage.facts.secret import Secret
from tests.connectors.consents import PATIENT, STATE, settings_of, walk
from tests.connectors.worlds import REALM

BACK = "https://tidings.example/connect/quickbooks/callback"


def asked(verifier: Secret | None = None, redirect_uri: str = BACK) -> dict[str, list[str]]:
    """Return the query of a consent address."""
    url = consent_url(
        "https://p.example/authorize", "client", redirect_uri=redirect_uri, scope="a b", state=STATE, verifier=verifier
    )
    return parse_qs(urlsplit(url).query)


def test_it_says_who_asks_for_what_and_where_to_come_back() -> None:
    assert asked() == {
        "response_type": ["code"],
        "client_id": ["client"],
        "redirect_uri": [BACK],
        "scope": ["a b"],
        "state": [STATE.reveal()],
    }


def test_the_challenge_is_that_of_the_rfc() -> None:
    found = asked(Secret("dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"))
    assert found["code_challenge"] == ["E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM"]
    assert found["code_challenge_method"] == ["S256"]


def test_verifiers_are_long_and_never_the_same() -> None:
    made = {new_verifier().reveal() for _ in range(100)}
    assert len(made) == 100
    assert all(43 <= len(text) <= 128 for text in made)


@pytest.mark.parametrize(
    "wrong", ["http://tidings.example/cb", "https://a@tidings.example/cb", f"{BACK}?next=x", f"{BACK}#x"]
)
def test_an_address_to_come_back_to_is_plain_and_secure(wrong: str) -> None:
    with pytest.raises(Broken):
        asked(redirect_uri=wrong)


async def test_a_code_is_only_good_with_the_verifier_that_it_was_asked_with() -> None:
    app, clock = QuickBooks.generated(seed=3), OffsetClock()
    app.oauth.choice = REALM
    async with serve(app.app) as served:
        settings = settings_of(app.environment(served.url), "QUICKBOOKS")
        endpoint = TokenEndpoint(settings.token_url, settings.client_id, settings.client_secret, TokenStyle.BASIC_FORM)
        verifier, ends = new_verifier(), []
        for used in (None, new_verifier(), verifier):
            url = consent_url(
                settings.auth_url, settings.client_id, redirect_uri=BACK,
                scope="com.intuit.quickbooks.accounting", state=STATE, verifier=verifier,
            )  # fmt: skip
            code = Secret(dict(await walk(url, BACK))["code"])
            talk = code_exchange(code, endpoint, clock.now(), redirect_uri=BACK, verifier=used, asked=("x",))
            try:
                ends.append((await converse(talk, endpoint.url, PATIENT)).scopes)
            except Reconnect as refusal:
                ends.append((refusal.code,))
    assert ends == [("invalid_grant",), ("invalid_grant",), ("x",)]
    challenge = base64.urlsafe_b64encode(hashlib.sha256(verifier.reveal().encode()).digest()).rstrip(b"=").decode()
    assert parse_qs(urlsplit(url).query)["code_challenge"] == [challenge]
