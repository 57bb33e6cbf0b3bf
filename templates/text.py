"""Text from outside, made harmless before any renderer sees it, and small helpers for words and numbers."""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from decimal import Decimal

#: Direction overrides, invisible marks and tag characters: they make text look like something that it is not.
_HIDDEN = re.compile(
    "[\u00ad\u061c\u180e\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb\U000e0000-\U000e007f]"
)
_SPACE = re.compile("[\\s\x00-\x1f\x7f-\x9f\u2028\u2029]+")
_SURROGATE = re.compile("[\ud800-\udfff]")
#: Marks that may sit on one letter; more than this is an attack on the reader's eyes.
_MARKS = 4
#: Digits of a number that is written out.
_DIGITS = 30
#: Longest text that is looked at; no surface of ours shows more of one piece.
_LONGEST = 20_000


def clean(text: str) -> str:
    """Return text on one line without control, direction and invisible characters; outer spaces stay."""
    if len(text) <= _LONGEST and text.isascii() and text.isprintable() and "  " not in text:
        # Most names and all words of ours: nothing below would find anything.
        return text
    cut = len(text) > _LONGEST
    text = _SURROGATE.sub("\ufffd", text[:_LONGEST])
    text = _SPACE.sub(" ", _HIDDEN.sub("", text))
    if not text.isascii():
        text = _tame_marks(text)
    return text + "…" if cut else text


def label(text: str, *, empty: str = "–") -> str:
    """Return a name to be shown on its own: clean, without outer spaces, a dash where nothing is left."""
    return clean(text).strip() or empty


def _tame_marks(text: str) -> str:
    kept: list[str] = []
    marks = 0
    for character in text:
        marks = marks + 1 if unicodedata.category(character)[0] == "M" else 0
        if marks <= _MARKS:
            kept.append(character)
    return "".join(kept)


def clusters(text: str) -> Iterable[str]:
    """Yield each character with the marks and joined characters that belong to it: cutting between is safe."""
    cluster = ""
    for character in text:
        joins = unicodedata.category(character)[0] == "M" or character == "\u200d" or cluster.endswith("\u200d")
        if cluster and not joins:
            yield cluster
            cluster = ""
        cluster += character
    if cluster:
        yield cluster


def size(text: str) -> int:
    """Return the length as the strictest counter would see it: UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def shorten(text: str, limit: int) -> str:
    """Return at most `limit` units of the text, ending in "…" where something was left out."""
    if size(text) <= limit:
        return text
    kept, room = [], limit - 1
    for cluster in clusters(text):
        room -= size(cluster)
        if room < 0:
            break
        kept.append(cluster)
    return "".join(kept).rstrip() + "…" if limit > 0 else ""


def beginning(words: str) -> str:
    """Return words as they begin a sentence."""
    return words[:1].upper() + words[1:]


def number(value: int) -> str:
    """Return a count as people read it: ``12,034``."""
    return f"{value:,}"


def figure(value: Decimal | None) -> str:
    """Return an exact amount as people read it, without needless zeros: ``1,204.5``; a dash for none."""
    if value is None or not value.is_finite():
        return "–"
    if value and not -_DIGITS < value.adjusted() < _DIGITS:
        return f"{value:.3e}"
    shown = f"{value:,f}"
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def counted(value: int, one: str, many: str | None = None) -> str:
    """Return ``1 row``, ``2 rows``; `many` where adding an s is wrong."""
    return f"{number(value)} {one if value == 1 else many or one + 's'}"


def full_stop(text: str) -> str:
    """Return a sentence with its full stop, which a name such as ``Temerity Goods Inc.`` brings along."""
    return text if text.endswith(".") else f"{text}."


def listed(names: Sequence[str], *, joint: str = "and", most: int = 5) -> str:
    """Return ``A, B and C``; beyond `most` names ``A, B, C, D, E and 7 more``."""
    shown = [label(name) for name in names[:most]]
    if len(names) > most:
        return f"{', '.join(shown)} {joint} {number(len(names) - most)} more"
    if len(shown) < 2:
        return "".join(shown)
    return f"{', '.join(shown[:-1])} {joint} {shown[-1]}"
