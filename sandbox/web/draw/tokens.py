"""The `<…>` tokens of Slack's text: links, mentions, dates."""

import re
from dataclasses import dataclass

_TOKEN = re.compile(r"<([^<>]*)>")
_KINDS: tuple[tuple[str, re.Pattern[str]], ...] = (
    ("user", re.compile(r"@(?P<id>[UW][A-Z0-9]+)(?:\|(?P<label>[^|]*))?")),
    ("channel", re.compile(r"#(?P<id>[CG][A-Z0-9]+)(?:\|(?P<label>[^|]*))?")),
    ("group", re.compile(r"!subteam\^(?P<id>S[A-Z0-9]+)(?:\|(?P<label>[^|]*))?")),
    ("ping", re.compile(r"!(?P<id>here|channel|everyone)(?:\|(?P<label>[^|]*))?")),
    ("date", re.compile(r"!date\^(?P<id>\d{1,11})\^(?P<format>[^|^]+)(?:\^(?P<link>https?://[^|^\s]+))?"
                        r"\|(?P<label>[^|]+)")),
    ("link", re.compile(r"(?P<id>(?:https?://|mailto:|tel:)[^|\s]+)(?:\|(?P<label>[^|]*))?")),
)  # fmt: skip
_DATE_WORDS = frozenset(
    [
        "date_num",
        "date",
        "date_slash",
        "date_short",
        "date_long",
        "date_pretty",
        "date_short_pretty",
        "date_long_pretty",
        "time",
        "time_secs",
        "ago",
        "day_divider_pretty",
    ]
)


@dataclass(frozen=True, slots=True)
class Token:
    """One `<…>` of a text; `kind` is None where Slack would not understand it."""

    raw: str
    kind: str | None
    target: str = ""
    label: str | None = None
    format: str = ""


def parse(inside: str) -> Token:
    """Read what stands between `<` and `>`."""
    for kind, pattern in _KINDS:
        found = pattern.fullmatch(inside)
        if found:
            parts = found.groupdict()
            token = Token(inside, kind, parts["id"], parts["label"], parts.get("format") or "")
            return token if kind != "date" or _date_words_known(token.format) else Token(inside, None)
    return Token(inside, None)


def split(text: str) -> list[str | Token]:
    """Cut a text into plain pieces and tokens, in order."""
    pieces: list[str | Token] = []
    end = 0
    for found in _TOKEN.finditer(text):
        pieces += [text[end : found.start()], parse(found[1])]
        end = found.end()
    return [piece for piece in [*pieces, text[end:]] if piece != ""]


def problems(text: str) -> list[str]:
    """Say what Slack would misread: an unknown token, or a `<` that nothing closes (a name that was not escaped)."""
    found = []
    for piece in split(text):
        if isinstance(piece, Token):
            if piece.kind is None:
                found.append(f"invalid token: <{piece.raw}>")
        elif "<" in piece:
            found.append("unescaped character: <")
    return found


def pings(text: str) -> tuple[str, ...]:
    """Return the mass mentions in the text (here, channel, everyone)."""
    return tuple(piece.target for piece in split(text) if isinstance(piece, Token) and piece.kind == "ping")


def _date_words_known(form: str) -> bool:
    words = re.findall(r"\{([^{}]*)\}", form)
    return bool(words) and all(word in _DATE_WORDS for word in words)
