"""The app in Slack workspaces: one installation per workspace, or per enterprise for all its workspaces."""

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class InstallKey:
    """What an installation is for; an empty team means every workspace of the enterprise."""

    #: empty for a workspace that belongs to no enterprise
    enterprise_id: str
    team_id: str

    @property
    def whole(self) -> bool:
        """Whether it is for a whole enterprise."""
        return not self.team_id


@dataclass(frozen=True, slots=True)
class Installation:
    """One installation as it is stored."""

    key: InstallKey
    app_id: str
    bot_user_id: str
    scopes: frozenset[str]
    #: sealed; None once it was removed
    tokens: bytes | None
    version: int
    #: when the access token ends; None: it does not
    expires_at: datetime | None
    #: Slack user
    installed_by: str
    installed_at: datetime
    removed_at: datetime | None
    name: str
    organization_id: str | None
    #: since when Slack refuses to renew it
    refused_at: datetime | None


@dataclass(frozen=True, slots=True)
class Serving:
    """By what an open workspace is served."""

    team_id: str
    #: its own installation, or its enterprise's; None where a token was given by hand
    installation: Installation | None
    #: sealed token that a seed file gave
    bot_token: bytes | None
