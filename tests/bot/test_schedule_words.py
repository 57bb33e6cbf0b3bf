"""`/data schedule`, as people type it: shown, previewed, saved by its card alone."""

import pytest

from templates import actions
from tests.bot.stage import Stage, staged
from tests.bot.test_channel_words import told


async def _saves(stage: Stage, user: str) -> None:
    card = [m for m in stage.slack.messages("C0FINANCE", viewer=user) if actions.SCHEDULE_SET in m.actions][-1]
    for _ in range(2):
        assert (await stage.slack.click(user, card, actions.SCHEDULE_SET)).ok


async def test_a_schedule_is_shown_with_its_times_before_it_is_saved() -> None:
    async with staged() as stage:
        listed = await told(stage, "U0PRIYA", "schedule")
        assert "every 60 minutes" in listed
        assert "next" in listed
        saved = stage.services.schedules.saved
        answer = await told(stage, "U0DANIEL", "schedule shop weekdays at 7:30")
        assert "Monday to Friday at 07:30 New York time?" in answer
        assert answer.count("Nov 2") + answer.count("EST") >= 5
        assert saved == []
        await _saves(stage, "U0DANIEL")
        await stage.slack.wait_for(lambda: [t for t in stage.seen("U0DANIEL", "C0FINANCE") if "is now collected" in t])
        # The card is the key of both clicks.
        assert {words for words, _ in saved} == {"weekdays 07:30"}
        assert len({trigger for _, trigger in saved}) == 1
        for words, said in {
            "schedule shop whenever": "is no schedule",
            "schedule shop every 2 minutes": "too often",
            "schedule nothing off": "no source",
            "schedule every 6 hours": "Managers change one",
            "schedule qbo": "every 60 minutes",
        }.items():
            assert said in await told(stage, "U0DANIEL", words), words
        assert stage.slack.red == []
        assert stage.slack.refused == []


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA"])
async def test_who_is_no_manager_is_told_who_can(user: str) -> None:
    async with staged() as stage:
        answer = await told(stage, user, "schedule shop off")
        assert "manager" in answer
        assert "Daniel Kim" in answer
        assert stage.services.schedules.saved == []
