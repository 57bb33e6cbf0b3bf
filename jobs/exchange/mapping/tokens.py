"""Cuts the text of an expression into words; whatever is none of them is refused with its place."""

import re
from dataclasses import dataclass

from jobs.exchange.mapping.problems import NotAllowed

MOST_CHARACTERS = 2000
#: digits of a number that is written in an expression
_MOST_DIGITS = 30

_WORD = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<number>[0-9]+(?:\.[0-9]+)?)
    |(?P<text>"(?:[^"\x00-\x1f\x7f-\x9f\u2028\u2029]|"")*")
    |(?P<name>[A-Za-z][A-Za-z0-9_]*(?:\.[A-Za-z][A-Za-z0-9_]*)*)
    |(?P<sign><=|>=|!=|[-+*/&=<>(),])""",
    re.VERBOSE | re.ASCII,
)
_HINTS = {
    "'": 'text stands between double quotes: "like this"',
    '"': "the text has no end; a quote inside a text is written twice",
    "[": "values have no parts; lists are read by functions such as custom_field(...)",
    "_": "names begin with a letter",
    ".": "a field is written as Name.Name",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Token:
    """A word of an expression; `at` counts characters from 1."""

    at: int
    #: number, text, name, sign or end
    kind: str
    text: str


def tokens(source: str) -> list[Token]:
    """Return the words of an expression, with one for its end; NotAllowed for anything else."""
    if len(source) > MOST_CHARACTERS:
        raise NotAllowed(MOST_CHARACTERS + 1, f"an expression has at most {MOST_CHARACTERS} characters")
    found: list[Token] = []
    place = 0
    while place < len(source):
        match = _WORD.match(source, place)
        if match is None:
            raise NotAllowed(place + 1, _hint(source[place]))
        if match.lastgroup == "number" and len(match[0]) > _MOST_DIGITS:
            raise NotAllowed(place + 1, f"a number has at most {_MOST_DIGITS} digits")
        if match.lastgroup != "space":
            found.append(Token(place + 1, str(match.lastgroup), match[0]))
        place = match.end()
    return [*found, Token(len(source) + 1, "end", "")]


def _hint(character: str) -> str:
    shown = character if character.isprintable() and character.isascii() else f"U+{ord(character):04X}"
    hint = _HINTS.get(
        character, 'allowed are fields, numbers, "text", functions, parentheses and + - * / & = != < <= > >='
    )
    return f"{shown}; {hint}"
