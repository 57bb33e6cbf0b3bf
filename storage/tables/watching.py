"""Changes that people wait to see in the data; a row is gone as soon as its question is answered."""

from datetime import datetime

from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


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
