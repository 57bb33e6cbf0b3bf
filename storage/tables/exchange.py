"""The exchange with PocketAdvantage: pairs, their runs, what the far side was given last, what was left out."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, BigInteger, Column, Index, Text, UniqueConstraint, false, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant

#: A pair has one run at a time.
_ACTIVE = "state IN ('queued', 'waiting', 'building', 'publishing')"


class ExchangePairRow(SQLModel, table=True):
    """One directed pair of objects of one connection."""

    __tablename__ = "exchange_pairs"
    __table_args__ = (UniqueConstraint("source_id", "pair"),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    #: the PocketAdvantage connection
    source_id: str = Field(foreign_key="sources.id")
    #: the QuickBooks company
    books_id: str = Field(foreign_key="sources.id", index=True)
    pair: str
    on: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    #: see storage.facts.exchange
    schedule: str
    schedule_version: int = 1
    due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    paused_at: datetime | None = Field(default=None, sa_type=Instant)
    paused_by: str = ""
    missed_since: datetime | None = Field(default=None, sa_type=Instant)
    #: JSON: what the far side has, see LastGood
    last: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    created_at: datetime = Field(sa_type=Instant)


class ExchangeRunRow(SQLModel, table=True):
    """One run of one pair."""

    __tablename__ = "exchange_runs"
    __table_args__ = (
        UniqueConstraint("pair_id", "slot"),
        Index(
            "ix_exchange_runs_active",
            "pair_id",
            unique=True,
            sqlite_where=text(_ACTIVE),
            postgresql_where=text(_ACTIVE),
        ),
        Index("ix_exchange_runs_next", "state", "next_at"),
        Index("ix_exchange_runs_history", "pair_id", "requested_at"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    source_id: str = Field(foreign_key="sources.id")
    books_id: str
    pair_id: str = Field(foreign_key="exchange_pairs.id")
    pair: str
    trigger: str
    slot: str
    state: str
    attempt: int = 1
    #: attempts in a row that an outage ended
    tries: int = 0
    asked_by: str = ""
    requested_at: datetime = Field(sa_type=Instant)
    slot_at: datetime = Field(sa_type=Instant)
    deadline: datetime = Field(sa_type=Instant)
    started_at: datetime | None = Field(default=None, sa_type=Instant)
    finished_at: datetime | None = Field(default=None, sa_type=Instant)
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    why: str = Field(default="", sa_column=Column(Text, nullable=False))
    code: str = ""
    as_of: datetime | None = Field(default=None, sa_type=Instant)
    snapshot: int | None = Field(default=None, sa_column=Column(BigInteger, nullable=True))
    books_run: str = ""
    mapping: str = ""
    night: str = ""
    rows: int = 0
    rows_before: int | None = None
    skipped: int = 0
    rejected: int = 0
    replaced: int = 0
    size: int = Field(default=0, sa_column=Column(BigInteger, nullable=False))
    sha256: str = ""
    added: int = 0
    updated: int = 0
    removed: int = 0
    archived_as: str = ""
    gap: bool = False
    #: JSON: what a guard found
    held: dict[str, Any] | None = Field(default=None, sa_column=Column(JSON, nullable=True))
    #: JSON: guard -> rows that a person agreed to
    agreed: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    of_run: str = ""
    late: bool = False
    note: str = Field(default="", sa_column=Column(Text, nullable=False))


class ExchangeGivenRow(SQLModel, table=True):
    """What the far side was given last of one record."""

    __tablename__ = "exchange_rows"

    pair_id: str = Field(primary_key=True, foreign_key="exchange_pairs.id")
    key: str = Field(primary_key=True)
    #: the provider's own count of changes; empty where it has none
    revision: str = ""
    #: A, V or D
    status: str = "A"
    #: of the rows as they were written
    digest: str
    #: the night in whose file it went
    night: str = ""
    run_id: str


class ExchangeRejectRow(SQLModel, table=True):
    """One record that a run left out, and why."""

    __tablename__ = "exchange_rejects"

    run_id: str = Field(primary_key=True, foreign_key="exchange_runs.id")
    number: int = Field(primary_key=True)
    key: str
    #: what people call it
    name: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=""))
    field: str = ""
    reason: str = Field(sa_column=Column(Text, nullable=False))
