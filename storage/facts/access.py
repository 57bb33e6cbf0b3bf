"""The operator's permission to refresh: who asked, what support said, and how an organization stands."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class RefreshAccess(StrEnum):
    """Which organizations may start refreshes by hand."""

    OPEN = "open"
    #: those that support approved
    BY_REQUEST = "by_request"


@dataclass(frozen=True, slots=True)
class Asker:
    """Somebody who asked and is told of the decision."""

    member_id: str
    name: str
    at: datetime
    #: what the person wanted to refresh, in names of that day
    wanted: str
    #: what a button carries that asks for that refresh again
    again: str


@dataclass(frozen=True, slots=True)
class AccessRequest:
    """One request of an organization, open until support decides it."""

    id: str
    organization_id: str
    organization: str
    account_rep: str | None
    at: datetime
    #: the one who asked first, then those who joined
    askers: tuple[Asker, ...]
    settled_at: datetime | None = None
    #: name of the support person
    settled_by: str | None = None
    #: None while it is open, and where support could never be reached
    approved: bool | None = None


@dataclass(frozen=True, slots=True)
class AccessStanding:
    """How an organization without access stands, for one of its members."""

    organization: str
    #: the newest request, open or decided
    request: AccessRequest | None
    #: whether the member is among those who wait for the decision
    waiting: bool


class AskedAccess(StrEnum):
    """What became of asking."""

    #: support was asked
    NEW = "new"
    #: support was asked by somebody else before; the asker is told too
    JOINED = "joined"
    #: the asker waits for the decision already
    WAITING = "waiting"
    #: there is access already
    ALLOWED = "allowed"
