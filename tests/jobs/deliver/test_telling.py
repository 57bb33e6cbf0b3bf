"""Telling: each channel alone, nothing lost, nothing twice, whatever the other side does."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from jobs.notify.kinds import REFRESH_CARD, REFRESH_FINISHED
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.sources import Provider
from storage.records import deliveries, organizations
from storage.sessions import Database
from tests.jobs.briefly import briefly
from tests.jobs.stage import Stage, staged
from tests.waiting import eventually

MAYA = "maya@temeritygoods.example"
_OPEN = {DeliveryState.PENDING, DeliveryState.SENDING}


def _confirm_address(stage: Stage) -> None:
    member = stage.member()
    stage.database.in_write(
        lambda session: organizations.set_email(
            session, member.id, MAYA, confirmed_at=stage.clock.now(), refused_at=None
        )
    )


def _deliveries(stage: Stage, refresh_id: str) -> list[Delivery]:
    return stage.database.in_read(lambda session: deliveries.of_subject(session, refresh_id))


async def _settled(stage: Stage, refresh_id: str, *, seconds: float = 60) -> dict[tuple[str, Channel], Delivery]:
    """Wait until the refresh is over and every delivery about it is settled."""
    await stage.finished(refresh_id, seconds=seconds)

    def look() -> list[Delivery] | None:
        found = _deliveries(stage, refresh_id)
        told = any(one.kind == REFRESH_FINISHED for one in found)
        return found if told and not any(one.state in _OPEN for one in found) else None

    found = await eventually(look, seconds=seconds)
    return {(one.kind, one.channel): one for one in found}


def _posts(stage: Stage, delivery: Delivery) -> list[Any]:
    return list(stage.slack.journal.posts(key=delivery.id))


async def test_slack_and_mail_both_tell_once(database: Database, tmp_path: Path) -> None:
    async with staged(database, tmp_path, connectors=briefly) as stage:
        _confirm_address(stage)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        assert {one.state for one in found.values()} == {DeliveryState.SENT}
        assert len(_posts(stage, found[REFRESH_FINISHED, Channel.SLACK])) == 1
        (mail,) = stage.mail.to(MAYA)
        assert "ready to import" in mail.subject
        assert mail.message_id == found[REFRESH_FINISHED, Channel.EMAIL].external_id
        assert "EST" in mail.text or "EDT" in mail.text


async def test_without_a_confirmed_address_no_mail_is_sent_and_the_reason_is_kept(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        skipped = found[REFRESH_FINISHED, Channel.EMAIL]
        assert skipped.state is DeliveryState.SKIPPED
        assert skipped.reason == "no confirmed e-mail address"
        assert stage.mail.messages == []


async def test_slack_being_down_does_not_stop_the_mail(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        _confirm_address(stage)
        stage.slack.lie("chat.postMessage", "server_error", status=503, times=None)
        outcome = await stage.request(Provider.SHOPIFY)

        await eventually(lambda: stage.mail.to(MAYA), seconds=60)
        stage.slack.stop_lying()
        found = await _settled(stage, outcome.refresh_id)
        assert {one.state for one in found.values()} == {DeliveryState.SENT}
        assert len(_posts(stage, found[REFRESH_FINISHED, Channel.SLACK])) == 1


async def test_mail_being_down_does_not_stop_slack(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        _confirm_address(stage)
        stage.mail.lie("refuse_connection", times=2)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        assert {one.state for one in found.values()} == {DeliveryState.SENT}
        assert len(stage.mail.to(MAYA)) == 1


@pytest.mark.parametrize("lie", ["accept_reset", "accept_hang", "late_accept"])
async def test_an_accepted_post_that_nobody_confirmed_is_found_and_not_sent_again(
    sqlite_database: Database, tmp_path: Path, lie: str
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        options = {"seconds": 1.2} if lie == "late_accept" else {}
        stage.slack.lie("chat.postMessage", lie, times=1, **options)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        card = found[REFRESH_CARD, Channel.SLACK]
        assert card.state is DeliveryState.SENT
        assert card.attempts == 1
        assert len(_posts(stage, card)) == 1


async def test_a_post_that_was_lost_on_the_way_is_sent_again(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.slack.lie("chat.postMessage", "reset", times=1)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        card = found[REFRESH_CARD, Channel.SLACK]
        assert (card.state, card.attempts) == (DeliveryState.SENT, 2)
        assert len(_posts(stage, card)) == 1


async def test_where_history_cannot_be_read_nothing_is_sent_again(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.slack.lie("chat.postMessage", "accept_reset", times=1)
        stage.slack.lie("conversations.history", "error", error="missing_scope", times=None)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        card = found[REFRESH_CARD, Channel.SLACK]
        assert card.state is DeliveryState.UNCONFIRMED
        assert len(_posts(stage, card)) == 1


async def test_a_mail_that_nobody_confirmed_is_not_repeated_when_slack_confirmed(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        _confirm_address(stage)
        stage.mail.lie("accept_drop", times=1)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        assert found[REFRESH_FINISHED, Channel.EMAIL].state is DeliveryState.UNCONFIRMED
        assert len(stage.mail.to(MAYA)) == 1


async def test_a_mail_that_nobody_confirmed_is_repeated_with_its_id_when_slack_never_confirmed(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        _confirm_address(stage)
        stage.slack.lie("chat.postMessage", "error", error="restricted_action", times=None)
        stage.mail.lie("accept_drop", times=1)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        assert found[REFRESH_FINISHED, Channel.EMAIL].state is DeliveryState.SENT
        first, second = stage.mail.to(MAYA)
        assert first.message_id == second.message_id


async def test_a_channel_that_refuses_is_replaced_by_the_asker_s_dm(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.slack.lie("chat.postMessage", "error", error="is_archived", channel="C0FINANCE", times=None)
        await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id)

        told = await eventually(
            lambda: [m for m in stage.slack.messages("D0MAYA", viewer="U0MAYA") if "ready to import" in m.everything]
        )
        assert told


async def test_a_rate_limit_is_waited_for(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.slack.lie("chat.postMessage", "ratelimited", retry_after=1, times=1)
        found = await _settled(stage, (await stage.request(Provider.SHOPIFY)).refresh_id)

        assert {one.state for one in found.values()} <= {DeliveryState.SENT, DeliveryState.SKIPPED}
        assert len(_posts(stage, found[REFRESH_CARD, Channel.SLACK])) == 1


async def test_what_is_no_longer_worth_sending_is_given_up(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path, connectors=briefly) as stage:
        stage.slack.lie("chat.postMessage", "ratelimited", retry_after=1, times=None)
        outcome = await stage.request(Provider.SHOPIFY)
        await stage.finished(outcome.refresh_id)
        stage.clock.advance(timedelta(hours=25))

        found = await _settled(stage, outcome.refresh_id)
        assert found[REFRESH_CARD, Channel.SLACK].state is DeliveryState.FAILED
        assert "no longer worth sending" in (found[REFRESH_CARD, Channel.SLACK].reason or "")
