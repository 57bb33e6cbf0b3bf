"""What is left after a disconnect: the grant is given up at the provider, our copy forgotten, the data erased.

Each attempt does what is still to be done and is safe to repeat; what an outage hinders is tried again. Whatever the
provider says, the tokens are gone when their time is over: the sweep sees to that.
"""

from collections.abc import Callable
from dataclasses import fields
from datetime import timedelta
from functools import partial

import structlog

from connectors.errors import Broken, ConnectorError, Reconnect, Retry
from connectors.tokens import Tokens
from jobs.connecting import telling
from jobs.connecting.disconnect import said, severing_work
from jobs.connecting.leaving import LeavingTokens
from jobs.connecting.means import Means
from jobs.connecting.trail import SYSTEM
from jobs.engine import WorkContext
from jobs.exchange.forgetting import forget
from jobs.ground import Ground
from jobs.leasing import Lease
from jobs.refresh.collecting import must_hold, organization_lease
from jobs.refresh.retry import RetryPlan
from jobs.threads import in_thread
from jobs.work import WorkState, WorkStatus
from storage.credentials import Credentials, Leaving, open_credentials, seal_credentials
from storage.facts.disconnects import Disconnect, GrantEnd
from storage.facts.sources import Source
from storage.records import asked_last, audit, disconnects, feedback, flows, metrics, organizations, outgoing, sources
from storage.seal import SealError
from storage.sessions import DatabaseBusyError, Session
from storage.warehouse import Erased, WarehouseError

GIVEN_UP, DATA_ERASED = "grant_given_up", "data_erased"
_LONGEST_WAIT = timedelta(seconds=60)
#: A younger attempt may be between two states.
_YOUNGEST = timedelta(seconds=60)
_LEASE_PATIENCE_SECONDS = 30.0
_ALIVE = frozenset({WorkState.DELAYED, WorkState.QUEUED, WorkState.RUNNING})

log = structlog.get_logger()


class SupersededError(Exception):
    """Somebody connected the source again: what it has now is not what was to be erased."""


class Severing:
    """Does what a disconnect left to be done, for the engine."""

    def __init__(
        self, means: Means, ground: Ground, plan: RetryPlan, status: Callable[[str], WorkStatus | None]
    ) -> None:
        self._means = means
        self._ground = ground
        self._plan = plan
        self._status = status

    async def handle(self, work: WorkContext) -> None:
        """Make one attempt; what it could not do is left to a later piece of work."""
        if not await work.step("sever", self.attempt, work.subject, work.attempt):
            await work.step("again", self._leave_for_later, work.subject, work.attempt)

    async def attempt(self, disconnect_id: str, attempt: int) -> bool:
        """Do what is still to be done; False when something is left for a later attempt."""
        found = await self._means.database.reading(lambda session: disconnects.find(session, disconnect_id))
        if found is None or found.ended_at is not None or found.attempt != attempt:
            return True
        if found.outcome is None:
            await self._give_up(found)
        if found.erase_data and found.data_erased_at is None:
            await self._erase(found)
        return await self._means.database.writing(lambda session: self._ended(session, found))

    async def sweep(self) -> None:
        """Forget the tokens whose time is over, and see to it that whatever is unfinished is worked on."""
        now = self._means.clock.now()
        for found in await self._means.database.reading(lambda session: disconnects.tokens_overdue(session, now)):
            log.warning("grant_not_revoked", disconnect=found.id, source=found.source_id)
            await self._means.database.writing(partial(self._settled, found=found, outcome=GrantEnd.NOT_REVOKED))
            await self._means.database.writing(partial(self._ended, found=found))
        for found in await self._means.database.reading(
            lambda session: disconnects.waiting_since(session, now - _YOUNGEST)
        ):
            if not await self._lives(severing_work(found, found.attempt).id):
                log.error("disconnect_was_stranded", disconnect=found.id, source=found.source_id)
                await self._means.database.writing(partial(self._next, found=found, wait=None))

    async def _give_up(self, found: Disconnect) -> None:
        """Give the grant up at the provider and forget it; an outage leaves both for later."""
        outcome = await self._outcome(found)
        self._means.checkpoint("disconnect.revoked")
        if outcome is not None:
            await self._means.database.writing(partial(self._settled, found=found, outcome=outcome))
            self._means.checkpoint("disconnect.settled")

    async def _outcome(self, found: Disconnect) -> GrantEnd | None:
        means = self._means
        sealed, source, used = await means.database.reading(lambda session: _about(session, found))
        if sealed is None:
            return None
        try:
            open_credentials(means.seal, Leaving(found.id), sealed)
        except SealError:
            log.warning("grant_unreadable", source=source.id, provider=source.provider)
            return GrantEnd.UNREADABLE
        if used:
            # Providers end every token of an account at once, those of its new connection too.
            return GrantEnd.STILL_USED
        settings = means.providers[source.provider]
        means.checkpoint("disconnect.revoking")
        try:
            if found.environment and found.environment != settings.environment(source.account, found.region):
                raise Broken("the grant is of another environment than this installation", code="wrong_environment")
            revoked = await means.grants_for(source.provider).revoke(
                settings, self._store(found), account=source.account, region=found.region
            )
        except Reconnect:
            # The provider knows the tokens no more: that is what was wanted.
            return GrantEnd.REVOKED
        except ConnectorError as error:
            log.info("grant_not_revoked_yet", source=source.id, provider=source.provider, code=error.code)
            return None
        return GrantEnd.REVOKED if revoked else GrantEnd.NO_WAY

    def _store(self, found: Disconnect) -> LeavingTokens:
        """Return where the tokens are while they are given up."""
        means, place = self._means, Leaving(found.id)

        def opened(sealed: bytes) -> Tokens:
            stored = open_credentials(means.seal, place, sealed)
            return Tokens(**{each.name: getattr(stored, each.name) for each in fields(Tokens)})

        def closed(tokens: Tokens) -> bytes:
            renewed = Credentials(**{each.name: getattr(tokens, each.name) for each in fields(Credentials)})
            return seal_credentials(means.seal, place, renewed)

        return LeavingTokens(
            means.database,
            found.id,
            read=partial(disconnects.sealed_grant, disconnect_id=found.id),
            replace=lambda session, known, renewed: disconnects.replace_grant(session, found.id, known, renewed),
            open=opened,
            close=closed,
            checkpoint=lambda: means.checkpoint("disconnect.renewed"),
            lease_seconds=self._ground.lease_seconds,
        )

    async def _erase(self, found: Disconnect) -> None:
        """Erase the data, with the right to write; what hinders it is tried again without end."""
        ground = self._ground
        source = await ground.database.reading(lambda session: sources.source(session, found.source_id))
        warehouse = ground.warehouses.of(found.organization_id)
        try:
            async with organization_lease(ground, found.organization_id, patience=_LEASE_PATIENCE_SECONDS) as lease:
                fence = self._fence(found, lease)
                self._means.checkpoint("disconnect.erasing")
                erased = await in_thread(
                    lambda: warehouse.erase(
                        source.id, source.provider.value, fence=fence, checkpoint=self._means.checkpoint
                    )
                )
        except SupersededError:
            log.warning("erasure_superseded", disconnect=found.id, source=source.id)
            await ground.database.writing(lambda session: disconnects.give_up_erasing(session, found))
            return
        except (Retry, WarehouseError, DatabaseBusyError) as error:
            log.warning("data_not_erased_yet", disconnect=found.id, source=source.id, reason=type(error).__name__)
            return
        self._means.checkpoint("disconnect.erased")
        await ground.database.writing(lambda session: self._noted(session, found, erased))
        self._means.checkpoint("disconnect.noted")

    def _fence(self, found: Disconnect, lease: Lease) -> Callable[[], None]:
        """Return what raises when this process may not erase any more, or nobody wants it to."""

        def still_wanted(session: Session) -> None:
            must_hold(session, lease)
            if not disconnects.is_current(session, found):
                raise SupersededError

        return lambda: self._ground.database.in_write(still_wanted)

    def _settled(self, session: Session, found: Disconnect, outcome: GrantEnd) -> None:
        now = self._means.clock.now()
        organizations.lock(session, found.organization_id)
        if disconnects.settle(session, found.id, outcome, now):
            detail = {"disconnect": found.id, "outcome": outcome.value}
            audit.record(session, found.organization_id, SYSTEM, GIVEN_UP, found.source_id, now, detail)

    def _noted(self, session: Session, found: Disconnect, erased: Erased) -> None:
        now = self._means.clock.now()
        organizations.lock(session, found.organization_id)
        if disconnects.note_erased(session, found, said(session, found, "its data was erased"), now):
            metrics.erase_values(session, found.source_id, "its data was erased")
            forget(session, found.source_id)
            told = {metric_id for metric_id, _ in metrics.names_of(session, found.source_id)}
            outgoing.forget_values(session, found.organization_id, told)
            asked_last.forget_organization(session, found.organization_id)
            feedback.forget_organization(session, found.organization_id)
            detail = {"disconnect": found.id, "rows": sum(erased.rows.values())}
            audit.record(session, found.organization_id, SYSTEM, DATA_ERASED, found.source_id, now, detail)

    def _ended(self, session: Session, found: Disconnect) -> bool:
        """End it when nothing is left, and tell what a person should know; whether nothing is left."""
        now = self._means.clock.now()
        organizations.lock(session, found.organization_id)
        if disconnects.end(session, found, now):
            telling.tell_disconnect_ended(session, found.id, self._means.enqueue, now)
        left = disconnects.find(session, found.id)
        return left is None or left.ended_at is not None

    async def _leave_for_later(self, disconnect_id: str, attempt: int) -> None:
        wait = min(_LONGEST_WAIT, self._plan.delay(disconnect_id, attempt, None))

        def work(session: Session) -> None:
            found = disconnects.find(session, disconnect_id)
            if found is not None and found.attempt == attempt:
                self._next(session, found, wait)

        await self._means.database.writing(work)

    def _next(self, session: Session, found: Disconnect, wait: timedelta | None) -> None:
        at = self._means.clock.now() + (wait or timedelta(0))
        if disconnects.put_back(session, found.id, found.attempt, at):
            self._means.enqueue(session, severing_work(found, found.attempt + 1, wait))

    async def _lives(self, work_id: str) -> bool:
        status = await self._means.database.reading(lambda _: self._status(work_id))
        return status is not None and status.state in _ALIVE


def _about(session: Session, found: Disconnect) -> tuple[bytes | None, Source, bool]:
    """Return the sealed tokens, the source, and whether the account is in use by another connection or flow."""
    source = sources.source(session, found.source_id)
    used = flows.is_wanted(session, source.provider, source.account, but="")
    return disconnects.sealed_grant(session, found.id), source, used
