"""Slack's rules, written from the collected limits and not from our renderer: a judge that shares no code with it."""

import json
import os
import re
from pathlib import Path

import pytest
from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

ROOT = Path(__file__).resolve().parents[2]
CONTRACTS = Path(os.environ.get("CONTRACTS_DIR") or ROOT.parent / "shared" / "contracts")
LIMITS = CONTRACTS / "slack" / "limits"

#: The only tokens that a message of ours may hold.
TOKENS = (
    re.compile(
        r"<!date\^\d+\^(\{time\}|\{date_short_pretty\} at \{time\})( \(\{ago\}\))?\|[A-Z][a-z]{2} \d{1,2}, \d{4}, \d\d:\d\d [^<>|^]+>"
    ),
    re.compile(r"<@U0MAYA>"),
    re.compile(r"<https://tidings\.example/[a-z/?=%0-9A-Z]*\|[^<>|\n]+>"),
)
KEYS = {
    "section": {"type", "block_id", "text", "fields", "accessory"},
    "header": {"type", "block_id", "text"},
    "context": {"type", "block_id", "elements"},
    "divider": {"type", "block_id"},
    "actions": {"type", "block_id", "elements"},
    "context_actions": {"type", "block_id", "elements"},
    "table": {"type", "block_id", "rows", "column_settings"},
    "data_table": {"type", "block_id", "rows", "caption", "page_size", "row_header_column_index"},
    "data_visualization": {"type", "block_id", "title", "chart"},
    "plan": {"type", "block_id", "title", "tasks"},
    "input": {"type", "block_id", "label", "element", "hint", "optional"},
}
BUTTON_KEYS = {"type", "action_id", "text", "value", "url", "style", "confirm"}


def limits():
    """Return the collected limits, or skip with what to do about it."""
    if not LIMITS.is_dir():
        pytest.skip("the collected provider contracts are absent: set CONTRACTS_DIR to their folder")
    return json.loads((LIMITS / "block_kit_limits.json").read_text())


def surfaces():
    return json.loads((LIMITS / "block_types_by_surface.json").read_text())


def foreign_tokens(text):
    """Return what could be a token and is none of ours: each bracket, each & that starts no entity."""
    rest = text
    for token in TOKENS:
        rest = token.sub("", rest)
    found = re.findall(r"<[^>]*>?|>", rest)
    return found + re.findall(r"&(?!amp;|lt;|gt;).{0,8}", rest)


class Judge:
    """Collects every breach of Slack's rules in a message or a view."""

    def __init__(self, numbers, types):
        self.numbers, self.types = numbers, types
        self.problems = []
        self.total = 0

    def no(self, holds, problem):
        if not holds:
            self.problems.append(problem)

    def length(self, text, name, least=1):
        units = len(text.encode("utf-16-le", "surrogatepass")) // 2
        self.total += units
        self.no(least <= units <= self.numbers[name], f"{name}: {units}")
        self.no(bool(text.strip()) or not least, f"{name}: blank")
        self.no(
            not re.search("[\ud800-\udfff\u202a-\u202e\u2066-\u2069\x00-\x09\x0b-\x1f\x7f]", text),
            f"{name}: hidden character",
        )

    def text(self, value, name, kinds=("plain_text", "mrkdwn")):
        self.no(value.get("type") in kinds, f"{name}: {value.get('type')}")
        self.length(value["text"], name)
        if value["type"] == "mrkdwn":
            self.no(set(value) == {"type", "text", "verbatim"} and value["verbatim"] is True, f"{name}: not verbatim")
            self.no(not foreign_tokens(value["text"]), f"{name}: {foreign_tokens(value['text'])}")
        else:
            self.no(set(value) == {"type", "text", "emoji"} and value["emoji"] is False, f"{name}: keys")
            self.no(not re.search("[<>]", value["text"]), f"{name}: bracket in plain text")

    def message(self, message):
        self.length(message["text"], "section.text.max_length")
        self.no(not foreign_tokens(message["text"]), f"text: {foreign_tokens(message['text'])}")
        self.no(set(message) == {"text", "blocks"}, "message keys")
        self.blocks(message["blocks"], "message", "message.blocks.max_items")
        self.no(self.total <= 10_000, f"total text {self.total}")
        self.no(sum(block["type"] in {"table", "data_table"} for block in message["blocks"]) <= 1, "two tables")
        charts = sum(block["type"] == "data_visualization" for block in message["blocks"])
        self.no(charts <= self.numbers["message.data_visualizations.max_items"], "three charts")
        return self.problems

    def view(self, view):
        if view["type"] == "modal":
            for key in ("title", "submit", "close"):
                if key in view:
                    self.text(view[key], f"view.{key}.max_length", ("plain_text",))
            self.no(
                len(view["private_metadata"]) <= self.numbers["view.private_metadata.max_length"], "private_metadata"
            )
            self.no(
                "submit" in view or all(block["type"] != "input" for block in view["blocks"]), "inputs without submit"
            )
        self.blocks(view["blocks"], view["type"], "view.blocks.max_items")
        self.no(len(json.dumps(view)) <= 250_000, "view too large")
        return self.problems

    def blocks(self, blocks, surface, most):
        self.no(len(blocks) <= self.numbers[most], f"{most}: {len(blocks)}")
        ids = [block.get("block_id") for block in blocks]
        self.no(all(ids) and len(set(ids)) == len(ids), "block ids")
        self.no(all(len(name) <= self.numbers["block_id.max_length"] for name in ids if name), "block id too long")
        actions = [
            e["action_id"]
            for block in blocks
            for e in [*block.get("elements", ()), block.get("element", {})]
            if "action_id" in e
        ]
        self.no(len(set(actions)) == len(actions), "action ids")
        self.no(all(len(name) <= self.numbers["action_id.max_length"] for name in actions), "action id too long")
        for block in blocks:
            self.no(block["type"] in self.types[surface], f"{block['type']} on {surface}")
            self.no(set(block) <= KEYS.get(block["type"], set()), f"{block['type']} keys {set(block)}")
            getattr(self, f"on_{block['type']}")(block)
            if block["type"] not in {"data_table", "data_visualization"}:
                parsed = Block.parse(block)
                self.no(parsed is not None, f"unknown to the SDK: {block['type']}")
                self.second_opinion(parsed)

    def second_opinion(self, parsed):
        try:
            parsed.validate_json()
        except SlackObjectFormationError as refused:
            self.problems.append(f"the SDK: {refused}")

    def on_section(self, block):
        self.no(("text" in block) != ("fields" in block), "section with both or neither")
        if "text" in block:
            self.text(block["text"], "section.text.max_length")
        fields = block.get("fields", [])
        self.no(len(fields) <= self.numbers["section.fields.max_items"], "fields")
        for field in fields:
            self.text(field, "section.fields.item_max_length")
        if "accessory" in block:
            self.beside(block["accessory"])

    def beside(self, element):
        """A menu of several things, or the one button."""
        if element["type"] == "button":
            self.button(element)
            return
        self.no(set(element) == {"type", "action_id", "options"} and element["type"] == "overflow", "menu keys")
        self.no(2 <= len(element["options"]) <= self.numbers["overflow.options.max_items"], "menu options")
        for option in element["options"]:
            self.text(option["text"], "option.text.max_length", ("plain_text",))
            self.length(option["value"], "option.value.max_length")

    def on_header(self, block):
        self.text(block["text"], "header.text.max_length", ("plain_text",))

    def on_context(self, block):
        self.no(1 <= len(block["elements"]) <= self.numbers["context.elements.max_items"], "context elements")
        for element in block["elements"]:
            self.text(element, "text.max_length")

    def on_divider(self, block):
        self.no(set(block) == {"type", "block_id"}, "divider keys")

    def on_context_actions(self, block):
        """Thumbs: one element with two values."""
        self.no(1 <= len(block["elements"]) <= self.numbers["context_actions.elements.max_items"], "thumbs elements")
        for element in block["elements"]:
            self.no(element["type"] == "feedback_buttons", f"thumbs {element['type']}")
            for name in ("positive_button", "negative_button"):
                self.length(element[name]["text"]["text"], "feedback_button.text.max_length")
                self.length(element[name]["value"], "feedback_button.value.max_length")

    def on_actions(self, block):
        self.no(1 <= len(block["elements"]) <= self.numbers["actions.elements.max_items"], "actions elements")
        for element in block["elements"]:
            self.button(element)

    def button(self, element):
        self.no(element["type"] == "button" and set(element) <= BUTTON_KEYS, "button keys")
        self.text(element["text"], "button.text.max_length", ("plain_text",))
        self.no(element.get("style", "primary") in {"primary", "danger"}, "button style")
        for key in ("value", "url"):
            if key in element:
                self.no(1 <= len(element[key]) <= self.numbers[f"button.{key}.max_length"], f"button {key}")
        if "confirm" in element:
            asked = dict(element["confirm"])
            self.no(asked.pop("style", "danger") == "danger", "confirm style")
            self.no(set(asked) == {"title", "text", "confirm", "deny"}, "confirm keys")
            for key, text in asked.items():
                self.text(text, f"confirmation.{key}.max_length", ("plain_text",))

    def on_table(self, block):
        self.no(1 <= len(block["rows"]) <= self.numbers["table.rows.max_items"], "table rows")
        self.rows(block["rows"], self.numbers["table.columns.max_items"])
        settings = block["column_settings"]
        self.no(len(settings) <= self.numbers["table.column_settings.max_items"], "column settings")
        self.no(all(setting["align"] in {"left", "right", "center"} for setting in settings), "align")

    def on_data_table(self, block):
        # 201 rows in the newest libraries, 101 on the official page: the smaller number holds.
        self.no(self.numbers["data_table.rows.min_items"] <= len(block["rows"]) <= 101, "data_table rows")
        self.no(1 <= block["page_size"] <= self.numbers["data_table.page_size.max"], "page size")
        self.no(all(cell["type"] != "rich_text" for cell in block["rows"][0]), "rich header cell")
        self.length(block["caption"], "header.text.max_length")
        self.rows(block["rows"], self.numbers["data_table.columns.max_items"])

    def on_data_visualization(self, block):
        """Six series and not twelve: sources disagree, the smaller number holds."""
        self.length(block["title"], "data_visualization.title.max_length")
        self.no(set(block["chart"]) == {"type", "series", "axis_config"}, "chart keys")
        self.no(block["chart"]["type"] in {"bar", "line", "area"}, "chart type")
        axes, series = block["chart"]["axis_config"], block["chart"]["series"]
        self.no(set(axes) == {"categories", "x_label", "y_label"}, "axis keys")
        for key in ("x_label", "y_label"):
            self.length(axes[key], "data_visualization.axis_label.max_length")
        categories = axes["categories"]
        self.no(1 <= len(categories) <= self.numbers["data_visualization.categories.max_items"], "categories")
        self.no(len(set(categories)) == len(categories), "category twice")
        names = [one["name"] for one in series]
        self.no(1 <= len(names) <= 6 and len(set(names)) == len(names), "series")
        for one in series:
            self.length(one["name"], "data_visualization.series_name.max_length")
            self.no([point["label"] for point in one["data"]] == categories, "not one point per category")
            for point in one["data"]:
                self.length(point["label"], "data_visualization.category_label.max_length")
                self.no(type(point["value"]) in {int, float} and abs(point["value"]) < float("inf"), "no number")
        for text in [block["title"], *names, *categories, axes["x_label"], axes["y_label"]]:
            self.no(not re.search("[<>]", text), "bracket in chart")

    def rows(self, rows, most):
        self.no(len({len(row) for row in rows}) == 1 and 1 <= len(rows[0]) <= most, "ragged or too wide")
        for row in rows:
            for cell in row:
                self.cell(cell)

    def cell(self, cell):
        if cell["type"] == "rich_text":
            (section,) = cell["elements"]
            self.no(section["type"] == "rich_text_section" and bool(section["elements"]), "rich cell")
            for element in section["elements"]:
                self.rich(element)
            return
        self.no(cell["type"] in {"raw_text", "raw_number"}, f"cell {cell['type']}")
        self.length(cell["text"], "text.max_length")
        self.no(not re.search("[<>]", cell["text"]), "bracket in cell")
        if cell["type"] == "raw_number":
            self.no(
                isinstance(cell["value"], int) and f"{cell['value']:,}" == f"{int(cell['text'].replace(',', '')):,}",
                "number",
            )

    def rich(self, element):
        self.no(element["type"] in {"text", "date", "user", "link", "emoji"}, f"rich {element['type']}")
        if element["type"] == "emoji":
            self.no(bool(re.fullmatch(r"[a-z0-9_+-]+", element["name"])), "emoji name")
        if element["type"] == "text":
            self.no(element["text"] != "" and not re.search("[<>]", element["text"]), "rich text")
            self.total += len(element["text"])
        if element["type"] == "date":
            self.no(isinstance(element["timestamp"], int) and "{time}" in element["format"], "rich date")
            self.no(
                bool(re.search(r"\d{4}, \d\d:\d\d [A-Z]", element["fallback"])), "fallback without date, time, zone"
            )
            self.total += len(element["fallback"]) + len(element["format"])
        if element["type"] == "user":
            self.no(element["user_id"] == "U0MAYA", "foreign user")
        if element["type"] == "link":
            self.no(element["url"].startswith("https://tidings.example/"), "foreign link")

    def on_plan(self, block):
        """A plan holds task cards without ids of blocks; only there one may be pending."""
        self.length(block["title"], "header.text.max_length")
        tasks = block["tasks"]
        self.no(1 <= len(tasks) <= self.numbers["plan.tasks.max_items"], "plan tasks")
        self.no(len({task["task_id"] for task in tasks}) == len(tasks), "task ids")
        for task in tasks:
            self.no(set(task) <= {"type", "task_id", "title", "status", "details"}, "task keys")
            self.no(task["type"] == "task_card", "task type")
            self.no(task["status"] in {"pending", "in_progress", "complete", "error"}, "task status")
            self.length(task["title"], "header.text.max_length")
            for element in task["details"]["elements"][0]["elements"] if "details" in task else ():
                self.rich(element)

    def on_input(self, block):
        self.text(block["label"], "input.label.max_length", ("plain_text",))
        if "hint" in block:
            self.text(block["hint"], "input.hint.max_length", ("plain_text",))
        element = block["element"]
        if element["type"] in {"radio_buttons", "static_select"}:
            kind = "radio_buttons" if element["type"] == "radio_buttons" else "select"
            self.no(1 <= len(element["options"]) <= self.numbers[f"{kind}.options.max_items"], "options")
            self.no(element.get("initial_option", element["options"][0]) in element["options"], "initial option")
            for option in element["options"]:
                self.text(option["text"], "option.text.max_length", ("plain_text",))
                self.no(1 <= len(option["value"]) <= self.numbers["option.value.max_length"], "option value")


def breaches_of_message(message):
    """Return everything that Slack would refuse in a message, or that we never meant to say."""
    return Judge(limits(), surfaces()).message(message)


def breaches_of_view(view):
    """Return everything that Slack would refuse in a view."""
    return Judge(limits(), surfaces()).view(view)
