"""Orders are read whole and strictly; one that cannot be read says why, and keeps no other from being read."""

import asyncio
import socket
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest

from connectors.errors import Broken, Retry
from connectors.pocketadvantage.orders import positions
from connectors.pocketadvantage.orders import reader as reading
from connectors.pocketadvantage.orders.database import meaning
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine, Tls
from connectors.pocketadvantage.orders.reader import probe, reader
from connectors.pocketadvantage.orders.writing_back import Answer, write_back
from connectors.pocketadvantage.transfer.reaching import Reach
from sandbox.exchange.inventiv import ANSWERS, BAD, Inventiv
from sandbox.exchange.sql_server import SqlServer
from storage.facts.exchange_orders import OrderRead, Wish, order_text, read_order
from storage.facts.secret import Secret
from tests.connectors.pocketadvantage.served import TYPES, certified, served_place

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
ITEMS = (("CAP-1", Decimal("19.95")), ("MUG-2", Decimal("8.5")))


class Served(Inventiv):
    """The same orders in a SQL Server."""

    server: SqlServer


@pytest.fixture(params=["sqlite", "mssql"])
def inventiv(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Inventiv]:
    kind = Served if request.param == "mssql" else Inventiv
    made = kind(tmp_path / "inventiv.db", "ACME01", ("7", "8"), ITEMS)
    if isinstance(made, Served):
        with SqlServer(str(made.path), certified=certified(), types=TYPES) as made.server:
            yield made
    else:
        yield made


@pytest.fixture
def file(tmp_path: Path) -> Inventiv:
    return Inventiv(tmp_path / "inventiv.db", "ACME01", ("7", "8"), ITEMS)


def place_of(inventiv: Inventiv, **more: Any) -> tuple[DatabasePlace, Allowed]:
    if isinstance(inventiv, Served):
        return served_place(inventiv.server, **more), Allowed(Reach(here=True))
    found = DatabasePlace(Engine.SQLITE, inventiv.path.name, inventiv.cust_id, back=ANSWERS, **more)
    return found, Allowed(sqlite_folder=inventiv.path.parent)


async def read_all(place: DatabasePlace, allowed: Allowed, cursor: str = "") -> tuple[list[OrderRead], str]:
    found: list[OrderRead] = []
    upto = cursor
    async with reader(place, allowed) as opened:
        async for page in opened.pages(cursor):
            found += page.orders
            upto = max(upto, page.upto)
    return found, upto


async def test_an_order_is_read_whole(inventiv: Inventiv) -> None:
    (number,) = inventiv.arrive(1, NOW, discount="5.00", memo=" two\r\nlines ")
    place, allowed = place_of(inventiv)
    ((found,), upto) = await read_all(place, allowed)
    rows = inventiv.rows(number)
    order = found.order
    assert order is not None
    assert (found.problem, found.wish, found.key) == ("", Wish.READY, ("ACME01", number, 1))
    assert [(line.line_no, line.item_no, line.quantity, line.unit_price) for line in order.lines] == [
        (row["line_no"], row["item_no"], Decimal(row["qty"]), row["unit_price"] and Decimal(row["unit_price"]))
        for row in rows
    ]
    assert (order.order_date, order.discount, order.memo) == (NOW.date(), Decimal(5), "two lines")
    assert order.ship_to.lines == ("Dock 4", "1180 Foundry Way")
    assert read_order(order_text(order)) == order
    kind = "w" if isinstance(inventiv, Served) else "t"
    assert upto == found.position == f"{kind}{NOW:%Y-%m-%d %H:%M:%S.%f}"


@pytest.mark.parametrize("kind", BAD)
async def test_a_bad_order_says_why_and_stops_no_other(inventiv: Inventiv, kind: str) -> None:
    number = inventiv.bad(kind, NOW)
    (good,) = inventiv.arrive(1, NOW)
    found, _ = await read_all(*place_of(inventiv))
    by_number = {one.order_no: one for one in found}
    assert by_number[good].order is not None
    bad = by_number[number]
    if kind in {"unknown customer", "unknown item", "no quantity", "foreign currency"}:
        # What it says can be read: it is held against QuickBooks later.
        assert bad.order is not None
    else:
        assert bad.problem
        assert bad.order is None


async def test_hostile_values_are_values(inventiv: Inventiv) -> None:
    hostile = ("'; DROP TABLE order_header; --", 'a"b\\c', "=1+1", "<script>", "ÿ\u2028x", "x' OR '1'='1")
    for place_no, number in enumerate(hostile):
        inventiv.put(number, 1, NOW, cust_no=hostile[-place_no], memo=number)
    place, allowed = place_of(inventiv)
    found, _ = await read_all(place, allowed)
    assert {one.order_no for one in found} == {number.replace("\u2028", " ") for number in hostile}
    answers = [Answer("ACME01", one.order_no, 1, "FAILED", error=one.order_no) for one in found]
    assert await write_back(place, allowed, answers, NOW) == len(hostile) - 1
    assert inventiv.answers()[hostile[0], 1]["sync_error"] == hostile[0]


async def test_what_no_page_finds_is_told_too(inventiv: Inventiv) -> None:
    inventiv.put("SO-1", 1, NOW, modified_at=None)
    inventiv.arrive(1, NOW)
    with closing(sqlite3.connect(inventiv.path)) as database, database:
        database.execute(
            "INSERT INTO order_header (cust_id, status, modified_at) VALUES ('ACME01', 'READY', '2026-11-20')"
        )
    found, upto = await read_all(*place_of(inventiv))
    problems = {one.order_no: one.problem for one in found if one.problem}
    assert problems.pop("SO-1") == "modified_at does not say when it was changed"
    ((name, why),) = problems.items()
    assert (name[:8], why) == ("unnamed ", "order_no is empty")
    assert [one.named for one in found if one.order_no == name] == [False]
    assert upto


async def test_only_what_changed_comes_again_with_all_its_lines(inventiv: Inventiv) -> None:
    old, *_ = inventiv.arrive(3, NOW - timedelta(days=2))
    place, allowed = place_of(inventiv)
    _, upto = await read_all(place, allowed)
    inventiv.arrive(1, NOW)
    inventiv.cancel(old, NOW)
    found, _ = await read_all(place, allowed, upto)
    assert {(one.revision, one.wish) for one in found if one.order_no == old} >= {(2, Wish.CANCELLED)}
    assert [len(one.order.lines) for one in found if one.order] == [
        len(inventiv.rows(one.order_no, one.revision)) for one in found if one.order
    ]


async def test_many_pages_are_every_order_once(inventiv: Inventiv) -> None:
    # All of one instant, and more than a page.
    numbers = [number for _ in range(40) for number in inventiv.arrive(1, NOW)]
    async with reader(*place_of(inventiv), most=7) as opened:
        found = [one async for page in opened.pages("") for one in page.orders]
    assert sorted(one.order_no for one in found) == sorted(numbers)


class Trimming(reading.Reader):
    """Goes on behind the number as it was read, without its spaces."""

    @staticmethod
    def _place_of(row: Mapping[str, Any]) -> tuple[Any, Any, Any]:
        return row["newest_"], str(row["order_no"]).strip(), row["revision"]


@pytest.mark.parametrize("loses", [False, True], ids=["reader", "twin: trims"])
async def test_a_number_with_spaces_around_it_keeps_no_later_order_out(tmp_path: Path, *, loses: bool) -> None:
    """Whoever goes on behind the number without its spaces finds the same order again, and nothing behind it."""
    made = Served(tmp_path / "inventiv.db", "ACME01", ("7", "8"), ITEMS)
    numbers = ["SO-1", "SO-1 ", "SO-2", "SO-3 "]
    for number in numbers:
        made.put(number, 1, NOW)
    with SqlServer(str(made.path), certified=certified(), types=TYPES) as made.server:
        place, allowed = place_of(made)
        async with reading.connection_to(place, allowed) as (connection, run):
            opened = (Trimming if loses else reading.Reader)(place, connection, run, 1)
            found = [one async for page in opened.pages("") for one in page.orders]
            again = await opened.order("SO-3")
            together = reading.Reader(place, connection, run, 9)
            told = {one.order_no: one for page in [one async for one in together.pages("")] for one in page.orders}
    # Two that differ in a space are two, and one of them must not take the place of the other.
    assert ({name for name, one in told.items() if one.order is None}, len(told)) == ({"SO-1"}, 3)
    assert "but for spaces" in told["SO-1"].problem
    assert ([one.order_no for one in found] == ["SO-1", "SO-1", "SO-2", "SO-3"]) is not loses
    assert loses or all(one.order is not None and not one.problem for one in found)
    assert [one.order_no for one in again] == ["SO-3"]


async def test_a_clock_that_runs_ahead_hides_nothing(inventiv: Inventiv) -> None:
    inventiv.put("SO-1", 1, NOW, modified_at="9999-01-01 00:00:00")
    place, allowed = place_of(inventiv)
    _, upto = await read_all(place, allowed)
    assert upto[1:] < "9000"
    (later,) = inventiv.arrive(1, datetime.now(UTC))
    assert later in {one.order_no for one in (await read_all(place, allowed, upto))[0]}


def test_positions_sort_as_their_columns_do() -> None:
    instants = [NOW + timedelta(microseconds=n * 999) for n in range(5)]
    assert sorted(positions.position_of(one) or "" for one in instants) == [
        positions.position_of(one) for one in instants
    ]
    assert positions.since(positions.position_of(NOW) or "") == NOW - positions.OVERLAP
    assert positions.since("") is None
    assert [positions.position_of(odd) for odd in (None, True, -1, 1.5, b"12", "yesterday", "2026-13-01 00:00:00")] == [
        None
    ] * 7
    versions = [positions.position_of(n.to_bytes(8, "big")) for n in (9, 300, 70_000)]
    assert versions == sorted(versions, key=str)
    assert positions.since(versions[-1] or "") == (60_000).to_bytes(8, "big")


async def test_it_is_opened_for_reading_only_and_only_below_its_folder(file: Inventiv, tmp_path: Path) -> None:
    place, allowed = place_of(file)
    async with reading.connection_to(place, allowed) as (connection, run):
        with pytest.raises(Broken, match="rights_missing"):
            await run(lambda: connection.exec_driver_sql("DELETE FROM order_header"))
    with pytest.raises(Broken, match="no database of orders in this installation"):
        await probe(place, Allowed())
    with pytest.raises(Broken):
        replace(place, database="../inventiv.db")
    (tmp_path / "below").mkdir()
    (tmp_path / "below" / "link.db").symlink_to(file.path)
    with pytest.raises(Broken, match="outside of the folder"):
        await probe(replace(place, database="link.db"), Allowed(sqlite_folder=tmp_path / "below"))


async def test_a_look_says_what_is_missing(inventiv: Inventiv) -> None:
    place, allowed = place_of(inventiv)
    inventiv.arrive(2, NOW)
    found = await probe(place, allowed)
    assert (found.missing, found.orders) == ((), 2)
    assert "ship_to_country" in found.notes[0]
    renamed = replace(place, columns={"order_no": "orderno"})
    assert (await probe(renamed, allowed)).missing == ("order_no",)
    with pytest.raises(Broken, match="has no order_no"):
        await read_all(renamed, allowed)
    with pytest.raises(Broken, match="view_missing"):
        await probe(replace(place, view="elsewhere"), allowed)


@pytest.mark.parametrize(
    "change",
    [{"view": "a b"}, {"view": "a;drop"}, {"back": "x'--"}, {"columns": {"order_no": 'a"b'}}, {"columns": {"x": "y"}},
     {"cust_id": "a b"}, {"database": "/etc/passwd"}, {"cursor": "order_no"}],
)  # fmt: skip
def test_names_are_plain(file: Inventiv, change: dict[str, Any]) -> None:
    with pytest.raises(Broken):
        replace(place_of(file)[0], **change)


@pytest.mark.parametrize(
    "change",
    [{"host": "a b"}, {"host": "-oX"}, {"host": "a..b"}, {"user": "x' "}, {"port": 22}, {"secret": Secret("a\nb")}],
)  # fmt: skip
def test_addresses_are_plain(change: dict[str, Any]) -> None:
    place = DatabasePlace(Engine.POSTGRESQL, "orders", "ACME01", host="db.example", user="reader", secret=Secret("x"))
    with pytest.raises(Broken):
        replace(place, **change)


def test_what_a_driver_says_stays_with_it() -> None:
    assert "secret" not in str(meaning(RuntimeError("the secret is out")))
    # An authority that took another key and kept its name.
    assert meaning(RuntimeError("connection to h failed: SSL error: provider signature failure")).code == "certificate"


@pytest.mark.postgres
async def test_postgres_is_read_as_of_one_instant_and_answered(postgres_server: str) -> None:
    server = urlsplit(postgres_server)
    place = DatabasePlace(
        Engine.POSTGRESQL, (server.path.strip("/") or "postgres"), "ACME01", host=server.hostname or "127.0.0.1",
        port=server.port or 5432, user=server.username or "postgres", secret=Secret(server.password or ""),
        view="inv.v_orders", back="inv.answers", back_inserts=True, tls=Tls.NONE,
    )  # fmt: skip
    allowed = Allowed(Reach(here=True))
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS inv CASCADE; CREATE SCHEMA inv")
        admin.execute(
            "CREATE TABLE inv.v_orders (cust_id text, order_no text, revision int, status char(10), order_date date,"
            " cust_no text, line_no int, item_no text, qty numeric(12,3), unit_price numeric(12,4), modified_at timestamptz)"
        )
        admin.execute(
            "CREATE TABLE inv.answers (cust_id text, order_no text, revision int, sync_status text, sync_id text,"
            " sync_number text, sync_error text, synced_at timestamptz, PRIMARY KEY (cust_id, order_no, revision))"
        )
        for line, day in ((2, NOW), (1, NOW - timedelta(days=9))):
            admin.execute(
                "INSERT INTO inv.v_orders VALUES ('ACME01','SO-1',1,'READY',%s,'7',%s,'CAP-1',2.500,19.95,%s)",
                (date(2026, 11, 20), line, day),
            )
        try:
            ((found,), upto) = await read_all(place, allowed)
            assert [line.line_no for line in found.order.lines] == ["1", "2"] if found.order else False
            assert upto == found.position
            assert len((await read_all(place, allowed, upto))[0][0].order.lines) == 2  # type: ignore[union-attr]
            async with reading.connection_to(place, allowed) as (connection, run):
                with pytest.raises(Broken, match="rights_missing"):
                    await run(lambda: connection.exec_driver_sql("DELETE FROM inv.v_orders"))
            answers = [Answer("ACME01", "SO-1", 1, "SENT", "145", "SO-1")]
            twice = await asyncio.gather(*(write_back(place, allowed, answers, NOW) for _ in range(2)))
            assert twice == [1, 1]
            assert admin.execute("SELECT sync_id, synced_at FROM inv.answers").fetchall() == [("145", NOW)]
            with pytest.raises(Broken, match="no encryption"):
                await probe(replace(place, tls=Tls.VERIFIED), allowed)
            with pytest.raises(Broken, match="private network"):
                await probe(place, Allowed())
        finally:
            admin.execute("DROP SCHEMA inv CASCADE")


async def test_a_server_that_is_not_there_is_tried_again() -> None:
    allowed = Allowed(Reach(here=True))
    with socket.socket() as held:
        # Nobody else can listen at a port that is held, and nobody does.
        held.bind(("127.0.0.1", 0))
        port = held.getsockname()[1]
        for engine, tls in ((Engine.SQL_SERVER, Tls.VERIFIED), (Engine.POSTGRESQL, Tls.VERIFIED)):
            place = DatabasePlace(engine, "orders", "ACME01", host="127.0.0.1", port=port, user="reader", tls=tls)
            with pytest.raises(Retry, match="database_unreachable"):
                await probe(place, allowed)
