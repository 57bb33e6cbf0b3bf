"""`tidings watch` as a process of its own beside a Tidings that is frozen: mail within five minutes, and one when it is over.

Minutes pass for the rows of the frozen process alone (its beat is dated back): no process here has a clock of its own.
"""

import asyncio
import contextlib
import os
import signal
import sqlite3
import sys
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from bot.cli.seed import modes
from jobs.watching.troubles import CLOCK_SILENT
from sandbox.mail.sink import MailSink
from sandbox.world import SEED_FILE, Plan, open_sandbox
from storage.facts.expectations import ExpectationKind
from storage.facts.secret import Secret
from storage.migrate import migrate
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, open_database
from storage.tables import ExpectationRow
from tests.waiting import eventually

WATCHER = "watch@tidings.example"
#: with a look each five seconds here (thirty by default) and the time that a mail takes, far below the five minutes
SILENT = CLOCK_SILENT + timedelta(seconds=30)


@contextlib.asynccontextmanager
async def running(variables: dict[str, str], *command: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Run `tidings` until the end of the test."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH")
    environment = {name: os.environ[name] for name in kept if name in os.environ}
    child = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot.cli", *command, env={**environment, **variables},
        stdout=asyncio.subprocess.DEVNULL, stderr=asyncio.subprocess.DEVNULL,
    )  # fmt: skip
    try:
        yield child
    finally:
        if child.returncode is None:
            child.send_signal(signal.SIGCONT)
            child.kill()
        await child.wait()


def beats(database: Database) -> list[ExpectationRow]:
    """Return the beats that are expected of clocks."""

    def read(session: Session) -> list[ExpectationRow]:
        kind = ExpectationRow.kind == ExpectationKind.HEARTBEAT
        return list(session.exec(select(ExpectationRow).where(kind)).all())

    return database.in_read(read)


async def freeze(child: asyncio.subprocess.Process, path: Path) -> None:
    """Stop the process where it holds no lock of the database, so that time can pass for its rows."""
    for _ in range(50):
        child.send_signal(signal.SIGSTOP)
        with contextlib.closing(sqlite3.connect(path, timeout=0.2, isolation_level=None)) as connection:
            try:
                connection.execute("begin immediate")
                connection.execute("rollback")
            except sqlite3.OperationalError:
                child.send_signal(signal.SIGCONT)
                await asyncio.sleep(0.05)
            else:
                return
    raise AssertionError("the process always holds the lock")


def time_passes(database: Database, span: timedelta) -> None:
    """Date back when the next beats are due."""

    def write(session: Session) -> None:
        for row in session.exec(select(ExpectationRow).where(ExpectationRow.kind == ExpectationKind.HEARTBEAT)):
            row.due_at -= span
            session.add(row)

    database.in_write(write)


# Ten seconds of processor time; the rules are tested by rows alone.
if os.environ.get("SOAK"):

    @pytest.mark.timeout(900)
    async def test_a_frozen_process_is_told_by_the_watchers_own_mail_and_its_end_too(tmp_path: Path) -> None:
        key, url = new_key(), f"sqlite:///{tmp_path / 'tidings.db'}"
        database, sink = open_database(url), MailSink()
        migrate(database)
        async with open_sandbox(Plan(size=5)) as sandbox, sink.serve():
            seeding = Seeding(Seal([Secret(key)]), sandbox.clock.now(), modes())
            seed = load_seed(SEED_FILE, sandbox.credentials())
            database.in_write(lambda session: write_seed(session, seed, seeding))
            product = {
                **sandbox.environment(), "DATABASE_URL": url, "WAREHOUSE_URL": str(tmp_path / "lake"),
                "SECRET_KEYS": key, "PORT": "0",
            }  # fmt: skip
            # The watcher has none of the product's secrets, and a mail server of its own.
            watcher = {
                "DATABASE_URL": url, "WATCH_SMTP_URL": sink.smtp_url, "WATCH_MAIL_FROM": "w@tidings.example",
                "WATCH_EMAIL": WATCHER, "WATCH_STATE": str(tmp_path / "watch.json"), "WATCH_SECONDS": "5",
            }  # fmt: skip
            async with running(product, "serve") as served:
                assert await eventually(lambda: bool(beats(database)))
                async with running(watcher, "watch") as watching:
                    await freeze(served, tmp_path / "tidings.db")
                    time_passes(database, SILENT)
                    assert await eventually(lambda: len(sink.to(WATCHER)) == 1)
                    served.send_signal(signal.SIGCONT)
                    assert await eventually(lambda: len(sink.to(WATCHER)) == 2)
                    # Both lived all the time: whoever looks at processes alone (the twin) would have said nothing.
                    assert (watching.returncode, served.returncode) == (None, None)
        database.close()
        trouble, over = (str(mail.subject) for mail in sink.to(WATCHER))
        assert "clock" in trouble.lower()
        assert over.startswith("Over")
