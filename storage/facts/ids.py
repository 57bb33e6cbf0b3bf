"""Identifiers: short, ordered by time, with a prefix that says what they name."""

import hashlib
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``run_06e9…``: 9 characters of milliseconds, then 65 random bits."""
    number = (int(time.time() * 1000) << 65) | secrets.randbits(65)
    return f"{prefix}_{_encode(number, 22)}"


def derived_id(prefix: str, *parts: str) -> str:
    """Return the same id for the same parts, on every machine: the key of work that must exist once."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"{prefix}_{_encode(int.from_bytes(digest[:14], 'big'), 22)}"


def _encode(number: int, length: int) -> str:
    characters = []
    for _ in range(length):
        number, rest = divmod(number, 32)
        characters.append(_ALPHABET[rest])
    return "".join(reversed(characters))
