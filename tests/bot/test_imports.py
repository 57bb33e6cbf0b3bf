"""What the start of a process must not pay for; looked at in a fresh interpreter, since this one has imported much."""

import subprocess
import sys

import pytest

#: module -> why nothing needs it to start
LATER = {
    "alembic": "only `tidings migrate` changes tables",
    "mako": "only alembic's own command line writes migrations with it",
    "rich": "only `tidings status` draws tables",
    "pygments": "only rich colours with it",
    "typer": "only the command line reads options",
    "duckdb": "only runs open lakes; the web role has none, and a worker imports it in a thread at its start",
    "pyarrow": "as duckdb",
    "jinja2": "only mails and the pages of a browser are made of templates",
    "slack_bolt.adapter.socket_mode": "only with SLACK_APP_TOKEN",
    "uvicorn": "only a process that listens has a server",
    "sandbox": "only the demo has stand-ins",
    "dbos": "only the engine's launch needs it",
    "numpy": "only pictures are calculated with it",
    "matplotlib": "only mails with charts have pictures",
    "aioftp": "only a process that hands files over speaks FTP",
    "asyncssh": "only a process that hands files over speaks SFTP",
}


def brought(statement: str) -> set[str]:
    """Return which of them a fresh interpreter has imported after the statement."""
    code = f"import sys; {statement}; print(*({set(LATER)!r} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize("module", ["bot.main", "bot.cli", "jobs.build"])
def test_a_start_imports_nothing_that_only_some_processes_need(module: str) -> None:
    allowed = {"jobs.build": {"rich", "pygments"}}.get(module, set())
    assert brought(f"import {module}") <= allowed


def test_the_look_would_find_them() -> None:
    """The broken twin: a program whose start imports them."""
    anyway = LATER.keys()
    assert brought(f"import {', '.join(sorted(anyway))}, bot.main") >= anyway


def test_help_is_told_without_the_program() -> None:
    code = "import sys; from bot.cli.app import app; print(*({'bot.main', 'sqlmodel', 'rich', 'structlog'} & sys.modules.keys()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == []


def test_rich_is_there_for_those_who_need_it() -> None:
    code = (
        "import bot.main, rich.table, pygments, structlog, httpx; print(structlog.dev.rich, hasattr(httpx, 'Client'))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout.split() == ["None", "True"]


def test_a_worker_has_all_that_runs_need_before_its_first_run() -> None:
    """What `warm` leaves out would be imported on the loop, in the middle of somebody's request."""
    code = (
        "import sys, bot.main; from jobs.ground import Ground, Warehouses; from storage.facts.sources import Provider;"
        " from connectors.registry import connector_for;"
        " ground = Ground(None, None, None, Warehouses('.'), dict.fromkeys(Provider), connector_for, 0); {warm}"
        " before = set(sys.modules); import storage.warehouse as w; w.Warehouse, w.Loader, w.Reader;"
        " [connector_for(p).streams for p in Provider]; print(*(set(sys.modules) - before))"
    )

    def late(warm: str) -> list[str]:
        command = [sys.executable, "-c", code.replace("{warm}", warm)]
        return subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout.split()

    assert late("ground.warm();") == []
    assert "duckdb" in late("")


def test_the_collector_is_as_it_was_once_everything_is_imported() -> None:
    for before, after in (("gc.enable()", "True"), ("gc.disable()", "False")):
        code = f"import gc; {before}; import bot.main; print(gc.isenabled())"
        done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True)
        assert done.stdout.strip() == after
