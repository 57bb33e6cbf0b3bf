"""Which source a person means: labels, company names, nicknames and typing errors."""

import re
import unicodedata
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from rapidfuzz import fuzz, process

from storage.facts.sources import Source

#: What people call each provider; more than we connect, so that "amz" is understood before it is connected.
NICKNAMES: Mapping[str, tuple[str, ...]] = {
    "quickbooks": (
        "quickbooks",
        "quick books",
        "quickbooks online",
        "qbo",
        "qb",
        "books",
        "accounting",
        "ledger",
        "intuit",
    ),
    "shopify": ("shopify", "shop", "store", "web shop", "webshop", "online store", "shopify store"),
    "amazon": ("amazon", "amz", "amazon seller", "seller central", "fba"),
    "netsuite": ("netsuite", "net suite", "ns", "oracle netsuite"),
    "pocketadvantage": ("pocketadvantage", "pocket advantage", "inventiv"),
}
#: Words for all of them.
EVERYTHING = frozenset(
    {"all", "everything", "every source", "all sources", "all of them", "all data", "all the data", "all of it"}
    | {"data", "sources", "the data", "our data", "my data", "it all", "them all"}
)
_FILLER = frozenset(
    {"the", "my", "our", "your", "data", "source", "sources", "account", "connection", "for", "from", "of", "please"}
)
_SURE = 78.0
_MAYBE = 60.0
_LONGEST = 120
_MOST = 4000


@dataclass(frozen=True, slots=True)
class Found:
    """The sources that were meant; `guess` is the nearest name when none is near enough."""

    sources: tuple[Source, ...] = ()
    guess: str | None = None


def plain(text: str) -> str:
    """Return the text in small letters, one space between words, without quotes and closing marks."""
    folded = unicodedata.normalize("NFKC", text[:_MOST]).casefold().replace("’", "'")
    # Marks that only turn the direction of writing, and the like, say nothing.
    folded = "".join(mark for mark in folded if mark.isspace() or unicodedata.category(mark)[0] != "C")
    return " ".join(re.sub(r"[\"“”«»`?!,;:()\[\]{}*~]+|\.(?=\s|$)", " ", folded).split())


def is_everything(text: str) -> bool:
    """Whether the words mean all sources."""
    words = plain(text)
    return words in EVERYTHING or _without_filler(words) in EVERYTHING


def find(text: str, sources: Sequence[Source]) -> Found:
    """Return the sources that a typed name means."""
    words = plain(text)[:_LONGEST]
    index = _index(sources)
    for form in (words, _without_filler(words)):
        if form in index:
            return Found(tuple(index[form]))
    provider = nickname(words)
    if provider is not None:
        return Found(guess=None)
    return _nearest(_without_filler(words) or words, index)


def mentioned(sentence: str, sources: Sequence[Source]) -> Found:
    """Return the sources that a sentence names anywhere."""
    words = plain(sentence)
    index = _index(sources)
    found: dict[str, Source] = {}
    for name in sorted(index, key=len, reverse=True):
        if re.search(rf"(?<![\w.]){re.escape(name)}(?![\w])", words):
            found.update({source.id: source for source in index[name]})
            words = words.replace(name, " ")
    if found:
        return Found(tuple(source for source in sources if source.id in found))
    return _typed_wrong(words, index)


def nickname(words: str) -> str | None:
    """Return the provider that the words are a nickname of, connected or not."""
    for form in (words, _without_filler(words)):
        for provider, names in NICKNAMES.items():
            if form in names:
                return provider
    return None


def nicknamed(sentence: str) -> str | None:
    """Return the first provider that a sentence names, connected or not."""
    words = f" {plain(sentence)} "
    hits = [(words.find(f" {name} "), provider) for provider, names in NICKNAMES.items() for name in names]
    return min((hit for hit in hits if hit[0] >= 0), default=(0, None))[1]


def _typed_wrong(words: str, index: Mapping[str, Iterable[Source]]) -> Found:
    """Look at each longer word alone: "is shoppify fresh" has one typing error in one word."""
    best = Found()
    for word in words.split()[:40]:
        if len(word) >= 5 and not word.startswith("refresh") and word not in _FILLER:
            close = _nearest(word, index, sure=80.0)
            if close.sources:
                return close
    return best


def _nearest(words: str, index: Mapping[str, Iterable[Source]], sure: float = _SURE) -> Found:
    close = process.extract(words, list(index), scorer=fuzz.ratio, score_cutoff=_MAYBE, limit=3)
    if not close:
        return Found()
    name, score, _ = close[0]
    rivals = [other for other, near, _ in close[1:] if near > score - 5 and list(index[other]) != list(index[name])]
    if score >= sure and not rivals:
        return Found(tuple(index[name]))
    return Found(guess=name)


def _index(sources: Sequence[Source]) -> Mapping[str, list[Source]]:
    index: dict[str, list[Source]] = defaultdict(list)
    for source in sources:
        names = {source.id, source.label, source.account, source.company, source.label.partition(".")[0]}
        names |= {source.provider.value, *NICKNAMES.get(source.provider.value, ())}
        for name in {plain(name) for name in names if name}:
            index[name].append(source)
    return index


def _without_filler(words: str) -> str:
    return " ".join(word for word in words.split() if word not in _FILLER)
