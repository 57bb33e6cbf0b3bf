"""Metrics in channels: once a week, one message for each channel, by one worker; late where Tidings stood still."""

from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime, timedelta
from functools import partial

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.metrics.standing import shown_of
from jobs.notify.adding import add_message
from jobs.subscriptions.local import local_day, reached, zone_of
from storage.facts.clock import Clock
from storage.facts.deliveries import Delivery
from storage.facts.ids import derived_id
from storage.facts.messages import Message
from storage.facts.metrics import NINE_ON_MONDAYS, Metric, PostTime, Shown
from storage.records import deliveries, metric_posts, metrics, organizations
from storage.records.metric_posts import MetricPost
from storage.sessions import Database, Session
from templates.notices.metrics_week import MetricsWeek, by_standing, metrics_week

EVERY = 30.0
WEEKLY = "metrics_weekly"
_DAY = timedelta(days=1)
_WEEK = timedelta(weeks=1)
_NOT_ALLOWED = "no admin allows Tidings to speak in that channel any more"
#: values of each metric: a year of months and the one that is not over
_VALUES = 13
#: later than that a post says so
_LATE = timedelta(hours=1)


def weekly_sweep(database: Database, clock: Clock, enqueue: Enqueue) -> Callable[[], Awaitable[None]]:
    """Return the sweep that posts what is due."""

    async def sweep() -> None:
        now = clock.now()
        for post in await database.reading(lambda session: metric_posts.due(session, now)):
            await database.writing(partial(tell, post=post, enqueue=enqueue, now=now))

    return sweep


def next_post(zone_name: str, now: datetime, when: PostTime = NINE_ON_MONDAYS) -> datetime:
    """Return when the wall clock there first shows that day and time after that instant."""
    zone = zone_of(zone_name)
    day = local_day(zone_name, now)
    while day.weekday() != when.weekday or reached(day, when.at, zone) <= now:
        day += _DAY
    return reached(day, when.at, zone)


def tell(session: Session, *, post: MetricPost, enqueue: Enqueue, now: datetime) -> None:
    """Post the metrics of a channel that are due: once for its day, whoever else tries, whenever this stops.

    One that was missed is posted once, late; of several the last one alone.
    """
    organizations.lock(session, post.organization_id)
    if not metric_posts.metrics_at(session, post.organization_id, post.place):
        metric_posts.forget(session, post.place)
        return
    zone = organizations.organization(session, post.organization_id).timezone
    if not metric_posts.claim(session, post, next_post(zone, now, post.when)) or not post.planned or post.due_at > now:
        return
    team_id, channel_id = post.place.split("/")
    allowed = (team_id, channel_id) in organizations.allowed_channels(session, post.organization_id)
    add_message(
        session,
        enqueue,
        organization_id=post.organization_id,
        kind=WEEKLY,
        subject=f"{derived_id('mwk', post.place)}.{post.due_at.astimezone(zone_of(zone)):%Y-%m-%d.%H%M}",
        destination=post.place,
        now=now,
        skip_reason=None if allowed else _NOT_ALLOWED,
        facts={"due": post.due_at.isoformat()},
    )


def weekly_words() -> Mapping[str, Words]:
    """Return the words of the kind of delivery that is ours: how the metrics stand when it is sent."""

    def told(session: Session, delivery: Delivery, now: datetime) -> Message:
        due = datetime.fromisoformat(str(deliveries.facts_of(session, delivery.id)["due"]))
        found = metric_posts.metrics_at(session, delivery.organization_id, delivery.destination)
        organization = organizations.organization(session, delivery.organization_id)
        shown = with_values(session, found, now)
        late = due if now - due > _LATE else None
        post = metric_posts.find(session, delivery.destination)
        when = post.when if post is not None else NINE_ON_MONDAYS
        week = MetricsWeek(organization.name, organization.timezone, tuple(shown), late, due - _WEEK, when)
        return metrics_week(week, now)

    return {WEEKLY: told}


def with_values(session: Session, found: list[Metric], now: datetime, most: int | None = None) -> list[Shown]:
    """Return metrics as they stand, each with its last values; `most`: only those with values that come first."""
    if most is not None and len(found) > most:
        # Each of a hundred people's digests would look up the values of a thousand that are only counted there.
        first = {one.metric.id for one in by_standing(shown_of(session, found, {}, now))[:most]}
    else:
        first = {one.id for one in found}
    values = {one: tuple(metrics.newest_values(session, one, _VALUES)) for one in first}
    return shown_of(session, found, values, now)
