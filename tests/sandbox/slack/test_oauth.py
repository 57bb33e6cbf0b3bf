"""Sign in with Slack, and installing the app with tokens that rotate."""

import base64
import hashlib
import json
import re
from datetime import timedelta
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding, rsa
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from sandbox.consent import Asking
from sandbox.slack.errors import Refusal
from sandbox.slack.oauth import Asked, OAuth
from storage.facts.clock import OffsetClock

BACK = "http://127.0.0.1:9/connect/slack/callback"
KEYS = {"client_id": "sandbox-client", "client_secret": "sandbox-client-secret"}
SIGN_IN = {"client_id": "sandbox-client", "response_type": "code", "scope": "openid", "redirect_uri": BACK,
           "state": "s-1", "nonce": "n-1"}  # fmt: skip
INSTALL = {"client_id": "sandbox-client", "scope": "chat:write,users:read", "redirect_uri": BACK, "state": "s-1"}
BROWSER = {"Accept": "text/html"}


@pytest.fixture
async def http(slack):
    async with httpx.AsyncClient(base_url=slack.url) as client:
        yield client


def came_back(answer):
    assert answer.status_code == 302
    assert answer.headers["location"].startswith(f"{BACK}?")
    return {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}


def ask_of(page):
    assert page.status_code == 200
    (ask,) = re.findall(r'name="ask" value="([^"]+)"', page.text)
    return ask


async def api(http, method, **form: str):
    return (await http.post(f"/api/{method}", data=form)).json()


async def signed_in(http, user, **more: str):
    page = await http.get("/openid/connect/authorize", params=SIGN_IN | more, headers=BROWSER)
    form = {"ask": ask_of(page), "choice": user, "decision": "yes"}
    return came_back(await http.post("/openid/connect/authorize", data=form))


def claims_of(token):
    header, claims, signature = (base64.urlsafe_b64decode(part + "==") for part in token.split("."))
    return json.loads(header), json.loads(claims), signature


async def test_a_person_signs_in_and_slack_says_who(slack, http):
    back = await signed_in(http, "U0MAYA", team="T0TEMERITY")
    assert back["state"] == "s-1"
    given = {**KEYS, "code": back["code"], "redirect_uri": BACK, "grant_type": "authorization_code"}
    answer = await api(http, "openid.connect.token", **given)
    header, claims, signature = claims_of(answer["id_token"])
    assert (claims["iss"], claims["aud"], claims["nonce"]) == ("https://slack.com", "sandbox-client", "n-1")
    assert (claims["sub"], claims["https://slack.com/team_id"]) == ("U0MAYA", "T0TEMERITY")
    assert claims["https://slack.com/user_id"] == "U0MAYA"
    half = hashlib.sha256(answer["access_token"].encode()).digest()[:16]
    assert claims["at_hash"] == base64.urlsafe_b64encode(half).rstrip(b"=").decode()
    (key,) = (await http.get("/openid/connect/keys")).json()["keys"]
    assert key["kid"] == header["kid"]
    n, e = (int.from_bytes(base64.urlsafe_b64decode(key[part] + "==")) for part in ("n", "e"))
    signed = answer["id_token"].rpartition(".")[0].encode()
    rsa.RSAPublicNumbers(e, n).public_key().verify(signature, signed, padding.PKCS1v15(), hashes.SHA256())
    headers = {"Authorization": f"Bearer {answer['access_token']}"}
    who = (await http.get("/api/openid.connect.userInfo", headers=headers)).json()
    assert who["ok"]
    assert (who["sub"], who["https://slack.com/team_id"]) == ("U0MAYA", "T0TEMERITY")
    assert (who["email"], who["name"]) == ("maya@temeritygoods.example", "Maya Ortiz")
    assert (await api(http, "openid.connect.token", **given))["error"] == "invalid_code"
    assert [each.kind for each in slack.oauth.witness] == ["asked", "signed_in", "exchanged"]


@pytest.mark.parametrize(
    "wrong, error",
    [({"client_id": "x"}, "invalid_client_id"), ({"client_secret": "x"}, "bad_client_secret"), ({"code": "x"}, "invalid_code"),
     ({"redirect_uri": f"{BACK}/"}, "bad_redirect_uri"), ({"grant_type": "password"}, "invalid_grant_type")],
)  # fmt: skip
async def test_wrong_exchanges(http, wrong, error):
    back = await signed_in(http, "U0MAYA")
    given = {**KEYS, "code": back["code"], "redirect_uri": BACK, "grant_type": "authorization_code"}
    assert (await api(http, "openid.connect.token", **given | wrong))["error"] == error


async def test_a_code_ends_and_one_of_an_installation_signs_nobody_in(slack, http):
    back = await signed_in(http, "U0MAYA")
    given = {**KEYS, "redirect_uri": BACK}
    assert (await api(http, "oauth.v2.access", code=back["code"], **given))["error"] == "invalid_code"
    slack.core.clock.advance(timedelta(minutes=11))
    assert (await api(http, "openid.connect.token", code=back["code"], **given))["error"] == "invalid_code"
    code = slack.grant_code("T0TEMERITY")
    assert (await api(http, "openid.connect.token", code=code, **given))["error"] == "invalid_code"


async def test_who_is_asked_and_who_answers(slack, http):
    page = "/openid/connect/authorize"
    for team, user in (("T0TEMERITY", "U0DANIEL"), ("T0HARBOUR", "U0RUTH")):
        back = came_back(await http.get(page, params=SIGN_IN | {"team": team}))
        given = {**KEYS, "code": back["code"], "redirect_uri": BACK}
        _, claims, _ = claims_of((await api(http, "openid.connect.token", **given))["id_token"])
        assert claims["sub"] == user
    await http.post("/_sandbox/oauth", json={"consents": False})
    assert came_back(await http.get(page, params=SIGN_IN))["error"] == "access_denied"
    slack.oauth.asking = Asking.EVERYBODY
    assert (await http.get(page, params=SIGN_IN)).status_code == 200
    seen = (await http.get("/_sandbox/oauth")).json()["found"]
    assert seen["settings"]["asking"] == "everybody"
    assert seen["witness"][-1]["kind"] == "asked"


async def test_the_page_knows_whom_the_visitor_acts_as(http):
    await http.get("/as/U0PRIYA/C0FINANCE")
    shown = (await http.get("/openid/connect/authorize", params=SIGN_IN, headers=BROWSER)).text
    assert re.search(r'value="U0PRIYA" checked', shown)
    assert "Olive Branch" not in shown


@pytest.mark.parametrize(
    "wrong",
    [{"client_id": "x"}, {"redirect_uri": ""}, {"response_type": "token"}, {"scope": "email"},
     {"code_challenge": "x", "code_challenge_method": "plain"}],
)  # fmt: skip
async def test_a_wrong_sign_in_link_is_a_page_not_a_redirect(http, wrong):
    answer = await http.get("/openid/connect/authorize", params=SIGN_IN | wrong)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def installed(http, place, **more: str):
    page = await http.get("/oauth/v2/authorize", params=INSTALL, headers=BROWSER)
    form = {"ask": ask_of(page), "choice": place, "decision": "yes"}
    back = came_back(await http.post("/oauth/v2/authorize", data=form))
    return await api(http, "oauth.v2.access", **KEYS, code=back["code"], redirect_uri=BACK, **more)


async def test_installing_into_a_new_workspace(slack, http):
    answer = await installed(http, "T0HARBOUR")
    assert answer["team"] == {"id": "T0HARBOUR", "name": "Harbour & Pine"}
    assert (answer["authed_user"]["id"], answer["scope"]) == ("U0RUTH", "chat:write,users:read")
    assert "refresh_token" not in answer
    client = AsyncWebClient(token=answer["access_token"], base_url=slack.api_url)
    who = await client.auth_test()
    assert (who["team_id"], who["user_id"]) == ("T0HARBOUR", answer["bot_user_id"])
    people = {each["id"] for each in (await client.users_list())["members"]}
    assert {"U0RUTH", "U0TOM"} <= people
    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.conversations_open(users="U0RUTH")


async def test_tokens_that_rotate(slack, http):
    slack.oauth.rotation = True
    first = await installed(http, "T0HARBOUR")
    assert first["expires_in"] == 43200
    assert first["access_token"].startswith("xoxe.xoxb-")
    renew = {**KEYS, "grant_type": "refresh_token"}
    second = await api(http, "oauth.v2.access", **renew, refresh_token=first["refresh_token"])
    assert second["refresh_token"] != first["refresh_token"]
    again = await api(http, "oauth.v2.access", **renew, refresh_token=first["refresh_token"])
    assert again["error"] == "invalid_refresh_token"
    old = AsyncWebClient(token=first["access_token"], base_url=slack.api_url)
    new = AsyncWebClient(token=second["access_token"], base_url=slack.api_url)
    slack.core.clock.advance(timedelta(hours=11))
    assert (await old.auth_test())["ok"]
    slack.core.clock.advance(timedelta(hours=2))
    for client in (old, new):
        with pytest.raises(SlackApiError, match="token_expired"):
            await client.auth_test()
    third = await api(http, "oauth.v2.access", **renew, refresh_token=second["refresh_token"])
    assert (await AsyncWebClient(token=third["access_token"], base_url=slack.api_url).auth_test())["ok"]


async def test_a_token_of_before_is_exchanged_once(slack, http):
    token = slack.app.bot_token("T0TEMERITY")
    assert (await api(http, "oauth.v2.exchange", **KEYS, token=token))["error"] == "token_rotation_not_enabled"
    slack.oauth.rotation = True
    answer = await api(http, "oauth.v2.exchange", **KEYS, token=token)
    assert answer["refresh_token"].startswith("xoxe-1-")
    rotated = await api(http, "oauth.v2.exchange", **KEYS, token=answer["access_token"])
    assert rotated["error"] == "token_already_exchanged"
    assert (await api(http, "oauth.v2.exchange", **KEYS, token="x"))["error"] == "invalid_token"


async def test_a_whole_enterprise_under_one_token(slack, http, app):
    answer = await installed(http, "E0NORTHWIND")
    assert answer["team"] is None
    assert (answer["enterprise"]["id"], answer["is_enterprise_install"]) == ("E0NORTHWIND", True)
    client = AsyncWebClient(token=answer["access_token"], base_url=slack.api_url)
    for team in ("T0NWEAST", "T0NWWEST"):
        who = await client.auth_test(team_id=team)
        assert (who["team_id"], who["enterprise_id"]) == (team, "E0NORTHWIND")
    await slack.command("U0WES", "C0NWWEST", "/data", "status")
    fields = app.taken[-1].fields
    assert (fields["team_id"], fields["enterprise_id"], fields["is_enterprise_install"]) == (
        "T0NWWEST", "E0NORTHWIND", "true",
    )  # fmt: skip


@pytest.mark.parametrize("events", [("tokens_revoked", "app_uninstalled"), ("app_uninstalled", "tokens_revoked")])
async def test_uninstalling_is_told_signed_and_in_any_order(slack, http, app, client, events):
    answer = await http.post("/_sandbox/uninstall", json={"team": "T0TEMERITY", "events": list(events)})
    assert answer.json()["ok"]
    told = app.taken[-2:]
    assert tuple(each.payload["event"]["type"] for each in told) == events
    for each in told:
        assert each.payload["team_id"] == "T0TEMERITY"
        timestamp = int(each.headers["x-slack-request-timestamp"])
        assert each.headers["x-slack-signature"] == slack.sign(each.body, timestamp)["X-Slack-Signature"]
    revoked = next(each.payload["event"] for each in told if each.payload["event"]["type"] == "tokens_revoked")
    assert revoked["tokens"] == {"oauth": [], "bot": ["U0TIDINGS"]}
    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test()
    again = await installed(http, "T0TEMERITY")
    assert again["access_token"] != "xoxb-sandbox-temerity"
    assert (await AsyncWebClient(token=again["access_token"], base_url=slack.api_url).auth_test())["ok"]
    with pytest.raises(SlackApiError, match="invalid_auth"):
        await client.auth_test()


async def test_the_app_takes_its_own_token_back(slack, client):
    assert (await client.auth_revoke())["revoked"]
    with pytest.raises(SlackApiError, match="token_revoked"):
        await client.auth_test()
    assert slack.oauth.witness[-1].kind == "uninstalled"


class Forgetful(OAuth):
    """The broken twin: a code works for ever."""

    def take(self, use, args):
        found = super().take(use, args)
        self._codes[args["code"]] = found
        return found


def works_once(oauth):
    code = oauth.code("sign_in", "T", "U", Asked(BACK, "s"))
    oauth.take("sign_in", {"code": code, "redirect_uri": BACK})
    try:
        oauth.take("sign_in", {"code": code, "redirect_uri": BACK})
    except Refusal:
        return True
    return False


def test_the_check_of_single_use_sees_codes_that_live_on():
    assert works_once(OAuth(OffsetClock()))
    assert not works_once(Forgetful(OffsetClock()))
