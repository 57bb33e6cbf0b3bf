"""The oracle: judges what the product says by what the provider knows and by what lies in the warehouse.

It believes no word of the product about itself: times are compared with the provider's own log of changes and reads,
and with the ready rows that people import.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import SourceStatus
from tests.faults.simulation.provider import NAMES, Account
from tests.faults.simulation.world import Company, Simulated

#: What a status answer may be late by: the product's own grace, and a stride.
TOLERANCE = timedelta(minutes=15)

#: Returns the ready rows of a source: table -> key -> version.
Look = Callable[[str, str], Mapping[str, Mapping[str, int]]]


@dataclass
class Oracle:
    """Collects complaints; an empty list is praise."""

    world: Simulated
    look: Look
    complaints: list[str] = field(default_factory=list)
    #: claims that were verified
    verified: int = 0
    _known: dict[tuple[str, datetime], int] = field(default_factory=dict)

    async def answers(self, company: Company) -> None:
        """Ask for the status of all sources of a company, and judge each answer."""
        world = self.world
        now = world.clock.now()
        for status in await world.jobs.services.status.all(await world.actor(company)):
            account = world.account(status.source)
            if status.last_data_refresh is not None:
                self.claim(company, status.source.id, account, status.last_data_refresh, "the status answer")
            self._freshness(status, now)

    def claim(self, company: Company, source_id: str, account: Account, as_of: datetime, said: str) -> None:
        """Judge the sentence "this source's data is as of that instant"."""
        key, state = (source_id, as_of), self.world.engine.handled
        if self._known.get(key) == state:
            return
        self._known[key] = state
        self.verified += 1
        for name in NAMES:
            read_to = account.read_to(name)
            if read_to is None or as_of > read_to:
                self._complain(f"{said} claims {account.name} as of {as_of}, {name} was read as of {read_to}")
        rows = self.look(company.id, source_id)
        for (stream, record), change in account.last_changes(as_of).items():
            held = rows.get(stream, {}).get(record)
            newest = account.last_changes(self.world.clock.now())[stream, record]
            there = held is not None and held >= change.version and not (change.gone and held == change.version)
            gone = held is None and (change.gone or newest.gone)
            if not there and not gone:
                self._complain(
                    f"{said} claims {account.name} as of {as_of}: {stream} {record} of {change.at} is not there"
                )

    def _freshness(self, status: SourceStatus, now: datetime) -> None:
        as_of, every = status.last_data_refresh, timedelta(minutes=status.source.schedule_minutes)
        if status.freshness is not Freshness.FRESH:
            return
        if as_of is None or now - as_of > every + TOLERANCE:
            self._complain(f"{status.source.account} is called fresh, as of {as_of}, and is promised every {every}")
        if status.source.connection is ConnectionState.DISCONNECTED and as_of is not None and now - as_of > every * 2:
            self._complain(f"{status.source.account} is called fresh and was disconnected long ago")

    def _complain(self, words: str) -> None:
        self.complaints.append(f"{self.world.clock.now():%Y-%m-%d %H:%M:%S} {words}")


def small_lake(world: Simulated) -> Look:
    """Return how the rows of the warehouse in memory are looked at."""

    def look(organization_id: str, source_id: str) -> Mapping[str, Mapping[str, int]]:
        part = world.small_lakes.lake(organization_id).part(source_id)
        return {name.rpartition("_")[2]: rows for name, rows in part.ready.items()}

    return look
