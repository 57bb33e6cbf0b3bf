"""A view that holds whatever a database can hold: one such row keeps no other, and no reading is held for ever."""

import asyncio
import contextlib
import os
import socket
import struct
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from decimal import Decimal
from functools import partial
from pathlib import Path
from types import SimpleNamespace
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
from psycopg.types.datetime import DateLoader, TimestampLoader, TimestamptzLoader

from connectors.errors import Broken, Retry
from connectors.pocketadvantage.orders import positions, postgres
from connectors.pocketadvantage.orders.database import Connection
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine, Tls
from connectors.pocketadvantage.orders.reader import Reader, Run, connection_to, reader
from connectors.pocketadvantage.orders.values import Row, ValueRefused
from connectors.pocketadvantage.transfer.reaching import Reach
from sandbox.exchange.inventiv import Inventiv
from storage.facts.secret import Secret
from tests.connectors.pocketadvantage.test_orders_read import ITEMS, NOW, place_of

HERE = Allowed(Reach(here=True))
GOOD = {"cust_id": "ACME01", "order_no": "GOOD", "revision": 1, "status": "READY", "order_date": "2026-11-20",
        "cust_no": "7", "line_no": 1, "item_no": "CAP-1", "qty": "2.5", "modified_at": "2026-11-20 17:00Z"}  # fmt: skip
#: order number -> what is odd about it, and what is said then; None: nothing is wrong
ODD: dict[str, tuple[dict[str, Any], str | None]] = {
    "GOOD": ({}, None),
    "infinite": ({"order_date": "infinity"}, "order_date is no date such as 2026-11-23"),
    "year 20000": ({"order_date": "20000-01-01"}, "order_date is no date such as 2026-11-23"),
    "44 BC": ({"order_date": "0044-03-15 BC"}, "order_date is no date such as 2026-11-23"),
    "never changed": ({"modified_at": "-infinity"}, "modified_at does not say when it was changed"),
    "always changed": ({"modified_at": "infinity"}, "modified_at does not say when it was changed"),
    "year 1": ({"modified_at": "0001-01-01 00:00Z"}, None),
    "no number": ({"qty": "NaN"}, "line 1: qty is no number"),
    "many digits": ({"qty": "1e100000"}, "line 1: qty is too large"),
    "long": ({"memo": "x" * 3_000_000}, "memo has more than 4000 characters"),
    "padded": ({"memo": "kept" + " " * 9_000}, None),
}


def _place(url: str, **more: Any) -> DatabasePlace:
    server = urlsplit(url)
    return DatabasePlace(
        Engine.POSTGRESQL, (server.path.strip("/") or "postgres"), "ACME01", host=server.hostname or "127.0.0.1",
        port=server.port or 5432, user=server.username or "postgres", secret=Secret(server.password or ""),
        view="odd.v_orders", tls=Tls.NONE, **more,
    )  # fmt: skip


def _unprepare(connection: Connection) -> None:
    """Let the driver read days as it does by itself."""
    driver: Any = connection.connection.driver_connection
    for name, loader in (("date", DateLoader), ("timestamp", TimestampLoader), ("timestamptz", TimestamptzLoader)):
        driver.adapters.register_loader(name, loader)


@pytest.mark.postgres
@pytest.mark.parametrize("loses", [False, True])
async def test_odd_rows_keep_no_other(
    postgres_server: str,
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    with psycopg.connect(postgres_server, autocommit=True) as admin:
        admin.execute("DROP SCHEMA IF EXISTS odd CASCADE; CREATE SCHEMA odd")
        admin.execute(
            "CREATE TABLE odd.v_orders (cust_id text, order_no text, revision numeric, status char(10), order_date date,"
            " cust_no varchar, line_no int, item_no text, qty numeric, memo text, modified_at timestamptz)"
        )
        for number, (change, _) in ODD.items():
            values = GOOD | {"order_no": number} | change
            names, marks = ", ".join(values), ", ".join(["%s"] * len(values))
            admin.execute(f"INSERT INTO odd.v_orders ({names}) VALUES ({marks})", list(values.values()))
        admin.execute(
            "INSERT INTO odd.v_orders SELECT cust_id, 'huge', 1e40, status, order_date FROM odd.v_orders LIMIT 1"
        )
        try:
            place = _place(postgres_server)
            found: dict[str, Any] = {}
            async with connection_to(place, HERE) as (connection, run):
                if loses:
                    await run(lambda: _unprepare(connection))
                # Two a page: each page goes on behind whatever ended the one before.
                opened = Reader(place, connection, run, 2)
                with pytest.raises(Retry, match="could not be reached") if loses else contextlib.nullcontext():
                    async for page in opened.pages(""):
                        found |= {one.order_no: one for one in page.orders}
            if loses:
                assert "year 20000" not in found
                return
            huge = next(name for name in found if name.startswith("unnamed"))
            assert found.pop(huge).problem == "revision is no whole number from 0 to 999999999"
            assert {name: one.problem for name, one in found.items()} == {
                name: why or "" for name, (_, why) in ODD.items()
            }
            assert found["padded"].order.memo == "kept"
        finally:
            admin.execute("DROP SCHEMA odd CASCADE")


def test_numbers_and_days_at_the_ends_of_what_there_is() -> None:
    for number in (Decimal("1E+40"), Decimal("1E+999999"), Decimal(-1), Decimal("1.5"), Decimal("NaN")):
        with pytest.raises(ValueRefused, match="no whole number"):
            Row({"revision": number}).whole("revision")
    assert Row({"revision": Decimal("3.000")}).whole("revision") == 3
    for first in (datetime(1, 1, 1, tzinfo=UTC), datetime(1, 1, 1), "0001-01-01 00:00:00"):  # noqa: DTZ001 - of a view
        position = positions.position_of(first)
        assert position is not None
        later = positions.position_of(
            first.replace(year=2026) if isinstance(first, datetime) else "2026-11-20 17:00:00"
        )
        assert later is not None
        assert position < later, "what is kept sorts as days do"
        assert positions.since(position) is None, "the calendar begins there: everything is read"
        assert positions.since(later) is not None


async def test_a_page_ends_where_memory_would(tmp_path: Path) -> None:
    """Each order whole and none left out, however few fit."""
    inventiv = Inventiv(tmp_path / "inventiv.db", "ACME01", ("7", "8"), ITEMS)
    numbers = inventiv.arrive(5, NOW, memo="x" * 4000)
    place, allowed = place_of(inventiv)
    pages = []
    async with reader(place, allowed, signs=1) as opened:
        async for page in opened.pages(""):
            pages.append([one.order_no for one in page.orders])
            assert all(one.order is not None for one in page.orders)
    assert [page for page in pages if page] == [[number] for number in numbers]


@contextlib.contextmanager
def silent(said: bytes = b"") -> Iterator[tuple[int, threading.Event]]:
    """A Postgres that lets in whoever comes, and says nothing to what is asked then, or only that."""
    asked = threading.Event()
    held: list[socket.socket] = []
    ready = b"R" + struct.pack(">ii", 8, 0) + b"S" + struct.pack(">i", 25) + b"client_encoding\0UTF8\0"
    ready += b"Z" + struct.pack(">i", 5) + b"I"

    def serve() -> None:
        with contextlib.suppress(OSError):
            while True:
                line, _ = listening.accept()
                held.append(line)
                line.recv(4096)
                line.sendall(ready)
                if line.recv(4096):
                    asked.set()
                    line.sendall(said)

    with socket.create_server(("127.0.0.1", 0)) as listening:
        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        try:
            yield listening.getsockname()[1], asked
        finally:
            for line in held:
                with contextlib.suppress(OSError):
                    line.shutdown(socket.SHUT_RDWR)
                line.close()


class Deaf(Run):
    """A twin that does not keep what ends the connection."""

    def heard(self, breaks: Callable[[], None], received: Callable[[], int]) -> None:
        del breaks, received


@pytest.mark.parametrize("loses", [False, True])
async def test_a_server_that_falls_silent_holds_nobody(
    loses: bool,  # noqa: FBT001 - what the twin does
) -> None:
    async def ask(port: int) -> None:
        place = _place(f"postgresql://reader@127.0.0.1:{port}/orders")
        connected = partial(connection_to, kind=Deaf) if loses else connection_to
        async with connected(place, HERE, patience=0.2):
            raise AssertionError("it said something")

    with silent() as (port, asked):
        task = asyncio.ensure_future(ask(port))
        await asyncio.to_thread(asked.wait, 60)
        done, _ = await asyncio.wait([task], timeout=0.5 if loses else 60)
        assert bool(done) != loses, "the twin would wait for ever"
    with pytest.raises(Retry, match=None if loses else "fell silent"):
        await task


#: an answer of one column that has 4 MB of rows and no end
ROWS = b"T" + struct.pack(">ih", 26, 1) + b"a\0" + struct.pack(">ihihih", 0, 0, 25, -1, -1, 0)
ROWS += (b"D" + struct.pack(">ihi", 1010, 1, 1000) + b"x" * 1000) * 4000


@pytest.mark.parametrize("most, code", [(1_000_000, "database_unreadable"), (256_000_000, "database_unreachable")])
async def test_a_server_that_sends_without_end_fills_no_memory(most: int, code: str) -> None:
    """The driver keeps every row until the last one came. With the larger limit this is but a server that is slow."""
    patience = 60.0 if most < len(ROWS) else 0.5
    with silent(ROWS) as (port, _):
        place = _place(f"postgresql://reader@127.0.0.1:{port}/orders")
        with pytest.raises((Broken, Retry)) as told:
            async with connection_to(place, HERE, patience=patience, kind=partial(Run, most=most)):
                raise AssertionError("it came to an end")
    assert told.value.code == code


@pytest.mark.parametrize("loses", [False, True])
def test_who_gives_up_a_connection_that_is_closed_already_ends_nobody_elses(*, loses: bool) -> None:
    heard: list[Any] = []
    one, other = socket.socketpair()
    with one, other:
        with silent() as (port, _):
            said = f"host=127.0.0.1 port={port} user=reader dbname=orders sslmode=disable gssencmode=disable"
            made = postgres.opening(lambda breaks, _received: heard.append(breaks))(psycopg, None, (said,), {})
        number = made.fileno()
        made.close()
        # Somebody else's connection gets the number that is free again.
        os.dup2(one.fileno(), number)
        try:
            # The twin remembers the number alone.
            postgres._broken(SimpleNamespace(closed=False, fileno=lambda: number)) if loses else heard[0]()
        finally:
            os.close(number)
        other.setblocking(False)
        ended = False
        with contextlib.suppress(BlockingIOError):
            ended = other.recv(1) == b""
        assert ended == loses


def test_a_connection_that_is_closed_while_it_is_looked_at_is_only_gone() -> None:
    """Its own thread closes it between two steps of whoever looks: the driver's error is none that anybody heeds."""
    heard: list[Callable[[], Any]] = []
    with silent() as (port, _):
        said = f"host=127.0.0.1 port={port} user=reader dbname=orders sslmode=disable gssencmode=disable"
        made = postgres.opening(lambda *both: heard.extend(both))(psycopg, None, (said,), {})
    made.close()
    for look in heard:
        look()
    with pytest.raises(psycopg.OperationalError):
        made.fileno()
    # As it stood a moment ago.
    still = SimpleNamespace(closed=False, fileno=made.fileno)
    for step in (postgres._broken, postgres._received):
        with pytest.raises(OSError, match="closed"):
            step(still)
