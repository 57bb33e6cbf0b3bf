"""Whom a consent page asks, and the questions that are still open."""

import secrets
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Generic, TypeVar

from starlette.requests import Request

from storage.facts.clock import Clock

T = TypeVar("T")

#: A person who has not answered by then has to begin again.
PATIENCE = timedelta(minutes=30)


class Asking(StrEnum):
    """Who gets a page to click on; everybody else is answered at once, as the script says."""

    #: callers that take HTML: people and driven browsers, but no plain HTTP client
    BROWSERS = "browsers"
    EVERYBODY = "everybody"
    NOBODY = "nobody"


def asks_a_person(request: Request, asking: Asking) -> bool:
    """Whether this request is answered by a page that waits for a click."""
    if asking is Asking.BROWSERS:
        return "text/html" in request.headers.get("accept", "")
    return asking is Asking.EVERYBODY


@dataclass
class Asks(Generic[T]):
    """Open questions by an unguessable name; each is answered once."""

    clock: Clock
    _open: dict[str, tuple[datetime, T]] = field(default_factory=dict)

    def open(self, about: T) -> str:
        """Keep a question and return its name."""
        now = self.clock.now()
        self._open = {name: kept for name, kept in self._open.items() if kept[0] > now}
        name = secrets.token_urlsafe(24)
        self._open[name] = (now + PATIENCE, about)
        return name

    def take(self, name: str) -> T | None:
        """Return the question and forget it; None when it is answered, expired or was never asked."""
        until, about = self._open.pop(name, (None, None))
        return about if until is not None and until > self.clock.now() else None
