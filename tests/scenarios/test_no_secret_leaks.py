"""No secret anywhere: all flows, debug logs of every library, forced exceptions, and then a look everywhere."""

import asyncio
import base64
import io
import logging
import secrets
from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from datetime import timedelta
from urllib.parse import quote

import httpx
import pytest
from pydantic import SecretStr

from bot.cli.demo_ground import Wishes, prepared
from bot.cli.stories import STORIES
from bot.cli.stories.browser import Shown, StoryBrowser
from bot.logs import configure_logging
from sandbox.misbehave import Kind, Rule
from sandbox.providers import catalogue
from sandbox.slack import Message
from storage.facts.sources import Provider
from storage.sessions import Database
from storage.settings import Settings
from templates import actions
from tests.bot.cli.conftest import logs_restored
from tests.leaks import Place, Secrets
from tests.scenarios.leak_forms import KINDS, Forms, connects_by_forms, forms_on
from tests.scenarios.leak_stage import PERSON, LeakStage, files, leak_stage
from tests.scenarios.leak_stores import PostgresStore, SqliteStore, Store

__all__ = ["logs_restored"]

FINANCE, HARBOUR = "C0FINANCE", "T0HARBOUR"
HALF_AN_HOUR = timedelta(minutes=30)
#: Where a flow breaks, one after the other: each of them has just read, made or stored something secret.
ON_THE_WAY = (
    *("flow.signin_sent", "flow.signin_claimed", "flow.signin_exchanged", "flow.proven", "flow.sent"),
    *("flow.claimed", "flow.exchanged", "flow.returned", "flow.confirming", "flow.confirmed"),
)
#: What must have been met, or the search was for nothing.
EXPECTED = {
    *("authorization code", "state", "nonce", "cookie", "form mark", "link", "code", "key", "response_url"),
    *("bot token", "bot refresh token", "sign-in token", "Slack signing secret", "Slack client secret"),
    *(f"{name} {what}" for name in ("quickbooks", "shopify", "amazon")
      for what in ("client secret", "refresh token", "access token")),
    *("quickbooks previous client secret", "Intuit's webhook verifier", "shopify spent token", *KINDS.values()),
}  # fmt: skip


@pytest.mark.timeout(900)
def test_no_secret_is_anywhere_after_all_flows(
    database: Database, capfd: pytest.CaptureFixture[str], logs_restored: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    store: Store = SqliteStore() if database.is_sqlite else PostgresStore(database)
    with prepared(Wishes(size=5, database_url=store.url)) as seeded:
        ground = replace(seeded, settings=_changing(seeded.settings))

        async def played() -> tuple[LeakStage, list[Place]]:
            async with forms_on(ground, monkeypatch) as forms, leak_stage(forms.ground, store) as stage:
                await _everything(stage, forms)
                return stage, await stage.outside()

        stage, outside = asyncio.run(played())
        printed = capfd.readouterr()
        places = [
            *outside,
            *stage.tap.places,
            *files(ground.folder),
            # What is a file is among them already.
            *([] if database.is_sqlite else store.places(ground.folder)),
            Place("standard output", "", printed.out.encode()),
            Place("standard error", "", printed.err.encode()),
        ]
        assert (EXPECTED | set(store.secrets.values())) - stage.secrets.names() == set()
        assert sorted({str(leak) for leak in (*stage.seen, *stage.secrets.leaks(places))}) == []
        log = ground.log.read_text(encoding="utf-8")
        # The search was for something: libraries spoke, and what was forced was logged.
        assert all(f'"logger": "{name}' in log for name in ("httpx", "httpcore", "slack_sdk", "sqlalchemy.engine"))
        assert [name for name in stage.trips.tripped if f"forced at {name}" not in log] == []
        assert set(ON_THE_WAY) <= set(stage.trips.tripped)
        kinds = {place.kind for place in places}
        named = {place.name.partition(".")[2] for place in places if place.kind == "table"}
        assert database.is_sqlite or named >= {"connections", "workflow_status", "ducklake_data_file"}
        assert kinds >= {"file", "rows", "slack", "slack, private", "page", "ack", "location", "set-cookie", "asked"}
        _teeth(stage)


def _changing(settings: Settings) -> Settings:
    """While the app at QuickBooks changes from one client secret to another, both are ours."""
    return settings.model_copy(update={"quickbooks_client_secret_previous": SecretStr(secrets.token_urlsafe())})


def _teeth(stage: LeakStage) -> None:
    """The same search, in the same places, finds what broken twins of ours leave behind."""
    known = {name: text for text, (name, _) in stage.secrets.known.items()}
    token, code = known["shopify refresh token"], known["code"]
    said = io.StringIO()
    for handler in logging.getLogger().handlers:
        handler.close()
    configure_logging("INFO", said)
    # A logger that packs what it got: no redactor sees through that.
    packed = base64.b64encode(f'{{"token":"{token}"}}'.encode()).decode()
    logging.getLogger("twin").warning("answer %s", packed)
    assert _found(stage, Place("file", "log", said.getvalue().encode())) == {("shopify refresh token", "base64")}
    # A row that keeps a token and a code as they are.
    stage.store.leave(stage.folder, token, code)
    found = _found(stage, *stage.store.places(stage.folder))
    assert found == {("shopify refresh token", "plain"), ("code", "plain")}
    link = known["link"].encode()
    assert _found(stage, Place("slack, private", "", link)) == set()
    assert _found(stage, Place("slack", "", link)) == {("link", "plain")}


def _found(stage: LeakStage, *places: Place) -> set[tuple[str, str]]:
    return {(leak.secret, leak.shape.partition(" ")[0].removesuffix("url")) for leak in stage.secrets.leaks(places)}


@pytest.mark.parametrize("secret", ["Atzr|IwEBI+/x~y9", "shprt_0123456789abcdef", "żeton-12345"])
def test_the_search_sees_through_every_packing(secret: str) -> None:
    """Also in the middle of something longer, at each of base64's three beginnings."""
    secrets_ = Secrets()
    secrets_.add("token", secret)
    raw = secret.encode()
    for before in (b"", b"a", b"ab", b"abc"):
        whole = before + raw + b"~~~?"
        packed = [
            *(whole, base64.b64encode(whole), base64.urlsafe_b64encode(whole), whole.hex().encode()),
            *(whole.hex().upper().encode(), quote(whole, safe="").encode(), (secret + "!").encode("utf-16-le")),
        ]
        for content in packed:
            assert secrets_.leaks([Place("log", "", b"... " + content)]), content
        assert not secrets_.leaks([Place("log", "", base64.b64encode(before + raw[:-3] + b"~~~?"))])


def test_digits_are_only_found_where_they_stand_alone() -> None:
    found = Secrets()
    found.add("code", "47110815")
    assert not found.leaks([Place("log", "", b"at 1247110815.5")])
    assert found.leaks([Place("log", "", b"code=47110815 ")])


async def _everything(stage: LeakStage, forms: Forms) -> None:
    await STORIES["reconnect"](stage.stage)
    await stage.look()
    browser = StoryBrowser()
    try:
        await _breaks_on_the_way(stage, browser)
        await _connects_amazon(stage, browser)
        await connects_by_forms(stage, browser, forms)
        await _installs(stage, browser)
    finally:
        await browser.close()
    await _hooks(stage)
    await _renewals_go_wrong(stage)
    await stage.look()


async def _breaks_on_the_way(stage: LeakStage, browser: StoryBrowser) -> None:
    """Reconnect again and again; each time another step fails."""
    stage.trips.armed.append("flow.linked")
    await stage.stage.act(lambda: stage.stage.slack.command(PERSON, FINANCE, "/data", "reconnect quickbooks"))
    await stage.stage.until("a command that fails", lambda: _true(lambda: not stage.trips.armed))
    for name in ON_THE_WAY:
        stage.trips.armed.append(name)
        asked = await _walked(stage, browser)
        if asked is not None and name in stage.trips.armed:
            with suppress(LookupError):
                await browser.send(asked, "/connect/confirm")
        assert stage.trips.tripped[-1] == name, asked and asked.text
    await stage.gather()


async def _walked(stage: LeakStage, browser: StoryBrowser) -> Shown | None:
    """Go as far as the question before connecting; None where something broke before."""
    before = len(_links(stage))
    await stage.stage.act(lambda: stage.stage.slack.command(PERSON, FINANCE, "/data", "reconnect quickbooks"))
    with suppress(LookupError):
        page = await browser.open(await _link(stage, before))
        return await browser.send(await browser.send(page, "/slack"), "/go")
    return None


async def _link(stage: LeakStage, before: int) -> str:
    told = await stage.stage.see("the link", lambda: _last(_links(stage)[before:]))
    return str(told.actions[actions.OPEN_LINK]["url"])


def _links(stage: LeakStage) -> list[Message]:
    seen = stage.stage.messages(FINANCE, PERSON)
    return [message for message in seen if actions.OPEN_LINK in message.actions]


async def _connects_amazon(stage: LeakStage, browser: StoryBrowser) -> None:
    """A new account; the code's exchange fails first with an answer that is spoiled, then by what the database says."""
    spoiled = Rule(kind=Kind.MALFORMED, operation="token", code="newline_access_token")
    await stage.stage.outside(lambda: stage.stage.sandbox.amazon.script.add(spoiled))
    asked = await _walked_to_amazon(stage, browser)
    assert "You are connecting" not in asked.text
    await stage.stage.outside(stage.stage.sandbox.amazon.script.clear)
    asked = await _walked_to_amazon(stage, browser)
    with stage.store.refusing(stage.folder, "INSERT", "connections"):
        assert "went wrong" in (await browser.send(asked, "/connect/confirm")).text
    done = await browser.send(asked, "/connect/confirm")
    assert "is connected" in done.text, done.text
    await stage.gather()


async def _walked_to_amazon(stage: LeakStage, browser: StoryBrowser) -> Shown:
    before, slack = len(_links(stage)), stage.stage.slack
    await stage.stage.act(lambda: slack.command(PERSON, FINANCE, "/data", "connect"))
    offered = await stage.stage.see("the catalogue", lambda: _catalogue(stage))
    amazon = next(name for name, one in offered.actions.items() if one.get("value") == Provider.AMAZON.value)
    await stage.stage.act(lambda: slack.click(PERSON, offered, amazon))
    page = await browser.open(await _link(stage, before))
    return await browser.send(await browser.send(page, "/slack"), "/go", {"hint": "na"})


def _catalogue(stage: LeakStage) -> Message | None:
    return _last([one for one in stage.stage.messages(FINANCE, PERSON) if "New connection" in one.everything])


def _last(messages: list[Message]) -> Message | None:
    return messages[-1] if messages else None


async def _installs(stage: LeakStage, browser: StoryBrowser) -> None:
    """Into a workspace whose tokens rotate: broken twice, done, renewed, and renewed but not stored."""
    oauth, slack, base = stage.stage.slack.oauth, stage.stage.slack, stage.ground.settings.public_url
    await stage.stage.outside(lambda: vars(oauth).update(rotation=True, installs=HARBOUR, token_lifetime=HALF_AN_HOUR))
    for name in ("install.exchanged", "install.stored", ""):
        stage.trips.armed += [name] * bool(name)
        page = await browser.send(await browser.open(f"{base}/slack/install"), "/slack/install")
        assert not stage.trips.armed
        await stage.gather()
    assert "Tidings is in" in page.text, page.text
    for name in ("", "install.renewed"):
        renewed = _count(stage, "renewed")
        stage.trips.armed += [name] * bool(name)
        await stage.stage.outside(lambda: stage.stage.sandbox.pass_time(HALF_AN_HOUR))
        await stage.ground.outside.run(slack.command("U0RUTH", "C0HARBOUR", "/data", "status"))
        await stage.stage.until(
            "a renewal",
            lambda: _true(lambda: _count(stage, "renewed") > renewed and not stage.trips.armed),  # noqa: B023 - used up here
        )
        await stage.gather()


def _count(stage: LeakStage, kind: str) -> int:
    return sum(one.kind == kind for one in stage.stage.slack.oauth.witness)


async def _hooks(stage: LeakStage) -> None:
    """Webhooks: rightly signed, signed by somebody else, and not signed."""
    sandbox, base = stage.stage.sandbox, stage.ground.settings.public_url
    told = {"topic": "customers/redact", "account": catalogue.SHOP}
    events = {"events": [{"realm": catalogue.REALM, "entity": "Invoice", "id": "1"}]}

    def sent() -> None:
        sandbox.tell("shopify", told)
        sandbox.tell("shopify", told | {"secret": secrets.token_hex()})
        sandbox.tell("quickbooks", events)

    await stage.stage.outside(sent)
    async with httpx.AsyncClient() as client:
        for path in sandbox.hook_paths.values():
            assert (await client.post(f"{base}{path}", content=b"{}")).status_code == 401


async def _renewals_go_wrong(stage: LeakStage) -> None:
    """An answer that says our own token back to us, and a renewal that breaks while it is stored."""
    shopify = stage.stage.sandbox.shopify
    grant = next(one for one in reversed(shopify.oauth.grants(catalogue.SHOP)) if not one.revoked)
    echo = f'{{"error":"server_error","error_description":"no: {grant.refresh_token}"}}'
    rule = Rule(kind=Kind.SERVER_ERROR, operation="token", status=400, body=echo)
    await stage.stage.outside(lambda: shopify.script.add(rule))
    stage.trips.armed.append("tokens.saving")
    await stage.stage.outside(lambda: stage.stage.sandbox.pass_time(timedelta(minutes=61)))
    await stage.stage.until("failed renewals", lambda: _true(lambda: shopify.script.struck and not stage.trips.armed))


async def _true(look: Callable[[], object]) -> bool:
    return bool(look())
