"""Killed at every named point of a disconnect: it did not happen, or it goes on to its end; never half."""

import os
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from sqlmodel import select

from jobs.connecting.disconnect import Confirmation, DisconnectService
from jobs.connecting.service import ConnectService
from jobs.connecting.severing import Severing
from jobs.refresh.ask import TriggerKey
from jobs.refresh.retry import RetryPlan
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState, Source
from storage.records import disconnects, frozen, runs
from storage.seal import Seal, new_key
from storage.sessions import Database
from storage.tables import DisconnectRow
from storage.warehouse.location import locate
from tests.forks import die
from tests.jobs.connecting import parting
from tests.jobs.connecting.parting import fill, ground_of, lake
from tests.jobs.connecting.stage import Stage, staged
from tests.storage.warehouse.leftovers import traces

ROOT = Path(__file__).parents[3]
ACCOUNT, OTHER, CANARY = "a.myshopify.com", "src_other", "zzz-canary"
#: The quick run dies at one point on both databases, and at every other one on SQLite.
SOAK = bool(os.environ.get("SOAK"))
CUTTING = ("disconnect.cutting", "disconnect.cut")
SEVERING = (
    "disconnect.revoking",
    "disconnect.renewed",
    "disconnect.revoked",
    "disconnect.settled",
    "disconnect.erasing",
    "disconnect.erased",
    "disconnect.noted",
)
#: Of the warehouse, whatever our own database is.
ERASING = ("erase.before_commit", "erase.written_anew", "erase.expired", "erase.files_removed")


@dataclass
class Walk:
    """A disconnect with erasure that dies on its way."""

    stage: Stage
    folder: Path
    key: str
    source: Source
    seen: str

    def disconnects(self) -> list[str]:
        return self.stage.database.in_read(lambda session: list(session.exec(select(DisconnectRow.id))))

    async def confirm(self) -> None:
        """Do in this process what the person does again."""
        confirmed = Confirmation(self.source.id, ACCOUNT, erase=True, seen=self.seen)
        await DisconnectService(self.stage.means).disconnect(
            await self.stage.actor(), confirmed, TriggerKey("T0A", "form:1")
        )

    def die_at(self, point: str, *, twin: str = "") -> None:
        (known,) = self.disconnects() or ("",)
        plan = {
            "url": self.stage.database.url,
            "folder": str(self.folder),
            "key": self.key,
            "crash_at": point,
            "twin": twin,
            "disconnect": known,
            "source": self.source.id,
            "typed": ACCOUNT,
            "seen": self.seen,
        }
        assert die(parting.step, plan) == -9, f"it did not die at {point}"

    async def go_on(self) -> None:
        """Let the next process do what the engine would give it: the same attempt again."""
        means = self.stage.means
        work = Severing(means, ground_of(means, self.folder), RetryPlan(), lambda _id: None)
        (known,) = self.disconnects()
        assert await work.attempt(known, 1)

    def complaints(self) -> list[str]:
        """Judge what a person would believe now against what is."""
        row, found = self.stage.connection(self.source.id), []
        listed = self.disconnects()
        parted = row.state == ConnectionState.DISCONNECTED
        active = self.stage.database.in_read(lambda session: runs.active_of(session, [self.source.id]))
        if parted != bool(listed) or parted != (row.credentials is None) or parted == bool(active):
            found.append("disconnected by half")
        still = self.stage.database.in_read(lambda session: frozen.of_sources(session, [self.source.id]))
        if parted != bool(still):
            found.append("its schedule is not frozen with it")
        if parted != ("disconnect" in self.stage.trail()):
            found.append("the audit does not know")
        for known in listed:
            entry = self.stage.database.in_read(partial(disconnects.find, disconnect_id=known))
            sealed = self.stage.database.in_read(partial(disconnects.sealed_grant, disconnect_id=known))
            assert entry is not None
            if (sealed is None) != (entry.outcome is not None):
                found.append("tokens that are neither here nor settled")
            if entry.outcome is not None and not self.stage.outside.revoked:
                found.append("given up without the provider's knowledge")
            if entry.data_erased_at is not None and self.left():
                found.append("said to be erased, and is not")
        return found

    def left(self) -> list[str]:
        return traces(locate(str(self.folder / "lakes"), "org_a"), CANARY)


@asynccontextmanager
async def walking(database: Database, folder: Path) -> AsyncIterator[Walk]:
    key = new_key()
    async with staged(database, folder) as plain:
        stage = plain.twin(ConnectService, seal=Seal([Secret(key)]))
        source = (await stage.connected(ACCOUNT)).source
        fill(folder, source, CANARY)
        fill(folder, OTHER, "kept")
        seen = (await DisconnectService(stage.means).preview(await stage.actor(), source.id)).mark
        yield Walk(stage, folder, key, source, seen)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", [*CUTTING, "disconnect.revoked", "disconnect.erased"] if SOAK else CUTTING[1:])
async def test_killed_at_every_point(database: Database, tmp_path: Path, point: str) -> None:
    await _killed_and_gone_on(database, tmp_path, point)


@pytest.mark.timeout(900)
@pytest.mark.parametrize("point", sorted({*SEVERING, *ERASING})[:: 1 if SOAK else 4])
async def test_killed_at_every_other_point(sqlite_database: Database, tmp_path: Path, point: str) -> None:
    await _killed_and_gone_on(sqlite_database, tmp_path, point)


async def _killed_and_gone_on(database: Database, tmp_path: Path, point: str) -> None:
    async with walking(database, tmp_path) as walk:
        if point not in CUTTING:
            await walk.confirm()
        walk.die_at(point)
        assert walk.complaints() == []
        # The person presses again; the same form counts once.
        await walk.confirm()
        assert len(walk.disconnects()) == 1
        await walk.go_on()
        assert walk.complaints() == []
        assert walk.stage.outside.revoked in ([ACCOUNT], [ACCOUNT] * 2)
        assert walk.left() == []
        assert lake(tmp_path).counts(OTHER)["raw_books_customers"] == 1
        assert walk.stage.trail().count("disconnect") == 1
        assert walk.stage.trail().count("data_erased") == 1
        assert walk.stage.connection(walk.source.id).erase_due_at is None


@pytest.mark.timeout(900)
@pytest.mark.parametrize(
    "twin, point, complaint",
    [
        ("settles first", "disconnect.revoking", "given up without the provider's knowledge"),
        ("notes first", "disconnect.erasing", "said to be erased, and is not"),
        ("in two parts", "disconnect.cutting", "disconnected by half"),
    ],
)
async def test_what_is_done_in_another_order_would_be_found(
    database: Database, tmp_path: Path, twin: str, point: str, complaint: str
) -> None:
    """Broken twins: the tokens are forgotten first, the erasure is noted first, the cut is two transactions."""
    async with walking(database, tmp_path) as walk:
        if twin != "in two parts":
            await walk.confirm()
        walk.die_at(point, twin=twin)
        complaints = walk.complaints()
        assert complaint in complaints
        assert ("its schedule is not frozen with it" in complaints) is (twin == "in two parts")


def test_every_point_of_the_code_is_died_at() -> None:
    text = "".join(
        file.read_text()
        for file in (*(ROOT / "jobs" / "connecting").glob("*.py"), ROOT / "storage" / "warehouse" / "erase.py")
    )
    found = set(re.findall(r'checkpoint\("((?:disconnect|erase)\.[a-z_]+)"\)', text))
    assert found == {*CUTTING, *SEVERING, *ERASING}
