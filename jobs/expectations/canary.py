"""The daily test message: it goes the way of every message, and is only believed when it is seen at the other end."""

from collections.abc import Awaitable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from functools import partial
from typing import Protocol

import structlog

from jobs.asks import Enqueue
from jobs.deliver.posting import Words
from jobs.deliver.slack import CannotLookError, LookLaterError
from jobs.expectations.reporting import SupportPlaces, tell_support
from storage.facts.clock import Clock
from storage.facts.deliveries import Channel, Delivery
from storage.facts.expectations import Expectation, ExpectationKind, Expected
from storage.facts.messages import Message
from storage.records import deliveries, expectations, overdue
from storage.sessions import Database, Session
from templates.notices.canary import canary

CANARY = "canary"
#: It has to be seen by then; escalations and repeated attempts go before it.
SEEN_WITHIN = timedelta(minutes=10)
_FORGET_AFTER = timedelta(days=2)

log = structlog.get_logger()


class Find(Protocol):
    """Looks whether a message is in a Slack channel (see `SlackSender.find`)."""

    def __call__(self, team_id: str, channel_id: str, delivery_id: str, since: datetime) -> Awaitable[str | None]:
        """Return its ts; CannotLookError where nobody can tell, LookLaterError where Slack does not answer now."""
        ...


@dataclass(frozen=True, slots=True)
class Canary:
    """Sends one a day by every way there is, and looks for it."""

    database: Database
    clock: Clock
    enqueue: Enqueue
    places: SupportPlaces
    find: Find
    #: UTC; None: never
    at: time | None

    async def sweep(self) -> None:
        """Send what is due and look for what was sent."""
        if self.at is None:
            return
        now = self.clock.now()
        day = due_day(self.at, now)
        if not await self.database.reading(lambda session: expectations.any_of(session, ExpectationKind.CANARY, day)):
            await self.database.writing(partial(self._send, day=day, now=now))
        for one in await self.database.reading(lambda session: expectations.open_of(session, ExpectationKind.CANARY)):
            if now - one.due_at > _FORGET_AFTER:
                await self.database.writing(partial(expectations.void, expectation_id=one.id, now=now))
            elif await self.seen(one):
                await self.database.writing(partial(self._met, one=one))

    async def seen(self, one: Expectation) -> bool:
        """Whether it arrived: Slack shows it when it is asked, the mail server took the text."""
        if not await self.database.reading(partial(overdue.is_confirmed, delivery_id=one.subject)):
            return False
        sent = await self.database.reading(partial(deliveries.delivery, delivery_id=one.subject))
        if sent.channel is not Channel.SLACK:
            # Further than that nobody can look; who reads the mailbox sees the rest.
            return True
        try:
            team_id, channel_id = sent.destination.split("/")
            return await self.find(team_id, channel_id, sent.id, sent.created_at) is not None
        except CannotLookError:
            # Tidings may not read there: Slack's own ts has to do.
            return True
        except LookLaterError as error:
            log.info("canary_not_looked_for", reason=str(error))
            return False

    def _send(self, session: Session, day: str, now: datetime) -> None:
        for channel, place in self.places.ways():
            for delivery_id in tell_support(session, self.enqueue, [(channel, place)], CANARY, day, now):
                wanted = Expected(ExpectationKind.CANARY, delivery_id, day, due_at=now, alarm_at=now + SEEN_WITHIN)
                expectations.expect(session, wanted)

    def _met(self, session: Session, one: Expectation) -> None:
        expectations.meet(session, one.kind, one.subject, one.due_at, self.clock.now())


def due_day(at: time, now: datetime) -> str:
    """Return the day whose test message is the newest that is due."""
    today = datetime.combine(now.astimezone(UTC).date(), at, UTC)
    return (today if today <= now else today - timedelta(days=1)).date().isoformat()


def canary_words() -> Mapping[str, Words]:
    """Return the words of our kind of delivery."""

    def words(session: Session, delivery: Delivery, now: datetime) -> Message:
        missed = expectations.count_missed(session, now - timedelta(days=1))
        return canary(by_mail=delivery.channel is Channel.EMAIL, missed=missed)

    return {CANARY: words}
