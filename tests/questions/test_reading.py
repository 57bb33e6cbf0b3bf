"""What the sentences do not show: threads, days of 25 hours, the nearest things, and the catalogue itself."""

import re
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from bot.asking.facts import Intent, Understood
from bot.asking.language import language
from bot.asking.nearest import HOW_MANY, nearest
from bot.asking.reading import read
from bot.asking.threads import after
from tests.questions.world import meant_ids, world


def asked(text: str) -> Understood:
    return read(text, world())


def test_a_no_lasts_until_somebody_wishes_otherwise() -> None:
    before = after(asked("don't refresh shopify, is it fresh?"), None)
    still = read("and amazon?", world(), before)
    assert not still.offers
    wished = read("ok refresh it then", world(), before)
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
        ("2026-11-20T14:30", "what changed in shopify since nov 3", "2026-11-03T00:00", None),
        ("2026-11-20T14:30", "what changed in shopify on tue", "2026-11-17T00:00", "2026-11-18T00:00"),
        ("2026-11-20T14:30", "what changed in shopify on 11/2", "2026-11-02T00:00", "2026-11-03T00:00"),
        ("2026-11-20T14:30", "what changed in shopify on 15/11/2025", "2025-11-15T00:00", "2025-11-16T00:00"),
        ("2026-11-20T14:30", "what changed in shopify since the 31st", "2026-10-31T00:00", None),
        ("2026-11-20T14:30", "what changed in shopify since the 45th", None, None),
        ("2026-11-20T14:30", "what changed in shopify on the 2nd of october", "2026-10-02T00:00", "2026-10-03T00:00"),
        ("2026-11-20T14:30", "what changed in shopify in october 2025", "2025-10-01T00:00", "2025-11-01T00:00"),
        ("2026-11-20T14:30", "what changed in shopify month to date", "2026-11-01T00:00", None),
        (
            "2026-11-20T14:30",
            "what changed in shopify the day before yesterday",
            "2026-11-18T00:00",
            "2026-11-19T00:00",
        ),
        ("2026-11-20T14:30", "what changed in shopify over the weekend", "2026-11-14T00:00", "2026-11-16T00:00"),
        ("2026-11-21T14:30", "what changed in shopify over the weekend", "2026-11-21T00:00", None),
        ("2026-11-20T14:30", "what changed in shopify in the past 48h", "2026-11-18T14:30", None),
        (
            "2026-11-20T14:30",
            "what changed in shopify from monday to wednesday",
            "2026-11-16T00:00",
            "2026-11-19T00:00",
        ),
        (
            "2026-11-20T14:30",
            "what changed in shopify between the 3rd and the 5th",
            "2026-11-03T00:00",
            "2026-11-06T00:00",
        ),
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


@pytest.mark.parametrize(
    "first, then, intent, sources",
    [
        ("is shopify fresh", "and the rest?", Intent.STATUS, (0, 2, 3, 4)),
        ("is shopify fresh", "are the others late", Intent.STATUS, (0, 2, 3, 4)),
        ("who refreshed amazon", "when?", Intent.WHEN_LAST, (2,)),
        ("is amazon running", "done?", Intent.IS_RUNNING, (2,)),
        ("did invoice 1042 land", "and now?", Intent.LANDED, (0, 1, 2, 3, 4)),
        ("refresh amazon", "and now?", Intent.NOT_UNDERSTOOD, ()),
    ],
)
def test_a_word_or_two_take_up_the_last_question(
    first: str, then: str, intent: Intent, sources: tuple[int, ...]
) -> None:
    found = read(then, world(), after(asked(first), None)).asked[0]
    assert (found.intent, meant_ids(found)) == (intent, [f"src_{at}" for at in sources])


@pytest.mark.parametrize("alone", ["when?", "done?", "and the rest?", "go ahead", "is that normal?"])
def test_a_word_or_two_alone_start_no_wish(alone: str) -> None:
    assert asked(alone).asked[0].intent is not Intent.REFRESH


def test_a_wish_that_names_no_source_holds_no_other_words() -> None:
    for wish in ("refresh everything please", "update all our data now", "refresh what is stale"):
        assert asked(wish).asked[0].intent is Intent.REFRESH, wish
    for other in ("update runs set state ready", "load invoices expired", "update my calendar"):
        assert asked(other).asked[0].intent is Intent.NOT_UNDERSTOOD, other


def test_the_last_resort_is_for_a_source_that_is_asked_about_and_wishes_nothing() -> None:
    assert asked("is shopify kaput").asked[0].intent is Intent.STATUS
    for other in (
        "is the printer kaput",
        "does shopify sell shoes",
        "what is the shopify password",
        "shopify kaput grmpf bzz",
    ):
        assert asked(other).asked[0].intent is Intent.NOT_UNDERSTOOD, other


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
