"""What goes wrong while metrics are calculated is tried again later and later, is said, and loses no value."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from sqlmodel import select
from structlog.testing import capture_logs

from jobs.ground import Ground, Warehouses
from jobs.metrics.calculating import Calculating, _Tries
from jobs.metrics.currencies import not_added
from jobs.metrics.outcomes import Outcome
from jobs.metrics.standing import shown_of
from storage.facts.clock import OffsetClock
from storage.facts.metrics import Calculation, Dataset, Definition, Metric, MetricState, Period, Selection, Value
from storage.facts.outgoing import EventType
from storage.facts.secret import Secret
from storage.records import metric_keeping, metrics, outgoing
from storage.records.metric_keeping import Calculated
from storage.seal import Seal, new_key
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, MetricTurnRow, OrganizationRow, OutgoingMessageRow, RunRow, SourceRow
from storage.warehouse.apart import Apart, Question, TooMuch

NOW = datetime(2026, 5, 4, 9, tzinfo=UTC)
KEPT = Value(Period(date(2026, 4, 1), date(2026, 4, 30)), Decimal(7))


def seeded(session: Session, definition: Definition = Definition(Selection(Dataset.REVENUE), Calculation.SUM)) -> None:  # noqa: B008 - it never changes
    """Write a source that is ready, a metric that has a value, and one that waits for its first."""
    session.add(OrganizationRow(id="org_1", name="Temerity Goods", timezone="UTC", created_at=NOW))
    session.flush()
    session.add(SourceRow(id="src_1", organization_id="org_1", provider="quickbooks", account="1", label="books",
                          company="Temerity", mode="timer", schedule_minutes=60, created_at=NOW, updated_at=NOW))  # fmt: skip
    session.flush()
    session.add(ConnectionRow(source_id="src_1", organization_id="org_1", state="connected", since=NOW))
    session.add(RunRow(id="run_1", organization_id="org_1", source_id="src_1", trigger="schedule", slot_key="slot-1",
                       state="ready", result="changed", requested_at=NOW, started_at=NOW, source_as_of=NOW, loaded_at=NOW,
                       ready_at=NOW, finished_at=NOW))  # fmt: skip
    for name in ("old", "new"):
        metric = Metric(name, "org_1", "src_1", "1", name, definition, 1, "mem_1", "", NOW, MetricState.CALCULATING,
                        "", None, "", None, 0)  # fmt: skip
        metrics.add(session, metric, "mem_1")
        if name == "old":
            metric_keeping.keep(session, metric, [KEPT], Calculated("run_0", 1, NOW, "USD", 1), NOW)
    metrics.due(session, "src_1", NOW)


class Unforeseen(Warehouses):
    """Fails with what nobody thought of."""

    def of(self, organization_id: str) -> object:  # type: ignore[override]  # it never returns
        raise ZeroDivisionError("of a test")


class Forgetful(Calculating):
    """A twin that leaves what is unforeseen to the end of its hold."""

    async def _again(self, turn: metrics.Turn, reason: str) -> None:
        return None


def ground_of(database: Database, clock: OffsetClock, warehouses: Warehouses) -> Ground:
    """Return what calculating stands on."""
    seal = Seal([Secret(new_key())])
    return Ground(database, clock, seal, warehouses, {}, lambda _: pytest.fail("nothing is read"), 1)


async def tried(database: Database, kind: type[Calculating], folder: Path) -> list[timedelta]:
    """Return how long after each of four attempts the next one is due."""
    clock, waits = OffsetClock(base=lambda: NOW), list[timedelta]()
    calculating = kind(ground_of(database, clock, Unforeseen(str(folder))))
    for _ in range(4):
        (turn,) = database.in_read(lambda session: metrics.due_turns(session, clock.now()))
        await calculating.take(turn)
        row = database.in_read(lambda session: session.get(MetricTurnRow, "src_1"))
        assert row is not None
        assert row.due_at is not None
        waits.append(row.due_at - clock.now())
        clock.offset += waits[-1]
    return waits


@pytest.mark.parametrize("kind", [Calculating, Forgetful])
async def test_what_is_unforeseen_comes_again_later_and_later(
    sqlite_database: Database, tmp_path: Path, kind: type[Calculating]
) -> None:
    sqlite_database.in_write(seeded)
    with capture_logs() as logs:
        waits = await tried(sqlite_database, kind, tmp_path)
    grows = waits == [timedelta(seconds=seconds) for seconds in (20, 80, 320, 1280)]
    assert grows == (kind is Calculating)
    # Of two who take longer than they may hold it, one comes to an end of it.
    assert grows or waits == [timedelta(minutes=minutes) for minutes in (5, 10, 20, 40)]
    assert [one["attempts"] for one in logs if one["event"] == "metrics_failed"] == [1, 2, 3, 4]
    found = {one.name: one for one in sqlite_database.in_read(lambda session: metrics.of_source(session, "src_1"))}
    assert ("tried again by itself" in found["new"].reason) == (kind is Calculating)
    assert (found["old"].state, found["old"].run_id) == (MetricState.CURRENT, "run_0")
    assert [one.value for one in sqlite_database.in_read(lambda session: metrics.newest_values(session, "old"))] == [
        KEPT
    ]


class Still(Warehouses):
    """A lake in which nothing happens any more."""

    def of(self, organization_id: str) -> Any:
        return SimpleNamespace(snapshot=lambda: 7, cursors=lambda _: {"general_ledger": NOW.date().isoformat()})


class Heavy(Calculating):
    """One metric of which takes more than there is, with whatever is looked at beside it."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.looked: list[int] = []

    async def _whole(self, _: Any, wanted: Sequence[Metric], *rest: Any) -> list[Outcome]:
        self.looked.append(len(wanted))
        if any(one.name == "old" for one in wanted):
            raise TooMuch("not answered within 60 seconds")
        return [Outcome(one, NOW, [KEPT], "USD") for one in wanted]


class AllAtOnce(Heavy):
    """A twin that tries the same again and again."""

    async def _in_parts(self, ready: Any, rest: Any, apart: Any, cursors: Any, marks: Any) -> list[Outcome]:
        return await self._whole(ready.source, rest, ready.run, apart, cursors, marks)


@pytest.mark.parametrize("kind", [Heavy, AllAtOnce])
async def test_one_that_takes_too_much_keeps_no_other_from_going_on(
    sqlite_database: Database, tmp_path: Path, kind: type[Heavy]
) -> None:
    sqlite_database.in_write(seeded)
    clock = OffsetClock(base=lambda: NOW)
    calculating = kind(ground_of(sqlite_database, clock, Still(str(tmp_path))))
    for _ in range(2):
        (turn,) = sqlite_database.in_read(lambda session: metrics.due_turns(session, clock.now()))
        await calculating.take(turn)
        clock.offset += timedelta(minutes=2)
    found = {one.name: one for one in sqlite_database.in_read(lambda session: metrics.of_source(session, "src_1"))}
    states = found["new"].state, found["old"].run_id
    assert states == ((MetricState.CURRENT if kind is Heavy else MetricState.CALCULATING), "run_0")
    assert calculating.looked == ([2, 1, 1] if kind is Heavy else [2, 2])
    # It is tried again, and until then it is not current.
    shown = sqlite_database.in_read(
        lambda session: shown_of(session, metrics.of_source(session, "src_1"), {}, clock.now())
    )
    stand = {one.metric.name: one.state for one in shown}
    assert (stand["new"], stand["old"]) == (states[0], MetricState.STALE)


class Patient(Heavy):
    """A twin that tries every part."""

    most_failed = 64


@pytest.mark.parametrize("kind", [Heavy, Patient])
async def test_a_company_of_which_nothing_can_be_calculated_is_left_soon(
    sqlite_database: Database, tmp_path: Path, kind: type[Heavy]
) -> None:
    """Each part may take a minute, and the other companies wait behind it."""
    sqlite_database.in_write(seeded)
    (one,) = [
        one for one in sqlite_database.in_read(lambda session: metrics.of_source(session, "src_1")) if one.name == "old"
    ]
    many = [replace(one, id=f"met_{number}") for number in range(15)] + [replace(one, id="met_15", name="new")]
    calculated: list[list[str]] = []
    for begins in (0, 14):
        calculating = kind(ground_of(sqlite_database, OffsetClock(base=lambda: NOW), Still(str(tmp_path))))
        ready = SimpleNamespace(tries=_Tries(5, begins), source=None, run=None)
        made = await calculating._in_parts(ready, many, Apart("", "org_1"), {}, {})  # type: ignore[arg-type]
        calculated.append([outcome.metric.id for outcome in made])
        assert isinstance(ready.tries.failed, TooMuch)
        assert len(calculating.looked) == (16 if kind is Patient else 3 + (begins > 0))
    # What was left is among the first another time.
    assert calculated == [["met_15"] if kind is Patient else [], ["met_15"]]


class Worn(Apart):
    """A process that may do so much in its life: one part is two thirds of that."""

    def __init__(self, *, renewed: bool) -> None:
        super().__init__("", "org_1")
        self.renewed = renewed
        self.left = 60

    async def ask(self, questions: Any) -> list[list[list[Any]]]:
        self.left -= 40 * len(questions)
        if self.left < 0:
            self.left = 60
            raise TooMuch("the process ended with -9")
        return []

    async def close(self) -> None:
        self.left = 60 if self.renewed else self.left


def another_run(session: Session) -> None:
    """Let a run become ready in which nothing changed."""
    at = NOW + timedelta(minutes=3)
    session.add(RunRow(id="run_2", organization_id="org_1", source_id="src_1", trigger="schedule", slot_key="slot-2",
                       state="ready", result="verified_unchanged", requested_at=at, started_at=at, source_as_of=at,
                       loaded_at=at, ready_at=at, finished_at=at))  # fmt: skip
    metrics.due(session, "src_1", at)


class Large(Calculating):
    """Two metrics of which each can be calculated, and both together cannot."""

    def __init__(self, ground: Ground, *, renewed: bool) -> None:
        super().__init__(ground)
        self.process = Worn(renewed=renewed)

    def _apart(self, source: Any, snapshot: int) -> Apart:
        return self.process

    async def _whole(self, source: Any, wanted: Sequence[Metric], run: Any, apart: Apart, *rest: Any) -> list[Outcome]:
        await apart.ask([Question("SELECT 1")] * len(wanted))
        return [Outcome(one, NOW, [KEPT], "USD") for one in wanted]


@pytest.mark.parametrize("loses", [False, True], ids=["a process for each part", "twin: one for all parts"])
async def test_parts_that_are_small_enough_each_by_itself_are_calculated(
    sqlite_database: Database, tmp_path: Path, *, loses: bool
) -> None:
    """What a process may take of the processor is counted over its life: the second part must not pay for the first."""
    sqlite_database.in_write(seeded)
    clock = OffsetClock(base=lambda: NOW)
    calculating = Large(ground_of(sqlite_database, clock, Still(str(tmp_path))), renewed=not loses)
    for _ in range(2):
        (turn,) = sqlite_database.in_read(lambda session: metrics.due_turns(session, clock.now()))
        await calculating.take(turn)
        clock.offset += timedelta(minutes=2)
    row = sqlite_database.in_read(lambda session: session.get(MetricTurnRow, "src_1"))
    assert row is not None
    assert (row.due_at is None, row.failing_since is None) == (not loses, not loses)
    if loses:
        return
    # A run without changes: what is read once a day is of that run, too, and as old as it was.
    sqlite_database.in_write(another_run)
    (turn,) = sqlite_database.in_read(lambda session: metrics.due_turns(session, clock.now()))
    await calculating.take(turn)
    found = sqlite_database.in_read(lambda session: metrics.of_source(session, "src_1"))
    assert {(one.run_id, one.as_of) for one in found} == {("run_2", NOW)}


class Stuck(Worn):
    """A process that does all but look at currencies."""

    async def ask(self, questions: Any) -> list[list[list[Any]]]:
        if any("currency" in one.sql for one in questions):
            raise TooMuch("not answered within 60 seconds")
        return []


class Simple(Large):
    """Asks such a process."""

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground, renewed=True)
        self.process = Stuck(renewed=True)


class Insisting(Simple):
    """A twin that goes no further without the currencies."""

    async def _since(self, base: Any, ready: Any, apart: Apart, cursors: Any) -> Any:
        await apart.ask([Question("SELECT currency")])
        return await super()._since(base, ready, apart, cursors)


@pytest.mark.parametrize("kind", [Simple, Insisting])
async def test_one_of_several_currencies_that_takes_too_much_keeps_no_other_waiting(
    sqlite_database: Database, tmp_path: Path, kind: type[Simple]
) -> None:
    sqlite_database.in_write(seeded)

    def broken(session: Session) -> None:
        (old,) = [one for one in metrics.of_source(session, "src_1") if one.name == "old"]
        metrics.mark_broken(session, old, not_added({"EUR", "USD"}))

    sqlite_database.in_write(broken)
    clock = OffsetClock(base=lambda: NOW)
    (turn,) = sqlite_database.in_read(lambda session: metrics.due_turns(session, clock.now()))
    await kind(ground_of(sqlite_database, clock, Still(str(tmp_path)))).take(turn)
    found = {one.name: one for one in sqlite_database.in_read(lambda session: metrics.of_source(session, "src_1"))}
    assert (found["new"].state is MetricState.CURRENT) == (kind is Simple)


class Emptied(Calculating):
    """Finds nothing that could be added up."""

    async def _since(self, base: Any, ready: Any, apart: Any, cursors: Any) -> Any:
        return [Outcome(one, NOW, waits=True) for one in ready.metrics], {}


class Believes(Emptied):
    """A twin that lets values stay as they are, whose records are gone."""

    def _kept(self, *_: Any, **__: Any) -> bool:
        return True


@pytest.mark.parametrize("kind", [Emptied, Believes])
async def test_values_of_records_that_are_gone_are_never_as_new_as_the_next_run(
    sqlite_database: Database, tmp_path: Path, kind: type[Calculating]
) -> None:
    sqlite_database.in_write(sold)
    clock = OffsetClock(base=lambda: NOW)
    calculating = kind(ground_of(sqlite_database, clock, Still(str(tmp_path))))
    for hour in (0, 1):
        clock.offset = timedelta(hours=hour)
        if hour:
            sqlite_database.in_write(later)
        (turn,) = sqlite_database.in_read(lambda session: metrics.due_turns(session, clock.now()))
        await calculating.take(turn)

    def stands(session: Session) -> dict[str, tuple[MetricState, str]]:
        shown = shown_of(session, metrics.of_source(session, "src_1"), {}, clock.now())
        return {one.metric.name: (one.state, one.reason) for one in shown}

    found = sqlite_database.in_read(stands)
    assert found["new"][0] is MetricState.CALCULATING
    if kind is Believes:
        assert found["old"][0] is MetricState.CURRENT
    else:
        assert found["old"][0] is MetricState.BROKEN
        assert "in QuickBooks any more" in found["old"][1]
        assert "is not imported yet" in found["new"][1]


def sold(session: Session) -> None:
    """As seeded, calculated from sales."""
    seeded(session, Definition(Selection(Dataset.CUSTOMERS)))


def later(session: Session) -> None:
    """Write a run that is ready an hour later."""
    at = NOW + timedelta(hours=1)
    session.add(RunRow(id="run_2", organization_id="org_1", source_id="src_1", trigger="schedule", slot_key="slot-2",
                       state="ready", result="changed", requested_at=at, started_at=at, source_as_of=at, loaded_at=at,
                       ready_at=at, finished_at=at))  # fmt: skip
    metrics.due(session, "src_1", at)


class Moved(Calculating):
    """Finds another value in a ledger that was read three days ago: accounts lie elsewhere now."""

    async def _since(self, base: Any, ready: Any, apart: Any, cursors: Any) -> Any:
        old = next(one for one in ready.metrics if one.name == "old")
        return [Outcome(old, NOW - timedelta(days=3), [Value(KEPT.period, Decimal(8))], "USD")], {}


async def test_a_receiver_is_told_that_a_new_value_is_of_an_old_reading(
    sqlite_database: Database, tmp_path: Path
) -> None:
    def receiver(session: Session) -> None:
        seeded(session)
        outgoing.add_endpoint(session, "hook_1", "org_1", "https://127.0.0.1:9/in", (EventType.METRIC_UPDATED,), b"x",
                              "mem_1", NOW)  # fmt: skip

    sqlite_database.in_write(receiver)
    (turn,) = sqlite_database.in_read(lambda session: metrics.due_turns(session, NOW))
    await Moved(ground_of(sqlite_database, OffsetClock(base=lambda: NOW), Still(str(tmp_path)))).take(turn)
    (body,) = sqlite_database.in_read(lambda session: session.exec(select(OutgoingMessageRow.body)).all())
    assert '"stale":true' in body.replace(" ", "")
