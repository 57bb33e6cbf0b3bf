"""What the sentences do not show: threads that end, days of 25 hours, the nearest things, and the catalogue itself."""

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from bot.asking.facts import Intent, Understood
from bot.asking.language import language
from bot.asking.nearest import HOW_MANY, nearest
from bot.asking.reading import read
from bot.asking.threads import Threads, after
from storage.facts.clock import OffsetClock
from tests.questions.world import world


def asked(text: str) -> Understood:
    return read(text, world())


def test_a_thread_is_forgotten_after_half_an_hour_and_when_there_are_too_many() -> None:
    clock = OffsetClock()
    threads = Threads(clock)
    threads.keep("one", asked("is shopify fresh?"))
    assert threads.before("one") is not None
    assert threads.before("other") is None
    clock.advance(timedelta(minutes=31))
    assert threads.before("one") is None
    for number in range(2100):
        threads.keep(number, asked("is shopify fresh?") if number == 0 else Understood(asked("status").asked))
    assert threads.before(0) is None
    assert threads.before(2099) is not None


def test_where_several_answer_nothing_is_remembered() -> None:
    threads = Threads(OffsetClock(), keeps=False)
    threads.keep("one", asked("is shopify fresh?"))
    assert threads.before("one") is None


def test_a_no_lasts_until_somebody_wishes_otherwise() -> None:
    threads = Threads(OffsetClock())
    threads.keep("one", asked("don't refresh shopify, is it fresh?"))
    still = read("and amazon?", world(), threads.before("one"))
    assert not still.offers
    wished = read("ok refresh it then", world(), threads.before("one"))
    assert wished.offers
    assert wished.asked[0].intent is Intent.REFRESH


@pytest.mark.parametrize(
    "now, text, start, end",
    [
        ("2026-11-02T10:00", "what changed in shopify yesterday", "2026-11-01T00:00", "2026-11-02T00:00"),
        ("2026-03-09T10:00", "what changed in shopify yesterday", "2026-03-08T00:00", "2026-03-09T00:00"),
        ("2026-01-02T10:00", "what changed in shopify last month", "2025-12-01T00:00", "2026-01-01T00:00"),
        ("2026-01-02T10:00", "what changed in shopify in november", "2025-11-01T00:00", "2025-12-01T00:00"),
        ("2026-11-20T14:30", "what changed in shopify between 9 and 11", "2026-11-20T09:00", "2026-11-20T11:00"),
        ("2026-11-20T14:30", "what changed in shopify since nov 31", None, None),
        ("2026-11-20T14:30", "what changed in shopify since february 31", None, None),
        ("2026-11-20T14:30", "what changed in shopify since 2026-11-18", "2026-11-18T00:00", None),
        ("2026-11-20T14:30", "what changed in shopify at 99", None, None),
    ],
)
def test_times_are_those_of_the_askers_zone(now: str, text: str, start: str | None, end: str | None) -> None:
    zone = world().zone
    here = replace(world(), now=datetime.fromisoformat(now).replace(tzinfo=zone))
    span = read(text, here).asked[0].span
    local = [datetime.fromisoformat(one).replace(tzinfo=zone) if one else None for one in (start, end)]
    assert (span is None) == (start is None)
    assert span is None or [span.start, span.end] == local


def test_the_nearest_things_are_three_and_ask_for_nothing_that_was_declined() -> None:
    sources = world().sources
    found = nearest("refersh al the thinks", sources)
    assert len(set(found)) == HOW_MANY
    assert not any(one.startswith("refresh") for one in nearest("refresh refresh", sources, offers=False))
    for example in nearest("how long", sources):
        assert read(example, world()).asked[0].intent is not Intent.NOT_UNDERSTOOD


def test_a_no_holds_on_in_its_thread_but_is_not_told_again_to_other_words() -> None:
    first = read("don't refresh, just tell me if the books are up to date", world())
    then = read("what's the weather", world(), after(first, None))
    assert (first.declined, first.offers) == (True, False)
    assert (then.declined, then.offers) == (False, False)
    wished = read("refresh shopify", world(), after(first, None))
    assert wished.offers


def test_every_example_means_what_it_is_an_example_of() -> None:
    for intent, example in language().examples.items():
        assert read(example.format(source="shopify"), world()).asked[0].intent is intent, example


_UNBOUNDED = re.compile(r"(?<!\\)\.[*+]|\[\^ \][*+].{0,3}\)[*+]|[*+]\)[*+]")


def test_no_pattern_of_the_catalogue_repeats_without_a_bound() -> None:
    """What may be repeated at will is a choice of words, once: never anything, and never a repetition in another."""
    assert [pattern for pattern in patterns(language()) if _UNBOUNDED.search(pattern)] == []


@pytest.mark.parametrize("pattern", [r"is .* fresh", r"(?:[^ ]+ )*x", r"(?:a+)+$"])
def test_a_pattern_without_a_bound_would_be_found(pattern: str) -> None:
    assert _UNBOUNDED.search(pattern)


def patterns(known: Any) -> list[str]:
    found = [pattern.pattern for _, pattern, _ in known.intents]
    fields = (getattr(known, name) for name in known.__slots__)
    return found + [one.pattern for one in fields if isinstance(one, re.Pattern)]
