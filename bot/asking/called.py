"""Which sources a sentence names, by label, company, provider or nickname; and names that are no source here."""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from bot.asking.language import Language, language
from bot.asking.marks import Marks
from storage.facts.sources import Source

_LONGEST, _SHORTEST = 5, 4
_WAY = " via "
#: an account that was written out: a number after a provider's name, a domain
_ACCOUNT = re.compile(r"[a-z]+_\d{5,}|\d{12,}|[\w\-]+(?:\.[\w\-]+)*\.[a-z]{2,}")


@dataclass(frozen=True, slots=True)
class Names:
    """All names of an organization's sources: words in order -> ids; and of providers that none is connected of."""

    ids: Mapping[tuple[str, ...], tuple[str, ...]]
    absent: Mapping[tuple[str, ...], str]
    #: single words that are spelt right here
    words: frozenset[str]
    #: what misspelt words may be meant for
    targets: tuple[str, ...]


def names_of(sources: Sequence[Source]) -> Names:
    """Return the names of these sources; made once for the same ones."""
    return _names(tuple((one.id, one.provider.value, one.label, one.account, one.company) for one in sources))


@lru_cache(maxsize=64)
def _names(sources: tuple[tuple[str, str, str, str, str], ...]) -> Names:
    known = language()
    found: dict[tuple[str, ...], list[str]] = defaultdict(list)
    for source_id, provider, label, account, company in sources:
        nicknames = known.nicknames.get(provider, (provider,))
        for name in {*_called(label, nicknames), account, company, source_id, *nicknames}:
            said = tuple(_plain(name))
            if said and source_id not in found[said]:
                found[said].append(source_id)
    providers = {one[1] for one in sources}
    absent = {
        tuple(name.split()): provider
        for provider, names in known.nicknames.items()
        if provider not in providers
        for name in names
    }
    words = frozenset(word for name in (*found, *absent) for word in name if len(name) == 1 or word in known.lexicon)
    targets = tuple(sorted(word for word in words if len(word) >= _SHORTEST and word.isalpha()))
    return Names({name: tuple(ids) for name, ids in found.items()}, absent, words, (*known.targets, *targets))


def _plain(name: str) -> list[str]:
    return re.sub(r"[^\w.\-']+", " ", name.casefold()).split()


def _called(label: str, nicknames: Sequence[str]) -> set[str]:
    """Return what a label is called: a domain without its end, and "NetSuite via bucket" by its way alone."""
    names = {label, label.partition(".")[0], label.removeprefix(f"{nicknames[0]}_")}
    _, parted, way = label.casefold().partition(_WAY)
    if parted:
        single = way.removesuffix("s")
        first = way.split()[0]
        ways = (way, single, f"{first} file", f"{first} files")
        names |= {*ways, f"{first} one", f"via {first}", f"by {first}"}
        for called in nicknames:
            names |= {f"{called} {name}" for name in (*ways, first, f"by {first}", f"from {first}")}
            names.add(f"{first} {called}")
    return names


def mark_sources(words: Sequence[str], names: Names, marks: Marks, known: Language) -> list[str]:
    """Return the words with names of sources marked, and accounts that are none of them as unknown."""
    found: list[str] = []
    at = 0
    while at < len(words):
        length, mark = _longest(words, at, names, marks)
        if length:
            found.append(mark)
            at += length
            while at < len(words) and words[at] in known.provider_tail and found[-1][0] == "S":
                at += 1
            continue
        word = words[at]
        strange = word in known.systems or (_ACCOUNT.fullmatch(word) and not word.replace(".", "").isdigit())
        found.append(marks.put("U", word, word) if strange else word)
        at += 1
    return found


def _longest(words: Sequence[str], at: int, names: Names, marks: Marks) -> tuple[int, str]:
    for length in range(min(_LONGEST, len(words) - at), 0, -1):
        name = tuple(words[at : at + length])
        # Of a possessive at the end only the name counts: "shopify's".
        name = (*name[:-1], name[-1].removesuffix("'s"))
        if name in names.ids:
            return length, marks.put("S", names.ids[name], " ".join(name))
        if name in names.absent:
            return length, marks.put("U", names.absent[name], " ".join(name))
    return 0, ""
