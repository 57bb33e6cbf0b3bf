"""Text for mail headers: what could start a header, a body or an encoded word of its own is refused.

CPython up to 3.12.1 lets ``=?utf-8?q?…=0D=0A…?=`` in a Subject go out as real new headers (CVE-2024-6923 family), so
that text is refused as well as control characters.
"""

import unicodedata

#: Categories that no header of ours holds: controls, formats (direction marks), surrogates, line and paragraph ends.
_REFUSED = frozenset({"Cc", "Cf", "Cs", "Zl", "Zp"})
#: Joiners of letters and emoji; they are formats too, and harmless.
_JOINERS = frozenset("\u200c\u200d")


class UnsafeHeader(ValueError):  # noqa: N818 - it names what is wrong
    """The text could become something else than header text."""


def safe_header(text: str) -> str:
    """Return the text unchanged, or raise UnsafeHeader; use it for everything that goes into a header."""
    if "=?" in text:
        raise UnsafeHeader("an encoded word in header text")
    for character in text:
        if unicodedata.category(character) in _REFUSED and character not in _JOINERS:
            raise UnsafeHeader(f"U+{ord(character):04X} in header text")
    return text
