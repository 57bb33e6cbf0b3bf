"""What must not get into a log: credentials by their shape, by their name, and the ones that we know ourselves."""

import re
from collections.abc import Iterable, Mapping
from typing import Any

from structlog.typing import EventDict

HIDDEN = "•••"
#: Characters of one text that a log keeps; a hostile page must not fill the disk.
LONGEST = 20_000

#: What credentials look like, whoever wrote them down.
_SHAPES = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[\w.\-]{6,}|xapp-[\w.\-]{6,}|xoxe[\w.\-]{6,}"
    r"|\btdk_\w{8,}|shp(?:at|ss|ca|pa|rt)_[0-9a-zA-Z]{8,}|Atz[ar]\|[\w\-+/=]{8,}|amzn1\.oa2-cs\.v1\.\w{8,}"
    r"|\beyJ[\w\-]{8,}\.[\w\-]{4,}(?:\.[\w\-]*){0,3}"
    r"|(?<=[Bb]earer )[\w.\-~+/=]{6,}|(?<=[Bb]asic )[\w+/=]{6,}"
    r"|(?<=://)[^/\s:@\"]{0,200}:[^/\s@\"]{1,500}(?=@)"
    r"|(?<=hooks\.slack\.com/)[\w/\-%.]+|(?<=/response/)[\w\-%.]+"
    # Links to connect by, and the one-time codes that go with them, as a person reads them.
    r"|(?<=/connect/l/)[\w\-]+|\b\d{4} \d{4}\b"
)
_NAMES = r"token|secret|passw(?:or)?d|authorization|signature|cookie|credential|response_url|api[_-]?key"
#: Fields that hold a secret whatever it looks like.
_NAMED = re.compile(_NAMES, re.IGNORECASE)
_HEADER_LINE = re.compile(r"(\b(?:proxy-)?authorization|(?:set-)?cookie)(:[ \t]*)[^\r\n\"']+", re.IGNORECASE)
#: A name and its value inside of a text: key=value, "key": "value", ('key', b'value'), key: value.
_PAIR = re.compile(
    rf"((?:{_NAMES})[\w\-]{{0,40}}['\"]?)"
    r"(\s{0,3}=\s{0,3}|:|\s{0,3}:\s{1,3}(?=b?['\"])|\s{0,3},\s{0,3}(?=b?['\"])|:\s{1,3}(?=\S*\d\S*|\S{16}))"
    r"(?:b?'(?:[^'\\]|\\.)+'|b?\"(?:[^\"\\]|\\.)+\"|[^\s,;&\"'()\[\]{}]+)",
    re.IGNORECASE,
)
#: Parts of addresses that are credentials for a while.
_QUERY = re.compile(r"([?&](?:\w{1,40}_)?(?:code|state|nonce|ticket|hmac|id_token)=)[^&\s\"'<>]+", re.IGNORECASE)
_SHORTEST_KNOWN = 8


class Redactor:
    """Hides credentials; `known` are those of this process, hidden wherever they appear and whatever they look like."""

    def __init__(self, known: Iterable[str] = ()) -> None:
        mine = sorted({text for text in known if len(text) >= _SHORTEST_KNOWN}, key=len, reverse=True)
        self._known = re.compile("|".join(map(re.escape, mine))) if mine else None

    def hide(self, text: str) -> str:
        """Return the text with every credential hidden, and cut when it is endless."""
        if self._known is not None:
            text = self._known.sub(HIDDEN, text)
        if len(text) > LONGEST:
            text = f"{text[:LONGEST]}… ({len(text)} characters)"
        for pattern in (_HEADER_LINE, _PAIR):
            text = pattern.sub(rf"\1\2{HIDDEN}", text)
        return _SHAPES.sub(HIDDEN, _QUERY.sub(rf"\1{HIDDEN}", text))

    def __call__(self, _logger: object, _method: str, event: EventDict) -> EventDict:
        """Hide secrets in an event, by the names of its fields and by what the values look like; for structlog."""
        return self._mapping(event)

    def _mapping(self, fields: Mapping[Any, Any]) -> dict[str, Any]:
        return {self.hide(str(name)): self._field(str(name), value) for name, value in fields.items()}

    def _field(self, name: str, value: Any) -> Any:
        counted = value is None or isinstance(value, bool | int | float)
        return HIDDEN if _NAMED.search(name) and value and not counted else self._value(value)

    def _value(self, value: Any) -> Any:
        if value is None or isinstance(value, bool | int | float):
            return value
        if isinstance(value, Mapping):
            return self._mapping(value)
        if isinstance(value, tuple) and len(value) == 2 and isinstance(value[0], str | bytes):
            return [self.hide(str(value[0])), self._field(str(value[0]), value[1])]
        if isinstance(value, list | tuple):
            return [self._value(item) for item in value]
        return self.hide(value if isinstance(value, str) else str(value))


def hide(text: str) -> str:
    """Return the text with everything that looks like a credential hidden."""
    return Redactor().hide(text)
