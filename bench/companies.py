"""Do companies that are read at once get equal shares of a machine? `python -m bench.companies`.

One process and one SQLite database, as small installations have. Each company is read by the product's own client with
ten calls side by side, its judge and decoder, its limiter and its places in the database. The provider answers at once,
with a page of a hundred invoices, and nobody's rate is reached: so processor and database are what is short, and who
gets them is up to the event loop, the threads and the database's lock. Pages of each company are counted when the time
is over, after a start that is not counted. Nine calls at once are answered together, so two companies are some nine
pages apart when the counting stops, however long it takes.

This measures readings that are under way. Which of the runs that wait in the queue is next is not part of it: places go
to the organization that holds the fewest, then to the one served longest ago (`jobs/turns.py` and its test).
"""

import asyncio
import tempfile
from collections import Counter
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import httpx

from bench.figures import Figure, Outcome, show
from connectors.http import Http
from connectors.limits import Rate
from connectors.oauth import MemoryTokens, TokenEndpoint, TokenKeeper, Tokens, TokenStyle
from connectors.quickbooks.company import Company
from connectors.quickbooks.faults import judge
from connectors.wire import Answer, HttpLimits, Wire
from jobs.limits import DatabaseLimiter
from jobs.places import DatabasePlaces
from sandbox.providers import catalogue
from sandbox.providers.quickbooks import QuickBooks, Size
from sandbox.providers.quickbooks.values import encode
from storage.facts.clock import SystemClock
from storage.facts.secret import Secret
from storage.migrate import migrate
from storage.sessions import Database, open_database

COMPANIES = 50
#: of the mean, for the one that got least and the one that got most
WITHIN = 0.10
_SIDE_BY_SIDE = 10
_RECORDS = 100
#: two buckets as QuickBooks has, but never empty: the machine is what is short
_NEVER_EMPTY = (Rate(per_second=1e6, burst=1e6), Rate(per_second=1e6, burst=1e6 + 1))


class _AtOnce(Wire):
    """A provider without a network that always has the same page."""

    def __init__(self, page: bytes) -> None:
        super().__init__("https://provider.example", limits=HttpLimits())
        self._page = page

    async def exchange(self, request: httpx.Request) -> Answer:
        _ = request
        await asyncio.sleep(0)
        return Answer(200, httpx.Headers(), self._page, None)


@dataclass(frozen=True)
class Shares:
    """Pages that each company got, in order."""

    pages: tuple[int, ...]

    @property
    def mean(self) -> float:
        """Pages of one company."""
        return sum(self.pages) / len(self.pages)

    @property
    def least(self) -> float:
        """How far the one that got least is behind the mean, as a share of it."""
        return 1 - min(self.pages) / self.mean

    @property
    def most(self) -> float:
        """How far the one that got most is ahead of the mean."""
        return max(self.pages) / self.mean - 1

    @property
    def equal(self) -> bool:
        """Whether all are within what is allowed."""
        return max(self.least, self.most) <= WITHIN


def shares(*, pages: int, companies: int = COMPANIES, greedy: int = 1) -> Shares:
    """Read until the companies have so many pages on the average; one has `greedy` times the calls."""
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'tidings.db'}")
        try:
            migrate(database)
            return asyncio.run(_read(database, pages, companies, greedy))
        finally:
            database.close()


async def _read(database: Database, pages: int, companies: int, greedy: int) -> Shares:
    page, found, stop = _page(), Counter[int](), asyncio.Event()
    before: Counter[int] = Counter()
    start, wanted = companies * max(2, pages // 10), companies * pages
    async with AsyncExitStack() as stack:
        opened = [await stack.enter_async_context(_AtOnce(page)) for _ in range(companies)]
        clients = [
            _client(database, wire, number, counted=number > 0 or greedy == 1) for number, wire in enumerate(opened)
        ]

        async def work(number: int, company: Company) -> None:
            while not stop.is_set():
                await company.query("Invoice", "SELECT * FROM Invoice")
                if stop.is_set():
                    return
                found[number] += 1
                if found.total() == start:
                    before.update(found)
                if found.total() >= start + wanted:
                    stop.set()

        async with asyncio.TaskGroup() as group:
            for number, http in enumerate(clients):
                for _ in range(_SIDE_BY_SIDE * (greedy if number == 0 else 1)):
                    group.create_task(work(number, Company(http, str(number))))
        for http in clients:
            await http.close()
    return Shares(tuple(sorted(found[number] - before[number] for number in range(companies))))


def _client(database: Database, wire: Wire, number: int, *, counted: bool) -> Http:
    clock = SystemClock()
    tokens = MemoryTokens(Tokens(Secret("a" * 32), Secret("b" * 32), expires_at=clock.now() + timedelta(days=1)))
    endpoint = TokenEndpoint("https://provider.example/token", "id", Secret("secret"), TokenStyle.BASIC_FORM)
    return Http(
        wire, TokenKeeper(tokens, endpoint, clock=clock, limits=wire.limits), clock=clock,
        limiter=_Unmetered(database, clock, f"src_{number}"), key=f"quickbooks:{number}", rates=_NEVER_EMPTY,
        headers=lambda _: {}, judge=judge, places=DatabasePlaces(database) if counted else None,
    )  # fmt: skip


class _Unmetered(DatabaseLimiter):
    """There are no sources here whose reads could be counted."""

    async def record(self, key: str, reads: int) -> None:
        _ = key, reads


def _page() -> bytes:
    books = QuickBooks.generated(size=Size(_RECORDS, bills=0, journal_entries=0, paid=0.0)).books[catalogue.REALM]
    return b'{"QueryResponse":{"Invoice":[%s]}}' % b",".join(encode(one) for one in books.truth("Invoice"))


def measure(*, quick: bool = False) -> Outcome:
    """Read fifty companies at once."""
    found = shares(pages=10 if quick else 120)
    name = f"{COMPANIES} companies at once: farthest from an equal share of the machine"
    value = 100 * max(found.least, found.most)
    figure = Figure("rates", name, value, "%", target=f"<= {100 * WITHIN:g} %", met=found.equal)
    return Outcome([figure], [f"{found.mean:.0f} pages of {_RECORDS} for each company."], {"pages": found.pages})


if __name__ == "__main__":
    show(measure().figures)
