"""QuickBooks Desktops that may call us, their visits, and the orders that wait for one."""

from datetime import datetime

from sqlalchemy import Index, text
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant

_LIVE = text("ended_at IS NULL")


class WebConnectorRow(SQLModel, table=True):
    """A registration: what one QuickBooks Desktop's Web Connector shows when it calls."""

    __tablename__ = "web_connectors"

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    source_id: str = Field(foreign_key="sources.id", index=True)
    #: who made it
    member_id: str = Field(foreign_key="members.id")
    user_name: str
    #: a slow salted hash; the password itself is kept nowhere
    password: str
    owner_id: str
    file_id: str
    #: the company file that orders are written into, and the company's name in it; empty before the first call
    company_path: str = ""
    company_name: str = ""
    #: another one that was open when it called, and that nobody agreed to
    other_path: str = ""
    other_name: str = ""
    created_at: datetime = Field(sa_type=Instant)
    called_at: datetime | None = Field(default=None, sa_type=Instant)
    #: passwords in a row that were not the one, and when the last one came
    wrong: int = 0
    wrong_at: datetime | None = Field(default=None, sa_type=Instant)
    withdrawn_at: datetime | None = Field(default=None, sa_type=Instant)


class WebConnectorSessionRow(SQLModel, table=True):
    """A visit, which a ticket belongs to."""

    __tablename__ = "web_connector_sessions"
    #: one visit at a time, whoever calls at the same moment
    __table_args__ = (
        Index(
            "ix_web_connector_sessions_live",
            "registration_id",
            unique=True,
            sqlite_where=_LIVE,
            postgresql_where=_LIVE,
        ),
    )

    id: str = Field(primary_key=True)
    registration_id: str = Field(foreign_key="web_connectors.id", index=True)
    #: hash of the ticket
    ticket: str = Field(unique=True)
    begun_at: datetime = Field(sa_type=Instant)
    seen_at: datetime = Field(sa_type=Instant)
    ended_at: datetime | None = Field(default=None, sa_type=Instant)
    #: desktop request that was handed over and is not answered; and the name of that message
    outstanding: str = ""
    message_id: str = ""
    done: int = 0
    error: str = ""


class DesktopRequestRow(SQLModel, table=True):
    """An order on its way into QuickBooks Desktop."""

    __tablename__ = "desktop_requests"
    __table_args__ = (Index("ix_desktop_requests_of", "registration_id", "state"),)

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    registration_id: str = Field(foreign_key="web_connectors.id")
    request_id: str
    order_no: str
    revision: int
    kind: str
    #: the order as JSON; empty once it is answered
    body: str
    before: str = ""
    state: str
    step: str
    asked: int = 0
    written: int = 0
    queued_at: datetime = Field(sa_type=Instant)
    next_at: datetime = Field(sa_type=Instant)
    answered_at: datetime | None = Field(default=None, sa_type=Instant)
    #: what the last look found in QuickBooks; empty: nothing
    found_id: str = ""
    found_edit: str = ""
    target_id: str = ""
    number: str = ""
    reason: str = ""
    refused: bool = False
    #: whether whoever wanted it knows what became of it
    told: bool = False
