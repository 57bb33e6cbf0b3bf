"""`/data escalation`, as admins type it: shown, previewed with its times, saved by its card alone."""

import pytest

from templates import actions
from tests.bot.stage import staged
from tests.bot.test_channel_words import told


async def test_a_policy_is_shown_previewed_and_saved_by_its_card() -> None:
    async with staged() as stage:
        assert "Step 1, after 3 h" in await told(stage, "U0DANIEL", "escalation")
        saved = stage.services.policies.saved
        answer = await told(stage, "U0DANIEL", "escalation step 2 channel <#C0OPS|ops> after 30 minutes")
        for words in ("Step 2, after 30 min", "#ops", "1 refresh under way keeps the policy", "Nothing is changed yet"):
            assert words in answer, words
        assert saved == []
        card = [m for m in stage.slack.messages("C0FINANCE", viewer="U0DANIEL") if actions.POLICY_SET in m.actions][-1]
        for _ in range(2):
            assert (await stage.slack.click("U0DANIEL", card, actions.POLICY_SET)).ok
        await stage.slack.wait_for(lambda: saved)
        assert [words for _, words in saved] == ["step 2 channel <#C0OPS|ops> after 30 minutes"]
        for words, said in {
            "after 5 hours": "by 3 hours at the latest",
            "remove step 1": "Step 1 is support",
            "person @nobody after 1 hour": "nobody with a role",
            "sometimes": "does not say who",
            "channel here after 1 hour": "#finance",
        }.items():
            assert said in await told(stage, "U0DANIEL", f"escalation {words}"), words
        assert "shared with another company" in await told(
            stage, "U0DANIEL", "escalation channel here after 1 hour", "C0PARTNERS"
        )
        assert len(saved) == 1
        assert stage.slack.red == []
        assert stage.slack.refused == []


@pytest.mark.parametrize("user", ["U0MAYA", "U0PRIYA"])
async def test_who_is_no_admin_is_told_who_can(user: str) -> None:
    async with staged() as stage:
        for words in ("escalation", "escalation after 1 hour"):
            assert "Daniel Kim" in await told(stage, user, words)
        assert stage.services.policies.saved == []
