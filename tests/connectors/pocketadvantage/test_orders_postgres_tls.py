"""A PostgreSQL with a certificate: only the right one is asked, and the user can do no more than was granted."""

import contextlib
import socket
import ssl
import struct
import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import psycopg
import pytest

from connectors.errors import Broken, Reconnect, Retry
from connectors.pocketadvantage.orders import database
from connectors.pocketadvantage.orders import reader as reading
from connectors.pocketadvantage.orders.places import Allowed, DatabasePlace, Engine
from connectors.pocketadvantage.orders.reader import probe, reader
from connectors.pocketadvantage.orders.writing_back import Answer, write_back
from connectors.pocketadvantage.transfer.reaching import Reach
from sandbox.exchange.certificates import Certified, certify
from storage.facts.secret import Secret
from tests.connectors.pocketadvantage.served import certified
from tests.databases import HOW_TO_ALLOW
from tests.postgres import PrivatePostgres, find_programs

pytestmark = pytest.mark.postgres
NOW = datetime(2026, 11, 20, 17, tzinfo=UTC)
ALLOWED = Allowed(Reach(here=True))
ANSWERS = [
    Answer("ACME01", "SO-1", 1, "SENT", "145", "1037"),
    Answer("ACME01", "SO-2", 1, "FAILED", error="“No” \U0001f4e6"),
]
SHAPE = """
CREATE SCHEMA inv;
CREATE TABLE inv.orders (cust_id text, order_no text, revision int, status text, order_date date, cust_no text,
    line_no int, item_no text, qty numeric(18,5), unit_price numeric(12,4), modified_at timestamptz);
CREATE VIEW inv.v_orders AS SELECT * FROM inv.orders;
CREATE VIEW inv.v_other AS SELECT cust_id, order_no, order_no AS revision, 1 AS status, order_date, cust_no, line_no, item_no, qty,
    unit_price, modified_at FROM inv.orders;
CREATE VIEW inv.v_less AS SELECT cust_id, order_no, status, modified_at FROM inv.orders;
CREATE VIEW inv.v_slow AS SELECT o.* FROM inv.orders o, pg_sleep(60);
CREATE TABLE inv.answers (cust_id text, order_no text, revision int, sync_status text, sync_id text, sync_number text,
    sync_error text, synced_at timestamptz, other text, PRIMARY KEY (cust_id, order_no, revision));
INSERT INTO inv.orders VALUES ('ACME01', 'SO-1', 1, 'READY', '2026-11-20', '7', 1, 'CAP-1', 2.5, 19.95, '2026-11-20 17:00Z');
CREATE ROLE reader LOGIN PASSWORD 'sandbox-password';
GRANT USAGE ON SCHEMA inv TO reader;
GRANT SELECT ON inv.v_orders, inv.v_other, inv.v_less, inv.v_slow TO reader;
GRANT SELECT (cust_id, order_no, revision), INSERT,
    UPDATE (sync_status, sync_id, sync_number, sync_error, synced_at) ON inv.answers TO reader;
"""


def _place(port: int, authority: str, **more: Any) -> DatabasePlace:
    said = {"host": "localhost", "view": "inv.v_orders", "back": "inv.answers", "back_inserts": True}
    return DatabasePlace(
        Engine.POSTGRESQL, "postgres", "ACME01", port=port, user="reader", secret=Secret("sandbox-password"),
        authority=authority, **{**said, **more},
    )  # fmt: skip


class Presented:
    """A server, and which certificate it shows."""

    def __init__(self, server: PrivatePostgres) -> None:
        self.server = server

    def show(self, one: Certified) -> None:
        """Let every conversation from now on begin with that certificate."""
        self.server.give("server.pem", one.path.read_bytes())
        self.server.reload()
        wanted = ssl.PEM_cert_to_DER_cert(one.path.read_text().partition("-----BEGIN PRIVATE")[0])
        until = time.monotonic() + 60
        while self._shown() != wanted:
            assert time.monotonic() < until
            time.sleep(0.02)

    def _shown(self) -> bytes | None:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with socket.create_connection(("127.0.0.1", self.server.port), 60) as held:
            held.sendall(struct.pack(">II", 8, 80_877_103))
            assert held.recv(1) == b"S"
            with context.wrap_socket(held) as private:
                return private.getpeercert(binary_form=True)

    def place(self, authority: str, **more: Any) -> DatabasePlace:
        return _place(self.server.port, authority, **more)

    def sent(self) -> int:
        """Return how many logins of that user the server ever began."""
        return (self.server.folder / "log").read_text(errors="replace").count("user=reader")


@pytest.fixture(scope="module")
def presented() -> Iterator[Presented]:
    programs = find_programs()
    if programs is None:
        pytest.skip(HOW_TO_ALLOW)
    server = PrivatePostgres(programs, {"ssl": "on", "ssl_cert_file": "../server.pem", "ssl_key_file": "../server.pem",
                                        "log_connections": "on"})  # fmt: skip
    server.give("server.pem", certified().path.read_bytes())
    try:
        server.start()
        with psycopg.connect(server.url, autocommit=True) as admin:
            admin.execute(SHAPE)
        # The administrator still comes in clear; whoever reads orders needs a password, and TLS.
        access = server.folder / "data" / "pg_hba.conf"
        access.write_text("hostssl all reader 127.0.0.1/32 scram-sha-256\nhost all tidings 127.0.0.1/32 trust\n")
        server.reload()
        yield Presented(server)
    finally:
        server.remove()


async def test_only_the_right_server_is_asked(presented: Presented, tmp_path: Path) -> None:
    right, other = certified(), certify("localhost", tmp_path)
    good = presented.place(right.authority)
    assert (await probe(good, ALLOWED)).orders == 1
    # More than one authority, with words around them, is what people paste.
    both = f"Issued by hand\n{other.authority}\n# and\n{right.authority}"
    assert (await probe(replace(good, authority=both), ALLOWED)).orders == 1
    began = presented.sent()
    for place, words in (
        (replace(good, authority=other.authority), "its authority is not known"),  # one of the same name
        (replace(good, authority=""), "its authority is not known"),
        (replace(good, host="127.0.0.1"), "is for another name"),
        (replace(good, authority="no certificate"), "they are text that begins"),
    ):
        with pytest.raises(Broken, match=words) as refused:
            await probe(place, ALLOWED)
        assert refused.value.code == "certificate"
        assert "sandbox-password" not in str(refused.value)
    presented.show(certified(expired=True))
    try:
        with pytest.raises(Broken, match="it has expired"):
            await probe(replace(good, authority=certified(expired=True).authority), ALLOWED)
    finally:
        presented.show(right)
    # None of them was told a user.
    assert presented.sent() == began
    with pytest.raises(Reconnect, match="does not accept this user and password"):
        await probe(replace(good, secret=Secret("other")), ALLOWED)


@pytest.mark.parametrize("loses", [False, True])
async def test_a_server_without_tls_is_told_nothing(*, loses: bool) -> None:
    """The twin prefers TLS, as drivers do by default: it says its user in clear where there is none."""
    heard: list[bytes] = []
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.settimeout(60)
        listener = threading.Thread(target=_overhear, args=(listening, heard))
        listener.start()
        place = _place(listening.getsockname()[1], certified().authority)
        if loses:
            with contextlib.ExitStack() as stack:
                arguments = database._postgres(stack, place, "127.0.0.1", write=False) | {"sslmode": "prefer"}
            with pytest.raises(psycopg.OperationalError):
                psycopg.connect(host="localhost", port=place.port, user="reader", **arguments)
        else:
            with pytest.raises(Broken, match="offers no encryption"):
                await probe(place, ALLOWED)
        listener.join(60)
    assert (b"reader" in b"".join(heard)) is loses


def _overhear(listening: socket.socket, heard: list[bytes]) -> None:
    """Be a server that has no TLS, and listen to what is said then."""
    held, _ = listening.accept()
    with held:
        held.settimeout(60)
        held.recv(8)
        held.sendall(b"N")
        heard.append(held.recv(4096))


def test_what_everybody_trusts_is_a_file_of_this_machine() -> None:
    """The driver's own idea of it is a folder of the machine that it was built on."""
    with contextlib.ExitStack() as stack:
        found = database._authority(stack, _place(5432, ""))
    assert found == (ssl.get_default_verify_paths().cafile or "system")


async def test_a_user_does_what_was_granted_and_no_more(presented: Presented) -> None:
    place = presented.place(certified().authority)
    assert await write_back(place, ALLOWED, ANSWERS, NOW) == 2
    assert await write_back(place, ALLOWED, ANSWERS, NOW) == 2
    with psycopg.connect(presented.server.url) as admin:
        assert admin.execute("SELECT order_no, sync_id, sync_error, synced_at FROM inv.answers ORDER BY 1").fetchall() == [
            ("SO-1", "145", None, NOW), ("SO-2", None, "“No” \U0001f4e6", NOW),
        ]  # fmt: skip
    for write in (False, True):
        async with reading.connection_to(place, ALLOWED, write=write) as (connection, run):
            for sql in (
                "UPDATE inv.answers SET other = 'x'", "DELETE FROM inv.answers", "SELECT other FROM inv.answers",
                "SELECT * FROM inv.orders", "CREATE TABLE inv.mine (a int)", "UPDATE inv.orders SET status = 'x'",
            ):  # fmt: skip
                with pytest.raises(Broken, match="needs to read the view"):
                    await run(lambda sql=sql, held=connection: held.exec_driver_sql(sql))  # type: ignore[misc]
                await run(connection.rollback)
    # What was granted is not written either while orders are read.
    async with reading.connection_to(place, ALLOWED) as (connection, run):
        with pytest.raises(Broken, match="rights_missing"):
            await run(lambda: connection.exec_driver_sql("UPDATE inv.answers SET sync_id = '1' WHERE revision = 1"))


async def test_a_view_of_other_columns_or_types_is_said_plainly(presented: Presented) -> None:
    place = presented.place(certified().authority)
    found = await probe(replace(place, view="inv.v_less"), ALLOWED)
    assert found.missing == ("revision", "order_date", "cust_no", "line_no", "item_no", "qty")
    async with reader(replace(place, view="inv.v_less"), ALLOWED) as opened:
        with pytest.raises(Broken, match="has no revision, order_date, cust_no, line_no, item_no, qty: add them"):
            _ = [page async for page in opened.pages("")]
    with pytest.raises(Broken, match="other types than orders have: cust_id, order_no and status are text"):
        await probe(replace(place, view="inv.v_other"), ALLOWED)


async def test_a_statement_without_end_is_ended_by_the_server(presented: Presented) -> None:
    place = presented.place(certified().authority, view="inv.v_slow")
    async with reading.connection_to(place, ALLOWED) as (connection, run):
        limits = await run(lambda: connection.exec_driver_sql("SHOW statement_timeout").scalar())
        assert limits == f"{database.STATEMENT // 60}min"
        await run(lambda: connection.exec_driver_sql("SET statement_timeout = 50"))
        with pytest.raises(Retry, match="did not answer in time"):
            await run(lambda: connection.exec_driver_sql("SELECT * FROM inv.v_slow"))
