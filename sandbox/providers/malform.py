"""Token answers that are wrong, by name: what a broken release, a proxy or a stranger between may send."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True, slots=True)
class Malformed:
    """What is sent instead of a token answer."""

    body: bytes
    status: int = 200
    content_type: str = "application/json"


_Made = Callable[[dict[str, Any]], Malformed]


def malformed(name: str, answer: bytes) -> Malformed:
    """Return the answer spoiled in the named way (KeyError with the names that there are)."""
    if name not in MALFORMED:
        raise KeyError(f"{name!r}; there is {', '.join(MALFORMED)}")
    try:
        said = json.loads(answer)
    except ValueError:
        said = {}
    return MALFORMED[name](said if isinstance(said, dict) else {})


def _with(**fields: Any) -> _Made:
    return lambda said: _json(said | fields)


def _without(*names: str) -> _Made:
    return lambda said: _json({name: value for name, value in said.items() if name not in names})


def _raw(body: bytes, *, status: int = 200, content_type: str = "application/json") -> _Made:
    return lambda _: Malformed(body, status, content_type)


def _written(change: Callable[[bytes], bytes]) -> _Made:
    """Spoil the bytes instead of the fields."""
    return lambda said: Malformed(change(_json(said).body))


def _number(text: str) -> _Made:
    """Write `expires_in` as this text, which need not be JSON."""
    return lambda said: Malformed(_json(said | {"expires_in": "@"}).body.replace(b'"@"', text.encode()))


def _under(name: str) -> _Made:
    """Put a field in twice: a second time first, with another value."""
    return lambda said: Malformed(b'{"%b":"other-value",' % name.encode() + _json(said).body[1:])


def _json(said: Mapping[str, Any]) -> Malformed:
    return Malformed(json.dumps(said).encode())


_PAGE = b"<!DOCTYPE html><html><title>Be right back</title><p>We are improving things.</p></html>"

#: Every way by its name.
MALFORMED: Mapping[str, _Made] = {
    "no_access_token": _without("access_token"),
    "null_access_token": _with(access_token=None),
    "empty_access_token": _with(access_token=""),
    "blank_access_token": _with(access_token="   "),
    "number_access_token": _with(access_token=12345678),
    "list_access_token": _with(access_token=["a", "b"]),
    "newline_access_token": _with(access_token="abc\r\nX-Evil: 1"),
    "control_access_token": _with(access_token="abc\u0000\u001bdef"),
    "foreign_access_token": _with(access_token="zażółć-żeton"),
    "huge_access_token": _with(access_token="a" * 2_000_000),
    "no_refresh_token": _without("refresh_token"),
    "null_refresh_token": _with(refresh_token=None),
    "empty_refresh_token": _with(refresh_token=""),
    "number_refresh_token": _with(refresh_token=7),
    "newline_refresh_token": _with(refresh_token="abc\ndef"),
    "huge_refresh_token": _with(refresh_token="a" * 2_000_000),
    "no_expires_in": _without("expires_in"),
    "null_expires_in": _with(expires_in=None),
    "text_expires_in": _with(expires_in="3600"),
    "word_expires_in": _with(expires_in="soon"),
    "zero_expires_in": _with(expires_in=0),
    "negative_expires_in": _with(expires_in=-1),
    "huge_expires_in": _with(expires_in=1_000_000_000_000),
    "endless_expires_in": _number("1" * 5000),
    "float_expires_in": _with(expires_in=3599.5),
    "true_expires_in": _with(expires_in=True),
    "list_expires_in": _with(expires_in=[3600]),
    "nan_expires_in": _number("NaN"),
    "infinite_expires_in": _number("Infinity"),
    "overflowing_expires_in": _number("1e999"),
    "mac_token_type": _with(token_type="mac"),
    "number_token_type": _with(token_type=1),
    "number_scope": _with(scope=5),
    "list_scope": _with(scope=["read_orders"]),
    "error_beside_tokens": _with(error="invalid_grant"),
    "only_an_error": _raw(b'{"error":"server_error"}'),
    "strange_error": _raw(b'{"error":{"code":42}}', status=400),
    "error_without_words": _raw(b"{}", status=400),
    "empty_object": _raw(b"{}"),
    "empty": _raw(b""),
    "no_content": _raw(b"", status=204),
    "created": lambda said: Malformed(_json(said).body, 201),
    "page": _raw(_PAGE, content_type="text/html"),
    "page_as_json": _raw(_PAGE),
    "page_refused": _raw(_PAGE, status=400, content_type="text/html"),
    "null": _raw(b"null"),
    "text": _raw(b'"ok"'),
    "number": _raw(b"42"),
    "list": lambda said: Malformed(json.dumps([said]).encode()),
    "nested": _raw(b"[" * 100_000 + b"]" * 100_000),
    "half": _written(lambda body: body[: len(body) // 2]),
    "trailing_words": _written(lambda body: body + b"\nOK"),
    "two_objects": _written(lambda body: body + body),
    "doubled_access_token": _under("access_token"),
    "doubled_refresh_token": _under("refresh_token"),
    "byte_order_mark": _written(lambda body: b"\xef\xbb\xbf" + body),
    "utf16": _written(lambda body: body.decode().encode("utf-16")),
    "not_utf8": _written(lambda body: body.replace(b'"token_type"', b'"token\xfftype"') + b" \xff"),
    "form_encoded": lambda said: Malformed(
        "&".join(f"{name}={value}" for name, value in said.items()).encode(),
        content_type="application/x-www-form-urlencoded",
    ),
}
