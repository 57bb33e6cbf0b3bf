"""What must go when a person's data is to be erased."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Redaction:
    """Rows of one table of the warehouse, and the columns of them that are made empty.

    The row itself stays with its key and its hash: a record that is gone would be read again from the provider, one
    that is known and unchanged is not.
    """

    #: raw or ready
    table: str
    #: column -> values: a row that has one of the values in one of the columns
    where: Mapping[str, Collection[str]]
    #: columns that are made empty; in raw tables the record's own bytes are replaced beside them
    clear: tuple[str, ...]
