"""Brings a database to the newest shape; touches our tables only, never the engine's."""

from pathlib import Path

from alembic import command
from alembic.config import Config
from sqlalchemy import Connection, text

from storage.sessions import Database
from storage.shape import is_current

_POSTGRES_LOCK = 7_463_201


def migrate(database: Database) -> None:
    """Run every missing migration, in one transaction; two at once wait for each other."""
    if is_current(database.engine):
        return
    with database.engine.begin() as connection:
        if not database.is_sqlite:
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _POSTGRES_LOCK})
        command.upgrade(_config(connection), "head")


def _config(connection: Connection) -> Config:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    return config
