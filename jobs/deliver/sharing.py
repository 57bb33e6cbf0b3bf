"""The turns of a channel that several processes share: each posts only when all of them together may.

Every process gives its own deliveries their turns (`jobs.deliver.pacing`); here what they post together is counted, in
the transaction that writes the intent down, so that it costs no further one. Whoever comes too early has used no
attempt and no turn: it comes back when there is one.
"""

from datetime import datetime

from jobs.deliver.pacing import CHANNEL_BURST, CHANNEL_EVERY
from storage.facts.deliveries import Channel, Delivery
from storage.facts.ids import derived_id
from storage.records import buckets
from storage.sessions import Session


def too_early(session: Session, delivery: Delivery, now: datetime, *, urgent: bool) -> float:
    """Take a turn of the delivery's channel, or return after how many seconds there is one.

    What goes before everything else takes its turn although there is none; the others wait for it.
    """
    if delivery.channel is not Channel.SLACK:
        return 0.0
    # A direct message's place names a person: what is kept does not.
    name = derived_id("slk", delivery.destination)
    if urgent:
        buckets.reserve(session, name, per_second=1 / CHANNEL_EVERY, burst=CHANNEL_BURST, cost=1, now=now)
        return 0.0
    return buckets.take(session, name, per_second=1 / CHANNEL_EVERY, burst=CHANNEL_BURST, now=now)
