"""Shapes of the blocks that Tidings sends.

A type that Slack knows and this table does not is let through, and drawn red.
"""

from collections.abc import Callable

from sandbox.slack.elements import ACCESSORY, ACTION, CONTEXT, INPUT, THUMBS
from sandbox.slack.limits import LIMITS, SURFACES, TABLE_CHARACTERS
from sandbox.slack.messages import words
from sandbox.slack.shapes import (
    Check,
    Report,
    array,
    by_type,
    either,
    flag,
    number,
    one_of,
    plain,
    shape,
    string,
    whole,
)

_BLOCK_ID: dict[str, Check] = {"block_id": string(LIMITS["block_id.max_length"])}
_INLINE_STYLE = shape({}, dict.fromkeys(("bold", "italic", "strike", "code", "underline"), flag))
_STYLE: dict[str, Check] = {"style": _INLINE_STYLE}

_INLINE = by_type({
    "text": shape({"text": string(LIMITS["text.max_length"], 0)}, _STYLE),
    "link": shape({"url": string(3000)}, {"text": string(3000), "unsafe": flag, **_STYLE}),
    "user": shape({"user_id": string(255)}, _STYLE),
    "channel": shape({"channel_id": string(255)}, _STYLE),
    "emoji": shape({"name": string(255)}, {"unicode": string(255)}),
    "date": shape(
        {"timestamp": whole(0, 99_999_999_999), "format": string(255)}, {"url": string(3000), "fallback": string(255)}
    ),
    "broadcast": shape({"range": one_of("here", "channel", "everyone")}),
})  # fmt: skip
_INLINES: dict[str, Check] = {"elements": array(_INLINE, 1000, 0)}
_BORDER: dict[str, Check] = {"border": whole(0, 1)}
_RICH_SECTION = shape(_INLINES)
_RICH_ELEMENT = by_type({
    "rich_text_section": _RICH_SECTION,
    "rich_text_list": shape(
        {"style": one_of("bullet", "ordered"), "elements": array(by_type({"rich_text_section": _RICH_SECTION}), 1000)},
        {"indent": whole(0, LIMITS["rich_text_list.indent.max"]), "offset": whole(0, 10_000), **_BORDER},
    ),
    "rich_text_quote": shape(_INLINES, _BORDER),
    "rich_text_preformatted": shape(_INLINES, {**_BORDER, "language": string(50)}),
})  # fmt: skip
_RICH_TEXT = shape({"elements": array(_RICH_ELEMENT, 1000)}, _BLOCK_ID)

_CELL = by_type({
    "raw_text": shape({"text": string(LIMITS["text.max_length"])}),
    "raw_number": shape({"text": string(LIMITS["text.max_length"]), "value": number}),
    "rich_text": _RICH_TEXT,
})  # fmt: skip


def _rows(most: int, least: int, columns: int) -> Check:
    return array(array(_CELL, columns), most, least)


_TABLE_FORM = shape(
    {"rows": _rows(LIMITS["table.rows.max_items"], 1, LIMITS["table.columns.max_items"])},
    {
        **_BLOCK_ID,
        "column_settings": array(
            shape({}, {"align": one_of("left", "center", "right"), "is_wrapped": flag}),
            LIMITS["table.column_settings.max_items"],
        ),
    },
)
_DATA_TABLE_FORM = shape(
    {
        "rows": _rows(
            LIMITS["data_table.rows.max_items"],
            LIMITS["data_table.rows.min_items"],
            LIMITS["data_table.columns.max_items"],
        ),
        "caption": string(LIMITS["text.max_length"]),
    },
    {**_BLOCK_ID, "page_size": whole(1, LIMITS["data_table.page_size.max"]), "row_header_column_index": whole(0, 19)},
)


def _grid(form: Check, characters: int) -> Check:
    """Table whose rows have one length and whose cells together stay under a number of characters."""

    def check(value: object, pointer: str, report: Report) -> None:
        form(value, pointer, report)
        rows = value.get("rows") if isinstance(value, dict) else None
        if isinstance(rows, list) and all(isinstance(row, list) for row in rows):
            if len({len(row) for row in rows}) > 1:
                report.add(f"{pointer}/rows", "all rows must have the same number of cells")
            if sum(len(word) for word in words(rows)) > characters:
                report.add(f"{pointer}/rows", f"no more than {characters} characters in all cells")

    return check


_TABLE = _grid(_TABLE_FORM, TABLE_CHARACTERS)


def _data_table(value: object, pointer: str, report: Report) -> None:
    _grid(_DATA_TABLE_FORM, LIMITS["data_table.total_content.max_length"])(value, pointer, report)
    rows = value.get("rows") if isinstance(value, dict) else None
    head = rows[0] if isinstance(rows, list) and rows and isinstance(rows[0], list) else []
    if any(isinstance(cell, dict) and cell.get("type") == "rich_text" for cell in head):
        report.add(f"{pointer}/rows/0", "header cells must not be rich_text")


_RICH_VALUE = by_type({"rich_text": _RICH_TEXT})
_TASK_CARD = shape(
    {
        "task_id": string(255),
        "title": string(LIMITS["text.max_length"]),
        "status": one_of("pending", "in_progress", "complete", "error"),
    },
    {
        **_BLOCK_ID,
        "details": _RICH_VALUE,
        "output": _RICH_VALUE,
        "sources": array(by_type({"url": shape({"url": string(3000), "text": string(3000)})}), 100),
    },
)


def _lone_task(value: object, pointer: str, report: Report) -> None:
    _TASK_CARD(value, pointer, report)
    if isinstance(value, dict) and value.get("status") == "pending":
        report.add(f"{pointer}/status", "pending is allowed inside a plan only")


_PLAN = shape(
    {
        "title": string(LIMITS["text.max_length"]),
        "tasks": array(by_type({"task_card": _TASK_CARD}), LIMITS["plan.tasks.max_items"]),
    },
    _BLOCK_ID,
)


def _section(value: object, pointer: str, report: Report) -> None:
    shape(
        {},
        {
            **_BLOCK_ID,
            "text": either(LIMITS["section.text.max_length"]),
            "fields": array(either(LIMITS["section.fields.item_max_length"]), LIMITS["section.fields.max_items"]),
            "accessory": ACCESSORY,
            "expand": flag,
        },
    )(value, pointer, report)
    if isinstance(value, dict) and "text" not in value and "fields" not in value:
        report.add(pointer, "missing required field: text or fields")


_POINT = shape({"label": string(LIMITS["data_visualization.point_label.max_length"]), "value": number})
_LABEL = string(LIMITS["data_visualization.axis_label.max_length"])
_LINES = shape({
    "series": array(
        shape({
            "name": string(LIMITS["data_visualization.series_name.max_length"]),
            "data": array(_POINT, LIMITS["data_visualization.data.max_items"]),
        }),
        LIMITS["data_visualization.series.max_items"],
    ),
    "axis_config": shape(
        {"categories": array(string(LIMITS["data_visualization.category_label.max_length"]),
                             LIMITS["data_visualization.categories.max_items"])},
        {"x_label": _LABEL, "y_label": _LABEL},
    ),
})  # fmt: skip
_SEGMENT = shape({"label": string(LIMITS["data_visualization.segment.label.max_length"]), "value": number})
_CHART = by_type({
    **dict.fromkeys(("bar", "line", "area"), _LINES),
    "pie": shape({"segments": array(_SEGMENT, LIMITS["data_visualization.segments.max_items"])}),
})  # fmt: skip


def _chart(value: object, pointer: str, report: Report) -> None:
    """Check what Slack asks of the points together: one per category in every series, and no name twice."""
    before = len(report.problems)
    _CHART(value, pointer, report)
    if len(report.problems) > before or not isinstance(value, dict) or value["type"] == "pie":
        return
    categories = value["axis_config"]["categories"]
    names = [one["name"] for one in value["series"]]
    for what, known in (("categories", categories), ("series", names)):
        if len(set(known)) < len(known):
            report.add(f"{pointer}/{what}", "names must be unique")
    for place, one in enumerate(value["series"]):
        if [point["label"] for point in one["data"]] != categories:
            report.add(f"{pointer}/series/{place}/data", "exactly one data point per category")


_SHAPES: dict[str, Check] = {
    "section": _section,
    "header": shape({"text": plain(LIMITS["header.text.max_length"])}, _BLOCK_ID),
    "divider": shape({}, _BLOCK_ID),
    "context": shape({"elements": array(CONTEXT, LIMITS["context.elements.max_items"])}, _BLOCK_ID),
    "actions": shape({"elements": array(ACTION, LIMITS["actions.elements.max_items"])}, _BLOCK_ID),
    "context_actions": shape({"elements": array(THUMBS, LIMITS["context_actions.elements.max_items"])}, _BLOCK_ID),
    "table": _TABLE,
    "data_table": _data_table,
    "rich_text": _RICH_TEXT,
    "markdown": shape({"text": string(LIMITS["markdown.text.max_length"])}, _BLOCK_ID),
    "input": shape(
        {"label": plain(LIMITS["input.label.max_length"]), "element": INPUT},
        {**_BLOCK_ID, "hint": plain(LIMITS["input.hint.max_length"]), "optional": flag, "dispatch_action": flag},
    ),
    "image": shape(
        {"alt_text": string(LIMITS["image.alt_text.max_length"])},
        {
            **_BLOCK_ID,
            "image_url": string(LIMITS["image.image_url.max_length"]),
            "title": plain(LIMITS["image.title.max_length"]),
        },
    ),
    "plan": _PLAN,
    "task_card": _lone_task,
    "alert": shape(
        {"text": either(LIMITS["alert.text.max_length"])},
        {**_BLOCK_ID, "level": one_of("default", "info", "warning", "error", "success")},
    ),
    "data_visualization": shape(
        {"title": string(LIMITS["data_visualization.title.max_length"]), "chart": _chart}, _BLOCK_ID
    ),
}


def _unknown_here(value: object, pointer: str, report: Report) -> None:
    """Let a type pass that Slack knows and Tidings does not send; the page draws it red."""


def block_check(surface: str) -> Callable[[object, str, Report], None]:
    """Return the check of one block on that surface (message, modal, home)."""
    return by_type({kind: _SHAPES.get(kind, _unknown_here) for kind in SURFACES[surface]})
