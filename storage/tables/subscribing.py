"""What people chose to be told, when not, and what is told once a day."""

from datetime import datetime, time

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class SubscriptionRow(SQLModel, table=True):
    """A person's choice about one topic, for one source or for all."""

    __tablename__ = "subscriptions"
    __table_args__ = (Index("ix_subscriptions_topic", "organization_id", "topic"),)

    member_id: str = Field(primary_key=True, foreign_key="members.id")
    #: empty: every source
    source_id: str = Field(primary_key=True, default="")
    topic: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    #: channels by commas, or ``digest``; empty: off
    ways: str
    changed_at: datetime = Field(sa_type=Instant)


class ChannelSubscriptionRow(SQLModel, table=True):
    """A channel's choice about one topic, for one source or for all; an admin's, and about no person."""

    __tablename__ = "channel_subscriptions"
    __table_args__ = (Index("ix_channel_subscriptions_topic", "organization_id", "topic"),)

    team_id: str = Field(primary_key=True)
    channel_id: str = Field(primary_key=True)
    #: empty: every source
    source_id: str = Field(primary_key=True, default="")
    topic: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    told: bool
    changed_at: datetime = Field(sa_type=Instant)


class QuietRow(SQLModel, table=True):
    """The hours in which a person wants to hear nothing."""

    __tablename__ = "quiet_hours"

    member_id: str = Field(primary_key=True, foreign_key="members.id")
    organization_id: str = Field(foreign_key="organizations.id")
    #: local times of day, in the zone that the person has when it is asked
    starts: time
    ends: time
    #: Saturdays and Sundays as well, the whole day
    weekends: bool
    changed_at: datetime = Field(sa_type=Instant)


class DigestRow(SQLModel, table=True):
    """What happened, once a day, to a person or a channel."""

    __tablename__ = "digests"

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    #: None: a channel's
    member_id: str | None = Field(default=None, foreign_key="members.id")
    #: ``team/channel``, or ``team/user`` of a person
    place: str
    #: local time of day
    at: time
    weekdays: bool
    #: channels by commas
    ways: str
    due_at: datetime = Field(sa_type=Instant, index=True)
    #: what happened by then was told, or was nothing
    told_until: datetime = Field(sa_type=Instant)
