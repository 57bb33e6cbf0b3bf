"""The audit as people read it."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class AuditEntry:
    """Who did what to which object, and when."""

    sequence: int
    at: datetime
    #: a name; ``support: Sam Keller``, ``system`` or ``operator`` for those who are no members
    actor: str
    #: machine word
    action: str
    #: the name of a member or source, else our id of the object
    subject: str
    detail: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class AuditPage:
    """The newest entries, and whether the whole chain holds."""

    entries: tuple[AuditEntry, ...]
    total: int
    #: sequence numbers whose hash or link is wrong; empty: nothing was changed
    broken: tuple[int, ...]
