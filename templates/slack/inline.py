"""Running text as Slack's mrkdwn, plain text and rich text; nothing from outside can become a token or a format."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from storage.facts.messages import Code, Inline, Link, Person, Sign, Strong, When
from templates import times
from templates.slack import limits
from templates.text import clean, clusters, shorten, size

_USER = re.compile("[UW][A-Z0-9]{2,20}")
_FORMATS = str.maketrans(
    {"*": "\N{ASTERISK OPERATOR}", "~": "\N{TILDE OPERATOR}", "`": "\N{MODIFIER LETTER GRAVE ACCENT}"}
)
#: An underscore inside a word is harmless (quickbooks_123); at its edge it starts or ends italics.
_EDGE_UNDERSCORE = re.compile(r"(?<![^\W_])_|_(?![^\W_])")
_EMOJI = re.compile(r":([\w+'-]{1,100})(?=:)")
_SIGN = re.compile(r"[a-z][a-z0-9_]{1,40}")
_BRACKETS = str.maketrans(
    {"<": "\N{SINGLE LEFT-POINTING ANGLE QUOTATION MARK}", ">": "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}"}
)
_ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
#: Longer words are said in several pieces, and so many of them.
_PIECE, _MOST_PIECES = 100, 16


@dataclass(frozen=True, slots=True)
class Reader:
    """Who reads: the workspace (a person of it is mentioned) and the zone of the fallback text of dates."""

    team_id: str | None = None
    zone: str = "UTC"
    #: what is shown stays open: how long ago something was is counted by the reader's Slack, each time it is looked at
    stays: bool = False


def plain(text: str, limit: int, *, empty: str = "–") -> str:
    """Return text for plain_text objects and raw cells: no angle brackets, never empty, at most `limit` long."""
    return shorten(clean(text).strip().translate(_BRACKETS), limit) or empty


def neutral(text: str) -> str:
    """Return text with every character that could start a format replaced by one that looks like it."""
    text = _EDGE_UNDERSCORE.sub("\N{FULLWIDTH LOW LINE}", text.translate(_FORMATS))
    text = _EMOJI.sub(lambda found: found[0] if found[1].isdigit() else "\N{RATIO}" + found[1], text)
    return "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK}" + text[1:] if text.startswith(">") else text


def escape(text: str) -> str:
    """Return text in which & < > cannot start anything."""
    return "".join(_ENTITIES.get(character, character) for character in text)


def mrkdwn(parts: Sequence[Inline], reader: Reader, limit: int = limits.TEXT) -> str:
    """Return the parts as mrkdwn of at most `limit` units; what does not fit ends in "…", never inside a token."""
    out, room = "", limit
    for position, part in enumerate(parts):
        last = position == len(parts) - 1
        rendered = _one(part, reader, room if last else room - 1)
        if rendered is None:
            return out + "…" if size(out) < limit else out
        if rendered.text and _joins(out, rendered.text):
            rendered = _Fitted("\u200b" + rendered.text, rendered.whole)
        if size(rendered.text) > room:
            return out + "…" if room else out
        out, room = out + rendered.text, room - size(rendered.text)
        if not rendered.whole:
            break
    return out


def summary(text: str) -> str:
    """Return the top-level text: escaped, neutral, never empty."""
    return mrkdwn((clean(text).strip() or "–",), Reader(), limits.SUMMARY)


@dataclass(frozen=True, slots=True)
class _Fitted:
    text: str
    whole: bool


def _joins(before: str, after: str) -> bool:
    """Whether a format mark would touch a letter, where Slack does not see it as one."""
    return bool(before) and ((after[0] in "*`" and before[-1].isalnum()) or (before[-1] in "*`" and after[0].isalnum()))


def _one(part: Inline, reader: Reader, room: int) -> _Fitted | None:
    """Return one part fitted into the room; None where a token has no room at all."""
    if isinstance(part, Strong):
        return _wrapped("*", neutral(clean(part.text)), room)
    if isinstance(part, Code):
        return _wrapped("`", clean(part.text).replace("`", "'"), room)
    if isinstance(part, str):
        return _fit(neutral(clean(part)), room)
    token = _token(part, reader)
    return _Fitted(token, whole=True) if size(token) <= room else None


def _wrapped(mark: str, text: str, room: int) -> _Fitted:
    """Mark the text; spaces at its ends stay outside, since Slack sees no mark next to a space."""
    inner = text.strip()
    before, after = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
    if not inner:
        return _Fitted("", whole=True)
    fitted = _fit(inner, room - 2 - len(before) - len(after))
    return _Fitted(f"{before}{mark}{fitted.text}{mark}{after}" if fitted.text else "", fitted.whole)


def _fit(text: str, room: int) -> _Fitted:
    """Escape as much as fits; with "…" where something had to go."""
    escaped = escape(text)
    if size(escaped) <= room:
        return _Fitted(escaped, whole=True)
    kept: list[str] = []
    room -= 1
    for cluster in clusters(text):
        piece = escape(cluster)
        room -= size(piece)
        if room < 0:
            break
        kept.append(piece)
    return _Fitted("".join(kept).rstrip() + "…", whole=False)


def _token(part: When | Person | Link | Sign, reader: Reader) -> str:
    if isinstance(part, Sign):
        return f":{_sign(part)}:"
    if isinstance(part, When):
        return _date(part, reader)
    if isinstance(part, Person):
        if mentioned(part, reader):
            return f"<@{part.user_id}>"
        return escape(neutral(shorten(clean(part.name).strip(), limits.CELL)))
    text = escape(neutral(plain(part.text, limits.CELL).replace("|", "/")))
    return f"<{address(part.url)}|{text}>"


def _sign(sign: Sign) -> str:
    """Return the name of a picture; ValueError for what cannot be one, which never comes from outside."""
    if not _SIGN.fullmatch(sign.name):
        raise ValueError("not the name of a picture")
    return sign.name


def _date(when: When, reader: Reader) -> str:
    pattern = "{time}" if when.short else "{date_short_pretty} at {time}"
    if reader.stays and when.now:
        pattern += " ({ago})"
    token = f"<!date^{int(when.at.timestamp())}^{pattern}|{times.absolute(when.at, reader.zone)}>"
    return token if reader.stays else token + _relative(when)


def _relative(when: When) -> str:
    return f" ({times.distance(when.at, when.now)})" if when.now else ""


def mentioned(person: Person, reader: Reader) -> bool:
    """Whether the person can be mentioned: same workspace, and an id that is one."""
    known = person.team_id is not None and person.team_id == reader.team_id
    return known and bool(person.user_id and _USER.fullmatch(person.user_id))


def address(url: str) -> str:
    """Return a link of ours fit for a token; ValueError for what cannot be one."""
    parsed = urlsplit(url)
    if (
        parsed.scheme not in {"http", "https"}
        or not parsed.netloc
        or not url.isascii()
        or not url.isprintable()
        or " " in url
    ):
        raise ValueError("not a link of ours")
    if len(url) > limits.URL:
        raise limits.TooLong("a link longer than Slack carries")
    return url.replace("|", "%7C").replace("<", "%3C").replace(">", "%3E")


def cell(parts: Sequence[Inline], reader: Reader) -> dict[str, Any]:
    """Return a table cell: raw text, or rich text where there is a date, which each reader sees in their own zone."""
    if all(isinstance(part, str) for part in parts):
        return {"type": "raw_text", "text": plain("".join(str(part) for part in parts), limits.CELL)}
    elements = [element for part in parts if (element := _rich(part, reader))]
    section = {"type": "rich_text_section", "elements": elements or [{"type": "text", "text": "–"}]}
    return {"type": "rich_text", "elements": [section]}


def rich_text(parts: Sequence[Inline], reader: Reader) -> dict[str, Any]:
    """Return words of any length as rich text, never empty."""
    pieces = [piece for part in parts for piece in _pieces(part)][:_MOST_PIECES]
    elements = [element for piece in pieces if (element := _rich(piece, reader))]
    section = {"type": "rich_text_section", "elements": elements or [{"type": "text", "text": "–"}]}
    return {"type": "rich_text", "elements": [section]}


def _pieces(part: Inline) -> Sequence[Inline]:
    if not isinstance(part, str):
        return (part,)
    return [part[at : at + _PIECE] for at in range(0, len(part), _PIECE)]


def _rich(part: Inline, reader: Reader) -> dict[str, Any] | None:
    if isinstance(part, When):
        return {
            "type": "date",
            "timestamp": int(part.at.timestamp()),
            "format": ("{time}" if part.short else "{date_short_pretty} at {time}") + _relative(part),
            "fallback": times.absolute(part.at, reader.zone) + _relative(part),
        }
    if isinstance(part, Person):
        return {"type": "user", "user_id": part.user_id} if mentioned(part, reader) else _text(part.name)
    if isinstance(part, Link):
        return {"type": "link", "url": address(part.url), "text": plain(part.text, limits.CELL)}
    if isinstance(part, Sign):
        return {"type": "emoji", "name": _sign(part)}
    if isinstance(part, str):
        return _text(part)
    return _text(part.text, "bold" if isinstance(part, Strong) else "code")


def _text(text: str, style: str | None = None) -> dict[str, Any] | None:
    shown = shorten(clean(text).translate(_BRACKETS), limits.CELL)
    if not shown:
        return None
    return {"type": "text", "text": shown} | ({"style": {style: True}} if style else {})
