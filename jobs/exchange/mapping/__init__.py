"""A mapping: which fields of a record become which columns, in a small language of our own, for people to adapt."""

from jobs.exchange.mapping.mapper import Mapper
from jobs.exchange.mapping.problems import MappingError
from jobs.exchange.mapping.profile import PairMapping, Profile
from jobs.exchange.mapping.reading import load_profile
from jobs.exchange.mapping.results import Inputs, Mapped, Rejected, Result, Skipped

__all__ = [
    "Inputs",
    "Mapped",
    "Mapper",
    "MappingError",
    "PairMapping",
    "Profile",
    "Rejected",
    "Result",
    "Skipped",
    "load_profile",
]
