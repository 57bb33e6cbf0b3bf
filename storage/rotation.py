"""Key rotation: every sealed grant and bot token is sealed again with the newest key, one at a time.

A grant is re-sealed under the same lease that renewing its tokens takes, and by compare-and-swap on its version, so
that a token which is renewed at the same moment is never lost.
"""

from dataclasses import dataclass
from functools import partial

from storage.credentials import (
    Place,
    open_bot_token,
    open_credentials,
    open_installation,
    seal_bot_token,
    seal_credentials,
    seal_installation,
)
from storage.facts.ids import new_id
from storage.facts.installations import InstallKey
from storage.records import installations, leases, organizations, seeds, sources
from storage.seal import Seal
from storage.sessions import Database, Session

#: what the names of the leases on sources' tokens begin with
TOKEN_LEASES = "tokens:"  # noqa: S105 - a name, not a credential
_LEASE_SECONDS = 30.0


@dataclass
class Resealed:
    """What a rotation did."""

    sealed: int = 0
    current: int = 0
    #: a worker was renewing them; run it again
    busy: int = 0


def reseal(database: Database, seal: Seal) -> Resealed:
    """Seal everything that an older key sealed with the newest; SealError when a key is missing."""
    done = Resealed()
    holder = new_id("rot")
    for source in database.in_read(lambda session: sources.changed_since(session, None)):
        _count(done, database.in_write(partial(_grant, seal=seal, source_id=source.id, holder=holder)))
    for team, token in database.in_read(organizations.bot_tokens).items():
        if token is not None:
            _count(done, database.in_write(partial(_token, seal=seal, team_id=team)))
    for each in database.in_read(installations.active):
        _count(done, database.in_write(partial(_installation, seal=seal, key=each.key, holder=holder)))
    return done


def install_lease(key: InstallKey) -> str:
    """Return the lease that whoever renews the tokens of an installation holds."""
    return f"installation:{key.enterprise_id}:{key.team_id}"


def lease_name(source_id: str) -> str:
    """Return the lease that whoever renews the tokens of a source holds."""
    return f"{TOKEN_LEASES}{source_id}"


def _count(done: Resealed, outcome: str | None) -> None:
    if outcome is not None:
        setattr(done, outcome, getattr(done, outcome) + 1)


def _grant(session: Session, seal: Seal, source_id: str, holder: str) -> str | None:
    generation = leases.acquire(session, lease_name(source_id), holder, _LEASE_SECONDS)
    if generation is None:
        return "busy"
    try:
        return _reseal_grant(session, seal, source_id)
    finally:
        leases.release(session, lease_name(source_id), holder, generation)


def _reseal_grant(session: Session, seal: Seal, source_id: str) -> str | None:
    grant = sources.stored_grant(session, source_id)
    if grant.credentials is None:
        return None
    if seal.is_current(grant.credentials):
        return "current"
    here = Place(grant.organization_id, grant.provider, grant.account, grant.version)
    credentials = open_credentials(seal, here, grant.credentials)
    there = Place(here.organization_id, here.provider, here.account, here.version + 1)
    won = sources.save_grant(
        session,
        source_id,
        credentials=seal_credentials(seal, there, credentials),
        expected_version=grant.version,
        access_expires_at=grant.access_expires_at,
        refresh_expires_at=grant.refresh_expires_at,
        hard_expires_at=credentials.hard_expires_at,
    )
    return "sealed" if won else "busy"


def _installation(session: Session, seal: Seal, key: InstallKey, holder: str) -> str | None:
    name = install_lease(key)
    generation = leases.acquire(session, name, holder, _LEASE_SECONDS)
    if generation is None:
        return "busy"
    try:
        return _reseal_installation(session, seal, key)
    finally:
        leases.release(session, name, holder, generation)


def _reseal_installation(session: Session, seal: Seal, key: InstallKey) -> str | None:
    found = installations.find(session, key)
    if found is None or found.tokens is None:
        return None
    if seal.is_current(found.tokens):
        return "current"
    grant = open_installation(seal, key, found.version, found.tokens)
    sealed = seal_installation(seal, key, found.version + 1, grant)
    return "sealed" if installations.resealed(session, found, sealed) else "busy"


def _token(session: Session, seal: Seal, team_id: str) -> str:
    sealed = seeds.stored_bot_token(session, team_id)
    if sealed is None or seal.is_current(sealed):
        return "current"
    seeds.replace_bot_token(session, team_id, seal_bot_token(seal, team_id, open_bot_token(seal, team_id, sealed)))
    return "sealed"
