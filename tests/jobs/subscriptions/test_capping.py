"""No flood, and nothing lost by that: beyond the cap all is told in one message; help and answers are never capped."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest

from jobs.notify.kinds import AGAIN, ESCALATION_CARD, ESCALATION_TOLD, EXPIRY_WARNING, KEEP_TRYING, OWNER_LEFT
from jobs.subscriptions.capping import BUNDLE, Caps, capped, next_turn
from jobs.subscriptions.holding import hold, release
from jobs.work import Work
from storage.facts.deliveries import Channel, Delivery, DeliveryState
from storage.facts.ids import new_id
from storage.facts.sources import Provider
from storage.records import deliveries, quiet
from storage.sessions import Database, Session
from storage.tables import RefreshPersonRow, RefreshRow
from tests.jobs.stage import QUICK, staged
from tests.jobs.subscriptions.test_holding import PLACE, Table
from tests.waiting import eventually

NOON = datetime(2026, 11, 21, 17, 4, tzinfo=UTC)
FLOOD, MOST = 200, 30
NEVER = (ESCALATION_CARD, ESCALATION_TOLD, AGAIN)
Judge = Callable[[Session, Delivery, datetime], object]


class Worker:
    """Sends what is asked for, as the delivery handler and the sweep do; the call to Slack is left out."""

    def __init__(self, table: Table, caps: Caps) -> None:
        self.table = table
        self.caps = caps
        self.sent: list[Delivery] = []

    def judge(self, session: Session, one: Delivery, now: datetime) -> bool:
        """Send it, or hold it; return whether it was sent."""
        over = capped(session, one, now, self.caps)
        return over is None or not hold(session, one, over.until, over.reason)

    def attempt(self, now: datetime, *ids: str) -> None:
        def work(session: Session) -> None:
            for one in [deliveries.delivery(session, one) for one in ids]:
                if one.state is DeliveryState.PENDING and self.judge(session, one, now):
                    deliveries.settle(session, one.id, DeliveryState.SENT, now=now, external_id=one.id)
                    self.sent.append(one)

        self.table.database.in_write(work)

    def later(self, now: datetime) -> None:
        """Do what the sweep does, and send what it asks for."""
        self.table.enqueued.clear()
        self.table.release(now)
        self.attempt(now, *(work.subject for work in self.table.enqueued))


class Swallows(Worker):
    """The bug: what is over the cap is left out, with a reason that nobody is told."""

    def judge(self, session: Session, one: Delivery, now: datetime) -> bool:
        if not super().judge(session, one, now):
            quiet.drop(session, one.id, "too many", now)
            return False
        return True


class CapsAll(Worker):
    """The bug: a call for help is a message like any other."""

    def judge(self, session: Session, one: Delivery, now: datetime) -> bool:
        return super().judge(session, replace(one, kind=OWNER_LEFT), now)


class NoCap(Worker):
    """The bug: everything is sent."""

    def judge(self, session: Session, one: Delivery, now: datetime) -> bool:
        return True


def wrongs(worker: Worker, place: str, count: int) -> set[str]:
    """Let a flood in, then half an hour pass; return what is wrong with what the reader was told."""
    table, found = worker.table, set()
    flood = [table.asked(OWNER_LEFT, place=place) for _ in range(count)]
    calls = [table.asked(kind, place=place) for kind in NEVER]
    worker.attempt(NOON, *(one.id for one in [*flood, *calls]))
    if any(table.now(one).state is not DeliveryState.SENT for one in calls):
        found.add("a call for help waited")
    at = next_turn(NOON)
    worker.later(at)
    worker.later(next_turn(at))
    told = [one for one in worker.sent if one.kind == OWNER_LEFT]
    bundles = [one for one in worker.sent if one.kind == BUNDLE]
    if len(told) > MOST or len(bundles) > 1:
        found.add("flood")
    named = {
        held
        for one in bundles
        for held in table.database.in_read(lambda session, one=one: deliveries.facts_of(session, one.id)["held"])  # type: ignore[misc]
    }
    for one in flood:
        now = table.now(one)
        said = now.state is DeliveryState.SKIPPED and one.id in named and bundles[0].id in (now.reason or "")
        if now.state is not DeliveryState.SENT and not said:
            found.add("lost")
    return found


@pytest.mark.parametrize(
    "worker, place, count, wrong",
    [
        (Worker, PLACE, FLOOD, set()),
        (Worker, "maya@temerity.example", MOST + 5, set()),
        (Worker, "T0TEMERITY/C0FINANCE", MOST + 5, set()),
        (Swallows, PLACE, MOST + 5, {"lost"}),
        (CapsAll, PLACE, MOST + 5, {"a call for help waited", "lost"}),
        (NoCap, PLACE, MOST + 5, {"flood"}),
    ],
)
def test_a_flood_is_so_many_messages_and_one_that_names_the_rest(
    sqlite_database: Database, worker: type[Worker], place: str, count: int, wrong: set[str]
) -> None:
    assert wrongs(worker(Table(sqlite_database, quiet_nights=False), Caps(reader=MOST)), place, count) == wrong


def test_all_of_a_company_together_are_capped_and_each_reader_gets_one(database: Database) -> None:
    table = Table(database, quiet_nights=False)
    worker = Worker(table, Caps(reader=MOST, company=5))
    places = [f"T0TEMERITY/C{number}" for number in range(3)]
    asked = [table.asked(OWNER_LEFT, place=place, own=False) for _ in range(4) for place in places]
    worker.attempt(NOON, *(one.id for one in asked))
    assert len(worker.sent) == 5
    held = table.now(asked[-1])
    assert (held.state, held.held_until) == (DeliveryState.HELD, NOON.replace(minute=15))
    assert "went out for the company" in (held.reason or "")
    for place in places:
        due = database.in_read(lambda session: quiet.due(session, NOON.replace(minute=15)))
        ones = [one for one in due if one.destination == place]
        database.in_write(partial(release, held=ones, enqueue=table.enqueue, now=NOON.replace(minute=15)))
    assert len(table.enqueued) == len(places)
    # An hour later nobody waits any more.
    worker.attempt(NOON, *(work.subject for work in table.enqueued))
    late = table.asked(OWNER_LEFT)
    worker.attempt(NOON + timedelta(hours=1, minutes=1), late.id)
    assert table.now(late).state is DeliveryState.SENT


def test_whoever_asked_is_answered_however_many_came(sqlite_database: Database) -> None:
    table = Table(sqlite_database, quiet_nights=False)

    def refresh(session: Session) -> str:
        refresh_id, maya = new_id("rfr"), table.maya.id
        session.add(
            RefreshRow(id=refresh_id, organization_id="org_1", requested_by=maya, requested_at=NOON, everything=True)
        )
        session.flush()
        session.add(RefreshPersonRow(refresh_id=refresh_id, member_id=maya, joined_at=NOON))
        return refresh_id

    asked = table.database.in_write(refresh)
    mine, other = (
        table.asked("refresh_finished", asked),
        table.asked("refresh_finished", asked, place="T0/C0", own=False),
    )

    def wait(one: Delivery) -> bool:
        return table.database.in_read(lambda session: capped(session, one, NOON, Caps(reader=0)) is not None)

    # Words while it goes on stand below a card, where somebody waits; they are nobody's own.
    beat = table.asked("refresh_beat", f"{asked}.p50", place="T0/C0", own=False)
    assert (wait(mine), wait(other), wait(beat)) == (False, True, False)


async def test_a_flood_as_slack_shows_it(sqlite_database: Database, tmp_path: Path) -> None:
    tuning = replace(QUICK, caps=Caps(reader=2))
    async with staged(sqlite_database, tmp_path, tuning=tuning) as stage:
        maya, now, source = stage.member(), stage.clock.now(), stage.source(Provider.SHOPIFY)

        def ask(session: Session, number: int) -> str:
            added = deliveries.add(
                session, organization_id=maya.organization_id, kind=EXPIRY_WARNING, subject=f"{source.id}.{number}",
                channel=Channel.SLACK, destination=f"{maya.team_id}/{maya.user_id}", member_id=maya.id, now=now,
                expires_at=now + KEEP_TRYING,
            )  # fmt: skip
            assert added is not None
            stage.jobs.engine.enqueue(session, Work("delivery", added, queue="notify"))
            return added

        def state(delivery_id: str) -> DeliveryState:
            return stage.database.in_read(lambda session: deliveries.delivery(session, delivery_id).state)

        for number in range(2):
            first = stage.database.in_write(partial(ask, number=number))
            await eventually(lambda first=first: state(first) is DeliveryState.SENT)  # type: ignore[misc]
        rest = [stage.database.in_write(partial(ask, number=number)) for number in range(2, 6)]
        await eventually(lambda: {state(one) for one in rest} == {DeliveryState.HELD})
        stage.clock.advance(timedelta(minutes=15))

        def summary() -> str | None:
            direct = stage.slack.core.world.direct(maya.user_id)
            seen = [message.everything for message in stage.slack.messages(direct.id)]
            return next((text for text in seen if "Many messages in one" in text), None)

        said = await eventually(summary)
        assert "4 messages are told in this one" in said
        bundle = said.partition("/data deliveries ")[2][:26]
        timeline = await stage.jobs.services.timelines.of(await stage.actor(), bundle)
        assert {one.delivery.id for one in timeline.told} == {bundle, *rest}
