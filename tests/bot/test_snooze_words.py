"""`/data snooze`, as managers type it: shown with what it hides, saved by its card alone."""

from templates import actions
from tests.bot.stage import staged
from tests.bot.test_channel_words import told


async def test_a_snooze_to_any_end_is_shown_and_saved_by_its_card() -> None:
    async with staged() as stage:
        answer = await told(stage, "U0DANIEL", "snooze shop until Tuesday 9:00")
        assert "Snooze this alarm?" in answer
        assert "escalations are never held" in answer
        done = stage.services.incidents.done
        assert done == []
        seen = stage.slack.messages("C0FINANCE", viewer="U0DANIEL")
        card = [message for message in seen if any(one.startswith(actions.INCIDENT_SNOOZE) for one in message.actions)]
        pressed = next(one for one in card[-1].actions if one.startswith(actions.INCIDENT_SNOOZE))
        assert (await stage.slack.click("U0DANIEL", card[-1], pressed)).ok
        await stage.slack.wait_for(lambda: done)
        assert done == ["2026-11-24T14:00:00+00:00"]
        for words, said in {
            "snooze shop": "For 1 hour",
            "snooze shop 9 days": "longer than 7 days",
            "snooze shop until 2020-01-01": "That time is over",
            "snooze shop until whenever": "does not say until when",
            "snooze": "Name one source",
            f"snooze a{' ' * 3900}z\nb": "no source",
            "snooze nothing 3 hours": "no source",
            "snooze quickbooks 3 hours": "No alarm about",
        }.items():
            assert said in await told(stage, "U0DANIEL", words), words
        assert "manager" in await told(stage, "U0MAYA", "snooze shop 3 hours")
        assert stage.slack.red == []
        assert stage.slack.refused == []
