"""When a connection does not work: the test tells the truth, and the ticket reaches support once, filled in."""

from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import update

from jobs.errors import NotAllowedError, NotFoundError
from jobs.refresh.ask import TriggerKey
from sandbox.misbehave import Kind, Rule
from storage.facts.ids import new_id
from storage.facts.sources import ConnectionState, Provider
from storage.sessions import Database
from storage.tables import OrganizationRow
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually


def _key() -> TriggerKey:
    return TriggerKey("T0TEMERITY", new_id("trg"))


def _tickets(stage: Stage) -> list[Any]:
    posts = stage.slack.messages("C0DATASUP", viewer="U0SAM")
    return [post for post in posts if "needs help" in post.everything or "cannot reconnect" in post.everything]


async def test_a_test_says_what_the_provider_says_now(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        helper, source = stage.jobs.services.help, stage.source(Provider.SHOPIFY)
        viewer = await stage.actor("U0PRIYA")
        assert await helper.test(viewer, source.id) is None
        stage.shopify.script.add(Rule(Kind.SERVER_ERROR, times=50))
        outage = await helper.test(viewer, source.id)
        assert outage is not None
        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.CONNECTED
        stage.shopify.script.clear()
        stage.shopify.oauth.revoke("temeritygoods.myshopify.com")
        refused = await helper.test(viewer, source.id)
        assert refused is not None
        assert stage.source(Provider.SHOPIFY).connection is ConnectionState.DISCONNECTED


async def test_a_ticket_is_posted_and_mailed_once_and_says_what_is_known(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path) as stage:
        helper, source, key = stage.jobs.services.help, stage.source(Provider.SHOPIFY), _key()
        rep = update(OrganizationRow).values(account_rep="rep@tidings.example")
        database.in_write(lambda session: session.connection().execute(rep).rowcount)
        ticket = await helper.ticket(await stage.actor("U0PRIYA"), source.id, key)
        assert await helper.ticket(await stage.actor("U0PRIYA"), source.id, key) == ticket
        (post,) = await eventually(lambda: _tickets(stage))
        for said in ("Temerity Goods", "Priya Nair", "temeritygoods.myshopify.com", "screenshot", ticket):
            assert said in post.everything
        for address in ("data-support@tidings.example", "rep@tidings.example"):
            (mail,) = await eventually(lambda: stage.mail.to(address))  # noqa: B023 - looked at at once
            assert "needs help" in str(mail.subject)


async def test_nobody_opens_tickets_about_what_is_not_theirs(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        helper = stage.jobs.services.help
        with pytest.raises(NotFoundError):
            await helper.ticket(await stage.actor("U0MAYA"), "src_of_somebody_else", _key())
        for stranger in ("U0GUEST", "U0GONE"):
            with pytest.raises(NotAllowedError):
                await helper.ticket(await stage.actor(stranger), stage.source(Provider.SHOPIFY).id, _key())
