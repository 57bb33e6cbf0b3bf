"""A small language for shapes of JSON: each check looks at a value and reports problems in Slack's words."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from sandbox.web.draw import tokens


@dataclass(slots=True)
class Report:
    """Collects problems, each with the JSON pointer that Slack gives."""

    problems: list[str] = field(default_factory=list)

    def add(self, pointer: str, words: str) -> None:
        """Record one problem."""
        self.problems.append(f"{words} [json-pointer:{pointer}]")


#: Looks at a value found at a pointer.
Check = Callable[[object, str, Report], None]


def string(most: int, least: int = 1) -> Check:
    """Text of a length."""

    def check(value: object, pointer: str, report: Report) -> None:
        if not isinstance(value, str):
            report.add(pointer, "must be a string")
        elif len(value) > most:
            report.add(pointer, f"must be less than {most + 1} characters")
        elif len(value.strip()) < least:
            report.add(pointer, f"must be more than {least - 1} characters")

    return check


def flag(value: object, pointer: str, report: Report) -> None:
    """Check that it is true or false."""
    if not isinstance(value, bool):
        report.add(pointer, "must be a boolean")


def whole(least: int, most: int) -> Check:
    """Whole number in a range, both ends allowed."""

    def check(value: object, pointer: str, report: Report) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            report.add(pointer, "must be an integer")
        elif not least <= value <= most:
            report.add(pointer, f"must be between {least} and {most}")

    return check


def number(value: object, pointer: str, report: Report) -> None:
    """Check that it is a JSON number."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        report.add(pointer, "must be a number")


def one_of(*allowed: str) -> Check:
    """One of a few words."""

    def check(value: object, pointer: str, report: Report) -> None:
        if value not in allowed:
            report.add(pointer, f"must be one of {', '.join(allowed)}")

    return check


def array(item: Check, most: int, least: int = 1) -> Check:
    """List of so many items."""

    def check(value: object, pointer: str, report: Report) -> None:
        if not isinstance(value, list):
            report.add(pointer, "must be an array")
            return
        if len(value) > most:
            report.add(pointer, f"no more than {most} items allowed")
        if len(value) < least:
            report.add(pointer, f"no less than {least} items allowed")
        for index, each in enumerate(value):
            item(each, f"{pointer}/{index}", report)

    return check


def shape(required: Mapping[str, Check], optional: Mapping[str, Check] | None = None) -> Check:
    """Object with exactly these keys; any other key is refused."""
    known = {**required, **(optional or {})}

    def check(value: object, pointer: str, report: Report) -> None:
        if not isinstance(value, dict):
            report.add(pointer, "must be an object")
            return
        for key in required:
            if key not in value:
                report.add(pointer, f"missing required field: {key}")
        for key, item in value.items():
            if key in known:
                known[key](item, f"{pointer}/{key}", report)
            elif key != "type":
                report.add(pointer, f"invalid additional property: {key}")

    return check


def by_type(shapes: Mapping[str, Check]) -> Check:
    """Object whose `type` picks its shape."""

    def check(value: object, pointer: str, report: Report) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str):
            report.add(pointer, "missing required field: type")
        elif kind not in shapes:
            report.add(f"{pointer}/type", f"unsupported type: {kind}")
        else:
            shapes[kind](value, pointer, report)

    return check


def plain(most: int, least: int = 1) -> Check:
    """`plain_text` object."""
    return by_type({"plain_text": shape({"text": string(most, least)}, {"emoji": flag})})


def mrkdwn(most: int) -> Check:
    """`mrkdwn` object whose tokens Slack understands."""
    return by_type({"mrkdwn": shape({"text": _tokenized(string(most))}, {"verbatim": flag})})


def either(most: int) -> Check:
    """`plain_text` or `mrkdwn` object."""
    return by_type({
        "plain_text": shape({"text": string(most)}, {"emoji": flag}),
        "mrkdwn": shape({"text": _tokenized(string(most))}, {"verbatim": flag}),
    })  # fmt: skip


def anything(value: object, pointer: str, report: Report) -> None:
    """Accept whatever it is."""


def _tokenized(length: Check) -> Check:
    def check(value: object, pointer: str, report: Report) -> None:
        length(value, pointer, report)
        if isinstance(value, str):
            for problem in tokens.problems(value):
                report.add(pointer, problem)

    return check
