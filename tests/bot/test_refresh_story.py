"""Ask, confirm, be told: through signed HTTP and the stand-in workspace."""

from functools import partial
from typing import Any

from storage.facts.messages import Button, Buttons, Message
from templates import actions
from templates import slack as blocks
from tests.bot.stage import Stage, staged


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
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if "accepted" in m.text], timeout=60
        )
        assert replaced[0].ts == card.ts
        (started,) = stage.services.refresh.started
        assert started[1].source_ids == ("src_shop",)
        assert started[2].channel_id == "C0FINANCE"
        question = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0MAYA") if actions.EMAIL_YES in m.actions],
            timeout=60,
        )
        await stage.slack.click("U0MAYA", question[0], actions.EMAIL_YES)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0MAYA", "C0FINANCE") if "Confirmations go to" in t], timeout=60
        )
        assert stage.services.addresses.answers == {"mem_U0MAYA": True}
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def test_a_held_read_is_shown_before_a_manager_lets_it_through() -> None:
    async with staged() as stage:
        await _what_is_missing_is_read_by_a_click(stage)
        held = Message("Held.", (Buttons((Button("Load it anyway", actions.HELD_ASK, "run_held"),)),))
        for user in ("U0MAYA", "U0DANIEL"):
            await stage.surface.slack.call(
                "T0TEMERITY", "chat.postEphemeral", {"channel": "C0FINANCE", "user": user, **blocks.render(held)}
            )
            card = stage.slack.messages("C0FINANCE", viewer=user)[-1]
            assert (await stage.slack.click(user, card, actions.HELD_ASK)).ok
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0MAYA", "C0FINANCE") if "You need the role manager" in t], timeout=60
        )
        (asked,) = await stage.slack.wait_for(
            lambda: [m for m in stage.slack.messages("C0FINANCE", viewer="U0DANIEL") if actions.HELD_LOAD in m.actions],
            timeout=60,
        )
        assert "200" in asked.everything
        assert "80" in asked.everything
        assert stage.services.held.loaded == []
        for _ in range(2):
            await stage.slack.click("U0DANIEL", asked, actions.HELD_LOAD)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0DANIEL", "C0FINANCE") if "accepted" in t], timeout=60
        )
        assert len(set(stage.services.held.loaded)) == 1
        assert stage.slack.red == []
        assert stage.slack.refused == []


async def _what_is_missing_is_read_by_a_click(stage: Stage) -> None:
    """Press Retry on a run of which a part is missing; a run of somebody else reads like none."""
    for run_id, told in (("run_partly", "accepted"), ("run_foreign", "nothing here by that name")):
        partly = Message("Partly.", (Buttons((Button("Retry Products", actions.MISSING_RETRY, run_id),)),))
        words = {"channel": "C0FINANCE", "user": "U0NOMAIL", **blocks.render(partly)}
        await stage.surface.slack.call("T0TEMERITY", "chat.postEphemeral", words)
        card = stage.slack.messages("C0FINANCE", viewer="U0NOMAIL")[-1]
        assert (await stage.slack.click("U0NOMAIL", card, actions.MISSING_RETRY)).ok
        await stage.slack.wait_for(partial(_is_told, stage, "U0NOMAIL", told), timeout=60)


def _is_told(stage: Stage, user: str, words: str) -> bool:
    return any(words in text for text in stage.seen(user, "C0FINANCE"))


async def test_without_access_it_is_asked_for_and_support_alone_decides() -> None:
    async with staged() as stage:
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh shop")
        (old,) = stage.slack.messages("C0FINANCE", viewer="U0MAYA")
        stage.services.refresh.closed = True
        # A card from before the setting was changed, and everything that offers a refresh.
        await stage.slack.click("U0MAYA", old, actions.REFRESH_CONFIRM)
        await stage.slack.command("U0MAYA", "C0FINANCE", "/data", "refresh all")
        offers = await stage.slack.wait_for(
            lambda: found if len(found := _with(stage, "U0MAYA", "C0FINANCE", actions.ACCESS_ASK)) == 2 else [],
            timeout=60,
        )
        assert all("no access to refreshes" in offer.everything for offer in offers)
        assert all(list(offer.actions) == [actions.ACCESS_ASK] for offer in offers)
        assert not stage.services.refresh.started

        await stage.slack.click("U0MAYA", offers[0], actions.ACCESS_ASK)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0MAYA", "C0FINANCE") if "support was asked" in t], timeout=60
        )
        (wish,) = stage.services.access.wishes
        assert wish.scope.source_ids == ("src_shop",)
        assert wish.message == f"C0FINANCE/{offers[0].ts}"

        post = Message("Asked.", (Buttons((Button("Approve", actions.ACCESS_APPROVE, "acr_1"),)),))
        for team, channel in (("T0TEMERITY", "C0FINANCE"), ("T0SUPPORT", "C0DATASUP")):
            await stage.surface.slack.call(team, "chat.postMessage", {"channel": channel, **blocks.render(post)})
        (forged,) = _with(stage, "U0DANIEL", "C0FINANCE", actions.ACCESS_APPROVE)
        await stage.slack.click("U0DANIEL", forged, actions.ACCESS_APPROVE)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0DANIEL", "C0FINANCE") if "nothing here by that name" in t], timeout=60
        )
        assert not stage.services.access.decided
        (card,) = _with(stage, "U0SAM", "C0DATASUP", actions.ACCESS_APPROVE)
        await stage.slack.click("U0SAM", card, actions.ACCESS_APPROVE)
        await stage.slack.click("U0SAM", card, actions.ACCESS_APPROVE)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0SAM", "C0DATASUP") if "has decided this already" in t], timeout=60
        )
        assert stage.services.access.decided == [(True, f"C0DATASUP/{card.ts}")]
        assert stage.slack.red == []
        assert stage.slack.refused == []


def _with(stage: Stage, user: str, channel: str, action: str) -> list[Any]:
    return [one for one in stage.slack.messages(channel, viewer=user) if action in one.actions]


async def test_who_has_no_address_is_told_that_no_mail_will_come() -> None:
    async with staged() as stage:
        await stage.slack.command("U0NOMAIL", "C0FINANCE", "/data", "refresh shop")
        (card,) = stage.slack.messages("C0FINANCE", viewer="U0NOMAIL")
        await stage.slack.click("U0NOMAIL", card, actions.REFRESH_CONFIRM)
        await stage.slack.wait_for(
            lambda: [t for t in stage.seen("U0NOMAIL", "C0FINANCE") if "your Slack profile has no e-mail" in t],
            timeout=60,
        )
