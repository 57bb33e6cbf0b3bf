"""Who was called about a refresh that does not end, who comes next, and what those further calls say."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from storage.facts.messages import Code, Message, Note, Paragraph, Part, Strong, When
from storage.facts.policies import By, Call, CallKind, Course, PolicyStep, StepKind
from storage.facts.status import RefreshStatus
from templates import times
from templates.notices.card import what
from templates.notices.pieces import Words
from templates.text import label, listed

#: A call that came later than that is said to have been missed.
_LATE = timedelta(minutes=2)
_WHY_TOLD = (
    "Until it ends the data stays as it was before. You are told because your company's escalation policy "
    "names this place. Refresh "
)
#: How a person is called.
BY = {By.SLACK: "by direct message", By.MAIL: "by e-mail", By.BOTH: "by direct message and e-mail"}
#: Calls that are named, the newest.
_CALLS = 4


def course_facts(course: Course, *, ended: bool) -> tuple[tuple[str, Words], ...]:
    """Return the rows of the support post: called so far, called late, and who is next."""
    made = [call for call in course.calls if call.kind is not CallKind.TAKEN]
    rows: list[tuple[str, Words]] = []
    if made:
        rows.append(("Called so far", _made(course, made)))
    late = next((call for call in made if call.at - call.due_at > _LATE), None)
    if late is not None:
        rows.append(("Called late", ("Due ", When(late.due_at), ", done ", When(late.at), "; Tidings had missed it")))
    if not ended:
        rows.append(("Next, unless it ends", (_next(course), ", ", When(course.next_at))))
    return tuple(rows)


def _next(course: Course) -> str:
    return listed([caller(step) for step in course.next_steps]) if course.next_steps else "support, once more"


def _made(course: Course, made: Sequence[Call]) -> Words:
    words: Words = ()
    for at in sorted({call.at for call in made})[-_CALLS:]:
        names = [
            caller(course.policy.steps[call.number]) if call.kind is CallKind.STEP else "support, once more"
            for call in made
            if call.at == at
        ]
        words = (*words, *(("; ",) if words else ()), listed(names), ", ", When(at))
    return words


def caller(step: PolicyStep) -> str:
    """Return who a step calls, as people say it."""
    if step.kind is StepKind.SUPPORT:
        return "the support channel"
    if step.kind is StepKind.EMAIL:
        return "support by e-mail"
    return label(step.name) if step.by is By.SLACK else f"{label(step.name)} {BY[step.by]}"


def escalation_again(refresh: RefreshStatus, course: Course, now: datetime) -> Message:
    """Return the further call to support: below its post, and by mail."""
    about = _about(refresh)
    if refresh.finished_at is not None:
        return _over(about, "escalation_again")
    waited = times.span((now - refresh.requested_at).total_seconds())
    title = f"Still needs support · {about} not finished after {waited}"
    why: Words = ("Nobody has acknowledged it.",)
    if course.taken is not None:
        why = (f"{label(course.taken.name)} had it in hand until ", When(course.taken.due_at), ", and it goes on.")
    following: Words = ("Press Acknowledge on the post about it. Unless somebody does, the next call comes ",)
    parts: tuple[Part, ...] = (
        Paragraph((Strong("Still needs support."), f" {about} is not finished after {waited}. ", *why)),
        Note((*following, When(course.next_at), ".")),
    )
    return Message(f"{title}.", parts, subject=title, kind="escalation_again")


def escalation_step(refresh: RefreshStatus, course: Course, now: datetime) -> Message:
    """Return what a channel or a person of the company is told when its policy calls them."""
    about = _about(refresh)
    if refresh.finished_at is not None:
        return _over(about, "escalation_step")
    waited = times.span((now - refresh.requested_at).total_seconds())
    asked: Words = (f" {about}, asked for ", When(refresh.requested_at), f", is not finished after {waited}. ")
    parts: tuple[Part, ...] = (
        Paragraph((Strong("Still not finished."), *asked, *_support(refresh, course))),
        Note(
            (
                _WHY_TOLD,
                Code(refresh.id),
            )
        ),
    )
    title = f"{about} is not finished after {waited}"
    return Message(f"{title}.", parts, subject=title, kind="escalation_step")


def _support(refresh: RefreshStatus, course: Course) -> Words:
    """Return whether support knows, as a company reads it: nothing of what support alone sees."""
    if refresh.escalated_at is not None:
        return ("Support was told, ", When(refresh.escalated_at), f", and {_hand(refresh, course)}.")
    at = refresh.requested_at + course.policy.first
    return ("Unless it ends before, support is told: ", When(at), ".")


def _hand(refresh: RefreshStatus, course: Course) -> str:
    if refresh.acknowledged_by:
        return f"{label(refresh.acknowledged_by)} has it in hand"
    if course.taken is not None:
        return f"{label(course.taken.name)} took it on, but it is not solved yet"
    return "nobody there has acknowledged it yet"


def _about(refresh: RefreshStatus) -> str:
    return f"{label(refresh.organization)}: refresh of {what(refresh)}"


def _over(about: str, kind: str) -> Message:
    title = f"{about} is over by now"
    return Message(f"{title}.", (Paragraph((f"{title}. Nothing to do.",)),), subject=title, kind=kind)
