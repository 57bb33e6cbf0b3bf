"""What people look at, asked or wait to see: open App Homes, last questions, changes in the data. Gone soon."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class HomeViewRow(SQLModel, table=True):
    """Who opened the App Home lately; a day later the row is gone."""

    __tablename__ = "home_views"
    __table_args__ = (Index("ix_home_views_drawn", "team_id", "drawn_at"),)

    team_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    #: filter and page
    showing: str
    opened_at: datetime = Field(sa_type=Instant)
    drawn_at: datetime = Field(sa_type=Instant)
    #: something on it changed, and it was not drawn since
    changed_at: datetime | None = Field(default=None, sa_type=Instant, index=True)


class AskedLastRow(SQLModel, table=True):
    """What one person asked last in one thread, for "and amazon?"; a day later the row is gone."""

    __tablename__ = "asked_last"

    team_id: str = Field(primary_key=True)
    user_id: str = Field(primary_key=True)
    channel_id: str = Field(primary_key=True)
    #: the thread; empty for what is said in a direct message outside of any
    thread: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    #: the question as the bot reads it again, and nothing of the words
    asked: str
    asked_at: datetime = Field(sa_type=Instant, index=True)


class LandedWatchRow(SQLModel, table=True):
    """One source in which one person's change is looked for."""

    __tablename__ = "landed_watches"

    id: str = Field(primary_key=True)
    #: the question: it is answered once, whichever source has it
    ask_id: str = Field(index=True)
    organization_id: str = Field(foreign_key="organizations.id", index=True)
    member_id: str = Field(foreign_key="members.id", index=True)
    source_id: str = Field(foreign_key="sources.id", index=True)
    kind: str
    wanted: str
    asked_at: datetime = Field(sa_type=Instant)
    expires_at: datetime = Field(sa_type=Instant, index=True)
    #: what became ready before that was looked at
    looked_at: datetime = Field(sa_type=Instant)
