"""Numbers of records and amounts of money in a sentence."""

import re

from bot.asking.language import Language
from bot.asking.marks import Marks

_AMOUNT = re.compile(r"(?<![^ ])[$€£]? ?(\d{1,3}(?:,\d{3})+(?:\.\d{1,2})?|\d{1,12}\.\d{2})(?![^ ])")
_COINED = re.compile(r"(?<![^ ])[$€£] ?(\d{1,12}(?:\.\d{1,2})?)(?![^ ])")
#: ids that look like nothing else: INV-20391, 112-4821973-6630218, #1042
_SHAPED = re.compile(r"(?<![^ ])(#\d{1,20}|[a-z]{2,6}-?\d{3,15}|\d{2,5}(?:-\d{3,10}){1,3})(?![^ ])")
_ALONE = re.compile(r"(?<![^ ])(\d{3,15})(?![^ ])")


def mark_records(text: str, known: Language, marks: Marks, *, alone: bool) -> str:
    """Return the text with amounts and numbers of records marked; `alone`: a bare number is one as well."""
    for pattern in (_AMOUNT, _COINED, known.with_currency):
        text = pattern.sub(lambda found: marks.put("A", found[1].replace(",", "")), text)
    text = known.numbered.sub(lambda found: f"{found[1]} {marks.put('D', found[2].lstrip('# '))}", text)
    text = _SHAPED.sub(lambda found: _shaped(found, marks), text)
    if alone:
        text = _ALONE.sub(lambda found: marks.put("D", found[1]), text)
    return text


def _shaped(found: re.Match[str], marks: Marks) -> str:
    word = found[1]
    # A year with a month is a date.
    if re.fullmatch(r"\d{4}-\d{2}(?:-\d{2})?", word):
        return word
    return marks.put("D", word.lstrip("#"))
