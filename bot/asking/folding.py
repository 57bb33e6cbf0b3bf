"""From what was typed to plain words: Slack's tokens, signs, short forms and misspelt words."""

import re
import unicodedata
from collections.abc import Collection, Mapping, Sequence

from rapidfuzz import process
from rapidfuzz.distance import OSA

from bot.asking.language import Language, bones

#: What is said after that many characters does not count; it bounds the work, too.
MOST = 800
_MOST_WORDS = 160
#: Mentions and links as Slack writes them; a link keeps its words, not its address.
_TOKENS = re.compile(
    r"<(?:@(?P<user>[A-Z0-9]{1,40})(?:\|[^>]*)?|[@!#][^>|]*(?:\|[^>]*)?|[a-z]+:[^|>]*(?:\|(?P<words>[^>]*))?)>"
)
_WORDS = re.compile(
    r"[$€£#]?\d+(?:,\d+)*(?:\.\d+)?(?:[:/\-]\d+)*[a-z]*|\b[a-z]{1,2}/[a-z]{1,2}\b|[\w][\w'_\-]*(?:\.[\w\-]{2,})*|[?!;:,+&()/.\-–—$€£#]|\n"
)
#: words within an address are no words of the sentence
_ADDRESS = re.compile(r"\b[a-zA-Z]{2,10}://[^\s<>]{0,800}")
_POSSESSIVE = re.compile(r"'s$|(?<=s)'$")
#: how many letters may be wrong in a word of so many
_SHORTEST, _LONG, _LONGEST = 4, 7, 24
#: a letter that was held down, and digits that look like letters
_HELD = re.compile(r"(.)\1{2,}")
_LOOKS = str.maketrans("013457", "oleast")


def named_ids(text: str) -> frozenset[str]:
    """Return the ids of everybody whom a text mentions."""
    return frozenset(found["user"] for found in _TOKENS.finditer(text[:MOST]) if found["user"])


def folded(text: str, people: Mapping[str, str], bot_user: str, known: Language) -> str:
    """Return the text in small letters without Slack's tokens; a mention of a person becomes their name."""

    def token(found: re.Match[str]) -> str:
        user = found["user"]
        if user is not None and user != bot_user:
            # Whoever is not known by name is one all the same where somebody is asked for: "did <@U1> refresh it?".
            does = known.before_person.search(found.string[: found.start()].casefold())
            return f" {people.get(user) or (user if does else '')} "
        return f" {found['words'] or ''} "

    spoken = _ADDRESS.sub(" ", _TOKENS.sub(token, text[:MOST]))
    spoken = unicodedata.normalize("NFKC", spoken).casefold()[:MOST].replace("’", "'").replace("‘", "'")
    return "".join(mark for mark in spoken if mark.isspace() or unicodedata.category(mark)[0] != "C" or mark == "\n")


def words_of(text: str, known: Language) -> list[str]:
    """Return the words and signs of folded text, short forms written out; 's of a possessive stays at its word."""
    found: list[str] = []
    for word in _WORDS.findall(text)[:_MOST_WORDS]:
        found += _written_out(word.strip("'_") or word, known)
    return found


def _written_out(word: str, known: Language) -> list[str]:
    if word in known.short_forms:
        return known.short_forms[word].split()
    if "'" not in word:
        return [word]
    if word in known.contractions:
        return known.contractions[word].split()
    stem = _POSSESSIVE.sub("", word)
    if stem != word:
        # Whose something is matters only where nobody knows the name: "globex's shopify", but "last month's margin".
        owner = stem if stem in known.spelt else f"{stem}'s"
        return [stem, "is"] if stem in known.is_after else [owner]
    for ending, written in known.contractions.items():
        if ending.startswith(("'", "n'")) and word.endswith(ending):
            return [word.removesuffix(ending), *written.split()]
    return [word.replace("'", "")]


def respelt(words: list[str], known: Language, names: Collection[str], targets: Sequence[str]) -> list[str]:
    """Return the words with misspelt ones put right by `targets`; `names` are words that are spelt right here, too."""
    fixed: list[str] = []
    for word in _rejoined(words, known, names):
        stem, owns = (word[:-2], "'s") if word.endswith("'s") else (word, "")
        if stem in known.spelt or stem in names:
            fixed.append(word)
            continue
        plainer = next((one for one in _plainer(stem) if one in known.spelt or one in names), "")
        if plainer:
            fixed.append(plainer + owns)
        elif stem.isalpha():
            fixed += _parted(stem, known, names) or [_nearest(stem, targets, names, known) + owns]
        else:
            fixed.append(word)
    return fixed


def _plainer(word: str) -> tuple[str, ...]:
    """Return a word without the letters that were held down, and with letters for the digits that look like them."""
    once = _HELD.sub(r"\1", word)
    letters = sum(map(str.isalpha, once))
    looks = once.translate(_LOOKS) if 2 * (len(once) - letters) < letters and once.isalnum() else once
    return (looks, _HELD.sub(r"\1\1", word)) if once != word else (looks,)


def _rejoined(words: list[str], known: Language, names: Collection[str]) -> list[str]:
    """Join "shopi fy" and "re fresh", of which one half at least is no word."""
    found: list[str] = []
    for word in words:
        last = found[-1] if found else ""
        both = last + word
        broken = last not in known.spelt or word not in known.spelt
        if last.isalpha() and broken and len(both) > _SHORTEST and (both in known.lexicon or both in names):
            found[-1] = both
        else:
            found.append(word)
    return found


def _parted(word: str, known: Language, names: Collection[str]) -> list[str]:
    """Part "isshopify" and "howlong": two words of which the blank was left out."""
    if not _LONG - 2 < len(word) <= _LONGEST:
        return []
    for at in range(len(word) - 2, 1, -1):
        first, rest = word[:at], word[at:]
        long = max(len(first), len(rest)) >= _SHORTEST or first in known.is_after
        if long and first in known.plain | known.lexicon and (rest in names or rest in known.plain | known.lexicon):
            return [first, rest]
    return []


def _nearest(word: str, targets: Sequence[str], names: Collection[str], known: Language) -> str:
    if len(word) < _SHORTEST or not word.isascii() or len(word) > _LONGEST:
        return word
    most = 1 if len(word) < _SHORTEST + 1 else 2
    close = process.extract(word, targets, scorer=OSA.distance, score_cutoff=most, limit=8)
    letters = sorted(word)
    for wrong in range(1, most + 1):
        # Letters in the wrong order are meant more often than another letter.
        for target, distance, _ in sorted(close, key=lambda one: sorted(one[0]) != letters):
            if distance == wrong and _likely(word, target, int(distance), named=target in names):
                return str(target)
    left = bones(word)
    if len(left) >= _SHORTEST:
        # Vowels and doubled letters are left out most often: "hapend", "updtd".
        alike = [target for target in known.by_bones.get(left, ()) if target[0] == word[0]]
        if alike:
            return min(alike, key=lambda target: OSA.distance(word, target))
    small = process.extractOne(word, known.small, scorer=OSA.distance, score_cutoff=1)
    return str(small[0]) if small is not None and small[0][0] == word[0] else word


def _likely(word: str, target: str, wrong: int, *, named: bool) -> bool:
    """Whether a word may be meant: people seldom miss the first letter, and never half of a short word."""
    if len(target) < _SHORTEST:
        return False
    if wrong > 1 and (len(target) < _LONG - 1 or (len(word) < _LONG and not (named and len(target) >= _LONG))):
        return False
    return word[0] == target[0] or (len(word) > _SHORTEST and wrong == 1 and word[1:2] == target[:1])
