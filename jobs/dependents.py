"""What depends on a source: listed, frozen when the source is disconnected, thawed when it is connected again.

Each kind is one function that lists its own; what freezes is the same for all of them. Whoever starts work of a kind
asks `storage.records.frozen.is_frozen` first.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from jobs.schedule import LOOK_EVERY_MINUTES
from storage.facts.dependents import Dependent, DependentKind
from storage.facts.sources import CollectMode, Source
from storage.records import frozen, last_runs, metric_changes, metrics
from storage.sessions import Session
from templates import times
from templates.rhythm import rhythm

#: Returns what of its kind depends on a source.
Listing = Callable[[Session, Source], Sequence[Dependent]]


def schedules(_session: Session, source: Source) -> list[Dependent]:
    """Return what lets the clock collect the source, if anything does."""
    if not source.mode.collects:
        return []
    if source.mode is CollectMode.PUSH:
        words = f"new files are looked for {times.every(min(source.schedule_minutes, LOOK_EVERY_MINUTES))}"
    elif source.rule is not None and source.rule.at is None:
        return []
    else:
        words = rhythm(source, source.planned_minutes)
    return [Dependent(DependentKind.SCHEDULE, source.id, words)]


def numbers(session: Session, source: Source) -> list[Dependent]:
    """Return the metrics that are calculated from the source."""
    found = metrics.names_of(session, source.id)
    noun = metric_changes.noun(session, source.organization_id) if found else ""
    return [Dependent(DependentKind.METRIC, one_id, name, noun) for one_id, name in found]


def exchanges(_session: Session, source: Source) -> list[Dependent]:
    """Return the files and orders that go over the connection, where any do."""
    return [] if source.mode.collects else [Dependent(DependentKind.EXCHANGE, source.id, "files and orders")]


#: One line for each kind.
LISTINGS: tuple[Listing, ...] = (schedules, numbers, exchanges)


def dependents_of(session: Session, source: Source, listings: Sequence[Listing] = LISTINGS) -> list[Dependent]:
    """Return everything that depends on a source."""
    return [one for listing in listings for one in listing(session, source)]


def freeze(
    session: Session, source: Source, reason: str, now: datetime, listings: Sequence[Listing] = LISTINGS
) -> list[Dependent]:
    """Mark everything that depends on a source, in the transaction that disconnects it; return what that is."""
    found = dependents_of(session, source, listings)
    if found:
        last = last_runs.ready_of(session, [source.id]).get(source.id)
        frozen.freeze(session, source, found, reason, now, last.clocks.source_as_of if last else None)
    return found


def thaw(session: Session, source_id: str) -> list[Dependent]:
    """Let everything that stood still go on, in the transaction that connects its source; return what that is."""
    return [one.dependent for one in frozen.thaw(session, source_id)]


def said(found: Sequence[Dependent]) -> list[str]:
    """Return dependents as the audit keeps them."""
    return [f"{one.kind.value} ({one.name})" for one in found]
