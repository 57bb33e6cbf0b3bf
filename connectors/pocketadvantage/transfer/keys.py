"""Private keys that customers paste, before anything opens them: a key says itself how much work that is.

How often its passphrase is stretched stands in the key: a number of ten digits there would be days of the processor's.
"""

import re
from base64 import b64decode
from collections.abc import Iterator
from typing import Any

from connectors.errors import Broken

#: a key of RSA with 8192 bits has some 6,500 characters
LONGEST = 8_000
#: a second and a half; the usual number is between two thousand and a million
MOST_ROUNDS = 2_000_000
_KEY = re.compile(
    r"\s*-----BEGIN (?P<kind>(?:ENCRYPTED |OPENSSH |RSA |EC |DSA )?)PRIVATE KEY-----(?P<body>[A-Za-z0-9+/=:,.\s-]*)"
    r"-----END (?P=kind)PRIVATE KEY-----\s*",
    re.ASCII,
)
_DEEPEST = 12
#: as many of OpenSSH's own form take two seconds; ssh-keygen takes 16 or 24
MOST_BCRYPT = 256
_OPENSSH, _BCRYPT = b"openssh-key-v1\x00", b"bcrypt"
_SEQUENCE, _WHOLE = 0x30, 0x02
_LONG_FORM, _MOST_LENGTH = 0x80, 3


def check_key(text: str, *, most_rounds: int = MOST_ROUNDS, most_bcrypt: int = MOST_BCRYPT) -> None:
    """Pass for one key that is opened in moments; ValueError for no key, Broken for one that takes too long.

    How often it may be stretched depends on its form: `most_bcrypt` is of OpenSSH's own, `most_rounds` of all others.
    """
    found = _KEY.fullmatch(text) if len(text) <= LONGEST else None
    if found is None or "-----" in found["body"]:
        raise ValueError("one private key is expected")
    if found["kind"] == "OPENSSH ":
        _bounded(_bcrypt_rounds(_decoded(found["body"])), most_bcrypt)
    if found["kind"] != "ENCRYPTED ":
        # The oldest form stretches nothing.
        return
    whole = _first(_decoded(found["body"]))
    # How it was encrypted comes first, and what was, is nobody's business yet.
    _bounded(max(_numbers(_first(whole), 0), default=0), most_rounds)


def _bounded(rounds: int, most: int) -> None:
    if rounds > most:
        words = f"opening the private key would take too long: save it with at most {most:,} rounds"
        raise Broken(words, code="place_malformed")


def _bcrypt_rounds(data: bytes) -> int:
    """Return how often a key of OpenSSH's own form stretches its passphrase, 0 for one without; ValueError."""
    if not data.startswith(_OPENSSH):
        raise ValueError("no key of OpenSSH's")
    _, rest = _text(data[len(_OPENSSH) :])
    kind, rest = _text(rest)
    options, _ = _text(rest)
    if kind != _BCRYPT:
        return 0
    _, rounds = _text(options)
    if len(rounds) != 4:
        raise ValueError("no number")
    return int.from_bytes(rounds)


def _text(data: bytes) -> tuple[bytes, bytes]:
    """Return the first of the texts that follow one another, and the rest."""
    end = 4 + int.from_bytes(data[:4])
    if len(data) < max(4, end):
        raise ValueError("cut off")
    return data[4:end], data[end:]


def _decoded(body: str) -> bytes:
    return b64decode("".join(body.split()), validate=True)


def _first(data: bytes) -> bytes:
    """Return the content of the first part (DER); ValueError where there is none."""
    for _, inside in _parts(data, 0):
        return bytes(inside)
    raise ValueError("cut off")


def _numbers(data: bytes, depth: int) -> Iterator[int]:
    for tag, inside in _parts(data, depth):
        if tag == _WHOLE:
            yield abs(int.from_bytes(inside, signed=True))
        elif tag == _SEQUENCE:
            yield from _numbers(inside, depth + 1)


def _parts(data: bytes, depth: int) -> Iterator[Any]:
    """Yield tag and content of each part (DER); ValueError where it is none."""
    if depth > _DEEPEST:
        raise ValueError("too deep")
    at = 0
    while at < len(data):
        if len(data) - at < 2:
            raise ValueError("cut off")
        tag, size = data[at], data[at + 1]
        at += 2
        if size >= _LONG_FORM:
            count = size - _LONG_FORM
            if not 1 <= count <= _MOST_LENGTH:
                raise ValueError("no length")
            size, at = int.from_bytes(data[at : at + count]), at + count
        if at + size > len(data):
            raise ValueError("cut off")
        yield tag, data[at : at + size]
        at += size
