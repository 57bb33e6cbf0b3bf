"""Every trouble of a provider, at the first read and later, through the whole product: the documented outcome and no other.

The table is the documentation. In each case the product is asked by a person in Slack, the provider misbehaves, and
the end is looked at where people look: the run, the words in Slack, the last data refresh, the warehouse.
"""

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import col, select

from sandbox.misbehave import Kind, Rule
from sandbox.providers.catalogue import SHOP
from storage.facts.runs import Run
from storage.records import last_runs, runs
from storage.sessions import Database, Session
from storage.tables import ConnectionRow, RunRow, SourceRow
from tests.faults.lives import ForkServer
from tests.faults.oracle import complaints
from tests.faults.world import CHANNEL, MAYA, World, world_on

SOAK = bool(os.environ.get("SOAK"))
FOR_EVER: dict[str, Any] = {"times": None}


@dataclass(frozen=True)
class Case:
    """A trouble and its outcome: ready, failed (with its code) or disconnected (with its code)."""

    kind: Kind
    outcome: str
    code: str = ""
    facts: dict[str, Any] = field(default_factory=dict)
    #: what the person reads
    words: str = ""

    def __str__(self) -> str:
        return f"{self.kind}{'-for-ever' if self.facts.get('times', 1) is None else ''}-{self.outcome}"

    @property
    def rule(self) -> Rule:
        return Rule(self.kind, **{"operation": "query", **self.facts})


#: Once: the next attempt succeeds, and nobody needs to know.
RECOVERS = (
    Case(Kind.LATENCY, "ready", facts={"seconds": 0.3, "times": 3}),
    Case(Kind.RATE_LIMIT, "ready", facts={"retry_after": "1"}),
    Case(Kind.RATE_LIMIT, "ready"),
    Case(Kind.SERVER_ERROR, "ready"),
    Case(Kind.SERVER_ERROR, "ready", facts={"status": 500}),
    Case(Kind.RESET, "ready"),
    Case(Kind.TRUNCATE, "ready"),
    Case(Kind.HANG, "ready"),
    Case(Kind.LATE, "ready", facts={"seconds": 1.3}),
    Case(Kind.HTML, "ready"),
    Case(Kind.UNAUTHORIZED, "ready"),
    Case(Kind.FAULT, "ready", facts={"code": "THROTTLED"}),
)
#: For ever: it ends as failed, with the stage, a plain reason and the next step.
FAILS = (
    Case(Kind.SERVER_ERROR, "failed", "server_error", FOR_EVER),
    Case(Kind.RESET, "failed", "connection", FOR_EVER),
    Case(Kind.TRUNCATE, "failed", "connection", FOR_EVER),
    Case(Kind.HANG, "failed", "timeout", FOR_EVER),
    Case(Kind.HTML, "failed", "not_json", FOR_EVER),
    Case(Kind.RATE_LIMIT, "failed", "throttled", {"retry_after": "1", **FOR_EVER}),
    # One stream is refused: the others are loaded, and nobody is told that the source is fresh.
    Case(Kind.OVERSIZE, "partial", "body_too_large", {"size": 8 << 20}),
    Case(Kind.REDIRECT, "failed", "redirected"),
    Case(Kind.FAULT, "partial", "scope_missing", {"code": "ACCESS_DENIED"}),
    Case(Kind.FAULT, "failed", "shop_inactive", {"code": "SHOP_INACTIVE"}),
    Case(Kind.FAULT, "failed", "server_error", {"code": "INTERNAL_SERVER_ERROR", **FOR_EVER}),
)
#: A person must connect again, and is told so.
DISCONNECTS = (
    Case(Kind.FAULT, "disconnected", "scope_missing", {"code": "ACCESS_DENIED", **FOR_EVER}, "econnect"),
    Case(Kind.REVOKE, "disconnected", "", {}, "econnect"),
    Case(Kind.UNAUTHORIZED, "disconnected", "token_rejected", FOR_EVER, "econnect"),
)


def _source(session: Session) -> SourceRow:
    return session.exec(select(SourceRow).where(SourceRow.provider == "shopify")).one()


def _last(world: World) -> Run:
    def read(session: Session) -> Run:
        newest = select(RunRow).where(RunRow.source_id == _source(session).id).order_by(col(RunRow.requested_at).desc())
        row = session.exec(newest).first()
        assert row is not None
        return runs.as_run(row)

    return world.database.in_read(read)


def _last_data_refresh(world: World) -> datetime | None:
    def read(session: Session) -> datetime | None:
        source_id = _source(session).id
        ready = last_runs.ready_of(session, [source_id]).get(source_id)
        return ready.clocks.source_as_of if ready else None

    return world.database.in_read(read)


_OF_ALARMS = ("Recovered",)


def _told(world: World) -> str:
    """Return what was said last about the refresh; alarms have threads of their own."""
    posts = [one for one in world.sandbox.slack.messages(CHANNEL, viewer=MAYA) if one.metadata and one.is_reply]
    return [one.everything for one in posts if not one.everything.startswith(_OF_ALARMS) and ": again" not in one.text][
        -1
    ]


def _held(world: World) -> dict[str, int]:
    source_id = world.database.in_read(lambda session: _source(session).id)
    return world.warehouse().counts(source_id)


def _play(world: World, case: Case) -> None:
    """Misbehave, ask, and look at what came of it."""
    before, held = _last_data_refresh(world), _held(world)
    world.business(seed=hash(str(case)))
    world.trouble(case.rule)
    world.asked()
    world.settled(120)
    world.honest()
    run, told = _last(world), _told(world)
    if case.outcome == "ready":
        _is_ready(world, run, told, before, case)
        return
    if case.outcome == "partial":
        _is_partial(world, run, told, held, case)
        return
    assert run.state == "failed", case
    assert run.failure is not None
    assert run.failure.code == case.code or not case.code, (case, run.failure)
    assert run.failure.stage == "collecting"
    assert run.failure.detail
    assert "ready to import" not in told.lower()
    assert "ollect" in told, told
    assert case.words in told, told
    assert _last_data_refresh(world) == before
    assert _held(world) == held
    assert world.database.in_read(_connection) == ("disconnected" if case.outcome == "disconnected" else "connected")


def _is_ready(world: World, run: Run, told: str, before: datetime | None, case: Case) -> None:
    assert run.state == "ready", (case, run.failure)
    assert "ready to import" in told
    after = _last_data_refresh(world)
    assert after is not None
    assert before is None or after > before
    assert _held(world)["raw_shopify_orders"] == len(world.sandbox.shopify.shops[SHOP].truth("Order"))


def _is_partial(world: World, run: Run, told: str, held: dict[str, int], case: Case) -> None:
    assert (run.state, run.result) == ("ready", "partial"), (case, run.failure)
    assert run.partly is not None
    (missing,) = run.partly.missing
    assert missing.code == case.code
    assert "only partly refreshed" in told
    assert f"{missing.label} could not be read" in told
    # What is missing is as old as it was when it was last read, and so is the source.
    assert _last_data_refresh(world) == missing.as_of
    for stream in missing.streams:
        assert _held(world).get(f"raw_shopify_{stream}", 0) == held.get(f"raw_shopify_{stream}", 0)


def _connection(session: Session) -> str:
    return session.exec(select(ConnectionRow.state).where(ConnectionRow.source_id == _source(session).id)).one()


@pytest.mark.timeout(900)
def test_at_the_first_read(sqlite_database: Database, tmp_path: Path, server: ForkServer) -> None:
    """What fails leaves nothing of it behind, so one shop goes through all of them; then it recovers and is ready."""
    with world_on(sqlite_database, tmp_path, server) as world:
        world.attempts = 2
        world.begin()
        for case in (*(FAILS if SOAK else FAILS[::2]), RECOVERS[3]):
            _play(world, case)
        assert complaints(world) == []


@pytest.mark.timeout(900)
def test_later(sqlite_database: Database, tmp_path: Path, server: ForkServer) -> None:
    with world_on(sqlite_database, tmp_path, server) as world:
        world.attempts = 2
        world.begin()
        # The quick run leaves out what fails at the first read in the same words, and half of each kind.
        for case in (*RECOVERS, *FAILS, RECOVERS[0]) if SOAK else (*RECOVERS[::2], FAILS[1], RECOVERS[0]):
            _play(world, case)
        tokens = world.sandbox.shopify.journal.select(operation="token")
        assert len(tokens) == 1, "a refused token is renewed once"
        assert complaints(world) == []


@pytest.mark.parametrize("case", DISCONNECTS, ids=str)
def test_a_lost_grant_disconnects(sqlite_database: Database, tmp_path: Path, server: ForkServer, case: Case) -> None:
    with world_on(sqlite_database, tmp_path, server) as world:
        world.begin()
        world.asked()
        world.settled(120)
        _play(world, case)
