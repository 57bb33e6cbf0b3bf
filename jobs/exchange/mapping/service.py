"""An organization's mapping: what is in force, saved by who saw the one before, brought back, moved to a new profile.

Nothing changes by itself: an organization stays with its version of a profile until somebody asks for the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from jobs.exchange.mapping.differing import differences
from jobs.exchange.mapping.layers import Conflict, merged, read_layers
from jobs.exchange.mapping.problems import MappingError
from jobs.exchange.mapping.profile import PairMapping, Profile
from jobs.exchange.mapping.reading import DEFAULT, load_profile, versions
from storage.records import exchange_mappings
from storage.records.exchange_mappings import KeptMapping
from storage.sessions import Session

#: How a profile is found by its name and version (the newest without one).
Load = Callable[[str, int | None], Profile]
_FIRST = 1


class Saved(StrEnum):
    """What became of a wish to save."""

    SAVED = "saved"
    #: it is what is in force already
    SAME = "same"
    #: somebody else saved meanwhile
    MEANWHILE = "meanwhile"
    #: there is no such version
    MISSING = "missing"


@dataclass(frozen=True, slots=True)
class InForce:
    """The mapping that an organization's files are made by."""

    profile: Profile
    #: 0: nothing was ever saved
    number: int
    layer: str


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a change would come to, before anybody agrees to it."""

    profile: Profile
    #: in plain words
    differences: tuple[str, ...]
    conflicts: tuple[Conflict, ...] = ()


def begin(session: Session, organization_id: str, now: datetime, known: Callable[[str], list[int]] = versions) -> None:
    """Pin a new organization to the newest version of the pre-built profile; what is there already stays."""
    if exchange_mappings.current(session, organization_id) is not None:
        return
    exchange_mappings.save(
        session,
        organization_id,
        0,
        profile=DEFAULT,
        profile_version=known(DEFAULT)[-1],
        layer="",
        written_by="",
        now=now,
    )


def in_force(session: Session, organization_id: str, load: Load = load_profile) -> InForce:
    """Return the mapping in force; MappingError when its layer does not fit its profile any more."""
    kept = exchange_mappings.current(session, organization_id)
    if kept is None:
        return InForce(load(DEFAULT, _FIRST), 0, "")
    return InForce(_whole(kept.profile, kept.profile_version, kept.layer, load), kept.number, kept.layer)


def mapping_of(session: Session, organization_id: str, pair: str, load: Load = load_profile) -> PairMapping:
    """Return the mapping of a pair as it is in force; MappingError when there is none."""
    return in_force(session, organization_id, load).profile.pair(pair)


def propose(
    session: Session, organization_id: str, layer: str, profile_version: int | None = None, load: Load = load_profile
) -> Proposed:
    """Return what a layer, or the same layer over another version of the profile, would change; nothing is saved."""
    now_there, name, version = _standing(session, organization_id, load)
    wanted = load(name, profile_version or version)
    laid = merged(wanted, read_layers(layer))
    said = () if laid.conflicts else tuple(differences(now_there.profile, laid.profile))
    return Proposed(laid.profile, said, laid.conflicts)


def save(
    session: Session, organization_id: str, seen: int, layer: str, by: str, now: datetime, *,
    profile_version: int | None = None, restored: int = 0, load: Load = load_profile,
) -> Saved:  # fmt: skip
    """Save a layer over the version that was seen; MappingError when it is wrong or rests upon what is not there."""
    now_there, name, version = _standing(session, organization_id, load)
    if now_there.number != seen:
        return Saved.MEANWHILE
    wanted = profile_version or version
    _whole(name, wanted, layer, load)
    if (layer, wanted) == (now_there.layer, version) and seen:
        return Saved.SAME
    done = exchange_mappings.save(
        session, organization_id, seen, profile=name, profile_version=wanted, layer=layer, written_by=by, now=now,
        restored=restored,
    )  # fmt: skip
    return Saved.SAVED if done else Saved.MEANWHILE


def restore(
    session: Session, organization_id: str, seen: int, number: int, by: str, now: datetime, load: Load = load_profile
) -> Saved:
    """Bring an older version back, with the profile it rested upon, as the newest one."""
    older = exchange_mappings.version(session, organization_id, number)
    if older is None:
        return Saved.MISSING
    return save(
        session, organization_id, seen, older.layer, by, now,
        profile_version=older.profile_version, restored=number, load=load,
    )  # fmt: skip


def updates(session: Session, organization_id: str, known: Callable[[str], list[int]] = versions) -> list[int]:
    """Return the versions of the profile that are newer than the one the organization stays with."""
    kept = exchange_mappings.current(session, organization_id)
    name, version = (kept.profile, kept.profile_version) if kept else (DEFAULT, _FIRST)
    return [each for each in known(name) if each > version]


def history(session: Session, organization_id: str) -> list[KeptMapping]:
    """Return all versions with who wrote them and when, the newest first."""
    return exchange_mappings.versions(session, organization_id)


def _standing(session: Session, organization_id: str, load: Load) -> tuple[InForce, str, int]:
    kept = exchange_mappings.current(session, organization_id)
    name, version = (kept.profile, kept.profile_version) if kept else (DEFAULT, _FIRST)
    try:
        return in_force(session, organization_id, load), name, version
    except MappingError:
        # It can still be put right: what would change is then told against the profile alone.
        return InForce(load(name, version), kept.number if kept else 0, kept.layer if kept else ""), name, version


def _whole(name: str, version: int, layer: str, load: Load) -> Profile:
    laid = merged(load(name, version), read_layers(layer))
    if laid.conflicts:
        raise MappingError([str(conflict) for conflict in laid.conflicts])
    return laid.profile
