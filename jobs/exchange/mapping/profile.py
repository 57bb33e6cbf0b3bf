"""A profile: for each pair the columns of its file with their expressions, as data that people can read and adapt."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from jobs.exchange.fil import Column, Longer
from jobs.exchange.mapping.problems import MappingError
from jobs.exchange.mapping.values import Kind


@dataclass(frozen=True, slots=True)
class ColumnMapping:
    """One column: what is in it, and how it is written."""

    name: str
    #: the expression
    source: str
    kind: Kind = Kind.TEXT
    #: characters at most; 0 for any
    width: int = 0
    longer: Longer = Longer.REFUSE
    #: a record without it is refused
    required: bool = False

    @property
    def fil(self) -> Column:
        """The column as the file knows it."""
        return Column(self.name, self.width, self.longer)


@dataclass(frozen=True, slots=True)
class Rows:
    """A record has a row for each of its lines; without any it has one, of which the columns of lines are empty."""

    #: the list of lines
    each: str
    #: where a line has lines of its own, these stand in its place
    inside: str = ""
    #: which lines count; empty for all
    where: str = ""
    #: when a record is sent without its lines
    none_when: str = ""


@dataclass(frozen=True, slots=True)
class Control:
    """Sums that must agree: those of the rows, with what is added and taken away, are the total."""

    sum: str
    total: str
    plus: tuple[str, ...] = ()
    minus: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Skip:
    """Records that are left out."""

    when: str
    because: str


@dataclass(frozen=True, slots=True)
class PairMapping:
    """How the records of one pair become rows."""

    name: str
    #: the name of the file, without its extension
    file: str
    #: the fields that there are; those of lines begin with "line."
    fields: Mapping[str, Kind]
    columns: tuple[ColumnMapping, ...]
    keys: tuple[str, ...]
    identity: str = "Id"
    revision: str = ""
    #: expressions that others may use by name
    values: Mapping[str, str] = field(default_factory=dict)
    skips: tuple[Skip, ...] = ()
    rows: Rows | None = None
    control: Control | None = None
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: tables that whoever maps may be asked for
    declared_inputs: tuple[str, ...] = ()
    #: those of them that are used
    inputs: tuple[str, ...] = ()

    @property
    def fil_columns(self) -> tuple[Column, ...]:
        """The columns as the file knows them."""
        return tuple(column.fil for column in self.columns)

    def column(self, name: str) -> ColumnMapping | None:
        """Return a column by its name."""
        return next((column for column in self.columns if column.name == name), None)


@dataclass(frozen=True, slots=True)
class Profile:
    """All pairs of one version of a named profile."""

    name: str
    version: int
    #: "assumption" until it was confirmed with real files
    status: str
    #: what people are told of it
    note: str
    pairs: Mapping[str, PairMapping]
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    def pair(self, name: str) -> PairMapping:
        """Return the mapping of a pair; MappingError when the profile has none."""
        found = self.pairs.get(name)
        if found is None:
            raise MappingError([f"{self.name} {self.version} has no pair {name}"])
        return found
