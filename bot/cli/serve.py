"""`tidings serve`: one process, from the environment."""

import asyncio
import gc
from pathlib import Path

from bot.cli.ground import read_seal, read_settings
from bot.cli.say import line, stop
from bot.logs import configure_logging, own_secrets
from bot.main import build_app, serve
from jobs.engine import EngineError
from storage.lock import AlreadyLockedError
from storage.rotation import check_keys
from storage.seal import SealError
from storage.sessions import DatabaseBusyError, DatabaseUnavailableError


def run(env_file: Path | None) -> None:
    """Run until SIGTERM or Ctrl-C; what cannot start says why in one line."""
    settings = read_settings(env_file)
    configure_logging(settings.log_level, known=own_secrets(settings))
    try:
        app = build_app(settings)
        check_keys(app.database, read_seal(settings))
        asyncio.run(serve(app, listens))
    except (DatabaseUnavailableError, DatabaseBusyError, AlreadyLockedError, EngineError, SealError) as error:
        stop(str(error))
    except KeyboardInterrupt:
        line("stopped")


def listens(address: str) -> None:
    """Say where, and look for garbage again, but only among what is made from now on.

    To go through all that the start has made would hold up every request for 0.1 s each time.
    """
    gc.freeze()
    gc.enable()
    line(f"Tidings listens at {address}")
