"""A language's catalogue, read from its file: words and patterns, and nothing else."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from importlib import resources
from typing import Any

import yaml

from bot.asking.facts import Intent
from bot.asking.time_words import TimeWords, time_words

#: How recognized pieces stand in a clause: a capital and a number. Nobody types one: all else is in small letters.
MARKS = {mark: rf"{mark}\d{{1,3}}" for mark in "SXTPDAMU"}
_LETTERS, _SIGNS = re.compile(r"[a-z]{3,}"), re.compile(r"\\b|<[A-Z]+>")
_VOWELS, _DOUBLED = re.compile(r"[aeiou]"), re.compile(r"(.)\1+")
_MACRO = re.compile(r"<([A-Z]+)>")


@dataclass(frozen=True, slots=True)
class Language:
    """All words that sentences of one language are understood by."""

    is_after: frozenset[str]
    contractions: Mapping[str, str]
    short_forms: Mapping[str, str]
    phrases: Mapping[str, str]
    #: what is spoken of here; misspelt words are taken for these
    lexicon: frozenset[str]
    targets: tuple[str, ...]
    #: those by what is left of them without vowels
    by_bones: Mapping[str, tuple[str, ...]]
    #: small words that misspelt ones may be meant for
    small: tuple[str, ...]
    #: all words that a question may hold: those of the patterns as well
    spoken: frozenset[str]
    #: small words that say nothing about what is asked
    plain: frozenset[str]
    #: every word that is spelt right
    spelt: frozenset[str]
    #: outside systems that people name
    systems: frozenset[str]
    examples: Mapping[Intent, str]
    first_examples: tuple[Intent, ...]
    nicknames: Mapping[str, tuple[str, ...]]
    provider_tail: frozenset[str]
    #: a metric's name by each of the words for it, and a pattern of all of them
    metrics: Mapping[str, str]
    metric: re.Pattern[str]
    #: the number of a record after what it is the number of
    numbered: re.Pattern[str]
    #: an amount before its currency
    with_currency: re.Pattern[str]
    times: TimeWords
    hard: frozenset[str]
    soft: frozenset[str]
    #: everything but some sources, and everything
    all_but: re.Pattern[str]
    all_of: re.Pattern[str]
    pronoun: re.Pattern[str]
    there: re.Pattern[str]
    filler: frozenset[str]
    takes_up: re.Pattern[str]
    general: re.Pattern[str]
    declined: re.Pattern[str]
    asks_state: re.Pattern[str]
    negative: re.Pattern[str]
    elsewhere: re.Pattern[str]
    before_person: re.Pattern[str]
    me: re.Pattern[str]
    greeting: re.Pattern[str]
    #: what an answer is needed for, at the end of a clause
    purpose: re.Pattern[str]
    why_only: re.Pattern[str]
    statement: re.Pattern[str]
    told_anyway: re.Pattern[str]
    cut: re.Pattern[str]
    #: words that surely belong to other matters
    other: frozenset[str]
    outside: re.Pattern[str]
    #: in order: the first that fits is asked; the last field says that it is weak
    intents: tuple[tuple[Intent, re.Pattern[str], bool], ...]
    #: besides small words, all that a wish to refresh may hold that names no source
    wish: frozenset[str]
    #: all but what was asked about before
    rest: re.Pattern[str]
    #: the same question once more
    again: re.Pattern[str]
    #: for a word or two after another question
    short: tuple[tuple[Intent, re.Pattern[str]], ...]
    #: for what names a source and fits none of these
    last_intents: tuple[tuple[Intent, re.Pattern[str]], ...]
    persons: re.Pattern[str]
    subjects: re.Pattern[str]


@cache
def language(name: str = "english") -> Language:
    """Return a language; its file is read once."""
    text = resources.files("bot.asking").joinpath(f"{name}.yaml").read_text(encoding="utf-8")
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    return _made(yaml.load(text, Loader=loader))  # noqa: S506 - both are safe ones, and the file is our own


def _made(raw: Mapping[str, Any]) -> Language:
    macros = dict(MARKS) | {"W": r"[^ ]+"} | raw["macros"]
    lexicon, plain = frozenset(raw["lexicon"].split()), frozenset(raw["plain"].split())
    systems = frozenset(raw["systems"].split())
    said = [
        *(part for entry in raw["intents"] for part in entry["patterns"]),
        *raw["macros"].values(),
        raw["statement"],
    ]
    spoken = lexicon | {word for pattern in said for word in _LETTERS.findall(_SIGNS.sub(" ", pattern))}

    def compiled(patterns: str | Sequence[str]) -> re.Pattern[str]:
        parts = [patterns] if isinstance(patterns, str) else patterns
        return re.compile("|".join(f"(?:{_expanded(part, macros)})" for part in parts))

    return Language(
        is_after=frozenset(raw["is_after"]),
        contractions=raw["contractions"],
        short_forms=raw["short_forms"],
        phrases=raw["phrases"],
        lexicon=lexicon,
        targets=tuple(sorted(lexicon)),
        by_bones=_by_bones(sorted(lexicon)),
        small=tuple(sorted(word for word in plain if len(word) > 3)),
        plain=plain,
        spoken=spoken,
        spelt=spoken | plain | systems | frozenset(raw["other"].split()) | _words_of(raw),
        systems=systems,
        examples={Intent(name): example for name, example in raw["examples"].items()},
        first_examples=tuple(Intent(name) for name in raw["first_examples"]),
        nicknames={name: tuple(names) for name, names in raw["nicknames"].items()},
        provider_tail=frozenset(raw["provider_tail"]),
        metrics=(metrics := {said: name for name, names in raw["metrics"].items() for said in names}),
        metric=re.compile(rf"(?<![^ ])(?:{_any_of(list(metrics))})(?![^ ])"),
        numbered=re.compile(
            rf"(?<![^ ])({_any_of(raw['records'])})(?: (?:{_any_of(raw['number_words'])}))?"
            r" (#? ?[a-z]{0,6}-?\d[\d\-]{0,24})(?![^ ])"
        ),
        with_currency=re.compile(rf"(?<![^ ])(\d{{1,12}}(?:\.\d{{1,2}})?) (?:{_any_of(raw['currencies'])})(?![^ ])"),
        times=time_words(raw["times"]),
        hard=frozenset(raw["hard"]),
        soft=frozenset(raw["soft"]),
        all_but=re.compile(
            rf"(?<![^ ])(?:{_any_of(raw['everything'])}) (?:{_any_of(raw['but'])}) (?:the )?"
            rf"(?P<less>{MARKS['S']}(?: (?:(?:,|and|or|&) ){{0,2}}(?:the )?{MARKS['S']}){{0,20}})(?![^ ])"
        ),
        all_of=re.compile(
            rf"(?<![^ ])(?:{_any_of(raw['everything'])})(?: (?:{_any_of(raw['provider_tail'])}|sources))?(?![^ ])"
        ),
        pronoun=compiled(raw["pronoun"]),
        there=compiled(raw["there"]),
        filler=frozenset(raw["filler"].split()),
        takes_up=compiled(raw["takes_up"]),
        general=compiled(raw["general"]),
        declined=compiled(raw["declined"]),
        asks_state=compiled(raw["asks_state"]),
        negative=compiled(raw["negative"]),
        elsewhere=compiled(raw["elsewhere"]),
        before_person=compiled(raw["before_person"]),
        me=compiled(raw["me"]),
        greeting=compiled(raw["greeting"]),
        purpose=compiled(raw["purpose"]),
        why_only=compiled(raw["why_only"]),
        statement=compiled(raw["statement"]),
        told_anyway=compiled(raw["told_anyway"]),
        cut=compiled(raw["cut"]),
        other=frozenset(raw["other"].split()) - spoken - plain,
        outside=compiled(raw["outside"]),
        intents=tuple(
            (Intent(entry["intent"]), compiled(entry["patterns"]), bool(entry.get("weak"))) for entry in raw["intents"]
        ),
        wish=frozenset(raw["wish"].split()),
        rest=compiled(raw["rest"]),
        again=compiled(raw["again"]),
        short=tuple((Intent(entry["intent"]), compiled(entry["patterns"])) for entry in raw["short"]),
        last_intents=tuple((Intent(entry["intent"]), compiled(entry["patterns"])) for entry in raw["last_intents"]),
        persons=_named(raw["persons"], macros),
        subjects=_named([raw["subjects"].replace("{foreign}", "[^ ]+")], macros),
    )


def bones(word: str) -> str:
    """Return a word without its vowels and doubled letters: what is left where letters were left out."""
    return _DOUBLED.sub(r"\1", _VOWELS.sub("", word))


def _by_bones(words: Sequence[str]) -> Mapping[str, tuple[str, ...]]:
    found: dict[str, tuple[str, ...]] = {}
    for word in words:
        found[bones(word)] = (*found.get(bones(word), ()), word)
    return found


def _any_of(words: Sequence[str]) -> str:
    return "|".join(sorted(map(re.escape, words), key=len, reverse=True))


def _expanded(pattern: str, macros: Mapping[str, str]) -> str:
    for _ in range(3):
        pattern = _MACRO.sub(lambda found: macros[found[1]] if found[1] in macros else found[0], pattern)
    return pattern


def _named(patterns: Sequence[str], macros: Mapping[str, str]) -> re.Pattern[str]:
    """Return one pattern of several that each have a group called `name`; the groups are numbered apart."""
    parts = [_expanded(part, macros).replace("?P<name>", f"?P<name{at}>") for at, part in enumerate(patterns)]
    return re.compile("|".join(parts))


def _words_of(raw: Mapping[str, Any]) -> frozenset[str]:
    """Return the words of names, metrics and times, which are spelt right as well."""
    phrases = [name for names in (*raw["nicknames"].values(), *raw["metrics"].values()) for name in names]
    times = raw["times"]
    phrases += [*raw["records"], *raw["currencies"], *raw["filler"].split(), *raw["short_forms"].values()]
    phrases += [*times["weekdays"], *times["months"], *times["units"], *times["day_units"], *map(str, times["numbers"])]
    phrases += [*times["zones"], *times["clocks"], *times["parts"]]
    return frozenset(word for phrase in phrases for word in phrase.split())
