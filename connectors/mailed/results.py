"""The header ``Authentication-Results`` (RFC 8601): what the receiving server found out about a mail's sender.

Everybody can write such a header into a mail. Only the topmost one that bears the receiving server's own name counts:
servers put theirs above what came.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

#: Exchange Online puts no name into its header: only the topmost of all counts then, and it must be without one.
NAMELESS = "exchange-online"
_LONGEST = 16 << 10
_VALUE = r'(?:"(?:[^"\\]|\\.)*"|[^\s";\\])+'
_PAIR = re.compile(rf"\s*(?P<name>[A-Za-z0-9_.-]+)(?:/[0-9]+)?\s*=\s*(?P<value>{_VALUE})(?=\s|$)", re.ASCII)
_SEGMENT = re.compile(r'(?:"(?:[^"\\]|\\.)*"|[^";])+')
_NAME = re.compile(r'\s*"?(?P<name>[A-Za-z0-9._-]+)"?(?:\s+[0-9]+)?\s*', re.ASCII)


@dataclass(frozen=True, slots=True)
class Result:
    """What one method said: ``dkim=pass`` with ``header.d``."""

    method: str
    result: str
    #: lower-case name -> value without quotes
    said: dict[str, str]


def results(headers: Sequence[str], receiver: str) -> tuple[Result, ...] | None:
    """Return what the receiver itself said; None: nothing, or nothing that can be read without doubt.

    `headers` are all of a mail, from the top, as they stand in it.
    """
    if receiver == NAMELESS:
        return _read(headers[0], named=False) if headers else None
    for header in headers:
        if _name_of(header) == receiver.lower():
            return _read(header, named=True)
    return None


def _name_of(header: str) -> str | None:
    parts = _segments(header)
    match = _NAME.fullmatch(parts[0]) if parts else None
    return match["name"].lower() if match else None


def _read(header: str, *, named: bool) -> tuple[Result, ...] | None:
    parts = _segments(header)
    if parts is None:
        return None
    found = []
    for part in parts[1:] if named else parts:
        if not part.strip() or part.strip().lower() == "none":
            continue
        one = _result(part)
        if one is None:
            return None
        found.append(one)
    return tuple(found)


def _result(part: str) -> Result | None:
    pairs: list[tuple[str, str]] = []
    at = 0
    while part[at:].strip():
        match = _PAIR.match(part, at)
        if match is None:
            return None
        pairs.append((match["name"].lower(), re.sub(r'\\(.)|"', r"\1", match["value"])))
        at = match.end()
    (method, result), *said = pairs
    if "." in method or len(dict(said)) < len(said):
        # A property that is told twice may be somebody's who wrote the rest of an address.
        return None
    return Result(method, result.lower(), dict(said))


def _segments(header: str) -> list[str] | None:
    """Split at semicolons, outside of quotes and comments; comments are left out. None: it cannot be taken apart."""
    if len(header) > _LONGEST or re.search(r"[^\t\r\n\x20-\x7e]", header):
        return None
    said = _uncommented(header)
    return None if said is None else [match[0] for match in _SEGMENT.finditer(said)]


def _uncommented(header: str) -> str | None:
    kept, depth, quoted = "", 0, False
    for match in re.finditer(r"\\?.", header, re.DOTALL):
        sign = match[0]
        if sign.startswith("\\") and not (quoted or depth):
            return None
        if not depth and sign == '"':
            quoted = not quoted
        elif not quoted and sign in {"(", ")"}:
            depth += 1 if sign == "(" else -1
            sign = " "
        if depth < 0:
            return None
        kept += "" if depth else sign
    return None if depth or quoted else kept
