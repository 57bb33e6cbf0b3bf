"""The pages to install by: begun by the button alone, taken once, by the browser that began."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import httpx
import pytest

from bot.pages.browser import Browsers
from bot.pages.install import PATH, InstallPages
from bot.web import build_web
from jobs.manifest import LOST, MAY, manifest
from sandbox.slack.wire import serving
from storage.facts.secret import Secret
from storage.sessions import Database
from tests.jobs.installs.stage import HARBOUR, NORTHWIND, Stage, staged

AGENTS = (
    "Slackbot-LinkExpanding 1.0 (+https://api.slack.com/robots)",
    "Mozilla/5.0 (compatible; Googlebot/2.1)",
    "Twitterbot/1.0",
    "facebookexternalhit/1.1",
    "Microsoft Office Outlook SafeLinks",
)


@asynccontextmanager
async def served(stage: Stage, kind: type[Browsers] = Browsers) -> AsyncIterator[httpx.AsyncClient]:
    """Serve the pages as the product does."""

    async def ready() -> bool:
        return True

    keys = [Secret(key.get_secret_value()) for key in stage.settings.secret_keys]
    browsers = kind(keys, secure=False, path=PATH)
    web = build_web(None, None, ready, pages=InstallPages(stage.installs, browsers).routes())
    async with serving(web) as port, httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}") as client:
        yield client


def csrf(page: httpx.Response) -> str:
    assert page.status_code == 200, page.text
    return page.text.partition('name="csrf" value="')[2].partition('"')[0]


async def gone_to_slack(stage: Stage, client: httpx.AsyncClient, place: str = HARBOUR) -> str:
    """Press the button, say yes at Slack, and return the path that the browser is sent back to."""
    form = {"csrf": csrf(await client.get("/slack/install"))}
    leaving = await client.post("/slack/install", data=form)
    url = leaving.text.partition('href="')[2].partition('"')[0].replace("&amp;", "&")
    stage.slack.oauth.installs = place
    answer = await client.get(url)
    back = urlsplit(answer.headers["location"])
    return f"{back.path}?{back.query}"


async def come_back(client: httpx.AsyncClient, path: str) -> httpx.Response:
    """Come back from Slack, and land where nothing of what Slack sent is in the address: T38."""
    answer = await client.get(path, follow_redirects=True)
    assert (answer.url.path, answer.url.query) == ("/slack/installed", b"")
    return answer


async def test_from_the_button_to_the_first_admin(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage, served(stage) as client:
        page = await client.get("/slack/install")
        for line in MAY.values():
            assert line.replace("'", "&#39;") in page.text
        done = await come_back(client, await gone_to_slack(stage, client))
        assert done.status_code == 200
        assert "Tidings is in Harbour &amp; Pine" in done.text
        assert "You are the first admin" in done.text
        # Looked at again it says the same, in this browser only.
        assert (await client.get("/slack/installed")).text == done.text
        kept = client.cookies.get("tidings_kept")
        assert kept is not None
        async with httpx.AsyncClient(base_url=client.base_url) as other:
            for name in ("x" * 43, ""):
                other.cookies.update({"tidings_kept": kept, "tidings_browser": name})
                assert (await other.get("/slack/installed")).status_code == 410
        assert await stage.posts(HARBOUR) == HARBOUR
        again = await come_back(client, await gone_to_slack(stage, client))
        assert "again" in again.text
        assert "Members and their roles are as they were" in again.text
        whole = await come_back(client, await gone_to_slack(stage, client, NORTHWIND))
        assert "Northwind East" in whole.text
        assert "Northwind West" in whole.text


async def test_fewer_scopes_are_said_with_what_they_cost(sqlite_database: Database, tmp_path: Path) -> None:
    """T22."""
    async with staged(sqlite_database, tmp_path) as stage, served(stage) as client:
        stage.slack.oauth.withheld = frozenset({"im:write", "users:read.email"})
        done = await come_back(client, await gone_to_slack(stage, client))
        for scope in ("im:write", "users:read.email"):
            assert scope in done.text
            assert LOST[scope] in done.text
        assert "chat:write" not in done.text


async def test_looking_begins_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    """T26: link scanners and previews."""
    async with staged(sqlite_database, tmp_path) as stage, served(stage) as client:
        for agent in AGENTS:
            async with httpx.AsyncClient(base_url=client.base_url, headers={"user-agent": agent}) as scanner:
                assert (await scanner.get("/slack/install")).status_code == 200
                assert (await scanner.head("/slack/install")).status_code in (200, 405)
        assert stage.slack.oauth.witness == []
        path = await gone_to_slack(stage, client)
        for agent in AGENTS:
            async with httpx.AsyncClient(base_url=client.base_url, headers={"user-agent": agent}) as scanner:
                assert (await come_back(scanner, path)).status_code == 410
        assert (await come_back(client, path)).status_code == 200


async def test_pages_stay_in_their_browser(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage, served(stage) as client:
        page = await client.get("/slack/install")
        cookie = page.headers["set-cookie"].lower()
        assert all(part in cookie for part in ("httponly", "samesite=lax", "path=/slack"))
        for name, wanted in (("cache-control", "no-store"), ("referrer-policy", "no-referrer")):
            assert page.headers[name] == wanted
        assert "frame-ancestors 'none'" in page.headers["content-security-policy"]
        assert "http" not in page.text.partition("<body>")[2].replace("https://", "")
        async with httpx.AsyncClient(base_url=client.base_url) as other:
            assert (await other.post("/slack/install", data={"csrf": csrf(page)})).status_code == 410
        assert (await client.post("/slack/install", data={"csrf": "x"})).status_code == 410
        assert (await client.post("/slack/install", content=b"csrf=" + b"x" * 9000)).status_code == 410
        for query in ("", "?state=x&code=y", "?state=x&state=y", f"?state={'x' * 9000}", "?error=access_denied"):
            assert (await come_back(client, f"/slack/oauth/callback{query}")).status_code == 410, query
        assert stage.slack.oauth.witness == []


class NoMark(Browsers):
    """A twin that takes a form from anywhere."""

    def drew(self, browser: Secret, mark: str) -> bool:
        _ = browser, mark
        return True


@pytest.mark.parametrize("kind, refused", [(Browsers, True), (NoMark, False)])
async def test_a_form_of_another_site_begins_nothing(
    sqlite_database: Database, tmp_path: Path, kind: type[Browsers], *, refused: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage, served(stage, kind) as client:
        await client.get("/slack/install")
        answer = await client.post("/slack/install", data={"csrf": "somebody's"})
        assert (answer.status_code == 410) is refused


async def test_without_the_apps_keys_the_page_says_what_is_missing(sqlite_database: Database, tmp_path: Path) -> None:
    more = {"slack_client_secret": "", "slack_bot_token": "xoxb-of-one-workspace"}
    async with staged(sqlite_database, tmp_path, **more) as stage, served(stage) as client:
        page = await client.get("/slack/install")
        assert page.status_code == 503
        assert "SLACK_CLIENT_SECRET" in page.text


async def test_a_no_and_an_outage_are_said(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage, served(stage) as client:
        stage.slack.oauth.consents = False
        assert "not allowed" in (await come_back(client, await gone_to_slack(stage, client))).text
        stage.slack.oauth.consents = True
        path = await gone_to_slack(stage, client)
        stage.slack.lie("oauth.v2.access", "server_error", times=1)
        answer = await come_back(client, path)
        assert answer.status_code == 502
        assert "Slack did not answer" in answer.text


def test_every_scope_has_its_words() -> None:
    assert set(MAY) == set(LOST) == manifest().scopes
