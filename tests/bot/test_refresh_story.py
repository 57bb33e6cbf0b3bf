"""Ask, confirm, be told: through signed HTTP and the stand-in workspace."""

from templates import actions
from tests.bot.stage import staged


async def test_status_is_answered_in_the_ack_for_the_asker_alone() -> None:
    async with staged() as stage:
        answer = await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "")
        assert answer.ok, answer
        said = await stage.said(answer)
        assert said["response_type"] == "ephemeral"
        assert said["text"]
        assert any("Shopify" in text for text in stage.seen("U0MAYA", "C0FINANCE"))
        assert not stage.seen("U0DANIEL", "C0FINANCE")
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def test_refresh_asks_first_and_starts_with_the_click() -> None:
    async with staged() as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        assert not stage.services.refresh.started
        clicked = await stage.slack.click("U0MAYA", card, actions.REFRESH_CONFIRM)
        assert clicked.ok, clicked
        replaced = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if "accepted" in m.text], timeout=5
        )
        assert replaced[0].ts == card.ts
        (started,) = stage.services.refresh.started
        assert started[1].source_ids == ("src_shop",)
        assert started[2].channel_id == "C0FINANCE"
        question = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if actions.EMAIL_YES in m.actions],
            timeout=5,
        )
        await stage.slack.click("U0MAYA", question[0], actions.EMAIL_YES)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0MAYA", "C0FINANCE") if "Confirmations go to" in t], timeout=5
        )
        assert stage.services.addresses.answers == {"mem_U0MAYA": True}
        assert stage.slack.red == []
        assert stage.slack.refused == []
