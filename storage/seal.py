"""Sealing: AES-GCM bound to organization, provider, account and version, with several keys during a rotation.

A sealed text copied to another row, rolled back to an older version, cut or changed is refused, so that whoever can
write the database still cannot make one company's job run on another company's books.
"""

import base64
import binascii
import os
from collections.abc import Sequence

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256, Hash

from storage.facts.secret import Secret

_KEY_BYTES = 32
_NONCE_BYTES = 12
_ID_BYTES = 8
_FORMAT = b"\x01"


class SealError(RuntimeError):
    """A key is missing or wrong, or a sealed text is not where it belongs."""


class Seal:
    """Seals with the first key and opens with any of them."""

    def __init__(self, keys: Sequence[Secret]) -> None:
        if not keys:
            raise SealError("SECRET_KEYS is empty: make a key with `tidings keys new`")
        self._keys = [_decoded(key, number) for number, key in enumerate(keys, 1)]

    def close(self, text: str, *binding: str) -> bytes:
        """Return the sealed text; it opens only with the same binding."""
        key = self._keys[0]
        nonce = os.urandom(_NONCE_BYTES)
        return _FORMAT + _key_id(key) + nonce + AESGCM(key).encrypt(nonce, text.encode(), _bound(binding))

    def open(self, sealed: bytes, *binding: str) -> str:
        """Return the text; SealError when the key is not among ours or the binding is another one."""
        if sealed[:1] != _FORMAT or len(sealed) < 1 + _ID_BYTES + _NONCE_BYTES + 16:
            raise SealError("the sealed text is damaged")
        key_id, rest = sealed[1 : 1 + _ID_BYTES], sealed[1 + _ID_BYTES :]
        for key in self._keys:
            if _key_id(key) == key_id:
                return _opened(key, rest, binding)
        raise SealError(
            f"sealed with the key {key_id.hex()}, which is not in SECRET_KEYS: add it again; nothing was overwritten"
        )

    def knows(self, sealed: bytes) -> bool:
        """Whether the text is sealed with one of our keys, wherever it belongs."""
        return sealed[1 : 1 + _ID_BYTES] in {_key_id(key) for key in self._keys}

    def is_current(self, sealed: bytes) -> bool:
        """Whether the text is sealed with the newest key."""
        return sealed[1 : 1 + _ID_BYTES] == _key_id(self._keys[0])


def new_key() -> str:
    """Return a fresh key for SECRET_KEYS."""
    return base64.urlsafe_b64encode(os.urandom(_KEY_BYTES)).decode()


def _opened(key: bytes, rest: bytes, binding: Sequence[str]) -> str:
    try:
        return AESGCM(key).decrypt(rest[:_NONCE_BYTES], rest[_NONCE_BYTES:], _bound(binding)).decode()
    except InvalidTag:
        raise SealError("the sealed text does not belong to this row, or was changed") from None


def _decoded(key: Secret, number: int) -> bytes:
    try:
        raw = base64.urlsafe_b64decode(key.reveal())
    except (binascii.Error, ValueError):
        raw = b""
    if len(raw) != _KEY_BYTES:
        raise SealError(f"SECRET_KEYS: key {number} is not 32 bytes in base64; make one with `tidings keys new`")
    return raw


def _key_id(key: bytes) -> bytes:
    digest = Hash(SHA256())
    digest.update(b"tidings key id" + key)
    return digest.finalize()[:_ID_BYTES]


def _bound(binding: Sequence[str]) -> bytes:
    return b"\x1f".join(part.encode() for part in binding)
