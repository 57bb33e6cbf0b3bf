"""One-time values: 256 random bits, or a few digits; what is kept of them is a hash."""

import hashlib
import hmac
import secrets
from datetime import timedelta

from storage.facts.secret import Secret

#: How long a link lives; single use, bound to person, organization and source.
LINK_LIVES = timedelta(minutes=15)
#: How long the browser may be away at the provider or at Slack.
STATE_LIVES = timedelta(minutes=10)
#: How long a grant waits for the person's yes.
YES_WAITS = timedelta(minutes=10)
#: How long the page about what came of it can be seen again.
RESULT_SHOWN = timedelta(hours=1)
CODE_DIGITS = 8
MOST_CODES = 3
MOST_TRIES = 5
_LONGEST = 512


def new_mark() -> Secret:
    """Return a value that nobody guesses, fit for an address."""
    return Secret(secrets.token_urlsafe(32))


def new_code() -> Secret:
    """Return digits that a person types once."""
    return Secret(f"{secrets.randbelow(10**CODE_DIGITS):0{CODE_DIGITS}}")


def hash_of(kind: str, *values: Secret) -> str:
    """Return what is kept of a one-time value; the same value of another kind has another hash.

    Overlong values hash to what nothing has, before anybody spends time on them.
    """
    text = "\x1f".join(value.reveal() for value in values)
    if len(text) > _LONGEST:
        return ""
    return hashlib.sha256(f"tidings {kind}\x1f{text}".encode(errors="replace")).hexdigest()


def same(kept: str | None, shown: str) -> bool:
    """Compare two hashes in constant time; nothing equals what is not there."""
    return bool(kept) and hmac.compare_digest((kept or "").encode(), shown.encode())


def typed_code(text: str) -> Secret:
    """Return the digits of what a person typed, with the spaces and dashes that people put between them left out."""
    return Secret("".join(text.split()).replace("-", "")[:_LONGEST])
