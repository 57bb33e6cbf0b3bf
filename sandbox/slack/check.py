"""Decides whether Slack would take these blocks or this view; stricter where a mistake would mislead a person."""

import json
from collections import Counter

from sandbox.slack.blocks import block_check
from sandbox.slack.errors import Json, Refusal
from sandbox.slack.limits import LIMITS, MESSAGE_CHARACTERS, TABLES_PER_MESSAGE, TEXT_CHARACTERS, VIEW_BYTES
from sandbox.slack.messages import interactive, words
from sandbox.slack.shapes import Report, array, one_of, plain, shape, string
from sandbox.slack.stamps import Stamps
from sandbox.web.draw import tokens


def message(text: str | None, blocks: list[Json] | None) -> None:
    """Refuse a message that Slack would refuse, or that has no text for notifications and screen readers."""
    if not text or not text.strip():
        raise Refusal("no_text")
    if len(text) > TEXT_CHARACTERS:
        raise Refusal("msg_too_long")
    found = tokens.problems(text)
    if found:
        raise Refusal("invalid_text", *(f"{problem} [json-pointer:/text]" for problem in found))
    if blocks is not None:
        _refuse("invalid_blocks", block_problems(blocks, "message"))
        _whole_message(blocks)


def block_problems(blocks: object, surface: str) -> list[str]:
    """Return what is wrong with these blocks on that surface, in Slack's words."""
    report = Report()
    most = LIMITS["message.blocks.max_items" if surface == "message" else "view.blocks.max_items"]
    array(block_check(surface), most, 0 if surface == "home" else 1)(blocks, "/blocks", report)
    if not report.problems and isinstance(blocks, list):
        _identifiers(blocks, report)
    return report.problems


def view(value: object, surface: str) -> Json:
    """Return the view if Slack would take it for that surface (modal, home), else refuse it."""
    report = Report()
    optional = {
        "callback_id": string(LIMITS["view.callback_id.max_length"], 0),
        "private_metadata": string(LIMITS["view.private_metadata.max_length"], 0),
        "external_id": string(LIMITS["view.external_id.max_length"], 0),
    }
    required = {"type": one_of(surface), "blocks": lambda *_: None}
    if surface == "modal":
        required["title"] = plain(LIMITS["view.title.max_length"])
        optional |= {part: plain(LIMITS[f"view.{part}.max_length"]) for part in ("submit", "close")}
        optional |= dict.fromkeys(("clear_on_close", "notify_on_close", "submit_disabled"), _boolean)
    shape(required, optional)(value, "/view", report)
    if isinstance(value, dict):
        report.problems += block_problems(value.get("blocks", []), surface)
        _submit_for_inputs(value, report)
    _refuse("invalid_arguments", report.problems)
    if not isinstance(value, dict):
        raise Refusal("invalid_arguments")
    if len(json.dumps(value)) > VIEW_BYTES:
        raise Refusal("view_too_large")
    return value


def with_block_ids(blocks: list[Json], stamps: Stamps) -> list[Json]:
    """Return the blocks, each with a block_id: Slack gives one where there is none."""
    return [block if block.get("block_id") else {**block, "block_id": stamps.name("b")} for block in blocks]


def _boolean(value: object, pointer: str, report: Report) -> None:
    if not isinstance(value, bool):
        report.add(pointer, "must be a boolean")


def _refuse(error: str, problems: list[str]) -> None:
    if problems:
        raise Refusal(error, *problems)


def _whole_message(blocks: list[Json]) -> None:
    """Check what counts over all blocks of one message together."""
    kinds = Counter(block["type"] for block in blocks)
    markdown = sum(len(block["text"]) for block in blocks if block["type"] == "markdown")
    problems = []
    if kinds["table"] + kinds["data_table"] > TABLES_PER_MESSAGE:
        problems.append(f"no more than {TABLES_PER_MESSAGE} table allowed [json-pointer:/blocks]")
    if kinds["data_visualization"] > LIMITS["message.data_visualizations.max_items"]:
        problems.append("no more than 2 data_visualization blocks allowed [json-pointer:/blocks]")
    if markdown > LIMITS["markdown.total_text.max_length"]:
        problems.append("no more than 12000 characters of markdown allowed [json-pointer:/blocks]")
    _refuse("invalid_blocks", problems)
    if sum(len(word) for word in words(blocks)) >= MESSAGE_CHARACTERS:
        raise Refusal("msg_blocks_too_long")


def _identifiers(blocks: list[Json], report: Report) -> None:
    """Refuse a block_id or an action_id that occurs twice: the answer to a click would be a guess."""
    block_ids = Counter(block["block_id"] for block in blocks if "block_id" in block)
    action_ids = Counter(element["action_id"] for _, element in interactive(blocks))
    for name, counted in (("block_id", block_ids), ("action_id", action_ids)):
        for value, times in counted.items():
            if times > 1:
                report.add("/blocks", f"`{name}` must be unique: {value}")


def _submit_for_inputs(value: Json, report: Report) -> None:
    blocks = value.get("blocks")
    has_input = isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
    if value.get("type") == "modal" and has_input and "submit" not in value:
        report.add("/view", "missing required field: submit")
