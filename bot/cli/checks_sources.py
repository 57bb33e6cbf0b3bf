"""What `tidings doctor` asks providers: each source by the very call that a collection begins with."""

import asyncio

from bot.cli.checks import Finding, fail, look, ok
from connectors.base import Access, Company, open_session
from connectors.errors import ConnectorError, Reconnect, Retry
from connectors.registry import connector_for
from connectors.wire import HttpLimits
from jobs.limits import DatabaseLimiter
from jobs.provider_settings import provider_settings
from jobs.tokens import StoredTokens
from storage.facts.clock import SystemClock
from storage.facts.sources import ConnectionState, Source
from storage.records import sources
from storage.seal import Seal, SealError
from storage.sessions import Database
from storage.settings import Settings

_SECONDS = 30
_AT_ONCE = 5


async def about_sources(settings: Settings, database: Database, seal: Seal) -> list[Finding]:
    """Whether each provider takes the stored grant. A token whose time is over is renewed by that, as always."""
    with database.read() as session:
        known = sources.every_connection(session)
    free = asyncio.Semaphore(_AT_ONCE)

    async def one(source: Source) -> Finding:
        async with free:
            return await _source(settings, database, seal, source)

    return list(await asyncio.gather(*(one(source) for source in known)))


async def _source(settings: Settings, database: Database, seal: Seal, source: Source) -> Finding:
    again = f"an admin reconnects it with /data reconnect {source.label}"
    with database.read() as session:
        stored = sources.stored_grant(session, source.id).credentials is not None
    if not stored:
        return look("source", f"{source.label}: disconnected, no grant is stored: {again}")
    try:
        company = await _asked(settings, database, seal, source)
    except Reconnect as error:
        return fail("source", f"{source.label}: {error.detail}: {again}")
    except (Retry, TimeoutError) as error:
        why = error.detail if isinstance(error, Retry) else f"no answer within {_SECONDS} s"
        return look("source", f"{source.label}: {why}: look again later")
    except (ConnectorError, SealError) as error:
        return fail("source", f"{source.label}: {error}")
    marked = source.connection is ConnectionState.DISCONNECTED
    said = f"{source.label}: {company.name} answers"
    return (
        look("source", f"{said}, but it is marked as disconnected: that clears by itself")
        if marked
        else ok("source", said)
    )


async def _asked(settings: Settings, database: Database, seal: Seal, source: Source) -> Company:
    connector = connector_for(source.provider)
    async with (
        asyncio.timeout(_SECONDS),
        open_session(connector, _access(settings, database, seal, source)) as session,
    ):
        return await connector.probe(session)


def _access(settings: Settings, database: Database, seal: Seal, source: Source) -> Access:
    clock = SystemClock()
    return Access(
        account=source.account,
        settings=provider_settings(settings, source.provider, HttpLimits(total=_SECONDS)),
        tokens=StoredTokens(database, clock, seal, source.id),
        clock=clock,
        limiter=DatabaseLimiter(database, clock, source.id),
        region=source.region,
        environment=source.environment,
        organization=source.organization_id,
    )
