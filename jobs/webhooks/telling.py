"""Support is told what a shop's customer wants, in its channel; without one the audit and the log say it."""

from collections.abc import Mapping
from datetime import datetime, timedelta

import structlog

from connectors.shopify.requests import PrivacyRequest
from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.notify.adding import add_message
from jobs.notify.notifier import Notifier
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.facts.sources import Source
from storage.facts.webhooks import Webhook
from storage.records import deliveries, organizations, sources
from storage.sessions import Session
from templates.notices.privacy import data_requested

DATA_REQUEST = "privacy_data_request"
#: By law and by Shopify's rules.
ANSWER_WITHIN = timedelta(days=30)
_KEEP_TRYING = timedelta(days=3)

log = structlog.get_logger()


def tell_support(
    session: Session,
    webhook: Webhook,
    source: Source,
    request: PrivacyRequest,
    notifier: Notifier,
    enqueue: Enqueue,
    now: datetime,
) -> bool:
    """Post to the support channel, once for each request; return whether there is one."""
    # The number of the customer is in the message and nowhere in the log.
    log.warning("privacy_data_requested", source=source.id, webhook=webhook.event_id)
    channel = notifier.support_channel_of(session, source.organization_id)
    if not channel:
        return False
    add_message(
        session,
        enqueue,
        organization_id=source.organization_id,
        kind=DATA_REQUEST,
        subject=f"{webhook.event_id}.{source.id}",
        destination=channel,
        now=now,
        keep_trying=_KEEP_TRYING,
        facts={
            "source": source.id,
            "customer": request.customer_number,
            "orders": len(request.orders),
            "received": webhook.at.isoformat(),
        },
    )
    return True


def privacy_words() -> Mapping[str, Words]:
    """Return the words of the kinds of delivery that are ours."""

    def requested(session: Session, delivery: Delivery, _now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        source = sources.source(session, str(facts["source"]))
        received = datetime.fromisoformat(str(facts["received"]))
        return data_requested(
            organization=organizations.organization(session, delivery.organization_id).name,
            shop=source.account,
            customer=str(facts["customer"]),
            orders=int(facts["orders"]),
            received=received,
            due=received + ANSWER_WITHIN,
        )

    return {DATA_REQUEST: requested}
