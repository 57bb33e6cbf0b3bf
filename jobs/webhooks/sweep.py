"""What was kept is acted on, whatever happened to its work, and remembered for as long as it may come again."""

from collections.abc import Awaitable, Callable
from datetime import timedelta
from functools import partial

import structlog

from jobs.asks import Enqueue
from jobs.webhooks.service import work_of
from storage.facts.clock import Clock
from storage.facts.webhooks import Webhook
from storage.records import webhooks
from storage.sessions import Database, Session

#: Shopify sends again for four hours, Intuit for days.
REMEMBERED = timedelta(days=30)
#: What is not settled by then is tried anew, each time that long after.
STRANDED = timedelta(hours=1)
#: Attempts of the sweep have numbers of their own, one for each hour, so that any number of sweeps make one.
_FIRST = 1_000_000

log = structlog.get_logger()


def webhook_sweep(database: Database, clock: Clock, enqueue: Enqueue) -> Callable[[], Awaitable[None]]:
    """Return the sweep over kept events."""

    def revive(session: Session, webhook: Webhook, hour: int) -> None:
        log.warning("webhook_waits_long", key=webhook.key, topic=webhook.topic)
        enqueue(session, work_of(webhook, attempt=_FIRST + hour))

    async def sweep() -> None:
        now = clock.now()
        hour = int(now.timestamp() // STRANDED.total_seconds())
        for webhook in await database.reading(lambda session: webhooks.unsettled(session, now - STRANDED)):
            await database.writing(partial(revive, webhook=webhook, hour=hour))
        await database.writing(lambda session: webhooks.forget_before(session, now - REMEMBERED))

    return sweep
