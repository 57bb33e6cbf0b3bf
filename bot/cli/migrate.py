"""`tidings migrate`: our tables, then the engine's."""

import asyncio
from pathlib import Path

from bot.cli.ground import reachable, read_settings
from bot.cli.say import line, stop
from jobs.engine import Engine
from storage.facts.clock import SystemClock
from storage.migrate import migrate
from storage.sessions import Database, DatabaseBusyError, DatabaseUnavailableError
from storage.shape import newest_revision


def run(env_file: Path | None) -> None:
    """Bring the database to the newest shape; made first where it is not there."""
    settings = read_settings(env_file)
    database = reachable(settings)
    try:
        prepare(database)
    except DatabaseBusyError:
        stop("the database is busy: stop what works on it and try again")
    except DatabaseUnavailableError as error:
        stop(str(error))
    finally:
        database.close()
    line(f"the database has its newest shape ({newest_revision()})")


def prepare(database: Database) -> None:
    """Make or renew every table, and refuse a database that would lose work (DatabaseUnavailableError)."""
    migrate(database)
    database.check()
    asyncio.run(_prepare_engine(database))


async def _prepare_engine(database: Database) -> None:
    engine = Engine(database, SystemClock(), role="web")
    try:
        await engine.launch()
    finally:
        await engine.close()
