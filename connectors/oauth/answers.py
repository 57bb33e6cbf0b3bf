"""Reading a token service's answer strictly: what is not plainly a whole new set of tokens changes nothing."""

import json
import re
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from connectors.backoff import http_date, retry_after
from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.tokens import Tokens
from connectors.wire import Answer
from storage.facts.secret import Secret

#: The token service does not know our app's secret.
INVALID_CLIENT = "invalid_client"
#: The token service refused for a reason that is none of the known ones.
TOKEN_REFUSED = "token_refused"  # noqa: S105 - a code, not a credential
#: The grant, or the code that was to become one, is dead.
INVALID_GRANT = "invalid_grant"

_TOKEN = re.compile(r"[\x21-\x7e]{1,8192}", re.ASCII)
_SCOPE = re.compile(r"[\x21\x23-\x5b\x5d-\x7e]{1,200}", re.ASCII)
_LONGEST_LIFE = 10 * 366 * 86400


def read_tokens(answer: Answer, before: Tokens, now: datetime, *, rotates: bool) -> Tokens:
    """Return the new tokens, or raise what the answer means.

    What the provider leaves out and may leave out (scopes that are those asked for, the ends of the grant, a refresh
    token that does not rotate) stays as it was before.
    """
    if answer.status == 429 or answer.status >= 500:
        after = retry_after(answer.headers.get("retry-after"), now)
        raise _silent("is not answering", answer, after)
    said = _strict_object(answer)
    if "error" in said and "access_token" in said:
        raise _malformed("error", answer)  # a yes and a no at once is neither
    if answer.status != 200 or "error" in said:
        raise refusal(said, answer)
    return Tokens(
        access=_access(said, answer),
        refresh=_refresh(said, before, answer, rotates=rotates),
        expires_at=now + _life(said, "expires_in", answer),
        refresh_expires_at=_end(said, ("x_refresh_token_expires_in", "refresh_token_expires_in"), now, answer)
        or before.refresh_expires_at,
        hard_expires_at=_end(said, ("x_refresh_token_hard_expires_in",), now, answer) or before.hard_expires_at,
        scopes=_scopes(said, before, answer),
    )


def refusal_of(answer: Answer) -> ConnectorError:
    """Say what an answer that is no success means."""
    if answer.status == 429 or answer.status >= 500:
        now = http_date(answer.headers.get("date"))
        return _silent("is not answering", answer, retry_after(answer.headers.get("retry-after"), now) if now else None)
    try:
        return refusal(_strict_object(answer), answer)
    except ConnectorError as unreadable:
        return unreadable


def refusal(said: Mapping[str, Any], answer: Answer) -> ConnectorError:
    """Say what OAuth's error word means; the provider's own text is never looked at."""
    named = answer.request_id
    error = said.get("error")
    code = error if isinstance(error, str) else ""
    if code == "invalid_grant":
        return Reconnect("the provider no longer accepts this grant", code=INVALID_GRANT, request_id=named)
    if code in {"temporarily_unavailable", "server_error"}:
        return _silent("is not answering", answer)
    if code in {"invalid_client", "unauthorized_client"}:
        return Broken("the provider refuses our app's own keys", code=INVALID_CLIENT, request_id=named)
    detail = "the provider refused to give a token for a reason we do not know"
    return Broken(detail, code=TOKEN_REFUSED, request_id=named)


def _silent(how: str, answer: Answer, after: float | None = None) -> Retry:
    detail = f"the provider's token service {how}"
    return Retry(after, detail, code="token_service", request_id=answer.request_id)


def _strict_object(answer: Answer) -> Mapping[str, Any]:
    """Read a JSON object without duplicate keys; anything else (a proxy's page) says nothing about the grant."""
    try:
        said = json.loads(answer.body.decode(), object_pairs_hook=_unique, parse_constant=_no_constant)
    except (ValueError, RecursionError) as error:
        raise _silent("answered with something else", answer) from error
    if not isinstance(said, dict):
        raise _malformed("no object", answer)
    return said


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise ValueError("duplicate key")
    return found


def _no_constant(name: str) -> float:
    raise ValueError(name)


def _malformed(what: str, answer: Answer) -> Broken:
    return Broken(
        f"the provider's token answer cannot be used ({what}); what we had is kept",
        code="token_malformed",
        request_id=answer.request_id,
    )


def _access(said: Mapping[str, Any], answer: Answer) -> Secret:
    if str(said.get("token_type", "bearer")).lower() != "bearer":
        raise _malformed("token_type", answer)
    return _token(said, "access_token", answer)


def _refresh(said: Mapping[str, Any], before: Tokens, answer: Answer, *, rotates: bool) -> Secret:
    if "refresh_token" not in said and not rotates and before.refresh is not None:
        return before.refresh
    return _token(said, "refresh_token", answer)


def _token(said: Mapping[str, Any], name: str, answer: Answer) -> Secret:
    value = said.get(name)
    if not isinstance(value, str) or not _TOKEN.fullmatch(value):
        raise _malformed(name, answer)
    return Secret(value)


def _life(said: Mapping[str, Any], name: str, answer: Answer) -> timedelta:
    value = said.get(name)
    if isinstance(value, bool) or not isinstance(value, int) or not 1 <= value <= _LONGEST_LIFE:
        raise _malformed(name, answer)
    return timedelta(seconds=value)


def _end(said: Mapping[str, Any], names: tuple[str, ...], now: datetime, answer: Answer) -> datetime | None:
    for name in names:
        if said.get(name) is not None:
            return now + _life(said, name, answer)
    return None


def _scopes(said: Mapping[str, Any], before: Tokens, answer: Answer) -> tuple[str, ...]:
    value = said.get("scope")
    if value is None:
        return before.scopes
    if not isinstance(value, str):
        raise _malformed("scope", answer)
    found = tuple(part for part in re.split(r"[ ,]+", value) if part)
    if not all(_SCOPE.fullmatch(part) for part in found):
        raise _malformed("scope", answer)
    return found
