"""Every sentence of `sentences.yaml`, read in its fixed world; what fails stands in docs/questions.md.

So do the sentences of `later.yaml`, and of `held.yaml`, which were kept aside: those that were right stay right.

`UPDATE_GOLDEN=1` writes the table anew. The hard rules have no share that may fail: a "not" offers nothing, and no
sentence leads further than to the card that asks.
"""

import os
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from bot.asking.facts import Intent
from bot.asking.folding import MOST
from bot.asking.reading import read
from tests.questions.world import HELD, LATER, Reader, Turn, deaf, judged, turns, understood, world

OWN = Path(__file__).with_name("own.txt")
DOCS = Path(__file__).parents[2] / "docs" / "questions.md"
#: share of the sentences that must be understood as meant
LEAST = 0.95
_TABLE = re.compile(r"(?<=<!-- failing -->\n).*?(?=<!-- end -->)", re.DOTALL)
_HELD = re.compile(r"(?<=<!-- held -->\n).*?(?=<!-- held end -->)", re.DOTALL)
TURNS, LATER_TURNS, HELD_TURNS = tuple(turns()), tuple(turns(LATER)), tuple(turns(HELD))
NO_ACTION = [turn for turn in (*TURNS, *LATER_TURNS, *HELD_TURNS) if turn.raw.get("offers_action") is False]


def offered(reader: Reader) -> list[str]:
    """Return the sentences that say no to an action and get one offered all the same."""
    found = []
    for turn in NO_ACTION:
        told = understood(turn, reader)
        if told.offers or any(item.intent is Intent.REFRESH for item in told.asked):
            found.append(turn.name)
    return found


def table() -> str:
    """Return how many sentences of each kind are understood, and each one that is not."""
    results = [(turn, *judged(turn)) for turn in TURNS]
    right, every = Counter(turn.kind for turn, ok, _ in results if ok), Counter(turn.kind for turn, _, _ in results)
    lines = ["| kind | sentences | understood |", "|---|---|---|"]
    lines += [f"| {kind.replace('_', ' ')} | {every[kind]} | {right[kind]} |" for kind in sorted(every)]
    lines += [f"| **all** | {every.total()} | {right.total()} |", ""]
    lines += ["| sentence | what was typed | understood as |", "|---|---|---|"]
    lines += [f"| {turn.name} | {_typed(turn)} | {got} |" for turn, ok, got in results if not ok]
    return "\n".join(lines) + "\n"


def _typed(turn: Turn) -> str:
    words = " / ".join((*turn.before, turn.text))
    words = words if len(words) <= 160 else f"{words[:160]}…"
    return words.replace("|", "\\|").replace("\n", " ").replace("<", "&lt;")


def test_nearly_every_sentence_is_understood_as_meant() -> None:
    wrong = [(turn.name, got) for turn in TURNS for ok, got in [judged(turn)] if not ok]
    assert len(TURNS) >= 300
    assert len(wrong) <= (1 - LEAST) * len(TURNS), wrong


def wrong_of(some: tuple[Turn, ...], reader: Reader = read) -> set[str]:
    """Return the names of the sentences that are not understood as meant."""
    return {turn.name for turn in some if not judged(turn, reader)[0]}


def test_sentences_written_later_are_understood_as_well() -> None:
    wrong = wrong_of(LATER_TURNS)
    assert len(LATER_TURNS) > 600
    assert len(wrong) <= 0.02 * len(LATER_TURNS), wrong


def fallen(reader: Reader) -> set[str]:
    """Return the sentences kept aside that were right when they were counted, and are not any more."""
    found = _HELD.search(DOCS.read_text(encoding="utf-8"))
    assert found is not None
    return wrong_of(HELD_TURNS, reader) - set(re.findall(r"^\| ([a-z_]+-w\d+(?:\.\d+)?) \|", found[0], re.MULTILINE))


def test_what_was_right_of_those_kept_aside_stays_right() -> None:
    assert len(HELD_TURNS) == 116
    assert fallen(read) == set()


def test_a_reader_that_got_worse_is_found_out() -> None:
    assert len(fallen(deaf)) > 3


def test_a_no_never_offers_an_action() -> None:
    assert len(NO_ACTION) > 30
    assert offered(read) == []


def test_a_reader_that_does_not_hear_not_is_found_out() -> None:
    """A twin that offers what the sentence forbids."""
    assert len(offered(deaf)) > len(NO_ACTION) // 2


def test_the_table_of_failures_is_the_one_in_the_docs() -> None:
    text = DOCS.read_text(encoding="utf-8")
    if os.environ.get("UPDATE_GOLDEN"):
        text = _TABLE.sub(lambda _: table(), text)
        DOCS.write_text(text, encoding="utf-8")
    found = _TABLE.search(text)
    assert found is not None
    assert found[0] == table(), "look at the table in docs/questions.md, then UPDATE_GOLDEN=1"


HOSTILE = (
    *(
        "a" * 9000,
        "is " * 3000,
        "refresh " * 2000,
        "not " * 3000,
        "and amazon, " * 900,
        "at 9 " * 2000,
        "did x " * 1500,
    ),
    *("$1,250.00 " * 900, "invoice 1042 " * 800, "aaaa's shopify " * 700, "everything but shopify and " * 400),
    *("qwzrtx " * 1500, "<" * 9000, "<https:" * 1500, "<@U" * 3000, "1-" * 4000, "a.b." * 2000, "\u202e" * 9000),
    *(
        "how much longer will the new data of the next " * 200,
        "between 8 and " * 800,
        "'" * 9000,
        "ﷺ" * 9000,
        "🔄" * 9000,
    ),
    *("not to do or the of in at " * 400, "what new has did got the one of my " * 300, "(((((" * 2000, "n't " * 2000),
)


@pytest.mark.parametrize("at", range(len(HOSTILE)))
def test_hostile_input_costs_next_to_nothing(at: int) -> None:
    """CPU time of the reader alone; usual sentences take well under a millisecond."""
    read("warm up", world())
    begun = time.thread_time()
    found = read(HOSTILE[at], world())
    assert time.thread_time() - begun < 0.1
    assert len(found.asked) <= 8
    assert all(len(item.words) <= 8 * MOST for item in found.asked)


def test_what_was_understood_before_still_is() -> None:
    """Sentences of our own, written while the rules were: `intent|sentence`, or `no_action|` where nothing is offered."""
    lines = OWN.read_text(encoding="utf-8").splitlines()
    wrong = []
    for line in lines:
        meant, _, text = line.partition("|")
        found = read(text, world())
        right = not found.offers if meant == "no_action" else [item.intent for item in found.asked] == [meant]
        wrong += [] if right else [(line, found.asked)]
    assert len(lines) > 300
    assert wrong == []


def test_the_same_words_always_mean_the_same() -> None:
    for turn in TURNS[::25]:
        assert understood(turn) == understood(turn)
