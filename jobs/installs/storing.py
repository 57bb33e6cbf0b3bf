"""Writing an installation down: whose workspace it is, and what a second one changes.

One workspace belongs to one organization. A workspace that nobody knew gets an organization of its own; one that is
known keeps its organization, its roles and its people, whoever installs again. Nothing is guessed from names.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from connectors.slack_install import Installed, Place
from jobs.installs import trail
from storage.credentials import BotGrant, seal_installation
from storage.facts.ids import new_id
from storage.facts.installations import Installation, InstallKey
from storage.facts.people import Role, SlackIdentity
from storage.records import audit, authority, installations, members, organizations, workspaces
from storage.seal import Seal
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Stored:
    """What one installation came to."""

    installation: Installation
    #: whether the organization was made by it
    founded: bool
    #: whether the installer has become admin by it
    made_admin: bool
    #: whether the place had (or had had) the app before
    again: bool


def store(session: Session, seal: Seal, found: Installed, now: datetime, *, support_team: str) -> Stored:
    """Store an installation whose code was exchanged now; the tokens it had before are forgotten."""
    key = InstallKey(found.enterprise.id if found.enterprise else "", found.team.id if found.team else "")
    before = installations.find(session, key)
    known = workspaces.find(session, key.team_id) if key.team_id else None
    owner, founded = _owner(session, found, known, before, now, support_team=support_team)
    if owner is not None and not founded:
        organizations.lock(session, owner)
    made = _installation(seal, key, found, owner, before.version + 1 if before else 1, now)
    installations.put(session, made)
    admin = False
    if found.team is not None:
        workspaces.open_(
            session,
            found.team.id,
            owner,
            found.team.name,
            enterprise_id=key.enterprise_id or None,
            bot_user_id=found.bot_user_id,
            installed=True,
        )
        admin = founded and owner is not None
        if admin and owner is not None:
            identity = SlackIdentity(found.team.id, found.installer)
            members.admit(session, owner, identity, found.installer, "UTC", Role.ADMIN)
    again = before is not None or known is not None
    if owner is not None:
        _note(session, owner, made, now, again=again, founded=founded)
    return Stored(made, founded, admin, again)


def link_teams(session: Session, found: Installation, listed: list[Place], now: datetime) -> list[str]:
    """Open the workspaces that an enterprise's installation serves; return those that are new to us.

    A workspace that belongs to another organization keeps it, and is served by the same token.
    """
    new = []
    for place in listed:
        known = workspaces.find(session, place.id)
        if known is not None and known.closed_at is None and known.enterprise_id == found.key.enterprise_id:
            continue
        owner = known.organization_id if known else found.organization_id
        workspaces.open_(
            session,
            place.id,
            owner,
            place.name,
            enterprise_id=found.key.enterprise_id,
            bot_user_id=None,
            installed=False,
        )
        new.append(place.id)
        if owner is not None:
            organizations.lock(session, owner)
            detail: dict[str, object] = {"workspace": place.name, "enterprise": found.name}
            audit.record(session, owner, "slack", trail.INSTALLED, place.id, now, detail)
    return new


def unlink_teams(session: Session, found: Installation, listed: list[Place]) -> list[str]:
    """Return the open workspaces that the enterprise's installation serves no more."""
    served = {place.id for place in listed}
    return [
        workspace.team_id
        for workspace in workspaces.of_enterprise(session, found.key.enterprise_id)
        if workspace.closed_at is None
        and workspace.team_id not in served
        and _by_enterprise(session, workspace.team_id)
    ]


def _by_enterprise(session: Session, team_id: str) -> bool:
    serving = installations.serving(session, team_id)
    return serving is not None and serving.installation is not None and serving.installation.key.whole


def _owner(
    session: Session,
    found: Installed,
    known: workspaces.Workspace | None,
    before: Installation | None,
    now: datetime,
    *,
    support_team: str,
) -> tuple[str | None, bool]:
    """Return the organization that the place belongs to, and whether it was made for it."""
    if known is not None:
        return known.organization_id, False
    if before is not None and before.organization_id is not None:
        return before.organization_id, False
    if found.team is not None and found.team.id == support_team:
        return None, False
    if found.enterprise is not None and found.team is not None:
        whole = installations.find(session, InstallKey(found.enterprise.id, ""))
        if whole is not None and whole.removed_at is None:
            return whole.organization_id, False
    place = found.team or found.enterprise
    assert place is not None
    organization_id = new_id("org")
    workspaces.found_organization(session, organization_id, place.name, now)
    return organization_id, True


def _installation(
    seal: Seal, key: InstallKey, found: Installed, owner: str | None, version: int, now: datetime
) -> Installation:
    place = found.team or found.enterprise
    life = found.access.expires_in
    made = Installation(
        key=key,
        app_id=found.app_id,
        bot_user_id=found.bot_user_id,
        scopes=found.scopes,
        tokens=None,
        version=version,
        expires_at=now + timedelta(seconds=life) if life else None,
        installed_by=found.installer,
        installed_at=now,
        removed_at=None,
        name=place.name if place else "",
        organization_id=owner,
        refused_at=None,
    )
    grant = BotGrant(found.access.token, found.access.refresh)
    return replace(made, tokens=seal_installation(seal, key, version, grant))


def _note(session: Session, owner: str, made: Installation, now: datetime, *, again: bool, founded: bool) -> None:
    place = made.key.team_id or made.key.enterprise_id
    detail: dict[str, object] = {"workspace": made.name, "scopes": sorted(made.scopes), "again": again}
    if founded:
        # Nobody but this transaction has seen the organization yet: all that stands in it was given by it.
        detail |= authority.news(session, owner, authority.in_tables(session, owner))
    audit.record(session, owner, f"slack:{made.installed_by}", trail.INSTALLED, place, now, detail)
