"""Amazon's request to sign a seller in: its answer goes to Amazon or nowhere."""

from urllib.parse import parse_qs, urlsplit

import pytest

from connectors.amazon.login import AmazonLogin, answer_login, callback_region, read_login
from connectors.amazon.regions import REGIONS, SELLER_CENTRALS
from connectors.base import Addresses, ProviderSettings
from connectors.grants import ReturnRefusedError
from storage.facts.secret import Secret
from tests.connectors.consents import STATE, replaced

PATH = "/apps/authorize/confirm/amzn1.sp.solution.1"
BACK = "https://tidings.example/connect/amazon/callback"
GOOD_HOST = "sellercentral.amazon.com"


def settings(auth_url: str = "https://sellercentral.amazon.com/apps/authorize/consent") -> ProviderSettings:
    """Return settings of three regions whose consent is at one address."""
    there = Addresses("https://api.example", auth_url, "https://token.example")
    return ProviderSettings(
        "client",
        Secret("hush"),
        "https://api.example",
        auth_url,
        "https://token.example",
        regions=dict.fromkeys(REGIONS, there),
    )


@pytest.mark.parametrize("host, region", SELLER_CENTRALS.items())
def test_every_seller_central_is_known_with_its_region(host: str, region: str) -> None:
    assert callback_region(settings(), f"https://{host}{PATH}") == region
    assert region in REGIONS


#: Spellings by which somebody could hope to lead a browser, or a token, elsewhere.
SPELLINGS = [
    "", " ", "/", "//evil.example", "evil.example", f"https://evil.example{PATH}", f"http://{GOOD_HOST}{PATH}",
    f"HTTPS://{GOOD_HOST}{PATH}", f"https://SELLERCENTRAL.amazon.com{PATH}", f"https:/{GOOD_HOST}{PATH}", f"https:{GOOD_HOST}{PATH}",
    f"https:///{GOOD_HOST}{PATH}", f"//{GOOD_HOST}{PATH}", f"ftp://{GOOD_HOST}{PATH}", f"javascript://{GOOD_HOST}{PATH}",
    f"javascript:alert(1)//https://{GOOD_HOST}{PATH}", f"data:text/html,https://{GOOD_HOST}{PATH}", f" https://{GOOD_HOST}{PATH}",
    f"https://{GOOD_HOST}{PATH} ", f"https://{GOOD_HOST}{PATH}\n", f"https://{GOOD_HOST}{PATH}\r\nX: y", f"\thttps://{GOOD_HOST}{PATH}",
    f"https://{GOOD_HOST}.evil.example{PATH}", f"https://{GOOD_HOST}@evil.example{PATH}", f"https://evil.example@{GOOD_HOST}{PATH}",
    f"https://a:b@{GOOD_HOST}{PATH}", f"https://{GOOD_HOST}:443@evil.example{PATH}", f"https://{GOOD_HOST}:443{PATH}",
    f"https://{GOOD_HOST}:8443{PATH}", f"https://{GOOD_HOST}:{PATH}", f"https://{GOOD_HOST}\\@evil.example{PATH}",
    f"https://evil.example\\@{GOOD_HOST}{PATH}", f"https://evil.example\\.{GOOD_HOST}{PATH}", f"https://evil.example#{GOOD_HOST}{PATH}",
    f"https://evil.example?{GOOD_HOST}{PATH}", f"https://evil.example/{GOOD_HOST}{PATH}", f"https://evil.example/?x=https://{GOOD_HOST}{PATH}",
    f"https://evil-{GOOD_HOST}{PATH}", f"https://evil.{GOOD_HOST}{PATH}", f"https://x{GOOD_HOST}{PATH}", f"https://{GOOD_HOST}x{PATH}",
    f"https://{GOOD_HOST}.{PATH}", f"https://.{GOOD_HOST}{PATH}", f"https://{GOOD_HOST}..{PATH}", f"https://{GOOD_HOST}%2eevil.example{PATH}",
    f"https://{GOOD_HOST}%00.evil.example{PATH}", f"https://{GOOD_HOST}\x00.evil.example{PATH}", f"https://{GOOD_HOST}%2f@evil.example{PATH}",
    f"https://sellercentral.amazon.com.evil{PATH}", f"https://sellercentral.amazon.co{PATH}", f"https://sellercentral.amazon.de{PATH}",
    f"https://www.amazon.com{PATH}", f"https://amazon.com{PATH}", f"https://sellercentralxamazon.com{PATH}",
    f"https://sеllercentral.amazon.com{PATH}", f"https://sellercentral。amazon。com{PATH}", f"https://ｓellercentral.amazon.com{PATH}",
    f"https://xn--sllercentral-6zh.amazon.com{PATH}", f"https://[::1]{PATH}", f"https://127.0.0.1{PATH}", f"http://127.0.0.1:1234{PATH}",
    f"https://0x7f000001{PATH}", f"https://localhost{PATH}", f"https://{GOOD_HOST}", f"https://{GOOD_HOST}/", f"https://{GOOD_HOST}/gp/x",
    f"https://{GOOD_HOST}/apps/authorize", f"https://{GOOD_HOST}/apps/authorize/", f"https://{GOOD_HOST}/apps/authorize/../../x",
    f"https://{GOOD_HOST}/apps/authorize/./x", f"https://{GOOD_HOST}/apps/authorize//x", f"https://{GOOD_HOST}/apps/authorize/%2e%2e/x",
    f"https://{GOOD_HOST}/apps/authorizeevil/x", f"https://{GOOD_HOST}/x/apps/authorize/y", f"https://{GOOD_HOST}{PATH}?next=https://evil.example",
    f"https://{GOOD_HOST}{PATH}#x", f"https://{GOOD_HOST}{PATH};x", f"https://{GOOD_HOST}{PATH}\\..\\x", f"https://{GOOD_HOST}{PATH}/{'a' * 600}",
]  # fmt: skip


def by_prefix(callback: str) -> bool:
    """Judge as one does in a hurry: the twin."""
    return callback.strip().lower().startswith(f"https://{GOOD_HOST}")


@pytest.mark.parametrize("callback", SPELLINGS)
def test_no_spelling_leads_away_from_amazon(callback: str) -> None:
    assert callback_region(settings(), callback) is None


def test_there_are_sixty_and_a_prefix_falls_for_many() -> None:
    assert len(SPELLINGS) >= 60
    assert len(set(SPELLINGS)) == len(SPELLINGS)
    assert sum(by_prefix(callback) for callback in SPELLINGS) >= 15


def test_a_stand_ins_own_page_counts_where_one_is_set_up() -> None:
    here = settings("http://127.0.0.1:1234/apps/authorize/consent")
    assert callback_region(here, f"http://127.0.0.1:1234{PATH}") == "na"
    assert callback_region(here, f"http://127.0.0.1:1235{PATH}") is None
    assert callback_region(here, f"https://127.0.0.1:1234{PATH}") is None
    assert callback_region(here, f"http://127.0.0.1:1234@evil.example{PATH}") is None


QUERY = [
    ("amazon_callback_uri", f"https://{GOOD_HOST}{PATH}"),
    ("amazon_state", "amazon-state"),
    ("selling_partner_id", "A2TEMERITYUS01"),
]


def test_the_answer_carries_both_states() -> None:
    login = read_login(settings(), QUERY)
    assert login == AmazonLogin(QUERY[0][1], Secret("amazon-state"), "A2TEMERITYUS01", "na", beta=False)
    url = urlsplit(answer_login(settings(), login, redirect_uri=BACK, state=STATE).url)
    assert url._replace(query="").geturl() == QUERY[0][1]
    assert parse_qs(url.query) == {"redirect_uri": [BACK], "amazon_state": ["amazon-state"], "state": [STATE.reveal()]}
    draft = read_login(settings(), [*QUERY, ("version", "beta")])
    assert parse_qs(urlsplit(answer_login(settings(), draft, redirect_uri=BACK, state=STATE).url).query)["version"] == [
        "beta"
    ]


@pytest.mark.parametrize(
    "query",
    [
        [], replaced(QUERY, amazon_callback_uri=None), replaced(QUERY, amazon_callback_uri="https://evil.example/apps/authorize/x"),
        replaced(QUERY, amazon_state=None), replaced(QUERY, amazon_state=""), replaced(QUERY, selling_partner_id=None),
        replaced(QUERY, selling_partner_id="a b"), [*QUERY, ("amazon_callback_uri", "https://evil.example/apps/authorize/x")],
    ],
)  # fmt: skip
def test_what_amazon_does_not_make_is_refused(query: list[tuple[str, str]]) -> None:
    with pytest.raises(ReturnRefusedError):
        read_login(settings(), query)
