"""What the App Home shows: the data source index, and for admins how the organization is set up."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from storage.facts.metrics import Shown
from storage.facts.people import Role
from storage.facts.sources import Organization
from storage.facts.status import SourceStatus


class Filter(StrEnum):
    """Which sources the index lists."""

    ALL = "all"
    #: no data, late or overdue
    STALE = "stale"
    DISCONNECTED = "disconnected"
    RUNNING = "running"


@dataclass(frozen=True, slots=True)
class Showing:
    """What somebody looks at: a filter, and a page of it from 1."""

    filter: Filter = Filter.ALL
    page: int = 1


@dataclass(frozen=True, slots=True)
class Administration:
    """How the organization is set up; for admins."""

    #: how many members have each role
    members: Mapping[Role, int]
    #: addresses that Tidings sends webhooks to
    webhooks: int


@dataclass(frozen=True, slots=True)
class Board:
    """The metrics that come first, each with its latest value, and how many there are."""

    shown: tuple[Shown, ...]
    count: int


@dataclass(frozen=True, slots=True)
class Index:
    """Every source as it stands, and who looks after it."""

    organization: Organization
    statuses: tuple[SourceStatus, ...]
    #: display name of who connected a source, by source id, where that is known
    owners: Mapping[str, str]
    administration: Administration | None = None
    #: None where there are no metrics
    board: Board | None = None
