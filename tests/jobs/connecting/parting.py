"""A disconnect, or one attempt of its work, in a process of its own that dies where it is told to."""

from contextlib import suppress
from pathlib import Path
from typing import Any

from jobs.connecting.disconnect import Confirmation, DisconnectService
from jobs.connecting.means import Means
from jobs.connecting.severing import Severing
from jobs.crashpoints import crash_point
from jobs.desk import Desk
from jobs.errors import RequestError
from jobs.ground import Ground, Warehouses
from jobs.refresh.ask import TriggerKey
from jobs.refresh.retry import RetryPlan
from storage.facts.clock import OffsetClock
from storage.facts.disconnects import Disconnect, GrantEnd
from storage.facts.secret import Secret
from storage.facts.sources import Source
from storage.seal import Seal
from storage.sessions import Session, open_database
from storage.warehouse import LoadRun, Warehouse
from tests.jobs.connecting.pretend import PretendProvider
from tests.jobs.connecting.stage import DANIEL, PEOPLE, make_means
from tests.storage.warehouse.company import CUSTOMERS, NOW, STREAMS, simple


def ground_of(means: Means, folder: Path) -> Ground:
    """Return a ground with lakes in a folder of the test."""
    return Ground(
        database=means.database,
        clock=means.clock,
        seal=means.seal,
        warehouses=lakes(folder),
        providers=means.providers,
        connector_for=means.connector_for,
        read_budget=1,
        checkpoint=means.checkpoint,
        lease_seconds=2.0,
    )


def lakes(folder: Path) -> Warehouses:
    return Warehouses(str(folder / "lakes"))


def lake(folder: Path) -> Warehouse:
    return lakes(folder).of("org_a")


def fill(folder: Path, source: Source | str, mark: str) -> None:
    """Load one record of a source that carries the mark."""
    source_id = source if isinstance(source, str) else source.id
    with lake(folder).begin(LoadRun(f"run-{source_id}", source_id, "books", NOW), STREAMS) as loader:
        loader.write(simple(CUSTOMERS, {"c": mark}))
        loader.commit({})


class SettlesFirst(Severing):
    """A twin that forgets the tokens, and says that they are given up, before the provider knows."""

    async def _give_up(self, found: Disconnect) -> None:
        await self._means.database.writing(
            lambda session: self._settled(session, found=found, outcome=GrantEnd.REVOKED)
        )
        self._means.checkpoint("disconnect.revoking")
        await super()._give_up(found)


class NotesFirst(Severing):
    """A twin that says that the data is erased before it is."""

    async def _erase(self, found: Disconnect) -> None:
        from storage.warehouse import Erased

        await self._means.database.writing(lambda session: self._noted(session, found, Erased({}, 0, 0)))
        await super()._erase(found)


class InTwoParts(DisconnectService):
    """A twin that says "disconnected" in one transaction and does the rest in the next."""

    def _disconnected(self, session: Session, *args: Any) -> Any:
        confirmed = args[1]
        other = open_database(self._means.database.url)
        if other.is_sqlite:
            session.rollback()
        other.in_write(lambda first: _says_so(first, confirmed.source_id))
        self._means.checkpoint("disconnect.cutting")
        return super()._disconnected(session, *args)


def _says_so(session: Session, source_id: str) -> None:
    from storage.tables import ConnectionRow

    row = session.get_one(ConnectionRow, source_id)
    row.state, row.disconnected_by = "disconnected", "mem_U0DANIEL"
    session.add(row)


TWINS: dict[str, Any] = {"settles first": SettlesFirst, "notes first": NotesFirst, "in two parts": InTwoParts}


async def step(plan: dict[str, Any]) -> None:
    database, folder = open_database(plan["url"]), Path(plan["folder"])
    means = make_means(
        database,
        Desk(plan["url"]),
        OffsetClock(),
        Seal([Secret(plan["key"])]),
        PretendProvider(folder),
        [],
        dict.fromkeys(PEOPLE, True),
        checkpoint=crash_point,
    )
    twin = TWINS.get(plan["twin"])
    if plan["disconnect"]:
        work = twin or Severing
        await work(means, ground_of(means, folder), RetryPlan(), lambda _id: None).attempt(plan["disconnect"], 1)
        return
    service = twin or DisconnectService
    with suppress(RequestError):
        confirmed = Confirmation(plan["source"], plan["typed"], erase=True, seen=plan["seen"])
        actor = await means.people.learn(DANIEL)
        await service(means).disconnect(actor, confirmed, TriggerKey("T0A", "form:1"))
