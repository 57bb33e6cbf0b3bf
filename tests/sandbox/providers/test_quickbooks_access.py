"""Tokens, companies, limits and writes of the QuickBooks stand-in."""

import base64
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from sandbox.providers.quickbooks.generate import Size, generate
from sandbox.providers.quickbooks.oauth import Rotation
from sandbox.providers.throttle import Throttle
from tests.sandbox.providers.conftest import REALM, QuickBooksBench, hours

STATEMENT = "select count(*) from Invoice"


async def test_an_access_token_lives_an_hour(quickbooks: QuickBooksBench) -> None:
    quickbooks.clock.advance(hours(0.99))
    assert (await quickbooks.query(STATEMENT)).status_code == 200
    quickbooks.clock.advance(hours(0.02))
    answer = await quickbooks.query(STATEMENT)
    assert answer.status_code == 401
    assert answer.json()["fault"]["error"][0]["code"] == "3200"
    assert answer.json()["fault"]["type"] == "AUTHENTICATION"
    assert answer.headers["intuit_tid"]


async def test_no_token_and_the_token_of_another_company(quickbooks: QuickBooksBench) -> None:
    assert (await quickbooks.query(STATEMENT, authorization="")).status_code == 401
    clock = quickbooks.clock
    other = generate(2, Size(5, 5, 2, 2), as_of=clock.now(), clock=clock)
    quickbooks.app.books["77"] = other
    foreign = quickbooks.app.oauth.grant("77").access_token
    answer = await quickbooks.query(STATEMENT, authorization=f"Bearer {foreign}")
    assert answer.status_code == 403
    assert answer.json()["fault"]["error"][0]["code"] == "3100"


async def test_a_refresh_keeps_the_refresh_token_for_a_day(quickbooks: QuickBooksBench) -> None:
    first = (await quickbooks.renew(quickbooks.refresh)).json()
    assert first["refresh_token"] == quickbooks.refresh
    assert first["access_token"] != quickbooks.access
    assert (first["token_type"], first["expires_in"]) == ("bearer", 3600)
    assert 8_726_390 <= first["x_refresh_token_expires_in"] <= 8_726_400
    assert "x_refresh_token_hard_expires_in" not in first
    quickbooks.clock.advance(hours(24))
    second = (await quickbooks.renew(quickbooks.refresh)).json()
    assert second["refresh_token"] != quickbooks.refresh
    stale = await quickbooks.renew(quickbooks.refresh)
    assert (stale.status_code, stale.json()["error"]) == (400, "invalid_grant")
    assert (await quickbooks.renew(second["refresh_token"])).status_code == 200


async def test_rotation_at_every_use_with_and_without_grace(quickbooks: QuickBooksBench) -> None:
    oauth = quickbooks.app.oauth
    oauth.rotation, oauth.grace = Rotation.ALWAYS, hours(1)
    second = (await quickbooks.renew(quickbooks.refresh)).json()["refresh_token"]
    assert (await quickbooks.renew(quickbooks.refresh)).json()["refresh_token"] == second
    quickbooks.clock.advance(hours(1))
    assert (await quickbooks.renew(quickbooks.refresh)).status_code == 400
    assert (await quickbooks.renew(second)).status_code == 200


async def test_no_rotation_at_all(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.oauth.rotation = Rotation.NEVER
    quickbooks.clock.advance(hours(400))
    assert (await quickbooks.renew(quickbooks.refresh)).json()["refresh_token"] == quickbooks.refresh


async def test_a_reused_token_can_take_the_grant_back(quickbooks: QuickBooksBench) -> None:
    oauth = quickbooks.app.oauth
    oauth.rotation, oauth.reuse_revokes = Rotation.ALWAYS, True
    second = (await quickbooks.renew(quickbooks.refresh)).json()["refresh_token"]
    assert (await quickbooks.renew(quickbooks.refresh)).status_code == 400
    assert (await quickbooks.renew(second)).status_code == 400


async def test_an_unused_refresh_token_dies(quickbooks: QuickBooksBench) -> None:
    quickbooks.clock.advance(hours(24 * 101 + 1))
    answer = await quickbooks.renew(quickbooks.refresh)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")


async def test_the_hard_end_is_told_to_those_who_ask(quickbooks: QuickBooksBench) -> None:
    oauth = quickbooks.app.oauth
    form = {"grant_type": "refresh_token", "refresh_token": quickbooks.refresh}
    headers = {"x-include-refresh-token-hard-expires-in": "true"}
    keys = (oauth.client_id, oauth.client_secret)
    answer = await quickbooks.client.post("/oauth2/v1/tokens/bearer", data=form, auth=keys, headers=headers)
    assert answer.json()["x_refresh_token_hard_expires_in"] > 150_000_000


@pytest.mark.parametrize(
    "header", ["Basic !!", f"Basic {base64.b64encode(b'sandbox-quickbooks-client:no').decode()}", "", "Bearer x"]
)
async def test_wrong_app_keys(quickbooks: QuickBooksBench, header: str) -> None:
    form = {"grant_type": "refresh_token", "refresh_token": quickbooks.refresh}
    answer = await quickbooks.client.post("/oauth2/v1/tokens/bearer", data=form, headers={"Authorization": header})
    assert (answer.status_code, answer.json()) == (401, {"error": "invalid_client"})


async def test_app_keys_in_the_form(quickbooks: QuickBooksBench) -> None:
    form = {"client_id": "sandbox-quickbooks-client", "client_secret": "sandbox-quickbooks-secret"}
    form |= {"grant_type": "refresh_token", "refresh_token": quickbooks.refresh}
    answer = await quickbooks.client.post("/oauth2/v1/tokens/bearer", data=form, headers={"Authorization": ""})
    assert answer.status_code == 200


async def consent(quickbooks: QuickBooksBench, **other: str) -> httpx.Response:
    asked = {"client_id": "sandbox-quickbooks-client", "response_type": "code", "state": "s1"}
    asked |= {"scope": "openid com.intuit.quickbooks.accounting", "redirect_uri": "http://127.0.0.1/back"}
    return await quickbooks.client.get("/connect/oauth2", params=asked | other)


async def test_consent_code_and_its_single_use(quickbooks: QuickBooksBench) -> None:
    answer = await consent(quickbooks)
    back = {key: values[0] for key, values in parse_qs(urlsplit(answer.headers["location"]).query).items()}
    assert answer.status_code == 302
    assert (back["state"], back["realmId"]) == ("s1", REALM)
    form = {"grant_type": "authorization_code", "code": back["code"], "redirect_uri": "http://127.0.0.1/back"}
    tokens = (await quickbooks.token(**form)).json()
    assert "realmId" not in tokens
    headers = {"authorization": f"Bearer {tokens['access_token']}"}
    assert (await quickbooks.query(STATEMENT, **headers)).status_code == 200
    again = await quickbooks.token(**form)
    assert (again.status_code, again.json()["error"]) == (400, "invalid_grant")
    assert (await quickbooks.query(STATEMENT, **headers)).status_code == 401


async def test_a_code_is_bound_to_its_redirect_and_ends(quickbooks: QuickBooksBench) -> None:
    oauth = quickbooks.app.oauth
    code = oauth.code("http://127.0.0.1/back")
    form = {"grant_type": "authorization_code", "code": code}
    assert (await quickbooks.token(**form, redirect_uri="http://evil.example/")).status_code == 400
    quickbooks.clock.advance(hours(1))
    assert (await quickbooks.token(**form, redirect_uri="http://127.0.0.1/back")).status_code == 400


@pytest.mark.parametrize(
    "wrong", [{"client_id": "x"}, {"redirect_uri": "http://a/?b=c"}, {"scope": "openid"}, {"state": ""}]
)
async def test_a_wrong_consent_request_is_a_page_not_a_redirect(
    quickbooks: QuickBooksBench, wrong: dict[str, str]
) -> None:
    answer = await consent(quickbooks, **wrong)
    assert answer.status_code == 400
    assert "location" not in answer.headers


async def test_a_person_may_say_no(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.oauth.consents = False
    answer = await consent(quickbooks)
    assert parse_qs(urlsplit(answer.headers["location"]).query) == {"error": ["access_denied"], "state": ["s1"]}


async def test_revoking_a_token_ends_the_grant(quickbooks: QuickBooksBench) -> None:
    keys = (quickbooks.app.oauth.client_id, quickbooks.app.oauth.client_secret)
    path = "/v2/oauth2/tokens/revoke"
    assert (await quickbooks.client.post(path, json={"token": quickbooks.refresh})).status_code == 401
    assert (await quickbooks.client.post(path, json={"token": quickbooks.refresh}, auth=keys)).status_code == 200
    assert (await quickbooks.client.post(path, json={"token": quickbooks.refresh}, auth=keys)).status_code == 400
    assert (await quickbooks.query(STATEMENT)).status_code == 401
    assert (await quickbooks.renew(quickbooks.refresh)).json()["error"] == "invalid_grant"


async def test_ten_requests_in_a_second(quickbooks: QuickBooksBench) -> None:
    quickbooks.app.throttle = Throttle()
    statuses = [(await quickbooks.query(STATEMENT)).status_code for _ in range(11)]
    assert statuses[:10] == [200] * 10
    answer = await quickbooks.query(STATEMENT)
    assert answer.status_code == 429
    assert answer.json()["Fault"]["Error"][0]["code"] == "003001"
    assert "retry-after" not in answer.headers
    quickbooks.clock.advance(hours(1 / 3600))
    assert (await quickbooks.query(STATEMENT)).status_code == 200


def test_five_hundred_requests_in_a_minute() -> None:
    from datetime import UTC, datetime, timedelta

    throttle, now = Throttle(), datetime(2026, 11, 20, tzinfo=UTC)
    admitted = [throttle.admits("1", now + timedelta(seconds=place / 9)) for place in range(540)]
    assert sum(admitted) == 500
    assert throttle.admits("2", now + timedelta(seconds=59))
    assert throttle.admits("1", now + timedelta(seconds=61))


async def test_writes_work_and_are_seen(quickbooks: QuickBooksBench) -> None:
    path = f"/v3/company/{REALM}"
    made = (await quickbooks.client.post(f"{path}/customer", json={"DisplayName": "New Store"})).json()["Customer"]
    assert made["SyncToken"] == "0"
    update = {"Id": made["Id"], "SyncToken": "0", "sparse": True, "DisplayName": "Newer Store"}
    changed = (await quickbooks.client.post(f"{path}/customer", json=update)).json()["Customer"]
    assert (changed["DisplayName"], changed["SyncToken"]) == ("Newer Store", "1")
    stale = await quickbooks.client.post(f"{path}/customer", json=update)
    assert stale.json()["Fault"]["Error"][0]["code"] == "5010"
    victim = min(quickbooks.books.ids("JournalEntry"))
    gone = await quickbooks.client.post(f"{path}/journalentry?operation=delete", json={"Id": victim, "SyncToken": "0"})
    assert gone.json()["JournalEntry"]["status"] == "Deleted"
    seen = [(entry.operation, entry.entity, entry.effects) for entry in quickbooks.app.journal.mutating()]
    assert seen == [
        ("write", "Customer", (f"created Customer {made['Id']}",)),
        ("write", "Customer", (f"updated Customer {made['Id']}",)),
        ("write", "Customer", ()),
        ("write", "JournalEntry", (f"deleted JournalEntry {victim}",)),
    ]


async def test_reading_is_not_writing(quickbooks: QuickBooksBench) -> None:
    """The twin of the test above: nothing that reads may appear as a write."""
    await quickbooks.query(STATEMENT)
    await quickbooks.client.get(f"/v3/company/{REALM}/reports/ProfitAndLoss")
    await quickbooks.client.get(f"/v3/company/{REALM}/companyinfo/{REALM}")
    await quickbooks.renew(quickbooks.refresh)
    assert quickbooks.app.journal.mutating() == []
    operations = [(entry.operation, entry.entity) for entry in quickbooks.app.journal.entries]
    assert operations == [
        ("count", "Invoice"), ("report", "ProfitAndLoss"), ("companyinfo", "companyinfo"), ("token", "refresh_token"),
    ]  # fmt: skip


async def test_every_answer_has_a_transaction_id(quickbooks: QuickBooksBench) -> None:
    for path in ("/nowhere", f"/v3/company/{REALM}/query?query=x", f"/v3/company/{REALM}/companyinfo/{REALM}"):
        assert (await quickbooks.client.get(path)).headers["intuit_tid"]
    assert (await quickbooks.client.put(f"/v3/company/{REALM}/query")).status_code == 405
