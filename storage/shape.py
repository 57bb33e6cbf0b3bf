"""Whether a database has the newest shape: every start and readiness check asks, so without the migrations' library."""

from functools import cache
from pathlib import Path

from sqlalchemy import Engine, inspect, text

#: holds the one id of the migration that ran last
VERSION_TABLE = "tidings_version"


def is_current(engine: Engine) -> bool:
    """Whether the database has the newest shape."""
    with engine.connect() as connection:
        if not inspect(connection).has_table(VERSION_TABLE):
            return False
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalars().all()  # noqa: S608 - a name of ours
    return found == [newest_revision()]


@cache
def newest_revision() -> str:
    """Return the id of the newest migration, which its file's name begins with; each follows the one before."""
    versions = Path(__file__).parent / "migrations" / "versions"
    return max(file.name.partition("_")[0] for file in versions.glob("[0-9][0-9][0-9][0-9]_*.py"))
