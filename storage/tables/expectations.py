"""The ledger of what is expected, and what support was told about what did not happen."""

from datetime import datetime

from sqlalchemy import Index, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class ExpectationRow(SQLModel, table=True):
    """Something that is expected by a time."""

    __tablename__ = "expectations"
    __table_args__ = (
        UniqueConstraint("kind", "subject", "slot"),
        Index("ix_expectations_state", "state", "alarm_at"),
        Index("ix_expectations_open", "subject", "kind", "settled_at"),
    )

    id: str = Field(primary_key=True)
    kind: str
    subject: str
    slot: str
    due_at: datetime = Field(sa_type=Instant)
    alarm_at: datetime = Field(sa_type=Instant)
    #: none for what belongs to no organization; no foreign keys: the ledger outlives what it speaks of
    organization_id: str | None = None
    source_id: str | None = None
    state: str = "expected"
    missed_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    report_id: str | None = Field(default=None, index=True)


class MissedReportRow(SQLModel, table=True):
    """One message to support about things of one kind that did not happen; open until all of them are settled."""

    __tablename__ = "missed_reports"

    id: str = Field(primary_key=True)
    kind: str
    opened_at: datetime = Field(sa_type=Instant)
    closed_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
