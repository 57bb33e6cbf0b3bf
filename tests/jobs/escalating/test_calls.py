"""Who is called when a refresh does not end: by the policy it began with, once each, until it is over."""

from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import delete, update
from sqlmodel import col, select

import sandbox
from bot.cli.checks import about_escalations
from bot.cli.say import Mark
from bot.cli.seed import modes
from jobs.access_policy import AccessPolicy
from jobs.desk import Desk
from jobs.errors import TooLateError
from jobs.escalating import auditing
from jobs.escalating.auditing import audit_sweep
from jobs.escalating.calling import FOLLOWING
from jobs.escalating.due import GRACE, following, missed
from jobs.escalation import EscalationService, deadline_sweep
from jobs.notify.kinds import ESCALATIONS
from jobs.notify.notifier import Notifier
from jobs.refresh.ask import Place, Scope, TriggerKey
from jobs.refresh.cancel import cancel_runs
from jobs.refresh.service import RefreshService
from jobs.work import Work
from storage.facts.access import RefreshAccess
from storage.facts.clock import OffsetClock
from storage.facts.ids import new_id
from storage.facts.people import Actor, SlackIdentity
from storage.facts.policies import DEFAULT_POLICY, Call, CallKind, Policy, PolicyStep, StepKind, policy_text
from storage.facts.runs import RunState, Trigger
from storage.facts.secret import Secret
from storage.records import escalations, organizations, runs, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import DeadlineRow, DeliveryRow, RefreshRow, RunRow

SEED = Path(sandbox.__file__).parent / "temerity_goods.yaml"
_TOKENS = (
    *("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN"),
    *("SHOPIFY_ACCESS_TOKEN", "SHOPIFY_REFRESH_TOKEN"),
)
HOUR = timedelta(hours=1)
#: longer than a test ever takes: the clock goes on by itself meanwhile
AND_A_BIT = timedelta(minutes=2)
Sweep = Callable[[], Awaitable[None]]


class Stage:
    """A seeded database with services and sweeps in front; what is enqueued is only written down."""

    def __init__(self, database: Database) -> None:
        self.database, self.clock = database, OffsetClock()
        seed = load_seed(SEED, dict.fromkeys(_TOKENS, "a-token-of-a-test"))
        how = Seeding(Seal([Secret(new_key())]), self.clock.now(), modes())
        self.organization_id = database.in_write(lambda session: write_seed(session, seed, how)).organization_id
        self.desk, self.work = Desk(database.url), list[Work]()
        self.notifier = Notifier(self.enqueue, support_channel="T0SUPPORT/C0DATASUP", support_email="s@tidings.example")
        self.refresh = RefreshService(
            self.desk,
            self.clock,
            self.enqueue,
            self.notifier,
            read_budget=500_000,
            access=AccessPolicy(RefreshAccess.OPEN),
        )
        self.support = EscalationService(self.desk, self.clock, self.notifier, lambda _session, _runs: None)
        self.restart()

    def restart(self) -> None:
        """Begin anew, as after a restart: nothing is remembered but what the database holds."""
        self.sweep: Sweep = deadline_sweep(self.database, self.clock, self.notifier, self.enqueue)
        self.audit: Sweep = audit_sweep(self.database, self.clock, self.notifier)

    def enqueue(self, session: Session, work: Work) -> None:
        self.work.append(work)

    def policy(self, *steps: PolicyStep) -> None:
        text = policy_text(Policy(steps))
        self.database.in_write(lambda s: organizations.set_escalation_policy(s, self.organization_id, text))

    async def asked(self) -> str:
        identity = SlackIdentity("T0TEMERITY", "U0MAYA")
        maya = self.database.in_read(lambda session: organizations.member_by_identity(session, identity))
        key, place = TriggerKey("T0TEMERITY", new_id("trg")), Place("T0TEMERITY", "C0FINANCE")
        started: Any = await self.refresh.request(Actor(identity, maya), Scope(everything=True), key, place)
        return str(started.refresh_id)

    async def acknowledge(self, subject: str) -> None:
        sam = Actor(SlackIdentity("T0SUPPORT", "U0SAM"), None, support=True)
        await self.support.acknowledge(sam, subject, TriggerKey("T0SUPPORT", new_id("trg")))

    def end(self, subject: str) -> None:
        self.database.in_write(lambda session: cancel_runs(session, subject, self.clock.now(), self.notifier))

    async def later(self, passed: timedelta) -> None:
        self.clock.advance(passed)
        await self.sweep()

    def book(self, subject: str) -> list[Call]:
        return self.database.in_read(lambda session: escalations.calls(session, subject))

    def told(self, subject: str) -> list[tuple[str, str]]:
        """Return kind and channel of every escalation's delivery about the refresh."""
        which = col(DeliveryRow.subject).startswith(subject) & col(DeliveryRow.kind).in_(ESCALATIONS)
        rows = self.database.in_read(lambda session: session.exec(select(DeliveryRow).where(which)).all())
        return sorted((row.kind.removeprefix("escalation_"), row.channel) for row in rows if row.kind != TOLD)

    def change(self, statement: Any) -> None:
        self.database.in_write(lambda session: session.connection().execute(statement).rowcount)


TOLD = "escalation_told"
FIRST = [("card", "slack"), ("mail", "email")]
AGAIN = [("again", "email"), ("again", "slack")]
LEADS = PolicyStep(5 * HOUR, StepKind.CHANNEL, "T0TEMERITY/C0FINANCE", "#finance")
MAYA = PolicyStep(6 * HOUR, StepKind.PERSON, "T0TEMERITY/U0MAYA", "Maya Ortiz")


async def test_steps_come_at_their_times_once_over_any_number_of_workers(database: Database) -> None:
    stage = Stage(database)
    stage.policy(*DEFAULT_POLICY.steps, LEADS, MAYA)
    refresh = await stage.asked()
    await stage.later(3 * HOUR - AND_A_BIT)
    assert stage.told(refresh) == []
    await stage.later(2 * AND_A_BIT)
    await deadline_sweep(stage.database, stage.clock, stage.notifier, stage.enqueue)()
    assert stage.told(refresh) == FIRST
    await stage.later(2 * HOUR)
    await stage.later(HOUR)
    stage.restart()
    await stage.sweep()
    await stage.audit()
    assert stage.told(refresh) == [*FIRST, ("step", "slack"), ("step", "slack")]
    assert [call.number for call in stage.book(refresh)] == [0, 1, 2, 3]
    stage.end(refresh)
    await stage.later(48 * HOUR)
    await stage.audit()
    assert len(stage.book(refresh)) == 4
    assert {work.urgent for work in stage.work if work.kind == "delivery"} == {True, False}


@pytest.mark.parametrize("broken", [False, True])
async def test_a_change_of_the_policy_moves_nothing_that_runs(sqlite_database: Database, *, broken: bool) -> None:
    stage = Stage(sqlite_database)
    refresh = await stage.asked()
    later = PolicyStep(9 * HOUR, StepKind.SUPPORT)
    stage.policy(later)
    if broken:
        # The bug: the refresh is looked at with the policy of now.
        text = policy_text(Policy((later,)))
        stage.change(update(RefreshRow).values(policy=text))
    await stage.later(3 * HOUR + AND_A_BIT)
    assert (stage.told(refresh) == FIRST) is not broken


async def test_whoever_took_it_on_is_left_alone_for_an_hour_and_then_it_goes_on(sqlite_database: Database) -> None:
    stage = Stage(sqlite_database)
    refresh = await stage.asked()
    await stage.later(3 * HOUR + AND_A_BIT)
    await stage.acknowledge(refresh)
    with pytest.raises(TooLateError, match="Sam Keller has taken this on already"):
        await stage.acknowledge(refresh)
    await stage.later(HOUR - AND_A_BIT)
    assert stage.told(refresh) == FIRST
    await stage.later(2 * AND_A_BIT)
    assert stage.told(refresh) == sorted([*FIRST, *AGAIN])
    # It is free to be taken on again, by anybody; and that ends the same way.
    await stage.acknowledge(refresh)
    await stage.later(HOUR + AND_A_BIT)
    assert [call.kind.value for call in stage.book(refresh)] == ["step", "step", "taken", "again", "taken", "again"]


async def test_after_an_acknowledgement_the_next_step_comes_before_its_time(sqlite_database: Database) -> None:
    stage = Stage(sqlite_database)
    stage.policy(*DEFAULT_POLICY.steps, PolicyStep(9 * HOUR, LEADS.kind, LEADS.place, LEADS.name))
    refresh = await stage.asked()
    await stage.later(3 * HOUR + AND_A_BIT)
    await stage.acknowledge(refresh)
    await stage.later(HOUR + AND_A_BIT)
    assert stage.told(refresh) == [*FIRST, ("step", "slack")]


async def test_where_nobody_takes_it_on_support_is_called_more_and_more_rarely(sqlite_database: Database) -> None:
    stage = Stage(sqlite_database)
    refresh = await stage.asked()
    await stage.later(3 * HOUR + AND_A_BIT)
    for hours in range(40):
        await stage.later(HOUR)
        made = sum(call.kind is CallKind.AGAIN for call in stage.book(refresh))
        assert made == sum(hours + 1 >= due for due in (1, 3, 7, 15, 31))


@pytest.mark.parametrize("broken", [False, True])
async def test_a_restart_in_which_an_acknowledgement_runs_out_loses_no_call(
    sqlite_database: Database, *, broken: bool
) -> None:
    stage = Stage(sqlite_database)
    refresh = await stage.asked()
    await stage.later(3 * HOUR + AND_A_BIT)
    await stage.acknowledge(refresh)
    if broken:
        # The bug: the end of an acknowledgement is remembered by the process alone.
        stage.change(update(DeadlineRow).where(col(DeadlineRow.kind) == FOLLOWING).values(state="closed"))
    stage.clock.advance(2 * HOUR)
    stage.restart()
    await stage.sweep()
    assert (("again", "slack") in stage.told(refresh)) is not broken
    await stage.audit()
    assert ("again", "slack") in stage.told(refresh)
    assert [call.audited for call in stage.book(refresh) if call.kind is CallKind.AGAIN] == [broken]


class _Unguarded(EscalationService):
    """The bug: whether it is over is not asked."""

    async def acknowledge(self, actor: Actor, subject: str, trigger: TriggerKey) -> Any:
        now = self._clock.now()

        def change(session: Session) -> None:
            row = session.get_one(RefreshRow, subject)
            row.acknowledged_by, row.acknowledged_at, row.acknowledged_until = "Sam Keller", now, now + HOUR
            session.add(row)

        await self._desk.write(change)


@pytest.mark.parametrize("broken", [False, True])
async def test_a_click_after_the_end_changes_nothing_and_says_when_it_ended(
    sqlite_database: Database, *, broken: bool
) -> None:
    stage = Stage(sqlite_database)
    refresh = await stage.asked()
    await stage.later(3 * HOUR + AND_A_BIT)
    stage.end(refresh)
    stage.clock.advance(timedelta(seconds=90))
    if broken:
        stage.support = _Unguarded(stage.desk, stage.clock, stage.notifier, lambda _session, _runs: None)
        await stage.acknowledge(refresh)
    else:
        with pytest.raises(TooLateError, match="over already: it ended 2 min ago"):
            await stage.acknowledge(refresh)
    called = stage.database.in_read(lambda session: escalations.find(session, refresh))
    assert called is not None
    assert (called.acknowledged_by is None) is not broken


def _by_deadlines(stage: Stage) -> Sweep:
    """The bug: an auditor that looks where the calls come from, and sees no row that is not there."""

    async def sweep() -> None:
        late = stage.clock.now() - GRACE
        rows = stage.database.in_read(lambda s: s.exec(select(DeadlineRow).where(DeadlineRow.state == "open")).all())
        if any(row.due_at < late for row in rows):
            await stage.sweep()

    return sweep


@pytest.mark.parametrize("broken", [False, True])
@pytest.mark.parametrize("kind", ["escalation", FOLLOWING])
async def test_the_auditor_finds_what_no_deadline_tells_of(database: Database, kind: str, *, broken: bool) -> None:
    stage = Stage(database)
    stage.policy(*DEFAULT_POLICY.steps, LEADS)
    refresh = await stage.asked()
    if kind == FOLLOWING:
        await stage.later(3 * HOUR + AND_A_BIT)
    stage.change(delete(DeadlineRow).where(col(DeadlineRow.kind) == kind))
    await stage.later(3.5 * HOUR)
    assert ("step", "slack") not in stage.told(refresh)
    await (_by_deadlines(stage) if broken else stage.audit)()
    done = stage.told(refresh) == ([*FIRST, ("step", "slack")] if kind == FOLLOWING else FIRST)
    assert done is not broken
    await stage.later(HOUR * 3)
    found = stage.database.in_read(lambda session: auditing.past(session, stage.clock.now(), 24 * HOUR))
    assert bool(found) is broken


@pytest.mark.parametrize("broken", [False, True])
async def test_a_first_read_that_nobody_was_called_about_is_known_afterwards(
    sqlite_database: Database, *, broken: bool
) -> None:
    """The bug: neither a deadline nor the auditor looked at it while it stood still."""
    stage = Stage(sqlite_database)
    source = stage.database.in_read(lambda session: sources.sources_of(session, stage.organization_id))[0]

    def begun(session: Session) -> None:
        runs.add(
            session,
            run_id="run_first",
            organization_id=stage.organization_id,
            source_id=source.id,
            trigger=Trigger.FIRST_READ,
            slot_key="first",
            requested_at=stage.clock.now(),
            collects=True,
        )

    stage.database.in_write(begun)
    await stage.later(3 * HOUR + GRACE + AND_A_BIT)
    if not broken:
        await stage.audit()
    ended = {"state": RunState.READY.value, "finished_at": stage.clock.now()}
    stage.change(update(RunRow).where(col(RunRow.id) == "run_first").values(**ended))
    found = stage.database.in_read(lambda session: auditing.past(session, stage.clock.now(), 24 * HOUR))
    assert [one.subject for one in found] == (["run_first"] * 2 if broken else [])
    (told,) = about_escalations(stage.database, stage.clock.now())
    assert (told.mark is Mark.FAIL) is broken
    assert ("2 calls to support of the last day were not made" in told.text) is broken


def test_what_was_missed_is_known_afterwards() -> None:
    start = datetime.fromisoformat("2026-11-22T08:00:00+00:00")
    at = start + 3 * HOUR
    steps = [Call(CallKind.STEP, number, at, at) for number in (0, 1)]
    taken = Call(CallKind.TAKEN, 1, at + 1.5 * HOUR, at + HOUR / 2, "Sam")
    policy = Policy((*DEFAULT_POLICY.steps, LEADS))

    def of(book: list[Call], hours: float) -> list[str]:
        return [what for what, _ in missed(policy, start, start + hours * HOUR, book)]

    assert of([], 2.9) == []
    assert of([], 3.5) == ["step 1 (support)", "step 2 (email)"]
    assert of(steps[:1], 3.5) == ["step 2 (email)"]
    assert of(steps, 4.9) == []
    assert of(steps, 5.5) == ["step 3 (channel)"]
    # In hand until half past the fourth hour: what comes then is the third step, before its time.
    assert following(policy, start, [*steps, taken]).at == start + 4.5 * HOUR
    assert of([*steps, taken], 4.4) == []
    assert of([*steps, taken], 4.9) == ["the call after Sam no longer had it in hand"]
    done = Call(CallKind.STEP, 2, start + 4.5 * HOUR, start + 4.5 * HOUR)
    assert of([*steps, taken, done], 9) == []
