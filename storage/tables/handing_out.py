"""How metrics leave: once a week into channels, and to programs that have a key."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class MetricPostRow(SQLModel, table=True):
    """A channel in which metrics are posted once a week."""

    __tablename__ = "metric_posts"

    #: ``team/channel``
    place: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    due_at: datetime = Field(sa_type=Instant, index=True)
    #: whether that is the time of a post; else its first one is to be planned
    planned: bool = False
    #: the day and the time of its posts, by the clock on the organization's wall; 0 is Monday
    weekday: int = 0
    at: str = "09:00"


class ApiKeyRow(SQLModel, table=True):
    """A key with which a program acts for a member, as far as its scopes go and as long as the member may."""

    __tablename__ = "api_keys"

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    #: who made it: the key may never more than they may now
    member_id: str = Field(foreign_key="members.id")
    name: str
    #: of 256 random bits; the key itself is kept nowhere
    hash: str
    #: by commas
    scopes: str
    created_at: datetime = Field(sa_type=Instant)
    used_at: datetime | None = Field(default=None, sa_type=Instant)
    revoked_at: datetime | None = Field(default=None, sa_type=Instant)
