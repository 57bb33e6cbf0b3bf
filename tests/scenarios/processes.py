"""Tidings as several processes on one Postgres: a web process and workers, as the Procfile starts them."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from bot.cli.seed import modes
from bot.web import SLACK_PATH
from sandbox.world import SEED_FILE, Plan, Sandbox, open_sandbox
from storage.facts.secret import Secret
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database

#: As `tidings serve`, but quicker to hold a silent process for dead, so that the test need not wait half a minute.
PROGRAM = """
import asyncio
from datetime import timedelta
from bot.logs import configure_logging
from bot.main import Options, build_app, serve
from jobs.build import Tuning
from jobs.engine import Timings
from storage.settings import load_settings
configure_logging("INFO")
tuning = Tuning(quiet=timedelta(seconds=1.5), slack_seconds=1.0, audit_every_seconds=1.0, lease_seconds=3.0)
timings = Timings(beat=0.3, dead=3.0, mute=2.0, hang=2.0, reap=0.3)
app = build_app(load_settings(), Options(tuning=tuning, timings=timings, drain_seconds=0.5))
asyncio.run(serve(app, lambda address: print(address, flush=True)))
"""
_PATIENCE = 60.0


@dataclass
class Process:
    """One running process."""

    child: asyncio.subprocess.Process
    log: Path
    url: str = ""

    @property
    def events(self) -> list[str]:
        """The names of everything it logged."""
        return [json.loads(line)["event"] for line in self.log.read_text().splitlines()]

    async def kill(self) -> None:
        """End it as by a power cut."""
        self.child.send_signal(signal.SIGKILL)
        await self.child.wait()

    async def stop(self) -> int:
        """End it as an operator does; give its exit code."""
        if self.child.returncode is None:
            self.child.terminate()
        async with asyncio.timeout(_PATIENCE):
            return await self.child.wait()


@dataclass
class Fleet:
    """All processes of one Tidings, and everything outside."""

    sandbox: Sandbox
    database: Database
    folder: Path
    variables: dict[str, str]
    organization_id: str
    processes: list[Process] = field(default_factory=list)
    count: int = 0

    async def start(self, role: str) -> Process:
        """Start a process of that role and wait until it can work."""
        self.count += 1
        log = self.folder / f"{role}-{self.count}.log"
        with log.open("wb") as errors:
            child = await asyncio.create_subprocess_exec(
                sys.executable, "-c", PROGRAM, env={**_plain(os.environ), **self.variables, "ROLE": role},
                stdout=asyncio.subprocess.PIPE, stderr=errors,
            )  # fmt: skip
        process = Process(child, log)
        self.processes.append(process)
        assert child.stdout is not None
        async with asyncio.timeout(_PATIENCE):
            process.url = (await child.stdout.readline()).decode().strip()
        assert process.url, log.read_text()
        if role == "web":
            self.sandbox.slack.request_url = process.url + SLACK_PATH
        return process


@contextlib.asynccontextmanager
async def fleet(database: Database, folder: Path) -> AsyncIterator[Fleet]:
    """Prepare everything on that (migrated) Postgres; processes that are started are stopped at the end."""
    key, url = new_key(), database.url.replace("postgresql+psycopg:", "postgresql:")
    async with open_sandbox(Plan(size=30)) as sandbox:
        variables = {
            **sandbox.environment(),
            "DATABASE_URL": url,
            # The catalog lies beside our tables, in a schema of its own; the folder is one that all processes share.
            "WAREHOUSE_URL": f"{url}?data={folder / 'lake'}",
            "SECRET_KEYS": key,
            "PORT": "0",
        }
        seeding = Seeding(Seal([Secret(key)]), sandbox.clock.now(), modes())
        seed = load_seed(SEED_FILE, sandbox.credentials())
        written = database.in_write(lambda session: write_seed(session, seed, seeding))
        started = Fleet(sandbox, database, folder, variables, written.organization_id)
        try:
            yield started
        finally:
            for process in started.processes:
                if process.child.returncode is None:
                    await process.kill()


def _plain(environment: Mapping[str, str]) -> dict[str, str]:
    """Leave out what the caller's shell would tell Tidings."""
    kept = ("PATH", "HOME", "LANG", "TMPDIR", "PYTHONPATH", "PYTHONHASHSEED", "COVERAGE_PROCESS_START")
    return {name: value for name, value in environment.items() if name in kept}
