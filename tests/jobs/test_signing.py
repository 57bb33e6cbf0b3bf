"""Marks: bound to purpose, key and every part, and the same ones as in mails of months ago."""

from collections.abc import Sequence

import pytest

from jobs.signing import Signing
from storage.facts.secret import Secret

OLD, NEW = Secret("o" * 43), Secret("n" * 43)


class OfAnyPurpose(Signing):
    """The bug: one key for all purposes."""

    def __init__(self, purpose: str, keys: Sequence[Secret]) -> None:
        _ = purpose
        super().__init__("everything", keys)


class OfTheFirst(Signing):
    """The bug: what stands behind the first part is not looked at."""

    def _by(self, key: bytes, parts: Sequence[str]) -> str:
        return super()._by(key, parts[:1])


@pytest.mark.parametrize("kind, holds", [(Signing, True), (OfAnyPurpose, False), (OfTheFirst, False)])
def test_a_mark_counts_for_one_purpose_and_what_was_said_alone(kind: type[Signing], *, holds: bool) -> None:
    pages, files = kind("page", [OLD]), kind("file", [OLD])
    mark = pages.mark("src_1", "mem_1")
    assert pages.made(mark, "src_1", "mem_1")
    others = [
        files.made(mark, "src_1", "mem_1"),
        pages.made(mark, "src_1", "mem_2"),
        pages.made(mark, "src_1"),
        pages.made(mark[:-1], "src_1", "mem_1"),
        pages.made("ä" * 43, "src_1", "mem_1"),
        kind("page", [NEW]).made(mark, "src_1", "mem_1"),
    ]
    assert (not any(others)) is holds


def test_marks_outlive_a_rotation_of_keys_and_new_ones_are_by_the_first() -> None:
    before, after = Signing("page", [OLD]), Signing("page", [NEW, OLD])
    assert after.made(before.mark("a"), "a")
    assert after.mark("a") == Signing("page", [NEW]).mark("a") != before.mark("a")


def test_links_in_mails_of_months_ago_still_count() -> None:
    assert Signing("mail off", [OLD]).mark("https://x", "dlv_1") == "WiOeIe4c8gUj3qjDMq4UdsjlvVMcF1wpxgt_sheKlmY"
