"""The parts of a message that may each be a question of their own."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.asking.language import Language

_MOST = 24


@dataclass(frozen=True, slots=True)
class Clause:
    """A part, without the signs around it; `hard`: a sentence ended before it."""

    text: str
    hard: bool


def clauses(text: str, known: Language) -> list[Clause]:
    """Return the parts of a marked text, at most two dozen."""
    found: list[Clause] = []
    words: list[str] = []
    hard = True
    for word in [*text.split(" "), "?"]:
        if word not in known.hard and word not in known.soft:
            if word:
                words.append(word)
            continue
        if words:
            found.append(Clause(" ".join(words), hard))
            words, hard = [], False
        hard = hard or word in known.hard
    return found[:_MOST]


def foreign(text: str, known: Language) -> Sequence[str]:
    """Return the words of a part that belong to other matters, or to none that is known."""
    return [
        word
        for word in text.split()
        if word[0].islower() and word not in known.spoken and word not in known.plain and word not in known.filler
    ]
