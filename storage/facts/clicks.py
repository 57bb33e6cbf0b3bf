"""A confirmed refresh that was accepted: all that is needed to play it later, by whichever process."""

from dataclasses import dataclass
from datetime import datetime

from storage.facts.people import SlackIdentity


@dataclass(frozen=True, slots=True)
class Click:
    """One accepted click. The workspace where it happened and the card are its key."""

    team_id: str
    trigger_id: str
    #: the organization of the person at that time
    organization_id: str
    identity: SlackIdentity
    channel_id: str
    #: None for everything
    source_ids: tuple[str, ...] | None
    only_stale: bool
    #: when it was accepted: the refresh was requested then
    at: datetime
    #: JSON: how another process answers; nothing secret
    request: str

    @property
    def key(self) -> tuple[str, str]:
        """What tells it from every other click."""
        return self.team_id, self.trigger_id
