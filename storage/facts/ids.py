"""Identifiers: short, ordered by time, with a prefix that says what they name."""

import hashlib
import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
#: two characters at once: a run of a thousand metrics derives ten thousands
_PAIRS = [first + second for first in _ALPHABET for second in _ALPHABET]


def new_id(prefix: str) -> str:
    """Return a fresh id such as ``run_06e9…``: 9 characters of milliseconds, then 65 random bits."""
    number = (int(time.time() * 1000) << 65) | secrets.randbits(65)
    return f"{prefix}_{_encode(number)}"


def derived_id(prefix: str, *parts: str) -> str:
    """Return the same id for the same parts, on every machine: the key of work that must exist once."""
    digest = hashlib.sha256("\x1f".join(parts).encode()).digest()
    return f"{prefix}_{_encode(int.from_bytes(digest[:14], 'big'))}"


def _encode(number: int) -> str:
    """Return the last 110 bits as 22 characters."""
    return "".join([_PAIRS[number >> shift & 1023] for shift in range(100, -1, -10)])
