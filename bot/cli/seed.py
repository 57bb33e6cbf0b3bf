"""`tidings seed`: writes a seed file's content."""

import os
from pathlib import Path

from bot.cli.ground import opened, read_seal, read_settings
from bot.cli.say import line, stop
from connectors.registry import connector_for
from jobs.connecting.storing import books_of
from jobs.exchange import pairs
from storage.facts.clock import SystemClock
from storage.facts.sources import CollectMode, Provider
from storage.records import sources
from storage.seed_file import Seed, load_seed
from storage.seed_text import SeedError
from storage.seeding import Seeded, Seeding, SeedRefusedError, write_seed
from storage.sessions import Database, Session


def modes() -> dict[Provider, CollectMode]:
    """Return how each provider is collected, as its connector declares."""
    return {provider: connector_for(provider).mode for provider in Provider}


def run(file: Path, env_file: Path | None, *, replace: bool, only_check: bool) -> None:
    """Check the file and, unless told otherwise, write it."""
    seed = read(file)
    if only_check:
        line(f"{file.name} is in order: {len(seed.workspaces)} workspaces, {len(seed.sources)} sources")
        return
    settings = read_settings(env_file)
    how = Seeding(read_seal(settings), SystemClock().now(), modes(), replace)
    with opened(settings) as database:
        tell(write(database, seed, how))


def read(file: Path) -> Seed:
    """Read a seed file; ends the command with every problem and its line."""
    try:
        return load_seed(file, os.environ)
    except SeedError as error:
        stop(str(error))
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{file} cannot be read: {error.strerror if isinstance(error, OSError) else 'it is not UTF-8'}")


def write(database: Database, seed: Seed, how: Seeding) -> Seeded:
    """Write in one transaction; ends the command when the file contradicts the database."""

    def work(session: Session) -> Seeded:
        seeded = write_seed(session, seed, how)
        for one in sources.connections_of(session, seeded.organization_id):
            if (books := books_of(session, one)) is not None:
                pairs.confirmed(session, one.organization_id, one.id, books, how.now)
        return seeded

    try:
        return database.in_write(work)
    except SeedRefusedError as error:
        stop(f"nothing was written: {error}")


def tell(seeded: Seeded) -> None:
    """Say what was done and what was left."""
    for change in seeded.changes:
        line(change)
    for kept in seeded.kept:
        line(f"kept {kept} (--replace-credentials overwrites it)")
    if not seeded.changes:
        line("everything was there already")
    line(f"organization id: {seeded.organization_id}")
