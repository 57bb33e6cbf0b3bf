"""How organizations adapted the mapping of their exchange: every version, with who wrote it and when."""

from datetime import datetime

from sqlalchemy import Column, Text
from sqlmodel import Field, SQLModel

from storage.tables.columns import Instant


class ExchangeMappingRow(SQLModel, table=True):
    """One version of an organization's mapping; the one with the highest number is in force, none is ever changed."""

    __tablename__ = "exchange_mappings"

    organization_id: str = Field(primary_key=True, foreign_key="organizations.id")
    number: int = Field(primary_key=True)
    #: the profile that it rests upon, at the version that the organization stays with until it wants another
    profile: str
    profile_version: int
    #: the organization's own layer, as it was written (YAML)
    layer: str = Field(default="", sa_column=Column(Text, nullable=False))
    #: the number of the version that this one brought back; 0 for none
    restored: int = 0
    #: empty for the product itself
    written_by: str = ""
    written_at: datetime = Field(sa_type=Instant)
