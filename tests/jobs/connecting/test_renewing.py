"""A seller who starts at Amazon: who they are is Slack's to say, once, in that browser; each check with a twin."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from sqlalchemy import update
from sqlmodel import select

from connectors.grants import Granted, Pairs
from connectors.slack_signin import SlackApp
from jobs.connecting.marks import hash_of
from jobs.connecting.service import ConnectService
from jobs.errors import FlowGoneError, FlowRefusedError, NotAllowedError
from storage.facts.flows import FlowState
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import connections
from storage.sessions import Database
from storage.tables import ConnectionRow, FlowRow, RenewalBegunRow
from tests.connectors.amazon.test_login import GOOD_HOST, PATH, QUERY, SPELLINGS, settings
from tests.connectors.consents import replaced
from tests.jobs.connecting.openid import Slack, slack_at
from tests.jobs.connecting.pretend import PretendGrants
from tests.jobs.connecting.stage import DANIEL, EVE, PRIYA, A, Stage, a_browser, everything, staged

AMAZON, SELLER = Provider.AMAZON, "A2TEMERITYUS01"


@dataclass(frozen=True)
class NorthAmerica(PretendGrants):
    """Grants of one region."""

    checks_verifier: bool = False

    async def exchange(self, *args: Any, **named: Any) -> Granted:
        return replace(await super().exchange(*args, **named), region="na")


@asynccontextmanager
async def amazon(database: Database, folder: Path, slack: SlackApp | None) -> AsyncIterator[Stage]:
    """Put the stage up with a pretended Amazon, whose Seller Centrals are the real ones."""
    async with staged(database, folder, slack=slack) as plain:
        grants = NorthAmerica(AMAZON, plain.outside)
        providers = {**plain.means.providers, AMAZON: settings()}
        yield plain.twin(ConnectService, grants_for=lambda _: grants, providers=providers)


async def renewed(stage: Stage, slack: Slack, browser: Secret) -> Secret:
    """Go from Amazon's address to a proven browser, as Daniel."""
    answer = slack.consent(await stage.service.renew(QUERY, browser), DANIEL)
    return await stage.service.signed_in(answer, browser)


async def test_a_seller_renews_and_the_source_stays(database: Database, tmp_path: Path) -> None:
    async with slack_at() as slack, amazon(database, tmp_path, slack.app) as stage:
        before = (await stage.connected(SELLER, provider=AMAZON)).source
        shown = stage.service.launch(QUERY)
        assert (shown.seller, shown.can_sign_in) == (SELLER, True)
        browser = a_browser()
        page = await stage.service.renew(QUERY, browser)
        assert "team" not in parse_qs(urlsplit(page).query)
        answer = slack.consent(page, DANIEL)
        link = await stage.service.signed_in(answer, browser)
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in(answer, browser)
        view = await stage.service.look(link, browser)
        assert (view.state, view.hint, view.source) == (FlowState.PROVEN, None, before)
        url = urlsplit(await stage.service.go(link, browser))
        assert f"https://{url.netloc}{url.path}" == f"https://{GOOD_HOST}{PATH}"
        assert parse_qs(url.query)["amazon_state"] == ["amazon-state"]
        back = stage.outside.consent(url.geturl(), SELLER, "Temerity Goods")
        view = await stage.service.returned(AMAZON, back, browser)
        assert (await stage.service.confirm(browser, flow_id=view.id)).source.id == before.id
        assert stage.connection(before.id).version == 2
        assert stage.trail()[-5:-1] == ["connect_link", "connect_proven", "connect_sent", "connect_returned"]
        assert b"amazon-state" not in everything(database)


async def test_what_amazon_waits_with_counts_once(sqlite_database: Database, tmp_path: Path) -> None:
    """Whoever is sent a second time goes to Amazon's own page; nothing of it is left."""
    async with slack_at() as slack, amazon(sqlite_database, tmp_path, slack.app) as stage:
        browser = a_browser()
        link = await renewed(stage, slack, browser)
        assert f"https://{GOOD_HOST}{PATH}?" in await stage.service.go(link, browser)
        assert "amazon_state" not in await stage.service.go(link, browser)
        with sqlite_database.read() as session:
            assert [row.login for row in session.exec(select(FlowRow))] == [None]
            assert session.exec(select(RenewalBegunRow)).all() == []


async def test_a_seller_who_is_new_here_becomes_a_new_source(sqlite_database: Database, tmp_path: Path) -> None:
    """Another organization's seller is one who is new here; that they are connected there is decided as always."""
    async with slack_at() as slack, amazon(sqlite_database, tmp_path, slack.app) as stage:
        await stage.connected(SELLER, EVE, AMAZON)
        browser = a_browser()
        link = await renewed(stage, slack, browser)
        view = await stage.service.look(link, browser)
        assert (view.source, view.hint, view.organization) == (None, None, "Temerity Goods")
        back = stage.outside.consent(await stage.service.go(link, browser), SELLER, "Temerity Goods")
        assert (await stage.service.returned(AMAZON, back, browser)).reason == "connected_elsewhere"


class AnyBrowser(ConnectService):
    """A twin that does not ask whether it is the browser that Amazon sent."""

    async def signed_in(self, query: Pairs, browser: Secret) -> Secret:
        own = update(RenewalBegunRow).values(browser_hash=hash_of("browser", browser))
        self._means.database.in_write(lambda session: session.connection().execute(own))
        return await super().signed_in(query, browser)


@pytest.mark.parametrize("twin", [ConnectService, AnyBrowser])
async def test_the_answer_counts_in_the_browser_that_amazon_sent(
    sqlite_database: Database, tmp_path: Path, twin: type[ConnectService]
) -> None:
    async with slack_at() as slack, amazon(sqlite_database, tmp_path, slack.app) as plain:
        stage = plain.twin(twin)
        answer = slack.consent(await stage.service.renew(QUERY, a_browser()), DANIEL)
        if twin is AnyBrowser:
            assert await stage.service.signed_in(answer, a_browser())
            return
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in(answer, a_browser())


async def test_who_may_not_connect_may_not_renew(sqlite_database: Database, tmp_path: Path) -> None:
    """A viewer, an answer with another nonce, a person who says no, an answer that is too late; Daniel's passes."""
    async with slack_at() as slack, amazon(sqlite_database, tmp_path, slack.app) as stage:
        browser = a_browser()
        with pytest.raises(NotAllowedError):
            await stage.service.signed_in(slack.consent(await stage.service.renew(QUERY, browser), PRIYA), browser)
        said_no = slack.consent(await stage.service.renew(QUERY, browser), DANIEL)[1]
        with pytest.raises(FlowRefusedError):
            await stage.service.signed_in([said_no, ("error", "access_denied")], browser)
        for lie in ({"nonce": "another"}, {"status": 500}):
            answer = slack.consent(await stage.service.renew(QUERY, browser), DANIEL)
            slack.lies = dict(lie)
            with pytest.raises(FlowRefusedError):
                await stage.service.signed_in(answer, browser)
        slack.lies = {}
        late = slack.consent(await stage.service.renew(QUERY, browser), DANIEL)
        stage.clock.advance(timedelta(minutes=11))
        with pytest.raises(FlowGoneError):
            await stage.service.signed_in(late, browser)
        with sqlite_database.read() as session:
            assert session.exec(select(FlowRow)).all() == []
        assert await renewed(stage, slack, browser)


async def test_another_regions_seller_central_is_said(sqlite_database: Database, tmp_path: Path) -> None:
    async with slack_at() as slack, amazon(sqlite_database, tmp_path, slack.app) as stage:
        source = (await stage.connected(SELLER, provider=AMAZON)).source
        europe = update(ConnectionRow).where(ConnectionRow.source_id == source.id).values(region="eu")  # type: ignore[arg-type]  # a column expression
        stage.change(lambda session: session.connection().execute(europe))
        with pytest.raises(FlowRefusedError, match="Europe") as refused:
            await renewed(stage, slack, a_browser())
        assert refused.value.reason == "other_region"
        assert stage.database.in_read(lambda session: connections.held(session, A, AMAZON, SELLER)) is not None


async def test_nothing_leads_away_from_amazon(sqlite_database: Database, tmp_path: Path) -> None:
    """Every spelling of the connector's table, at both addresses of the page; the good one passes."""
    async with slack_at() as slack, amazon(sqlite_database, tmp_path, slack.app) as stage:
        for callback in SPELLINGS:
            query = replaced(QUERY, amazon_callback_uri=callback)
            with pytest.raises(FlowRefusedError):
                stage.service.launch(query)
            with pytest.raises(FlowRefusedError):
                await stage.service.renew(query, a_browser())
        assert await stage.service.renew(QUERY, a_browser())


async def test_without_sign_in_slack_is_the_way(sqlite_database: Database, tmp_path: Path) -> None:
    async with amazon(sqlite_database, tmp_path, None) as stage:
        assert not stage.service.launch(QUERY).can_sign_in
        with pytest.raises(FlowRefusedError, match="/data reconnect"):
            await stage.service.renew(QUERY, a_browser())


class Stopped(BaseException):
    """The process ends here."""


@pytest.mark.parametrize("point", ["flow.renewal_begun", "flow.renewal_claimed", "flow.renewal_proven"])
async def test_stopped_at_every_point(sqlite_database: Database, tmp_path: Path, point: str) -> None:
    """Whoever was on the way starts again at Amazon; nothing of the first try is left after its time."""

    def stops(name: str) -> None:
        if name == point:
            raise Stopped

    async with slack_at() as slack, amazon(sqlite_database, tmp_path, slack.app) as stage:
        with pytest.raises(Stopped):
            await renewed(stage.twin(ConnectService, checkpoint=stops), slack, a_browser())
        browser = a_browser()
        link = await renewed(stage, slack, browser)
        back = stage.outside.consent(await stage.service.go(link, browser), SELLER, "Temerity Goods")
        view = await stage.service.returned(AMAZON, back, browser)
        assert (await stage.service.confirm(browser, flow_id=view.id)).newly
        stage.clock.advance(timedelta(minutes=16))
        await stage.service.sweep()
        with sqlite_database.read() as session:
            assert [row.login for row in session.exec(select(FlowRow))] in ([None], [None, None])
            assert session.exec(select(RenewalBegunRow)).all() == []
