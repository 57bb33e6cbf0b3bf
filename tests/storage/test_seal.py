"""Sealed text opens only where it belongs, with one of our keys, unchanged."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.facts.secret import Secret
from storage.seal import Seal, SealError, new_key

OLD, NEW = Secret(new_key()), Secret(new_key())
PLACE = ("credentials", "org_1", "quickbooks", "9341450000000001", "3")


class UnboundSeal(Seal):
    """The broken twin: forgets what the text is bound to."""

    def close(self, text: str, *binding: str) -> bytes:
        del binding
        return super().close(text)

    def open(self, sealed: bytes, *binding: str) -> str:
        del binding
        return super().open(sealed)


@given(st.text(max_size=200))
def test_what_is_sealed_opens_again_and_never_shows(text: str) -> None:
    sealed = Seal([NEW]).close(text, *PLACE)
    assert Seal([NEW]).open(sealed, *PLACE) == text
    if len(text.encode()) >= 4:
        assert text.encode() not in sealed


def test_the_same_text_is_sealed_differently_each_time() -> None:
    seal = Seal([NEW])
    assert len({seal.close("token", *PLACE) for _ in range(50)}) == 50


def opens_elsewhere(seal: Seal) -> list[int]:
    """Return which parts of the binding may be another one without the seal noticing."""
    sealed = seal.close("token", *PLACE)
    found = []
    for position in range(len(PLACE)):
        other = (*PLACE[:position], "other", *PLACE[position + 1 :])
        try:
            seal.open(sealed, *other)
        except SealError:
            continue
        found.append(position)
    return found


def test_another_organization_provider_account_or_version_is_refused() -> None:
    assert opens_elsewhere(Seal([NEW])) == []


def test_the_check_catches_a_seal_that_is_not_bound() -> None:
    assert opens_elsewhere(UnboundSeal([NEW])) == [0, 1, 2, 3, 4]


def test_parts_of_the_binding_do_not_run_together() -> None:
    sealed = Seal([NEW]).close("token", "ab", "c")
    with pytest.raises(SealError):
        Seal([NEW]).open(sealed, "a", "bc")


def test_every_changed_or_missing_byte_is_noticed() -> None:
    seal = Seal([NEW])
    sealed = seal.close("token", *PLACE)
    damaged = [sealed[:i] + bytes([sealed[i] ^ 1]) + sealed[i + 1 :] for i in range(len(sealed))]
    damaged += [sealed[:i] for i in range(len(sealed))]
    for text in damaged:
        with pytest.raises(SealError):
            seal.open(text, *PLACE)


def test_during_a_rotation_both_keys_open_and_the_new_one_seals() -> None:
    before = Seal([OLD]).close("token", *PLACE)
    both = Seal([NEW, OLD])
    assert both.open(before, *PLACE) == "token"
    assert not both.is_current(before)
    after = both.close("token", *PLACE)
    assert both.is_current(after)
    assert Seal([NEW]).open(after, *PLACE) == "token"


def test_a_missing_key_is_named_and_the_secret_is_not() -> None:
    sealed = Seal([OLD]).close("token", *PLACE)
    with pytest.raises(SealError, match="not in SECRET_KEYS") as caught:
        Seal([NEW]).open(sealed, *PLACE)
    assert OLD.reveal() not in str(caught.value)
    assert NEW.reveal() not in str(caught.value)


@pytest.mark.parametrize("keys", [[], [Secret("")], [Secret("short")], [Secret("é" * 44)], [NEW, Secret("no key")]])
def test_an_unusable_key_is_refused_at_the_start_without_showing_it(keys: list[Secret]) -> None:
    with pytest.raises(SealError, match="SECRET_KEYS") as caught:
        Seal(keys)
    assert "short" not in str(caught.value)
    assert "no key" not in str(caught.value)
