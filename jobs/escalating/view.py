"""An escalation as facts for its messages."""

from collections.abc import Callable
from datetime import datetime

from jobs.escalating.due import following
from jobs.notify.kinds import ESCALATION_AGAIN, ESCALATION_STEP
from jobs.refresh.view import escalated_status
from storage.facts.deliveries import Delivery
from storage.facts.messages import Message
from storage.facts.policies import CallKind, Course
from storage.records import escalations, organizations
from storage.sessions import Session
from templates import notices

Words = Callable[[Session, Delivery, datetime], Message]


def call_words() -> dict[str, Words]:
    """Return what says the words of each kind of further call."""
    return {ESCALATION_STEP: step_message, ESCALATION_AGAIN: again_message}


def course_of(session: Session, subject: str) -> Course:
    """Return how the escalation goes; KeyError where there is none."""
    called = escalations.find(session, subject)
    if called is None:
        raise KeyError(subject)
    book = escalations.calls(session, subject)
    due = following(called.policy, called.since, book)
    steps = tuple(called.policy.steps[number] for number in due.numbers) if due.kind is CallKind.STEP else ()
    return Course(called.policy, tuple(book), due.at, steps)


def escalation_message(session: Session, subject: str, now: datetime) -> Message:
    """Return the living post for support, and its mail."""
    refresh = escalated_status(session, subject, now)
    rep = organizations.organization(session, refresh.organization_id).account_rep
    return notices.escalation(refresh, now, value=subject, account_rep=rep, course=course_of(session, subject))


def step_message(session: Session, delivery: Delivery, now: datetime) -> Message:
    """Return what a channel or a person of the company is told."""
    subject = delivery.subject.partition(".")[0]
    return notices.escalation_step(escalated_status(session, subject, now), course_of(session, subject), now)


def again_message(session: Session, delivery: Delivery, now: datetime) -> Message:
    """Return the further call to support."""
    subject = delivery.subject.partition(".")[0]
    return notices.escalation_again(escalated_status(session, subject, now), course_of(session, subject), now)
