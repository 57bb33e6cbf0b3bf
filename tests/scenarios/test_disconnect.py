"""An admin disconnects a source in Slack: card, form, typed name; whoever is none is refused, whatever they forge."""

import json
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

from sqlmodel import select

from bot.values import pack_parting
from jobs.ground import Warehouses
from sandbox.slack import Message
from storage.facts.sources import ConnectionState, Provider
from storage.records import sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, DisconnectRow, OrganizationRow, SourceRow
from templates import actions
from tests.bot.requests import payload_form
from tests.scenarios.slack_edge_stage import SHOP, Whole, whole
from tests.waiting import eventually

MAYA, DANIEL, PRIYA = "U0MAYA", "U0DANIEL", "U0PRIYA"
FINANCE = "C0FINANCE"
FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def connection(stage: Whole, source_id: str) -> ConnectionRow:
    return stage.database.in_read(lambda session: session.get_one(ConnectionRow, source_id))


async def form(stage: Whole, question: str = "Disconnect Shopify") -> Any:
    """Ask, press the button of the card, and return the form that opens."""
    answer = await stage.slack.command(DANIEL, FINANCE, "/data", "disconnect shopify")
    assert answer.ok, answer
    card = await stage.shown(DANIEL, FINANCE, question)
    assert (await stage.slack.click(DANIEL, card, actions.DISCONNECT_FORM)).ok
    return await eventually(lambda: stage.slack.modal(DANIEL))


async def refreshed(stage: Whole) -> None:
    """Let data of Shopify be there."""
    card = await stage.confirm_card(DANIEL, FINANCE, "refresh shopify")
    await stage.slack.click(DANIEL, card, actions.REFRESH_CONFIRM)
    await stage.shown(DANIEL, FINANCE, "ready to import")


def forged(user: str, callback: str, private: str, values: Mapping[str, str]) -> bytes:
    """Return the submission of a form as Slack would send it, with whatever a person wrote into it."""
    state = {name: {name: {"type": "plain_text_input", "value": value}} for name, value in values.items()}
    view = {"id": "V0FORGED", "type": "modal", "callback_id": callback, "private_metadata": private}
    return payload_form(
        {
            "type": "view_submission",
            "team": {"id": "T0TEMERITY"},
            "user": {"id": user, "team_id": "T0TEMERITY"},
            "trigger_id": "1.2.forged",
            "view": {**view, "state": {"values": state}},
        }
    )


async def send(stage: Whole, body: bytes) -> dict[str, Any]:
    answer = await stage.slack.post_raw(body, stage.slack.sign(body) | FORM)
    assert answer.status == 200
    found: dict[str, Any] = json.loads(answer.body) if answer.body else {}
    return found


async def test_an_admin_disconnects_and_later_erases(database: Database, tmp_path: Path) -> None:
    async with whole(database, tmp_path) as stage:
        source = stage.source(Provider.SHOPIFY)
        await refreshed(stage)
        view = await form(stage)
        assert view.title == "Disconnect"
        # Another name: the form stays open and says so beside the input.
        assert (await stage.slack.submit_view(DANIEL, {"data": "keep", "name": "shopify"})).ok
        assert SHOP in view.errors["name"]
        assert connection(stage, source.id).state == ConnectionState.CONNECTED

        assert (await stage.slack.submit_view(DANIEL, {"data": "keep", "name": SHOP.upper()})).ok
        shown = stage.slack.modal(DANIEL)
        assert shown is not None
        assert "is disconnected" in json.dumps(shown.content)
        assert not any(block["type"] == "input" for block in shown.blocks)
        row = connection(stage, source.id)
        assert (row.state, row.credentials) == (ConnectionState.DISCONNECTED, None)

        def gone() -> bool:
            return all(grant.revoked for grant in stage.providers["shopify"].oauth.grants(SHOP))

        await eventually(gone)
        await eventually(lambda: _ended(stage) == [None])
        told = await stage.shown(DANIEL, "D0DANIEL", "disconnected")
        assert "Its data is kept" in told.everything
        await stage.slack.command(MAYA, FINANCE, "/data", "status shopify")
        status = await stage.shown(MAYA, FINANCE, "Daniel Kim disconnected it on")
        assert "its data is kept" in status.everything
        await stage.slack.command(MAYA, FINANCE, "/data", "refresh shopify")
        await stage.shown(MAYA, FINANCE, "is disconnected")

        stage.clock.advance(timedelta(seconds=1))
        await stage.slack.close_view(DANIEL)
        erasing = await form(stage, "Erase the data of Shopify")
        assert erasing.title == "Erase"
        assert (await stage.slack.submit_view(DANIEL, {"name": "Temerity Goods"})).ok
        await stage.shown(DANIEL, "D0DANIEL", "was erased")
        lake = Warehouses(stage.settings.warehouse_url).of(stage.organization_id)
        assert lake.counts(source.id) == {}
        await stage.slack.command(MAYA, FINANCE, "/data", "status shopify")
        await stage.shown(MAYA, FINANCE, "its data was erased")
        assert stage.slack.refused == []
        assert stage.slack.red == []


def _ended(stage: Whole) -> list[Any]:
    """What is left of the grants of all disconnects that have ended."""

    def read(session: Session) -> list[Any]:
        return [row.grant for row in session.exec(select(DisconnectRow)) if row.ended_at]

    return stage.database.in_read(read)


async def test_whoever_is_no_admin_is_refused_whatever_they_send(database: Database, tmp_path: Path) -> None:
    async with whole(database, tmp_path) as stage:
        source = stage.source(Provider.SHOPIFY)
        await stage.slack.command(PRIYA, FINANCE, "/data", "disconnect shopify")
        denied = await stage.shown(PRIYA, FINANCE, "You need the role")
        assert "Daniel Kim" in denied.everything

        view = await form(stage)
        stolen = forged(PRIYA, actions.DISCONNECT_FORM, view.private_metadata, {"data": "erase", "name": SHOP})
        said = await send(stage, stolen)
        assert said["response_action"] == "update"
        assert "You need the role" in json.dumps(said)
        # Somebody of another company in a shared channel: `team` is their own, the form's is where we are installed.
        body = json.loads(parse_qs(stolen.decode())["payload"][0])
        body |= {"team": {"id": "T0OTHER"}, "user": {"id": DANIEL, "team_id": "T0OTHER"}}
        body["view"]["app_installed_team_id"] = "T0TEMERITY"
        assert "You have no role" in json.dumps(await send(stage, payload_form(body)))
        assert connection(stage, source.id).state == ConnectionState.CONNECTED


async def test_what_was_not_offered_is_not_done(sqlite_database: Database, tmp_path: Path) -> None:
    """T11 to T13: somebody else's source, a state that has passed, a choice that nobody offered, no such form."""
    async with whole(sqlite_database, tmp_path) as stage:
        source = stage.source(Provider.SHOPIFY)
        other = stage.database.in_write(lambda session: _foreign(session, stage))
        view = await form(stage)
        mark = json.loads(view.private_metadata)["m"]
        right: dict[str, Any] = {"data": "keep", "name": SHOP}
        for callback, private, values, words in (
            (actions.DISCONNECT_FORM, pack_parting(other, mark, only_data=False), right, "nothing here by that name"),
            (actions.DISCONNECT_FORM, view.private_metadata, {**right, "data": "sell"}, "was not among those"),
            (actions.DISCONNECT_FORM, view.private_metadata, {"name": SHOP}, "was not among those"),
            (actions.DISCONNECT_FORM, pack_parting(source.id, "then", only_data=False), right, "changed meanwhile"),
            (actions.DISCONNECT_FORM, "{}", right, "nothing here by that name"),
            (actions.DISCONNECT_FORM, "null", right, "nothing here by that name"),
            ("refresh_everything", view.private_metadata, right, "nothing here by that name"),
        ):
            said = await send(stage, forged(DANIEL, callback, private, values))
            assert words in json.dumps(said), said
        broken = payload_form({"type": "view_submission", "team": {"id": "T0TEMERITY"}, "view": []})
        assert (await stage.slack.post_raw(broken, stage.slack.sign(broken) | FORM)).status == 400
        # The form was opened before the connection changed.
        stage.database.in_write(lambda session: _touched(session, source.id, stage))
        assert (await stage.slack.submit_view(DANIEL, right)).ok
        stale = stage.slack.modal(DANIEL)
        assert stale is not None
        assert "changed meanwhile" in json.dumps(stale.content)
        assert connection(stage, source.id).state != ConnectionState.DISCONNECTED
        assert connection(stage, other).state == ConnectionState.CONNECTED


async def test_a_form_that_comes_too_late_for_slack_says_so(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        await stage.slack.command(DANIEL, FINANCE, "/data", "disconnect shopify")
        card: Message = await stage.shown(DANIEL, FINANCE, "Nothing has changed yet")
        stage.slack.lie("views.open", "error", error="expired_trigger_id")
        await stage.slack.click(DANIEL, card, actions.DISCONNECT_FORM)
        await stage.shown(DANIEL, FINANCE, "press the button again")
        assert stage.slack.modal(DANIEL) is None


def _foreign(session: Session, stage: Whole) -> str:
    now = stage.clock.now()
    session.add(OrganizationRow(id="org_other", name="Other", timezone="UTC", created_at=now))
    session.flush()
    row = SourceRow(
        id="src_other",
        organization_id="org_other",
        provider="shopify",
        account="other.myshopify.com",
        label="other.myshopify.com",
        company="Other",
        mode="on_demand",
        schedule_minutes=60,
        updated_at=now,
        created_at=now,
    )
    session.add(row)
    session.flush()
    session.add(ConnectionRow(source_id=row.id, organization_id="org_other", state="connected", since=now))
    return row.id


def _touched(session: Session, source_id: str, stage: Whole) -> None:
    stage.clock.advance(timedelta(seconds=1))
    sources.set_connection(session, source_id, ConnectionState.ATTENTION, "a scope is missing", stage.clock.now())
