"""Whether something that was due really did not happen: the ledger asks the truth before it accuses anybody."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from jobs.schedule import schedule_of
from jobs.slots import latest_slot
from storage.facts.dependents import DependentKind
from storage.facts.expectations import Expectation, ExpectationKind, Expected
from storage.records import expectations, frozen, last_runs, overdue, runs, sources
from storage.sessions import Session

#: a run that nobody asked for may stand still for so long
STILL = timedelta(hours=3)
#: a message is delivered by then
DELIVERED = timedelta(minutes=15)
#: a pair of the exchange begins by then; its sweep looks each second
EXCHANGED = timedelta(minutes=10)
#: a run of the exchange is ended by its own time; one file may be built then, and on its way for an hour after that
EXCHANGE_ENDED = timedelta(minutes=90)
_LOOK_AGAIN = timedelta(minutes=5)
#: the clock submits the newest slot of every source again after ten minutes
CATCH_UP = timedelta(minutes=11)
#: a run that was asked for so shortly after a slot was quicker than the clock
_QUICKER = timedelta(seconds=30)


class Verdict(StrEnum):
    """What is to be said of something whose time is past."""

    MET = "met"
    VOID = "void"
    LATER = "later"
    MISSED = "missed"


@dataclass(frozen=True, slots=True)
class Judge:
    """Looks at the rows that would be there if it had happened."""

    #: kinds of message that are about missing things; they must not call for more of themselves
    own_kinds: frozenset[str]

    def late(self, session: Session, now: datetime) -> list[Expected]:
        """Return what is overdue by rows of its own: messages, runs, files and orders."""
        return [
            *overdue.deliveries(session, now - DELIVERED, now, but=self.own_kinds),
            *overdue.runs(session, now - STILL, now),
            *overdue.exchange_pairs(session, now - EXCHANGED, now),
            *overdue.exchange_runs(session, now - EXCHANGE_ENDED, now),
        ]

    def verdict(self, session: Session, one: Expectation, now: datetime) -> Verdict:
        """Say what became of it."""
        match one.kind:
            case ExpectationKind.SLOT:
                return _slot(session, one, now)
            case ExpectationKind.DELIVERY:
                return Verdict.MISSED if overdue.is_waiting(session, one.subject) else Verdict.MET
            case ExpectationKind.HEARTBEAT | ExpectationKind.CANARY:
                # Only the look at the other end meets a canary: that it was asked for, or handed over, says nothing.
                return Verdict.MISSED
            case ExpectationKind.COLLECTION:
                return Verdict.MISSED if overdue.is_still(session, one.subject, now - STILL) else Verdict.MET
            case ExpectationKind.FILE:
                return _file(session, one)
            case ExpectationKind.EXCHANGE:
                return _exchange(session, one)

    def settled(self, session: Session, one: Expectation, now: datetime) -> bool:
        """Whether something that was missed has come since, or is waited for no more."""
        if one.kind is ExpectationKind.HEARTBEAT:
            due = expectations.clock_beat(session)
            return due is not None and due > now
        return self.verdict(session, one, now) in {Verdict.MET, Verdict.VOID}


def later(now: datetime) -> datetime:
    """Return when to look again at something that is held up."""
    return now + _LOOK_AGAIN


def _slot(session: Session, one: Expectation, now: datetime) -> Verdict:
    try:
        source = sources.source(session, one.subject)
    except KeyError:
        return Verdict.VOID
    schedule = schedule_of(source)
    if not schedule.runs or frozen.is_frozen(session, DependentKind.SCHEDULE, source.id):
        return Verdict.VOID
    if latest_slot(schedule, one.due_at).key != one.slot or (schedule.since and one.due_at <= schedule.since):
        # The schedule was changed since; the pass over all sources expects what it says now.
        return Verdict.VOID
    if runs.slot_taken(session, source.id, one.slot) or _has_its_data(session, source.id, one.due_at):
        return Verdict.MET
    # What holds the source, or held it at the slot's time, has a time of its own; after it the clock submits again.
    ended_after = max(one.due_at, now - CATCH_UP)
    held = overdue.held_source(session, source.id, one.due_at + _QUICKER, ended_after)
    return Verdict.LATER if held or runs.active_of(session, [source.id]) else Verdict.MISSED


def _has_its_data(session: Session, source_id: str, due_at: datetime) -> bool:
    """Whether the data are as new as the slot would have made them, whoever asked: a slot is there for that.

    That hides no clock: one that stands still is told by its beat, and by the next slot of which this cannot be said.
    Where some streams could not be read, the instant is that of the oldest of them.
    """
    last = last_runs.ready_of(session, [source_id]).get(source_id)
    as_of = last.clocks.source_as_of if last else None
    return as_of is not None and as_of >= due_at


def _exchange(session: Session, one: Expectation) -> Verdict:
    begun = one.slot != one.due_at.isoformat()
    missing = overdue.is_exchanging(session, one.slot) if begun else overdue.is_due(session, one.subject, one.due_at)
    return Verdict.MISSED if missing else Verdict.MET


def _file(session: Session, one: Expectation) -> Verdict:
    try:
        source = sources.source(session, one.subject)
    except KeyError:
        return Verdict.VOID
    if not schedule_of(source).runs:
        return Verdict.VOID
    last = last_runs.ready_of(session, [source.id]).get(source.id)
    newest = last.clocks.source_as_of if last else None
    # The slot is the time of the file before.
    return Verdict.MET if newest is not None and newest > datetime.fromisoformat(one.slot) else Verdict.MISSED
