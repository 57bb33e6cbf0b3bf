"""The pairs of a connection: made when it is confirmed, all off until an admin switches them on."""

from collections.abc import Sequence
from datetime import datetime, time

from jobs.exchange.mapping.service import begin
from jobs.exchange.timing import next_due
from storage.facts.exchange import ExchangePair, Pair, Schedule
from storage.facts.ids import derived_id
from storage.facts.sources import Provider, Source
from storage.records import exchange, flows, sources
from storage.sessions import Session

_NIGHT = (time(1), time(5))
_NIGHTLY = Schedule(at=time(2), window=_NIGHT)

#: How a pair runs unless somebody says otherwise. No pair runs before an admin switched it on: a first full file takes
#: the place of whatever the far side works with today.
DEFAULTS = {
    Pair.CUSTOMERS: _NIGHTLY,
    Pair.ITEMS: _NIGHTLY,
    Pair.VENDORS: _NIGHTLY,
    Pair.SALES_REPS: _NIGHTLY,
    Pair.INVOICES: Schedule(every=60, window=_NIGHT),
    Pair.ORDERS: Schedule(every=15),
}

_OTHER = "the connection is for another company's books by now"
_GONE = "the connection to PocketAdvantage was disconnected"


def confirmed(session: Session, organization_id: str, source_id: str, books_id: str, now: datetime) -> None:
    """Make the pairs of a connection; when it is confirmed again they stay as they are, for that company's books.

    What the far side was given of another company's books says nothing about this one's: it is forgotten. With its
    first connection an organization begins with the newest mapping that is pre-built, and stays with that version.
    """
    begin(session, organization_id, now)
    known = {pair.pair: pair for pair in exchange.pairs_of_source(session, source_id)}
    for name, schedule in DEFAULTS.items():
        if name not in known:
            exchange.add_pair(
                session,
                id=derived_id("xpr", source_id, name),
                organization_id=organization_id,
                source_id=source_id,
                books_id=books_id,
                pair=name.value,
                schedule=str(schedule),
                created_at=now,
            )
        elif known[name].books_id != books_id:
            # What is on its way, or waits for a person, is of the other company.
            run = exchange.active(session, known[name].id)
            if run is not None:
                exchange.stop(session, run, _OTHER, "other_books", now)
            exchange.discard_held(session, known[name].id, "", _OTHER, now)
            exchange.other_books(session, known[name].id, books_id)
    for pair in exchange.pairs_of_source(session, source_id):
        plan(session, pair, now)


def gone(session: Session, source_id: str, now: datetime) -> None:
    """Let no pair of the connection be due any more, and end what runs; switches, ledger and history stay."""
    for pair in exchange.pairs_of_source(session, source_id):
        exchange.move_due(session, pair, None)
        exchange.note_missed(session, pair.id, None)
        run = exchange.active(session, pair.id)
        if run is not None:
            exchange.stop(session, run, _GONE, "disconnected", now)


def made(session: Session, organization_id: str, now: datetime) -> bool:
    """Make the pairs of connections that have none; False where nobody can know from which company's books.

    An organization with several companies in QuickBooks has a connection for each, of the company's own name.
    """
    connections = sources.connections_of(session, organization_id)
    books = [one for one in connections if one.provider is Provider.QUICKBOOKS]
    known = True
    for connection in connections:
        if connection.provider is not Provider.POCKETADVANTAGE or exchange.pairs_of_source(session, connection.id):
            continue
        found = fitting(books, connection)
        if found is not None:
            confirmed(session, organization_id, connection.id, found, now)
        else:
            known = False
    return known


def without_books(session: Session, organization_id: str) -> list[Source]:
    """Return the connections of which nobody knows from which company's books their files are made."""
    connections = sources.connections_of(session, organization_id)
    ours = [one for one in connections if one.provider is Provider.POCKETADVANTAGE]
    return [one for one in ours if not exchange.pairs_of_source(session, one.id)]


def companies(session: Session, organization_id: str) -> list[Source]:
    """Return the companies of QuickBooks that can be chosen from: all but those that a person disconnected."""
    held = flows.sources_held(session, organization_id, Provider.QUICKBOOKS)
    return [sources.source(session, one) for one in sorted(held)]


def fitting(books: Sequence[Source], connection: Source) -> str | None:
    """Return the company of QuickBooks that a connection is for: the only one, else that of its name alone."""
    named = [one for one in books if one.company.casefold() == connection.company.casefold()]
    found = named if len(books) > 1 else books
    return found[0].id if len(found) == 1 else None


def plan(session: Session, pair: ExchangePair, now: datetime) -> None:
    """Plan the next time of a pair by its schedule; none while it is off or paused."""
    exchange.move_due(session, pair, next_due(pair.schedule, pair.zone, now).at if pair.runs else None)
