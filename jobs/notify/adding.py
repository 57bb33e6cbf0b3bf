"""One message more that is to be sent: written down with what happened, and taken up once that is committed."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from jobs.asks import Enqueue
from jobs.notify.kinds import KEEP_TRYING
from jobs.work import Work
from storage.facts.deliveries import Channel
from storage.records import deliveries
from storage.sessions import Session


def add_message(
    session: Session,
    enqueue: Enqueue,
    *,
    organization_id: str,
    kind: str,
    subject: str,
    destination: str,
    now: datetime,
    channel: Channel = Channel.SLACK,
    member_id: str | None = None,
    facts: Mapping[str, object] | None = None,
    keep_trying: timedelta = KEEP_TRYING,
    skip_reason: str | None = None,
) -> str | None:
    """Write it down once for one place; return its id, or None where it was written down before.

    What is skipped is kept with its reason, and never sent.
    """
    delivery_id = deliveries.add(
        session,
        organization_id=organization_id,
        kind=kind,
        subject=subject,
        channel=channel,
        destination=destination,
        member_id=member_id,
        now=now,
        expires_at=now + keep_trying,
        skip_reason=skip_reason,
        facts=facts,
    )
    if delivery_id is not None and skip_reason is None:
        enqueue(session, Work("delivery", delivery_id, queue="notify"))
    return delivery_id
