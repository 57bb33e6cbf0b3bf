"""What Amazon's answers mean. An expired token is a 403 like every other refusal; only `details` tells them apart."""

import re

import msgspec

from connectors.errors import THROTTLED, TOKEN_REJECTED, Broken, ConnectorError, Reconnect, Retry
from connectors.wire import Answer

#: Amazon names no time to wait; the slowest call that we make has a turn about once a minute.
THROTTLE_SECONDS = 60.0
_TOKEN = re.compile(r"access token", re.IGNORECASE)
_ROLE = re.compile(r"data roles?", re.IGNORECASE)


class _Error(msgspec.Struct):
    code: str | None = None
    details: str | None = None


class _Errors(msgspec.Struct):
    errors: list[_Error] = []


_DECODER = msgspec.json.Decoder(_Errors)


def judge(answer: Answer) -> ConnectorError | None:
    """Return what stands against using the answer."""
    named, status = answer.request_id, answer.status
    if status in {200, 202}:
        if answer.body[:200].lstrip()[:1] == b"{":
            return None
        return Retry(None, "Amazon answered with something that is no data", code="not_json", request_id=named)
    if status == 429:
        return Retry(THROTTLE_SECONDS, "Amazon asked us to slow down", code=THROTTLED, request_id=named)
    if status >= 500:
        return None
    if status in {401, 403}:
        return _denied(answer)
    return Broken(f"Amazon refused the request (HTTP {status})", code="request_refused", request_id=named)


def _denied(answer: Answer) -> ConnectorError:
    named, why = answer.request_id, details(answer)
    if _TOKEN.search(why) or (answer.status == 401 and not why):
        return Reconnect("Amazon no longer accepts our token", code=TOKEN_REJECTED, request_id=named)
    if _ROLE.search(why):
        words = "our app lacks a role at Amazon that this data needs: its operator must ask Amazon for it"
        return Broken(words, code="role_missing", request_id=named)
    words = "Amazon refuses access: the seller account is closed or suspended, or belongs to another region"
    return Broken(words, code="access_refused", request_id=named)


def details(answer: Answer) -> str:
    """Return what Amazon says about a refusal; empty when it says nothing readable."""
    try:
        found = _DECODER.decode(answer.body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return ""
    return " ".join(error.details or "" for error in found.errors).strip()
