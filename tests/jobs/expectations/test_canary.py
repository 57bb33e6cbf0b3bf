"""The daily test message is believed when it is seen at the other end; else the other way says so."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, time, timedelta

import pytest

from jobs.deliver.slack import CannotLookError
from jobs.expectations.canary import Canary, canary_words, due_day
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.expectations import Expectation, ExpectationKind, ExpectationState
from storage.records import deliveries, expectations
from storage.sessions import Database, Session
from templates import slack
from tests.jobs.expectations.ground import PLACES, Ground

EIGHT = time(8)


@dataclass
class Channels:
    """Slack's history as the canary sees it."""

    shown: set[str] = field(default_factory=set)
    readable: bool = True

    async def find(self, team_id: str, channel_id: str, delivery_id: str, since: datetime) -> str | None:
        """Look for a message."""
        assert (team_id, channel_id) == ("T0SUPPORT", "C0DATASUP")
        assert since.tzinfo is not None
        if not self.readable:
            raise CannotLookError("conversations.history: missing_scope")
        return "1764000000.000100" if delivery_id in self.shown else None


class Trusting(Canary):
    """Twin: what is in the outbox will arrive."""

    async def seen(self, one: Expectation) -> bool:
        """Believe it."""
        return bool(one.subject)


def begun(database: Database, kind: type[Canary] = Canary) -> tuple[Ground, Channels, Canary]:
    """Return a ground, Slack's history and the canary over them."""
    ground, channels = Ground(database), Channels()
    return ground, channels, kind(database, ground.clock, ground.enqueue, PLACES, channels.find, EIGHT)


def sent(ground: Ground, channel: Channel) -> str:
    """Let the outbox say that the message of that channel was sent; return its id."""

    def read(session: Session) -> str:
        subjects = [one.subject for one in expectations.open_of(session, ExpectationKind.CANARY)]
        return next(one for one in subjects if deliveries.delivery(session, one).channel is channel)

    subject = ground.database.in_read(read)
    ground.database.in_write(
        lambda session: (
            deliveries.begin_attempt(session, subject, 0, ground.clock.now())
            and deliveries.settle(session, subject, DeliveryState.SENT, now=ground.clock.now(), external_id="1764.1")
        )
    )
    return subject


def rows(ground: Ground) -> list[Expectation]:
    """Return the test messages that are waited for."""
    return ground.database.in_read(lambda session: expectations.open_of(session, ExpectationKind.CANARY))


@pytest.mark.parametrize("kind, alarms", [(Canary, True), (Trusting, False)], ids=["product", "twin"])
async def test_what_is_only_in_the_outbox_alarms(
    sqlite_database: Database, kind: type[Canary], *, alarms: bool
) -> None:
    ground, channels, canary = begun(sqlite_database, kind)
    await canary.sweep()
    assert len(rows(ground)) == (2 if alarms else 0)
    ledger = ground.ledger()
    if alarms:
        # The mail was taken; Slack said ok, and shows nothing.
        sent(ground, Channel.EMAIL)
        subject = sent(ground, Channel.SLACK)
    for _ in range(24):
        ground.clock.advance(timedelta(seconds=30))
        await canary.sweep()
        ledger.tick()
    assert [one.channel for one in ground.told()] == (["slack", "email"] if alarms else [])
    if alarms:
        assert "test message was not confirmed" in ground.words(ground.told()[0])
        channels.shown.add(subject)
        await canary.sweep()
        ground.clock.advance(timedelta(seconds=40))
        ledger.tick()
        assert len(ground.told()) == 4


@pytest.mark.parametrize("readable", [True, False])
async def test_what_is_seen_is_quiet_and_comes_once_a_day(sqlite_database: Database, *, readable: bool) -> None:
    ground, channels, canary = begun(sqlite_database)
    for _ in range(2):
        await canary.sweep()
    assert len(ground.works) == 2
    channels.readable = readable
    sent(ground, Channel.EMAIL)
    channels.shown.add(sent(ground, Channel.SLACK))
    await canary.sweep()
    assert rows(ground) == []
    ground.clock.advance(timedelta(days=1))
    await canary.sweep()
    assert len(ground.works) == 4
    with sqlite_database.read() as session:
        first = [expectations.of_subject(session, ExpectationKind.CANARY, work.subject) for work in ground.works[:2]]
    assert [one.state for found in first for one in found] == [ExpectationState.MET] * 2


async def test_its_words_say_what_was_missed(sqlite_database: Database) -> None:
    assert due_day(EIGHT, datetime(2026, 11, 23, 7, 59, tzinfo=UTC)) == "2026-11-22"
    assert due_day(EIGHT, datetime(2026, 11, 23, 8, tzinfo=UTC)) == "2026-11-23"
    ground, _, canary = begun(sqlite_database)
    await canary.sweep()
    work = ground.works[0]

    def words() -> str:
        with sqlite_database.read() as session:
            delivery = deliveries.delivery(session, work.subject)
            message = canary_words()[delivery.kind](session, delivery, ground.clock.now())
        return str(slack.render(message, team_id="T0SUPPORT")["text"])

    assert words() == "Daily test: messages of Tidings arrive here. In the last 24 hours nothing was missed."
