"""Passwords of Web Connectors: random, shown once, kept as a slow salted hash; whoever guesses waits ever longer."""

import base64
import hashlib
import hmac
import secrets
from datetime import datetime, timedelta

from storage.facts.secret import Secret

#: 16 MB and some 50 ms a try; it stands in each hash, so that it may grow
COST = 2**14
_BLOCK, _LANES, _BYTES = 8, 1, 32
#: tries that wait for nothing: people mistype
FREE_TRIES = 5
_FIRST_WAIT = timedelta(seconds=15)
_LONGEST_WAIT = timedelta(minutes=15)
_LONGEST = 200


def new_password() -> Secret:
    """Return a password that nobody guesses and that a person can copy: 120 random bits in groups."""
    plain = base64.b32encode(secrets.token_bytes(15)).decode().casefold()
    return Secret("-".join(plain[at : at + 6] for at in range(0, len(plain), 6)))


def slow_hash(password: Secret, cost: int = COST) -> str:
    """Return what is kept of it."""
    salt = secrets.token_bytes(16)
    return f"scrypt${cost}${salt.hex()}${_made(password, salt, cost).hex()}"


def matches(kept: str, shown: Secret) -> bool:
    """Whether that is the password, in the time that it takes for any; False for what is kept as nothing."""
    kind, _, rest = kept.partition("$")
    parts = rest.split("$")
    if kind != "scrypt" or len(parts) != 3 or len(shown.reveal()) > _LONGEST:
        return False
    cost, salt, wanted = int(parts[0]), bytes.fromhex(parts[1]), bytes.fromhex(parts[2])
    return hmac.compare_digest(_made(shown, salt, cost), wanted)


def free_at(wrong: int, wrong_at: datetime | None) -> datetime | None:
    """Return when another try counts, after so many wrong ones in a row; None: now."""
    if wrong < FREE_TRIES or wrong_at is None:
        return None
    # A power of a number that somebody else drives up is not calculated.
    doubled = min(wrong - FREE_TRIES, 10)
    return wrong_at + min(_FIRST_WAIT * (1 << doubled), _LONGEST_WAIT)


def _made(password: Secret, salt: bytes, cost: int) -> bytes:
    said = password.reveal().encode(errors="replace")
    most = 256 * cost * _BLOCK
    return hashlib.scrypt(said, salt=salt, n=cost, r=_BLOCK, p=_LANES, maxmem=most, dklen=_BYTES)
