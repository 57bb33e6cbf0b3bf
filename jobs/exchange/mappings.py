"""The mapping of a pair as building uses it: the profile's columns, compiled with the tables that it looks up."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from jobs.exchange.building import Map
from jobs.exchange.fil import Column
from jobs.exchange.mapping import Inputs, Mapped, Mapper, PairMapping, Rejected, Skipped
from jobs.exchange.mapping.service import in_force
from storage.facts.exchange import Pair
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Chosen:
    """One mapping in force."""

    mapping: PairMapping
    version: str

    @property
    def file(self) -> str:
        """Name of the file, without its ending."""
        return self.mapping.file

    @property
    def columns(self) -> tuple[Column, ...]:
        """The columns of the file."""
        return self.mapping.fil_columns

    @property
    def keys(self) -> tuple[str, ...]:
        """The columns that its rows are sorted by."""
        return self.mapping.keys

    @property
    def inputs(self) -> tuple[str, ...]:
        """The tables that it looks up."""
        return self.mapping.inputs

    def begin(self, tables: Mapping[str, Mapping[str, object]]) -> Map:
        """Compile it."""
        mapper = Mapper(self.mapping, Inputs(tables))

        def mapped(record: dict[str, Any], *, deleted: bool = False) -> Mapped | Skipped | Rejected:
            return mapper.map(record, deleted=deleted)

        return mapped


def chosen(session: Session, organization_id: str, pair: Pair) -> Chosen:
    """Return the mapping of a pair that holds for an organization (MappingError)."""
    found = in_force(session, organization_id)
    return Chosen(found.profile.pair(pair.value), f"{found.profile.name} {found.profile.version}.{found.number}")
