"""Keys that a read brought are counted exactly, however they are written."""

import pyarrow as pa
from hypothesis import given, settings
from hypothesis import strategies as st

from connectors.keys import Keys

KEY = st.one_of(
    st.integers(0, 30).map(str),
    st.sampled_from(["007", "7", "+7", "-0", "0", " 7", "gid://shop/Order/7", "", "9223372036854775808", "७"]),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(KEY, max_size=6), max_size=5))
def test_they_are_a_set(columns: list[list[str]]) -> None:
    keys, truth = Keys(), set[str]()
    for column in columns:
        keys.add(pa.array(column, pa.string()))
        truth.update(column)
        assert len(keys) == len(truth)
    assert keys.texts() == truth
    assert bool(keys) == bool(truth)


def test_numbers_take_eight_bytes_each() -> None:
    """What the read of five million records rests on; a twin that keeps the texts takes three times as much here."""
    before, keys = pa.total_allocated_bytes(), Keys()
    for start in range(0, 100_000, 10_000):
        keys.add(pa.chunked_array([pa.array([str(start + n) for n in range(10_000)], pa.string())]))
    assert pa.total_allocated_bytes() - before < 100_000 * 8 * 1.2
    texts = pa.array(sorted(keys.texts()), pa.string())
    assert len(keys) == len(texts)
    assert texts.nbytes > 100_000 * 8
