"""The nearest things that can be done, for words that were not understood."""

from collections.abc import Sequence

from rapidfuzz import fuzz

from bot.asking.facts import Intent
from bot.asking.language import Language, language
from storage.facts.sources import Source

HOW_MANY = 3
_LIKE = 50.0
_MOST = 200


def nearest(
    words: str,
    sources: Sequence[Source],
    named: Sequence[str] = (),
    *,
    offers: bool = True,
    known: Language | None = None,
) -> tuple[str, ...]:
    """Return three examples of what can be asked, the ones most like the words first; of a named source where one is.

    Without `offers` no example asks for a refresh.
    """
    held = known or language()
    chosen = next((source for source in sources if source.id in named), sources[0] if sources else None)
    name = chosen.provider.value if chosen else next(iter(held.nicknames))
    examples = {
        intent: example.format(source=name)
        for intent, example in held.examples.items()
        if offers or intent is not Intent.REFRESH
    }
    scores = {intent: fuzz.token_set_ratio(words[:_MOST].casefold(), example) for intent, example in examples.items()}
    like = sorted((intent for intent in examples if scores[intent] >= _LIKE), key=lambda intent: -scores[intent])
    order = dict.fromkeys((*like, *held.first_examples, *examples))
    return tuple(examples[intent] for intent in order if intent in examples)[:HOW_MANY]
