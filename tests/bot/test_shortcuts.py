"""Shortcuts: refresh and connect from anywhere, answered in a modal; "Explain this" on a message, answered below it."""

from dataclasses import replace
from functools import partial

from bot.interaction import Interaction, Reader
from bot.payloads import Json
from jobs.deliver.slack import EVENT_TYPE
from sandbox.slack import payloads
from sandbox.slack.messages import Message
from templates import actions
from tests.bot.stage import Stage, staged
from tests.bot.twins.world import SHOP


def modal_says(stage: Stage, user: str, words: str) -> bool:
    """Whether the modal that the person has open says that."""
    view = stage.slack.modal(user)
    return view is not None and words in str(view.content)


def posted(stage: Stage, *, delivery: str | None, by: str = "U0TIDINGS") -> Message:
    """Put a message into #finance: with the id of one of our deliveries, or without."""
    room = stage.slack.world.channels["C0FINANCE"]
    message = stage.slack.core.rooms.post(stage.slack.core.person(by), room, "It is late")
    message.bot_id = "B0TIDINGS" if by == "U0TIDINGS" else None
    if delivery is not None:
        message.metadata = {"event_type": EVENT_TYPE, "event_payload": {"delivery": delivery}}
    return message


async def explained(stage: Stage, message: Message, words: str, user: str = "U0PRIYA") -> None:
    """Choose "Explain this" and wait for words that only that person sees."""
    assert (await stage.slack.shortcut(user, "explain_this", message)).ok
    await stage.slack.wait_for(lambda: any(words in seen for seen in stage.seen(user, "C0FINANCE")), timeout=60)
    assert not any(words in seen for seen in stage.seen("U0DANIEL", "C0FINANCE"))


async def test_global_shortcuts_open_what_they_name_in_a_modal() -> None:
    async with staged() as stage:
        assert (await stage.slack.shortcut("U0MAYA", "refresh_data")).ok
        await stage.slack.wait_for(partial(modal_says, stage, "U0MAYA", "Which data"), timeout=60)
        await stage.slack.type_into("U0MAYA", actions.REFRESH_SOURCES, "shop")
        assert (await stage.slack.submit_view("U0MAYA", {actions.REFRESH_SOURCES: [SHOP.id]})).ok
        assert modal_says(stage, "U0MAYA", "Confirm")
        assert not stage.services.refresh.started
        view = stage.slack.modal("U0MAYA")
        assert view is not None
        assert (await stage.slack.click("U0MAYA", view, actions.REFRESH_CONFIRM)).ok
        await stage.slack.wait_for(lambda: bool(stage.services.refresh.started), timeout=60)
        assert (await stage.slack.shortcut("U0DANIEL", "connect_source")).ok
        await stage.slack.wait_for(partial(modal_says, stage, "U0DANIEL", "Shopify"), timeout=60)
        assert (await stage.slack.shortcut("U0PRIYA", "connect_source")).ok
        await stage.slack.wait_for(partial(modal_says, stage, "U0PRIYA", "Daniel Kim"), timeout=60)
        assert not stage.slack.refused


async def test_a_message_of_ours_is_explained_and_any_other_is_said_to_be_none() -> None:
    async with staged() as stage:
        await explained(stage, posted(stage, delivery="dlv_shop"), "Shopify")
        await explained(stage, posted(stage, delivery="dlv_of_somebody_else"), "about no source", user="U0MAYA")
        await explained(stage, posted(stage, delivery=None), "I know nothing of this one")
        await explained(stage, posted(stage, delivery="dlv_shop", by="U0MAYA"), "I know nothing", user="U0MAYA")


def chosen(stage: Stage, message: Message, **changed: object) -> Json:
    """Return the payload of "Explain this", with a message that was changed."""
    core = stage.slack.core
    payload = payloads.message_shortcut(core, core.person("U0MAYA"), message, "explain_this", ("1.2", ""))
    return payload | {"message": payload["message"] | changed}


class _Trusting(Reader):
    """A twin that takes any message's metadata for ours."""

    def read(self, body: Json) -> Interaction | None:
        found = super().read(body)
        said = body["message"].get("metadata", {}).get("event_payload", {}).get("delivery", "")
        return replace(found, value=said) if found else None


async def test_only_messages_that_our_app_sent_name_a_delivery() -> None:
    async with staged() as stage:
        message = posted(stage, delivery="dlv_shop")
        theirs: tuple[dict[str, object], ...] = (
            {"app_id": "A0OTHER"},
            {"bot_id": None},
            {"metadata": {"event_type": "x", "event_payload": {"delivery": "d"}}},
        )

        cases: list[dict[str, object]] = [{}, {"app_id": "A0TIDINGS"}, *theirs]

        def taken(reader: Reader) -> list[str]:
            read = [reader.read(chosen(stage, message, **changed)) for changed in cases]
            return [one.value for one in read if one is not None]

        assert taken(Reader(stage.slack.api_url)) == ["dlv_shop", "dlv_shop", "", "", ""]
        assert taken(_Trusting(stage.slack.api_url)) != taken(Reader(stage.slack.api_url))
