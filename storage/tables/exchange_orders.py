"""Orders that were read from PocketAdvantage, and what became of each."""

from datetime import datetime

from sqlalchemy import Column, Index, Text, UniqueConstraint
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class ExchangeOrderRow(SQLModel, table=True):
    """One revision of one order."""

    __tablename__ = "exchange_orders"
    __table_args__ = (
        UniqueConstraint("source_id", "cust_id", "order_no", "revision"),
        Index("ix_exchange_orders_due", "source_id", "state", "next_at"),
        Index("ix_exchange_orders_revisions", "source_id", "order_no"),
        Index("ix_exchange_orders_number", "organization_id", "order_no"),
        Index("ix_exchange_orders_target", "organization_id", "target_id"),
        Index("ix_exchange_orders_target_number", "organization_id", "target_number"),
    )

    id: str = Field(primary_key=True)
    organization_id: str = Field(foreign_key="organizations.id")
    #: the PocketAdvantage connection
    source_id: str = Field(foreign_key="sources.id")
    cust_id: str
    order_no: str
    revision: int
    #: READY or CANCELLED
    wish: str
    state: str
    #: where the reading stood (connectors.pocketadvantage.orders.positions)
    position: str = ""
    fingerprint: str
    #: the order as JSON; gone once it is settled
    content: str | None = Field(default=None, sa_column=Column(Text, nullable=True))
    #: the same for each try, so that QuickBooks takes it once; another one when a person lets it be sent again
    request_id: str
    #: how often a person let it be sent again
    replays: int = 0
    target: str = ""
    #: the company of QuickBooks Online in which `target_id` is one; empty for QuickBooks Desktop
    books_id: str = ""
    target_id: str = ""
    target_number: str = ""
    target_version: str = ""
    reason: str = Field(default="", sa_column=Column(Text, nullable=False))
    #: grows with each claim; who holds an older one may no longer write
    attempts: int = 0
    read_at: datetime = Field(sa_type=Instant)
    sent_at: datetime | None = Field(default=None, sa_type=Instant)
    next_at: datetime | None = Field(default=None, sa_type=Instant)
    settled_at: datetime | None = Field(default=None, sa_type=Instant)
    #: when what stands here was told to PocketAdvantage; None: it was not
    written_back_at: datetime | None = Field(default=None, sa_type=Instant)
    #: False: it has no number under which it could be answered
    named: bool = True


class ExchangeOrderCursorRow(SQLModel, table=True):
    """Up to where a view was read; everything before it is settled."""

    __tablename__ = "exchange_order_cursors"

    source_id: str = Field(primary_key=True, foreign_key="sources.id")
    #: which view of which database that was (connectors.pocketadvantage.orders.places); empty: from before it was kept
    place: str = ""
    position: str = ""
    read_at: datetime = Field(sa_type=Instant)
