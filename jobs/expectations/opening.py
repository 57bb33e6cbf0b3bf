"""The clock writes down, in the transaction that starts a slot, when the next one is due."""

from datetime import datetime, timedelta

from jobs.slots import Schedule, Slot, latest_slot, next_slot
from storage.facts.expectations import ExpectationKind, Expected
from storage.facts.sources import Source
from storage.records import expectations
from storage.sessions import Session

#: A slot that did not start by then is an event; with sweep and outbox support hears of it within five minutes.
GRACE = timedelta(minutes=3)


def slot_started(session: Session, source: Source, schedule: Schedule, slot: Slot, now: datetime) -> None:
    """Close what was expected up to the slot, and expect the one after it."""
    expectations.meet(session, ExpectationKind.SLOT, source.id, slot.at, now)
    expect_next(session, source, schedule, max(now, slot.at))


def expect_next(session: Session, source: Source, schedule: Schedule, after: datetime) -> bool:
    """Expect the first slot after that instant; return whether that is new."""
    return expectations.expect(session, expected(source, following(schedule, after)))


def following(schedule: Schedule, after: datetime) -> Slot:
    """Return the first slot after that instant."""
    return latest_slot(schedule, next_slot(schedule, after))


def expected(source: Source, slot: Slot) -> Expected:
    """Return what is to be expected of a slot."""
    return Expected(
        ExpectationKind.SLOT,
        source.id,
        slot.key,
        due_at=slot.at,
        alarm_at=slot.at + GRACE,
        organization_id=source.organization_id,
        source_id=source.id,
    )
