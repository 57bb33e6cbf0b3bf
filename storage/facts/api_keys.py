"""Keys with which programs read and make metrics."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

#: keys of one organization that are not revoked
MOST_KEYS = 20


class KeyScope(StrEnum):
    """What a key may at most; its maker's role is the other limit."""

    METRICS_READ = "metrics:read"
    METRICS_WRITE = "metrics:write"


@dataclass(frozen=True, slots=True)
class ApiKey:
    """A key, without its secret part, which is kept nowhere."""

    id: str
    organization_id: str
    #: who made it: it may never more than they may now
    member_id: str
    name: str
    scopes: frozenset[KeyScope]
    created_at: datetime
    used_at: datetime | None = None
    revoked_at: datetime | None = None
