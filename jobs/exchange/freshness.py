"""Whether QuickBooks' data is fresh enough to be handed on: nothing old is published as new.

What QuickBooks' own promise calls late is too old for a file. So is the data of a stream that the last run put aside,
and all of it while QuickBooks is disconnected.
"""

from dataclasses import dataclass
from datetime import datetime

from jobs.asks import Enqueue
from jobs.promises import freshness
from jobs.refresh.partly import to_retry
from jobs.schedule import start_catch_up, start_run
from storage.facts.exchange import ExchangePair, ExchangeRun, Pair
from storage.facts.runs import Run, Trigger
from storage.facts.sources import ConnectionState, Freshness
from storage.records import last_runs, runs, sources
from storage.sessions import Session
from templates import times

#: The streams that a pair's rows are made from, with those in which their terms, types, accounts and sales reps stand.
STREAMS = {
    Pair.CUSTOMERS: frozenset({"customers", "terms", "customer_types", "invoices"}),
    Pair.ITEMS: frozenset({"items", "accounts"}),
    Pair.VENDORS: frozenset({"vendors", "terms"}),
    Pair.SALES_REPS: frozenset({"employees"}),
    Pair.INVOICES: frozenset({"invoices", "items", "terms"}),
    Pair.ORDERS: frozenset[str](),
}
DISCONNECTED, NEVER, PUT_ASIDE, OLD = "books_disconnected", "books_never", "books_partly", "books_old"


@dataclass(frozen=True, slots=True)
class Fresh:
    """QuickBooks' data may be handed on."""

    as_of: datetime
    run: Run


@dataclass(frozen=True, slots=True)
class Stale:
    """It is waited for, and why: plain words."""

    code: str
    why: str
    run: Run | None = None


Stands = Fresh | Stale


def standing(session: Session, pair: ExchangePair, now: datetime) -> Stands:
    """Say whether the data of a pair is fresh enough."""
    books = sources.source(session, pair.books_id)
    run = last_runs.ready_of(session, [books.id]).get(books.id)
    as_of = run.clocks.source_as_of if run else None
    if books.connection is ConnectionState.DISCONNECTED:
        since = f"; its data is as of {shown(as_of, pair.zone)}" if as_of else ""
        return Stale(DISCONNECTED, f"QuickBooks is disconnected{since}. Reconnect it", run)
    if run is None or as_of is None:
        return Stale(NEVER, "nothing was imported from QuickBooks yet", run)
    for missing in run.partly.missing if run.partly else ():
        if STREAMS[pair.pair] & set(missing.streams):
            stood = f" and are as of {shown(missing.as_of, pair.zone)}" if missing.as_of else ""
            return Stale(PUT_ASIDE, f"{missing.label} could not be read from QuickBooks last time{stood}", run)
    at = run.partly.rest_as_of if run.partly and run.partly.rest_as_of else as_of
    if freshness(books, at, now) is not Freshness.FRESH:
        return Stale(OLD, f"QuickBooks' data is as of {shown(at, pair.zone)}, older than promised", run)
    return Fresh(at, run)


def still(session: Session, run: ExchangeRun, now: datetime) -> bool:
    """Whether what a run was made from is fresh by QuickBooks' promise now, however long ago that was decided."""
    return freshness(sources.source(session, run.books_id), run.as_of, now) is Freshness.FRESH


def ask(session: Session, pair: ExchangePair, run: ExchangeRun, stale: Stale, now: datetime, enqueue: Enqueue) -> None:
    """Have QuickBooks read once more where that can help: once for each run that waits, beside no other reading."""
    if stale.code == DISCONNECTED or runs.active_of(session, [pair.books_id]):
        return
    slot = f"exchange-{run.id}"
    if runs.slot_taken(session, pair.books_id, slot):
        return
    books = sources.source(session, pair.books_id)
    if stale.code == PUT_ASIDE and stale.run is not None and stale.run.partly is not None:
        only = to_retry(stale.run.partly)
        start_run(session, books, Trigger.SCHEDULE, slot, now, enqueue, collects=True, only=only)
    else:
        start_catch_up(session, books, slot, now, enqueue)


def shown(at: datetime | None, zone: str) -> str:
    """Return an instant as people of the organization read it, with its zone."""
    return times.absolute(at, zone) if at else "never"
