"""From QuickBooks through the lake to the server: the bytes there are those of the file rules, and always the same."""

import re
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from functools import partial
from pathlib import Path
from random import Random
from typing import Literal

import pytest

from jobs.exchange.building import Built
from jobs.exchange.fil import FilRules
from jobs.exchange.mappings import chosen
from jobs.exchange.ports import FarSide
from jobs.exchange.running import ExchangeHandler, Task
from sandbox.exchange.sftp import SftpServer
from storage.facts.exchange import Pair, RunState
from storage.facts.ids import new_id
from storage.facts.sources import Source
from storage.records import exchange
from storage.sessions import Database, open_database
from tests.jobs.exchange.files.test_fil import NASTY
from tests.jobs.exchange.files_worker import Served
from tests.jobs.exchange.nights import ORGANIZATION, Company, Told, company
from tests.jobs.exchange.test_runs import TWO

Encoding = Literal["utf-8", "cp1252"]
#: what no cp1252 file can hold
FOREIGN = "5 ≤ 6"
#: how many signs of the nasty values become a space
REPLACED = 11


@dataclass
class Ours(Served):
    """The server, with the encoding that its owner wants."""

    async def of(self, source: Source) -> FarSide:
        return replace(await super().of(source), rules=FilRules(self.said["encoding"]))


@contextmanager
def handed_over(database: Database, folder: Path, encoding: Encoding, kind: type[ExchangeHandler]) -> Iterator[Company]:
    """Let there be a company with the pre-built mapping whose files go to a server."""
    world = company(database, folder, kind=kind)
    root = folder / "far" / ORGANIZATION
    root.mkdir()
    world.on(Pair.CUSTOMERS, Pair.INVOICES, schedule="nightly 02:00 within 01:00-05:00")
    with SftpServer(root) as sftp:
        said = {"port": sftp.port, "account": sftp.account, "password": sftp.password, "host_key": sftp.host_key}
        side = Ours({**said, "protocol": "sftp", "gap": False, "encoding": encoding})
        world.handler = kind(world.ground, Told(), world.enqueue, side, chosen)  # type: ignore[arg-type]  # nobody is told
        yield world


def filled(world: Company, order: Sequence[int], portions: int = 1) -> None:
    """Give it the nasty values as companies, streets and what is sold, read in that order, in so many portions."""
    values = [value for value, _ in NASTY] + [FOREIGN]
    world.books.item("1", "Thing")
    for place, number in enumerate(order, 1):
        key, value = str(number + 1), values[number]
        world.books.customer(key, f"Customer {key}", CompanyName=value, BillAddr={"Line1": value})
        world.books.invoice(key, key, [12.5])
        world.books.records["invoices"][key]["Line"][0]["Description"] = value
        if place % (len(order) // portions) == 0:
            world.collect()
    world.clock.at = TWO
    world.collect()


async def sent(world: Company) -> dict[Pair, bytes]:
    """Let the night pass; return what lies on the server."""
    await world.worked()
    return {pair: world.file(pair).read_bytes() for pair in (Pair.CUSTOMERS, Pair.INVOICES)}


def wanted(encoding: Encoding) -> list[str]:
    """Return the values as they have to stand there, in the order of the customers."""
    return [after for _, after in NASTY] + ([FOREIGN] if encoding == "utf-8" else [])


def columns(data: bytes, encoding: Encoding, *names: str) -> list[tuple[str, ...]]:
    """Read a file with nothing of ours: CR LF ends a line, a tab a value, and nothing else means anything."""
    header, *rows = [line.split(b"\t") for line in data.removesuffix(b"\r\n").split(b"\r\n")]
    places = [header.index(name.encode()) for name in names]
    assert {len(row) for row in rows} == {len(header)}
    return [tuple(row[place].decode(encoding) for place in places) for row in rows]


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252"])
async def test_nasty_values_lie_on_the_server_as_the_rules_say(
    sqlite_database: Database, tmp_path: Path, encoding: Encoding
) -> None:
    assert await differences(sqlite_database, tmp_path, encoding) == []


async def differences(
    database: Database, folder: Path, encoding: Encoding, kind: type[ExchangeHandler] = ExchangeHandler
) -> list[str]:
    """Say in what the bytes on the server are not what the rules say."""
    with handed_over(database, folder, encoding, kind) as world:
        filled(world, list(range(len(NASTY) + 1)))
        files = await sent(world)
    values, found = wanted(encoding), []
    here = [(str(number), value, value) for number, value in enumerate(values, 1)]
    if columns(files[Pair.CUSTOMERS], encoding, "CUST_NO", "COMPANY", "BILL1") != here:
        found.append("the customers")
    here = [(str(number), value, "12.50") for number, value in enumerate(values, 1)]
    if columns(files[Pair.INVOICES], encoding, "TXN_ID", "DESC", "AMOUNT") != here:
        found.append("the invoices")
    left_out = [] if encoding == "utf-8" else [str(len(NASTY) + 1)]
    for pair, times in ((Pair.CUSTOMERS, 2), (Pair.INVOICES, 1)):
        (run,) = world.history(pair)
        rejects = database.in_read(partial(exchange.rejects_of, run_id=run.id))
        if run.replaced != REPLACED * times:
            found.append(f"{run.replaced} are said to be replaced")
        if [one.key for one in rejects if "≤ (U+2264)" in one.reason] != left_out or run.rejected != len(left_out):
            found.append(f"{rejects} are said to be left out")
    return found


class Quoting(ExchangeHandler):
    """A twin that keeps spreadsheets from taking a value for a formula."""

    def _built(self, task: Task, side: FarSide, folder: Path) -> Built:
        built = super()._built(task, side, folder)
        body = re.sub(rb"\t(?=[=+@-])", b"\t'", built.path.read_bytes())
        built.path.write_bytes(body)
        return built


class Questions(ExchangeHandler):
    """A twin that puts a question mark for what the encoding has not."""

    def _built(self, task: Task, side: FarSide, folder: Path) -> Built:
        built = super()._built(task, replace(side, rules=FilRules()), folder)
        body = built.path.read_bytes().decode()
        built.path.write_bytes(body.encode(side.rules.encoding, "replace"))
        return built


@pytest.mark.parametrize("twin", [Quoting, Questions])
async def test_a_twin_that_writes_otherwise_is_caught(
    sqlite_database: Database, tmp_path: Path, twin: type[ExchangeHandler]
) -> None:
    assert await differences(sqlite_database, tmp_path, "cp1252", twin)


class Marking(ExchangeHandler):
    """A twin whose files have something of their own."""

    def _built(self, task: Task, side: FarSide, folder: Path) -> Built:
        built = super()._built(task, side, folder)
        made = f"Customer 1 {new_id('made')}\t".encode()
        built.path.write_bytes(built.path.read_bytes().replace(b"Customer 1\t", made))
        return built


@pytest.mark.parametrize("kind", [ExchangeHandler, Marking])
async def test_the_same_records_are_the_same_bytes_on_every_server_and_every_night(
    sqlite_database: Database, sqlite_template: Path, tmp_path: Path, kind: type[ExchangeHandler]
) -> None:
    """However QuickBooks gave them: all at once, or one after the other in another order; and again the next night."""
    order = list(range(len(NASTY) + 1))
    made = []
    with handed_over(sqlite_database, tmp_path, "utf-8", kind) as world:
        filled(world, order)
        made.append(await sent(world))
        # The lists go again each night; nothing is new, so nothing takes the place of what is there.
        world.clock.at += timedelta(days=1, hours=1)
        world.collect()
        await world.worked()
        made.append({**made[0], Pair.CUSTOMERS: world.file(Pair.CUSTOMERS).read_bytes()})
        again = world.history(Pair.CUSTOMERS)[-1]
    Random(5).shuffle(order)
    (tmp_path / "other").mkdir()
    shutil.copyfile(sqlite_template, tmp_path / "other" / "tidings.db")
    other = open_database(f"sqlite:///{tmp_path / 'other' / 'tidings.db'}")
    with handed_over(other, tmp_path / "other", "utf-8", kind) as world:
        filled(world, order, portions=4)
        made.append(await sent(world))
    other.close()
    same = made[0] == made[1] == made[2] and again.state is RunState.UNCHANGED
    assert same is (kind is ExchangeHandler)
