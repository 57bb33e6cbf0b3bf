"""Metrics: definitions with all their versions, values with all their revisions, and when a source's are due."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class MetricRow(SQLModel, table=True):
    """A metric as it is now."""

    __tablename__ = "metrics"
    __table_args__ = (UniqueConstraint("organization_id", "name_key"),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    source_id: str = Field(foreign_key="sources.id", index=True)
    #: the connected company
    account: str
    name: str
    #: the name as it is compared
    name_key: str
    definition: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    version: int = 1
    owner_id: str
    post_to: str = ""
    created_at: datetime = Field(sa_type=Instant)
    #: calculating, current or broken; the rest follows from the source
    state: str = "calculating"
    reason: str = ""
    as_of: datetime | None = Field(default=None, sa_type=Instant)
    run_id: str = ""
    calculated_at: datetime | None = Field(default=None, sa_type=Instant)
    calculated_version: int = 0
    #: where receivers were last told that it stands; empty: nowhere yet
    told_state: str = ""


class MetricVersionRow(SQLModel, table=True):
    """A definition as it was, with who wrote it."""

    __tablename__ = "metric_versions"

    metric_id: str = Field(primary_key=True, foreign_key="metrics.id")
    version: int = Field(primary_key=True)
    definition: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    written_by: str
    written_at: datetime = Field(sa_type=Instant)


class MetricValueRow(SQLModel, table=True):
    """One revision of the value of one period."""

    __tablename__ = "metric_values"
    __table_args__ = (
        UniqueConstraint("metric_id", "period_start", "period_end", "revision"),
        Index("ix_metric_values_newest", "metric_id", "newest", "period_start"),
    )

    id: str = Field(primary_key=True)
    metric_id: str = Field(foreign_key="metrics.id")
    #: days in ISO form
    period_start: str
    period_end: str
    revision: int
    #: the exact decimal; NULL where there is none
    value: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    reason: str = ""
    rows: int = 0
    complete: bool = True
    currency: str = ""
    as_of: datetime = Field(sa_type=Instant)
    run_id: str = ""
    snapshot: int = 0
    #: of the definition
    version: int = 1
    #: JSON: why it is another than before, and what it was
    changed: dict[str, Any] = Field(sa_column=Column(JSON, nullable=False))
    written_at: datetime = Field(sa_type=Instant)
    #: whether no later revision is there
    newest: bool = True


class MetricTurnRow(SQLModel, table=True):
    """When the metrics of a source are to be calculated: one row for each source that has any."""

    __tablename__ = "metric_turns"

    source_id: str = Field(primary_key=True, foreign_key="sources.id")
    organization_id: str = Field(foreign_key="organizations.id")
    #: empty: nothing is due
    due_at: datetime | None = Field(default=None, sa_type=Instant, index=True)
    #: grows with each cause: what came while a calculation ran is calculated after it
    generation: int = 0
    #: attempts in a row that came to nothing
    attempts: int = 0
    #: what the values were calculated from last; the same again needs no calculation
    seen: str = ""
    #: since when attempts come to nothing, and why the last one did; empty: they do not
    failing_since: datetime | None = Field(default=None, sa_type=Instant)
    failure: str = ""
