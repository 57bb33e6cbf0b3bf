"""What people chose to be told."""

from datetime import datetime

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
    #: channels by commas; empty: off
    ways: str
    changed_at: datetime = Field(sa_type=Instant)
