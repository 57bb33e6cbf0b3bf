"""Sources, their connections and their metered reads.

A connection over which files and orders are exchanged is a row of the same tables, so that its grant is kept, renewed
and given up as all others are. It has no data that could be fresh: `sources_of`, `names_of`, `visible` and
`changed_since` leave it out, and whoever works on connections asks for those by name.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import sqlalchemy
from sqlalchemy import ColumnElement, Row, Select, update
from sqlmodel import Session, col, select

from storage.facts.mutes import Mute, mutes_text, read_mutes
from storage.facts.promises import Promise, read_promise
from storage.facts.rhythms import FileRhythm, read_rhythm
from storage.facts.schedules import Rule, read_rule
from storage.facts.sources import CollectMode, ConnectionState, Provider, Source
from storage.records import home_views
from storage.records.guarded import won
from storage.records.inserts import insert_new
from storage.records.lookups import look
from storage.tables import ConnectionRow, OrganizationRow, ReadCountRow, SourceRow


@dataclass(frozen=True, slots=True)
class StoredGrant:
    """The sealed credentials of a source, and their version for compare-and-swap."""

    source_id: str
    organization_id: str
    provider: Provider
    account: str
    credentials: bytes | None
    version: int
    scopes: str
    can_write: bool
    access_expires_at: datetime | None
    refresh_expires_at: datetime | None


def sources_of(session: Session, organization_id: str) -> list[Source]:
    """Return all sources of the organization that data is read from, by label."""
    return [one for one in connections_of(session, organization_id) if one.mode.collects]


def connections_of(session: Session, organization_id: str) -> list[Source]:
    """Return all connections of the organization, by label: the sources, and what files and orders go over."""
    # One row holds both: what is asked of the connection has names of its own.
    return [
        as_source(row, row, row.zone, row.policy)
        for row in look(session, _of_organization(), organization=organization_id)
    ]


def names_of(session: Session, organization_id: str) -> dict[str, tuple[Provider, str]]:
    """Return only the provider and the label of each source of the organization, by its id and in order of label."""
    found = look(session, _names(), organization=organization_id)
    return {row.id: (Provider(row.provider), row.label) for row in found}


@cache
def _names() -> Select[Any]:
    source = SourceRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    return (
        sqlalchemy.select(source.c.id, source.c.provider, source.c.label)
        .where(source.c.organization_id == sqlalchemy.bindparam("organization"))
        .where(source.c.mode != CollectMode.EXCHANGE.value)
        .order_by(source.c.provider, source.c.label)
    )


def visible(session: Session, organization_id: str, source_id: str) -> Source | None:
    """Return the source when it is the organization's own; somebody else's reads exactly like a missing one.

    So does a connection that no data is read from.
    """
    found = visible_connection(session, organization_id, source_id)
    return found if found is not None and found.mode.collects else None


def visible_connection(session: Session, organization_id: str, source_id: str) -> Source | None:
    """Return the connection when it is the organization's own; somebody else's reads exactly like a missing one."""
    statement = (
        select(SourceRow, ConnectionRow, OrganizationRow.timezone)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(SourceRow.organization_id))
        .where(SourceRow.id == source_id, SourceRow.organization_id == organization_id)
    )
    found = session.exec(statement).first()
    return as_source(*found) if found else None


def organization_of(session: Session, source_id: str) -> str:
    """Return whose the source is, so that its organization can be locked before anything of it is read."""
    return session.exec(select(SourceRow.organization_id).where(SourceRow.id == source_id)).one()


def source(session: Session, source_id: str) -> Source:
    """Return the source; KeyError when there is none of that id. For work that was authorized before."""
    row = session.get(SourceRow, source_id)
    connection = session.get(ConnectionRow, source_id)
    if row is None or connection is None:
        raise KeyError(source_id)
    organization = session.get(OrganizationRow, row.organization_id) if _has_zone(row) else None
    return as_source(row, connection, organization.timezone if organization else "UTC")


def changed_since(session: Session, since: datetime | None) -> list[Source]:
    """Return every source, or those that changed since that instant; clocks read their schedules from it."""
    collected = col(SourceRow.mode) != CollectMode.EXCHANGE
    return _listed(session, collected if since is None else collected & (col(SourceRow.updated_at) >= since))


def every_connection(session: Session) -> list[Source]:
    """Return every connection of every organization; for the operator's shell."""
    return _listed(session, sqlalchemy.true())


def _listed(session: Session, which: ColumnElement[bool]) -> list[Source]:
    statement = (
        select(SourceRow, ConnectionRow, OrganizationRow.timezone)
        .join(ConnectionRow, col(ConnectionRow.source_id) == col(SourceRow.id))
        .join(OrganizationRow, col(OrganizationRow.id) == col(SourceRow.organization_id))
        .where(which)
    )
    return [as_source(*row) for row in session.exec(statement)]


def stored_grant(session: Session, source_id: str) -> StoredGrant:
    """Return the sealed grant of a source; KeyError when there is none."""
    row = session.get(SourceRow, source_id)
    grant = session.get(ConnectionRow, source_id)
    if row is None or grant is None:
        raise KeyError(source_id)
    return StoredGrant(
        source_id=row.id,
        organization_id=row.organization_id,
        provider=Provider(row.provider),
        account=row.account,
        credentials=grant.credentials,
        version=grant.version,
        scopes=grant.scopes,
        can_write=grant.can_write,
        access_expires_at=grant.access_expires_at,
        refresh_expires_at=grant.refresh_expires_at,
    )


def save_grant(
    session: Session,
    source_id: str,
    *,
    credentials: bytes,
    expected_version: int,
    access_expires_at: datetime | None,
    refresh_expires_at: datetime | None,
    hard_expires_at: datetime | None,
) -> bool:
    """Replace the sealed credentials if nobody did since `expected_version`; return whether this one won."""
    statement = (
        update(ConnectionRow)
        .where(col(ConnectionRow.source_id) == source_id, col(ConnectionRow.version) == expected_version)
        .values(
            credentials=credentials,
            version=expected_version + 1,
            access_expires_at=access_expires_at,
            refresh_expires_at=refresh_expires_at,
            hard_expires_at=hard_expires_at,
        )
    )
    return won(session, statement)


def set_connection(session: Session, source_id: str, state: ConnectionState, reason: str | None, now: datetime) -> bool:
    """Move the connection to a state; return whether it was another one before. `since` moves only then."""
    row = session.get_one(ConnectionRow, source_id)
    changed = row.state != state
    if changed or row.reason != reason:
        home_views.changed_by_source(session, source_id, now)
    if changed:
        row.since = now
    row.state = state
    row.reason = reason
    session.add(row)
    if changed:
        touch(session, source_id, now)
    return changed


def owner_of(session: Session, source_id: str) -> str | None:
    """Return the member who connected the source; None where nobody did by hand."""
    return session.exec(select(ConnectionRow.connected_by).where(ConnectionRow.source_id == source_id)).first()


def touch(session: Session, source_id: str, now: datetime) -> None:
    """Let the clocks re-read the source."""
    row = session.get_one(SourceRow, source_id)
    row.updated_at = now
    session.add(row)


def set_stretched(session: Session, source_id: str, minutes: int | None, now: datetime) -> None:
    """Stretch the schedule of a metered source, or end the stretch."""
    row = session.get_one(SourceRow, source_id)
    if row.stretched_minutes != minutes:
        row.stretched_minutes = minutes
        row.schedule_version += 1
        row.updated_at = now
        session.add(row)
        home_views.changed(session, row.organization_id, now)


def set_schedule(session: Session, source_id: str, minutes: int, rule: Rule | None, now: datetime) -> None:
    """Give a source another schedule; a stretch ends, and is looked at again after the next run."""
    row = session.get_one(SourceRow, source_id)
    row.schedule_minutes = minutes
    row.schedule_rule = str(rule) if rule else None
    row.stretched_minutes = None
    row.schedule_version += 1
    row.scheduled_at = now
    row.updated_at = now
    session.add(row)
    home_views.changed(session, row.organization_id, now)


def set_promise(session: Session, source_id: str, promise: Promise | None, now: datetime) -> None:
    """Say how fresh the source must be; None: as its schedule says."""
    row = session.get_one(SourceRow, source_id)
    row.promise = str(promise) if promise else None
    session.add(row)
    home_views.changed(session, row.organization_id, now)


def set_mutes(session: Session, source_id: str, mutes: Iterable[Mute], now: datetime) -> None:
    """Replace what is muted of the source."""
    row = session.get_one(SourceRow, source_id)
    row.mutes = mutes_text(mutes)
    session.add(row)
    home_views.changed(session, row.organization_id, now)


def set_file_rhythm(session: Session, source_id: str, rhythm: FileRhythm | None) -> None:
    """Note in what rhythm its files come."""
    row = session.get_one(SourceRow, source_id)
    row.file_rhythm = str(rhythm) if rhythm else None
    session.add(row)


def hold_alarm(session: Session, source_id: str, since: datetime | None, now: datetime) -> None:
    """Note since when the source's alarm waits, or that it waits no more."""
    row = session.get_one(SourceRow, source_id)
    row.alarm_held_at = since
    session.add(row)
    home_views.changed(session, row.organization_id, now)


def schedule_minutes(session: Session, source_id: str) -> int:
    """Return the minutes of the schedule as it was set, stretched or not."""
    return session.get_one(SourceRow, source_id).schedule_minutes


def count_reads(session: Session, source_id: str, month: str, reads: int) -> int:
    """Add metered reads of that month (``YYYY-MM``) and return the month's total."""
    insert_new(session, ReadCountRow, source_id=source_id, month=month)
    which = (col(ReadCountRow.source_id) == source_id, col(ReadCountRow.month) == month)
    won(session, update(ReadCountRow).where(*which).values(reads=ReadCountRow.reads + reads))
    return session.exec(select(ReadCountRow.reads).where(*which)).one()


def reads_in(session: Session, source_ids: list[str], month: str) -> dict[str, int]:
    """Return the metered reads of that month by source id."""
    if not source_ids:
        return {}
    return {row.source_id: row.reads for row in look(session, _reads(), sources=list(source_ids), month=month)}


@cache
def _reads() -> Select[Any]:
    counts = ReadCountRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    wanted: sqlalchemy.BindParameter[Any] = sqlalchemy.bindparam("sources", expanding=True)
    return sqlalchemy.select(counts.c.source_id, counts.c.reads).where(
        counts.c.source_id.in_(wanted), counts.c.month == sqlalchemy.bindparam("month")
    )


@cache
def _of_organization() -> Select[Any]:
    source, connection = SourceRow.__table__, ConnectionRow.__table__  # type: ignore[attr-defined]  # SQLModel's tables
    organization = OrganizationRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    return (
        sqlalchemy.select(
            *source.c,
            connection.c.state,
            connection.c.reason,
            connection.c.since,
            connection.c.region,
            connection.c.environment,
            connection.c.disconnected_by,
            organization.c.timezone.label("zone"),
            organization.c.escalation_policy.label("policy"),
        )
        .join(connection, connection.c.source_id == source.c.id)
        .join(organization, organization.c.id == source.c.organization_id)
        .where(source.c.organization_id == sqlalchemy.bindparam("organization"))
        .order_by(source.c.provider, source.c.label)
    )


def as_source(
    row: SourceRow | Row[Any], connection: ConnectionRow | Row[Any], zone: str, policy: str | None = None
) -> Source:
    """Turn two rows into a fact; the schedule is the one in force. `zone`: the organization's, for a rule."""
    return Source(
        id=row.id,
        organization_id=row.organization_id,
        provider=Provider(row.provider),
        account=row.account,
        label=row.label,
        company=row.company,
        mode=CollectMode(row.mode),
        schedule_minutes=row.stretched_minutes or row.schedule_minutes,
        schedule_version=row.schedule_version,
        connection=ConnectionState(connection.state),
        connection_reason=connection.reason,
        connection_since=connection.since,
        region=connection.region,
        environment=connection.environment,
        on_purpose=connection.disconnected_by is not None,
        rule=read_rule(row.schedule_rule) if row.schedule_rule else None,
        zone=zone if _has_zone(row) else "UTC",
        scheduled_at=row.scheduled_at,
        planned_minutes=row.schedule_minutes if row.stretched_minutes else None,
        promise=read_promise(row.promise) if row.promise else None,
        mutes=read_mutes(row.mutes) if row.mutes else (),
        alarm_held_at=row.alarm_held_at,
        file_rhythm=read_rhythm(row.file_rhythm) if row.file_rhythm else None,
        policy=policy,
    )


def _has_zone(row: SourceRow | Row[Any]) -> bool:
    return bool(row.schedule_rule or row.promise or row.file_rhythm)


def stretched_of(session: Session, source_ids: list[str]) -> dict[str, int]:
    """Return the minutes in force of the sources whose schedule is stretched."""
    return {row.id: row.stretched_minutes for row in look(session, _stretched(), sources=list(source_ids))}


@cache
def _stretched() -> Select[Any]:
    source = SourceRow.__table__  # type: ignore[attr-defined]  # SQLModel's declared table
    wanted: sqlalchemy.BindParameter[Any] = sqlalchemy.bindparam("sources", expanding=True)
    return sqlalchemy.select(source.c.id, source.c.stretched_minutes).where(
        source.c.id.in_(wanted), source.c.stretched_minutes.is_not(None)
    )
