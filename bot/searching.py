"""What a menu offers while one types: the names that fit the letters, the best ones first."""

from collections.abc import Iterable
from dataclasses import dataclass

from rapidfuzz import fuzz

from bot.names import plain
from storage.facts.messages import Option

#: Slack takes no more in one answer.
MOST = 100
#: How alike a name must be to letters that are in none, in percent.
_ALIKE = 75.0
_LONGEST = 120


@dataclass(frozen=True, slots=True)
class Candidate:
    """Something that may be offered, with the other names by which people look for it."""

    option: Option
    also: tuple[str, ...] = ()


def matching(typed: str, candidates: Iterable[Candidate]) -> tuple[Option, ...]:
    """Return what fits the letters, in the order given: what begins so, then what has each word, then what is alike.

    Without letters everything is offered, as far as Slack takes it.
    """
    words = plain(typed[:_LONGEST])
    ranked: list[list[Option]] = [[], []]
    alike: list[Option] = []
    for one in candidates:
        names = [plain(name) for name in (one.option.text, *one.also) if name]
        if any(name.startswith(words) for name in names):
            ranked[0].append(one.option)
        elif _has_each(words, names):
            ranked[1].append(one.option)
        elif any(fuzz.partial_ratio(words, name) >= _ALIKE for name in names):
            alike.append(one.option)
    return tuple((ranked[0] + ranked[1] or alike)[:MOST])


def _has_each(words: str, names: list[str]) -> bool:
    every = " ".join(names)
    return all(word in every for word in words.split())
