"""What of the looked-for is there: rows of the lake with the run that brought them, or how far the data is."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from jobs.explain.search import search
from jobs.ground import Warehouses
from jobs.schedule import schedule_of
from jobs.slots import next_slot
from storage.facts.landed import Hit, Row, Sought, SoughtKind, Standing
from storage.facts.runs import Run
from storage.facts.sources import Source
from storage.records import last_runs, receipts, runs
from storage.sessions import Session


def look(warehouses: Warehouses, found: Sequence[Source], wanted: Sought) -> Mapping[str, list[Row]]:
    """Return the rows of each source that are meant; none for an instant, which no row is asked about. Blocks."""
    if wanted.kind is SoughtKind.INSTANT:
        return {}
    return {one.id: search(warehouses.of(one.organization_id), one, wanted) for one in found}


def hits(session: Session, found: Sequence[Source], wanted: Sought, rows: Mapping[str, list[Row]]) -> list[Hit]:
    """Return what is there, each with the collection that it is in."""
    ready = last_runs.ready_of(session, [one.id for one in found])
    if wanted.kind is SoughtKind.INSTANT:
        return [hit for one in found if (hit := _in_time(session, one, ready.get(one.id), wanted.instant)) is not None]
    return [_hit(session, one, row, ready.get(one.id)) for one in found for row in rows.get(one.id, ())]


def standings(session: Session, found: Sequence[Source], now: datetime) -> tuple[Standing, ...]:
    """Return how far each source is."""
    ids = [one.id for one in found]
    ready, active = last_runs.ready_of(session, ids), runs.active_of(session, ids)
    return tuple(Standing(one, _as_of(ready.get(one.id)), _next(one, now), running=one.id in active) for one in found)


def _in_time(session: Session, source: Source, ready: Run | None, instant: datetime) -> Hit | None:
    as_of = _as_of(ready)
    if ready is None or as_of is None or as_of < instant:
        return None
    return Hit(source, None, as_of, _receipt(session, ready))


def _hit(session: Session, source: Source, row: Row, newest: Run | None) -> Hit:
    """Return the row with the first collection that is ready and has it.

    That is the run that brought it; where that one ended before it was ready, the newest that was made ready after it.
    """
    brought = _run(session, row.run_id)
    if brought is not None and brought.clocks.ready_at is not None:
        return Hit(source, row, brought.clocks.source_as_of, _receipt(session, brought))
    loaded = brought.clocks.loaded_at if brought is not None else None
    made = newest.clocks.ready_at if newest is not None else None
    if newest is not None and made is not None and (brought is None or (loaded is not None and made > loaded)):
        return Hit(source, row, newest.clocks.source_as_of, _receipt(session, newest))
    return Hit(source, row, None, None, ready=False)


def _run(session: Session, run_id: str) -> Run | None:
    try:
        return runs.run(session, run_id)
    except KeyError:
        return None


def _receipt(session: Session, run: Run) -> str | None:
    return receipts.ids_of(session, [run.id]).get(run.id)


def _as_of(run: Run | None) -> datetime | None:
    return run.clocks.source_as_of if run is not None else None


def _next(source: Source, now: datetime) -> datetime | None:
    schedule = schedule_of(source)
    return next_slot(schedule, now) if schedule.runs else None
