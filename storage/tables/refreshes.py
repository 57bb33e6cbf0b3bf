"""Refreshes, their runs and the receipts of those."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, Text, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant

_UNFINISHED = text("finished_at is null")
_ACTIVE = text("state in ('queued', 'running', 'cancelling')")


class RefreshRow(SQLModel, table=True):
    """What a person asked for."""

    __tablename__ = "refreshes"
    __table_args__ = (
        Index("ix_refreshes_open", "requested_at", sqlite_where=_UNFINISHED, postgresql_where=_UNFINISHED),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    requested_by: str = Field(foreign_key="members.id")
    requested_at: datetime = Field(sa_type=Instant)
    everything: bool
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    escalated_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_by: str | None = None
    #: until when it is in hand; then others are called again
    acknowledged_until: datetime | None = Field(default=None, sa_type=Instant)
    #: JSON of the escalation policy that was in force when it began; None: the default
    policy: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class RefreshPersonRow(SQLModel, table=True):
    """Someone who is told about a refresh: the asker and everyone who joined."""

    __tablename__ = "refresh_people"

    refresh_id: str = Field(primary_key=True, foreign_key="refreshes.id")
    member_id: str = Field(primary_key=True, foreign_key="members.id")
    joined_at: datetime = Field(sa_type=Instant)


class RefreshRunRow(SQLModel, table=True):
    """Which runs a refresh waits for; a joined run may have been started by somebody else or by the clock."""

    __tablename__ = "refresh_runs"

    refresh_id: str = Field(primary_key=True, foreign_key="refreshes.id")
    run_id: str = Field(primary_key=True, foreign_key="runs.id", index=True)
    #: the source's last data refresh when the refresh was asked for
    before_as_of: datetime | None = Field(default=None, sa_type=Instant)
    #: when the refresh was cancelled while the run went on for somebody else; it waits for that run no more
    left_at: datetime | None = Field(default=None, sa_type=Instant)


class RunRow(SQLModel, table=True):
    """One execution for one source."""

    __tablename__ = "runs"
    __table_args__ = (
        UniqueConstraint("source_id", "slot_key"),
        Index("uq_active_run", "source_id", unique=True, sqlite_where=_ACTIVE, postgresql_where=_ACTIVE),
        Index("ix_runs_source_finished", "source_id", "state", "finished_at"),
        Index("ix_runs_source_requested", "source_id", "requested_at"),
        Index("ix_runs_source_loaded", "source_id", "loaded_at"),
        Index("ix_runs_state", "state"),
        Index("ix_runs_finished", "finished_at"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    source_id: str = Field(foreign_key="sources.id")
    trigger: str
    #: the slot of the clock, or the id of the request: each starts at most one run
    slot_key: str
    state: str
    stage: str | None = None
    generation: int = 0
    attempt: int = 1
    requested_at: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    source_as_of: datetime | None = Field(default=None, sa_type=Instant)
    loaded_at: datetime | None = Field(default=None, sa_type=Instant)
    ready_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    rows: int = 0
    rows_expected: int | None = None
    #: a sign of life of whoever works on it, every few seconds
    progress_at: datetime | None = Field(default=None, sa_type=Instant)
    #: when its rows or its stage last moved
    moved_at: datetime | None = Field(default=None, sa_type=Instant)
    next_attempt_at: datetime | None = Field(default=None, sa_type=Instant)
    #: whether it waits for other readings of the same account, which have all calls that may be under way at once
    waits_turn: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    #: whether this run reads from the provider, or only processes what is collected
    collects: bool = True
    #: JSON of the least records per stream that a person agreed to, where an earlier read was held
    agreed: dict[str, int] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    #: JSON list of the streams that this run reads alone, after an earlier one could not; none: everything
    only: list[str] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    #: how it ended, see `storage.facts.runs.Result`
    result: str | None = None
    #: JSON of what the collect stage found: counts, snapshots, fingerprint, stage seconds
    outcome: dict[str, object] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    failure_kind: str | None = None
    failure_code: str | None = None
    failure_detail: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    failure_stage: str | None = None
    reference: str | None = None
    #: when support was called about a read that nobody asked for, and who took it on
    escalated_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_at: datetime | None = Field(default=None, sa_type=Instant)
    acknowledged_by: str | None = None
    #: until when it is in hand; then others are called again
    acknowledged_until: datetime | None = Field(default=None, sa_type=Instant)
    #: JSON of the escalation policy that was in force when it began; None: the default
    policy: str | None = Field(default=None, sa_column=Column(Text, nullable=True))


class EscalationCallRow(SQLModel, table=True):
    """What was done about a refresh, or a first read, that did not end: each step once, and who took it on."""

    __tablename__ = "escalation_calls"

    subject: str = Field(primary_key=True)
    #: step, again, taken
    kind: str = Field(primary_key=True)
    number: int = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    due_at: datetime = Field(sa_type=Instant)
    at: datetime = Field(sa_type=Instant)
    name: str = ""
    audited: bool = False


class ReceiptRow(SQLModel, table=True):
    """The immutable record of a finished run, chained per organization."""

    __tablename__ = "receipts"
    __table_args__ = (UniqueConstraint("organization_id", "sequence"),)

    id: str = Field(primary_key=True)
    run_id: str = Field(foreign_key="runs.id", unique=True)
    organization_id: str = Field(foreign_key="organizations.id")
    source_id: str = Field(foreign_key="sources.id", index=True)
    sequence: int
    #: canonical JSON of everything the hash covers
    body: str = Field(sa_column=Column(Text, nullable=False))
    previous_hash: str
    hash: str
    created_at: datetime = Field(sa_type=Instant)
