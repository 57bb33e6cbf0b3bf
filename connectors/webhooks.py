"""What all providers' webhooks have in common: a signature over the raw bytes, and bodies that say something or not."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

from storage.facts.secret import Secret

_DIGEST_BYTES = 32
_SIGNATURE_LENGTH = 44


class UnusableError(ValueError):
    """A genuine body that says nothing that we understand; the text names what is wrong, never the body."""


class ForgedError(Exception):
    """What is said beside the signed body contradicts it; the text says in what."""


def signed(body: bytes, signature: bytes, secrets: Sequence[Secret]) -> bool:
    """Whether one of the secrets signed exactly these bytes: base64 of HMAC-SHA256."""
    if len(signature) != _SIGNATURE_LENGTH:
        return False
    try:
        given = base64.b64decode(signature, validate=True)
    except (binascii.Error, ValueError):
        return False
    # Every comparison is made, whichever matches: the time taken tells nothing. An empty secret signs nothing.
    found = [
        hmac.compare_digest(hmac.new(secret.reveal().encode(), body, hashlib.sha256).digest(), given)
        for secret in secrets
        if secret
    ]
    return len(given) == _DIGEST_BYTES and any(found)
