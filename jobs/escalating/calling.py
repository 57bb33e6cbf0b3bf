"""Making the calls: each once, over any number of workers, with its line in the book in the same transaction."""

from datetime import datetime

from jobs.escalating.due import Due, before_support, following
from jobs.notify.notifier import Notifier
from jobs.outgoing import events
from storage.facts.policies import Call, CallKind, PolicyStep, StepKind
from storage.records import deadlines, escalations
from storage.records.escalations import Escalated
from storage.sessions import Session

#: The deadline of everything after the first call; its subject is the refresh or the run.
FOLLOWING = "escalation_following"


def escalate(session: Session, subject: str, now: datetime, notifier: Notifier, *, audited: bool = False) -> bool:
    """Begin the calls about a refresh or a first read, unless it is over or was done before; return whether it did."""
    if not escalations.mark(session, subject, now):
        return False
    called = escalations.find(session, subject)
    assert called is not None
    notifier.people_told(session, subject, now)
    events.refresh_overdue(session, called.organization_id, subject, called.since, now)
    go_on(session, subject, called, now, notifier, audited=audited)
    return True


def go_on(
    session: Session, subject: str, called: Escalated, now: datetime, notifier: Notifier, *, audited: bool = False
) -> list[Call]:
    """Make every call that is due, and set the deadline of the next one; return what was done.

    Whatever brought it here: where support is due and was not called yet, that begins as it always does.
    """
    made: list[Call] = []
    while True:
        due = following(called.policy, called.since, escalations.calls(session, subject))
        if due.at > now:
            break
        if called.escalated_at is None and not before_support(called.policy, due):
            escalate(session, subject, now, notifier, audited=audited)
            return made
        made += _make(session, subject, called, due, now, notifier, audited=audited)
    deadlines.rearm(session, called.organization_id, FOLLOWING, subject, due.at)
    notifier.wake(session, [subject], now)
    return made


def _make(
    session: Session, subject: str, called: Escalated, due: Due, now: datetime, notifier: Notifier, *, audited: bool
) -> list[Call]:
    made = []
    for number in due.numbers:
        call = Call(due.kind, number, due.at, now, audited=audited)
        if not escalations.note(session, called.organization_id, subject, call):
            continue
        made.append(call)
        if due.kind is CallKind.STEP:
            _step(session, subject, called, number, now, notifier)
        else:
            notifier.call_again(session, called.organization_id, f"{subject}.a{number}", now)
    return made


def _step(session: Session, subject: str, called: Escalated, number: int, now: datetime, notifier: Notifier) -> None:
    step: PolicyStep = called.policy.steps[number]
    organization_id = called.organization_id
    if step.kind is StepKind.SUPPORT:
        reached = notifier.call_support(session, organization_id, subject, now)
    elif step.kind is StepKind.EMAIL:
        reached = notifier.mail_support(session, organization_id, subject, now)
    else:
        reached = notifier.call_place(session, organization_id, f"{subject}.s{number}", step.place, now, step.by)
        if not reached:
            # The channel is not allowed any more, or the person has left: silence is the one thing that must not be.
            notifier.call_instead(session, organization_id, f"{subject}.s{number}", now)
