"""Cards that change all the time take turns: each is edited as often as the others, and none stands still."""

from collections import Counter
from collections.abc import Mapping
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest

from jobs.deliver.cards import EDITS_PER_MINUTE, CardEditor
from jobs.deliver.results import Accepted, Result
from jobs.deliver.slack import SlackSender
from jobs.notify.kinds import REFRESH_CARD
from storage.facts.deliveries import Channel
from storage.facts.messages import Message
from storage.facts.sources import Provider
from storage.records import buckets, cards, deliveries
from storage.records.cards import Card
from storage.sessions import Database, Session
from templates.notices.answers import tell
from templates.slack import Rung
from tests.jobs.incidents.troubled import Company

TEAM = "T0TEMERITY"


class Sender(SlackSender):
    """Takes every edit, and counts those of each message."""

    def __init__(self) -> None:
        self.edits: Counter[str] = Counter()

    async def edit(self, team_id: str, channel_id: str, ts: str, message: Mapping[str, Any]) -> Result:
        """Take it."""
        assert (team_id, channel_id) == (TEAM, "C0FINANCE")
        assert message["text"]
        self.edits[ts] += 1
        return Accepted(ts, channel_id)


class Changing(CardEditor):
    """Every card says something else at each look."""

    def _words(self, session: Session, card: Card, now: datetime) -> tuple[Message, bool, Rung]:
        assert session.is_active
        return tell(f"{card.subject} at {now}"), False, Rung.DATA_TABLE


class Rebooks(Changing):
    """Twin: whoever comes for the turn that it was given books another one."""

    def _turn(self, session: Session, card: Card, now: datetime) -> timedelta:
        self._turns.clear()
        return super()._turn(session, card, now)


def _posted(session: Session, name: str, now: datetime) -> None:
    delivery_id = deliveries.add(
        session, organization_id="org_acme", kind=REFRESH_CARD, subject=name, channel=Channel.SLACK,
        destination=f"{TEAM}/C0FINANCE", member_id=None, now=now, expires_at=now + timedelta(hours=1),
    )  # fmt: skip
    assert delivery_id is not None
    card_id = cards.add(
        session, organization_id="org_acme", kind=REFRESH_CARD, subject=name, team_id=TEAM, channel_id="C0FINANCE",
        delivery_id=delivery_id,
    )  # fmt: skip
    cards.posted(session, card_id, "C0FINANCE", name, "as it was posted", now)


@pytest.mark.parametrize("kind", [Changing, Rebooks])
async def test_none_stands_still(sqlite_database: Database, kind: type[CardEditor]) -> None:
    company, sender, rate = Company(sqlite_database), Sender(), EDITS_PER_MINUTE / 60
    company.founded("acme", Provider.SHOPIFY)

    def begin(session: Session) -> None:
        for number in range(5):
            _posted(session, f"rfr_{number}", company.at)
        # The room of a minute is used up.
        name = f"slack-edits:{TEAM}"
        buckets.reserve(session, name, per_second=rate, burst=EDITS_PER_MINUTE, cost=EDITS_PER_MINUTE, now=company.at)

    sqlite_database.in_write(begin)
    editor = kind(sqlite_database, company.clock, sender, may_act=lambda: True)
    for _ in range(60):
        company.at += timedelta(seconds=1)
        await editor.sweep()
    # Of the forty edits of a minute each has its part.
    told = [sender.edits[f"rfr_{number}"] for number in range(5)]
    assert (min(told) >= 5 and sum(told) <= EDITS_PER_MINUTE) is (kind is Changing)


class Remembers(Changing):
    """Twin: turns that were given by another clock stand."""

    async def sweep(self) -> None:
        self._seen = self._clock.now()
        await super().sweep()


@pytest.mark.parametrize("kind", [Changing, Remembers])
async def test_a_turn_by_a_clock_that_was_set_back_is_none(sqlite_database: Database, kind: type[CardEditor]) -> None:
    company, sender = Company(sqlite_database), Sender()
    company.founded("acme", Provider.SHOPIFY)
    editor = kind(sqlite_database, company.clock, sender, may_act=lambda: True)

    def others_booked(session: Session, number: int) -> None:
        name, rate = f"slack-edits:{TEAM}", EDITS_PER_MINUTE / 60
        buckets.reserve(session, name, per_second=rate, burst=EDITS_PER_MINUTE, cost=number, now=company.at)

    sqlite_database.in_write(partial(_posted, name="rfr_1", now=company.at))
    sqlite_database.in_write(lambda session: others_booked(session, 200))
    company.at += timedelta(seconds=10)
    await editor.sweep()
    assert not sender.edits
    company.at -= timedelta(hours=1)
    # Nobody waits any more, and something of the card moved.
    sqlite_database.in_write(lambda session: others_booked(session, -200))
    sqlite_database.in_write(lambda session: cards.wake(session, ["rfr_1"], company.at))
    await editor.sweep()
    assert (sender.edits["rfr_1"] == 1) is (kind is Changing)
