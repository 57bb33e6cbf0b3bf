"""Privacy requests of shops: acted on at once, and proven by an audit entry that names what was done and when."""

from collections.abc import Mapping
from datetime import datetime
from functools import partial

from connectors.shopify.requests import PrivacyRequest
from jobs.asks import Enqueue
from jobs.ground import Ground
from jobs.incidents.noticing import back
from jobs.leasing import Lease
from jobs.notify.notifier import Notifier
from jobs.refresh.cancel import cancel_run
from jobs.refresh.collecting import must_hold, organization_lease
from jobs.threads import in_thread
from jobs.webhooks.standing import LookAgainError, Standing, settle_standing
from jobs.webhooks.telling import tell_support
from storage.facts.ids import derived_id
from storage.facts.incidents import Resolution
from storage.facts.sources import ConnectionState, Source
from storage.facts.webhooks import Webhook
from storage.records import audit, organizations, runs, sources, webhooks
from storage.sessions import Session

DATA_REQUESTED = "privacy_data_requested"
CUSTOMER_REDACTED = "privacy_customer_redacted"
SHOP_REDACTED = "privacy_shop_redacted"
SHOP_KEPT = "privacy_shop_kept"
SYSTEM = "system"
_LEASE_SECONDS = 20.0
_RUN_ENDS_SECONDS = 30.0


class Privacy:
    """Acts on the three topics."""

    def __init__(self, ground: Ground, notifier: Notifier, enqueue: Enqueue) -> None:
        self._ground = ground
        self._notifier = notifier
        self._enqueue = enqueue

    def hand_over(self, session: Session, webhook: Webhook, source: Source, request: PrivacyRequest) -> str:
        """Tell support that a customer wants to see their data. Take the organization's lock first."""
        now = self._ground.clock.now()
        told = tell_support(session, webhook, source, request, self._notifier, self._enqueue, now)
        self._prove(session, webhook, source, DATA_REQUESTED, request, {"support": told})
        return "support was told" if told else "in the audit"

    async def redact_customer(self, webhook: Webhook, source: Source, request: PrivacyRequest) -> str:
        """Make everything empty that is held of a customer, in the rows, the files and the snapshots."""
        from connectors.shopify.privacy import redactions

        ground, warehouse = self._ground, self._ground.warehouses.of(source.organization_id)
        async with organization_lease(ground, source.organization_id, patience=_LEASE_SECONDS) as lease:
            fence = partial(self._fence, lease)
            rows = await in_thread(
                lambda: warehouse.redact(source.id, redactions(request), fence=fence, checkpoint=ground.checkpoint)
            )
        await ground.database.writing(
            lambda session: self._prove(session, webhook, source, CUSTOMER_REDACTED, request, {"rows": rows})
        )
        return "redacted"

    async def redact_shop(self, webhook: Webhook, source: Source, attempt: int) -> str:
        """Erase everything that is held of a shop that is no longer connected."""
        ground = self._ground
        if await settle_standing(ground, self._notifier, source, attempt) is Standing.STANDS:
            await ground.database.writing(lambda session: self._prove(session, webhook, source, SHOP_KEPT))
            return "kept: the shop is connected"
        now = ground.clock.now()
        if not await ground.database.writing(lambda session: _stop_run(session, source, now, self._notifier)):
            raise LookAgainError(_RUN_ENDS_SECONDS)
        warehouse = ground.warehouses.of(source.organization_id)
        async with organization_lease(ground, source.organization_id, patience=_LEASE_SECONDS) as lease:

            def fence() -> None:
                self._fence(lease)
                ground.database.in_read(partial(_still_gone, source=source))

            erased = await in_thread(
                lambda: warehouse.erase(source.id, source.provider, fence=fence, checkpoint=ground.checkpoint)
            )
        await ground.database.writing(partial(self._erased, webhook=webhook, source=source, rows=erased.rows))
        return "erased"

    def _erased(self, session: Session, webhook: Webhook, source: Source, rows: Mapping[str, int]) -> None:
        organizations.lock(session, source.organization_id)
        _still_gone(session, source)
        now = self._ground.clock.now()
        webhooks.forget_account(session, source.id, now)
        # Its data is gone, and with it the reason to be reminded that it gets older.
        back(session, source.id, Resolution.ERASED, now, self._notifier)
        self._prove(session, webhook, source, SHOP_REDACTED, detail={"rows": dict(rows)})

    def _fence(self, lease: Lease) -> None:
        self._ground.database.in_read(lambda session: must_hold(session, lease))

    def _prove(
        self,
        session: Session,
        webhook: Webhook,
        source: Source,
        action: str,
        request: PrivacyRequest | None = None,
        detail: Mapping[str, object] | None = None,
    ) -> None:
        """Write the audit entry: when it came, what was done, and a digest by which the person's request is found.

        Once for each event: what was proven before a crash is not proven again after it.
        """
        organizations.lock(session, source.organization_id)
        proven = audit.said_since(session, source.organization_id, action, source.id, webhook.at)
        if any(entry.detail.get("event") == webhook.event_id for entry in proven):
            return
        said: dict[str, object] = {"event": webhook.event_id, "received": webhook.at.isoformat(), **(detail or {})}
        if request is not None:
            said |= {"customer": customer_mark(source.account, request.customer_number), "orders": len(request.orders)}
        audit.record(session, source.organization_id, SYSTEM, action, source.id, self._ground.clock.now(), said)


def customer_mark(shop: str, number: str) -> str:
    """Return what the audit calls a customer: found again by who knows shop and number, and no name of anybody."""
    return derived_id("cst", shop, number)


def _stop_run(session: Session, source: Source, now: datetime, notifier: Notifier) -> bool:
    """Stop the source's run, so that it loads nothing of what is being erased; return whether none is left."""
    organizations.lock(session, source.organization_id)
    active = runs.active_of(session, [source.id]).get(source.id)
    if active is not None:
        cancel_run(session, active.id, now, notifier)
    return not runs.active_of(session, [source.id])


def _still_gone(session: Session, source: Source) -> None:
    """Refuse (LookAgainError) when the shop was connected again meanwhile, or a run of it began."""
    now = sources.source(session, source.id)
    if now.connection is not ConnectionState.DISCONNECTED or runs.active_of(session, [source.id]):
        raise LookAgainError(_RUN_ENDS_SECONDS)
