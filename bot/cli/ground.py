"""What commands that look into the database need: settings, an open and current database, the keys."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from bot.cli.say import stop

if TYPE_CHECKING:
    from storage.seal import Seal
    from storage.sessions import Database
    from storage.settings import Settings

#: Read when it is there and no other file is named.
DEFAULT_FILE = Path(".env")


def read_settings(env_file: Path | None) -> "Settings":
    """Read the environment and the file; ends the command with a readable list when something is wrong."""
    from storage.settings import SettingsError, load_settings

    if env_file is not None and not env_file.is_file():
        stop(f"{env_file} is not there")
    try:
        return load_settings(chosen_file(env_file))
    except SettingsError as error:
        stop(str(error))


def chosen_file(env_file: Path | None) -> Path | None:
    """Return the file of variables that is read, None when there is none."""
    return env_file or (DEFAULT_FILE if DEFAULT_FILE.is_file() else None)


def read_seal(settings: "Settings") -> "Seal":
    """Return the keys in use; ends the command when one is no key."""
    from storage.facts.secret import Secret
    from storage.seal import Seal, SealError

    try:
        return Seal([Secret(key.get_secret_value()) for key in settings.secret_keys])
    except SealError as error:
        stop(str(error))


@contextmanager
def opened(settings: "Settings") -> Iterator["Database"]:
    """Give the open database; ends the command when it is not there or not in the newest shape."""
    from storage.shape import is_current

    path = settings.database_url.removeprefix("sqlite:///")
    if settings.database_url.startswith("sqlite:") and not Path(path).is_file():
        stop(f"there is no database at {path} yet: run `tidings migrate`")
    database = reachable(settings)
    try:
        if not is_current(database.engine):
            stop("the database is of another version: run `tidings migrate`")
        yield database
    finally:
        database.close()


def reachable(settings: "Settings") -> "Database":
    """Return the database, opened and asked once; ends the command when it does not answer."""
    from storage.sessions import DatabaseBusyError, DatabaseUnavailableError, open_database

    try:
        database = open_database(settings.database_url)
        database.in_read(lambda session: session.connection())
    except (DatabaseUnavailableError, DatabaseBusyError) as error:
        stop(f"the database cannot be used: {error}")
    return database
