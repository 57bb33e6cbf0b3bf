"""`tidings access`: which organizations may start refreshes, and giving or taking that as the operator."""

import asyncio
from pathlib import Path

from bot.cli.ground import opened, read_settings
from bot.cli.refresh import enqueuing
from bot.cli.say import line, stop
from bot.cli.status import found_organization
from jobs.errors import UnavailableError
from storage.facts.access import RefreshAccess
from storage.facts.sources import Organization
from storage.records import access, seeds
from storage.sessions import Database, Session
from storage.settings import Settings


def run(organization: str | None, env_file: Path | None, *, give: bool, take: bool) -> None:
    """Show how organizations stand; change one where that is wanted."""
    if (give or take) and organization is None:
        stop("say which organization")
    if give and take:
        stop("either --give or --take")
    settings = read_settings(env_file)
    with opened(settings) as database:
        chosen = _chosen(database, organization)
        if give or take:
            asyncio.run(_change(settings, database, chosen[0], give=give))
        if settings.refresh_access is RefreshAccess.OPEN:
            line("REFRESH_ACCESS=open: every organization may start refreshes, whatever is said below")
        with database.read() as session:
            for one in chosen:
                line(f"{one.name}: {_standing(session, one)}")


def _chosen(database: Database, words: str | None) -> list[Organization]:
    with database.read() as session:
        return [found_organization(session, words)] if words else seeds.organizations(session)


async def _change(settings: Settings, database: Database, organization: Organization, *, give: bool) -> None:
    async with enqueuing(settings, database) as jobs:
        try:
            await jobs.services.access.change(organization.id, give=give)
        except UnavailableError as error:
            stop(f"nothing was changed: {error}")


def _standing(session: Session, organization: Organization) -> str:
    request = access.newest(session, organization.id)
    waits = request is not None and request.settled_at is None
    asked = f", asked for since {request.at:%Y-%m-%d %H:%M} UTC" if request is not None and waits else ""
    return ("access" if access.allowed(session, organization.id) else "no access") + asked
