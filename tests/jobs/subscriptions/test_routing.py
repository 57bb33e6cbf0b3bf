"""Who is told: those who always were, as they chose; whoever asked to be; and never nobody when something is wrong."""

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from jobs.notify.kinds import INCIDENT_CARD, INCIDENT_MAIL, RUN_READY
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import TriggerKey
from jobs.subscriptions.routing import Recipient, recipients, ways_of
from jobs.subscriptions.telling import run_ready
from storage.facts.deliveries import Channel, DeliveryState
from storage.facts.ids import new_id
from storage.facts.incidents import IncidentKind
from storage.facts.people import Action, Member
from storage.facts.runs import Trigger
from storage.facts.sources import Provider
from storage.facts.subscriptions import BOTH, OFF, Choice, Topic, Ways
from storage.records import audit, deliveries, incidents, members, runs, subscriptions
from storage.sessions import Database, Session
from tests.jobs.stage import Stage, staged

AT = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
SLACK, MAIL = frozenset({Channel.SLACK}), frozenset({Channel.EMAIL})


def chose(source_id: str | None, ways: Ways) -> Choice:
    return Choice(source_id, Topic.READY, ways, AT)


@pytest.mark.parametrize(
    "choices, about, default, told",
    [
        ([], ["a"], BOTH, BOTH),
        ([], ["a"], OFF, OFF),
        ([chose(None, OFF)], ["a"], BOTH, OFF),
        ([chose(None, OFF), chose("a", MAIL)], ["a"], BOTH, MAIL),
        ([chose(None, OFF), chose("a", MAIL)], ["b"], BOTH, OFF),
        ([chose("a", OFF)], ["a"], BOTH, OFF),
        ([chose("a", OFF)], ["a", "b"], BOTH, BOTH),
        ([chose("a", SLACK), chose("b", MAIL)], ["a", "b"], OFF, BOTH),
        ([chose(None, SLACK)], [], OFF, SLACK),
    ],
)
def test_the_nearest_choice_holds(choices: list[Choice], about: list[str], default: Ways, told: Ways) -> None:
    assert ways_of(choices, about, default) == told


def _only_what_they_chose(
    session: Session, organization_id: str, topic: Topic, ids: Collection[str], anyway: list[Member], *, somebody: bool
) -> list[Recipient]:
    """The bug: whoever is concerned can all turn a warning off, and nobody hears of it."""
    return [one for one in recipients(session, organization_id, topic, ids, anyway) if one.ways or not somebody]


@pytest.mark.parametrize("broken", [False, True])
async def test_a_warning_that_all_turned_off_reaches_them_all_the_same(
    sqlite_database: Database, tmp_path: Path, *, broken: bool
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        daniel, maya = stage.member("U0DANIEL"), stage.member()
        source, now = stage.source(Provider.SHOPIFY), stage.clock.now()
        with stage.database.write() as session:
            subscriptions.choose(session, daniel, None, Topic.DISCONNECTED, OFF, now)
            subscriptions.choose(session, maya, source.id, Topic.DISCONNECTED, MAIL, now)
            find = _only_what_they_chose if broken else recipients
            alone = find(session, source.organization_id, Topic.DISCONNECTED, ["another"], [daniel], somebody=True)
            assert ([(one.member.id, one.ways) for one in alone] == [(daniel.id, SLACK)]) is not broken
            both = recipients(session, source.organization_id, Topic.DISCONNECTED, [source.id], [daniel], somebody=True)
            assert {one.member.id: one.ways for one in both} == {daniel.id: OFF, maya.id: MAIL}

            # Whoever leaves is told nothing more.
            members.remove(session, maya.id, now)
            left = recipients(session, source.organization_id, Topic.DISCONNECTED, [source.id], [daniel], somebody=True)
            assert {one.member.id: one.ways for one in left} == {daniel.id: SLACK}


async def test_an_incident_goes_where_people_chose(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        notifier = _notifier()
        daniel, source, now = stage.member("U0DANIEL"), stage.source(Provider.SHOPIFY), stage.clock.now()
        with stage.database.write() as session:
            subscriptions.choose(session, daniel, None, Topic.LATE, SLACK, now)
            opened = incidents.open_one(
                session, source.organization_id, source.id, IncidentKind.LATE, "late", now, remind_at=now
            )
            assert opened is not None
            notifier.incident(session, opened, source, now)
            found = deliveries.of_subject(session, opened)
        own = {one.kind: (one.state, one.reason) for one in found if one.member_id == daniel.id}
        assert own[INCIDENT_CARD] == (DeliveryState.PENDING, None)
        assert own[INCIDENT_MAIL] == (DeliveryState.SKIPPED, "turned off by the person, with /data notify")


async def test_a_run_of_the_clock_tells_whoever_chose_to_be_told_and_nobody_else(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        notifier, maya, now = _notifier(), stage.member(), stage.clock.now()
        source = stage.source(Provider.SHOPIFY)
        told = []
        with stage.database.write() as session:
            for number in range(3):
                run_id = new_id("run")
                runs.add(
                    session, run_id=run_id, organization_id=source.organization_id, source_id=source.id,
                    trigger=Trigger.SCHEDULE, slot_key=run_id, requested_at=now, collects=True,
                )  # fmt: skip
                notifier.run_ready(session, runs.run(session, run_id), now)
                told.append([one.state for one in deliveries.of_subject(session, run_id)])
                if number == 0:
                    # Nobody chose anything yet, so nobody is told.
                    assert told == [[]]
                    subscriptions.choose(session, maya, source.id, Topic.READY, SLACK, now)
                runs.cancel_waiting(session, run_id, now)
            assert told[1:] == [[DeliveryState.PENDING]] * 2
            assert deliveries.of_subject(session, run_id)[0].kind == RUN_READY
            assert "Shopify" in run_ready(session, run_id, now).summary


def _notifier() -> Notifier:
    return Notifier(lambda session, work: (session, work), support_channel="", support_email="")


async def test_a_choice_is_saved_once_and_written_down(sqlite_database: Database, tmp_path: Path) -> None:
    async with staged(sqlite_database, tmp_path) as stage:
        service, maya = stage.jobs.services.subscriptions, await stage.actor()
        key = TriggerKey("T0TEMERITY", new_id("trg"))
        for _ in range(2):
            kept = await service.choose(maya, None, frozenset({Topic.READY, Topic.LATE}), MAIL, key)
        assert {one.topic: one.ways for one in kept.choices} == {Topic.READY: MAIL, Topic.LATE: MAIL}
        assert _entries(stage) == 1
        stage.clock.advance(timedelta(seconds=1))
        again = TriggerKey("T0TEMERITY", new_id("trg"))
        kept = await service.choose(maya, None, frozenset({Topic.READY}), None, again)
        assert [one.topic for one in kept.choices] == [Topic.LATE]


def _entries(stage: Stage) -> int:
    member = stage.member()
    with stage.database.read() as session:
        since = AT - timedelta(days=4000)
        return len(audit.said_since(session, member.organization_id, Action.CHOOSE_MESSAGES, member.id, since))
