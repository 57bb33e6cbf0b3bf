"""The auditor: any call that was due and was not made is made late, and said.

It asks neither deadlines nor sweeps: what is unfinished, its frozen policy and its book are enough to know. So a
deadline that vanished, that was never written or that was fired without effect is found like any other.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial

import structlog

from jobs.escalating.calling import go_on
from jobs.escalating.due import GRACE, following, missed
from jobs.notify.notifier import Notifier
from storage.facts.clock import Clock
from storage.records import escalations, organizations, refreshes
from storage.records.escalations import Escalated
from storage.sessions import Database, Session

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Missed:
    """A call that should have been made and was not."""

    organization_id: str
    subject: str
    what: str
    due_at: datetime
    #: whether the refresh is still under way
    running: bool


def audit_sweep(database: Database, clock: Clock, notifier: Notifier) -> Callable[[], Awaitable[None]]:
    """Return the sweep that looks for calls that were missed and makes them."""

    def look(session: Session, organization_id: str, subject: str) -> None:
        now = clock.now()
        organizations.lock(session, organization_id)
        called = escalations.find(session, subject)
        due = _overdue(session, subject, called, now) if called is not None else None
        if called is None or due is None:
            return
        log.error("escalation_step_missed", org=organization_id, subject=subject, due=due.isoformat())
        go_on(session, subject, called, now, notifier, audited=True)

    async def sweep() -> None:
        for organization_id, subject in await database.reading(lambda session: _late(session, clock.now())):
            await database.writing(partial(look, organization_id=organization_id, subject=subject))

    return sweep


def _late(session: Session, now: datetime) -> list[tuple[str, str]]:
    """Return what has a call that is overdue; a look without the write lock: nearly always there is none."""
    found = []
    for organization_id, subject in escalations.open_subjects(session, now - GRACE):
        called = escalations.find(session, subject)
        if called is not None and _overdue(session, subject, called, now) is not None:
            found.append((organization_id, subject))
    return found


def _overdue(session: Session, subject: str, called: Escalated, now: datetime) -> datetime | None:
    """Return since when a call is overdue by more than the grace; None when none is."""
    if called.finished_at is not None:
        return None
    if escalations.is_run(subject) and called.escalated_at is None and not _alone(session, subject):
        return None
    due = following(called.policy, called.since, escalations.calls(session, subject))
    return due.at if due.at + GRACE < now else None


def _alone(session: Session, run_id: str) -> bool:
    """Whether nobody's refresh waits for a first read: support is called about that one, once."""
    return not refreshes.waiting_for_run(session, run_id)


def past(session: Session, now: datetime, back: timedelta) -> list[Missed]:
    """Return every call that was missed for refreshes and first reads that began in that time, ended or not.

    Of a first read its last movement is known: that it stood still and moved again is not seen afterwards.
    """
    found = []
    for organization_id, subject in escalations.subjects_since(session, now - back, GRACE):
        called = escalations.find(session, subject)
        assert called is not None
        if escalations.is_run(subject) and called.escalated_at is None and refreshes.of_run(session, subject):
            # Support is called about the refresh of whoever waits for it, once.
            continue
        ended = called.finished_at or now
        book = escalations.calls(session, subject)
        found += [
            Missed(organization_id, subject, what, due, called.finished_at is None)
            for what, due in missed(called.policy, called.since, ended, book)
        ]
    return found
