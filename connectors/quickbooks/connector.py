"""The QuickBooks connector."""

import contextlib
import hashlib
import re
from collections.abc import Awaitable, Collection, Mapping
from dataclasses import replace
from datetime import date, datetime
from functools import partial

from connectors.apart import Aside, alone, refuse_nothing
from connectors.base import OVERLAP, Access, Collected, Mark, Progress, Session, Sink, mark, serial
from connectors.base import Company as Owner
from connectors.intake import Intake
from connectors.past import Slicing
from connectors.quickbooks import entry, general_ledger, rates, reports
from connectors.quickbooks.changes import DEPTH, Changed, changes
from connectors.quickbooks.company import Company
from connectors.quickbooks.general_ledger import STREAM as LEDGER
from connectors.quickbooks.known import KNOWN, needed, usual
from connectors.quickbooks.past import SLICING, Past
from connectors.quickbooks.reading import Reader, Reading
from connectors.quickbooks.reports import DAILY_REPORTS, REPORTS, Report
from connectors.quickbooks.statements import ENTITIES, Entity
from connectors.quickbooks.tables import READY
from connectors.side_by_side import together
from storage.facts.clock import aware
from storage.facts.past import Older
from storage.facts.ready import ReadyTable
from storage.facts.sources import CollectMode, Provider
from storage.facts.streams import Stream

#: so many odd records of one stream are named with a run
_SHOWN = 5
_UNSAFE = re.compile(r"[^\w:/.-]")


class QuickBooksConnector:
    """Collected by a timer; reads are metered, so reports are read only after a change."""

    provider = Provider.QUICKBOOKS
    mode = CollectMode.TIMER
    label = "QuickBooks"
    streams: tuple[Stream, ...] = (
        *(entity.shape.stream for entity in ENTITIES),
        *(report.stream for report in (*REPORTS, *DAILY_REPORTS)),
        LEDGER,
        rates.SHAPE.stream,
    )
    ready: tuple[ReadyTable, ...] = READY

    def __init__(self, slicing: Slicing | None = None) -> None:
        self._slicing = slicing or SLICING

    def session(self, access: Access) -> contextlib.AbstractAsyncContextManager[Session]:
        """Open a connection to one company."""
        return entry.session(access)

    async def probe(self, session: Session) -> Owner:
        """Ask for the company's name."""
        return await entry.probe(session)

    async def collect(
        self, session: Session, cursors: Mapping[str, str], until: datetime, sink: Sink, progress: Progress
    ) -> Collected:
        """Read records (changes side by side, whole lists one after another), then the reports if anything moved.

        Of documents that are too many for one run it reads the newest first, and with each further run an older period.
        """
        until, several = aware(until), rates.Several(serial(sink))
        one_by_one = several.sink
        company = Company(session.http, session.access.account)
        entities = [entity for entity in ENTITIES if session.access.wants(entity.shape.name)]
        marks = {entity.name: mark(cursors.get(entity.shape.name), until) for entity in entities}
        width = session.access.settings.limits.connections

        unknown: dict[str, set[str]] = {}
        bare: dict[str, set[tuple[str, str]]] = {}

        def read(entity: Entity, changed: Changed | None = None) -> Awaitable[Reading | Aside]:
            shape = entity.shape
            strange, odd = unknown.setdefault(shape.name, set()), bare.setdefault(shape.name, set())
            intake = partial(
                Intake, shape, one_by_one, progress,
                known=KNOWN, unknown=strange, needed=needed(shape), usual=usual(shape), bare=odd,
            )  # fmt: skip
            past = Past(company, entity, self._slicing, width)
            held, sweeps = session.access.held, session.access.sweeps
            reader = Reader(company, entity, held, intake, width, sweeps=sweeps, past=past)
            return alone((shape.name,), reader.read(marks[entity.name], until, changed))

        found = [await read(entity) for entity in entities if marks[entity.name] is None]
        known = await _changes(company, marks, until)
        due_again = [entity for entity in entities if _is_due(entity, marks[entity.name], until)]
        long = [entity for entity in due_again if _is_long(marks[entity.name])]
        found += await together(read(entity, known.get(entity.name)) for entity in due_again if entity not in long)
        found += [await read(entity, known.get(entity.name)) for entity in long]
        readings = [one for one in found if isinstance(one, Reading)]
        aside = [one for one in found if isinstance(one, Aside)]
        refuse_nothing(readings, aside, session.access.only)
        state = _state(readings, until)
        known_before = any(mark(cursors.get(entity.shape.name), until) for entity in ENTITIES)
        wanted = _reports_at(session, state, until, daily=known_before)
        due = [name for name, at in wanted.items() if cursors.get(name) != at]
        for report in (*REPORTS, *DAILY_REPORTS):
            name = report.stream.name
            if name in due:
                aside += _asides(await alone((name,), _read_report(company, report, until, one_by_one, progress)))
        if LEDGER.name in due:
            aside += _asides(await alone((LEDGER.name,), _read_ledger(company, until, one_by_one, progress)))
        if several.said or await _rates_due(session, cursors, until):
            intake = Intake(rates.SHAPE, one_by_one, progress, prepare=rates.keyed)
            told = await alone((rates.SHAPE.name,), rates.read(company, intake, until))
            readings, aside = (readings, [*aside, told]) if isinstance(told, Aside) else ([*readings, told], aside)
        lost = {name for one in aside for name in one.streams}
        refuse_nothing(readings or set(due) - lost, aside, session.access.only)
        wanted = {name: at for name, at in wanted.items() if name not in lost}
        done = _collected(session, readings, wanted, [name for name in due if name not in lost], until)
        strange = {name: tuple(sorted(fields)) for name, fields in unknown.items() if fields and name not in lost}
        return replace(done, aside=tuple(aside), unknown=strange, notes=(*done.notes, *_odd(bare, lost)))


def _odd(bare: Mapping[str, set[tuple[str, str]]], lost: Collection[str]) -> list[str]:
    """Name the records that came alone and without what nearly every record has: they are in as they are."""
    labels = {entity.shape.name: entity.shape.label for entity in ENTITIES}
    return [
        f"{labels[name]}, record {_UNSAFE.sub('', key)[:60]} came without {path}: it is kept with that left empty."
        for name, records in bare.items()
        if name not in lost
        for key, path in sorted(records)[:_SHOWN]
    ]


def _asides(found: Aside | None) -> list[Aside]:
    return [found] if found is not None else []


def _reports_at(session: Session, state: str, until: datetime, *, daily: bool) -> dict[str, str]:
    """Return the cursors that the reports are to have."""
    wanted = {report.stream.name: state for report in REPORTS}
    if daily:
        day = until.date().isoformat()
        wanted |= dict.fromkeys((*(report.stream.name for report in DAILY_REPORTS), LEDGER.name), day)
    return {name: at for name, at in wanted.items() if session.access.wants(name)}


def _is_due(entity: Entity, known: Mark | None, until: datetime) -> bool:
    """Whether an entity that was read before is read again: small lists and settings only when a day began."""
    return known is not None and not (entity.daily and known.read_to.date() == until.date())


async def _rates_due(session: Session, cursors: Mapping[str, str], until: datetime) -> bool:
    """Whether exchange rates are asked for though the settings, which were not read, do not say that there are any.

    They are where an earlier day's are all that is there, and where those that are there are to be read again.
    """
    name = rates.SHAPE.name
    if not session.access.wants(name):
        return False
    if session.access.only:
        return True
    known = mark(cursors.get(name), until)
    return known.read_to.date() != until.date() if known else await session.access.held.count(name) > 0


def _is_long(known: Mark | None) -> bool:
    """Whether some of the past is read too: that fills the connection alone."""
    return known is not None and bool(known.back_to)


async def _changes(company: Company, marks: Mapping[str, Mark | None], until: datetime) -> Mapping[str, Changed | None]:
    """Ask once for the changes of all entities that were read before; one that was read long ago is left to queries."""
    since = {name: found.read_to - OVERLAP for name, found in marks.items() if found is not None}
    asked = [
        entity
        for entity in ENTITIES
        if entity.followed
        and not (entity.whole or entity.daily)
        and entity.name in since
        and until - since[entity.name] < DEPTH
    ]
    return await changes(company, asked, min((since[entity.name] for entity in asked), default=until))


async def _read_report(company: Company, report: Report, until: datetime, sink: Sink, progress: Progress) -> None:
    """Read one report whole."""
    answer = await company.get(f"/reports/{report.name}", f"report {report.name}", report.asked(until))
    found = reports.batch(report, answer.body)
    await sink(found)
    progress(report.stream.name, found.rows.num_rows, found.rows.num_rows)


async def _read_ledger(company: Company, until: datetime, sink: Sink, progress: Progress) -> None:
    rows = 0
    async for batch in general_ledger.batches(company, until):
        await sink(batch)
        rows += batch.rows.num_rows
        progress(LEDGER.name, rows, None)


def _state(readings: list[Reading], until: datetime) -> str:
    """Name what the reports depend on: the newest change or deletion of each entity, all accounts, and the day.

    Settings and small lists that are read once a day move no report.

    What a day's comparison of counts finds to be gone is younger than the last change, so the day is part of it.
    """
    rare = {entity.shape.name for entity in ENTITIES if entity.daily}
    parts = sorted(f"{reading.name}={reading.cursor.newest}" for reading in readings if reading.name not in rare)
    return hashlib.sha256("\n".join((*parts, until.date().isoformat())).encode()).hexdigest()[:32]


def _collected(
    session: Session, readings: list[Reading], reports_at: dict[str, str], read: list[str], until: datetime
) -> Collected:
    behind = session.http.behind
    cursors = {r.name: str(replace(r.cursor, read_to=r.cursor.read_to - behind)) for r in readings}
    rounded = sum(reading.rounded for reading in readings)
    note = f"{rounded} amounts have more decimals than their column: rounded there, exact in the raw record."
    return Collected(
        source_as_of=session.http.told(until),
        cursors={**cursors, **reports_at},
        reads=session.http.reads,
        full=(*(reading.name for reading in readings if reading.full), *read),
        keep_cursors=(*(reading.name for reading in readings if reading.keep), *read),
        notes=(note,) if rounded else (),
        guarded=tuple(reading.name for reading in readings if reading.swept),
        older=tuple(
            Older(one.name, date.fromisoformat(one.cursor.back_to), one.left) for one in readings if one.cursor.back_to
        ),
    )
