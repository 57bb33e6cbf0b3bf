"""A field that nobody here knows is told once, per source, stream and field."""

from collections.abc import Mapping, Sequence

from jobs.refresh import drift
from storage.facts.streams import Stream

ORDERS = Stream("orders", "Orders", ())
FOUND: Sequence[Mapping[str, Sequence[str]]] = (
    {"orders": ["gift-wrap"]},
    {"orders": ["gift-wrap"]},
    {},
    {"orders": ["gift-wrap", "colour"], "returns": ["colour"]},
    {"orders": ["colour"], "returns": ["colour"]},
)


def _told(*, forgets: bool = False) -> list[tuple[str, ...]]:
    """Return what each run says; a twin forgets with each run that has nothing new."""
    said, told = [], dict[str, list[str]]()
    for found in FOUND:
        fresh = drift.news(found, told)
        said.append(drift.sentences(fresh, [ORDERS]))
        told = drift.told_of({"unknown": fresh if forgets else drift.together(told, fresh)})
    return said


def test_each_field_is_told_once() -> None:
    told = _told()
    assert [len(sentences) for sentences in told] == [1, 0, 0, 2, 0]
    assert told[0][0].startswith("Orders: the provider sends fields that are new here: gift-wrap.")
    assert "gift-wrap" not in told[3][0]
    assert _told(forgets=True) != told


def test_a_long_list_is_cut() -> None:
    (sentence,) = drift.sentences({"orders": [f"field-{number}" for number in range(40)]}, [ORDERS])
    assert "and 30 more" in sentence
    assert len(sentence) < 300


def _grown(most: int) -> int:
    """Return how many names are kept after a provider sent others each time; a twin keeps what comes."""
    told: dict[str, list[str]] = {}
    for run in range(6):
        found = {"orders": [f"key-{run}-{number}" for number in range(100)]}
        fresh = drift.news(found, told) if most else found
        told = drift.together(told, fresh)
    return len(told["orders"])


def test_names_without_end_are_not_told_without_end() -> None:
    assert _grown(drift.MOST) == drift.MOST
    assert _grown(0) == 600


def test_names_are_told_in_signs_that_can_be_seen() -> None:
    hostile = "a\n\u202e\0<!channel>" + "x" * 100_000
    ((name,),) = drift.news({"orders": [hostile]}, {}).values()
    assert (name[:14], len(name)) == ("a???<!channel>", 60)
    assert not drift.news({"orders": [hostile]}, {"orders": [name]})
