"""The worker's side of an event: act on it, say what was done, or come back later. Twice does no more than once."""

from datetime import timedelta
from functools import partial

import structlog

from connectors.errors import Retry
from connectors.shopify.events import DATA_REQUEST, PRIVATE, REDACT_CUSTOMER, REDACT_SHOP, UNINSTALLED
from connectors.shopify.requests import request_of
from jobs.asks import Enqueue
from jobs.engine import WorkContext
from jobs.ground import Ground
from jobs.notify.notifier import Notifier
from jobs.webhooks.privacy import Privacy
from jobs.webhooks.rereading import reread
from jobs.webhooks.service import KIND
from jobs.webhooks.standing import LookAgainError, Standing, settle_standing
from jobs.webhooks.topics import AGAIN
from jobs.work import Work
from storage.bindings import of_webhook
from storage.facts.sources import Provider, Source
from storage.facts.webhooks import Webhook
from storage.records import organizations, webhooks
from storage.sessions import DatabaseBusyError, Session
from storage.warehouse import WarehouseError

_BUSY_SECONDS = 30.0
_LONGEST = timedelta(hours=1)

log = structlog.get_logger()


class WebhookHandler:
    """Acts on one event at a time."""

    def __init__(self, ground: Ground, notifier: Notifier, enqueue: Enqueue) -> None:
        self._ground = ground
        self._notifier = notifier
        self._enqueue = enqueue
        self._privacy = Privacy(ground, notifier, enqueue)

    async def handle(self, work: WorkContext) -> None:
        """Act; what cannot be done now is enqueued again."""
        seconds = await work.step("act", self._act, work.subject, work.attempt)
        if seconds is not None:
            await work.step("again", self._again, work.subject, work.attempt, seconds)

    async def _act(self, key: str, attempt: int) -> float | None:
        """Return the seconds after which to come back; None when the event is settled."""
        webhook = await self._ground.database.reading(partial(_find, key=key))
        if webhook is None or webhook.settled_at is not None:
            return None
        try:
            outcome = await self._done(webhook, attempt)
        except LookAgainError as later:
            return later.seconds
        except (Retry, WarehouseError, DatabaseBusyError) as error:
            log.warning("webhook_not_done", key=key, attempt=attempt, reason=type(error).__name__, error=str(error))
            return min(_BUSY_SECONDS * attempt, _LONGEST.total_seconds())
        self._ground.checkpoint("webhook.acted")
        now = self._ground.clock.now()
        await self._ground.database.writing(lambda session: webhooks.settle(session, webhook, outcome, now))
        log.info("webhook_done", key=key, topic=webhook.topic, outcome=outcome)
        return None

    async def _done(self, webhook: Webhook, attempt: int) -> str:
        ground = self._ground
        found = await ground.database.reading(
            lambda session: webhooks.sources_named(session, webhook.provider, webhook.account)
        )
        done = [await self._done_for(webhook, source, attempt) for source in found]
        return "; ".join(dict.fromkeys(done)) or "nobody's"

    async def _done_for(self, webhook: Webhook, source: Source, attempt: int) -> str:
        """Do what the event asks for one source; each way is safe to repeat."""
        if webhook.topic in AGAIN:
            return await self._read_again(webhook, source)
        if webhook.topic == UNINSTALLED:
            standing = await settle_standing(self._ground, self._notifier, source, attempt)
            return "disconnected" if standing is Standing.GONE else "the grant still stands"
        if webhook.topic == REDACT_SHOP:
            return await self._privacy.redact_shop(webhook, source, attempt)
        request = request_of(self._opened(webhook), PRIVATE[webhook.topic])
        if webhook.topic == REDACT_CUSTOMER:
            return await self._privacy.redact_customer(webhook, source, request)
        assert webhook.topic == DATA_REQUEST
        return await self._ground.database.writing(
            lambda session: self._privacy.hand_over(session, webhook, source, request)
        )

    async def _read_again(self, webhook: Webhook, source: Source) -> str:
        def work(session: Session) -> str | timedelta:
            organizations.lock(session, source.organization_id)
            return reread(session, webhook, source, self._ground.clock.now(), self._enqueue)

        found = await self._ground.database.writing(work)
        if isinstance(found, timedelta):
            raise LookAgainError(found.total_seconds())
        return found

    def _opened(self, webhook: Webhook) -> str:
        return self._ground.seal.open(webhook.body or b"", *of_webhook(webhook.provider, webhook.event_id))

    async def _again(self, key: str, attempt: int, seconds: float) -> None:
        work = Work(KIND, key, attempt=attempt + 1, queue="notify", delay=timedelta(seconds=seconds))
        await self._ground.database.writing(lambda session: self._enqueue(session, work))


def _find(session: Session, key: str) -> Webhook | None:
    provider, _, event_id = key.partition("/")
    return webhooks.find(session, Provider(provider), event_id)
