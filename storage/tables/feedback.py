"""What people said of results and answers."""

from datetime import datetime

from sqlalchemy import Index
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class FeedbackRow(SQLModel, table=True):
    """The verdict of one member about one result or answer; the last one counts."""

    __tablename__ = "feedback"
    __table_args__ = (
        Index("ux_feedback_subject", "member_id", "subject", unique=True),
        Index("ix_feedback_organization_at", "organization_id", "at"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    member_id: str = Field(foreign_key="members.id")
    #: the refresh, or the answer by an id of its own
    subject: str
    #: whose result it was about; None for answers
    refresh_id: str | None = Field(default=None, index=True)
    #: in our words what it was about, such as ``status``; never what was asked
    about: str
    #: ``up`` or ``down``
    verdict: str
    #: what was wrong or missing, sealed; bound to the row
    words: bytes | None = None
    at: datetime = Field(sa_type=Instant)
