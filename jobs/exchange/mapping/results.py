"""What became of a record: rows of a file, nothing on purpose, or a reason why it cannot be sent."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Mapped:
    """The rows of a record, each with the text of every column in its order."""

    #: the record's own id at its source
    key: str
    #: another text as soon as the record is another (empty where its kind has none)
    revision: str
    rows: tuple[tuple[str, ...], ...]


@dataclass(frozen=True, slots=True)
class Skipped:
    """A record that the mapping leaves out."""

    key: str
    reason: str


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that cannot be sent as it is; every other goes on."""

    key: str
    #: the column of the file
    field: str
    reason: str
    #: its sums do not agree: it is held for a person
    control: bool = False

    def __str__(self) -> str:
        return f"record {self.key}, {self.field}: {self.reason}"


Result = Mapped | Skipped | Rejected


@dataclass(frozen=True, slots=True)
class Inputs:
    """What a mapping looks up beside the record, by the names that its profile declares.

    Each is a table from a key (text) to text, a number, or nothing; who maps gives them.
    """

    tables: Mapping[str, Mapping[str, object]] = field(default_factory=dict)
