"""/metrics: what happened, in words of ours, cheap, without names; health says what stands still, and no number."""

import re
from datetime import timedelta
from pathlib import Path

import httpx
import pytest

from bot.health import Health
from bot.metrics import Collected, MetricsServer
from bot.web import build_web
from jobs import figures as names
from jobs.expectations.beats import ClockBeat
from jobs.figures import Figures
from storage.facts.clock import OffsetClock
from storage.records import workers
from storage.sessions import Database
from tests.storage.test_seeding import ORGANIZATION, seed


def counted() -> Figures:
    """Return what a process counted."""
    figures = Figures()
    figures.count(names.RUNS_ENDED, "shopify", "ready", "changed")
    figures.count(names.DELIVERIES_SETTLED, "slack", "sent")
    figures.count(names.EXPECTATIONS_MISSED, "slot")
    figures.observe(names.RUN_START_LAG, 0.7)
    figures.observe(names.RUN_START_LAG, 7.0)
    with figures.timed(names.SWEEPS, "deadlines"):
        pass
    return figures


async def scraped(database: Database, clock: OffsetClock, figures: Figures) -> str:
    """Return what Prometheus gets."""
    server = MetricsServer(Collected(database, clock, figures), "127.0.0.1", 0)
    server.start()
    try:
        async with httpx.AsyncClient() as http:
            return (await http.get(server.address)).text
    finally:
        server.stop()


async def test_a_scrape_says_what_happened_and_what_stands_still(database: Database) -> None:
    clock = OffsetClock()
    seed(database)
    database.in_write(lambda session: workers.register(session, "worker", "all"))
    await ClockBeat(database, clock).sweep()()
    clock.advance(timedelta(minutes=5))
    text = await scraped(database, clock, counted())
    values = dict(re.findall(r"^([a-z_]+(?:\{[^}]*\})?) ([0-9.e+]+)$", text, re.MULTILINE))
    assert values['tidings_runs_ended_total{provider="shopify",result="changed",state="ready"}'] == "1.0"
    assert values['tidings_run_start_lag_seconds_bucket{le="1.0"}'] == "1.0"
    assert values['tidings_run_start_lag_seconds_bucket{le="+Inf"}'] == "2.0"
    assert values["tidings_workers"] == "1.0"
    assert 285 < float(values["tidings_clock_silent_seconds"]) < 300
    assert values["tidings_database_up"] == "1.0"
    assert not re.search(rf"{ORGANIZATION}|Temerity|temeritygoods|xox|T0[A-Z]", text)


async def test_without_a_database_the_process_still_says_what_it_counted(tmp_path: Path) -> None:
    elsewhere = Database(f"sqlite:///{tmp_path / 'none' / 'tidings.db'}", busy_seconds=1, pool_size=1)
    text = await scraped(elsewhere, OffsetClock(), counted())
    assert "tidings_database_up 0.0" in text
    assert 'tidings_expectations_missed_total{kind="slot"} 1.0' in text
    elsewhere.close()


class Believing(Health):
    """Twin: all is well while the database answers."""

    async def standing(self) -> list[str]:
        """Say that nothing stands still."""
        await self.pulse()
        return []


@pytest.mark.parametrize("kind, finds", [(Health, True), (Believing, False)], ids=["product", "twin"])
async def test_health_says_what_stands_still(sqlite_database: Database, kind: type[Health], *, finds: bool) -> None:
    clock = OffsetClock()
    seed(sqlite_database)
    sqlite_database.in_write(lambda session: workers.register(session, "worker", "all"))
    await ClockBeat(sqlite_database, clock).sweep()()
    health = kind(sqlite_database, clock, ClockBeat(sqlite_database, clock))

    async def ready() -> bool:
        return True

    app = build_web(None, None, ready, alive=health.alive, standing=health.standing)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        assert (await http.get("/readyz")).text == "ready"
        clock.advance(timedelta(minutes=5))
        answer = await http.get("/readyz")
        assert (answer.text == "ready; stands still: clock") == finds
        assert answer.status_code == 200
        assert (await http.get("/healthz")).text == "ok"


async def test_a_process_whose_own_clock_stands_still_wants_a_restart() -> None:
    async def ready() -> bool:
        return True

    app = build_web(None, None, ready, alive=lambda: False)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://x") as http:
        answer = await http.get("/healthz")
    assert (answer.status_code, answer.text) == (503, "the clock stands still")
