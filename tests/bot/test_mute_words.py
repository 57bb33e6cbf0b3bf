"""`/data mute`, as people type it: shown with what it hides, saved by its card alone, seen in every status answer."""

import pytest

from templates import actions
from tests.bot.stage import staged
from tests.bot.test_channel_words import told


async def test_a_mute_is_shown_saved_by_its_card_seen_and_lifted() -> None:
    async with staged() as stage:
        assert "No alarms are muted" in await told(stage, "U0PRIYA", "mute")
        answer = await told(stage, "U0DANIEL", "mute shop late 3d")
        assert "would have hidden 4 alarms" in answer
        assert "Escalations of a refresh and a lost connection are never muted" in answer
        saved = stage.services.mutes.saved
        assert saved == []
        card = [m for m in stage.slack.messages("C0FINANCE", viewer="U0DANIEL") if actions.MUTE_SET in m.actions][-1]
        for _ in range(2):
            assert (await stage.slack.click("U0DANIEL", card, actions.MUTE_SET)).ok
        await stage.slack.wait_for(lambda: saved)
        assert [one[1:] for one in saved] == [("late", "2026-11-24T14:37:00+00:00")]
        for words, said in {
            "mute shop late 90d": "longer than 30 days",
            "mute shop late 2020-01-01": "That time is over",
            "mute shop late whenever": "does not say what to mute",
            "mute shop disconnected": "Lost connections are never muted",
            "mute shop escalation 1d": "Escalations are never muted",
            "mute nothing late": "no source",
            "mute late": "Name a source",
        }.items():
            assert said in await told(stage, "U0DANIEL", words), words
        assert "are told again" in await told(stage, "U0DANIEL", "mute shop all off")
        assert "No alarms are muted" in await told(stage, "U0PRIYA", "mute")
        assert stage.slack.red == []
        assert stage.slack.refused == []


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA"])
async def test_who_is_no_manager_is_told_who_can(user: str) -> None:
    async with staged() as stage:
        assert "manager" in await told(stage, user, "mute shop late 3d")
        assert "manager" in await told(stage, user, "mute shop late off")
        assert stage.services.mutes.saved == []
