"""Sealed text opens only where it belongs, with one of our keys, unchanged."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.credentials import Credentials, Place, open_credentials, seal_credentials
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


class Rows:
    """T58: what somebody who can write the database can do with a hundred rows. Sealed tokens of many connections, each at its third version, and those of its second."""

    def __init__(self, seal: Seal) -> None:
        self.seal = seal
        self.places = [Place(f"org_{n % 7}", ("quickbooks", "shopify")[n % 2], f"account-{n}", 3) for n in range(100)]
        self.now = [self._sealed(place) for place in self.places]
        self.before = [self._sealed(replace(place, version=2)) for place in self.places]

    def _sealed(self, place: Place) -> bytes:
        return seal_credentials(self.seal, place, Credentials(Secret(f"access of {place.account}"), Secret("refresh")))

    def attacked(self, attack: str, n: int) -> bytes:
        """Return what stands in row n afterwards."""
        sealed = self.now[n]
        match attack:
            case "another row's":
                return self.now[(n + 1) % 100]
            case "the same provider's in another organization":
                return self.now[(n + 2) % 100]
            case "an older one":
                return self.before[n]
            case "cut":
                return sealed[: n % len(sealed)]
            case _:
                return sealed[:n] + bytes([sealed[n] ^ (1 << n % 8)]) + sealed[n + 1 :]

    def opened(self, attack: str) -> int:
        """Count the rows that a job would read after the attack."""
        count = 0
        for n, place in enumerate(self.places):
            try:
                open_credentials(self.seal, place, self.attacked(attack, n))
            except SealError:
                continue
            count += 1
        return count


ATTACKS = ("another row's", "the same provider's in another organization", "an older one", "cut", "changed")


@pytest.mark.parametrize("attack", ATTACKS)
def test_no_moved_ciphertext_opens(attack: str) -> None:
    rows = Rows(Seal([NEW]))
    assert all(open_credentials(rows.seal, place, own) for place, own in zip(rows.places, rows.now, strict=True))
    assert rows.opened(attack) == 0


@pytest.mark.parametrize("attack", ATTACKS[:3])
def test_the_moves_open_where_a_seal_is_not_bound(attack: str) -> None:
    assert Rows(UnboundSeal([NEW])).opened(attack) == 100
