"""What a table that people import is: the same columns whichever provider fills it, computed when it is read."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class ImportColumn:
    """One column: its SQL type, and what its values mean."""

    name: str
    type: str
    meaning: str


@dataclass(frozen=True, slots=True)
class ImportTable:
    """One table over the ready tables of an organization; nothing of it is stored."""

    name: str
    #: what a row is, and what must be known to add rows up
    about: str
    columns: tuple[ImportColumn, ...]
    #: provider -> a SELECT over its ready tables that gives every column but `provider`
    parts: Mapping[str, str] = field(default_factory=dict)
