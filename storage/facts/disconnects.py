"""Disconnecting on purpose: what is left to be done about a grant and its data, and how it ended."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class GrantEnd(StrEnum):
    """What became of the grant; in each case our copy of the tokens is gone."""

    REVOKED = "revoked"
    #: the provider lets only the account's owner take it back
    NO_WAY = "no_way_to_revoke"
    #: the provider did not answer in time
    NOT_REVOKED = "not_revoked"
    #: the account is connected again, or elsewhere: ending it would end that one
    STILL_USED = "still_used"
    UNREADABLE = "unreadable"
    #: it was lost before, or given up earlier
    NONE = "nothing_to_revoke"

    @property
    def done(self) -> bool:
        """Whether nothing is left that a person should do at the provider."""
        return self in {GrantEnd.REVOKED, GrantEnd.STILL_USED, GrantEnd.NONE}


@dataclass(frozen=True, slots=True)
class Disconnect:
    """One disconnecting, and how far it is."""

    id: str
    organization_id: str
    source_id: str
    member_id: str
    at: datetime
    #: of the connection that it made
    version: int
    erase_data: bool
    region: str
    environment: str
    tokens_due_at: datetime
    attempt: int
    next_at: datetime
    outcome: GrantEnd | None
    settled_at: datetime | None
    data_erased_at: datetime | None
    ended_at: datetime | None
