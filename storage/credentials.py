"""Sealed credentials: what is inside, and what they are bound to.

Whoever reads or writes a grant or a bot token in the database does it with these functions, so that seeding,
connecting, installing and renewing agree. The version is part of the binding: an older copy put back in place is
refused.
"""

import json
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol

from storage.bindings import of_bot_token, of_disconnect, of_installation
from storage.facts.clock import aware
from storage.facts.installations import InstallKey
from storage.facts.secret import Secret
from storage.seal import Seal, SealError


@dataclass(frozen=True, slots=True)
class Place:
    """The row that a grant belongs to, at one version of it."""

    organization_id: str
    provider: str
    account: str
    version: int

    @property
    def binding(self) -> tuple[str, ...]:
        """What the sealed text is bound to."""
        return ("credentials", self.organization_id, self.provider, self.account, str(self.version))


class Bound(Protocol):
    """Where sealed credentials belong."""

    @property
    def binding(self) -> tuple[str, ...]:
        """What the sealed text is bound to."""
        ...


@dataclass(frozen=True, slots=True)
class Leaving:
    """The place of a grant that is being given up, because a person disconnected its source."""

    disconnect_id: str

    @property
    def binding(self) -> tuple[str, ...]:
        """What the sealed text is bound to."""
        return of_disconnect(self.disconnect_id)


@dataclass(frozen=True, slots=True)
class Credentials:
    """One version of a grant's tokens; None means "does not expire" or "not known"."""

    #: empty where only the refresh token is known: it is renewed before the first call
    access: Secret
    refresh: Secret | None = None
    expires_at: datetime | None = None
    refresh_expires_at: datetime | None = None
    #: end of the whole grant, which renewing does not move
    hard_expires_at: datetime | None = None
    scopes: tuple[str, ...] = ()


def seal_credentials(seal: Seal, place: Bound, credentials: Credentials) -> bytes:
    """Seal the tokens for that version of the row."""
    body = {
        "access": credentials.access.reveal(),
        "refresh": credentials.refresh.reveal() if credentials.refresh else None,
        "expires_at": _text(credentials.expires_at),
        "refresh_expires_at": _text(credentials.refresh_expires_at),
        "hard_expires_at": _text(credentials.hard_expires_at),
        "scopes": list(credentials.scopes),
    }
    return seal.close(json.dumps(body), *place.binding)


def open_credentials(seal: Seal, place: Bound, sealed: bytes) -> Credentials:
    """Return the tokens; SealError when they are not those of that version of the row."""
    body: dict[str, Any] = json.loads(seal.open(sealed, *place.binding))
    if not isinstance(body, dict) or not isinstance(body.get("access"), str):
        raise SealError("the sealed text holds no credentials")
    return Credentials(
        access=Secret(body["access"]),
        refresh=Secret(body["refresh"]) if body.get("refresh") else None,
        expires_at=_instant(body.get("expires_at")),
        refresh_expires_at=_instant(body.get("refresh_expires_at")),
        hard_expires_at=_instant(body.get("hard_expires_at")),
        scopes=tuple(body.get("scopes") or ()),
    )


def seal_bot_token(seal: Seal, team_id: str, token: Secret) -> bytes:
    """Seal a workspace's bot token."""
    return seal.close(token.reveal(), *of_bot_token(team_id))


def open_bot_token(seal: Seal, team_id: str, sealed: bytes) -> Secret:
    """Return a workspace's bot token; SealError when it is another workspace's."""
    return Secret(seal.open(sealed, *of_bot_token(team_id)))


@dataclass(frozen=True, slots=True)
class BotGrant:
    """The tokens of one version of an installation; without a refresh token the access token does not end."""

    access: Secret
    refresh: Secret | None = None


def seal_installation(seal: Seal, key: InstallKey, version: int, grant: BotGrant) -> bytes:
    """Seal the tokens for that version of the installation."""
    body = {"access": grant.access.reveal(), "refresh": grant.refresh.reveal() if grant.refresh else None}
    return seal.close(json.dumps(body), *_installed(key, version))


def open_installation(seal: Seal, key: InstallKey, version: int, sealed: bytes) -> BotGrant:
    """Return the tokens; SealError when they are not those of that version of the installation."""
    body: dict[str, Any] = json.loads(seal.open(sealed, *_installed(key, version)))
    if not isinstance(body, dict) or not isinstance(body.get("access"), str):
        raise SealError("the sealed text holds no tokens")
    return BotGrant(Secret(body["access"]), Secret(body["refresh"]) if body.get("refresh") else None)


def _installed(key: InstallKey, version: int) -> tuple[str, ...]:
    return of_installation(key.enterprise_id, key.team_id, version)


def _text(instant: datetime | None) -> str | None:
    return aware(instant).isoformat() if instant else None


def _instant(text: str | None) -> datetime | None:
    return aware(datetime.fromisoformat(text)) if text else None
