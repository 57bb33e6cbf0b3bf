"""A company's own steps: its people may be called before and after support, who is called by three hours all the same."""

from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlmodel import col, select

from jobs.escalating import auditing
from jobs.escalating.calling import FOLLOWING
from jobs.escalating.view import escalation_message, step_message
from jobs.notify.kinds import ESCALATION_STEP
from jobs.notify.notifier import Notifier
from jobs.timelines import TimelineService
from storage.facts.deliveries import Delivery, DeliveryState
from storage.facts.people import Actor, SlackIdentity
from storage.facts.policies import DEFAULT_POLICY, By, Policy, PolicyStep, StepKind, policy_text, read_policy
from storage.facts.timelines import Reader
from storage.records import channels, deliveries, members, organizations
from storage.sessions import Database
from storage.tables import DeadlineRow, DeliveryRow, MemberRow
from templates.mail import render
from tests.jobs.escalating.test_calls import AGAIN, AND_A_BIT, FIRST, HOUR, LEADS, MAYA, Stage

HALF = HOUR / 2
OPS = PolicyStep(HALF, StepKind.CHANNEL, "T0TEMERITY/C0FINANCE", "#finance")
STEP = ("step", "slack")


async def test_who_is_called_before_support_is_called_then_and_support_at_its_time(sqlite_database: Database) -> None:
    stage = Stage(sqlite_database)
    stage.policy(OPS, *DEFAULT_POLICY.steps, MAYA)
    refresh = await stage.asked()
    await stage.later(HALF - AND_A_BIT)
    assert stage.told(refresh) == []
    await stage.later(2 * AND_A_BIT)
    stage.restart()
    await stage.sweep()
    await stage.audit()
    assert stage.told(refresh) == [STEP]
    # Nobody claims that support knows: it does not.
    assert "Support was told" not in said(stage, refresh)
    assert "support is told" in said(stage, refresh)
    await stage.later(2.5 * HOUR + AND_A_BIT)
    assert stage.told(refresh) == sorted([*FIRST, STEP])
    assert "Support was told" in said(stage, refresh)
    await stage.later(3 * HOUR)
    assert stage.told(refresh) == sorted([*FIRST, STEP, STEP])
    assert [call.number for call in stage.book(refresh)] == [0, 1, 2, 3]
    identity = SlackIdentity("T0TEMERITY", "U0DANIEL")
    daniel = Actor(identity, stage.database.in_read(lambda s: organizations.member_by_identity(s, identity)))
    line = await TimelineService(stage.desk, stage.clock, stage.notifier).of(daniel, refresh)
    own = [(told.reader, told.name) for told in line.told if told.kind == ESCALATION_STEP]
    assert own == [(Reader.CHANNEL, "C0FINANCE"), (Reader.MEMBER, "Maya Ortiz")]
    stage.end(refresh)
    await stage.later(48 * HOUR)
    assert len(stage.book(refresh)) == 4
    assert stage.database.in_read(lambda s: auditing.past(s, stage.clock.now(), 60 * HOUR)) == []


@pytest.mark.parametrize("broken", [False, True])
async def test_support_is_called_whatever_becomes_of_what_comes_before(
    sqlite_database: Database, *, broken: bool
) -> None:
    """The bug: the one deadline of a refresh is that of its earliest step, and what follows hangs on it."""
    stage = Stage(sqlite_database)
    stage.policy(OPS, *DEFAULT_POLICY.steps)
    refresh = await stage.asked()
    kinds = ["escalation", FOLLOWING] if broken else [FOLLOWING]
    stage.change(delete(DeadlineRow).where(col(DeadlineRow.kind).in_(kinds)))
    await stage.later(3 * HOUR + AND_A_BIT)
    assert (stage.told(refresh) == sorted([*FIRST, STEP])) is not broken
    # And the auditor finds what neither tells of.
    stage.clock.advance(HALF)
    await stage.audit()
    assert set(FIRST) < set(stage.told(refresh))


async def test_the_auditor_makes_an_early_call_without_calling_support(sqlite_database: Database) -> None:
    stage = Stage(sqlite_database)
    stage.policy(OPS, *DEFAULT_POLICY.steps)
    refresh = await stage.asked()
    stage.change(delete(DeadlineRow).where(col(DeadlineRow.kind) == FOLLOWING))
    stage.clock.advance(HOUR)
    await stage.audit()
    assert stage.told(refresh) == [STEP]
    assert [call.audited for call in stage.book(refresh)] == [True]
    await stage.later(2 * HOUR + AND_A_BIT)
    assert stage.told(refresh) == sorted([*FIRST, STEP])


def test_what_may_take_as_long_as_it_likes_calls_nobody_before_support() -> None:
    policy = Policy((OPS, *DEFAULT_POLICY.steps, LEADS)).together()
    assert [step.after for step in policy.steps] == [3 * HOUR, 3 * HOUR, 3 * HOUR, 5 * HOUR]
    by_mail = Policy((*DEFAULT_POLICY.steps, PolicyStep(4 * HOUR, MAYA.kind, MAYA.place, MAYA.name, By.BOTH)))
    assert read_policy(policy_text(by_mail)) == by_mail


@pytest.mark.parametrize(
    "by, confirmed, ways",
    [(By.BOTH, True, {"slack", "email"}), (By.MAIL, True, {"email"}), (By.MAIL, False, {"slack"})],
)
async def test_a_person_is_called_the_way_that_was_chosen(
    sqlite_database: Database, by: By, ways: set[str], *, confirmed: bool
) -> None:
    stage = Stage(sqlite_database)
    stage.policy(*DEFAULT_POLICY.steps, PolicyStep(4 * HOUR, MAYA.kind, MAYA.place, MAYA.name, by))
    address = {"email": "maya@temerity.example", "email_confirmed_at": stage.clock.now() if confirmed else None}
    stage.change(update(MemberRow).where(col(MemberRow.user_id) == "U0MAYA").values(**address))
    refresh = await stage.asked()
    await stage.later(3 * HOUR + AND_A_BIT)
    await stage.later(HOUR)
    assert {channel for kind, channel in stage.told(refresh) if kind == "step"} == ways


class _Silent(Notifier):
    """The bug: what cannot be said in a place is not said at all."""

    def call_instead(self, *_: Any) -> None:
        return

    def _call_otherwise(self, *_: Any) -> None:
        return


def _denied(stage: Stage) -> None:
    stage.database.in_write(lambda session: channels.deny(session, "T0TEMERITY", "C0FINANCE"))


def _removed(stage: Stage) -> None:
    maya = select(MemberRow.id).where(MemberRow.user_id == "U0MAYA")
    stage.database.in_write(lambda s: members.remove(s, s.exec(maya).one(), stage.clock.now()))


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("lose, early", [(_denied, True), (_removed, False)])
async def test_a_place_that_cannot_be_told_is_never_silence(
    sqlite_database: Database, lose: Callable[[Stage], None], *, early: bool, broken: bool
) -> None:
    """Before support is called the admins are; afterwards support is called once more."""
    stage = Stage(sqlite_database)
    if broken:
        stage.notifier = _Silent(stage.enqueue, support_channel="T0SUPPORT/C0DATASUP", support_email="s@t.example")
        stage.restart()
    named = OPS if early else MAYA
    stage.policy(*sorted([*DEFAULT_POLICY.steps, named], key=lambda step: step.after))
    refresh = await stage.asked()
    lose(stage)
    if early:
        await stage.later(HALF + AND_A_BIT)
        found = [row.destination for row in rows(stage, refresh)]
        assert (found == ["T0TEMERITY/U0DANIEL"]) is not broken
        return
    await stage.later(3 * HOUR + AND_A_BIT)
    await stage.later(3 * HOUR)
    assert (stage.told(refresh) == sorted([*FIRST, *AGAIN])) is not broken


async def test_a_dead_place_is_followed_by_another_way_and_then_by_the_admins(sqlite_database: Database) -> None:
    stage = Stage(sqlite_database)
    stage.policy(PolicyStep(HALF, MAYA.kind, MAYA.place, MAYA.name), *DEFAULT_POLICY.steps)
    address = {"email": "maya@temerity.example", "email_confirmed_at": stage.clock.now()}
    stage.change(update(MemberRow).where(col(MemberRow.user_id) == "U0MAYA").values(**address))
    refresh = await stage.asked()
    await stage.later(HALF + AND_A_BIT)
    ways = []
    for _ in range(4):
        one = next((row for row in rows(stage, refresh) if row.state is DeliveryState.PENDING), None)
        if one is None:
            break
        ways.append(one.destination)

        def lost(session: Any, found: Delivery = one) -> None:
            deliveries.settle(session, found.id, DeliveryState.FAILED, now=stage.clock.now(), reason="user_disabled")
            stage.notifier.fall_back(session, found, stage.clock.now())

        stage.change(update(DeliveryRow).where(col(DeliveryRow.id) == one.id).values(state="sending"))
        stage.database.in_write(lost)
    assert ways[:3] == ["T0TEMERITY/U0MAYA", "maya@temerity.example", "T0TEMERITY/U0DANIEL"]


@pytest.mark.parametrize("broken", [False, True])
async def test_a_companys_channel_is_told_nothing_that_support_alone_sees(
    sqlite_database: Database, *, broken: bool
) -> None:
    """The bug: the channel gets support's own post."""
    stage = Stage(sqlite_database)
    stage.policy(*DEFAULT_POLICY.steps, LEADS)
    refresh = await stage.asked()
    await stage.later(3 * HOUR + AND_A_BIT)
    await stage.later(2 * HOUR)
    words = said(stage, refresh, support=broken)
    hidden = ("run_", "Log reference", "attempt", "worker", "stage ", "Account rep", "support channel", "Retry")
    assert any(word in words for word in hidden) is broken
    assert (refresh in words) is not broken


def rows(stage: Stage, refresh: str) -> list[Delivery]:
    """Return what was said to the company's own places, oldest first."""
    which = col(DeliveryRow.subject).startswith(refresh) & (col(DeliveryRow.kind) == ESCALATION_STEP)
    order = (col(DeliveryRow.created_at), col(DeliveryRow.channel))
    found = stage.database.in_read(lambda s: s.exec(select(DeliveryRow).where(which).order_by(*order)).all())
    return [deliveries.as_delivery(row) for row in found]


def said(stage: Stage, refresh: str, *, support: bool = False) -> str:
    now, (one, *_) = stage.clock.now(), rows(stage, refresh)
    if support:
        return render(stage.database.in_read(lambda session: escalation_message(session, refresh, now))).text
    return render(stage.database.in_read(lambda session: step_message(session, one, now))).text
