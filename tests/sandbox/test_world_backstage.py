"""Behind the scenes: time and trouble by page and by HTTP."""

from collections.abc import AsyncIterator
from datetime import timedelta

import httpx
import pytest

from connectors.base import ProviderSettings
from connectors.netsuite.grant import NetSuiteGrants
from sandbox.backstage import Backstage
from sandbox.delivering import FILES, MAILS, Delivering
from sandbox.providers import catalogue
from sandbox.providers.netsuite import RECEIVER, SENDER, Bucket
from sandbox.providers.serve import serve
from sandbox.world import Plan, Sandbox, open_sandbox
from storage.facts.clock import SystemClock
from storage.facts.secret import Secret


@pytest.fixture
async def sandbox() -> AsyncIterator[Sandbox]:
    async with open_sandbox(Plan(size=5)) as found:
        yield found


@pytest.fixture
async def client(sandbox: Sandbox) -> AsyncIterator[httpx.AsyncClient]:
    async with serve(Backstage(sandbox).app()) as served, httpx.AsyncClient(base_url=served.url) as found:
        yield found


async def test_time_passes(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    answer = await client.post("/act", json={"act": "pass", "minutes": 180})
    assert answer.status_code == 200
    assert "180 minutes passed" in answer.json()["done"]
    assert sandbox.clock.offset == timedelta(hours=3)


@pytest.mark.parametrize(
    "wishes",
    [{}, {"act": "explode"}, {"act": "pass", "minutes": -5}, {"act": "pass", "minutes": "soon"},
     {"act": "pass", "minutes": 10**9}, {"act": "hang", "provider": "netsuite"}, {"act": "hang"}, {"act": ["pass"]}],
)  # fmt: skip
async def test_a_mistake_is_told_and_changes_nothing(
    sandbox: Sandbox, client: httpx.AsyncClient, wishes: dict[str, object]
) -> None:
    answer = await client.post("/act", json=wishes)
    assert answer.status_code == 400
    assert answer.text
    assert sandbox.clock.offset == timedelta(0)


async def test_the_page_has_a_button_for_everything(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    page = (await client.get("/")).text
    assert sandbox.slack.url in page
    assert page.count("<button") == 26
    answer = await client.post("/act", data={"act": "pass", "minutes": "60"})
    assert answer.status_code == 303
    assert sandbox.clock.offset == timedelta(hours=1)


async def test_netsuite_delivers_files_and_mails_that_the_form_can_read() -> None:
    made = Delivering(Bucket(SystemClock()))
    async with serve(made.bucket.app) as served:
        settings = ProviderSettings("", Secret(""), "", "", "", endpoints=(served.url,), place="files")
        typed = {"store": "s3", "bucket": made.bucket.name, "endpoint": served.url, "key_id": made.bucket.key_id,
                 "secret": made.bucket.secret}  # fmt: skip
        assert "gl_" in made.file()
        assert "mailed" in made.mail()
        mails = {"prefix": MAILS, "senders": SENDER, "receiver": RECEIVER}
        for place, pattern in (({"prefix": FILES}, "gl_*.csv"), (mails, "FEEDGL.csv")):
            asked = typed | place
            assert all(value in made.how(served.url) for value in asked.values() if value != "s3")
            found = await NetSuiteGrants().detected(settings, list(asked.items()), 0, None, SystemClock())
            assert (found.rows[0].good, found.typed["feed.0.pattern"]) == (True, pattern), found.rows[0].lines


async def test_a_provider_misbehaves_and_behaves_again(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    token = sandbox.quickbooks.give(catalogue.REALM)["access_token"]
    address = f"{sandbox.quickbooks_url}/v3/company/{catalogue.REALM}/companyinfo/{catalogue.REALM}"

    async def asked(seconds: float = 60.0) -> int:
        headers = {"Authorization": f"Bearer {token}", "Accept": "application/json"}
        async with httpx.AsyncClient(timeout=httpx.Timeout(60, read=seconds)) as provider:
            return (await provider.get(address, headers=headers)).status_code

    assert await asked() == 200
    await client.post("/act", json={"act": "hang", "provider": "quickbooks"})
    with pytest.raises(httpx.ReadTimeout):
        await asked(0.2)
    await client.post("/act", json={"act": "behave"})
    assert await asked() == 200
    await client.post("/act", json={"act": "revoke", "provider": "quickbooks"})
    assert await asked() == 401


async def test_slack_and_mail_go_down_and_come_back(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    async def asked() -> int:
        async with httpx.AsyncClient() as slack:
            headers = {"Authorization": f"Bearer {sandbox.slack.app.bot_token('T0TEMERITY')}"}
            return (await slack.post(f"{sandbox.slack.api_url}auth.test", headers=headers)).status_code

    await client.post("/act", json={"act": "slack_down"})
    await client.post("/act", json={"act": "mail_down"})
    assert await asked() == 503
    await client.post("/act", json={"act": "behave"})
    assert await asked() == 200


async def test_things_happen_at_once(sandbox: Sandbox, client: httpx.AsyncClient) -> None:
    await client.post("/act", json={"act": "business"})
    assert sandbox.changes == 18
