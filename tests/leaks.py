"""Looks for secrets where they must not be, in the shapes in which they get there."""

import base64
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from urllib.parse import quote

#: Shorter than this a text turns up by chance.
SHORTEST = 8
_AROUND = 60


@dataclass(frozen=True, slots=True)
class Place:
    """Something that people, files or other programs can read: its kind, its name, and all of it."""

    kind: str
    name: str
    content: bytes


@dataclass(frozen=True, slots=True)
class Leak:
    """A secret that was found; never with the secret itself, so that a failed test tells no more than it must."""

    secret: str
    shape: str
    place: str
    before: str

    def __str__(self) -> str:
        """Say it in one line."""
        return f"{self.secret} ({self.shape}) in {self.place}, after {self.before!r}"


@dataclass
class Secrets:
    """Every secret there is, by its value: what it is, and the kinds of places that must carry it as it is."""

    known: dict[str, tuple[str, frozenset[str]]] = field(default_factory=dict)

    def add(self, name: str, value: object, *, allowed: Iterable[str] = ()) -> None:
        """Remember one; what is empty or too short to be told from chance is none."""
        text = str(value or "")
        if len(text) >= SHORTEST:
            self.known.setdefault(text, (name, frozenset(allowed)))

    def names(self) -> set[str]:
        """Return what kinds of secrets were met."""
        return {name for name, _ in self.known.values()}

    def leaks(self, places: Iterable[Place]) -> list[Leak]:
        """Return what is where it must not be."""
        needles = [(text, *what, shapes(text)) for text, what in self.known.items()]
        found = []
        for place in places:
            for text, name, allowed, looks in needles:
                for shape, needle in looks.items():
                    if shape == "plain" and place.kind in allowed:
                        continue
                    if (at := _found(place.content, needle, digits=text.isdecimal() and shape == "plain")) >= 0:
                        before = place.content[max(0, at - _AROUND) : at].decode("utf-8", "replace")
                        found.append(Leak(name, shape, f"{place.kind} {place.name}", before))
        return found


def shapes(secret: str) -> dict[str, bytes]:
    """Return what a secret looks like: as it is, in hex, percent-encoded, and in base64 wherever it begins in a text."""
    raw = secret.encode()
    looks = {
        "plain": raw,
        "hex": raw.hex().encode(),
        "HEX": raw.hex().upper().encode(),
        "percent": quote(secret, safe="").encode(),
        "percent, all": "".join(f"%{byte:02x}" for byte in raw).encode(),
        "PERCENT, ALL": "".join(f"%{byte:02X}" for byte in raw).encode(),
        "UTF-16": secret.encode("utf-16-le"),
    }
    for offset in range(3):
        # Only the characters that the bytes before and after it cannot change.
        first, last = -(-offset * 8 // 6), (offset + len(raw)) * 8 // 6
        text = base64.b64encode(bytes(offset) + raw)[first:last]
        looks[f"base64 at {offset}"] = text
        looks[f"base64url at {offset}"] = text.translate(bytes.maketrans(b"+/", b"-_"))
    return _told_apart(looks)


def _told_apart(looks: dict[str, bytes]) -> dict[str, bytes]:
    """Keep one name for shapes that look the same."""
    seen: dict[bytes, str] = {}
    for name, look in looks.items():
        seen.setdefault(look, name)
    return {name: look for look, name in seen.items()}


def _found(content: bytes, needle: bytes, *, digits: bool) -> int:
    """Return where it is, -1 for nowhere; digits count only where no other digit touches them."""
    for at in _positions(content, needle):
        around = content[max(0, at - 1) : at] + content[at + len(needle) : at + len(needle) + 1]
        if not (digits and any(chr(byte).isdigit() for byte in around)):
            return at
    return -1


def _positions(content: bytes, needle: bytes) -> Iterator[int]:
    at = content.find(needle)
    while at >= 0:
        yield at
        at = content.find(needle, at + 1)
