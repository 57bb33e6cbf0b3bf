"""Writes a seed file's content into the database: again means update, never a second one of anything.

One transaction. A grant or bot token that is there already stays, because the stored one has been renewed since the
file was written and is the newer one; `replace_credentials` says that the file's is wanted.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from pydantic import SecretStr
from sqlmodel import Session

from storage.credentials import Credentials, Place, seal_bot_token, seal_credentials
from storage.facts.delivered import place_of
from storage.facts.ids import derived_id
from storage.facts.people import SlackIdentity
from storage.facts.secret import Secret
from storage.facts.sources import CollectMode, ConnectionState, Provider
from storage.records import audit, authority, delivered, frozen, organizations, seeds
from storage.seal import Seal
from storage.seed_file import CredentialsSeed, Seed, SourceSeed, SupportSeed, WorkspaceSeed


class SeedRefusedError(RuntimeError):
    """The file contradicts what is in the database; nothing was written."""


@dataclass
class Seeded:
    """What was written: one plain line per change, and what was deliberately left as it is."""

    organization_id: str
    changes: list[str] = field(default_factory=list)
    kept: list[str] = field(default_factory=list)
    #: what the file says about who may do what: in the organization, and among the operator's own people
    rights: list[str] = field(default_factory=list)
    support: list[str] = field(default_factory=list)

    def note(self, change: seeds.Wrote, what: str) -> None:
        """Remember a change of a row."""
        if change is not seeds.Wrote.NOTHING:
            self.changes.append(f"{change} {what}")


@dataclass(frozen=True)
class Seeding:
    """How to write: with which keys, when, and how each provider is collected (its connector knows)."""

    seal: Seal
    now: datetime
    modes: Mapping[Provider, CollectMode]
    replace_credentials: bool = False


def organization_id(key: str) -> str:
    """Return the id of the organization with that key in its seed file."""
    return derived_id("org", key)


def write_seed(session: Session, seed: Seed, how: Seeding) -> Seeded:
    """Write everything in the session's transaction; SeedRefusedError: a row belongs to another organization."""
    seeded = Seeded(organization_id(seed.organization.key))
    organizations.lock(session, seeded.organization_id)
    _organization(session, seed, how, seeded)
    for workspace in seed.workspaces:
        _workspace(session, workspace, how, seeded)
    if seed.support:
        _support(session, seed.support, how, seeded)
    for source in seed.sources:
        _source(session, source, how, seeded)
    _write_down(session, how, seeded)
    return seeded


def _write_down(session: Session, how: Seeding, seeded: Seeded) -> None:
    """Let the audit say what was done, and who may do what by it; the file also speaks for what stood so before."""
    detail: dict[str, object] = {"changes": list(seeded.changes)} if seeded.changes else {}
    rights = authority.unsaid(session, seeded.organization_id, seeded.rights)
    if rights:
        detail[authority.SAYS] = rights
    if detail:
        audit.record(session, seeded.organization_id, "operator", "seed", seeded.organization_id, how.now, detail)
    listed = authority.unsaid(session, authority.OPERATOR, seeded.support)
    if listed:
        said: dict[str, object] = {authority.SAYS: listed}
        audit.record(session, authority.OPERATOR, "operator", "seed", authority.OPERATOR, how.now, said)


def _organization(session: Session, seed: Seed, how: Seeding, seeded: Seeded) -> None:
    wanted = seed.organization
    wrote = seeds.put_organization(
        session,
        seeded.organization_id,
        how.now,
        name=wanted.name,
        timezone=wanted.timezone,
        support_email=wanted.support_email,
        support_channel=wanted.support_channel,
        account_rep=wanted.account_rep,
    )
    seeded.note(wrote, f"organization {wanted.name}")


def _workspace(session: Session, workspace: WorkspaceSeed, how: Seeding, seeded: Seeded) -> None:
    _team(session, workspace, seeded.organization_id, how, seeded)
    for channel in workspace.channels:
        seeded.note(seeds.put_channel(session, workspace.team, channel, how.now), f"channel {channel}")
    for member in workspace.members:
        wrote = seeds.put_member(
            session,
            derived_id("mem", workspace.team, member.user),
            seeded.organization_id,
            workspace.team,
            member.user,
            removed_at=how.now if member.removed else None,
            name=member.name,
            role=member.role.value,
            timezone=member.timezone,
            email=member.email,
        )
        if wrote is seeds.Wrote.REFUSED:
            raise SeedRefusedError(f"{member.user} of {workspace.team} is a member of another organization")
        seeded.note(wrote, f"member {member.name}")
        known = organizations.row_id(session, SlackIdentity(workspace.team, member.user))
        seeded.rights.append(authority.of_member(known))


def _support(session: Session, support: SupportSeed, how: Seeding, seeded: Seeded) -> None:
    _team(session, support, None, how, seeded)
    for person in support.people:
        removed_at = how.now if person.removed else None
        wrote = seeds.put_support_person(session, support.team, person.user, person.name, removed_at)
        seeded.note(wrote, f"support person {person.name}")
        seeded.support.append(authority.of_support(SlackIdentity(support.team, person.user)))


def _team(session: Session, team: WorkspaceSeed | SupportSeed, owner: str | None, how: Seeding, seeded: Seeded) -> None:
    stored = seeds.stored_bot_token(session, team.team)
    token = None
    if team.bot_token and (stored is None or how.replace_credentials):
        token = seal_bot_token(how.seal, team.team, _secret(team.bot_token))
    elif team.bot_token:
        seeded.kept.append(f"the stored bot token of {team.team}")
    wrote = seeds.put_workspace(session, team.team, owner, token, name=team.name, bot_user_id=team.bot_user)
    if wrote is seeds.Wrote.REFUSED:
        raise SeedRefusedError(f"the workspace {team.team} belongs to another organization")
    seeded.note(wrote, f"workspace {team.name}")


def _source(session: Session, source: SourceSeed, how: Seeding, seeded: Seeded) -> None:
    source_id, wrote = seeds.put_source(
        session,
        derived_id("src", seeded.organization_id, source.provider, source.account),
        seeded.organization_id,
        how.now,
        source.provider.value,
        source.account,
        label=source.shown,
        company=source.company,
        mode=how.modes[source.provider].value,
        schedule_minutes=source.schedule,
    )
    seeded.note(wrote, f"source {source.shown}")
    _connection(session, source_id, source, how, seeded)


def _connection(session: Session, source_id: str, source: SourceSeed, how: Seeding, seeded: Seeded) -> None:
    """Make the connection, or give it new credentials; its state is the product's own affair once it is there."""
    stored = seeds.stored_connection(session, source_id)
    if stored is None:
        state = source.connection if source.credentials else ConnectionState.DISCONNECTED
        reason = source.reason or (None if source.credentials else "never connected")
        seeds.add_connection(
            session, source_id, seeded.organization_id, how.now, state=state, reason=reason, region=source.region
        )
    if source.credentials is None:
        return
    if stored is not None and stored.has_credentials and not how.replace_credentials:
        seeded.kept.append(f"the stored grant of {source.shown}")
        return
    if stored is not None and stored.disconnected and not how.replace_credentials:
        seeded.kept.append(f"{source.shown} disconnected, as an admin wanted it")
        return
    _free(session, source, source.credentials, how, seeded)
    version = (stored.version if stored else 0) + 1
    place = Place(seeded.organization_id, source.provider, source.account, version)
    credentials = _credentials(source.credentials, how.now)
    seeds.put_credentials(
        session,
        source_id,
        how.now,
        sealed=seal_credentials(how.seal, place, credentials),
        version=version,
        scopes=" ".join(credentials.scopes),
        access_expires_at=credentials.expires_at,
        state=source.connection,
        reason=source.reason,
    )
    if source.connection is not ConnectionState.DISCONNECTED:
        frozen.thaw(session, source_id)
    seeded.changes.append(f"stored the grant of {source.shown}")


def _free(session: Session, source: SourceSeed, wanted: CredentialsSeed, how: Seeding, seeded: Seeded) -> None:
    """Refuse a source that would read files of another one."""
    declared = _secret(wanted.access_token) if wanted.access_token else Secret("")
    place = place_of(source.provider, seeded.organization_id, source.account, declared)
    if place is None:
        return
    found = delivered.in_the_way(session, how.seal, seeded.organization_id, source.account, place)
    if found is not None:
        whose = "this organization" if found.organization_id == seeded.organization_id else "another organization"
        raise SeedRefusedError(
            f"{source.shown} would read {place}, and {found.label} of {whose} reads {found.place}: a file may belong to"
            " one source only. Choose another prefix, or put the feeds of both into one source"
        )


def _credentials(wanted: CredentialsSeed, now: datetime) -> Credentials:
    if wanted.access_token is None:
        expires_at: datetime | None = now - timedelta(seconds=1)
    else:
        expires_at = now + timedelta(seconds=wanted.expires_in) if wanted.expires_in else None
    return Credentials(
        access=_secret(wanted.access_token) if wanted.access_token else Secret(""),
        refresh=_secret(wanted.refresh_token) if wanted.refresh_token else None,
        expires_at=expires_at,
        scopes=tuple(wanted.scopes),
    )


def _secret(value: SecretStr) -> Secret:
    return Secret(value.get_secret_value())
