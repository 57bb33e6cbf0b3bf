"""Modals and Home tabs."""

import pytest
from slack_sdk.errors import SlackApiError
from starlette.responses import JSONResponse, Response

from .conftest import button, modal, option, plain, section, text_input


async def opened(slack, client, view, user="U0MAYA"):
    trigger = (await slack.command(user, "C0FINANCE", "/data", "")).trigger_id
    return (await client.views_open(trigger_id=trigger, view=view))["view"]


async def error_of(call):
    with pytest.raises(SlackApiError) as caught:
        await call
    return caught.value.response["error"]


async def test_a_submission_carries_what_was_filled_in(slack, app, client):
    choice = {"type": "radio_buttons", "action_id": "r", "options": [option("one"), option("two")]}
    boxes = {"type": "checkboxes", "action_id": "c", "options": [option("x"), option("y")]}
    await opened(
        slack, client,
        modal(
            text_input(), {"type": "input", "block_id": "r", "label": plain("R"), "element": choice},
            {"type": "input", "block_id": "c", "label": plain("C"), "element": boxes, "optional": True},
            {"type": "input", "block_id": "m", "label": plain("M"), "element": {
                "type": "email_text_input", "action_id": "m", "initial_value": "maya@temeritygoods.example"}},
            private_metadata="secret", callback_id="form",
        ),
    )  # fmt: skip
    assert (await slack.submit_view("U0MAYA", {"b": "words", "r": "two", "c": ["x", "y"]})).ok
    view = app.taken[-1].payload["view"]
    values = view["state"]["values"]
    assert (view["private_metadata"], view["callback_id"]) == ("secret", "form")
    assert values["b"]["a"] == {"type": "plain_text_input", "value": "words"}
    assert values["r"]["r"]["selected_option"]["value"] == "two"
    assert [each["value"] for each in values["c"]["c"]["selected_options"]] == ["x", "y"]
    assert values["m"]["m"]["value"] == "maya@temeritygoods.example"
    assert slack.modal("U0MAYA") is None


async def test_what_is_required_is_asked_for_before_the_app_is_asked(slack, app, client):
    mail = {
        "type": "input",
        "block_id": "m",
        "label": plain("M"),
        "element": {"type": "email_text_input", "action_id": "m"},
    }
    await opened(slack, client, modal(text_input(max_length=3), mail))
    before = len(app.taken)
    assert not (await slack.submit_view("U0MAYA", {"m": "not an address", "b": "four"})).ok
    assert set(slack.modal("U0MAYA").errors) == {"b", "m"}
    assert not (await slack.submit_view("U0MAYA", {})).ok
    assert len(app.taken) == before


async def test_errors_update_push_and_clear(slack, app, client):
    await opened(slack, client, modal(text_input()))
    app.answer = lambda _: JSONResponse({"response_action": "errors", "errors": {"b": "No such source"}})
    await slack.submit_view("U0MAYA", {"b": "x"})
    assert slack.modal("U0MAYA").errors == {"b": "No such source"}
    app.answer = lambda _: JSONResponse({"response_action": "update", "view": modal(section("working"))})
    await slack.submit_view("U0MAYA", {"b": "x"})
    assert slack.modal("U0MAYA").blocks[0]["text"]["text"] == "working"
    app.answer = lambda _: JSONResponse({"response_action": "push", "view": modal(section("second"))})
    await slack.submit_view("U0MAYA")
    second = slack.modal("U0MAYA")
    assert second.previous_id == second.root_id != second.id
    app.answer = lambda _: JSONResponse({"response_action": "clear"})
    await slack.submit_view("U0MAYA")
    assert slack.modal("U0MAYA") is None
    assert slack.refused == []


async def test_a_wrong_answer_to_a_submission_is_refused_and_the_modal_stays(slack, app, client):
    await opened(slack, client, modal(text_input()))
    for body in (
        {"response_action": "errors", "errors": {"elsewhere": "x"}},
        {"response_action": "update", "view": modal({"type": "table", "rows": []})},
        {"response_action": "explode"},
    ):
        app.answer = lambda _, body=body: JSONResponse(body)
        await slack.submit_view("U0MAYA", {"b": "x"})
    app.answer = lambda _: Response("not json")
    await slack.submit_view("U0MAYA", {"b": "x"})
    assert [each.error for each in slack.refused] == [
        "invalid_errors", "invalid_arguments", "invalid_response_action", "invalid_json"]  # fmt: skip
    assert slack.modal("U0MAYA") is not None


async def test_three_views_are_the_most(slack, client):
    view = await opened(slack, client, modal(section(), {"type": "actions", "elements": [button()]}))
    for _ in range(2):
        trigger = (await slack.click("U0MAYA", slack.modal("U0MAYA"), "press")).trigger_id
        await client.views_push(trigger_id=trigger, view=modal({"type": "actions", "elements": [button()]}))
    trigger = (await slack.click("U0MAYA", slack.modal("U0MAYA"), "press")).trigger_id
    assert await error_of(client.views_push(trigger_id=trigger, view=modal(section()))) == "push_limit_reached"
    await slack.close_view("U0MAYA")
    assert slack.modal("U0MAYA").root_id == view["id"]


async def test_an_update_with_an_old_hash_is_refused(slack, client):
    view = await opened(slack, client, modal(section("one"), external_id="mine"))
    new = (await client.views_update(view_id=view["id"], hash=view["hash"], view=modal(section("two"))))["view"]
    assert new["hash"] != view["hash"]
    old = client.views_update(view_id=view["id"], hash=view["hash"], view=modal(section("three")))
    assert await error_of(old) == "hash_conflict"
    assert slack.modal("U0MAYA").blocks[0]["text"]["text"] == "two"
    assert await error_of(client.views_update(view_id="V0", view=modal(section()))) == "not_found"


async def test_an_external_id_is_unique_in_a_team(slack, client):
    await opened(slack, client, modal(section(), external_id="mine"))
    trigger = (await slack.command("U0DANIEL", "C0FINANCE", "/data", "")).trigger_id
    twice = client.views_open(trigger_id=trigger, view=modal(section(), external_id="mine"))
    assert await error_of(twice) == "duplicate_external_id"


async def test_the_home_tab_guards_races(slack, client):
    home = {"type": "home", "blocks": [section("one"), {"type": "actions", "elements": [button()]}]}
    view = (await client.views_publish(user_id="U0MAYA", view=home))["view"]
    await client.views_publish(user_id="U0MAYA", view=home, hash=view["hash"])
    assert await error_of(client.views_publish(user_id="U0MAYA", view=home, hash=view["hash"])) == "hash_conflict"
    assert await error_of(client.views_publish(user_id="U0SAM", view=home)) == "invalid_arguments"
    assert (await slack.click("U0MAYA", slack.home("U0MAYA"), "press")).ok
    assert slack.home("U0DANIEL") is None


async def test_closing_is_told_only_when_asked_for(slack, app, client):
    await opened(slack, client, modal(section()))
    before = len(app.taken)
    await slack.close_view("U0MAYA")
    assert len(app.taken) == before
    await opened(slack, client, modal(section(), notify_on_close=True))
    await slack.close_view("U0MAYA", everything=True)
    assert (app.taken[-1].payload["type"], app.taken[-1].payload["is_cleared"]) == ("view_closed", True)


async def test_a_menu_asks_the_app_and_takes_only_what_that_offered(slack, app, client):
    menu = {"type": "multi_external_select", "action_id": "m", "min_query_length": 2, "max_selected_items": 1,
            "initial_options": [option("first")]}  # fmt: skip
    await opened(slack, client, modal({"type": "input", "block_id": "m", "label": plain("M"), "element": menu}))
    assert await slack.type_into("U0MAYA", "m", "x") == []
    assert app.taken[-1].payload.get("type") != "block_suggestion"
    app.answer = lambda _: JSONResponse({"options": [option("second")]})
    assert [each["value"] for each in await slack.type_into("U0MAYA", "m", "se")] == ["second"]
    asked = app.taken[-1].payload
    assert (asked["type"], asked["action_id"], asked["value"]) == ("block_suggestion", "m", "se")
    for wrong in (["unheard of"], ["first", "second"]):
        with pytest.raises(LookupError):
            await slack.submit_view("U0MAYA", {"m": wrong})
    app.answer = lambda _: Response(status_code=200)
    assert (await slack.submit_view("U0MAYA", {"m": ["second"]})).ok
    filled = app.taken[-1].payload["view"]["state"]["values"]["m"]["m"]
    assert [each["value"] for each in filled["selected_options"]] == ["second"]


async def test_a_wrong_answer_to_a_menu_is_refused_and_shows_nothing(slack, app, client):
    menu = {"type": "external_select", "action_id": "m", "min_query_length": 0}
    await opened(slack, client, modal({"type": "input", "block_id": "m", "label": plain("M"), "element": menu}))
    many = [option(str(number)) for number in range(101)]
    wrong: tuple[object, ...] = ({}, [], {"options": many}, {"options": [option("x") | {"text": plain("long " * 20)}]},
             {"options": [], "option_groups": []}, {"options": [{"text": plain("no value")}]})  # fmt: skip
    for body in wrong:
        app.answer = lambda _, body=body: JSONResponse(body)
        assert await slack.type_into("U0MAYA", "m") == []
    assert [each.error for each in slack.refused] == ["invalid_options"] * len(wrong)
