"""Each part of a neutral message as blocks that fit into the room that is left."""

from collections.abc import Sequence
from typing import Any

from storage.facts.charts import Chart
from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Facts,
    Heading,
    Inline,
    Note,
    Paragraph,
    Part,
    Rule,
    Step,
    Steps,
    StepState,
    Strong,
    Table,
    Thumbs,
)
from templates.slack import limits
from templates.slack.charts import chart
from templates.slack.inline import Reader, address, mrkdwn, plain
from templates.slack.limits import Rung, TooLong
from templates.slack.plans import plan
from templates.slack.room import Block, Room, context, more, section, weight
from templates.slack.tables import field, stacked, table
from templates.text import size

#: One plain sign per state, the same everywhere; the words beside it say the same.
SIGNS = {
    StepState.WAITING: "○",
    StepState.WORKING: "▸",
    StepState.DONE: "✓",
    StepState.FAILED: "✕",
    StepState.STOPPED: "–",
}
#: Less room than this is not worth a block.
_LEAST = 30


def render_part(part: Part, rung: Rung, reader: Reader, room: Room) -> list[Block]:
    """Return the blocks of one part, within the room; none where nothing useful fits."""
    if isinstance(part, Rule):
        return [{"type": "divider"}] if room.blocks > 0 else []
    if room.blocks < 1 or room.chars < _LEAST:
        return []
    if isinstance(part, Heading):
        return [{"type": "header", "text": plain_text(part.text, min(limits.HEADER, room.chars))}]
    return _texts(part, reader, room) if isinstance(part, Paragraph | Note) else _groups(part, rung, reader, room)


def _texts(part: Paragraph | Note, reader: Reader, room: Room) -> list[Block]:
    if isinstance(part, Note):
        text = mrkdwn(part.parts, reader, min(limits.CONTEXT, room.chars)).strip()
        return [context(text)] if text else []
    beside = {"accessory": _beside(part.menu)} if part.menu else {}
    left = min(limits.TEXT, room.chars - weight(beside))
    lines: list[str] = []
    for words in (part.parts, *part.under):
        line = mrkdwn(words, reader, left).strip() if left > 0 else ""
        lines += [line] if line else []
        left -= size(line) + 1
    return [section("\n".join(lines)) | beside] if lines else []


def _groups(
    part: Facts | Table | Chart | Steps | Buttons | Thumbs, rung: Rung, reader: Reader, room: Room
) -> list[Block]:
    if isinstance(part, Facts):
        return _facts(part, reader, room)
    if isinstance(part, Table):
        return table(part, rung, reader, room)
    if isinstance(part, Chart):
        return chart(part, rung, reader, room)
    if isinstance(part, Steps):
        return (plan(part, reader, room) if rung in (Rung.THUMBS, Rung.PLAN) else []) or _steps(part, reader, room)
    if isinstance(part, Thumbs):
        return [_thumbs(part)] if rung is Rung.THUMBS else _buttons((part.up, part.down), room)
    return _buttons(part.buttons, room)


def plain_text(text: str, limit: int) -> Block:
    """Return a plain_text object, never empty; nothing in it can become a token or an emoji."""
    return {"type": "plain_text", "text": plain(text, limit), "emoji": False}


def _facts(part: Facts, reader: Reader, room: Room) -> list[Block]:
    fields: list[Block] = []
    left = room.chars - _LEAST
    most = min(len(part.rows), (room.blocks - 1 or 1) * limits.FIELDS)
    for label, value in part.rows[:most]:
        shown = field(label, value, reader)
        left -= weight(shown)
        if left < 0:
            break
        fields.append(shown)
    groups = [fields[start : start + limits.FIELDS] for start in range(0, len(fields), limits.FIELDS)]
    blocks: list[Block] = [{"type": "section", "fields": group} for group in groups]
    return _admit(blocks, len(part.rows) - len(fields), "line", room)


def _admit(blocks: list[Block], hidden: int, one: str, room: Room) -> list[Block]:
    """Add the sentence about what is not shown, where there is a block left for it."""
    return [*blocks, context(more(hidden, one))] if hidden and len(blocks) < room.blocks else blocks


def _steps(part: Steps, reader: Reader, room: Room) -> list[Block]:
    lines = (mrkdwn(_step(step), reader, _STEP) for step in part.steps)
    texts, shown = stacked(lines, Room(room.chars - _LEAST, max(1, room.blocks - 1)))
    return _admit([section(text) for text in texts], len(part.steps) - shown, "step", room)


#: Longest line of one step.
_STEP = 800


def _step(step: Step) -> list[Inline]:
    line: list[Inline] = [SIGNS[step.state] + " ", Strong(step.title)]
    return [*line, "  ", *step.detail] if step.detail else line


def _buttons(buttons: Sequence[Button], room: Room) -> list[Block]:
    elements: list[Block] = []
    left = room.chars - _LEAST
    for pressed in buttons[: limits.ACTIONS]:
        element = button(pressed)
        left -= weight(element)
        if left < 0:
            break
        elements.append(element)
    blocks: list[Block] = [{"type": "actions", "elements": elements}] if elements else []
    return _admit(blocks, len(buttons) - len(elements), "button", room)


def _thumbs(part: Thumbs) -> Block:
    """Return both as Slack's own thumbs: one element, whose value names the button as the entry of a menu does."""
    both = {"positive_button": _thumb(part.up), "negative_button": _thumb(part.down)}
    return {"type": "context_actions", "elements": [{"type": "feedback_buttons", "action_id": "thumbs", **both}]}


def _thumb(pressed: Button) -> Block:
    value = f"{pressed.action} {pressed.value}"
    if size(value) > limits.BUTTON_VALUE:
        raise TooLong(f"the value of button {pressed.action} is longer than {limits.BUTTON_VALUE}")
    return {"text": plain_text(pressed.text, limits.BUTTON_TEXT), "value": value}


def _beside(choices: Sequence[Button]) -> Block:
    """Return a menu; the button itself where there is nothing to choose from."""
    return menu(choices) if len(choices) > 1 else button(choices[0])


def menu(choices: Sequence[Button]) -> Block:
    """Return an overflow menu. Each choice stands for a button: its value names the action and what that is given."""
    options = []
    for choice in choices[: limits.OVERFLOW_OPTIONS]:
        value = f"{choice.action} {choice.value}".strip()
        if size(value) > limits.OPTION_VALUE:
            raise TooLong(f"the value of menu entry {choice.action} is longer than {limits.OPTION_VALUE}")
        options.append({"text": plain_text(choice.text, limits.OPTION_TEXT), "value": value})
    return {"type": "overflow", "action_id": "menu", "options": options}


def button(pressed: Button) -> Block:
    """Return a button; TooLong where its ids do not fit, since cut ids would act on something else."""
    if size(pressed.value) > limits.BUTTON_VALUE:
        raise TooLong(f"the value of button {pressed.action} is longer than {limits.BUTTON_VALUE}")
    element: Block = {
        "type": "button",
        "action_id": pressed.action,
        "text": plain_text(pressed.text, limits.BUTTON_TEXT),
    }
    if pressed.value:
        element["value"] = pressed.value
    if pressed.url:
        element["url"] = address(pressed.url)
    if pressed.style is not ButtonStyle.PLAIN:
        element["style"] = pressed.style.value
    if pressed.confirm:
        element["confirm"] = _confirm(pressed)
    return element


def _confirm(pressed: Button) -> dict[str, Any]:
    asked = pressed.confirm
    assert asked is not None
    texts = {
        "title": (asked.title, limits.CONFIRM_TITLE),
        "text": (asked.text, limits.CONFIRM_TEXT),
        "confirm": (asked.yes, limits.CONFIRM_BUTTON),
        "deny": (asked.no, limits.CONFIRM_BUTTON),
    }
    dialog: dict[str, Any] = {
        key: {"type": "plain_text", "text": plain(text, limit), "emoji": False} for key, (text, limit) in texts.items()
    }
    return dialog | ({"style": "danger"} if pressed.style is ButtonStyle.DANGER else {})
