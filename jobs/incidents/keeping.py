"""Looking at grants that nothing else looks at.

They are kept alive once a day, tried again where they were refused, and looked at soon where a process died in the
middle of a renewal: some providers take the token before it for a minute longer, and where it is lost people shall hear
of it now and not tomorrow.

One cheap call each, with the grant that is stored. What the provider refuses is a lost connection; what it accepts
again was a false alarm and clears itself; an outage says nothing about a grant.
"""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta

import structlog

from connectors.base import open_session
from connectors.errors import ConnectorError, Reconnect, Retry
from connectors.grants import Grants, Scoped
from connectors.registry import grants_for
from jobs import dependents
from jobs.asks import Enqueue
from jobs.connecting import reasons
from jobs.ground import Ground
from jobs.incidents.noticing import back, lost
from jobs.notify.notifier import Notifier
from jobs.schedule import start_catch_up
from storage.facts.incidents import Resolution
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import connections, leases, organizations, sources
from storage.records.leases import Abandoned
from storage.rotation import TOKEN_LEASES
from storage.sessions import Session

KEEP_ALIVE = timedelta(hours=24)
#: A refused grant is tried again that often, for as long as it is stored.
TRY_AGAIN = timedelta(hours=6)
_AT_ONCE = 5
_LOOK_SECONDS = 60.0
#: How often it is asked whether a renewal was left behind: with the 30 s of its lease that is within the minute for
#: which a provider may still take the token before.
RESCUE_EVERY = 10.0

log = structlog.get_logger()


class GrantKeeper:
    """Looks at one grant at a time, for the clock and for whoever presses Test."""

    def __init__(
        self,
        ground: Ground,
        notifier: Notifier,
        enqueue: Enqueue,
        grants: Callable[[Provider], Grants] = grants_for,
    ) -> None:
        self._ground = ground
        self._notifier = notifier
        self._enqueue = enqueue
        self._grants = grants

    def sweep(self) -> Callable[[], Awaitable[None]]:
        """Return the sweep over all grants whose time has come; each is taken by one process."""

        async def sweep() -> None:
            now = self._ground.clock.now()
            due = await self._ground.database.reading(
                lambda session: connections.to_prove(session, now - KEEP_ALIVE, now - TRY_AGAIN)
            )
            for start in range(0, len(due), _AT_ONCE):
                await asyncio.gather(*(self._take(source_id) for source_id in due[start : start + _AT_ONCE]))

        return sweep

    def rescue(self) -> Callable[[], Awaitable[None]]:
        """Return the sweep over the renewals whose process died or stood still; each is taken by one process."""

        async def sweep() -> None:
            left = await self._ground.database.reading(lambda session: leases.abandoned(session, TOKEN_LEASES))
            for start in range(0, len(left), _AT_ONCE):
                await asyncio.gather(*(self._rescue(lease) for lease in left[start : start + _AT_ONCE]))

        return sweep

    async def look(self, source_id: str) -> ConnectorError | None:
        """Ask the provider now, and write down what it says; return what stands against the grant, if anything."""
        source = await self._ground.database.reading(lambda session: sources.source(session, source_id))
        began = self._ground.clock.now()
        error = await self._asked(source)
        if isinstance(error, Reconnect):
            reason = error.detail
            await self._ground.database.writing(lambda session: self._refused(session, source, reason, began))
        elif error is None and source.connection is ConnectionState.DISCONNECTED:
            await self._ground.database.writing(lambda session: self._accepted(session, source))
        return error

    async def _take(self, source_id: str) -> None:
        now = self._ground.clock.now()
        if await self._ground.database.writing(
            lambda session: connections.claim_proof(session, source_id, now, now - TRY_AGAIN)
        ):
            error = await self.look(source_id)
            if error is not None:
                log.info("grant_looked_at", source=source_id, code=error.code)

    async def _rescue(self, lease: Abandoned) -> None:
        source_id = lease.name.removeprefix(TOKEN_LEASES)
        if not await self._ground.database.writing(lambda session: self._claim(session, lease, source_id)):
            return
        log.warning("renewal_abandoned", source=source_id)
        # An outage says nothing: the mark stays, and the next sweep asks again.
        if not isinstance(await self.look(source_id), Retry):
            await self._ground.database.writing(lambda session: leases.settle(session, lease))

    def _claim(self, session: Session, lease: Abandoned, source_id: str) -> bool:
        """Take the look, which another process may take over when this one dies in it, too."""
        if not connections.is_stored(session, source_id):
            leases.settle(session, lease)
            return False
        now = self._ground.clock.now()
        return connections.claim_proof(session, source_id, now, now - timedelta(seconds=self._ground.lease_seconds))

    async def _asked(self, source: Source) -> ConnectorError | None:
        connector = self._ground.connector(source)
        try:
            async with asyncio.timeout(_LOOK_SECONDS), open_session(connector, self._ground.access(source)) as session:
                await connector.probe(session)
        except ConnectorError as error:
            return error
        except TimeoutError:
            return Retry(None, "the provider did not answer in a minute", code="timeout")
        return None

    def _refused(self, session: Session, source: Source, reason: str, began: datetime) -> None:
        organizations.lock(session, source.organization_id)
        if connections.is_stored(session, source.id) and not connections.connected_since(session, source.id, began):
            lost(session, source.id, reason, self._ground.clock.now(), self._notifier)

    def _accepted(self, session: Session, source: Source) -> None:
        now = self._ground.clock.now()
        organizations.lock(session, source.organization_id)
        if not connections.is_stored(session, source.id):
            return
        # What was not granted is not granted now either.
        lacks = reasons.lacks(self._lacking(session, source))
        state = ConnectionState.ATTENTION if lacks else ConnectionState.CONNECTED
        sources.set_connection(session, source.id, state, lacks, now)
        thawed = dependents.thaw(session, source.id)
        if back(session, source.id, Resolution.CLEARED, now, self._notifier, thawed):
            start_catch_up(session, source, f"cleared:{now.isoformat()}", now, self._enqueue)

    def _lacking(self, session: Session, source: Source) -> tuple[str, ...]:
        """Return the scopes that were asked for and not given."""
        scopes = tuple(sources.stored_grant(session, source.id).scopes.split())
        try:
            grants = self._grants(source.provider)
        except KeyError:
            # Nobody was asked: the operator connected it.
            return ()
        # Where none are stored, it is not known what was given.
        return grants.lacking(scopes) if scopes and isinstance(grants, Scoped) else ()
