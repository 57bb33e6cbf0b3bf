"""How long a refresh usually takes is told by those that did what the next one will do."""

from datetime import UTC, datetime, timedelta
from typing import Any

from bot.cli.seed import modes
from sandbox.world import SEED_FILE
from storage.facts.rereads import Reread
from storage.facts.runs import Result, RunState, Trigger
from storage.facts.secret import Secret
from storage.records import rereads, sources
from storage.records.durations import durations_of
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session
from storage.tables import RunRow

NOW = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)
_TOKENS = ("TEMERITY_BOT_TOKEN", "SUPPORT_BOT_TOKEN", "QUICKBOOKS_REFRESH_TOKEN", "SHOPIFY_ACCESS_TOKEN",
           "SHOPIFY_REFRESH_TOKEN")  # fmt: skip
_AGAIN = rereads.kept(Reread())
#: what each took ten hours, and no usual run does
UNUSUAL: list[dict[str, Any]] = [
    {"result": Result.PARTIAL},
    {"only": ["products"]},
    {"trigger": Trigger.OLDER},
    {"trigger": Trigger.FIRST_READ},
    {"outcome": {"older": [{"stream": "orders", "back_to": "2026-01-01", "left": 7}]}},
    {"outcome": _AGAIN},
    {"outcome": {"plan": _AGAIN}},
]


def _ran(session: Session, organization: str, source: str, number: int, seconds: int, **more: Any) -> None:
    at = NOW + timedelta(hours=number)
    usual: dict[str, Any] = {"trigger": Trigger.SCHEDULE, "result": Result.CHANGED, "only": None}
    usual["outcome"] = {"older": [], "plan": {"seconds": 3}} if number % 2 else None
    session.add(
        RunRow(
            id=f"run_{number}", organization_id=organization, source_id=source, slot_key=f"slot {number}",
            state=RunState.READY, requested_at=at, started_at=at, ready_at=at + timedelta(seconds=seconds),
            finished_at=at + timedelta(seconds=seconds), **{**usual, **more},
        )
    )  # fmt: skip


def test_only_usual_runs_tell_how_long_the_next_one_takes(database: Database) -> None:
    seed = load_seed(SEED_FILE, dict.fromkeys(_TOKENS, "a token of a test"))
    how = Seeding(Seal([Secret(new_key())]), NOW, modes())
    organization = database.in_write(lambda session: write_seed(session, seed, how)).organization_id
    source, *_ = database.in_read(lambda session: sources.sources_of(session, organization))
    with database.write() as session:
        for number in range(4):
            _ran(session, organization, source.id, number, 60)
        for number, more in enumerate(UNUSUAL, start=10):
            _ran(session, organization, source.id, number, 36_000, **more)
    assert database.in_read(lambda session: durations_of(session, [source.id])) == {}
    with database.write() as session:
        _ran(session, organization, source.id, 5, 70)
    (told,) = database.in_read(lambda session: durations_of(session, [source.id])).values()
    assert (told.p50, told.runs) == (60, 5)
