"""Did my change land: from rows of a real lake alone, watched where it did not, told once."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from sqlmodel import select

from connectors.landmarks import LANDMARKS
from connectors.registry import connector_for
from jobs.desk import Desk
from jobs.errors import NotAllowedError, NotFoundError
from jobs.explain.asking import LandedService
from jobs.explain.landing import hits
from jobs.explain.wanted import read_wanted
from jobs.explain.watching import LANDED, WATCHED_FOR, landed_words, watch_sweep
from jobs.ground import Warehouses
from jobs.refresh.ask import TriggerKey
from jobs.work import Work
from storage.facts.clock import OffsetClock
from storage.facts.landed import LandedAnswer, Sought, SoughtKind
from storage.facts.messages import Message
from storage.facts.people import Actor, SlackIdentity
from storage.facts.runs import RunState
from storage.facts.sources import Provider
from storage.records import deliveries, organizations, receipts, watching
from storage.sessions import Database, Session
from storage.tables import DeliveryRow, LandedWatchRow
from templates import mail
from templates.notices.landed import landed as told
from tests.jobs.explain.lake import put
from tests.jobs.explain.rows import Rows

BOOKS = Provider.QUICKBOOKS
MAYA, PRIYA = SlackIdentity("T0TEMERITY", "U0MAYA"), SlackIdentity("T0TEMERITY", "U0PRIYA")


class Scene:
    """A database, a lake, the service and the sweep."""

    def __init__(self, database: Database, folder: Path) -> None:
        self.database, self.clock = database, OffsetClock()
        self.warehouses = Warehouses(str(folder / "warehouse"))
        self.organization_id = database.in_write(lambda session: Rows(database, session).organization_id)
        self.desk = Desk(database.url)
        self.service = LandedService(self.desk, self.clock, self.warehouses)
        self.works: list[Work] = []
        self.sweep = watch_sweep(database, self.clock, self.warehouses, lambda _session, work: self.works.append(work))

    def rows(self, work: Callable[[Rows], Any]) -> Any:
        return self.database.in_write(lambda session: work(Rows(self.database, session, self.organization_id)))

    def collected(self, *documents: tuple[str, str, str], state: RunState = RunState.READY, asked: float = 12) -> str:
        """Load documents by a run that ended so."""
        run_id: str = self.rows(lambda rows: rows.run(BOOKS, state, asked=asked).id)
        put(self.warehouses, self.rows(lambda rows: rows.source(BOOKS)), run_id, *documents)
        return run_id

    def actor(self, identity: SlackIdentity = MAYA) -> Actor:
        member = self.database.in_read(lambda session: organizations.member_by_identity(session, identity))
        assert member is not None
        return Actor(identity, member)

    async def ask(self, words: str, *, identity: SlackIdentity = MAYA, trigger: str = "t1") -> LandedAnswer:
        wanted = read_wanted(words, "America/New_York", self.clock.now())
        assert wanted is not None
        source = self.rows(lambda rows: rows.source(BOOKS))
        return await self.service.landed(self.actor(identity), wanted, [source.id], TriggerKey("T0TEMERITY", trigger))

    def said(self) -> list[str]:
        """Return what was told by DM."""

        def work(session: Session) -> list[str]:
            found = session.exec(select(DeliveryRow).where(DeliveryRow.kind == LANDED)).all()
            words = landed_words()[LANDED]
            return [
                text(words(session, deliveries.delivery(session, row.id), self.clock.now())) for row in found
            ]  # fmt: skip

        return self.database.in_read(work)

    def watches(self) -> int:
        return self.database.in_read(lambda session: len(session.exec(select(LandedWatchRow)).all()))


def text(message: Message) -> str:
    return mail.render(message, zone="America/New_York").text


@pytest_asyncio.fixture
async def scene(sqlite_database: Database, tmp_path: Path) -> Any:
    found = Scene(sqlite_database, tmp_path)
    yield found
    found.desk.close()


async def test_what_is_there_is_named_with_its_collection_and_receipt(scene: Scene) -> None:
    run_id = scene.collected(("7", "1042", "1250.00"), ("8", "1043", "12.50"))
    receipt = scene.database.in_read(lambda session: receipts.ids_of(session, [run_id])[run_id])
    for words in ("invoice 1042", "#1042", "1,250.00 USD", "$1,250.00"):
        answer = await scene.ask(words)
        (hit,) = answer.hits
        assert (hit.row and hit.row.number, hit.row and hit.row.amount) == ("1042", Decimal("1250.000"))
        shown = text(told("Temerity Goods", answer, scene.clock.now(), zone="America/New_York"))
        assert "invoice 1042, 1,250.00 USD" in shown
        assert receipt in shown
        assert "as of" in shown
    assert scene.watches() == 0


async def test_a_viewer_sees_that_it_is_there_and_no_amount(scene: Scene) -> None:
    scene.collected(("7", "1042", "1250.00"))
    answer = await scene.ask("1042", identity=PRIYA)
    assert "1,250" not in text(told("Temerity Goods", answer, scene.clock.now(), zone="UTC"))
    with pytest.raises(NotAllowedError):
        await scene.ask("1,250.00", identity=PRIYA)


async def test_only_sources_of_the_own_organization_are_looked_into(scene: Scene) -> None:
    wanted = Sought(SoughtKind.NUMBER, "1042")
    with pytest.raises(NotFoundError):
        await scene.service.landed(scene.actor(), wanted, ["src_of_others"], TriggerKey("T0TEMERITY", "t"))


async def test_what_is_not_there_is_watched_and_told_once(scene: Scene) -> None:
    scene.collected(("7", "1042", "1250.00"), asked=60)
    answer = await scene.ask("1043")
    assert (answer.hits, answer.watching_until is not None) == ((), True)
    await scene.ask("1043")
    assert scene.watches() == 1
    shown = text(told("Temerity Goods", answer, scene.clock.now(), zone="America/New_York"))
    for words in ("is not in yet", "complete as of", "next collection", "direct message, once"):
        assert words in shown
    await scene.sweep()
    assert (scene.works, scene.watches()) == ([], 1)
    # Loaded, and its run still under way: in nobody's import yet.
    run_id = scene.collected(("8", "1043", "12.50"), state=RunState.RUNNING, asked=-1)
    assert not (await scene.ask("1043", trigger="t2")).hits[0].ready
    await scene.sweep()
    assert scene.said() == []
    _end(scene, run_id)
    await scene.sweep()
    await scene.sweep()
    # Both questions are answered, each once.
    assert (len(scene.works), scene.watches()) == (2, 0)
    first, second = scene.said()
    assert first == second
    assert "invoice 1043, 12.50 USD" in first


async def test_a_watch_ends_with_a_word_after_a_week(scene: Scene) -> None:
    scene.collected(("7", "1042", "1250.00"))
    await scene.ask("999")
    scene.clock.advance(WATCHED_FOR + timedelta(minutes=1))
    await scene.sweep()
    await scene.sweep()
    (said,) = scene.said()
    assert "did not land within 7 days" in said
    assert scene.watches() == 0


async def test_a_change_by_its_time_is_in_when_the_data_is_complete_up_to_then(scene: Scene) -> None:
    scene.collected(asked=30)
    now = scene.clock.now()
    source = [scene.rows(lambda rows: rows.source(BOOKS)).id]
    before, after = (Sought(SoughtKind.INSTANT, (now - timedelta(minutes=minutes)).isoformat()) for minutes in (45, 5))
    found = await scene.service.landed(scene.actor(), before, source, TriggerKey("T0TEMERITY", "a"))
    assert len(found.hits) == 1
    missing = await scene.service.landed(scene.actor(), after, source, TriggerKey("T0TEMERITY", "b"))
    assert (missing.hits, scene.watches()) == ((), 1)


def by_time_alone(session: Session, found: Sequence[Any], _sought: Sought, _rows: Mapping[str, Any]) -> list[Any]:
    """A twin that says that it is in because the data is newer than the question."""
    return hits(session, found, Sought(SoughtKind.INSTANT, datetime(2000, 1, 1, tzinfo=UTC).isoformat()), {})


async def test_a_look_at_times_instead_of_rows_is_found_out(scene: Scene) -> None:
    scene.collected(("7", "1042", "1250.00"))
    source = [scene.rows(lambda rows: rows.source(BOOKS))]
    wanted = Sought(SoughtKind.NUMBER, "1043")

    def lies(answer: Callable[..., list[Any]]) -> bool:
        return bool(scene.database.in_read(lambda session: answer(session, source, wanted, {source[0].id: []})))

    assert not lies(hits)
    assert lies(by_time_alone)


def test_a_question_is_answered_once_whoever_answers_it(database: Database) -> None:
    """A twin that tells without asking whether it ended the question tells twice."""
    with database.write() as session:
        rows = Rows(database, session)
        until = rows.now + WATCHED_FOR
        sources = [rows.source(BOOKS).id, rows.source().id]
        wanted = Sought(SoughtKind.NUMBER, "1042")
        watching.add(session, "ask_1", rows.organization_id, rows.member().id, sources, wanted, rows.now, until)
        due = watching.due(session, until)
        assert len(due) == 2
        told_of = [watch for watch in due if watching.answer(session, watch.ask_id)]
        assert len(told_of) == 1
        assert len([watch for watch in due if watch.expires_at <= until]) == 2
        session.rollback()


@pytest.mark.parametrize(
    "words, found",
    [
        ("invoice 1042", Sought(SoughtKind.NUMBER, "1042")),
        ("order #TG-1042", Sought(SoughtKind.NUMBER, "#TG-1042")),
        ("1,250.00", Sought(SoughtKind.AMOUNT, "1250.00")),
        ("$1,250", Sought(SoughtKind.AMOUNT, "1250.00")),
        ("amount 12.5", Sought(SoughtKind.AMOUNT, "12.50")),
        ("-0.10 USD", Sought(SoughtKind.AMOUNT, "-0.10")),
        ("1250", Sought(SoughtKind.NUMBER, "1250")),
        ("change at 11:05", Sought(SoughtKind.INSTANT, "2026-11-20T11:05:00-05:00")),
        ("change at 09:05", Sought(SoughtKind.INSTANT, "2026-11-21T09:05:00-05:00")),
        ("12,34.00", None),
        ("my change", None),
        ("amount 1e5", None),
        ("$1.2345", None),
    ],
)
def test_what_is_typed_is_read_exactly_or_not_at_all(words: str, found: Sought | None) -> None:
    now = datetime(2026, 11, 21, 15, 0, tzinfo=UTC)
    assert read_wanted(words, "America/New_York", now) == found


def test_every_declared_column_is_there() -> None:
    for provider, marks in LANDMARKS.items():
        streams = {
            stream.name: {column.name for column in stream.columns} for stream in connector_for(provider).streams
        }
        for mark in marks:
            named = {*mark.numbers, *filter(None, (mark.amount, mark.currency, mark.day))}
            assert named <= streams[mark.stream], (provider, mark)


def _end(scene: Scene, run_id: str) -> None:
    """Let the run become ready now."""
    now = scene.clock.now()
    values = {"state": RunState.READY, "finished_at": now, "ready_at": now, "source_as_of": now, "loaded_at": now}

    def work(session: Session) -> None:
        from storage.tables import RunRow

        row = session.get_one(RunRow, run_id)
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)

    scene.database.in_write(work)
