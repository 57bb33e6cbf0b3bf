"""Forms as modals, messages as the Home view."""

import json
from collections.abc import Sequence
from typing import Any

from storage.facts.messages import Buttons, Choice, Form, Message, Option, Part, Rule, Search, TextInput, Thumbs
from templates.slack import limits
from templates.slack.inline import Reader, plain
from templates.slack.layout import lay_out, name_blocks
from templates.slack.limits import Rung, TooLong
from templates.slack.parts import plain_text
from templates.slack.room import Block, Room
from templates.text import shorten, size


def modal(form: Form, *, revision: int = 0, team_id: str | None = None, zone: str = "UTC") -> Block:
    """Return a modal view; answers come back as ``state.values[name][name]``. Modals have no tables: fields instead."""
    if size(form.private) > limits.PRIVATE_METADATA or size(form.callback) > limits.CALLBACK_ID:
        raise TooLong("a form's ids are longer than Slack carries")
    inputs = [_input(entry) for entry in form.inputs]
    switch = [_switch(form.switch)] if form.switch else []
    room = Room(limits.VIEW_TEXT, limits.VIEW_BLOCKS - len(inputs) - len(switch))
    said = name_blocks(_light(form.parts, Rung.FIELDS, Reader(team_id, zone), room), form.callback, revision)
    view: Block = {
        "type": "modal",
        "callback_id": form.callback,
        "title": plain_text(form.title, limits.VIEW_TITLE),
        "close": plain_text(form.close, limits.VIEW_BUTTON),
        "private_metadata": form.private,
        "blocks": [*switch, *said, *inputs],
    }
    view |= {"clear_on_close": True} if form.last else {}
    return view | {"submit": plain_text(form.submit, limits.VIEW_BUTTON)} if form.submit or inputs else view


def _switch(entry: Choice) -> Block:
    text = {"type": "mrkdwn", "text": f"*{plain(entry.label, limits.INPUT_LABEL)}*"}
    return {"type": "section", "block_id": entry.name, "text": text, "accessory": _choice(entry)}


def answer(message: Message, *, team_id: str | None = None, zone: str = "UTC", last: bool = False) -> Block:
    """Return the view that says a message in the place of the form that asked for it; it can only be closed."""
    parts = tuple(part for part in message.parts if not isinstance(part, Buttons | Thumbs))
    return modal(Form("answer", "Tidings", "", parts, close="Close", last=last), team_id=team_id, zone=zone)


def page(message: Message, *, team_id: str | None = None, zone: str = "UTC") -> Block:
    """Return the modal that says a message with its buttons, to whoever pressed something on a page."""
    return modal(Form("page", "Tidings", "", message.parts, close="Close"), team_id=team_id, zone=zone)


def home(
    messages: Sequence[Message],
    *,
    revision: int = 0,
    rung: Rung = Rung.NATIVE,
    team_id: str | None = None,
    zone: str = "UTC",
) -> Block:
    """Return the Home view: the messages one under the other."""
    parts: list[Part] = []
    for message in messages:
        parts += ([Rule()] if parts else []) + list(message.parts)
    blocks = _light(parts, rung, Reader(team_id, zone, stays=True), Room(limits.VIEW_TEXT, limits.VIEW_BLOCKS))
    return {"type": "home", "blocks": name_blocks(blocks, "home", revision)}


def _light(parts: Sequence[Part], rung: Rung, reader: Reader, room: Room) -> list[Block]:
    """Lay out with less text until the bytes fit as well: small cells and long ids weigh more than their text."""
    blocks = lay_out(parts, rung, reader, room)
    if len(json.dumps(blocks)) <= limits.VIEW_BYTES:
        return blocks
    return _light(parts, rung, reader, Room(room.chars // 2, room.blocks))


def suggestions(found: Sequence[Option]) -> Block:
    """Return what a menu is told that asks while one types; what Slack's menus have no room for is left out."""
    return {"options": [_option(one.value, one.text, one.note) for one in found[: limits.SELECT_OPTIONS]]}


def _input(entry: TextInput | Choice | Search) -> Block:
    if size(entry.name) > limits.ACTION_ID:
        raise TooLong("the name of an input is longer than Slack carries")
    block: Block = {"type": "input", "block_id": entry.name, "label": plain_text(entry.label, limits.INPUT_LABEL)}
    if isinstance(entry, Choice):
        return block | {"element": _choice(entry)} | ({"dispatch_action": True} if entry.tells else {})
    element = _search(entry) if isinstance(entry, Search) else _text_input(entry)
    block |= {"element": element, "optional": entry.optional}
    return block | {"hint": plain_text(entry.hint, limits.INPUT_HINT)} if entry.hint else block


def _text_input(entry: TextInput) -> Block:
    element: Block = {"type": "plain_text_input", "action_id": entry.name, "max_length": limits.INPUT_TEXT}
    if entry.multiline:
        # What somebody wrote comes back to them line by line; an input draws no formats.
        kept = "".join(each for each in entry.initial if each == "\n" or each.isprintable())
        return element | {"multiline": True} | ({"initial_value": shorten(kept, limits.INPUT_TEXT)} if kept else {})
    if entry.initial:
        element["initial_value"] = plain(entry.initial, limits.INPUT_TEXT)
    return element


def _search(entry: Search) -> Block:
    chosen = [_option(one.value, one.text, one.note) for one in entry.initial[: min(entry.most, limits.SELECT_OPTIONS)]]
    element: Block = {"type": "external_select", "action_id": entry.name, "min_query_length": entry.least}
    if entry.placeholder:
        element["placeholder"] = plain_text(entry.placeholder, limits.PLACEHOLDER)
    if entry.focus:
        element["focus_on_load"] = True
    if entry.most == 1:
        return element | ({"initial_option": chosen[0]} if chosen else {})
    element |= {"type": "multi_external_select", "max_selected_items": min(entry.most, limits.SELECT_OPTIONS)}
    return element | ({"initial_options": chosen} if chosen else {})


def _choice(entry: Choice) -> Block:
    if not entry.options or len(entry.options) > limits.SELECT_OPTIONS:
        raise TooLong(f"choice {entry.name} needs 1 to {limits.SELECT_OPTIONS} options")
    options = [_option(value, text) for value, text in entry.options]
    radio = len(options) <= limits.RADIO_OPTIONS and not entry.menu
    kind = "radio_buttons" if radio else "static_select"
    element: dict[str, Any] = {"type": kind, "action_id": entry.name, "options": options}
    chosen = [option for option in options if option["value"] == entry.initial]
    return element | ({"initial_option": chosen[0]} if chosen else {})


def _option(value: str, text: str, note: str = "") -> Block:
    if size(value) > limits.OPTION_VALUE:
        raise TooLong("the value of an option is longer than Slack carries")
    option: Block = {"value": value, "text": plain_text(text, limits.OPTION_TEXT)}
    return option | ({"description": plain_text(note, limits.OPTION_NOTE)} if note else {})
