"""`tidings receipts`: whether every receipt is as it was written, from the database or from an exported chain alone."""

import json
from collections.abc import Iterator
from pathlib import Path

from bot.cli.ground import opened, read_settings
from bot.cli.say import line, stop
from bot.cli.status import found_organization
from storage.facts.receipts import ChainCheck
from storage.records import receipts, seeds
from storage.sessions import Database, Session

_FIELDS = ("id", "sequence", "body", "previous_hash", "hash")


def export(organization: str, env_file: Path | None) -> None:
    """Print an organization's whole chain, one receipt per line as JSON, for an auditor or as a copy elsewhere."""
    with opened(read_settings(env_file)) as database, database.read() as session:
        for one in lines(session, found_organization(session, organization).id):
            line(one)


def lines(session: Session, organization_id: str) -> Iterator[str]:
    """Yield an organization's chain as it is exported, the oldest receipt first."""
    for link in receipts.links(session, organization_id):
        yield json.dumps({name: getattr(link, name) for name in _FIELDS}, ensure_ascii=False)


def verify(file: Path | None, env_file: Path | None) -> None:
    """Say of each chain whether it holds; code 1 where one does not."""
    if file is not None:
        found = {str(file): in_file(file)}
    else:
        with opened(read_settings(env_file)) as database:
            found = in_database(database)
    for name, check in found.items():
        line(said(name, check))
    if any(check.broken for check in found.values()):
        raise SystemExit(1)


def in_file(file: Path) -> ChainCheck:
    """Check an exported chain; ends the command where it is none."""
    return receipts.checked(_exported(file))


def in_database(database: Database) -> dict[str, ChainCheck]:
    """Check the chain of every organization, by its name."""
    with database.read() as session:
        return {
            organization.name: receipts.checked(receipts.links(session, organization.id))
            for organization in seeds.organizations(session)
        }


def _exported(file: Path) -> Iterator[receipts.Link]:
    try:
        with file.open(encoding="utf-8") as written:
            for number, one in enumerate(written, 1):
                yield _link(file, number, one)
    except (OSError, UnicodeDecodeError) as error:
        stop(f"{file} cannot be read: {error.strerror if isinstance(error, OSError) else error}")


def _link(file: Path, number: int, written: str) -> receipts.Link:
    try:
        link = receipts.Link(*(json.loads(written)[name] for name in _FIELDS))
    except (ValueError, LookupError, TypeError, RecursionError):
        stop(f"{file}, line {number}: not a receipt as `tidings receipts export` writes them")
    return link


def said(name: str, check: ChainCheck) -> str:
    """Say what a check found."""
    if check.broken:
        places = ", ".join(str(place) for place in check.broken[:10])
        more = f" and {len(check.broken) - 10} more" if len(check.broken) > 10 else ""
        return (
            f"{name}: NOT as written: receipt {places}{more} of {check.receipts}. Keep this database and call support"
        )
    if not check.receipts:
        return f"{name}: no receipts yet"
    return f"{name}: {check.receipts} receipts, each as it was written; the last one's hash is {check.head}"
