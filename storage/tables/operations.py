"""What keeps the system honest: deadlines, audit, replay protection, heartbeats, leases and buckets."""

from datetime import datetime

from sqlalchemy import JSON, Column, Index, LargeBinary, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class DeadlineRow(SQLModel, table=True):
    """Something that must happen by a time, or be closed before."""

    __tablename__ = "deadlines"
    __table_args__ = (
        UniqueConstraint("kind", "subject"),
        Index("ix_deadlines_open", "state", "due_at"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    kind: str
    subject: str
    due_at: datetime = Field(sa_type=Instant)
    #: open, fired, closed
    state: str = "open"
    settled_at: datetime | None = Field(default=None, sa_type=Instant)


class AuditRow(SQLModel, table=True):
    """Who did what to which object, chained per organization."""

    __tablename__ = "audit"
    __table_args__ = (UniqueConstraint("organization_id", "sequence"),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(index=True)
    sequence: int
    at: datetime = Field(sa_type=Instant)
    actor: str
    action: str
    object_id: str
    detail: dict[str, object] = Field(default_factory=dict, sa_column=Column(JSON, nullable=False))
    previous_hash: str
    hash: str


class SeenTriggerRow(SQLModel, table=True):
    """A Slack trigger or event that had its effect; the same one again has none."""

    __tablename__ = "seen_triggers"

    team_id: str = Field(primary_key=True)
    trigger_id: str = Field(primary_key=True)
    #: what the effect was, so that the twin gets the same answer
    result: str
    at: datetime = Field(sa_type=Instant, index=True)


class WorkerRow(SQLModel, table=True):
    """The heartbeat of one engine process."""

    __tablename__ = "workers"

    executor_id: str = Field(primary_key=True)
    role: str
    started_at: datetime = Field(sa_type=Instant)
    beat_at: datetime = Field(sa_type=Instant)


class LeaseRow(SQLModel, table=True):
    """The right to do something alone, until a time."""

    __tablename__ = "leases"

    name: str = Field(primary_key=True)
    holder: str
    #: grows with each new holder: the fencing token
    generation: int
    until: datetime = Field(sa_type=Instant)


class BucketRow(SQLModel, table=True):
    """A token bucket of a provider account, shared by all processes."""

    __tablename__ = "buckets"

    name: str = Field(primary_key=True)
    tokens: float
    updated_at: datetime = Field(sa_type=Instant)
    blocked_until: datetime | None = Field(default=None, sa_type=Instant)


class CallPlacesRow(SQLModel, table=True):
    """Who may have how many calls of one provider account under way."""

    __tablename__ = "call_places"

    account: str = Field(primary_key=True)
    #: JSON of holder -> [places, until]; until is in seconds since 1970 by the database's clock
    holders: dict[str, tuple[int, float]] = Field(sa_column=Column(JSON, nullable=False))


class AskRow(SQLModel, table=True):
    """A request of a person whose Slack facts were not known yet; a worker learns them and plays it again."""

    __tablename__ = "asks"
    __table_args__ = (UniqueConstraint("team_id", "trigger_id"),)

    id: str = Field(primary_key=True)
    team_id: str
    trigger_id: str
    kind: str
    #: sealed JSON: it may hold a response_url
    payload: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    at: datetime = Field(sa_type=Instant, index=True)


class ClickRow(SQLModel, table=True):
    """A confirmed refresh that was accepted and has not had its effect yet; whoever plays it deletes it with that."""

    __tablename__ = "clicks"

    team_id: str = Field(primary_key=True)
    #: the card that was clicked: its refresh is asked for once
    trigger_id: str = Field(primary_key=True)
    organization_id: str
    #: who clicked, in their own workspace
    user_team_id: str
    user_id: str
    #: where, in the workspace `team_id`
    channel_id: str
    #: JSON: true for everything, or the list of source ids
    sources: str
    only_stale: bool
    at: datetime = Field(sa_type=Instant)
    #: JSON: how another process answers; nothing secret
    request: str
