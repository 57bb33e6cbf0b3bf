"""Marks on links that were made here: keyed by SECRET_KEYS, and for each purpose by keys of its own.

So a mark that was given for one purpose counts for no other. Keys from before a rotation still count.
"""

import base64
import hashlib
import hmac
from collections.abc import Callable, Sequence

from storage.facts.secret import Secret


def for_addresses(digest: bytes) -> str:
    """Return a digest as 43 letters, digits, dashes and underscores."""
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


class Signing:
    """Makes marks for one purpose, and knows them again."""

    def __init__(self, purpose: str, keys: Sequence[Secret], written: Callable[[bytes], str] = for_addresses) -> None:
        """`purpose` must be no other's; `written` turns a SHA-256 digest into the text of a mark."""
        self._keys = [hashlib.sha256(f"tidings {purpose}\x1f{key.reveal()}".encode()).digest() for key in keys]
        self._written = written

    def mark(self, *parts: str) -> str:
        """Return the mark of what is said; the parts hold no unit separator."""
        return self._by(self._keys[0], parts)

    def made(self, mark: str, *parts: str) -> bool:
        """Whether the mark was made here for exactly these parts; every key is tried, in the same time."""
        known = [hmac.compare_digest(self._by(key, parts).encode(), mark.encode()) for key in self._keys]
        return any(known)

    def _by(self, key: bytes, parts: Sequence[str]) -> str:
        return self._written(hmac.digest(key, "\x1f".join(parts).encode(), hashlib.sha256))
