"""Strict reading of what Slack sends: one meaning per body, or none.

The parsers of the libraries guess (the last of two equal keys wins, NaN passes, `payload=null` raises); everything
behind the guard works on what these functions returned, so nothing can be read in two ways.
"""

import json
import re
from collections.abc import Mapping
from typing import Any, NoReturn
from urllib.parse import parse_qsl

Json = dict[str, Any]

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"

#: Nesting of a body; Slack's own stay below 20.
MOST_DEPTH = 40
_MOST_FIELDS = 50
_STRINGS = re.compile(r'"(?:[^"\\]|\\.)*"', re.DOTALL)
_BRACKETS = re.compile(r"[\[\]{}]")
_SURROGATE = re.compile(r"\\u[dD][89a-fA-F]")


class MalformedError(ValueError):
    """The body has no one meaning; the text names what is wrong, never the body."""


def parse(body: bytes, content_type: str) -> Json:
    """Return the interaction, command or event in a raw body (MalformedError otherwise)."""
    kind, charset = _media_type(content_type)
    if charset not in ("", "utf-8"):
        raise MalformedError("charset")
    try:
        text = body.decode("utf-8")
    except UnicodeDecodeError:
        raise MalformedError("not UTF-8") from None
    if kind == JSON:
        return parse_json(text)
    if kind == FORM:
        return _parse_form(text)
    raise MalformedError("content type")


def parse_json(text: str) -> Json:
    """Return one JSON object, as strictly as `parse_value`."""
    value = parse_value(text)
    if not isinstance(value, dict):
        raise MalformedError("not an object")
    return value


def parse_value(text: str) -> Any:
    """Return JSON: no duplicate keys, no NaN or infinity, no deep nesting, no halves of characters."""
    _refuse_depth(text)
    try:
        value = json.loads(text, object_pairs_hook=_object, parse_constant=_no_constant, parse_float=_finite)
    except MalformedError:
        raise
    except ValueError:
        raise MalformedError("not JSON") from None
    if _SURROGATE.search(text):
        _refuse_halves(value)
    return value


def _parse_form(text: str) -> Json:
    try:
        pairs = parse_qsl(
            text, keep_blank_values=True, strict_parsing=True, errors="strict", max_num_fields=_MOST_FIELDS
        )
    except ValueError:
        raise MalformedError("not a form") from None
    fields: Json = {}
    for name, value in pairs:
        if name in fields:
            raise MalformedError("duplicate field")
        fields[name] = value
    if "payload" not in fields:
        return fields
    if len(fields) != 1:
        raise MalformedError("fields beside payload")
    return parse_json(fields["payload"])


def text_of(body: Mapping[str, Any], *path: str) -> str:
    """Return the text at a path of keys; empty when it is missing or something else."""
    value: Any = body
    for key in path:
        value = value.get(key) if isinstance(value, Mapping) else None
    return value if isinstance(value, str) else ""


def _media_type(content_type: str) -> tuple[str, str]:
    kind, _, rest = content_type.partition(";")
    name, _, charset = rest.strip().partition("=")
    if rest.strip() and name.strip().lower() != "charset":
        raise MalformedError("content type")
    return kind.strip().lower(), charset.strip().strip('"').lower()


def _object(pairs: list[tuple[str, Any]]) -> Json:
    made = dict(pairs)
    if len(made) != len(pairs):
        raise MalformedError("duplicate key")
    return made


def _no_constant(_name: str) -> NoReturn:
    raise MalformedError("not a number")


def _finite(digits: str) -> float:
    value = float(digits)
    if value in (float("inf"), float("-inf")):
        raise MalformedError("number out of range")
    return value


def _refuse_depth(text: str) -> None:
    if text.count("{") + text.count("[") <= MOST_DEPTH:
        return
    depth = 0
    for found in _BRACKETS.finditer(_STRINGS.sub("", text)):
        depth += 1 if found.group() in "[{" else -1
        if depth > MOST_DEPTH:
            raise MalformedError("nested too deeply")


def _refuse_halves(value: Any) -> None:
    try:
        json.dumps(value, ensure_ascii=False).encode("utf-8")
    except UnicodeEncodeError:
        raise MalformedError("half a character") from None
