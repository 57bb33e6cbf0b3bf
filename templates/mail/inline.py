"""Running text for mail: as HTML, everything escaped, and as plain text; times in the zone of whoever reads."""

from collections.abc import Sequence
from urllib.parse import urlsplit

from markupsafe import Markup

from storage.facts.messages import Code, Inline, Link, Person, Strong, When
from templates import times
from templates.text import clean, shorten

#: Longest piece of text in a mail; longer is cut with "…".
LONGEST = 3_000


def html(parts: Sequence[Inline], zone: str) -> Markup:
    """Return the parts as HTML, a dash where there is nothing."""
    return Markup().join(_html(part, zone) for part in parts) or Markup("–")


def text(parts: Sequence[Inline], zone: str) -> str:
    """Return the parts as plain text, a dash where there is nothing."""
    return "".join(_text(part, zone) for part in parts).strip() or "–"


def _html(part: Inline, zone: str) -> Markup:
    if isinstance(part, Strong):
        return Markup("<strong>{}</strong>").format(words(part.text))
    if isinstance(part, Code):
        return Markup(
            '<span class="code" style="font-family:Consolas,Menlo,monospace;font-size:13px">{}</span>'
        ).format(words(part.text))
    if isinstance(part, Link):
        style = "color:#0b5cad;text-decoration:underline"
        return Markup('<a class="link" href="{}" style="{}">{}</a>').format(address(part.url), style, words(part.text))
    if isinstance(part, When):
        return Markup('<span style="white-space:nowrap">{}</span>{}').format(instant(part, zone), _age(part))
    return Markup("{}").format(_text(part, zone))


def _text(part: Inline, zone: str) -> str:
    if isinstance(part, When):
        return instant(part, zone) + _age(part)
    if isinstance(part, Link):
        return f"{words(part.text)} ({address(part.url)})"
    if isinstance(part, Person):
        return words(part.name)
    return words(part) if isinstance(part, str) else words(part.text)


def words(outside: str) -> str:
    """Return text on one line, harmless and not endless."""
    return shorten(clean(outside), LONGEST)


def instant(when: When, zone: str) -> str:
    """Return date, time and zone; the time of day and zone for a short one."""
    return times.time_of_day(when.at, zone) if when.short else times.absolute(when.at, zone)


def _age(when: When) -> str:
    return f" ({times.distance(when.at, when.now)})" if when.now else ""


def address(url: str) -> str:
    """Return a link of ours; ValueError for anything that is not http or https."""
    parsed = urlsplit(url)
    if parsed.scheme not in {"http", "https"} or not parsed.netloc or not url.isascii() or not url.isprintable():
        raise ValueError("not a link of ours")
    return url.replace(" ", "%20").replace('"', "%22").replace("<", "%3C").replace(">", "%3E")
