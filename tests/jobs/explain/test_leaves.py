"""Every leaf of the tree from real rows, that the order is total, and that a tree with a hole is found out."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from random import Random
from typing import Any

import pytest

from jobs.explain import tree
from jobs.explain.tree import explain
from jobs.webhooks.standing import UNINSTALLED
from storage.facts.deliveries import DeliveryState
from storage.facts.explain import Acts, Cause, Evidence, Explanation, NextStep
from storage.facts.people import Role
from storage.facts.runs import Clocks, FailureKind, Missing, Partly, Result, Run, RunState, Stage
from storage.facts.sources import CollectMode, ConnectionState, Freshness, Provider
from storage.sessions import Database
from templates import slack
from templates.notices.why import why as told
from tests.jobs.explain.rows import Rows
from tests.templates.test_notices import unlabelled

SHOP, BOOKS, SELLER, FILES = Provider.SHOPIFY, Provider.QUICKBOOKS, Provider.AMAZON, Provider.NETSUITE
BEHIND = "Sales and traffic are in up to 2026-11-19: Amazon's own sales reports are 24 to 72 hours behind."


@dataclass(frozen=True)
class Leaf:
    """How a cause looks in the tables, and what has to follow."""

    put: Callable[[Rows], object]
    of: Provider = SHOP
    acts: Acts = Acts.NOBODY
    step: NextStep = NextStep.NONE
    #: something comes by itself, at a time that can be named
    comes: bool = True
    mail: bool = False


def _lost(rows: Rows, reason: str = "Shopify refused the access", *, by: str | None = None) -> None:
    rows.run(asked=900)
    rows.connection(SHOP, state=ConnectionState.DISCONNECTED, reason=reason, since=rows.ago(60), disconnected_by=by)


def _running(put: Rows, **values: Any) -> None:
    put.worker()
    put.run(asked=200)
    put.run(state=RunState.RUNNING, asked=3, **values)


def _waiting(rows: Rows, code: str) -> None:
    rows.worker()
    rows.run(asked=200)
    rows.run(
        state=RunState.QUEUED, asked=5, next_attempt_at=rows.ago(-4), failure_kind=FailureKind.RETRY,
        failure_code=code, failure_detail="seen", failure_stage=Stage.COLLECTING, reference="ref_1",
    )  # fmt: skip


def _no_worker(rows: Rows) -> None:
    rows.run(asked=200)
    rows.run(state=RunState.QUEUED, asked=9)


def _partial(rows: Rows) -> None:
    row = rows.run(asked=12)
    one = Missing(("inventory",), "Inventory", FailureKind.BROKEN, "value_unreadable", "seen", rows.ago(90))
    rows.partly(row, Partly((one,), rows.ago(12), ("Orders",), again_at=rows.ago(-9)))


def _off(rows: Rows) -> None:
    rows.change(SHOP, schedule_rule="off", scheduled_at=rows.ago(5000))
    rows.run(asked=4500)


def _sent(state: DeliveryState, reason: str | None = None) -> Callable[[Rows], object]:
    def put(rows: Rows) -> None:
        rows.mailed(rows.asked(rows.run(asked=12), ago=12), state, reason)

    return put


def _stopping(rows: Rows) -> None:
    rows.worker()
    rows.run(state=RunState.CANCELLING)


def _queued(rows: Rows) -> None:
    rows.worker()
    rows.run(state=RunState.QUEUED, asked=1)


def _attention(rows: Rows) -> None:
    rows.run(asked=12)
    rows.connection(SHOP, state=ConnectionState.ATTENTION, reason="a permission is missing")


def _stretched(rows: Rows) -> None:
    rows.change(BOOKS, stretched_minutes=240)
    rows.run(BOOKS, asked=130)


def _files(rows: Rows) -> None:
    rows.add(FILES, CollectMode.PUSH, 1440)
    rows.run(FILES, asked=5, as_of=3 * 1440, result=Result.VERIFIED)


def _timer(rows: Rows) -> None:
    """Collected 20 minutes ago; a click 5 minutes ago made ready what was there."""
    rows.run(BOOKS, asked=20)
    click = rows.run(BOOKS, asked=5, as_of=20, collects=False, result=Result.NOTHING_WAITED)
    rows.asked(click, ago=5)


def _joined(rows: Rows) -> None:
    rows.asked(rows.run(asked=9), ago=7)


def _lag(rows: Rows) -> None:
    rows.add(SELLER, CollectMode.ON_DEMAND)
    rows.run(SELLER, asked=12, outcome={"plan": {"notes": ["Something else.", BEHIND]}})


def _older(rows: Rows) -> None:
    left = {"stream": "orders", "back_to": "2025-01-01", "left": 3, "label": "Orders", "seconds": None}
    rows.run(asked=12, outcome={"older": [left]})


LEAVES: Mapping[Cause, Leaf] = {
    Cause.DISCONNECTED_ON_PURPOSE: Leaf(
        lambda rows: _lost(rows, "no longer used", by=rows.member("U0DANIEL").id),
        step=NextStep.RECONNECT,
        comes=False,
    ),
    Cause.DISCONNECTED_BY_PROVIDER: Leaf(
        lambda rows: _lost(rows, UNINSTALLED), acts=Acts.ADMIN, step=NextStep.RECONNECT, comes=False
    ),
    Cause.DISCONNECTED_LOST: Leaf(_lost, acts=Acts.ADMIN, step=NextStep.RECONNECT, comes=False),
    Cause.STOPPING: Leaf(_stopping),
    Cause.NO_WORKER: Leaf(_no_worker, acts=Acts.SUPPORT, step=NextStep.TICKET),
    Cause.STUCK: Leaf(lambda rows: _running(rows, progress_at=rows.ago(30)), acts=Acts.SUPPORT, step=NextStep.TICKET),
    Cause.RATE_LIMIT: Leaf(lambda rows: _waiting(rows, "throttled")),
    Cause.PROVIDER_PREPARES: Leaf(lambda rows: _waiting(rows, "bulk_pending")),
    Cause.WAITS_ATTEMPT: Leaf(lambda rows: _waiting(rows, "timeout")),
    Cause.WAITS_TURN: Leaf(lambda rows: _running(rows, waits_turn=True)),
    Cause.QUEUED: Leaf(_queued),
    Cause.COLLECTING: Leaf(lambda rows: _running(rows, rows=1204, rows_expected=3000)),
    Cause.PROCESSING: Leaf(lambda rows: _running(rows, stage=Stage.PROCESSING)),
    Cause.HELD: Leaf(
        lambda rows: (rows.run(asked=100), rows.failed(FailureKind.HELD, "far_fewer_rows")),
        acts=Acts.MANAGER,
        step=NextStep.SEE_HELD,
    ),
    Cause.FAILED_KNOWN: Leaf(
        lambda rows: (rows.run(asked=100), rows.failed(FailureKind.RETRY, "timeout")), step=NextStep.REFRESH
    ),
    Cause.FAILED_UNKNOWN: Leaf(
        lambda rows: (rows.run(asked=100), rows.failed(FailureKind.BROKEN, "unexpected")),
        acts=Acts.SUPPORT,
        step=NextStep.TICKET,
    ),
    Cause.ATTENTION: Leaf(_attention, acts=Acts.ADMIN, step=NextStep.RECONNECT),
    Cause.PARTIAL: Leaf(_partial, step=NextStep.READ_MISSING),
    Cause.SCHEDULE_OFF: Leaf(_off, acts=Acts.MANAGER, step=NextStep.REFRESH, comes=False),
    Cause.CLOCK_STOPPED: Leaf(lambda rows: rows.run(asked=400), acts=Acts.SUPPORT, step=NextStep.TICKET),
    Cause.CANCELLED: Leaf(
        lambda rows: (rows.run(asked=400), rows.run(state=RunState.CANCELLED, asked=3)),
        acts=Acts.YOU,
        step=NextStep.REFRESH,
    ),
    Cause.NEVER_READ: Leaf(lambda rows: rows.connection(SHOP, since=rows.now), step=NextStep.REFRESH),
    Cause.DELIVERY_FAILED: Leaf(
        _sent(DeliveryState.FAILED, "550 no such mailbox"), acts=Acts.YOU, step=NextStep.RESEND, mail=True
    ),
    Cause.DELIVERY_PENDING: Leaf(_sent(DeliveryState.PENDING), step=NextStep.RESEND),
    Cause.DELIVERY_SKIPPED: Leaf(
        _sent(DeliveryState.SKIPPED, "no confirmed e-mail address"), acts=Acts.YOU, step=NextStep.RESEND, mail=True
    ),
    Cause.STRETCHED: Leaf(_stretched, of=BOOKS, step=NextStep.RECEIPT),
    Cause.NO_NEW_FILE: Leaf(_files, of=FILES, step=NextStep.RECEIPT),
    Cause.TIMER_NOT_DUE: Leaf(_timer, of=BOOKS, step=NextStep.RECEIPT),
    Cause.JOINED: Leaf(_joined, acts=Acts.YOU, step=NextStep.REFRESH),
    Cause.OLDER_PERIODS: Leaf(_older, step=NextStep.RECEIPT),
    Cause.PROVIDER_LAG: Leaf(_lag, of=SELLER, step=NextStep.RECEIPT),
    Cause.UNEXPLAINED: Leaf(
        # Its last run began since the last due time, and yet its data is old.
        lambda rows: rows.run(asked=1, as_of=600),
        acts=Acts.SUPPORT,
        step=NextStep.TICKET,
    ),
    Cause.UNCHANGED: Leaf(lambda rows: rows.run(asked=12, result=Result.VERIFIED), step=NextStep.RECEIPT),
    Cause.WELL: Leaf(lambda rows: rows.run(asked=12), step=NextStep.RECEIPT),
}


@pytest.fixture
def rows(sqlite_database: Database) -> Iterator[Rows]:
    with sqlite_database.write() as session:
        yield Rows(sqlite_database, session)
        session.rollback()


def test_every_leaf_is_tried() -> None:
    assert set(LEAVES) == set(Cause)


@pytest.mark.parametrize("cause", list(Cause))
def test_each_cause_is_named_from_its_rows(rows: Rows, cause: Cause) -> None:
    leaf = LEAVES[cause]
    leaf.put(rows)
    found = rows.why(leaf.of, mail=leaf.mail)
    assert found.cause is cause
    assert found.acts is leaf.acts
    assert found.step is leaf.step
    assert (found.next_at is not None) is leaf.comes
    assert found.next_at is None or found.next_at > rows.now
    message = told("Temerity Goods", found, zone="America/New_York", admins=("Daniel Kim",), refresh_value="x")
    assert slack.render(message, revision=1, team_id="T0TEMERITY", zone="America/New_York")["blocks"]
    # No instant without its zone, and every cause in words of its own.
    assert unlabelled(message) == []
    assert "None" not in message.summary
    assert len(message.summary) > 40


def test_who_may_act_themselves_is_told_so(rows: Rows) -> None:
    _lost(rows)
    assert rows.why(user="U0DANIEL").acts is Acts.YOU
    assert rows.why(user="U0PRIYA").acts is Acts.ADMIN


def test_a_running_refresh_says_when_support_is_told(rows: Rows) -> None:
    """No mail and no new time yet: still running, and at three hours support is told."""
    rows.worker()
    rows.run(asked=200)
    refresh = rows.asked(rows.run(state=RunState.RUNNING, asked=30, rows=12), ago=30, over=False)
    found = rows.why(mail=True)
    assert (found.cause, found.evidence.asked and found.evidence.asked.refresh_id) == (Cause.COLLECTING, refresh)
    evidence = replace(found.evidence, sender="Tidings <t@example.com>")
    text = str(told("Temerity Goods", replace(found, evidence=evidence), zone="UTC"))
    for words in ("Support is told", "spam folder", "Tidings <t@example.com>", "Temerity Goods:", "12 rows"):
        assert words in text


def test_a_provider_that_wants_no_calls_is_named(rows: Rows) -> None:
    _running(rows)
    rows.blocked(f"shopify:{rows.source().account}", 7)
    rows.blocked("shopify:somebody-elses", 90)
    found = rows.why()
    assert (found.cause, found.evidence.blocked_until) == (Cause.RATE_LIMIT, rows.ago(-7))


def test_an_answered_refresh_is_asked_about_no_more(rows: Rows) -> None:
    """A newer collection holds all that was asked for; the mail of the older refresh is no cause any more."""
    refresh = rows.asked(rows.run(asked=90), ago=90)
    rows.mailed(refresh, DeliveryState.FAILED, "550")
    rows.run(asked=12)
    found = rows.why()
    assert (found.cause, found.evidence.asked) == (Cause.WELL, None)


def anything(random: Random, rows: Rows, seed: Evidence) -> Evidence:
    """Return evidence as it may never come: every part drawn for itself."""

    def some(*values: Any) -> Any:
        return random.choice(values)

    def at() -> Any:
        return some(None, rows.ago(random.uniform(-500, 5000)))

    base = seed.status.last_ready
    assert base is not None
    assert seed.status.last_finished is not None
    assert seed.status.last_finished.failure is not None
    failure = replace(seed.status.last_finished.failure, kind=some(*FailureKind), code=some("timeout", "unexpected"))
    one = Missing(("x",), "X", FailureKind.BROKEN, "x", "x", None)

    def run(*states: RunState) -> Run:
        state = some(*states)
        return replace(
            base, state=state, stage=some(None, *Stage), next_attempt_at=at(), progress_at=at(), started_at=at(),
            waits_turn=some(True, False), failure=failure if state in {RunState.FAILED, RunState.QUEUED} else None,
            partly=some(None, Partly((one,), None, again_at=at())), result=some(None, *Result), finished_at=at(),
            clocks=Clocks(rows.ago(random.uniform(0, 900)), at(), at(), at()),
        )  # fmt: skip

    source = replace(
        seed.status.source, connection=some(*ConnectionState), on_purpose=some(True, False), mode=some(*CollectMode),
        planned_minutes=some(None, 60), connection_reason=some(None, "why"),
    )  # fmt: skip
    ready = some(None, run(RunState.READY))
    status = replace(
        seed.status, source=source, freshness=some(*Freshness) if ready else Freshness.NEVER, last_ready=ready,
        last_finished=some(None, run(RunState.FAILED, RunState.CANCELLED)),
        active=some(None, run(RunState.QUEUED, RunState.RUNNING, RunState.CANCELLING)),
        stretched_minutes=some(None, 240), changed_at=at(),
    )  # fmt: skip
    asked = seed.asked and replace(seed.asked, requested_at=rows.ago(random.uniform(0, 900)), finished_at=at())
    return replace(
        seed, status=status, reader=some(*Role), by_provider=some(True, False), worker_alive=some(True, False),
        missed_at=at(), blocked_until=at(), lag=some(None, BEHIND), receipt=some(None, "rcp_1"), next_at=at(),
        asks_mail=some(True, False), asked=some(None, asked),
    )  # fmt: skip


def holes(explainer: Callable[[Evidence], Explanation], drawn: list[Evidence]) -> list[str]:
    """Return what an explanation hides: trouble behind "all is well", nobody to act, a next attempt left out."""
    found = []
    for it in drawn:
        said, ready, failed = explainer(it), it.status.last_ready, it.status.last_finished
        bad = {
            "held or failed": failed is not None and failed.state is RunState.FAILED,
            "partial": ready is not None and ready.partly is not None,
            "late": it.status.freshness is not Freshness.FRESH,
            "disconnected": it.status.source.connection is not ConnectionState.CONNECTED,
            "under way": it.status.active is not None,
        }
        if said.cause in {Cause.WELL, Cause.UNCHANGED}:
            found += [f"{name} called well" for name, there in bad.items() if there]
        connected = it.status.source.connection is not ConnectionState.DISCONNECTED
        if connected and it.next_at is not None and it.next_at > it.now and said.next_at is None:
            found.append("a next attempt left out")
        if said.cause in {Cause.STUCK, Cause.NO_WORKER, Cause.CLOCK_STOPPED} and said.acts is not Acts.SUPPORT:
            found.append("our own trouble left to others")
        if not isinstance(said.acts, Acts) or list(Cause).count(said.cause) != 1:
            found.append("no cause")
    return found


def by_freshness_alone(evidence: Evidence) -> Explanation:
    """A twin that believes the clock: inside the promise is well, whatever was held."""
    found = explain(evidence)
    return replace(found, cause=Cause.WELL) if evidence.status.freshness is Freshness.FRESH else found


def without_next(evidence: Evidence) -> Explanation:
    """A twin that forgets what comes by itself."""
    return replace(explain(evidence), next_at=None)


def test_any_evidence_has_one_cause_and_nothing_is_hidden(rows: Rows) -> None:
    random = Random(20261122)
    rows.asked(rows.run(asked=12), ago=12)
    rows.failed(FailureKind.BROKEN, "unexpected", asked=5)
    seed = rows.evidence()
    assert seed.asked is not None
    drawn = [anything(random, rows, seed) for _ in range(2000)]
    assert holes(explain, drawn) == []
    assert "held or failed called well" in holes(by_freshness_alone, drawn)
    assert "a next attempt left out" in holes(without_next, drawn)
    for evidence in drawn[:300]:
        assert told("Temerity Goods", explain(evidence), zone="UTC").summary


def test_the_order_of_the_causes_is_the_order_of_the_rules() -> None:
    """Each cause has its rule, and the last one always holds: no evidence is without a cause."""
    assert list(tree._RULES) == list(Cause)
