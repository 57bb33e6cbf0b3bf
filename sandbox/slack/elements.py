"""Shapes of the elements inside blocks: buttons, menus, inputs and the pieces they are made of."""

from collections.abc import Mapping

from sandbox.slack.limits import LIMITS
from sandbox.slack.shapes import (
    Check,
    Report,
    array,
    by_type,
    either,
    flag,
    mrkdwn,
    one_of,
    plain,
    shape,
    string,
    whole,
)

ACTION_ID = string(LIMITS["action_id.max_length"])
_STYLE = one_of("primary", "danger")

CONFIRM = shape(
    {
        "title": plain(LIMITS["confirmation.title.max_length"]),
        "text": either(LIMITS["confirmation.text.max_length"]),
        "confirm": plain(LIMITS["confirmation.confirm.max_length"]),
        "deny": plain(LIMITS["confirmation.deny.max_length"]),
    },
    {"style": _STYLE},
)


def _option(text: Check, extra: Mapping[str, Check] | None = None) -> Check:
    value = string(LIMITS["option.value.max_length"])
    description = plain(LIMITS["option.description.max_length"])
    return shape({"text": text, "value": value}, {"description": description, **(extra or {})})


_OPTION = _option(plain(LIMITS["option.text.max_length"]))
_RICH_OPTION = _option(either(LIMITS["option.text.max_length"]))
_GROUP = shape({
    "label": plain(LIMITS["option_group.label.max_length"]),
    "options": array(_OPTION, LIMITS["option_group.options.max_items"]),
})  # fmt: skip
_PLACEHOLDER = plain(LIMITS["select.placeholder.max_length"])
_COMMON: dict[str, Check] = {"action_id": ACTION_ID, "confirm": CONFIRM, "focus_on_load": flag}


_BUTTON = shape(
    {"text": plain(LIMITS["button.text.max_length"]), "action_id": ACTION_ID},
    {
        "url": string(LIMITS["button.url.max_length"]),
        "value": string(LIMITS["button.value.max_length"]),
        "style": _STYLE,
        "confirm": CONFIRM,
        "accessibility_label": string(LIMITS["button.accessibility_label.max_length"]),
    },
)


def _choice(more: Mapping[str, Check]) -> Check:
    """Menu that needs either options or option_groups, and whose first choice is one of them."""
    form = shape(
        {"action_id": ACTION_ID},
        {
            "options": array(_OPTION, LIMITS["select.options.max_items"]),
            "option_groups": array(_GROUP, LIMITS["select.option_groups.max_items"]),
            "placeholder": _PLACEHOLDER,
            **_COMMON,
            **more,
        },
    )

    def check(value: object, pointer: str, report: Report) -> None:
        form(value, pointer, report)
        if isinstance(value, dict):
            if ("options" in value) == ("option_groups" in value):
                report.add(pointer, "must provide exactly one of options, option_groups")
            _initial_is_offered(value, pointer, report)

    return check


def _initial_is_offered(value: dict[str, object], pointer: str, report: Report) -> None:
    """Refuse an initial choice that is not, letter for letter, among the options."""
    initial = value.get("initial_option")
    chosen = value.get("initial_options", [] if initial is None else [initial])
    groups = value.get("option_groups", [])
    offered = list(value["options"]) if isinstance(value.get("options"), list) else []  # type: ignore[call-overload]  # just looked
    for group in groups if isinstance(groups, list) else []:
        offered += group.get("options", []) if isinstance(group, dict) else []
    if isinstance(chosen, list) and any(option not in offered for option in chosen):
        report.add(pointer, "initial option must be one of the options")


def _boxes(name: str, initial: Mapping[str, Check]) -> Check:
    options = array(_RICH_OPTION, LIMITS[f"{name}.options.max_items"])
    form = shape({"action_id": ACTION_ID, "options": options}, {**_COMMON, **initial})

    def check(value: object, pointer: str, report: Report) -> None:
        form(value, pointer, report)
        if isinstance(value, dict):
            _initial_is_offered(value, pointer, report)

    return check


_STATIC_SELECT = _choice({"initial_option": _OPTION})
_MULTI_SELECT = _choice({"initial_options": array(_OPTION, 100), "max_selected_items": whole(1, 100)})
#: What the app offers while one types, and what is chosen of it when the menu is drawn.
_ASKS: dict[str, Check] = {**_COMMON, "placeholder": _PLACEHOLDER, "min_query_length": whole(0, 3000)}
_EXTERNAL_SELECT = shape({"action_id": ACTION_ID}, {**_ASKS, "initial_option": _OPTION})
_MULTI_EXTERNAL = shape(
    {"action_id": ACTION_ID}, {**_ASKS, "initial_options": array(_OPTION, 100), "max_selected_items": whole(1, 100)}
)
#: The answer to what is typed into such a menu.
SUGGESTED = shape(
    {},
    {
        "options": array(_OPTION, LIMITS["select.options.max_items"], 0),
        "option_groups": array(_GROUP, LIMITS["select.option_groups.max_items"], 0),
    },
)
_CHECKBOXES = _boxes("checkboxes", {"initial_options": array(_RICH_OPTION, 10)})
_RADIO = _boxes("radio_buttons", {"initial_option": _RICH_OPTION})
_OVERFLOW = shape(
    {
        "action_id": ACTION_ID,
        "options": array(
            _option(plain(LIMITS["option.text.max_length"]), {"url": string(3000)}),
            LIMITS["overflow.options.max_items"],
            LIMITS["overflow.options.min_items"],
        ),
    },
    {"confirm": CONFIRM},
)
_IMAGE = shape(
    {"alt_text": string(LIMITS["image.alt_text.max_length"])},
    {"image_url": string(LIMITS["image.image_url.max_length"])},
)
_DATE_PICKER = shape({"action_id": ACTION_ID}, {**_COMMON, "initial_date": string(10), "placeholder": _PLACEHOLDER})
_TEXT_INPUT = shape(
    {"action_id": ACTION_ID},
    {
        **_COMMON,
        "initial_value": string(3000, 0),
        "multiline": flag,
        "min_length": whole(0, LIMITS["plain_text_input.max_length.max"]),
        "max_length": whole(1, LIMITS["plain_text_input.max_length.max"]),
        "placeholder": plain(LIMITS["plain_text_input.placeholder.max_length"]),
    },
)
_EMAIL_INPUT = shape(
    {"action_id": ACTION_ID}, {**_COMMON, "initial_value": string(3000, 0), "placeholder": _PLACEHOLDER}
)

_MENUS: dict[str, Check] = {
    "static_select": _STATIC_SELECT,
    "multi_static_select": _MULTI_SELECT,
    "external_select": _EXTERNAL_SELECT,
    "multi_external_select": _MULTI_EXTERNAL,
    "checkboxes": _CHECKBOXES,
    "radio_buttons": _RADIO,
    "datepicker": _DATE_PICKER,
}
#: What stands beside a section's text.
ACCESSORY = by_type({**_MENUS, "button": _BUTTON, "overflow": _OVERFLOW, "image": _IMAGE})
#: What stands in an actions block.
ACTION = by_type({**_MENUS, "button": _BUTTON, "overflow": _OVERFLOW})
#: What an input block holds.
INPUT = by_type({**_MENUS, "plain_text_input": _TEXT_INPUT, "email_text_input": _EMAIL_INPUT})
_THUMB = shape(
    {
        "text": plain(LIMITS["feedback_button.text.max_length"]),
        "value": string(LIMITS["feedback_button.value.max_length"]),
    },
    {"accessibility_label": string(LIMITS["feedback_button.accessibility_label.max_length"])},
)
#: What a context_actions block shows, of what Tidings sends.
THUMBS = by_type({
    "feedback_buttons": shape({"action_id": ACTION_ID, "positive_button": _THUMB, "negative_button": _THUMB}),
})  # fmt: skip
#: What a context block shows.
CONTEXT = by_type({
    "plain_text": plain(LIMITS["text.max_length"]),
    "mrkdwn": mrkdwn(LIMITS["text.max_length"]),
    "image": _IMAGE,
})  # fmt: skip
