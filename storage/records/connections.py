"""Storing a grant that a person confirmed: a new source with its connection, or a connection's next version."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, func, update
from sqlmodel import Session, col, select

from storage.facts.ids import derived_id
from storage.facts.people import Member
from storage.facts.sources import CollectMode, ConnectionState, Provider
from storage.records import home_views
from storage.records.guarded import won
from storage.records.inserts import insert
from storage.records.organizations import as_member
from storage.tables import ConnectionRow, MemberRow, SourceRow


@dataclass(frozen=True, slots=True)
class Held:
    """What is stored about an account of an organization before a grant to it is confirmed."""

    source_id: str
    version: int
    environment: str
    region: str
    #: the data of it is being erased, because a person said so
    erasing: bool
    #: the grant that it had is being given up at the provider, which would end a new one too
    revoking: bool = False


@dataclass(frozen=True, slots=True)
class GrantToStore:
    """A confirmed grant, sealed to the version that it will have."""

    credentials: bytes
    version: int
    state: ConnectionState
    reason: str | None
    scopes: str
    region: str
    environment: str
    connected_by: str
    access_expires_at: datetime | None
    refresh_expires_at: datetime | None
    hard_expires_at: datetime | None


def held(session: Session, organization_id: str, provider: Provider, account: str) -> Held | None:
    """Return what the organization has of the account; None when it never had it."""
    statement = (
        select(SourceRow.id, ConnectionRow)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .where(
            SourceRow.organization_id == organization_id, SourceRow.provider == provider, SourceRow.account == account
        )
        .execution_options(populate_existing=True)
    )
    found = session.exec(statement).first()
    if found is None:
        return None
    source_id, row = found
    unfinished = row.erase_due_at is not None
    erasing = row.erase_data and unfinished
    return Held(source_id, row.version, row.environment, row.region, erasing, revoking=unfinished and not erasing)


def owners(session: Session) -> list[Member]:
    """Return the members in whose name some source stands that nobody disconnected on purpose."""
    statement = (
        select(MemberRow)
        .join(ConnectionRow, col(ConnectionRow.connected_by) == col(MemberRow.id))
        .where(col(MemberRow.removed_at).is_(None), col(ConnectionRow.disconnected_by).is_(None))
        .order_by(MemberRow.id)
        .distinct()
    )
    return [as_member(row) for row in session.exec(statement)]


def region_of(session: Session, source_id: str) -> str:
    """Return the region of a source's grant; empty where its provider has none."""
    return session.get_one(ConnectionRow, source_id).region


def add_source(
    session: Session,
    organization_id: str,
    provider: Provider,
    account: str,
    *,
    label: str,
    company: str,
    mode: CollectMode,
    schedule_minutes: int,
    grant: GrantToStore,
    now: datetime,
) -> str:
    """Insert a source with its connection and return its id; IntegrityError when a twin was faster."""
    source_id = derived_id("src", organization_id, provider, account)
    insert(
        session,
        SourceRow,
        id=source_id,
        organization_id=organization_id,
        provider=provider,
        account=account,
        label=label,
        company=company,
        mode=mode,
        schedule_minutes=schedule_minutes,
        updated_at=now,
        created_at=now,
    )
    insert(session, ConnectionRow, source_id=source_id, organization_id=organization_id, **_columns(grant, now))
    home_views.changed(session, organization_id, now)
    return source_id


def replace_grant(
    session: Session, source_id: str, *, company: str, grant: GrantToStore, expected_version: int, now: datetime
) -> bool:
    """Put the grant in the place of the one before, unless that was renewed since; return whether it is there now.

    The source, its history and its data stay; clocks read its schedule again.
    """
    statement = (
        update(ConnectionRow)
        .where(col(ConnectionRow.source_id) == source_id, col(ConnectionRow.version) == expected_version)
        .values(**_columns(grant, now))
    )
    if not won(session, statement):
        return False
    won(session, update(SourceRow).where(col(SourceRow.id) == source_id).values(company=company, updated_at=now))
    home_views.changed_by_source(session, source_id, now)
    return True


def _columns(grant: GrantToStore, now: datetime) -> dict[str, object]:
    return {
        "credentials": grant.credentials,
        "version": grant.version,
        "state": grant.state,
        "reason": grant.reason,
        "since": now,
        "scopes": grant.scopes,
        "region": grant.region,
        "environment": grant.environment,
        "connected_by": grant.connected_by,
        "connected_at": now,
        "proven_at": now,
        "access_expires_at": grant.access_expires_at,
        "refresh_expires_at": grant.refresh_expires_at,
        "hard_expires_at": grant.hard_expires_at,
        "erase_due_at": None,
        "erase_data": False,
        "disconnected_by": None,
    }


def to_prove(session: Session, alive_before: datetime, refused_before: datetime, limit: int = 20) -> list[str]:
    """Return the sources whose grant was not proven since; for refused ones that are still stored, the second time."""
    statement = (
        select(ConnectionRow.source_id)
        .where(*_STORED)
        .where(
            ((col(ConnectionRow.state) != ConnectionState.DISCONNECTED) & _before(alive_before))
            | ((col(ConnectionRow.state) == ConnectionState.DISCONNECTED) & _before(refused_before))
        )
        .order_by(ConnectionRow.source_id)
        .limit(limit)
    )
    return list(session.exec(statement))


#: Each stored grant is looked at once a day, and a look is over by then.
_LATELY, _LOOKING = timedelta(days=2), timedelta(minutes=5)


@dataclass(frozen=True, slots=True)
class Ending:
    """A grant that ends by itself."""

    source_id: str
    organization_id: str
    ends_at: datetime
    #: it lies idle: renewing it would move the end
    idle: bool = False


def ending_before(session: Session, now: datetime, until: datetime) -> list[Ending]:
    """Return the stored grants that end between now and then, whatever renewing could do.

    Of a grant that ends when it lies idle that is so where it was looked at lately, and is no newer for it.
    """
    looked = (col(ConnectionRow.proven_at) > now - _LATELY) & (col(ConnectionRow.proven_at) < now - _LOOKING)
    ends = (col(ConnectionRow.hard_expires_at) <= until) | ((col(ConnectionRow.refresh_expires_at) <= until) & looked)
    rows = session.exec(select(ConnectionRow).where(*_STORED, ends))
    found = [(row, _first_end(row)) for row in rows]
    return [
        Ending(row.source_id, row.organization_id, at, idle=at != row.hard_expires_at)
        for row, at in found
        if at is not None and at > now
    ]


def _first_end(row: ConnectionRow) -> datetime | None:
    return min((at for at in (row.hard_expires_at, row.refresh_expires_at) if at is not None), default=None)


def end_of(session: Session, source_id: str) -> datetime | None:
    """Return when the source's grant ends by itself, unless it is renewed; None where that is not known."""
    row = session.get(ConnectionRow, source_id)
    return _first_end(row) if row is not None else None


def claim_proof(session: Session, source_id: str, now: datetime, before: datetime) -> bool:
    """Take the look at a grant; return whether this process has it."""
    statement = (
        update(ConnectionRow).where(col(ConnectionRow.source_id) == source_id, _before(before)).values(proven_at=now)
    )
    return won(session, statement)


def is_stored(session: Session, source_id: str) -> bool:
    """Whether there is a grant that nobody has given up."""
    statement = select(ConnectionRow.source_id).where(ConnectionRow.source_id == source_id, *_STORED)
    return session.exec(statement).first() is not None


#: A grant that is there and that no person gave up.
_STORED = (col(ConnectionRow.credentials).is_not(None), col(ConnectionRow.erase_due_at).is_(None))


def _before(instant: datetime) -> ColumnElement[bool]:
    # What was never looked at since it is so counts from then on: a new or just lost grant is not asked about at once.
    return func.coalesce(ConnectionRow.proven_at, ConnectionRow.since) <= instant


def made_at(session: Session, source_id: str) -> datetime:
    """Return when the source was first connected."""
    return session.get_one(SourceRow, source_id).created_at


def connected_since(session: Session, source_id: str, instant: datetime) -> bool:
    """Whether a person connected the source again after that instant."""
    connected_at = session.get_one(ConnectionRow, source_id).connected_at
    return connected_at is not None and connected_at > instant
