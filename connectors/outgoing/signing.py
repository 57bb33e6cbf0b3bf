"""Signatures by the Standard Webhooks specification (version 1, symmetric): https://www.standardwebhooks.com."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.facts.secret import Secret

_PREFIX = "whsec_"
_BYTES = 32


def new_secret() -> Secret:
    """Return a new signing secret, in the form in which receivers' libraries take it: ``whsec_`` and base64."""
    return Secret(_PREFIX + base64.b64encode(secrets.token_bytes(_BYTES)).decode())


def signed(message_id: str, at: datetime, body: bytes, keys: Sequence[Secret]) -> Mapping[str, str]:
    """Return the headers of a message: its id, when this attempt was made, a signature with each of the secrets.

    The id is the same for every attempt, so that a receiver who has it already can leave it.
    """
    seconds = str(int(at.timestamp()))
    signatures = (_signature(f"{message_id}.{seconds}.".encode() + body, key) for key in keys)
    return {
        "webhook-id": message_id,
        "webhook-timestamp": seconds,
        "webhook-signature": " ".join(f"v1,{signature}" for signature in signatures),
    }


def _signature(content: bytes, key: Secret) -> str:
    raw = base64.b64decode(key.reveal().removeprefix(_PREFIX), validate=True)
    return base64.b64encode(hmac.digest(raw, content, hashlib.sha256)).decode()
