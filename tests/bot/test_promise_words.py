"""`/data promise`, as people type it: shown, previewed, saved by its card alone."""

import pytest

from templates import actions
from tests.bot.stage import staged
from tests.bot.test_channel_words import told


async def test_a_promise_is_shown_with_what_it_means_before_it_is_saved() -> None:
    async with staged() as stage:
        assert "late after 1 h, overdue after 2 h, by its schedule" in await told(stage, "U0PRIYA", "promise")
        saved = stage.services.promises.saved
        answer = await told(stage, "U0DANIEL", "promise shop warn 26h overdue 50h business days")
        assert "late after 26 h, overdue after 50 h, counted on Monday to Friday" in answer
        assert "Tue Nov 24, 2026, 02:00 EST" in answer
        assert "By today's rule the same data is late from Sat Nov 21" in answer
        assert saved == []
        card = [m for m in stage.slack.messages("C0FINANCE", viewer="U0DANIEL") if actions.PROMISE_SET in m.actions][-1]
        assert (await stage.slack.click("U0DANIEL", card, actions.PROMISE_SET)).ok
        await stage.slack.wait_for(lambda: saved)
        assert [words for _, words in saved] == ["warn 1560 overdue 3000 days 12345"]
        for words, said in {
            "promise shop whenever": "is no promise",
            "promise shop warn 26h": "One of the two ages is missing",
            "promise nothing off": "no source",
            "promise warn 26h overdue 50h": "Managers change one",
            "promise shop holidays zz": "not known here",
        }.items():
            assert said in await told(stage, "U0DANIEL", words), words
        assert stage.slack.red == []
        assert stage.slack.refused == []


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA"])
async def test_who_is_no_manager_is_told_who_can(user: str) -> None:
    async with staged() as stage:
        answer = await told(stage, user, "promise shop off")
        assert "manager" in answer
        assert stage.services.promises.saved == []
