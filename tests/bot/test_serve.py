"""The process as it runs for real: it says its address, answers, and goes when it is told to, with its work done."""

import asyncio
import json
import signal
import sys
from pathlib import Path

import httpx

from storage.sessions import Database
from tests.bot.test_addresses import listening

PROGRAM = """
import asyncio, sys
from pathlib import Path
from bot.logs import configure_logging
from bot.main import build_app, serve
from tests.bot.test_main import settings_for
configure_logging("INFO")
app = build_app(settings_for(sys.argv[1], Path(sys.argv[2]), port=0))
asyncio.run(serve(app, lambda address: print(address, flush=True)))
"""


async def test_it_serves_and_ends_cleanly_on_sigterm(sqlite_database: Database, tmp_path: Path) -> None:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", PROGRAM, sqlite_database.url, str(tmp_path),
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    assert process.stdout is not None
    async with asyncio.timeout(120):
        while not (line := await process.stdout.readline()).startswith(b"http://"):
            assert line, await process.communicate()
        async with httpx.AsyncClient(base_url=line.decode().strip()) as http:
            assert (await http.get("/readyz")).status_code == 200
            assert (await http.post("/slack/events", content=b"x")).status_code == 401
        # T52: one door, and nothing beside it; the scan's own check is in test_addresses.
        assert listening(process.pid) == {int(line.rpartition(b":")[2])}
        process.send_signal(signal.SIGTERM)
        out, errors = await process.communicate()
    assert process.returncode == 0, errors
    events = [json.loads(entry)["event"] for entry in errors.decode().splitlines()]
    assert "started" in events
    assert out == b""
    assert b"Traceback" not in errors
