"""Reading again: what changed unseen comes in, what is there stays readable until then, and a failure leaves it."""

import asyncio
import os
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

import sandbox
from bot.cli.seed import modes
from connectors.base import Mark
from connectors.rewind import rewound
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.refresh.alone import read_missing
from jobs.refresh.ask import Joined, Place, Started, TriggerKey
from jobs.refresh.collecting import Collecting
from jobs.refresh.depth import SWEPT, depth_of
from jobs.refresh.ending import MISSING
from jobs.refresh.rereading import RereadRefusedError, Wanted
from jobs.schedule import start_catch_up, start_run
from jobs.webhooks.rereading import reread
from sandbox.misbehave import Kind, Rule
from storage.facts.people import Action, Role
from storage.facts.rereads import Reread
from storage.facts.runs import FailureKind, Missing, Partly, Run, RunState, Trigger
from storage.facts.secret import Secret
from storage.facts.sources import Provider
from storage.facts.status import Again
from storage.facts.webhooks import Webhook
from storage.records import audit, deadlines, outcomes, rereads, runs, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from tests.jobs.refresh.test_partly import some
from tests.jobs.stage import SHOP, Stage, staged
from tests.waiting import eventually

PLACE = Place("T0TEMERITY", "C0FINANCE")
NOW = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)


#: where a process may be gone; the quick run takes one of them
_ALL_POINTS = ("warehouse.before_commit", "run.collected", "warehouse.staged", "warehouse.after_commit")
POINTS = _ALL_POINTS if os.environ.get("SOAK") else _ALL_POINTS[:1]


class DiedError(BaseException):
    """The process is gone."""


def raw(stage: Stage, source_id: str) -> tuple[Mapping[str, str], dict[str, Any]]:
    """Return cursors and order names as anybody reads them now."""
    warehouse = stage.jobs.ground.warehouses.of(stage.organization_id)
    with warehouse.reader() as reader:
        rows = reader.query("SELECT id, name FROM raw_shopify_orders WHERE NOT _deleted")
    return warehouse.cursors(source_id), {row["id"]: row["name"] for row in rows}


async def ended(stage: Stage, outcome: object) -> Run:
    """Return the run that was started, once it is over."""
    assert isinstance(outcome, Started)
    return (await stage.finished(outcome.refresh_id, seconds=60)).runs[0][1]


async def test_what_changed_unseen_is_read_again_and_the_old_stays_until_then(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, orders=30, invoices=1, connectors=some) as stage:
        service, shop = stage.jobs.services.rereads, stage.shopify.shops[SHOP]
        await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id, seconds=60)
        source = stage.source(Provider.SHOPIFY)
        wanted, actor = Wanted(source.id, "orders"), await stage.actor("U0DANIEL")
        assert actor.member is not None
        order = shop.truth("Order")[0]
        shop.put([order | {"name": "#corrected"}])
        before = await asyncio.to_thread(raw, stage, source.id)
        assert before[1][order["id"]] == order["name"]
        # Whoever is no manager, or names what is not there, starts nothing.
        with pytest.raises(NotAllowedError):
            await service.preview(replace(actor, member=replace(actor.member, role=Role.REFRESHER)), wanted)
        with pytest.raises(NotFoundError):
            await service.preview(actor, Wanted("src_of_somebody_else"))
        for bad in (replace(wanted, stream="nothing"), replace(wanted, since=date(2099, 1, 1))):
            with pytest.raises(RereadRefusedError):
                await service.start(actor, bad, TriggerKey("T0TEMERITY", "card_bad"), PLACE)
        shown = await service.preview(actor, wanted)
        assert shown.label == "Orders"
        first = await service.start(actor, wanted, TriggerKey("T0TEMERITY", "card_1"), PLACE)
        again = await service.start(actor, wanted, TriggerKey("T0TEMERITY", "card_1"), PLACE)
        assert isinstance(again, Joined)
        run = await ended(stage, first)
        assert run.state is RunState.READY
        assert isinstance(first, Started)
        assert (await stage.finished(first.refresh_id)).again == Again("Orders", None)
        cursors, orders = await asyncio.to_thread(raw, stage, source.id)
        assert orders[order["id"]] == "#corrected"
        assert (run.counts["orders"].changed, run.counts["products"].unchanged) == (1, 0)
        assert cursors["orders"] != before[0]["orders"]
        noted = sqlite_database.in_read(lambda session: audit.newest(session, stage.organization_id, 20))
        detail = next(dict(row.detail) for row in noted if row.action == Action.REREAD)
        assert (detail["stream"], detail["since"]) == ("orders", "the beginning")
        assert sqlite_database.in_read(lambda session: rereads.seconds_of_whole_read(session, source.id)) is None
        await far_fewer_are_held(stage, source.id)


async def far_fewer_are_held(stage: Stage, source_id: str) -> None:
    """A re-read that brings far fewer records waits for a person, and what is let through is a re-read still."""
    service, actor, shop = stage.jobs.services.rereads, await stage.actor("U0DANIEL"), stage.shopify.shops[SHOP]
    for key in sorted(shop.ids("Order"))[:22]:
        shop.remove(key, stage.clock.now())
    before = await asyncio.to_thread(raw, stage, source_id)
    wanted = Wanted(source_id)
    run = await ended(stage, await service.start(actor, wanted, TriggerKey("T0TEMERITY", "card_3"), PLACE))
    assert run.failure is not None
    assert (run.failure.kind, run.held and run.held.after) == (FailureKind.HELD, len(shop.ids("Order")))
    assert await asyncio.to_thread(raw, stage, source_id) == before
    loaded = await stage.jobs.services.held.load(actor, run.id, TriggerKey("T0TEMERITY", "card_4"), PLACE)
    run = await ended(stage, loaded)
    assert run.state is RunState.READY
    asked = stage.database.in_read(lambda session: rereads.asked_of(runs.outcome(session, run.id)))
    assert asked == Reread()
    assert set((await asyncio.to_thread(raw, stage, source_id))[1]) == shop.ids("Order")
    took = stage.database.in_read(lambda session: rereads.seconds_of_whole_read(session, source_id))
    assert took is not None
    await dies_at_each_point(stage, source_id)
    await the_clock_sweeps(stage, source_id)


async def dies_at_each_point(stage: Stage, source_id: str) -> None:
    """The process is gone in the middle of a re-read: what is readable is the old or the new, and the next one ends it."""
    shop, source, actor = stage.shopify.shops[SHOP], stage.source(Provider.SHOPIFY), await stage.actor("U0DANIEL")
    for point in POINTS:
        order = shop.truth("Order")[0]
        shop.put([order | {"name": f"#{point}"}])
        before = await asyncio.to_thread(raw, stage, source_id)

        def start(session: Session, slot: str = point) -> str:
            enqueue = lambda *_: None  # noqa: E731 - one use
            run_id = start_run(session, source, Trigger.REQUEST, slot, stage.clock.now(), enqueue, collects=True)
            rereads.note(session, run_id, Reread(("orders",)))
            return run_id

        def die(name: str, there: str = point) -> None:
            if name == there:
                raise DiedError(name)

        run_id, ground = stage.database.in_write(start), stage.jobs.ground
        with pytest.raises(DiedError):
            await Collecting(replace(ground, checkpoint=die)).collect(run_id, 1)
        with pytest.raises(TooLateError):
            await stage.jobs.services.rereads.start(actor, Wanted(source_id), TriggerKey("T0TEMERITY", point), PLACE)
        left = await asyncio.to_thread(raw, stage, source_id)
        assert (left == before) is (point != "warehouse.after_commit")
        assert (await Collecting(ground).collect(run_id, 1))["verdict"] is None
        assert (await asyncio.to_thread(raw, stage, source_id))[1][order["id"]] == f"#{point}"
        stage.database.in_write(partial(runs.stop, run_id=run_id, now=stage.clock.now()))


async def the_clock_sweeps(stage: Stage, source_id: str) -> None:
    """One customer vanishes, another comes whose last change is long ago: the first run of the clock at night sees it."""
    shop = stage.shopify.shops[SHOP]
    gone, model = shop.truth("Customer")[:2]
    shop.remove(gone["id"], stage.clock.now())
    come = f"{model['id']}00"
    shop.put([model | {"id": come, "updatedAt": "2026-01-01T00:00:00Z"}])
    warehouse = stage.jobs.ground.warehouses.of(stage.organization_id)

    def known() -> tuple[bool, bool, bool]:
        keys = warehouse.keys(source_id, "raw_shopify_customers")
        return gone["id"] in keys, come in keys, SWEPT in warehouse.cursors(source_id)

    assert await asyncio.to_thread(known) == (True, False, False)
    source, clock = stage.source(Provider.SHOPIFY), stage.clock
    enqueue = stage.jobs.engine.enqueue
    run_id = stage.database.in_write(lambda session: start_catch_up(session, source, "night", clock.now(), enqueue))
    assert run_id is not None

    async def over() -> Run | None:
        run: Run = await asyncio.to_thread(stage.database.in_read, lambda session: runs.run(session, run_id))
        return None if run.state.active else run

    night: Run = await eventually(over, seconds=60)
    assert night.state is RunState.READY
    assert await asyncio.to_thread(known) == (False, True, True)


def test_what_was_asked_outlives_the_plan_that_is_written_before_the_commit() -> None:
    known: dict[str, Any] = {"reread": {"streams": ["orders"], "since": NOW.isoformat()}}
    asked = Reread(("orders",), NOW)
    plan: dict[str, Any] = {"reads": 3}
    assert rereads.asked_of(known) == rereads.asked_of({"plan": plan | rereads.stored(known)}) == asked
    # The twin that forgets it reads on from where it was, and says that it read again.
    assert rereads.asked_of({"plan": plan}) is None


RECENT = str(Mark(NOW - timedelta(hours=1), "x", 7))


@pytest.mark.parametrize(
    "streams, since, left",
    [
        ((), None, {}),
        (("orders",), None, {"customers": RECENT, "report": "abc"}),
        (("orders",), timedelta(days=2), {"customers": RECENT, "report": "abc", "orders": "back"}),
        (("orders",), timedelta(minutes=1), {"customers": RECENT, "report": "abc", "orders": RECENT}),
        # Further back than a cursor can say: whole.
        (("orders",), timedelta(days=40), {"customers": RECENT, "report": "abc", "orders": "far"}),
        (("report",), timedelta(days=2), {"customers": RECENT, "orders": RECENT}),
        # A stream that has no cursor of its own is read with those that have one.
        (("lines",), None, {}),
    ],
)
def test_cursors_go_back_never_forward(streams: tuple[str, ...], since: timedelta | None, left: dict[str, str]) -> None:
    saved = {"orders": RECENT, "customers": RECENT, "report": "abc"}
    marks = {
        "back": str(Mark(NOW - timedelta(days=2), "x", 7)),
        "far": str(Mark(NOW - timedelta(days=40), "x", 7)),
    }
    found = rewound(saved, streams, NOW - since if since else None, NOW)
    assert found == {name: marks.get(text, text) for name, text in left.items()}


def test_a_night_is_swept_once_by_the_clock_alone() -> None:
    def due(at: datetime, swept: str = "", trigger: Trigger = Trigger.SCHEDULE) -> date | None:
        run: Any = type("Run", (), {"trigger": trigger, "only": ()})()
        return depth_of(run, None, {SWEPT: swept} if swept else {}, "America/New_York", at).night

    here = ZoneInfo("America/New_York")
    before, after = datetime(2026, 11, 22, 1, 59, tzinfo=here), datetime(2026, 11, 22, 2, 0, tzinfo=here)
    assert due(before, "2026-11-21") is None
    assert due(after, "2026-11-21") == date(2026, 11, 22)
    assert due(after + timedelta(hours=20), "2026-11-22") is None
    assert due(after, "2026-11-21", Trigger.REQUEST) is None
    assert due(after, "2026-11-21", Trigger.FIRST_READ) is None
    assert due(before) == date(2026, 11, 21)
    alone: Any = type("Run", (), {"trigger": Trigger.REQUEST, "only": ("orders",)})()
    found = depth_of(alone, None, {SWEPT: "2026-11-22"}, "UTC", after)
    assert (found.night, found.sweeps) == (None, True), "what failed in the night was not compared then"


def test_what_was_put_aside_is_still_to_be_read_again(sqlite_database: Database) -> None:
    """The streams that a re-read could not read are read alone, and again: not only from where they were."""
    tokens = ("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN")
    seed = load_seed(
        Path(sandbox.__file__).parent / "temerity_goods.yaml",
        dict.fromkeys((*tokens, "SHOPIFY_ACCESS_TOKEN", "SHOPIFY_REFRESH_TOKEN"), "a-token-of-a-test"),
    )
    how = Seeding(Seal([Secret(new_key())]), NOW, modes())
    missing = Missing(("products",), "Products", FailureKind.BROKEN, "page_unreadable", "not readable", None)
    partly = outcomes.partly_json(Partly((missing,), NOW, ("Orders",)))

    def work(session: Session) -> Reread | None:
        organization_id = write_seed(session, seed, how).organization_id
        source = next(one for one in sources.sources_of(session, organization_id) if one.provider is Provider.SHOPIFY)
        enqueue = lambda *_: None  # noqa: E731 - one use
        first = start_run(session, source, Trigger.REQUEST, "one", NOW, enqueue, collects=True)
        rereads.note(session, first, Reread(("products",)))
        generation = runs.claim(session, first, 1, NOW)
        assert generation is not None
        plan = rereads.stored(runs.outcome(session, first))
        runs.finish(
            session, first, generation, RunState.READY, NOW, loaded_at=NOW, outcome={"plan": plan, "partly": partly}
        )
        deadlines.add(session, organization_id, MISSING, first, NOW)
        session.expire_all()
        due = next(one for one in deadlines.due(session, NOW) if one.subject == first)
        read_missing(session, due, NOW, enqueue)
        alone = runs.active_of(session, [source.id])[source.id]
        assert alone.only == ("products",)
        # An event of another stream is not read by it, though it began after the event.
        event = Webhook(Provider.SHOPIFY, "event_1", "orders/updated", source.account, NOW, None, None, None)
        assert runs.claim(session, alone.id, 1, NOW + timedelta(seconds=1)) is not None
        session.expire_all()
        assert isinstance(reread(session, event, source, NOW + timedelta(minutes=1), enqueue), timedelta)
        return rereads.asked_of(runs.outcome(session, alone.id))

    assert sqlite_database.in_write(work) == Reread(("products",))


async def test_a_run_between_a_re_read_and_its_retry_reads_again_what_that_one_could_not(
    sqlite_database: Database, tmp_path: Path
) -> None:
    async with staged(sqlite_database, tmp_path, orders=5, invoices=1, connectors=some) as stage:
        shop, actor = stage.shopify.shops[SHOP], await stage.actor("U0DANIEL")
        await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id, seconds=60)
        source = stage.source(Provider.SHOPIFY)
        product = shop.truth("Product")[0]
        shop.put([product | {"title": "corrected"}])
        stage.shopify.script.add(Rule(Kind.FAULT, operation="query", entity="products", code="ACCESS_DENIED", times=1))
        wanted, key = Wanted(source.id, "products"), TriggerKey("T0TEMERITY", "card_1")
        run = await ended(stage, await stage.jobs.services.rereads.start(actor, wanted, key, PLACE))
        assert run.partly is not None
        # Somebody presses Refresh before the products are read alone.
        run = (await stage.finished((await stage.request(Provider.SHOPIFY)).refresh_id, seconds=60)).runs[0][1]
        assert (run.partly, run.counts["products"].changed) == (None, 1)
        found = stage.database.in_read(lambda session: rereads.owed(runs.outcome(session, run.id), ()))
        assert found is None


def test_two_re_reads_are_read_together() -> None:
    early, late = Reread(("orders",), NOW - timedelta(days=3)), Reread(("products",), NOW)
    both = Reread(("orders", "products"), early.since)
    assert rereads.together(early, late) == rereads.together(late, early) == both
    assert rereads.together(early, None) == rereads.together(None, early) == early
    assert rereads.together(Reread(), early) == Reread()
    outcome = {"plan": rereads.kept(Reread((), NOW))}
    assert rereads.owed(outcome, ("orders",)) == Reread(("orders",), NOW)
    assert rereads.owed({"plan": rereads.kept(early)}, ("products",)) is None
    assert rereads.owed({}, ("orders",)) is None
