"""What people say of results and answers."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Verdict(StrEnum):
    """Thumbs."""

    UP = "up"
    DOWN = "down"


@dataclass(frozen=True, slots=True)
class Given:
    """An answer to a question in plain words, without the words: what it was taken for, and about which sources."""

    id: str
    #: what was asked for, in our words, such as ``status``
    kinds: tuple[str, ...]
    #: none: about all, or about none
    source_ids: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Feedback:
    """The last verdict of one member about one refresh or one answer."""

    by: str
    verdict: Verdict
    at: datetime
    #: what was wrong or missing; empty where nothing was written, or it cannot be opened any more
    words: str = ""
    #: what was asked for; none: it is about the result of a refresh
    kinds: Sequence[str] = ()
