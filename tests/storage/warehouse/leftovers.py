"""Where something that should be gone can still be read."""

import subprocess
import sys
from pathlib import Path

import psycopg

from storage.warehouse.location import Location
from storage.warehouse.session import Limits, Session, opened

LIMITS = Limits(threads=1)


def traces(location: Location, mark: str) -> list[str]:
    """Return where the mark is still to be read: files of the folder, read as Parquet, and rows of the catalog."""
    files = list(location.home.rglob("*.parquet"))
    with opened(location, LIMITS, write=False) as session:
        return [str(path) for path in files if _in_parquet(session, path, mark)] + _in_catalog(location, mark)


def _in_parquet(session: Session, path: Path, mark: str) -> bool:
    return mark.encode() in path.read_bytes() or mark in repr(session.rows(f"SELECT * FROM read_parquet('{path}')"))


def _in_catalog(location: Location, mark: str) -> list[str]:
    if location.conninfo:
        with psycopg.connect(location.conninfo) as connection:
            names = connection.execute(
                "SELECT table_name FROM information_schema.tables WHERE table_schema = %s", (location.schema,)
            )
            every = {name: repr(connection.execute(f'SELECT * FROM "{location.schema}"."{name}"').fetchall()) for (name,) in names.fetchall()}  # fmt: skip
    else:
        # In a process of its own: two SQLite libraries in one process do not see each other's locks.
        program = (
            "import sqlite3,sys; c=sqlite3.connect(sys.argv[1]);"
            "[print(n, repr(c.execute(f'SELECT * FROM \"{n}\"').fetchall()))"
            " for (n,) in c.execute(\"SELECT name FROM sqlite_master WHERE type='table'\").fetchall()]"
        )
        said = subprocess.run([sys.executable, "-c", program, str(location.catalog)], capture_output=True, text=True, check=True)  # fmt: skip
        every = dict(line.split(" ", 1) for line in said.stdout.splitlines())
    assert len(every) > 20, "the catalog could not be read"
    return [name for name, content in every.items() if mark in content]
