"""Everything that a sentence names, put in its place: sources, times, records, people, metrics."""

import re
from collections.abc import Mapping, Sequence
from functools import lru_cache

from bot.asking.called import Names, mark_sources, names_of
from bot.asking.facts import World
from bot.asking.folding import folded, named_ids, respelt, words_of
from bot.asking.language import MARKS, Language
from bot.asking.marks import Marks
from bot.asking.records import mark_records
from bot.asking.times import mark_times

_OWNER = re.compile(rf"(?P<owner>(?:[^ A-Z]+ ){{0,2}}?[^ A-Z]+)'s (?P<source>{MARKS['S']})")


def marked(text: str, world: World, known: Language, marks: Marks, *, alone: bool) -> str:
    """Return the sentence in plain words with marks for all that it names; `alone`: a bare number is a record's."""
    names = names_of(world.sources)
    words = words_of(folded(text, world.people, world.bot_user, known), known)
    mentioned = {one.casefold(): one for one in named_ids(text) if one not in world.people}
    people = {**_people(tuple(sorted(world.people.values())), known.plain | known.spoken), **mentioned}
    spelt = respelt(words, known, names.words | people.keys(), names.targets)
    spelt = mark_sources(_mark_people(spelt, people, marks), names, marks, known)
    plain = " ".join(spelt)
    for wrong, right in known.phrases.items():
        plain = f" {plain} ".replace(f" {wrong} ", f" {right} ").strip()
    plain = _owners(_except(plain, known, marks), world, names, marks, known)
    plain = mark_records(plain, known, marks, alone=alone)
    plain = mark_times(plain, known.times, marks, world.now, world.zone)
    return _mark_metrics(plain, known, marks)


@lru_cache(maxsize=64)
def _people(names: tuple[str, ...], taken: frozenset[str]) -> Mapping[str, str]:
    """Return people by first name and by family name, less what is a word of its own."""
    found: dict[str, str] = {}
    for name in names:
        for word in name.casefold().split():
            if word not in taken:
                found[word] = name
    return found


def _mark_people(words: Sequence[str], people: Mapping[str, str], marks: Marks) -> list[str]:
    found: list[str] = []
    for word in words:
        name = people.get(word.removesuffix("'s"))
        if name is None:
            found.append(word)
        elif not (found and found[-1][0] == "P" and marks.of("P", found[-1]) == [name]):
            found.append(marks.put("P", name, name))
    return found


def _except(text: str, known: Language, marks: Marks) -> str:
    """Mark "everything but amazon", whose "but" would part the sentence otherwise."""

    def left_out(found: re.Match[str]) -> str:
        return marks.put("X", tuple(one for ids in marks.of("S", found["less"]) for one in ids), found[0])

    text = known.all_but.sub(left_out, text)
    return known.all_of.sub(lambda found: marks.put("X", (), found[0]), text)


def _owners(text: str, world: World, names: Names, marks: Marks, known: Language) -> str:
    """Mark somebody else's source as unknown: "globex's shopify" is none of ours."""
    own = {*world.organization.casefold().split(), *(word for name in names.ids for word in name)}

    def owned(found: re.Match[str]) -> str:
        words = found["owner"].split()
        strange = [word for word in words if word not in known.plain and word not in known.spoken]
        if not strange or set(strange) & own:
            return found[0].replace("'s ", " ")
        at = words.index(strange[0])
        name = " ".join(words[at:])
        return " ".join((*words[:at], marks.put("U", name, name)))

    return _OWNER.sub(owned, text)


def _mark_metrics(text: str, known: Language, marks: Marks) -> str:
    return known.metric.sub(lambda found: marks.put("M", known.metrics[found[0]], found[0]), text)
