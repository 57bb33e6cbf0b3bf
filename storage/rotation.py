"""Key rotation: everything sealed is sealed again with the newest key, one text at a time, beside a working Tidings.

Grants and installations are re-sealed under the same lease that renewing their tokens takes, and by compare-and-swap on
their version, so that a token which is renewed at the same moment is never lost. What else is sealed has no versions:
it is replaced only where it still is what was read.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

from storage.credentials import (
    Place,
    open_credentials,
    open_installation,
    seal_credentials,
    seal_installation,
)
from storage.facts.ids import new_id
from storage.facts.installations import InstallKey
from storage.records import installations, leases, sealed, sources
from storage.records.sealed import PLACES, Key, SealedPlace
from storage.seal import Seal, SealError
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, InstallationRow

#: what the names of the leases on sources' tokens begin with
TOKEN_LEASES = "tokens:"  # noqa: S105 - a name, not a credential
_LEASE_SECONDS = 30.0
#: how often a text is tried that others change at the same time
_TRIES = 5


@dataclass
class Resealed:
    """What a rotation did."""

    sealed: int = 0
    current: int = 0
    #: a worker was renewing them, or they changed while they were sealed; run it again
    busy: int = 0
    #: their key is gone, and they are needed for a short time only: left as they are
    lost: int = 0


def reseal(database: Database, seal: Seal, places: Sequence[SealedPlace] = PLACES) -> Resealed:
    """Seal everything that an older key sealed with the newest; SealError when the key of what lasts is gone."""
    done = Resealed()
    holder = new_id("rot")
    for place in places:
        for key in database.in_read(partial(sealed.keys, place=place)):
            _count(done, _reseal(database, seal, place, key, holder))
    return done


def check_keys(database: Database, seal: Seal, places: Sequence[SealedPlace] = PLACES) -> None:
    """Raise SealError when the key of something that lasts is not among ours: nothing would work, and nothing is lost.

    A text that is damaged or in the wrong row does not stop the start: it is refused where it is used.
    """

    def lost(session: Session) -> int:
        lasting = [(place, key) for place in places if not place.passing for key in sealed.keys(session, place)]
        held = [sealed.held(session, place, key) for place, key in lasting]
        return sum(not seal.knows(found[0]) for found in held if found)

    if count := database.in_read(lost):
        raise SealError(
            f"{count} stored credentials are sealed with a key that is not in SECRET_KEYS: add it again. Nothing was "
            "overwritten"
        )


def _reseal(database: Database, seal: Seal, place: SealedPlace, key: Key, holder: str) -> str | None:
    if place.table is ConnectionRow:
        return database.in_write(partial(_grant, seal=seal, source_id=key[0], holder=holder))
    if place.table is InstallationRow:
        return database.in_write(partial(_installation, seal=seal, key=InstallKey(*key), holder=holder))
    return _passing(database, seal, place, key)


def _passing(database: Database, seal: Seal, place: SealedPlace, key: Key) -> str | None:
    """Seal one text anew that has no version, unless somebody changes it at the same time."""
    for _ in range(_TRIES):
        held = database.in_read(partial(sealed.held, place=place, key=key))
        if held is None:
            return None
        text, binding = held
        if seal.is_current(text):
            return "current"
        try:
            again = seal.close(seal.open(text, *binding), *binding)
        except SealError:
            if place.passing:
                return "lost"
            raise
        if database.in_write(partial(sealed.replace, place=place, key=key, before=text, sealed=again)):
            return "sealed"
    return "busy"


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
