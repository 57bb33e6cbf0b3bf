"""A message in doubt is looked for less and less often while Slack is ill, and still within a minute of its recovery."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import product
from typing import Any, cast

import pytest

from jobs.deliver.again import Again
from jobs.deliver.handler import QUIET, DeliveryHandler
from jobs.deliver.posting import Posting, Settle
from jobs.deliver.results import Accepted
from jobs.deliver.slack import SlackSender
from jobs.notify.kinds import REFRESH_CARD, REFRESH_FINISHED
from jobs.work import Work
from sandbox.mail import MailSink
from sandbox.slack import SlackWorkspace, temerity_goods
from storage.facts.deliveries import Channel, Delivery
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.records import cards, deliveries
from storage.sessions import Database, Session
from tests.jobs.deliver.test_dead_places import Ground
from tests.jobs.incidents.troubled import Company

HOUR = timedelta(hours=1)


class Stubborn(Posting):
    """Twin: looks every five seconds, whatever the last looks came to."""

    async def after_doubt(self, delivery: Delivery, settle: Settle) -> Again | None:
        """Look, and forget how long that has been going on."""
        again = await super().after_doubt(delivery, settle)
        return Again(5.0) if again is not None else None


async def _never(*_: object, **__: object) -> None:
    pytest.fail("nobody can know what became of it")


@pytest.mark.parametrize(
    "kind, place, patient",
    [(Posting, "C0FINANCE", True), (Posting, "U0ADMIN", True), (Stubborn, "C0FINANCE", False)],
    ids=["channel", "person", "twin"],
)
async def test_looks_become_seldom(
    sqlite_database: Database, kind: type[Posting], place: str, *, patient: bool
) -> None:
    company = Company(sqlite_database)
    company.founded("acme", Provider.SHOPIFY)
    # Nothing listens there: every look is refused at once.
    sender = SlackSender("http://127.0.0.1:1/api/", _token, seconds=2)
    posting = kind(sqlite_database, company.clock, sender)

    def doubtful(session: Session) -> Iterator[Delivery]:
        for subject in ("rfr_1", "rfr_2"):
            delivery_id = deliveries.add(
                session, organization_id="org_acme", kind=REFRESH_FINISHED, subject=subject, channel=Channel.SLACK,
                destination=f"T0ACME/{place}", member_id=None, now=company.at, expires_at=company.at + HOUR,
            )  # fmt: skip
            assert delivery_id is not None
            assert deliveries.begin_attempt(session, delivery_id, 0, company.at)
            yield deliveries.delivery(session, delivery_id)

    began, looks = company.at, []
    for one in sqlite_database.in_write(lambda session: list(doubtful(session))):
        company.at, waits = began + timedelta(seconds=30), list[float]()
        while company.at < began + HOUR:
            again = await posting.after_doubt(one, _never)
            assert again is not None
            waits.append(again.seconds)
            company.at += timedelta(seconds=again.seconds)
        looks.append(waits)
    await sender.close()
    first, second = looks
    assert max(*first, *second) <= 60
    assert first[0] <= 15
    assert (len(first) < 90, first != second) == (patient, patient)


async def _token(_team_id: str) -> Secret | None:
    return Secret("xoxb-of-a-test")


class Waits(DeliveryHandler):
    """Twin: waits until the quiet period is over by the clock that was set back."""

    async def _reconciled(self, delivery: Delivery) -> Again | None:
        left = delivery.intent_at - self._clock.now() if delivery.intent_at else timedelta(0)
        return Again(left.total_seconds()) if left > timedelta(0) else await super()._reconciled(delivery)


@pytest.mark.parametrize("kind, waits", [(DeliveryHandler, False), (Waits, True)], ids=["handler", "twin"])
async def test_a_clock_that_was_set_back_leaves_no_message_in_doubt(
    sqlite_database: Database, kind: type[DeliveryHandler], *, waits: bool
) -> None:
    company = Company(sqlite_database)
    company.founded("acme", Provider.SHOPIFY)
    sender = SlackSender("http://127.0.0.1:1/api/", _token, seconds=2)
    looked = Looked(sqlite_database, company.clock, sender)
    handler = kind(
        sqlite_database, company.clock, _nothing, company.notifier, looked, cast("Any", None), may_act=lambda: True
    )

    def doubtful(session: Session) -> str:
        delivery_id = deliveries.add(
            session, organization_id="org_acme", kind=REFRESH_FINISHED, subject="rfr_1", channel=Channel.SLACK,
            destination="T0ACME/C0FINANCE", member_id=None, now=company.at, expires_at=company.at + 24 * HOUR,
        )  # fmt: skip
        assert delivery_id is not None
        assert deliveries.begin_attempt(session, delivery_id, 0, company.at + HOUR)
        return delivery_id

    one = sqlite_database.in_write(doubtful)
    first = await handler.attempt(one)
    assert first is not None
    # Never before the quiet period is over.
    assert not looked.looks
    assert (first.seconds > QUIET.total_seconds()) is waits
    company.at += QUIET
    await handler.attempt(one)
    await sender.close()
    assert bool(looked.looks) is not waits


class Looked(Posting):
    """Counts how often messages in doubt were looked for."""

    looks = 0

    async def after_doubt(self, delivery: Delivery, settle: Settle) -> Again | None:
        """Find nothing, yet."""
        _ = delivery, settle
        self.looks += 1
        return Again(1.0)


class ByOurClock(SlackSender):
    """Twin: what Slack has is looked for from the last attempt on, as our clock says when that was."""

    async def _call(self, team_id: str, method: str, arguments: dict[str, Any]) -> Any:
        if method in {"conversations.history", "conversations.replies"}:
            arguments = {**arguments, "oldest": f"{self.since.timestamp() - 60:.6f}"}
        return await super()._call(team_id, method, arguments)

    async def find(
        self, team_id: str, channel_id: str, delivery_id: str, since: datetime, thread_ts: str | None = None
    ) -> str | None:
        self.since = since
        return await super().find(team_id, channel_id, delivery_id, since, thread_ts)


class Forgets(Posting):
    """Twin: no attempt was before the last one."""

    async def after_doubt(self, delivery: Delivery, settle: Settle) -> Again | None:
        return await super().after_doubt(replace(delivery, attempts=1), settle)


#: By how many seconds our clock is ahead while it is posted, and later: four minutes all along; or an hour, and it is
#: set back while Tidings stands still for ten minutes.
AHEAD, SET_BACK = (240.0, 240.0), (3600.0, 600.0)


@pytest.mark.parametrize(
    "sender, posting, twice",
    [
        (SlackSender, Posting, set()),
        (ByOurClock, Posting, {(AHEAD, "channel"), (AHEAD, "thread")}),
        (SlackSender, Forgets, {(SET_BACK, "thread")}),
    ],
    ids=["posting", "by our clock", "forgets"],
)
async def test_a_clock_that_is_wrong_lets_no_message_be_sent_twice(
    sqlite_database: Database, sender: type[SlackSender], posting: type[Posting], twice: set[tuple[object, str]]
) -> None:
    async with SlackWorkspace(temerity_goods(), rates=False).serve() as slack:
        ground = Ground(sqlite_database, slack, MailSink(), sender=sender, posting=posting)
        found = set()
        for clock, place in product((AHEAD, SET_BACK), ("channel", "thread")):
            ground.clock.offset = timedelta(seconds=clock[0])
            one = ground.deliver(Channel.SLACK, "T0TEMERITY/C0FINANCE", later=0)
            if place == "thread":
                await _below_a_card(ground, one)
            slack.lie("chat.postMessage", "accept_reset", times=1)
            assert await ground.handler.attempt(one) is not None
            ground.clock.offset = timedelta(seconds=clock[1])
            while (again := await ground.handler.attempt(one)) is not None:
                ground.clock.advance(timedelta(seconds=again.seconds))
            if len(slack.journal.posts(key=one)) > 1:
                found.add((clock, place))
        await ground.sender.close()
        assert found == twice


async def _below_a_card(ground: Ground, delivery_id: str) -> None:
    """Let the delivery be one that is posted below a card."""
    delivery, now = ground.one(delivery_id), ground.clock.now()
    card = await ground.sender.post("T0TEMERITY", "C0FINANCE", {"text": "a card"}, "dlv_of_the_card")
    assert isinstance(card, Accepted)

    def write(session: Session) -> None:
        made = cards.add(
            session, organization_id="org_1", kind=REFRESH_CARD, subject=delivery.subject, team_id="T0TEMERITY",
            channel_id="C0FINANCE", delivery_id=delivery_id,
        )  # fmt: skip
        cards.posted(session, made, "C0FINANCE", card.external_id, None, now)

    ground.database.in_write(write)


def _nothing(session: Session, work: Work) -> object:
    pytest.fail(f"nothing is enqueued here, but {work} in {session}")
