"""`tidings doctor`: runs every check and prints one line each."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

from bot.cli import checks, checks_files, checks_outside
from bot.cli.checks import Finding
from bot.cli.ground import chosen_file, read_seal, read_settings
from bot.cli.say import Mark, line, marked
from storage.facts.clock import SystemClock
from storage.seal import Seal
from storage.sessions import Database, DatabaseBusyError, DatabaseUnavailableError, open_database
from storage.settings import Settings
from storage.shape import is_current


def run(env_file: Path | None, *, offline: bool) -> None:
    """Print every finding; ends with 1 when something will not work."""
    settings = read_settings(env_file)
    seal = read_seal(settings)
    worst = 0
    for finding in findings(settings, seal, env_file, offline=offline):
        line(marked(finding.mark, f"{finding.subject}: {finding.text}"))
        worst = max(worst, finding.mark is Mark.FAIL)
    raise SystemExit(worst)


def findings(settings: Settings, seal: Seal, env_file: Path | None, *, offline: bool) -> Iterator[Finding]:
    """Run the checks in the order in which problems cause each other."""
    yield from checks.about_settings(settings)
    opened = _database(settings)
    database = opened if isinstance(opened, Database) else None
    if isinstance(opened, Finding):
        yield opened
    try:
        if database is not None:
            yield from _about_content(database, settings, seal)
        yield from checks.about_warehouse(settings)
        yield from checks_files.about_files(settings, chosen_file(env_file))
        yield from checks.about_mail_headers()
        if not offline:
            yield from _about_others(settings, database, seal)
            yield from checks_outside.about_smtp(settings)
    finally:
        if database is not None:
            database.close()


def _about_others(settings: Settings, database: Database | None, seal: Seal) -> Iterator[Finding]:
    """Ask Slack and the providers."""
    from bot.cli import checks_slack, checks_sources

    current = database if database is not None and is_current(database.engine) else None
    yield from asyncio.run(checks_slack.about_slack(settings, current, seal))
    if current is not None:
        yield from asyncio.run(checks_sources.about_sources(settings, current, seal))


def _database(settings: Settings) -> Database | Finding:
    path = Path(settings.database_url.removeprefix("sqlite:///"))
    if settings.database_url.startswith("sqlite:") and not path.is_file():
        return checks.fail("database", f"there is none at {path} yet: run `tidings migrate`")
    try:
        database = open_database(settings.database_url)
        database.in_read(lambda session: session.connection())
    except (DatabaseUnavailableError, DatabaseBusyError) as error:
        return checks.fail("database", str(error))
    return database


def _about_content(database: Database, settings: Settings, seal: Seal) -> Iterator[Finding]:
    """Look into the database; what is in it is read only when its shape is known."""
    found = list(checks.about_database(database))
    yield from found
    if any(finding.mark is Mark.FAIL for finding in found):
        return
    yield from checks.about_workers(database)
    yield from checks.about_keys(database, seal)
    yield from checks.about_deliveries(database, seal)
    yield from checks.about_escalations(database, SystemClock().now())
    yield from checks.about_organizations(database, settings)
