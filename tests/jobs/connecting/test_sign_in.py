"""Sign in with Slack: only the person who asked for the link, only once, and only what Slack itself says."""

from datetime import timedelta
from pathlib import Path

import pytest

from connectors.grants import Pairs
from connectors.slack_signin import SignedIn, SlackApp, sign_in_address
from jobs.connecting.marks import hash_of
from jobs.connecting.service import ConnectService
from jobs.errors import FlowGoneError, FlowRefusedError
from storage.facts.flows import FlowState
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.records import flows
from storage.sessions import Database
from tests.jobs.connecting.openid import slack_at
from tests.jobs.connecting.stage import DANIEL, EVE, OLGA, a_browser, rewrite, staged


class AnySlackUser(ConnectService):
    """A twin that is content with anybody who can sign in."""

    async def signed_in(self, query: Pairs, browser: Secret) -> Secret:
        try:
            return await super().signed_in(query, browser)
        except FlowRefusedError:
            database, link = self._means.database, a_browser()
            found = database.in_read(lambda session: flows.of_browser(session, hash_of("browser", browser)))
            rewrite(database, found[0].id, state=FlowState.PROVEN, link_hash=hash_of("link", link))
            return link


async def test_slack_proves_the_browser(database: Database, tmp_path: Path) -> None:
    async with slack_at() as slack, staged(database, tmp_path, slack=slack.app) as stage:
        browser, link = a_browser(), await stage.link()
        assert (await stage.service.look(link, None)).can_sign_in
        page = await stage.service.sign_in(link, browser)
        assert "redirect_uri=https%3A%2F%2Ftidings.example%2Fconnect%2Fslack%2Fcallback" in page
        assert "team=T0A" in page
        answer = slack.consent(page, DANIEL)
        fresh = await stage.service.signed_in(answer, browser)
        assert (await stage.service.look(fresh, browser)).state is FlowState.PROVEN
        for gone in (link, Secret("x")):
            with pytest.raises(FlowGoneError):
                await stage.service.look(gone, browser)
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in(answer, browser)
        assert (await stage.service.go(fresh, browser)).startswith("https://shopify.tokens.example/")
        assert "connect_proven" in stage.trail()


@pytest.mark.parametrize("who", [OLGA, EVE, SlackIdentity("T0B", "U0DANIEL"), SlackIdentity("T0A", "U0NOBODY")])
@pytest.mark.parametrize("twin", [ConnectService, AnySlackUser])
async def test_nobody_else_signs_in_for_the_member(
    sqlite_database: Database, tmp_path: Path, who: SlackIdentity, twin: type[ConnectService]
) -> None:
    """T27: the same user id of another team is another person."""
    async with slack_at() as slack, staged(sqlite_database, tmp_path, slack=slack.app) as plain:
        stage = plain.twin(twin)
        browser, link = a_browser(), await stage.link()
        answer = slack.consent(await stage.service.sign_in(link, browser), who)
        if twin is AnySlackUser:
            fresh = await stage.service.signed_in(answer, browser)
            assert await stage.service.go(fresh, browser)
            return
        with pytest.raises(FlowRefusedError) as refused:
            await stage.service.signed_in(answer, browser)
        assert refused.value.reason == "other_person"
        assert stage.flow(link).state is FlowState.LINKED
        assert "connect_other_person" in stage.trail()
        # The right one may still do it.
        again = slack.consent(await stage.service.sign_in(link, browser), DANIEL)
        assert await stage.service.signed_in(again, browser)


async def test_an_answer_counts_in_its_own_browser_and_time_only(sqlite_database: Database, tmp_path: Path) -> None:
    async with slack_at() as slack, staged(sqlite_database, tmp_path, slack=slack.app) as stage:
        browser, link = a_browser(), await stage.link()
        old = slack.consent(await stage.service.sign_in(link, browser), DANIEL)
        new = slack.consent(await stage.service.sign_in(link, browser), DANIEL)
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in(old, browser)
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in(new, a_browser())
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in([("code", "x")], browser)
        stage.clock.advance(timedelta(minutes=16))
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in(new, browser)


LIES: tuple[dict[str, object], ...] = (
    {"nonce": "another"},
    {"nonce": None},
    {"aud": "999.999"},
    {"sub": "U0OLGA"},
    {"status": 500},
    {"status": 302},
    {"status": 200},
)


@pytest.mark.parametrize("lie", [*LIES, {}])
async def test_what_slack_would_not_say_is_not_believed(
    sqlite_database: Database, tmp_path: Path, lie: dict[str, object]
) -> None:
    """Without a lie it passes, so that it is the lie that is found."""
    async with slack_at() as slack, staged(sqlite_database, tmp_path, slack=slack.app) as stage:
        browser, link = a_browser(), await stage.link()
        answer = slack.consent(await stage.service.sign_in(link, browser), DANIEL)
        slack.lies = lie
        if not lie:
            assert await stage.service.signed_in(answer, browser)
            return
        with pytest.raises(FlowRefusedError):
            await stage.service.signed_in(answer, browser)
        assert stage.flow(link).state is FlowState.LINKED


@pytest.mark.parametrize("answer", [[("error", "access_denied")], [("code", "x"), ("error", "a")], [("code", "")], []])
async def test_a_person_may_say_no_to_slack(
    sqlite_database: Database, tmp_path: Path, answer: list[tuple[str, str]]
) -> None:
    async with slack_at() as slack, staged(sqlite_database, tmp_path, slack=slack.app) as stage:
        browser, link = a_browser(), await stage.link()
        state = slack.consent(await stage.service.sign_in(link, browser), DANIEL)[1]
        with pytest.raises(FlowRefusedError):
            await stage.service.signed_in([state, *answer], browser)
        await stage.service.send_code(link, browser)
        await stage.service.prove_code(link, browser, stage.code(link))


async def test_where_it_is_not_set_up_a_code_does_it(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        link = await stage.link()
        with pytest.raises(FlowRefusedError):
            await stage.service.sign_in(link, a_browser())


def test_slacks_page_is_at_the_origin_of_its_interface() -> None:
    app = SlackApp("1.2", Secret("s"), "https://slack.com/api/")
    marks = {"state": Secret("st"), "nonce": Secret("no")}
    page = sign_in_address(app, redirect_uri="https://tidings.example/connect/slack/callback", team_id="T0A", **marks)
    assert page.startswith("https://slack.com/openid/connect/authorize?response_type=code&scope=openid&client_id=1.2&")
    assert "s" not in repr(SignedIn("T", "U", Secret("nonce")).nonce)
