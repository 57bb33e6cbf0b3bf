"""Tells every admin, by direct message and mail, that nothing is sent to one of their addresses any more."""

from collections.abc import Mapping
from datetime import datetime

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.notify.adding import add_message
from storage.facts.deliveries import Channel, Delivery
from storage.facts.messages import Message
from storage.facts.outgoing import Endpoint
from storage.records import deliveries, organizations
from storage.sessions import Session
from templates.notices.hooks import endpoint_stopped

ENDPOINT_STOPPED = "endpoint_stopped"


def tell_stopped(session: Session, endpoint: Endpoint, enqueue: Enqueue, now: datetime) -> None:
    """Tell each admin once for each time that it was stopped."""
    subject = f"{endpoint.id}.{int(now.timestamp())}"
    facts = {"url": endpoint.url, "because": endpoint.stopped_because}
    for admin in organizations.admins(session, endpoint.organization_id):
        ways = {Channel.SLACK: f"{admin.team_id}/{admin.user_id}"}
        if admin.email_confirmed and admin.email:
            ways[Channel.EMAIL] = admin.email
        for channel, destination in ways.items():
            add_message(
                session,
                enqueue,
                organization_id=endpoint.organization_id,
                kind=ENDPOINT_STOPPED,
                subject=subject,
                channel=channel,
                destination=destination,
                member_id=admin.id,
                now=now,
                facts=facts,
            )


def outgoing_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours, for both channels."""

    def stopped(session: Session, delivery: Delivery, _now: datetime) -> Message:
        facts = deliveries.facts_of(session, delivery.id)
        organization = organizations.organization(session, delivery.organization_id)
        endpoint_id = delivery.subject.partition(".")[0]
        return endpoint_stopped(
            organization.name, endpoint_id, str(facts["url"]), str(facts["because"]), delivery.created_at
        )

    return {ENDPOINT_STOPPED: stopped}
