"""XML that we write, in characters that everybody reads alike: ASCII, and numbers for the rest."""

import unicodedata

_NAMED = {"&": "&amp;", "<": "&lt;", ">": "&gt;", '"': "&quot;", "'": "&apos;"}
#: what QuickBooks Desktop can keep
_KEPT = "cp1252"


def plain(text: str) -> str:
    """Return the text on one line, without control characters and without blanks at its ends."""
    composed = unicodedata.normalize("NFC", text)
    return " ".join("".join(" " if _is_control(one) else one for one in composed).split())


def can_keep(text: str) -> bool:
    """Whether QuickBooks Desktop has all of these characters."""
    return all(_fits(one) for one in plain(text))


def nearest(text: str) -> str:
    """Return the text with the characters that QuickBooks Desktop has: letters without their marks, else `?`."""
    return "".join(one if _fits(one) else _without_marks(one) for one in plain(text))


def escaped(text: str, *, whole: bool = False) -> str:
    """Return text as it stands in a document; `whole` for one in UTF-8 that is none of QuickBooks Desktop's."""
    made = "".join(" " if _is_control(one) and one not in "\n\t" else one for one in text) if whole else nearest(text)
    return "".join(_NAMED.get(one) or (one if one.isascii() else f"&#{ord(one)};") for one in made)


def leaf(name: str, text: str, *, whole: bool = False) -> str:
    """Return an element with nothing but text."""
    return f"<{name}>{escaped(text, whole=whole)}</{name}>"


def node(name: str, inside: str) -> str:
    """Return an element around others."""
    return f"<{name}>{inside}</{name}>"


def _is_control(one: str) -> bool:
    return unicodedata.category(one) in {"Cc", "Cs", "Cn", "Zl", "Zp"}


def _fits(one: str) -> bool:
    try:
        one.encode(_KEPT)
    except UnicodeEncodeError:
        return False
    return True


def _without_marks(one: str) -> str:
    letters = "".join(part for part in unicodedata.normalize("NFKD", one) if not unicodedata.combining(part))
    return letters if letters and all(_fits(part) for part in letters) else "?"
