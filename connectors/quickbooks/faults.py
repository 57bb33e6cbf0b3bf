"""What QuickBooks' answers mean. Faults come as JSON in two spellings and as XML, even with 200; their codes decide."""

import re
from dataclasses import dataclass

import msgspec

from connectors.backoff import LONGEST_RETRY_AFTER
from connectors.errors import THROTTLED, TOKEN_REJECTED, Broken, ConnectorError, Reconnect, Retry
from connectors.wire import Answer

#: QuickBooks asks to wait a minute; its Retry-After, where there is one, is not to be relied on.
THROTTLE_SECONDS = 60.0

_FAULT_TYPE = re.compile(rb"<Fault[^>]*\btype=\"([A-Za-z]{1,40})\"")
_ERROR_CODE = re.compile(rb"<Error[^>]*\bcode=\"([0-9]{1,8})\"")


@dataclass(frozen=True, slots=True)
class Fault:
    """A fault's type (lower-cased) and its codes, without leading zeros."""

    type: str
    codes: frozenset[str]


class _Error(msgspec.Struct):
    code: str | int | None = None


class _Fault(msgspec.Struct):
    upper: list[_Error] | None = msgspec.field(name="Error", default=None)
    lower: list[_Error] | None = msgspec.field(name="error", default=None)
    type: str | None = None


class _Envelope(msgspec.Struct):
    upper: _Fault | None = msgspec.field(name="Fault", default=None)
    lower: _Fault | None = msgspec.field(name="fault", default=None)


_DECODER = msgspec.json.Decoder(_Envelope)


def fault(body: bytes) -> Fault | None:
    """Find the fault in a body of any shape; None when it holds none."""
    start = body[:200].lstrip(b"\xef\xbb\xbf \t\r\n")[:1]
    return _from_xml(body[:20_000]) if start == b"<" else _from_json(body)


def _from_xml(body: bytes) -> Fault | None:
    kind = _FAULT_TYPE.search(body)
    codes = _ERROR_CODE.findall(body)
    if kind is None and not codes:
        return None
    return Fault(kind.group(1).decode().lower() if kind else "", frozenset(map(_plain, (c.decode() for c in codes))))


def _from_json(body: bytes) -> Fault | None:
    try:
        said = _DECODER.decode(body)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        return None
    found = said.upper or said.lower
    if found is None:
        return None
    errors = found.upper or found.lower or []
    codes = frozenset(_plain(str(error.code)) for error in errors if error.code is not None)
    return Fault((found.type or "").lower(), codes)


def _plain(code: str) -> str:
    return code.strip().lstrip("0")


#: code -> (our code, words) of faults that neither time nor a new grant cures
_BROKEN = {
    "120": ("no_access", "the connected user has no access to this QuickBooks company's data"),
    "3100": (
        "wrong_environment",
        "the access is not for this company, or the app's keys are not (development against production)",
    ),
    "6190": ("subscription_lapsed", "the QuickBooks subscription of this company has lapsed"),
    "610": ("not_found", "QuickBooks does not know what we asked for"),
    "4000": ("query_refused", "QuickBooks did not understand our query"),
    "4001": ("query_refused", "QuickBooks did not understand our query"),
}


def judge(answer: Answer) -> ConnectorError | None:
    """Return what stands against using the answer; of a 200 only a fault does."""
    found = fault(answer.body)
    if found is not None:
        return judge_fault(found, answer)
    return None if answer.status == 200 else _by_status(answer)


def judge_fault(found: Fault, answer: Answer) -> ConnectorError:
    """Say what a fault means."""
    named, codes = answer.request_id, found.codes
    if "3001" in codes or answer.status == 429:
        return throttled(answer)
    for code in codes & _BROKEN.keys():
        word, detail = _BROKEN[code]
        return Broken(detail, code=word, request_id=named)
    if "3201" in codes:
        return Reconnect("the grant is not for this QuickBooks company", code="company_not_granted", request_id=named)
    if answer.status == 401 or found.type.startswith("authentication") or "3200" in codes or codes & _AUTHENTICATION:
        return Reconnect("QuickBooks no longer accepts our token", code=TOKEN_REJECTED, request_id=named)
    if answer.status >= 500 or found.type == "systemfault" or any(len(code) >= 5 for code in codes):
        return Retry(None, "QuickBooks failed inside", code="server_error", request_id=named)
    number = f" (code {min(codes)})" if codes else ""
    return Broken(f"QuickBooks refused the request{number}", code="request_refused", request_id=named)


def judge_json(answer: Answer) -> ConnectorError | None:
    """Judge an answer that must be JSON; a page in its place is tried again."""
    problem = judge(answer)
    if problem is None and answer.status == 200 and answer.body[:200].lstrip()[:1] != b"{":
        detail = "QuickBooks answered with something that is no data"
        return Retry(None, detail, code="not_json", request_id=answer.request_id)
    return problem


_AUTHENTICATION = frozenset(map(str, range(1, 500)))


def throttled(answer: Answer) -> Retry:
    """A minute, or longer where QuickBooks says so."""
    header = answer.headers.get("retry-after", "")
    said = float(header) if re.fullmatch(r"[0-9]{1,6}", header, re.ASCII) else 0.0
    after = min(max(THROTTLE_SECONDS, said), LONGEST_RETRY_AFTER)
    return Retry(after, "QuickBooks asked us to slow down", code=THROTTLED, request_id=answer.request_id)


def _by_status(answer: Answer) -> ConnectorError | None:
    named, status = answer.request_id, answer.status
    if status == 429:
        return throttled(answer)
    if status >= 500:
        return None
    if status == 401:
        return Reconnect("QuickBooks no longer accepts our token", code=TOKEN_REJECTED, request_id=named)
    if status == 403:
        return Broken("QuickBooks refuses us access to this company", code="access_refused", request_id=named)
    return Broken(f"QuickBooks refused the request (HTTP {status})", code="request_refused", request_id=named)
