"""Rights that nobody gave: who has a role, or access, that stands in the tables and in no entry of the audit.

Only somebody with the database can bring that about. It is said again in the log at each look until it is put right,
and once in the support channel.
"""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta

import structlog

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.notify.adding import add_message
from jobs.notify.notifier import Notifier
from storage.facts.clock import Clock
from storage.facts.deliveries import Delivery
from storage.facts.ids import derived_id
from storage.facts.messages import Message
from storage.records import authority, deliveries, organizations
from storage.sessions import Database, Session
from templates.notices.audit import right_without_audit

RIGHT_WITHOUT_AUDIT = "right_without_audit"
_KEEP_TRYING = timedelta(days=3)

log = structlog.get_logger()


def forgery_sweep(
    database: Database, clock: Clock, notifier: Notifier, enqueue: Enqueue
) -> Callable[[], Awaitable[None]]:
    """Return the sweep that compares who may do what with what the audit says."""

    async def look(organization_id: str, chain: str) -> None:
        found = await database.reading(lambda session: authority.unexplained(session, chain))
        if not found:
            return
        for right, value in found.items():
            log.warning("right_without_audit", organization=chain, right=right, stands=value or "gone")
        await database.writing(lambda session: _tell(session, organization_id, chain, found, notifier, enqueue, clock))

    async def sweep() -> None:
        known = await database.reading(organizations.ids)
        for organization_id in known:
            await look(organization_id, organization_id)
        if known:
            # The operator's people serve all organizations; the post needs one to belong to.
            await look(known[0], authority.OPERATOR)

    return sweep


def forgery_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def told(session: Session, delivery: Delivery, _now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        whose = "the support team"
        if facts["chain"] != authority.OPERATOR:
            whose = organizations.organization(session, delivery.organization_id).name
        return right_without_audit(whose, str(facts["right"]), str(facts["stands"]), delivery.created_at)

    return {RIGHT_WITHOUT_AUDIT: told}


def _tell(
    session: Session,
    organization_id: str,
    chain: str,
    found: Mapping[str, str | None],
    notifier: Notifier,
    enqueue: Enqueue,
    clock: Clock,
) -> None:
    channel = notifier.support_channel_of(session, organization_id)
    if not channel:
        return
    now = clock.now()
    for right, value in found.items():
        stands = value or "gone"
        add_message(
            session,
            enqueue,
            organization_id=organization_id,
            kind=RIGHT_WITHOUT_AUDIT,
            # What is written anew after it was put right is told anew only when it is something else.
            subject=derived_id("rgt", chain, right, stands),
            destination=channel,
            now=now,
            keep_trying=_KEEP_TRYING,
            facts={"chain": chain, "right": right, "stands": stands},
        )
