"""What a person sees of an accepted click: its outcome, whoever plays it and whatever happens in between."""

import asyncio
from datetime import timedelta

from bot.clicks import Plays
from bot.interaction import Interaction, Kind
from bot.reply import Reply
from storage.facts.people import Actor, SlackIdentity
from templates import actions
from tests.bot.stage import Stage, staged

MAYA = SlackIdentity("T0TEMERITY", "U0MAYA")


def _pressed(card: str = "card_1") -> Interaction:
    value = f'{{"c":"{card}","s":["src_shop"]}}'
    return Interaction(Kind.ACTION, MAYA, MAYA.team_id, "C0FINANCE", "1.2", actions.REFRESH_CONFIRM, value=value)


async def _accepted(stage: Stage, card: str = "card_1") -> Reply:
    reply = await stage.surface.front.answer(_pressed(card))
    assert reply.message is None
    return reply


async def _to_the_end(stage: Stage, reply: Reply) -> str:
    await stage.surface.shower.show_all(reply, _pressed(), stage.surface.front.follow)
    return " ".join(stage.seen("U0MAYA", "C0FINANCE"))


async def test_nothing_starts_before_the_ack() -> None:
    async with staged() as stage:
        reply = await _accepted(stage)
        assert stage.services.refresh.started == []
        assert "is accepted" in await _to_the_end(stage, reply)
        assert len(stage.services.refresh.started) == 1
        assert stage.services.clicks.rows == {}


async def test_what_a_dead_process_left_is_found_played_and_told_once() -> None:
    async with staged() as stage:
        await _accepted(stage)
        await stage.surface.play_clicks()
        assert stage.services.refresh.started == []  # its own process is given two seconds
        stage.clock.advance(timedelta(seconds=3))
        await stage.surface.play_clicks()
        await stage.surface.play_clicks()
        assert len(stage.services.refresh.started) == 1
        assert sum("is accepted" in text for text in stage.seen("U0MAYA", "C0FINANCE")) == 1


async def test_what_this_process_plays_is_not_found_by_its_own_sweep() -> None:
    async with staged() as stage:
        turn = asyncio.Event()
        front = stage.surface.front
        front.plays = Plays(stage.services, front._directory, front._played, turn.wait)  # type: ignore[arg-type]  # it returns True
        playing = asyncio.create_task(_to_the_end(stage, await _accepted(stage)))
        await asyncio.sleep(0)
        await asyncio.sleep(0)
        stage.clock.advance(timedelta(seconds=3))
        await asyncio.wait_for(stage.surface.play_clicks(), 60)
        assert stage.services.refresh.started == []
        turn.set()
        assert "is accepted" in await playing


async def test_a_role_taken_away_meanwhile_is_told_and_forgotten() -> None:
    async with staged() as stage:
        reply = await _accepted(stage)
        stage.services.people.known[MAYA] = Actor(MAYA, None)
        assert "no role" in await _to_the_end(stage, reply)
        assert stage.services.refresh.started == []
        assert stage.services.clicks.rows == {}


async def test_an_error_of_ours_is_told_and_not_tried_for_ever() -> None:
    async with staged() as stage:
        reply = await _accepted(stage)
        stage.services.refresh.broken = True
        shown = await _to_the_end(stage, reply)
        assert "err_" in shown
        assert "xoxb" not in shown
        assert stage.services.clicks.rows == {}


async def test_a_busy_database_is_waited_for_and_the_person_knows() -> None:
    async with staged() as stage:
        front = stage.surface.front
        front.plays = Plays(stage.services, front._directory, front._played, pauses=(0.0, 0.0))
        stage.services.clicks.busy = 3
        shown = await _to_the_end(stage, await _accepted(stage))
        assert "no need to press again" in shown
        stage.clock.advance(timedelta(seconds=3))
        await stage.surface.play_clicks()
        assert len(stage.services.refresh.started) == 1


async def test_a_short_wait_is_not_worth_a_word() -> None:
    async with staged() as stage:
        front = stage.surface.front
        front.plays = Plays(stage.services, front._directory, front._played, pauses=(0.0, 0.0))
        stage.services.clicks.busy = 2
        shown = await _to_the_end(stage, await _accepted(stage))
        assert "no need to press again" not in shown
        assert "is accepted" in shown
