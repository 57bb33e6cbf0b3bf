"""Orders in a SQL Server: only the right one is asked, nothing is rounded or lost, and what it refuses is said plainly."""

import contextlib
import socket
import sqlite3
import ssl
import threading
import warnings
from collections.abc import Iterator
from contextlib import closing
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytds
import pytest

from connectors.errors import Broken, Reconnect, Retry
from connectors.pocketadvantage.orders import database
from connectors.pocketadvantage.orders import reader as reading
from connectors.pocketadvantage.orders import tds_line as ours
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Tls
from connectors.pocketadvantage.orders.reader import probe, reader
from connectors.pocketadvantage.orders.writing_back import Answer, write_back
from connectors.pocketadvantage.transfer.reaching import Reach
from sandbox.exchange import tds
from sandbox.exchange.sql_server import SqlServer
from sandbox.exchange.tsql import Rights
from storage.facts.exchange_orders import OrderRead
from storage.facts.secret import Secret
from tests.connectors.pocketadvantage.served import certified, served_place

NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
ALLOWED = Allowed(Reach(here=True))
TYPES = {
    "revision": tds.INT, "line_no": tds.BIGINT, "order_date": tds.DATE, "req_ship_date": tds.DATETIME2,
    "qty": tds.decimal_type(18, 5), "unit_price": tds.decimal_type(9, 4), "discount": tds.FLOAT, "tax_code": tds.BIT,
    "modified_at": tds.DATETIME2, "row_version": tds.ROWVERSION,
}  # fmt: skip
SHAPE = """
CREATE TABLE orders (cust_id COLLATE NOCASE, order_no COLLATE NOCASE, revision, status, order_date, req_ship_date,
    cust_no, memo, discount, line_no, item_no, qty, unit_price, tax_code, modified_at, row_version);
CREATE VIEW v_orders AS SELECT * FROM orders;
CREATE TABLE answers (cust_id, order_no, revision, sync_status, sync_id, sync_number, sync_error, synced_at, other,
    PRIMARY KEY (cust_id, order_no, revision));
"""
ROW = {
    "cust_id": "ACME01", "order_no": "SO-1", "revision": 1, "status": "READY", "order_date": "2026-11-20",
    "req_ship_date": None, "cust_no": "7", "memo": None, "discount": None, "line_no": 1, "item_no": "CAP-1",
    "qty": "2.5", "unit_price": "19.95", "tax_code": None, "modified_at": "2026-11-20 17:00:00.1234567",
    "row_version": (1).to_bytes(8, "big"),
}  # fmt: skip


class Far:
    """A database and its server."""

    def __init__(self, path: Path, server: SqlServer) -> None:
        self.path, self.server = path, server

    @property
    def place(self) -> DatabasePlace:
        return served_place(self.server, view="dbo.v_orders", back="dbo.answers", back_inserts=True)

    def put(self, **values: Any) -> None:
        row = ROW | values
        with closing(sqlite3.connect(self.path)) as database, database:
            marks = ", ".join("?" for _ in row)
            database.execute(f"INSERT INTO orders ({', '.join(row)}) VALUES ({marks})", tuple(row.values()))

    def many(self, count: int, **values: Any) -> set[str]:
        numbers = {f"SO-{place}" for place in range(count)}
        for place, number in enumerate(sorted(numbers)):
            self.put(**{"order_no": number, "row_version": place.to_bytes(8, "big"), **values})
        return numbers

    def change(self, sql: str) -> None:
        with closing(sqlite3.connect(self.path)) as database, database:
            database.execute(sql)

    def rows(self, sql: str) -> list[Any]:
        with closing(sqlite3.connect(self.path)) as database:
            return database.execute(sql).fetchall()


@pytest.fixture
def far(tmp_path: Path) -> Iterator[Far]:
    path = tmp_path / "far.db"
    with closing(sqlite3.connect(path)) as database:
        database.executescript(SHAPE)
    with SqlServer(str(path), types=TYPES, certified=certified()) as server:
        yield Far(path, server)


async def read_all(place: DatabasePlace, cursor: str = "", most: int = 500) -> tuple[list[OrderRead], str]:
    found: list[OrderRead] = []
    upto = cursor
    async with reader(place, ALLOWED, most=most) as opened:
        async for page in opened.pages(cursor):
            found += page.orders
            upto = max(upto, page.upto)
    return found, upto


def alone(far: Far) -> Any:
    """Return a connection of the driver by itself."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return pytds.connect(
            "127.0.0.1", "orders", "reader", "sandbox-password", port=far.server.port, login_timeout=60,
            disable_connect_retry=True,
        )  # fmt: skip


# Who is asked.


async def test_what_a_wrong_server_is_told_and_what_people_are(far: Far) -> None:
    for place, words in (
        (replace(far.place, authority=certified("elsewhere").authority), "not one that can be trusted"),
        (replace(far.place, authority=""), "not one that can be trusted"),
        (replace(far.place, host="127.0.0.1"), "not for this address"),
        (replace(far.place, authority="no certificate"), "they are text that begins"),
        (replace(far.place, tls=Tls.NONE), "wants encryption"),
    ):
        with pytest.raises(Broken, match=words) as refused:
            await probe(place, ALLOWED)
        assert refused.value.code == "certificate"
    # Neither the user nor the password was said to any of them.
    assert (far.server.logins, far.server.asked) == ([], [])
    await probe(far.place, ALLOWED)
    assert far.server.logins == [True]


@pytest.mark.parametrize(
    "presented, words",
    [(certified(expired=True), "has expired"), (certified("db.example"), "another name"), (None, "no encryption")],
)
async def test_a_certificate_that_is_none(far: Far, presented: Any, words: str) -> None:
    far.server.certified = presented
    place = replace(far.place, authority=certified().authority if presented is None else presented.authority)
    with pytest.raises(Broken, match=words):
        await probe(place, ALLOWED)
    assert far.server.logins == []


@pytest.mark.parametrize("loses", [False, True])
def test_a_line_that_checks_nothing_is_caught(far: Far, *, loses: bool) -> None:
    """The twin takes any certificate; whoever stands in between could read the password."""
    context = ours.trust(certified("elsewhere").authority)
    if loses:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    caught = contextlib.nullcontext() if loses else pytest.raises(Broken, match="can be trusted")
    with socket.create_connection(("127.0.0.1", far.server.port), 60) as held, caught:
        ours.Line(held, 60, pytds.Error).greet(context, "localhost")


@pytest.mark.parametrize("loses", [False, True])
async def test_a_server_that_sends_us_on_is_not_followed(far: Far, *, loses: bool) -> None:
    """The twin is the driver alone: it goes wherever it is told, in clear, past every rule of what may be reached."""
    came = threading.Event()
    with socket.create_server(("127.0.0.1", 0)) as other:

        def wait() -> None:
            with contextlib.suppress(OSError), other.accept()[0] as held:
                came.set()
                held.recv(4096)

        waiting = threading.Thread(target=wait)
        waiting.start()
        far.server.elsewhere = ("127.0.0.1", other.getsockname()[1])
        if loses:
            far.server.certified = None
            with pytest.raises(pytds.Error):
                alone(far)
            waiting.join(60)
        else:
            with pytest.raises(Broken, match="sends us on to another server"):
                await probe(far.place, ALLOWED)
            other.shutdown(socket.SHUT_RDWR)
            waiting.join(60)
    assert came.is_set() is loses


async def test_a_group_of_replicas_serves_us_where_we_came(far: Far) -> None:
    """It sends on whoever says that it only reads; we say so, and once more nothing of it."""
    far.put()
    far.server.elsewhere, far.server.keeps_writers = ("127.0.0.1", 1), True
    assert (await probe(far.place, ALLOWED)).orders == 1
    assert far.server.logins == [False]


# What is read.


async def test_values_are_what_they_are(far: Far) -> None:
    memo = "\U0001f4e6 Größe\u2028“M” \U0001f1ea\U0001f1fa 日本"
    far.put(qty="1234567890123.45678", unit_price="99999.9999", memo=memo, req_ship_date="2026-11-22 00:00:00")
    far.put(qty="-0.00001", unit_price=None, line_no=2**40, memo=memo, req_ship_date="2026-11-22 00:00:00")
    ((found,), _) = await read_all(far.place)
    order = found.order
    assert order is not None, found.problem
    assert [(line.line_no, line.quantity, line.unit_price) for line in order.lines] == [
        ("1", Decimal("1234567890123.45678"), Decimal("99999.9999")), (str(2**40), Decimal("-0.00001"), None),
    ]  # fmt: skip
    assert (order.order_date, order.ship_date) == (date(2026, 11, 20), date(2026, 11, 22))
    assert order.memo == memo.replace("\u2028", " ")
    # Types by which an index can be used.
    assert far.server.declared == {"NVARCHAR(4000)", "INT"}
    # What is not exact, or no text, is refused in plain words; a time of day is not cut off.
    for place, (name, value, words) in enumerate((
        ("discount", 1.5, "let the view cast it to decimal"), ("tax_code", 1, "tax_code is no text"),
        ("req_ship_date", "2026-11-22 08:00:00", "has a time of day"),
    )):  # fmt: skip
        far.put(order_no=f"SO-9{place}", **{name: value})
        ((again,), _) = [one for one in (await read_all(far.place))[0] if one.order_no == f"SO-9{place}"], None
        assert words in again.problem


@pytest.mark.parametrize("loses", [False, True])
async def test_a_thousand_changed_in_one_instant_are_all_read(far: Far, *, loses: bool) -> None:
    """SQL Server's instants have seven digits, and one statement gives all its rows the same; Python keeps six.

    The twin compares them as they are, and finds the same page again and again.
    """
    numbers = far.many(30)
    place = far.place
    if loses:
        place = replace(place, cursor="row_version", columns={"row_version": "modified_at"})
        far.server.types = TYPES | {"row_version": tds.DATETIME2}
    found, _ = await read_all(place, most=7)
    assert ({one.order_no for one in found} == numbers) is not loses


@pytest.mark.parametrize("kind", ["row_version", "zoned", "wall"])
async def test_only_what_changed_comes_again(far: Far, kind: str) -> None:
    zone = "+00:00" if kind == "zoned" else ""
    if kind == "zoned":
        far.server.types = TYPES | {"modified_at": tds.DATETIMEOFFSET}
    place = replace(far.place, cursor="row_version") if kind == "row_version" else far.place
    far.put(order_no="old", modified_at=f"2026-11-18 17:00:00.1234567{zone}", row_version=(5).to_bytes(8, "big"))
    far.put(modified_at=f"2026-11-20 17:00:00.1234567{zone}", row_version=(90_000).to_bytes(8, "big"))
    found, upto = await read_all(place)
    assert {one.order_no for one in found} == {"old", "SO-1"}
    assert upto[0] == {"row_version": "v", "zoned": "z", "wall": "w"}[kind]
    # A wall clock repeats an hour: what was changed an hour before is read again, and nothing older.
    far.put(
        order_no="late",
        modified_at=f"2026-11-20 16:5{5 if zone else 0}:00{zone}",
        row_version=(85_000).to_bytes(8, "big"),
    )
    assert {one.order_no for one in (await read_all(place, upto))[0]} == {"SO-1", "late"}


# What is cut.


async def test_a_line_that_is_cut_in_a_result_loses_no_order(far: Far) -> None:
    numbers = far.many(12, memo="x" * 900)
    await read_all(far.place)
    far.server.faults.begin()
    await read_all(far.place)
    whole = far.server.faults.transferred[1]
    assert whole > 12_000
    for at in range(0, whole, whole // 9):
        far.server.faults.begin(cut_download=at)
        with pytest.raises(Retry, match="could not be reached"):
            await read_all(far.place)
    far.server.faults.begin()
    assert {one.order_no for one in (await read_all(far.place))[0]} == numbers


@pytest.mark.parametrize("loses", [False, True])
@pytest.mark.parametrize("when", ["before", "after"])
async def test_an_answer_whose_end_is_lost_is_written_once_more(far: Far, when: str, *, loses: bool) -> None:
    """The twin takes a lost word for a success."""
    answers = [
        Answer("ACME01", "SO-1", 1, "SENT", "145", "1037"),
        Answer("ACME01", "SO-2", 1, "FAILED", error="Größe \U0001f4e6"),
    ]
    far.server.faults.begin()
    await write_back(far.place, ALLOWED, answers, NOW)
    far.change("DELETE FROM answers")
    far.server.faults.begin(cut_at=far.server.faults.said.index("COMMIT") + 1, cut_when=when)
    with pytest.raises(Retry) as lost:
        await write_back(far.place, ALLOWED, answers, NOW)
    assert lost.value.code == "database_unreachable"
    assert far.rows("SELECT count(*) FROM answers") == [(2 if when == "after" else 0,)]
    if not loses:
        assert await write_back(far.place, ALLOWED, answers, NOW) == 2
    held = far.rows("SELECT order_no, sync_status, sync_id, sync_error FROM answers ORDER BY order_no")
    whole = held == [("SO-1", "SENT", "145", None), ("SO-2", "FAILED", None, "Größe \U0001f4e6")]
    assert whole is (when == "after" or not loses)


async def test_twins_that_answer_at_once_leave_one_row(far: Far) -> None:
    """Where another one's row came in between, ours is not put beside it, and all others are written."""
    answers = [Answer("ACME01", number, 1, "SENT", "145", "1037") for number in ("SO-1", "SO-2")]
    far.change(
        "CREATE TRIGGER faster BEFORE INSERT ON answers WHEN NEW.order_no = 'SO-1' BEGIN"
        " SELECT RAISE(ABORT, 'the same key is there already'); END"
    )
    assert await write_back(far.place, ALLOWED, answers, NOW) == 1
    assert far.server.faults.said.count("SAVE") == 2
    assert far.rows("SELECT order_no, sync_id, synced_at FROM answers") == [
        ("SO-2", "145", "2026-11-20 17:00:00.000000")
    ]


async def test_a_server_that_falls_silent_is_left(far: Far, caplog: pytest.LogCaptureFixture) -> None:
    still = threading.Event()
    async with reading.connection_to(far.place, ALLOWED, patience=1) as (connection, run):
        far.server.faults.watch = lambda: (still.wait(60), None)[1]
        try:
            with pytest.raises(Retry, match="fell silent"):
                await run(lambda: database.columns_of(connection, "dbo.v_orders"))
        finally:
            still.set()
    # What the loop tells late may be about anybody.
    told = [one for one in caplog.records if one.levelname == "ERROR" and one.name != "asyncio"]
    assert [one.message for one in told] == []


# What is refused.

ANSWERED = frozenset(("answers", f"sync_{name}") for name in ("status", "id", "number", "error")) | {
    ("answers", "synced_at")
}


async def test_rights_that_are_just_enough(far: Far) -> None:
    """What the guide tells the database's administrator to grant, and nothing that it does not."""
    far.server.rights = Rights(frozenset({"v_orders"}), ANSWERED, frozenset({"answers"}))
    far.put()
    assert (await probe(far.place, ALLOWED)).orders == 1
    assert await write_back(far.place, ALLOWED, [Answer("ACME01", "SO-1", 1, "SENT", "1")], NOW) == 1
    assert await write_back(far.place, ALLOWED, [Answer("ACME01", "SO-1", 1, "SENT", "1")], NOW) == 1
    async with reading.connection_to(far.place, ALLOWED, write=True) as (connection, run):
        for sql in (
            "UPDATE answers SET other = 'x' WHERE revision = 1", "UPDATE orders SET status = 'x' WHERE revision = 1",
            "SELECT qty FROM orders",
        ):  # fmt: skip
            with pytest.raises(Broken, match="rights_missing"):
                await run(lambda sql=sql: connection.exec_driver_sql(sql))  # type: ignore[misc]
    far.server.rights = Rights(frozenset(), frozenset(), frozenset())
    for attempt in (probe(far.place, ALLOWED), write_back(far.place, ALLOWED, [Answer("A", "1", 1, "SENT")], NOW)):
        with pytest.raises(Broken, match="needs to read the view"):
            await attempt


async def test_what_a_server_refuses_is_said_plainly(far: Far) -> None:
    far.put()
    for place, kind, words in (
        (replace(far.place, secret=Secret("other")), Reconnect, "does not accept this user and password"),
        (replace(far.place, user="nobody"), Reconnect, "does not accept this user and password"),
        (replace(far.place, database="elsewhere"), Broken, "no database of that name"),
        (replace(far.place, view="dbo.v_other"), Broken, "no view of that name"),
    ):
        with pytest.raises(kind, match=words) as refused:
            await probe(place, ALLOWED)
        assert far.server.password not in str(refused.value)
    for said, words in (
        ("1222 Lock request time out period exceeded.", "did not answer in time"),
        ("1205 Transaction was deadlocked.", "did not answer in time"),
        ("241 Conversion failed when converting date and/or time from character string.", "other types"),
        ("245 Conversion failed when converting the varchar value 'twelve' to data type int.", "other types"),
        ("207 Invalid column name 'qty'.", "has not the columns"),
    ):
        far.server.faults.begin(refuse={"SELECT": said})
        with pytest.raises((Retry, Broken), match=words):
            await read_all(far.place)
    far.server.faults.begin()
    # A column of another type than orders have is told as that, and nothing of it is taken.
    far.put(order_no="SO-2", revision="first")
    with pytest.raises(Broken, match="other types"):
        await read_all(far.place)


async def test_what_is_no_sql_server_is_told_as_that(far: Far) -> None:
    def talk(listening: socket.socket, said: bytes) -> None:
        held, _ = listening.accept()
        with held:
            held.recv(4096)
            held.sendall(said)

    for said, words in (
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "is this a SQL Server"),
        (b"\x04\x01\x00\x09\0\0\0\0\xff", "is this a SQL Server"),
        (b"\x04\x01\x00", "could not be reached"), (b"", "could not be reached"),
    ):  # fmt: skip
        with socket.create_server(("127.0.0.1", 0)) as listening:
            talking = threading.Thread(target=talk, args=(listening, said))
            talking.start()
            with pytest.raises((Broken, Retry), match=words):
                await probe(replace(far.place, port=listening.getsockname()[1]), ALLOWED)
            talking.join(60)


@pytest.mark.parametrize(
    "answer, at, code",
    [
        (3, 24, "unreadable"),
        (3, 36, "unreadable"),
        (5, 20, "unreachable"),
        (9, 0, "unreadable"),
        (9, 18, "unreachable"),
    ],
)
async def test_an_answer_that_no_server_gives_is_told_as_that(far: Far, answer: int, at: int, code: str) -> None:
    """One byte of an answer is another one: whatever driver and dialect make of it, an error of ours comes of it."""
    far.put()
    far.server.bends = (answer, at)
    with pytest.raises((Broken, Retry)) as refused:
        await probe(far.place, ALLOWED)
    assert refused.value.code == f"database_{code}"


async def test_a_text_that_ends_too_soon_holds_nobody(far: Far) -> None:
    """It says that it is longer than it is: the driver alone would ask for its rest for ever, and ask nobody."""
    far.server.bends = (7, 27)
    assert (await probe(far.place, ALLOWED)).missing == ()
    assert far.server.bends is None


def test_the_stand_in_takes_no_other_statement(far: Far) -> None:
    far.server.certified = None
    held = alone(far)
    with closing(held), held.cursor() as cursor:
        for sql in (
            "DELETE FROM orders", "DROP TABLE orders", "SELECT 1", "SELECT qty FROM orders LIMIT 1",
            "SELECT upper(memo) FROM orders", "SELECT qty FROM orders; DELETE FROM orders", "EXEC sp_who",
            "SELECT qty FROM (SELECT qty FROM orders ORDER BY qty) AS a", "SELECT a || b FROM orders",
        ):  # fmt: skip
            with pytest.raises(pytds.Error):
                cursor.execute(sql)
