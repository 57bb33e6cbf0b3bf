"""A slot that came while a run held its source is started as soon as that run is over, however it ends."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import pytest

from jobs.asks import Enqueue
from jobs.refresh.cancel import cancel_run
from jobs.schedule import SLOT_WAITS, schedule_of, start_slot
from jobs.slots import Slot, latest_slot, next_slot
from storage.facts.runs import Failure, FailureKind, Run, Stage, Trigger
from storage.facts.sources import ConnectionState, Provider, Source
from storage.records import deadlines, runs, sources
from storage.sessions import Database, Session
from tests.jobs.incidents.troubled import Company

End = Callable[[Company, Source], None]


def lets_go(session: Session, slot: Slot, now: datetime, enqueue: Enqueue) -> str | None:
    """Twin: leaves the slot to the catch-up, ten minutes later."""
    if runs.active_of(session, [slot.source_id]):
        return None
    return start_slot(session, slot, now, enqueue)


def cancelled(company: Company, source: Source) -> None:
    """End a run that waits, by hand."""
    run = active(company, source)
    assert run is not None
    put_back = {"failure_kind": FailureKind.RETRY, "failure_code": "timeout", "failure_detail": "no answer",
                "failure_stage": Stage.COLLECTING, "reference": "ref_1"}  # fmt: skip

    def work(session: Session) -> None:
        runs.put_back(session, run.id, run.generation, company.at, **put_back)
        cancel_run(session, run.id, company.at, company.notifier)

    company.database.in_write(work)


def lost(company: Company, source: Source) -> None:
    """End it, and lose the connection with it."""
    failure = Failure(FailureKind.RECONNECT, "invalid_grant", "withdrawn", Stage.COLLECTING, "ref_1")

    def work(session: Session) -> None:
        sources.set_connection(session, source.id, ConnectionState.DISCONNECTED, failure.detail, company.at)

    cancelled(company, source)
    company.database.in_write(work)


def active(company: Company, source: Source) -> Run | None:
    """Return the run that holds the source."""
    return company.database.in_read(lambda session: runs.active_of(session, [source.id])).get(source.id)


@pytest.mark.parametrize(
    "start, end, follows",
    [(start_slot, cancelled, True), (start_slot, lost, False), (lets_go, cancelled, False)],
    ids=["product", "nothing to start", "twin"],
)
async def test_a_slot_is_started_when_what_held_its_source_ends(
    sqlite_database: Database, start: Any, end: End, *, follows: bool
) -> None:
    company = Company(sqlite_database)
    (source,) = company.founded("acme", Provider.SHOPIFY)
    company.at = next_slot(schedule_of(source), company.at) - timedelta(minutes=1)
    company.begun(source)
    company.at += timedelta(minutes=1)
    slot = latest_slot(schedule_of(source), company.at)

    def submit(session: Session) -> str | None:
        started: str | None = start(session, slot, company.at, lambda *_: None)
        return started

    # The catch-up may say it more than once while the run goes on; nothing is done before it ends.
    for _ in range(2):
        assert sqlite_database.in_write(submit) is None
        await company.deadlines()
    end(company, source)
    company.at += timedelta(seconds=1)
    await company.deadlines()
    run = active(company, source)
    assert (run is not None) is follows
    if run is not None:
        taken = sqlite_database.in_read(lambda session: runs.slot_taken(session, source.id, slot.key))
        assert taken
        assert run.trigger is Trigger.FIRST_READ


async def test_a_slot_waits_for_whatever_takes_the_source_in_between(sqlite_database: Database) -> None:
    company = Company(sqlite_database)
    (source,) = company.founded("acme", Provider.SHOPIFY)
    company.begun(source)
    company.at += timedelta(hours=7)

    def submit(session: Session) -> str | None:
        return start_slot(session, latest_slot(schedule_of(source), company.at), company.at, lambda *_: None)

    sqlite_database.in_write(submit)
    first = active(company, source)
    assert first is not None
    cancelled(company, source)
    company.ready(source, company.at - timedelta(hours=8))  # somebody was quicker, for a moment only
    company.begun(source)
    await company.deadlines()
    second = active(company, source)
    assert second is not None
    due = sqlite_database.in_read(lambda session: deadlines.due(session, company.at + timedelta(days=1)))
    assert [one.subject for one in due if one.kind == SLOT_WAITS] == [second.id]
    cancelled(company, source)
    await company.deadlines()
    run = active(company, source)
    assert run is not None
    assert run.trigger is Trigger.SCHEDULE
