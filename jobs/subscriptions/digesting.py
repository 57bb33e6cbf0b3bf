"""Digests: told once a day at a local time, by one worker, and not at all when there is nothing to tell."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, time
from functools import partial

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.metrics.weekly import with_values
from jobs.notify.adding import add_message
from jobs.status import statuses
from jobs.subscriptions.local import local_day, next_due
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery
from storage.facts.digests import Happened
from storage.facts.messages import Message
from storage.facts.metrics import Shown
from storage.facts.quiet import Digest, Rhythm
from storage.records import deliveries, digests, exchange, metric_posts, organizations, sources
from storage.sessions import Database, Session
from templates.notices.digest import digest as said
from templates.notices.metrics_week import MOST

EVERY = 15.0
DIGEST = "digest"
_NOTHING = "nothing happened, and all is well"
_PLAIN = (Rhythm(time()), frozenset[Channel]())
_NO_ADDRESS = "no confirmed e-mail address"


def digest_sweep(database: Database, clock: Clock, enqueue: Enqueue) -> Callable[[], Awaitable[None]]:
    """Return the sweep that tells what is due."""

    async def sweep() -> None:
        now = clock.now()
        for one in await database.reading(lambda session: digests.due(session, now)):
            await database.writing(partial(tell, one=one, enqueue=enqueue, now=now))

    return sweep


def tell(session: Session, *, one: Digest, enqueue: Enqueue, now: datetime) -> None:
    """Tell a digest that is due: once for its local day, whoever else tries, whenever this stops."""
    if not _wanted(session, one):
        digests.forget(session, one.id)
        return
    zone = zone_of_reader(session, one)
    following, _ = next_due(one.rhythm, zone, now)
    if not digests.claim(session, one, following):
        return
    reason = _NOTHING if happened(session, one, one.told_until, now).nothing else None
    subject = f"{one.id}.{local_day(zone, one.due_at).isoformat()}"
    added = [_add(session, one, subject, way, reason, enqueue, now) for way in sorted(one.ways)]
    if any(added):
        # What happened after a digest of the same day is told with the next one.
        digests.told(session, one.id, now)


def digest_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours."""

    def told(session: Session, delivery: Delivery, now: datetime) -> Message:
        one = digests.find(session, delivery.subject.partition(".")[0])
        facts = deliveries.facts_of(session, delivery.id)
        since = datetime.fromisoformat(str(facts["since"]))
        if one is None:
            one = Digest("", delivery.organization_id, delivery.member_id, delivery.destination, *_PLAIN, now, now)
        return said(happened(session, one, since, now), now, channel=one.member_id is None)

    return {DIGEST: told}


def happened(session: Session, one: Digest, since: datetime, now: datetime) -> Happened:
    """Return what happened since then to the sources of the reader's company, and how they stand."""
    found = sources.sources_of(session, one.organization_id)
    ids = [source.id for source in found]
    return Happened(
        organization=organizations.organization(session, one.organization_id).name,
        since=since,
        statuses=tuple(statuses(session, found, now, budget=0)),
        ended=tuple(digests.ended(session, ids, since)),
        incidents=tuple(digests.incidents(session, ids, since)),
        undelivered=digests.undelivered(session, one, since),
        metrics=tuple(_metrics_of(session, one, now)),
        exchanged=tuple(exchange.endings(session, one.organization_id, since)),
    )


def _metrics_of(session: Session, one: Digest, now: datetime) -> list[Shown]:
    """Return the metrics that are posted in channels, for a person's digest of a Monday; channels have their post."""
    if one.member_id is None or local_day(zone_of_reader(session, one), now).weekday():
        return []
    return with_values(session, metric_posts.posted(session, one.organization_id), now, MOST)


def zone_of_reader(session: Session, one: Digest) -> str:
    """Return the zone whose clock counts: the person's, or a channel's company's."""
    if one.member_id is not None:
        return organizations.member(session, one.member_id).timezone
    return organizations.organization(session, one.organization_id).timezone


def _wanted(session: Session, one: Digest) -> bool:
    """Whether there is still somebody to tell: a member, or a channel that an admin allows."""
    if one.member_id is not None:
        return organizations.still_member(session, one.member_id) is not None
    team_id, channel_id = one.place.split("/")
    return (team_id, channel_id) in organizations.allowed_channels(session, one.organization_id)


def _add(
    session: Session, one: Digest, subject: str, way: Channel, reason: str | None, enqueue: Enqueue, now: datetime
) -> str | None:
    destination = one.place
    if way is Channel.EMAIL and one.member_id is not None:
        person = organizations.member(session, one.member_id)
        address = person.email if person.email_confirmed else None
        destination = address or f"member:{person.id}"
        reason = reason or (None if address else _NO_ADDRESS)
    return add_message(
        session,
        enqueue,
        organization_id=one.organization_id,
        kind=DIGEST,
        subject=subject,
        channel=way,
        destination=destination,
        member_id=one.member_id,
        now=now,
        skip_reason=reason,
        facts={"since": one.told_until.isoformat()},
    )
