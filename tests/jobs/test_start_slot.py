"""The clock starts no run beside a disconnect that has already looked for runs to stop."""

from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from functools import partial
from typing import Any

import pytest

from bot.cli.seed import modes
from jobs.asks import Enqueue
from jobs.schedule import schedule_of, start_catch_up, start_slot
from jobs.slots import Slot
from sandbox.world import SEED_FILE
from storage.facts.secret import Secret
from storage.facts.sources import ConnectionState
from storage.records import organizations, runs, sources
from storage.seal import Seal, new_key
from storage.seed_file import load_seed
from storage.seeding import Seeding, write_seed
from storage.sessions import Database, Session

NOW = datetime(2026, 11, 21, 14, 37, tzinfo=UTC)
_TOKENS = (
    "TEMERITY_BOT_TOKEN",
    "SUPPORT_BOT_TOKEN",
    "QUICKBOOKS_REFRESH_TOKEN",
    "SHOPIFY_ACCESS_TOKEN",
    "SHOPIFY_REFRESH_TOKEN",
)


def looks_first(session: Session, slot: Slot, now: datetime, enqueue: Enqueue) -> str | None:
    """Twin: takes no lock, so that it sees the source as it was before the disconnect."""
    source = sources.source(session, slot.source_id)
    return start_catch_up(session, source, slot.key, now, enqueue) if schedule_of(source).active else None


@pytest.mark.postgres
@pytest.mark.parametrize("start, waits", [(start_slot, True), (looks_first, False)], ids=["product", "twin"])
def test_a_slot_waits_for_a_disconnect(postgres_database: Database, start: Any, *, waits: bool) -> None:
    database = postgres_database
    seed = load_seed(SEED_FILE, dict.fromkeys(_TOKENS, "a token of a test"))
    how = Seeding(Seal([Secret(new_key())]), NOW, modes())
    organization_id = database.in_write(lambda session: write_seed(session, seed, how)).organization_id
    source, *_ = database.in_read(lambda session: sources.sources_of(session, organization_id))
    work = partial(start, slot=Slot(source.id, "a-slot", NOW), now=NOW, enqueue=lambda *_: None)
    with ThreadPoolExecutor(1) as pool:
        with database.write() as session:
            organizations.lock(session, organization_id)
            assert runs.active_of(session, [source.id]) == {}
            sources.set_connection(session, source.id, ConnectionState.DISCONNECTED, "on purpose", NOW)
            # What does not wait is done before this commits.
            started = pool.submit(database.in_write, work)
            early = None if waits else started.result(20)
        assert (early or started.result(20) is not None) != waits
    assert bool(database.in_read(lambda session: runs.active_of(session, [source.id]))) != waits
