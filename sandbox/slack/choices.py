"""Using elements: what Slack sends for a pressed button, a picked option, a filled modal."""

import re

from sandbox.slack.errors import Json
from sandbox.slack.messages import interactive

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
#: Menus that ask the app what they offer.
EXTERNAL = frozenset({"external_select", "multi_external_select"})
_ONE_OF = {"static_select", "radio_buttons", "overflow", "external_select"}
_SOME_OF = {"multi_static_select", "checkboxes", "multi_external_select"}


class Unanswered(ValueError):  # noqa: N818 - not an error of the program: the person has not filled everything in
    """What Slack's own client says before it submits a modal, by block_id."""

    def __init__(self, errors: dict[str, str]) -> None:
        super().__init__(str(errors))
        self.errors = errors


def action_of(blocks: list[Json], action_id: str, value: str | None, block_id: str | None) -> Json:
    """Return the entry of `actions` for using that element (LookupError with the known ones when there is none)."""
    for block, element in interactive(blocks):
        fits = element["action_id"] == action_id and block_id in {None, block["block_id"]}
        if fits and (element["type"] != "button" or value in {None, element.get("value")}):
            return {"action_id": action_id, "block_id": block["block_id"], **used(element, value)}
    known = [(element["action_id"], element.get("value")) for _, element in interactive(blocks)]
    raise LookupError(f"no element {action_id!r} with value {value!r}; there are {known}")


def used(element: Json, value: object) -> Json:
    """Return the state of an element after it was used with that value."""
    kind = element["type"]
    if kind == "button":
        kept: Json = {key: element[key] for key in ("text", "value", "style", "confirm") if key in element}
        return {"type": kind, **kept}
    if kind == "feedback_buttons":
        offered = [element[name]["value"] for name in ("positive_button", "negative_button")]
        if value not in offered:
            raise LookupError(f"{value!r} is not offered; there are {offered}")
        return {"type": kind, "value": value}
    if kind in _ONE_OF:
        return {"type": kind, "selected_option": None if value in {None, ""} else option(element, value)}
    if kind in _SOME_OF:
        chosen = value if isinstance(value, list) else [] if value in {None, ""} else [value]
        if len(chosen) > element.get("max_selected_items", len(chosen)):
            raise LookupError(f"at most {element['max_selected_items']} can be chosen")
        return {"type": kind, "selected_options": [option(element, each) for each in chosen]}
    if kind == "datepicker":
        return {"type": kind, "selected_date": value or None}
    return {"type": kind, "value": str(value) if value not in {None, ""} else None}


def option(element: Json, value: object) -> Json:
    """Return the offered option with that value (LookupError when it is not offered)."""
    offered = [*element.get("options", []), *element.get("initial_options", [])]
    offered += [element["initial_option"]] if "initial_option" in element else []
    for group in element.get("option_groups", []):
        offered += group["options"]
    for each in offered:
        if each["value"] == value:
            return dict(each)
    raise LookupError(f"{value!r} is not offered; there are {[each['value'] for each in offered]}")


def values_of(blocks: list[Json], values: dict[str, object]) -> dict[str, Json]:
    """Return `state.values` for what was filled in by block_id; raise Unanswered as Slack's client would."""
    inputs = {block["block_id"]: block for block in blocks if block["type"] == "input"}
    unknown = set(values) - set(inputs)
    if unknown:
        raise LookupError(f"no inputs {sorted(unknown)}; there are {sorted(inputs)}")
    state, errors = {}, {}
    for block_id, block in inputs.items():
        element = block["element"]
        filled = used(element, values.get(block_id, initial(element)))
        state[block_id] = {element["action_id"]: filled}
        problem = _problem(block, filled)
        if problem:
            errors[block_id] = problem
    if errors:
        raise Unanswered(errors)
    return state


def initial(element: Json) -> object:
    """Return what an element holds before anybody touches it."""
    if "initial_option" in element:
        return element["initial_option"]["value"]
    if "initial_options" in element:
        return [each["value"] for each in element["initial_options"]]
    return element.get("initial_value", element.get("initial_date"))


def _problem(block: Json, filled: Json) -> str | None:
    answer = next((filled[key] for key in ("value", "selected_option", "selected_options", "selected_date")
                   if key in filled), None)  # fmt: skip
    element = block["element"]
    if not answer:
        return None if block.get("optional") else "Please complete this required field."
    if element["type"] == "email_text_input" and not _EMAIL.fullmatch(answer):
        return "Please enter a valid email address."
    if isinstance(answer, str) and len(answer) > element.get("max_length", 3000):
        return f"Please enter at most {element.get('max_length', 3000)} characters."
    if isinstance(answer, str) and len(answer) < element.get("min_length", 0):
        return f"Please enter at least {element['min_length']} characters."
    return None


def held(state: Json) -> object:
    """Return the plain value or values of an element's state."""
    if "selected_options" in state:
        return [each["value"] for each in state["selected_options"]]
    if "selected_option" in state:
        return state["selected_option"]["value"] if state["selected_option"] else None
    return state.get("value", state.get("selected_date"))
