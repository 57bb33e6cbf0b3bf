"""The Slack edge of the whole process: from the signed request to the row, and back to the person."""

import asyncio
import time
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import func, select

from bot.values import pack
from jobs.refresh.ask import Scope
from sandbox.slack import Answer, Message
from storage.facts.sources import ConnectionState, Provider
from storage.records import sources
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, OrganizationRow, RefreshRow, SourceRow
from templates import actions
from tests.bot.requests import click, payload_form
from tests.scenarios.slack_edge_stage import Whole, another_worker, whole
from tests.waiting import eventually

FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def started(stage: Whole) -> int:
    """Return how many refreshes there are."""
    return stage.database.in_read(lambda session: session.exec(select(func.count()).select_from(RefreshRow)).one())


async def warm(stage: Whole, user: str, channel: str = "C0FINANCE") -> None:
    """Let Slack be asked who somebody is, as happens with their first request."""
    answer = await stage.slack.command(user, channel, "/data", "help")
    assert answer.ok, answer
    await stage.shown(user, channel, "What you can ask")


def shown_after(stage: Whole, known: int) -> list[Message]:
    """Return what Maya saw after the first so many messages."""
    return stage.slack.messages("C0FINANCE", viewer="U0MAYA")[known:]


def response_url(stage: Whole, user: str = "U0MAYA") -> str:
    core = stage.slack.core
    return f"{core.url}/response/{core.triggers.issue_response('T0TEMERITY', 'C0FINANCE', user, None)}"


async def test_a_person_asks_confirms_and_is_told(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "")
        await stage.shown("U0MAYA", "C0FINANCE", "Temerity Goods")
        card = await stage.confirm_card("U0MAYA", "C0FINANCE", "refresh shop")
        assert started(stage) == 0
        assert (await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)).ok
        await stage.shown("U0MAYA", "C0FINANCE", "accepted")
        question = await stage.shown("U0MAYA", "C0FINANCE", "Send confirmations to")
        await stage.slack.click("U0MAYA", question, actions.EMAIL_YES)
        await stage.shown("U0MAYA", "C0FINANCE", "Confirmations go to")
        await stage.shown("U0MAYA", "C0FINANCE", "ready to import")
        assert started(stage) == 1
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def test_clicks_and_copies_have_one_effect_on_any_worker(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage, another_worker(stage) as second:
        await warm(stage, "U0MAYA")
        card = await stage.confirm_card("U0MAYA", "C0FINANCE", "refresh shop")
        answers = await asyncio.gather(*(stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM) for _ in range(3)))
        assert all(answer.ok for answer in answers)
        # An accepted click is played behind its ack.
        await eventually(lambda: started(stage) == 1)

        value = pack("card_forged", Scope(everything=False, source_ids=(stage.source(Provider.QUICKBOOKS).id,)))
        body = payload_form(click(actions.REFRESH_CONFIRM, value, response_url=response_url(stage)))
        headers = stage.slack.sign(body) | FORM
        assert (await stage.slack.post_raw(body, headers)).status == 200
        await eventually(lambda: started(stage) == 2)
        assert (await stage.slack.post_raw(body, headers)).status == 401
        first, stage.slack.request_url = stage.slack.request_url, second
        copied = await stage.slack.post_raw(body, headers)
        await eventually(lambda: copied.status == 200)
        # The other worker does not know the person yet: it keeps the click, and the worker plays it under the same key.
        await stage.slack.quiet()
        await asyncio.sleep(0.6)
        assert started(stage) == 2
        stage.slack.request_url = first


async def test_who_may_not_starts_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        value = pack("card_1", Scope(everything=True))
        for number, (user, team) in enumerate(
            [
                ("U0GUEST", "T0TEMERITY"),
                ("U0GONE", "T0TEMERITY"),
                ("U0PRIYA", "T0TEMERITY"),
                ("U0OUTSIDE", "T0OUTSIDE"),
                ("U0SAM", "T0SUPPORT"),
            ]
        ):
            payload = click(actions.REFRESH_CONFIRM, value, response_url=response_url(stage), trigger_id=f"1.{number}")
            payload["user"] = {"id": user, "username": user, "name": user, "team_id": team}
            body = payload_form(payload)
            assert (await stage.slack.post_raw(body, stage.slack.sign(body) | FORM)).status == 200
        await asyncio.sleep(1.0)
        assert started(stage) == 0
        await stage.slack.command("U0PRIYA", "C0FINANCE", "/data", "refresh shop")
        await stage.shown("U0PRIYA", "C0FINANCE", "Daniel Kim")
        await stage.slack.change_user("U0MAYA", is_restricted=True)
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status")
        await stage.shown("U0MAYA", "C0FINANCE", "no role")


async def test_a_source_of_another_organization_reads_like_a_missing_one(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        await warm(stage, "U0MAYA")
        stage.database.in_write(lambda session: plant_rival(session, stage.source(Provider.SHOPIFY).id))
        said = []
        for number, source_id in enumerate(("src_rival", "src_there_is_none")):
            value = pack(f"card_{number}", Scope(everything=False, source_ids=(source_id,)))
            payload = click(actions.REFRESH_CONFIRM, value, response_url=response_url(stage), trigger_id=f"1.{number}")
            body = payload_form(payload)
            before = len(stage.slack.messages("C0FINANCE", viewer="U0MAYA"))
            assert (await stage.slack.post_raw(body, stage.slack.sign(body) | FORM)).status == 200
            await stage.slack.wait_for(partial(shown_after, stage, before), timeout=60)
            said.append(stage.slack.messages("C0FINANCE", viewer="U0MAYA")[-1].everything)
        assert said[0] == said[1]
        assert started(stage) == 0
        for words in ("status rival", "status rival.myshopify.com", "history src_rival", "refresh src_rival"):
            await stage.slack.command("U0MAYA", "C0FINANCE", "/data", words)
            shown = stage.slack.messages("C0FINANCE", viewer="U0MAYA")[-1].everything
            assert "no source" in shown
            assert "Rival Traders" not in shown


def plant_rival(session: Session, like: str) -> None:
    """Add another organization with a source of its own."""
    ours = session.get_one(SourceRow, like)
    organization = session.get_one(OrganizationRow, ours.organization_id)
    session.add(OrganizationRow(**organization.model_dump() | {"id": "org_rival", "name": "Rival Traders"}))
    session.flush()
    theirs = {"id": "src_rival", "organization_id": "org_rival", "account": "rival.myshopify.com", "label": "rival.myshopify.com",
              "company": "Rival Traders"}  # fmt: skip
    session.add(SourceRow(**ours.model_dump() | theirs))
    session.flush()
    connection = session.get_one(ConnectionRow, like)
    session.add(ConnectionRow(**connection.model_dump() | {"source_id": "src_rival"}))


async def test_a_disconnected_source_is_said_to_be_so(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        await warm(stage, "U0MAYA")
        shop = stage.source(Provider.SHOPIFY)
        stage.database.in_write(
            lambda session: sources.set_connection(
                session, shop.id, ConnectionState.DISCONNECTED, "revoked", stage.clock.now()
            )
        )
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        told = await stage.shown("U0MAYA", "C0FINANCE", "disconnected")
        assert "Daniel Kim" in told.everything
        assert actions.REFRESH_CONFIRM not in told.actions
        for number in range(2):
            payload = click(
                actions.REFRESH_CONFIRM,
                pack("card_1", Scope(everything=False, source_ids=(shop.id,))),
                response_url=response_url(stage),
                trigger_id=f"1.{number}",
            )
            body = payload_form(payload)
            assert (await stage.slack.post_raw(body, stage.slack.sign(body) | FORM)).status == 200
        await asyncio.sleep(0.3)
        assert not [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if "fresh already" in m.everything]
        assert started(stage) == 0


async def test_plain_words_get_the_card_and_start_nothing(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        await stage.slack.dm("U0MAYA", "please refresh shopify")
        card = await stage.shown("U0MAYA", "D0MAYA", "Confirm")
        assert started(stage) == 0
        await stage.slack.dm("U0MAYA", "don't refresh shopify")
        await stage.shown("U0MAYA", "D0MAYA", "Nothing was started")
        assert (await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)).ok
        await eventually(lambda: started(stage) == 1)
        await stage.shown("U0MAYA", "D0MAYA", "ready to import")


@pytest.mark.parametrize("lie", ["hang", "server_error"])
async def test_when_slack_cannot_say_who_it_is_nobody_is_let_in(
    lie: str, sqlite_database: Database, tmp_path: Path
) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        stage.slack.lie("users.info", lie, times=None)  # type: ignore[arg-type]  # a kind of the stand-in's
        answer: Answer = await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "status")
        assert answer.ok
        assert answer.seconds < 2
        await stage.shown("U0MAYA", "C0FINANCE", "press again")
        assert not [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if "Shopify" in m.everything]


async def test_socket_mode_is_the_same_bot(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path, socket_mode=True) as stage:
        await warm(stage, "U0MAYA")
        assert await stage.app.ready()
        card = await stage.confirm_card("U0MAYA", "C0FINANCE", "refresh shop")
        assert (await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)).ok
        await stage.shown("U0MAYA", "C0FINANCE", "accepted")
        assert {delivery.kind for delivery in stage.slack.deliveries} >= {"command", "block_actions"}
        assert started(stage) == 1
        await _is_heard_by_its_pings(stage)


async def _is_heard_by_its_pings(stage: Whole) -> None:
    """Nothing more is said, and time passes: the socket counts as deaf until a ping of it is answered."""
    socket = stage.app._socket
    assert socket is not None
    client, now = socket._client, time.time()
    assert client.current_session is not None
    client.last_ping_pong_time = now
    assert await socket.alive()
    stage.clock.advance(timedelta(minutes=4))
    assert not await socket.alive()
    # As the library does every few seconds.
    await client.current_session.ping(f"sdk-ping-pong:{now + 60}".encode())
    alive: bool = await eventually(socket.alive, seconds=60)
    assert alive


async def test_a_redelivered_envelope_has_its_effect_once(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path, socket_mode=True) as stage:
        await warm(stage, "U0MAYA")
        value = pack("card_1", Scope(everything=False, source_ids=(stage.source(Provider.SHOPIFY).id,)))
        payload = click(actions.REFRESH_CONFIRM, value, response_url=response_url(stage))
        for _ in range(3):
            answer = await stage.slack.sockets.send("interactive", payload, 3.0, {})
            assert answer.ok, answer
        assert started(stage) == 1
        for junk in ({}, {"type": "block_actions"}, {"type": "event_callback", "event": []}, {"command": "/data"}):
            assert (await stage.slack.sockets.send("interactive", junk, 3.0, {})).ok, junk
        foreign = payload | {"user": {"id": "U0OUTSIDE", "team_id": "T0OUTSIDE"}, "trigger_id": "9.9"}
        assert (await stage.slack.sockets.send("interactive", foreign, 3.0, {})).ok
        assert started(stage) == 1


async def test_a_busy_database_is_said_within_slacks_three_seconds(sqlite_database: Database, tmp_path: Path) -> None:
    async with whole(sqlite_database, tmp_path) as stage:
        await warm(stage, "U0MAYA")
        card = await stage.confirm_card("U0MAYA", "C0FINANCE", "refresh shop")
        with stage.database.write() as session:
            session.connection()
            answer = await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)
        assert answer.ok, answer
        assert answer.seconds < 3
        await stage.shown("U0MAYA", "C0FINANCE", "press again")
        assert started(stage) == 0
        again = stage.slack.message("C0FINANCE", card.ts)
        assert again is not None
        assert (await stage.slack.click("U0MAYA", again, actions.REFRESH_CONFIRM)).ok
        await eventually(lambda: started(stage) == 1)
