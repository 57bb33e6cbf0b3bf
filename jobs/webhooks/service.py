"""Taking events in: one short transaction that keeps them and enqueues what is to be done, and nothing else."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial

import structlog

from jobs.asks import Enqueue
from jobs.desk import Desk
from jobs.webhooks.topics import AGAIN, NOTED
from jobs.work import Work
from storage.bindings import of_webhook
from storage.facts.clock import Clock
from storage.facts.sources import Provider
from storage.facts.webhooks import Event, Webhook
from storage.records import webhooks
from storage.seal import Seal
from storage.sessions import Session

KIND = "webhook"
NOTED_OUTCOME = "noted: the timer reads it"
JOINED_OUTCOME = "joined: an earlier event waits for its read"

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Taken:
    """What became of the events of one body."""

    kept: int = 0
    #: came before
    again: int = 0
    #: about a shop or company that nobody here has connected
    unknown: int = 0


def work_of(webhook: Webhook, attempt: int = 1) -> Work:
    """Return the work that acts on an event."""
    return Work(KIND, webhook.key, attempt=attempt, queue="notify")


class WebhookService:
    """Keeps signed events. Whose they are is told by the shop or realm in them, never by the address they came to."""

    def __init__(self, desk: Desk, clock: Clock, seal: Seal, enqueue: Enqueue) -> None:
        self._desk = desk
        self._clock = clock
        self._seal = seal
        self._enqueue = enqueue

    async def take(self, provider: Provider, events: Sequence[Event]) -> Taken:
        """Keep what is new, in one transaction; UnavailableError: nothing was kept."""
        found = await self._desk.write(partial(self._keep, provider=provider, events=events)) if events else []
        taken = Taken(found.count("kept"), found.count("again"), found.count("unknown"))
        log.info("webhook_taken", provider=provider.value, kept=taken.kept, again=taken.again, unknown=taken.unknown)
        return taken

    def _keep(self, session: Session, provider: Provider, events: Sequence[Event]) -> list[str]:
        return [self._keep_one(session, provider, event) for event in events]

    def _keep_one(self, session: Session, provider: Provider, event: Event) -> str:
        if not webhooks.sources_named(session, provider, event.account):
            return "unknown"
        now = self._clock.now()
        outcome = self._outcome(session, provider, event)
        sealed = self._seal.close(event.body, *of_webhook(provider, event.id)) if event.body else None
        if not webhooks.add(session, provider, event, now, body=None if outcome else sealed, outcome=outcome):
            return "again"
        if outcome is None:
            self._enqueue(session, Work(KIND, f"{provider.value}/{event.id}", queue="notify"))
        return "kept"

    def _outcome(self, session: Session, provider: Provider, event: Event) -> str | None:
        """Return what is to be said at once of an event that needs no work of its own."""
        if event.topic in NOTED:
            return NOTED_OUTCOME
        # The one that waits starts its read after this moment, so that the read sees this change too.
        if event.topic in AGAIN and webhooks.one_waits(session, provider, event.account, AGAIN):
            return JOINED_OUTCOME
        return None
