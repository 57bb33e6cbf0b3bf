"""Sources and the connections behind them."""

from datetime import datetime

from sqlalchemy import Column, LargeBinary, Text, UniqueConstraint, false
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class SourceRow(SQLModel, table=True):
    """One connected account."""

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("organization_id", "provider", "account"),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    provider: str
    account: str
    label: str
    company: str
    mode: str
    schedule_minutes: int
    schedule_version: int = 1
    #: when the schedule or the state of the source last changed; clocks re-read by it
    updated_at: datetime = Field(sa_type=Instant, index=True)
    created_at: datetime = Field(sa_type=Instant)
    #: minutes in force while the monthly read budget is nearly used up
    stretched_minutes: int | None = None
    #: when everything that was loaded before was erased; what runs before that instant say is history only
    data_erased_at: datetime | None = Field(default=None, sa_type=Instant)
    #: a schedule by the wall clock (`storage.facts.schedules`); None: every `schedule_minutes`
    schedule_rule: str | None = None
    #: JSON list of the kinds of alarms that people muted, each to its end (`storage.facts.mutes`); None: none
    mutes: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    #: when a person set the schedule; None: it is the provider's own, or the seed file's
    scheduled_at: datetime | None = Field(default=None, sa_type=Instant)
    #: how fresh it must be (`storage.facts.promises`); None: as its schedule says
    promise: str | None = None
    #: since when its alarm waits, because the fault may be ours
    alarm_held_at: datetime | None = Field(default=None, sa_type=Instant)
    #: in what rhythm its files come (`storage.facts.rhythms`); None: not known
    file_rhythm: str | None = None


class ConnectionRow(SQLModel, table=True):
    """The grant behind a source."""

    __tablename__ = "connections"

    source_id: str = Field(primary_key=True, foreign_key="sources.id")
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    state: str
    reason: str | None = None
    since: datetime = Field(sa_type=Instant)
    scopes: str = ""
    can_write: bool = False
    #: sealed JSON of the tokens; see storage.seal
    credentials: bytes | None = Field(default=None, sa_column=Column(LargeBinary, nullable=True))
    #: grows with each save; an older copy never overwrites a newer one
    version: int = 0
    access_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    refresh_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    #: the end of the whole grant, which renewing does not move
    hard_expires_at: datetime | None = Field(default=None, sa_type=Instant)
    #: Amazon's region (na, eu, fe); empty for the others
    region: str = Field(default="", sa_column_kwargs={"server_default": ""})
    #: where its tokens come from: the host of the token address, so that a sandbox grant is never used in production
    environment: str = Field(default="", sa_column_kwargs={"server_default": ""})
    #: the member who connected it
    connected_by: str | None = None
    connected_at: datetime | None = Field(default=None, sa_type=Instant)
    #: when the grant was last proven by a call
    proven_at: datetime | None = Field(default=None, sa_type=Instant)
    #: when what is left of a disconnected grant (tokens, and data where that was asked) must be gone
    erase_due_at: datetime | None = Field(default=None, sa_type=Instant)
    erase_data: bool = Field(default=False, sa_column_kwargs={"server_default": false()})
    #: the member who disconnected it on purpose; None while it is connected, or was lost
    disconnected_by: str | None = None


class ReadCountRow(SQLModel, table=True):
    """Metered reads of one source in one month."""

    __tablename__ = "read_counts"

    source_id: str = Field(primary_key=True, foreign_key="sources.id")
    #: ``YYYY-MM`` in UTC
    month: str = Field(primary_key=True)
    reads: int = 0
