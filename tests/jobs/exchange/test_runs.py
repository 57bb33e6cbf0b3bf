"""A run waits for fresh data, is held by guards, survives death anywhere, and does what people say."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest

from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError, TooLateError
from jobs.exchange import reading
from jobs.exchange.building import Built
from jobs.exchange.ports import FarSide
from jobs.exchange.running import ExchangeHandler, Task
from jobs.exchange.service import ScheduleRefusedError
from jobs.refresh.ask import TriggerKey
from storage.facts.exchange import ExchangeRun, Guard, Pair, Reject, RunState, Trigger
from storage.facts.ids import new_id
from storage.facts.people import Role
from storage.facts.runs import FailureKind, Missing, Partly
from storage.facts.sources import ConnectionState
from storage.records import exchange, exchange_given
from storage.sessions import Database, Session
from storage.tables import MemberRow
from tests.jobs.exchange.nights import BOOKS, ORGANIZATION, Company, actor, company
from tests.jobs.exchange.plain import plain

#: two in the morning in New York
TWO = datetime(2026, 10, 31, 6, tzinfo=UTC)
MANAGER = actor()


def trigger() -> TriggerKey:
    return TriggerKey("T1", new_id("trg"))


@pytest.fixture
async def desk(database: Database) -> AsyncIterator[Desk]:
    made = Desk(database.url)
    yield made
    made.close()


def stocked(world: Company, customers: int = 10) -> Company:
    """Give it customers, an item and two invoices, and let Tidings read them."""
    for number in range(1, customers + 1):
        world.books.customer(str(number), f"Customer {number}")
    world.books.item("1", "Thing")
    world.books.invoice("1", "1", [10.0, 2.5])
    world.books.invoice("2", "2", [7.0])
    world.collect()
    return world


async def one_night(world: Company, *, collecting: bool = True) -> None:
    """Let the next night's two o'clock come."""
    while world.clock.at < TWO:
        world.clock.at = TWO
    if collecting:
        world.collect()
    await world.worked()


# Waiting for QuickBooks


@pytest.mark.parametrize("why", ["old", "disconnected", "put aside"])
async def test_nothing_old_is_published(database: Database, tmp_path: Path, why: str) -> None:
    """It waits and says for what, goes on with the next good run, and at the end of the window says that it is missing."""
    world = stocked(company(database, tmp_path, maps=plain))
    world.on(Pair.CUSTOMERS)
    # Customers themselves can be read, but not what their terms are called.
    missing = Missing(("terms",), "Terms", FailureKind.BROKEN, "refused", "no", world.clock.at)
    world.clock.at = TWO
    if why == "put aside":
        world.collect(partly=Partly((missing,), TWO))
    elif why == "disconnected":
        world.collect()
        world.disconnect(BOOKS)
    await world.worked()
    (run,) = world.history(Pair.CUSTOMERS)
    assert run.state is RunState.WAITING
    assert {"old": "data is as of Oct 30, 2026, 08:00 EDT", "disconnected": "is disconnected", "put aside": "Terms"}[
        why
    ] in run.why
    assert not world.file(Pair.CUSTOMERS).exists()
    asked = [work for work in world.asked if work.kind == "run"]
    assert len(asked) == (0 if why == "disconnected" else 1)
    world.clock.at += timedelta(hours=1)
    await world.worked()
    assert [work for work in world.asked if work.kind == "run"] == asked, "it asks once"
    if why == "old":
        world.ended(asked[0])
        world.books.customer("99", "The newest")
        world.collect()
        read_at = world.clock.at
        world.clock.at += timedelta(minutes=1)
        await world.worked()
        assert "The newest" in world.file(Pair.CUSTOMERS).read_text()
        assert world.history(Pair.CUSTOMERS)[0].as_of == read_at
        return
    world.clock.at = TWO + timedelta(hours=3)
    await world.worked()
    (run,) = world.history(Pair.CUSTOMERS)
    assert (run.state, run.code) == (RunState.FAILED, "missed")
    assert "no file was sent in its time" in run.why
    assert len(world.told()) == 1, "an admin hears of the first missing night"
    assert world.pair(Pair.CUSTOMERS).missed_since == TWO
    assert not world.file(Pair.CUSTOMERS).exists()
    # The next night is good again, and nothing is missing any more.
    world.disconnect(BOOKS, ConnectionState.CONNECTED)
    world.clock.at = TWO + timedelta(days=1, hours=1)
    world.collect()
    await world.worked()
    assert world.pair(Pair.CUSTOMERS).missed_since is None
    assert world.history(Pair.CUSTOMERS)[-1].state is RunState.DONE


async def test_portions_are_the_whole(sqlite_database: Database, tmp_path: Path) -> None:
    """However few records are asked for at once, each comes once."""
    world = stocked(company(sqlite_database, tmp_path, maps=plain), 10)
    with world.ground.warehouses.of("org_1").reader() as reader:
        for portion in (1, 3, 5, 10, 11):
            found = reading.records(reader, Pair.CUSTOMERS, BOOKS, portion)
            assert sorted(int(one["Id"]) for one in found) == list(range(1, 11)), portion
            gone = reading.chosen(reader, BOOKS, ["1", "2", "9"], 1)
            assert sorted(key for key, _, _ in gone) == ["1", "2"]


# Guards


async def test_a_file_that_shrank_is_held_and_released_by_a_person(
    database: Database, tmp_path: Path, desk: Desk
) -> None:
    world = stocked(company(database, tmp_path, maps=plain))
    service = world.service(desk)
    first = await service.start(MANAGER, world.pair(Pair.CUSTOMERS).id, trigger())
    await world.worked()
    before = world.file(Pair.CUSTOMERS).read_bytes()
    for number in ("7", "8", "9"):
        world.books.records["customers"].pop(number)
        world.books.dropped["customers"].add(number)
    world.collect()
    held = await service.start(MANAGER, world.pair(Pair.CUSTOMERS).id, trigger())
    await world.worked()
    held = (await service.run(MANAGER, held.id)).run
    assert held.state is RunState.HELD
    assert held.held is not None
    assert (held.held.guard, held.held.before, held.held.after) == (Guard.SHRINK, 10, 7)
    assert held.held.gone == ("7", "8", "9")
    assert world.file(Pair.CUSTOMERS).read_bytes() == before
    (told,) = world.told()
    assert "7 rows instead of 10" in told, "an admin is asked"
    with pytest.raises(NotAllowedError):
        await service.release(actor(Role.REFRESHER), held.id, trigger())
    with pytest.raises(NotFoundError):
        await service.release(actor(Role.ADMIN, "org_2"), held.id, trigger())
    click = trigger()
    released = await service.release(MANAGER, held.id, click)
    assert (await service.release(MANAGER, held.id, click)).id == released.id, "the same click counts once"
    with pytest.raises(TooLateError):
        await service.release(MANAGER, held.id, trigger())
    # It is built anew: what came meanwhile goes, too.
    world.books.customer("11", "Newcomer")
    world.collect()
    await world.worked()
    assert (await service.run(MANAGER, released.id)).run.state is RunState.DONE
    assert (await service.run(MANAGER, held.id)).run.state is RunState.RELEASED
    assert len(world.rows(Pair.CUSTOMERS)) == 8
    versions = await service.versions(MANAGER, world.pair(Pair.CUSTOMERS).id)
    assert [one.size for one in versions] == [len(before)]
    world.clock.at += timedelta(minutes=1)
    restored = await service.restore(MANAGER, world.pair(Pair.CUSTOMERS).id, versions[0].name, trigger())
    await world.worked()
    assert (await service.run(MANAGER, restored.id)).run.state is RunState.DONE
    assert world.file(Pair.CUSTOMERS).read_bytes() == before
    assert first.trigger is Trigger.PERSON
    # QuickBooks is again as it was then: what was put back lies there already, and nothing took its place.
    for number in ("7", "8", "9"):
        world.books.customer(number, f"Customer {number}")
    world.books.records["customers"].pop("11")
    world.books.dropped["customers"].add("11")
    world.collect()
    again = await service.start(MANAGER, world.pair(Pair.CUSTOMERS).id, trigger())
    await world.worked()
    again = (await service.run(MANAGER, again.id)).run
    assert (again.state, again.archived_as) == (RunState.DONE, "")
    assert world.file(Pair.CUSTOMERS).read_bytes() == before


async def test_what_a_person_agreed_to_goes_no_further(database: Database, tmp_path: Path, desk: Desk) -> None:
    """Far fewer rows than a person saw are held again, and a later run takes the place of the question."""
    world = stocked(company(database, tmp_path, maps=plain), 20)
    service, pair = world.service(desk), world.pair(Pair.CUSTOMERS).id
    await service.start(MANAGER, pair, trigger())
    await world.worked()
    for step, gone in enumerate((range(1, 6), range(6, 14))):
        for number in map(str, gone):
            world.books.records["customers"].pop(number)
            world.books.dropped["customers"].add(number)
        world.collect()
        if step == 0:
            held = await service.start(MANAGER, pair, trigger())
            await world.worked()
            released = await service.release(MANAGER, held.id, trigger())
    await world.worked()
    again = (await service.run(MANAGER, released.id)).run
    assert again.state is RunState.HELD
    assert again.held is not None
    assert again.held.after == 7
    with pytest.raises(TooLateError):
        await service.discard(MANAGER, held.id, trigger())
    assert (await service.discard(MANAGER, again.id, trigger())).state is RunState.DISCARDED
    assert len(world.rows(Pair.CUSTOMERS)) == 20


async def test_a_file_without_a_row_is_asked_about_once(database: Database, tmp_path: Path, desk: Desk) -> None:
    world = stocked(company(database, tmp_path, maps=plain))
    service, pair = world.service(desk), world.pair(Pair.VENDORS).id
    run = await service.start(MANAGER, pair, trigger())
    await world.worked()
    assert (await service.run(MANAGER, run.id)).run.held is not None
    await service.release(MANAGER, run.id, trigger())
    await world.worked()
    assert world.rows(Pair.VENDORS) == []
    run = await service.start(MANAGER, pair, trigger())
    await world.worked()
    assert (await service.run(MANAGER, run.id)).run.state is RunState.UNCHANGED


async def test_an_invoice_that_does_not_add_up_is_left_out(database: Database, tmp_path: Path, desk: Desk) -> None:
    world = stocked(company(database, tmp_path, maps=plain))
    world.books.put("invoices", "2", TotalAmt=999)
    world.collect()
    service, pair = world.service(desk), world.pair(Pair.INVOICES).id
    run = await service.start(MANAGER, pair, trigger())
    await world.worked()
    seen = await service.run(MANAGER, run.id)
    assert {row["TXN_ID"] for row in world.rows(Pair.INVOICES)} == {"1"}
    assert (seen.run.state, seen.run.rejected) == (RunState.DONE, 1)
    assert [(one.key, one.field) for one in seen.rejects] == [("2", "TOTAL")]
    # Put right in QuickBooks, it goes.
    world.books.invoice("2", "2", [7.0])
    world.collect()
    await service.start(MANAGER, pair, trigger())
    await world.worked()
    assert sum(Decimal(row["AMOUNT"]) for row in world.rows(Pair.INVOICES) if row["TXN_ID"] == "2") == 7


# What people do


async def test_a_dry_run_sends_nothing(database: Database, tmp_path: Path, desk: Desk) -> None:
    world = stocked(company(database, tmp_path, maps=plain))
    service, pair = world.service(desk), world.pair(Pair.CUSTOMERS).id
    run = await service.dry_run(MANAGER, pair, trigger())
    await world.worked()
    seen = (await service.run(MANAGER, run.id)).run
    assert (seen.state, seen.rows, seen.counts.added) == (RunState.DRY, 10, 10)
    assert not world.file(Pair.CUSTOMERS).exists()
    assert (await service.one(MANAGER, pair)).last is None


async def test_people_switch_pause_and_plan(database: Database, tmp_path: Path, desk: Desk) -> None:
    world = stocked(company(database, tmp_path, maps=plain))
    service, pair = world.service(desk), world.pair(Pair.CUSTOMERS).id
    assert world.pair(Pair.CUSTOMERS).due_at is None, "nothing runs before an admin says so"
    with pytest.raises(NotAllowedError):
        await service.switch(MANAGER, pair, trigger(), on=True)
    view = await service.switch(actor(Role.ADMIN), pair, trigger(), on=True)
    assert view.pair.due_at == TWO
    with pytest.raises(ScheduleRefusedError):
        await service.schedule(MANAGER, pair, "every 15", view.pair.schedule_version, trigger())
    words = "Nightly 03:00  within 01:00-05:00"
    times = await service.preview_schedule(MANAGER, pair, words)
    changed = await service.schedule(MANAGER, pair, words, view.pair.schedule_version, trigger())
    assert changed.pair.due_at == times[0] == TWO + timedelta(hours=1)
    with pytest.raises(TooLateError):
        await service.schedule(MANAGER, pair, words, view.pair.schedule_version, trigger())
    daniel = MemberRow(
        id="mem_manager", organization_id=ORGANIZATION, team_id="T1", user_id="Umanager", name="Daniel", role="manager"
    )
    database.in_write(lambda session: session.add(daniel))
    paused = (await service.pause(MANAGER, pair, trigger())).pair
    assert (paused.due_at, paused.paused_by) == (None, "Daniel"), "a name is shown, and no id"
    await one_night(world)
    assert world.history(Pair.CUSTOMERS) == []
    assert (await service.resume(MANAGER, pair, trigger())).pair.due_at == times[0]
    (shown,) = await service.view(actor(Role.VIEWER))
    assert [line.pair.pair for line in shown.pairs] == list(Pair)
    assert await service.view(actor(Role.ADMIN, "org_2")) == []


# Death


class Killed(BaseException):
    """The process ends here."""


class Dies:
    """Ends the process at one point, once."""

    def __init__(self, at: str = "") -> None:
        self.at = at
        self.passed: list[str] = []

    def __call__(self, name: str) -> None:
        self.passed.append(name)
        if name == self.at:
            self.at = ""
            raise Killed(name)


POINTS = (
    "exchange.begun",
    "exchange.built",
    "exchange.decided",
    "exchange.uploaded",
    "exchange.verified",
    "exchange.archived",
    "exchange.replaced",
    "exchange.published",
    "exchange.settled",
)


class LedgerFirst(ExchangeHandler):
    """A twin that writes down what it gave before it gave it."""

    def _decided(self, session: Session, task: Task, built: Built) -> ExchangeRun | None:
        decided = super()._decided(session, task, built)
        if decided is not None and not task.given:
            exchange_given.write(session, decided.pair_id, decided.id, built.moves)
        return decided

    def _settled(self, session: Session, task: Task, run: ExchangeRun, built: Built, done: object) -> None:
        built.moves = exchange_given.Moves({}, {})
        super()._settled(session, task, run, built, done)  # type: ignore[arg-type]  # as in the real one


async def _killed(world: Company, dies: Dies, point: str) -> str:
    """Die at a point of a run of invoices, change QuickBooks, come back, play another night; return what is wrong."""
    pair = world.pair(Pair.INVOICES)
    if point == "exchange.archived":
        world.file(Pair.INVOICES).parent.mkdir(parents=True)
        world.file(Pair.INVOICES).write_bytes(b"of another program\r\n")
    world.on(Pair.INVOICES, schedule="nightly 02:00 within 01:00-05:00")
    world.clock.at = TWO
    world.collect()
    dies.at = point
    with pytest.raises(Killed):
        await world.worked()
    died = world.file(Pair.INVOICES).read_bytes() if world.file(Pair.INVOICES).exists() else b""
    world.books.invoice("3", "1", [1.0])
    world.collect()
    (run,) = world.history(Pair.INVOICES)
    await world.handler.take(run.id, run.attempt)
    (run,) = world.history(Pair.INVOICES)
    decided = POINTS.index(point) >= POINTS.index("exchange.decided")
    sent = {row["TXN_ID"] for row in world.rows(Pair.INVOICES)}
    if run.state is not RunState.DONE or run.counts.added != (2 if decided else 3):
        return f"{run.state} {run.counts}"
    if sent != ({"1", "2"} if decided else {"1", "2", "3"}):
        return f"the file holds {sent}"
    if POINTS.index(point) >= POINTS.index("exchange.replaced") and died != world.file(Pair.INVOICES).read_bytes():
        return "other bytes than before its death"
    world.clock.at = TWO + timedelta(days=1, hours=1)
    world.collect()
    await world.worked()
    later = {row["TXN_ID"] for row in world.rows(Pair.INVOICES)}
    if later != ({"3"} if decided else set()):
        return f"the next night holds {later}"
    given = world.database.in_read(lambda session: exchange_given.given(session, pair.id))
    return "" if set(given) == {"1", "2", "3"} else f"the ledger holds {set(given)}"


@pytest.mark.parametrize("point", POINTS)
async def test_death_at_any_point_costs_nothing(sqlite_database: Database, tmp_path: Path, point: str) -> None:
    """The next attempt finds or makes the same bytes, and nothing is given twice or lost."""
    dies = Dies()
    world = stocked(company(sqlite_database, tmp_path, maps=plain, checkpoint=dies))
    assert await _killed(world, dies, point) == ""


async def test_a_ledger_that_is_written_first_loses_invoices(sqlite_database: Database, tmp_path: Path) -> None:
    dies = Dies()
    world = stocked(company(sqlite_database, tmp_path, maps=plain, checkpoint=dies, kind=LedgerFirst))
    assert await _killed(world, dies, "exchange.decided")


async def test_all_points_are_passed(database: Database, tmp_path: Path) -> None:
    """Those that are died at above are all that there are on the way of a file that replaces another."""
    dies = Dies()
    world = stocked(company(database, tmp_path, maps=plain, checkpoint=dies))
    world.file(Pair.INVOICES).parent.mkdir(parents=True)
    world.file(Pair.INVOICES).write_bytes(b"of another program\r\n")
    world.on(Pair.INVOICES)
    await one_night(world)
    assert tuple(dies.passed) == POINTS


class Interrupted(ExchangeHandler):
    """Another worker takes the run over while this one is about to settle."""

    heir: ExchangeHandler | None = None

    async def _published(self, side: FarSide, built: Built, run: ExchangeRun) -> object:  # type: ignore[override]  # what it returns is of no interest here
        done = await super()._published(side, built, run)
        if self.heir is not None:
            heir, self.heir = self.heir, None
            await heir.take(run.id, run.attempt)
        return done


async def test_two_workers_settle_once(database: Database, tmp_path: Path) -> None:
    world = stocked(company(database, tmp_path, maps=plain, kind=Interrupted))
    other = company(database, tmp_path, maps=plain, begin=False)
    other.clock.at = TWO
    world.handler.heir = other.handler  # type: ignore[attr-defined]  # of the twin
    world.on(Pair.INVOICES)
    await one_night(world)
    await other.worked()
    (run,) = world.history(Pair.INVOICES)
    assert (run.state, run.counts.added) == (RunState.DONE, 2)
    assert not other.works, "no second clock starts the slot again"


async def test_an_outage_is_tried_again_later_and_later(database: Database, tmp_path: Path, desk: Desk) -> None:
    world = stocked(company(database, tmp_path, maps=plain))
    service, pair = world.service(desk), world.pair(Pair.CUSTOMERS).id
    # Where the folder should be somebody put a file.
    (tmp_path / "far" / "org_1").write_text("in the way")
    run = await service.start(MANAGER, pair, trigger())
    await world.worked()
    stopped = (await service.run(MANAGER, run.id)).run
    assert stopped.state in {RunState.WAITING, RunState.FAILED}
    assert stopped.why
    if stopped.state is RunState.WAITING:
        (tmp_path / "far" / "org_1").unlink()
        world.clock.at += timedelta(minutes=31)
        await world.worked()
        assert (await service.run(MANAGER, run.id)).run.state is RunState.DONE


async def test_runs_that_ended_long_ago_are_forgotten_and_the_ledger_is_not(database: Database, tmp_path: Path) -> None:
    world = stocked(company(database, tmp_path, maps=plain))
    world.on(Pair.CUSTOMERS)
    await one_night(world)
    (run,) = world.history(Pair.CUSTOMERS)
    assert run.finished_at is not None
    database.in_write(lambda session: exchange.add_rejects(session, run.id, [Reject("1", "NAME", "too long")]))
    given = database.in_read(lambda session: len(exchange_given.given(session, run.pair_id)))
    ended = run.finished_at
    assert database.in_write(lambda session: exchange.forget_before(session, ended)) == 0
    assert database.in_write(lambda session: exchange.forget_before(session, ended + timedelta(seconds=1))) == 1
    assert world.history(Pair.CUSTOMERS) == []
    assert database.in_read(lambda session: len(exchange_given.given(session, run.pair_id))) == given == 10
    assert world.pair(Pair.CUSTOMERS).last is not None
