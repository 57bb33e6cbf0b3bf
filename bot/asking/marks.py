"""Recognized pieces of a sentence: each stands in the text as a capital and a number, and its value here."""

import re
from typing import Any

_MARK = re.compile(r"[SXTPDAMU]\d{1,3}")


class Marks:
    """The pieces of one sentence."""

    def __init__(self) -> None:
        self._values: dict[str, Any] = {}
        self.texts: dict[str, str] = {}

    def put(self, kind: str, value: object, text: str = "") -> str:
        """Keep a piece and return what stands for it."""
        mark = f"{kind}{len(self._values)}"
        self._values[mark] = value
        self.texts[mark] = text
        return mark

    def of(self, kind: str, text: str) -> list[Any]:
        """Return the values of the pieces of a kind in a text, in order."""
        return [self._values[mark] for mark in _MARK.findall(text) if mark[0] == kind]

    def plain(self, text: str) -> str:
        """Return the text with the words in the place of their marks."""
        return _MARK.sub(lambda found: self.texts.get(found[0]) or str(self._values.get(found[0], "")), text)


def unmarked(text: str) -> str:
    """Return the text without marks."""
    return " ".join(_MARK.sub(" ", text).split())
