"""A file that was taken in teaches the rhythm of its source, and the next one is expected by it."""

from datetime import datetime
from zoneinfo import ZoneInfo

from jobs.file_rhythm import MOST, grace, next_file, observed
from jobs.slots import known_zone
from storage.facts.expectations import ExpectationKind, Expected
from storage.facts.runs import Run
from storage.facts.sources import CollectMode, Source
from storage.records import expectations, organizations, sources
from storage.records.files_came import came_before, files_came
from storage.sessions import Session


def file_taken(session: Session, run: Run, now: datetime) -> None:
    """Close what was expected of the source's files, and expect the next one; under the organization's lock."""
    as_of = run.clocks.source_as_of
    source = sources.source(session, run.source_id)
    if source.mode is not CollectMode.PUSH or as_of is None or came_before(session, source.id, as_of, run.id):
        return
    wanted = _learned(session, source, as_of)
    expectations.meet(session, ExpectationKind.FILE, source.id, wanted.due_at if wanted else now, now)
    if wanted is not None:
        expectations.expect(session, wanted)


def _learned(session: Session, source: Source, as_of: datetime) -> Expected | None:
    name = organizations.organization(session, source.organization_id).timezone
    zone = ZoneInfo(name if known_zone(name) else "UTC")
    rhythm = observed(files_came(session, source.id, MOST), zone)
    if rhythm != source.file_rhythm:
        sources.set_file_rhythm(session, source.id, rhythm)
        session.flush()
    if rhythm is None:
        return None
    due = next_file(rhythm, as_of, zone)
    return Expected(
        ExpectationKind.FILE,
        source.id,
        as_of.isoformat(),
        due_at=due,
        alarm_at=due + grace(rhythm),
        organization_id=source.organization_id,
        source_id=source.id,
    )
