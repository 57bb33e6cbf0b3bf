"""Slack's limits that the stand-in enforces; a contract test compares them with the collected list.

The names are those of that list, so that the comparison is one loop. Where sources disagree the smaller number
stands here.
"""

LIMITS: dict[str, int] = {
    "text.max_length": 3000,
    "action_id.max_length": 255,
    "block_id.max_length": 255,
    "button.text.max_length": 75,
    "button.url.max_length": 3000,
    "button.value.max_length": 2000,
    "button.accessibility_label.max_length": 75,
    "confirmation.title.max_length": 100,
    "confirmation.text.max_length": 300,
    "confirmation.confirm.max_length": 30,
    "confirmation.deny.max_length": 30,
    "option.text.max_length": 75,
    "option.value.max_length": 150,
    "option.description.max_length": 75,
    "option_group.label.max_length": 75,
    "option_group.options.max_items": 100,
    "select.placeholder.max_length": 150,
    "select.options.max_items": 100,
    "select.option_groups.max_items": 100,
    "overflow.options.min_items": 1,
    "overflow.options.max_items": 5,
    "checkboxes.options.max_items": 10,
    "radio_buttons.options.max_items": 10,
    "plain_text_input.max_length.max": 3000,
    "plain_text_input.placeholder.max_length": 150,
    "actions.elements.max_items": 25,
    "alert.text.max_length": 200,
    "context.elements.max_items": 10,
    "context_actions.elements.max_items": 5,
    "feedback_button.text.max_length": 75,
    "feedback_button.value.max_length": 2000,
    "feedback_button.accessibility_label.max_length": 75,
    "table.rows.max_items": 100,
    "table.columns.max_items": 20,
    "table.column_settings.max_items": 20,
    "data_table.rows.min_items": 2,
    "data_table.rows.max_items": 101,
    "data_table.columns.max_items": 20,
    "data_table.page_size.max": 100,
    "data_table.total_content.max_length": 20000,
    "data_visualization.title.max_length": 50,
    "data_visualization.segments.max_items": 6,
    "data_visualization.segment.label.max_length": 20,
    "data_visualization.series.max_items": 6,
    "data_visualization.series_name.max_length": 20,
    "data_visualization.data.max_items": 20,
    "data_visualization.point_label.max_length": 20,
    "data_visualization.categories.max_items": 20,
    "data_visualization.category_label.max_length": 20,
    "data_visualization.axis_label.max_length": 50,
    "header.text.max_length": 150,
    "image.image_url.max_length": 3000,
    "image.alt_text.max_length": 2000,
    "image.title.max_length": 2000,
    "input.label.max_length": 2000,
    "input.hint.max_length": 2000,
    "markdown.text.max_length": 12000,
    "markdown.total_text.max_length": 12000,
    "plan.tasks.max_items": 50,
    "rich_text_list.indent.max": 8,
    "section.text.max_length": 3000,
    "section.fields.max_items": 10,
    "section.fields.item_max_length": 2000,
    "message.data_visualizations.max_items": 2,
    "message.blocks.max_items": 50,
    "view.blocks.max_items": 100,
    "view.private_metadata.max_length": 3000,
    "view.callback_id.max_length": 255,
    "view.external_id.max_length": 255,
    "view.title.max_length": 24,
    "view.close.max_length": 24,
    "view.submit.max_length": 24,
}

#: Where ours is smaller than the collected list on purpose, because sources disagree.
STRICTER = frozenset({
    "data_table.rows.max_items", "data_visualization.segments.max_items", "data_visualization.series.max_items",
})  # fmt: skip

#: Undocumented: all words of one message's blocks together (`msg_blocks_too_long`, bolt-js issue 2509).
MESSAGE_CHARACTERS = 13_200
#: Longer `text` is cut by Slack; a cut amount or name misleads, so the stand-in refuses it.
TEXT_CHARACTERS = 40_000
#: All cells of one table, and tables per message (widely quoted).
TABLE_CHARACTERS = 10_000
TABLES_PER_MESSAGE = 1
#: A modal or Home tab as JSON.
VIEW_BYTES = 250_000
#: Views of one modal: the opened one and two pushed.
MODAL_STACK = 3

_EVERYWHERE = frozenset({"actions", "card", "context", "divider", "header", "image", "input", "rich_text", "section",
                         "video"})  # fmt: skip
_WIDE = frozenset({"carousel", "container", "data_table", "data_visualization", "table"})
#: Which block types each surface takes.
SURFACES: dict[str, frozenset[str]] = {
    "message": _EVERYWHERE | _WIDE | {"context_actions", "file", "markdown", "plan", "task_card"},
    "modal": _EVERYWHERE | {"alert"},
    "home": _EVERYWHERE | _WIDE,
}
