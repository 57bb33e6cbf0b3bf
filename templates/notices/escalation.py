"""Three hours after the question: the post and the mail for support, and the word to the person who waits."""

from datetime import datetime, timedelta

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Step,
    Steps,
    StepState,
    Strong,
    When,
)
from storage.facts.policies import Call, Course
from storage.facts.runs import Run, RunState, Trigger
from storage.facts.sources import Source
from storage.facts.status import RefreshStatus
from templates import actions, times
from templates.notices.calls import course_facts
from templates.notices.card import outcome, what
from templates.notices.pieces import Words, doing, instant, waits
from templates.text import label
from templates.words import ENDINGS, STAGES, source_name

#: Runs whose log references are named.
_REFERENCES = 6
#: A worker shows that it lives every few seconds while it reads.
_QUIET = timedelta(minutes=1)


def escalation(
    refresh: RefreshStatus,
    now: datetime,
    *,
    value: str,
    course: Course,
    account_rep: str | None = None,
) -> Message:
    """Return the post (and mail) for support: open, in hand or ended, as the refresh says; edited, never twice."""
    ended = not any(run.state.active for _, run in refresh.runs)
    waited = times.span(((refresh.finished_at or now) - refresh.requested_at).total_seconds())
    title = _title(refresh, waited, ended=ended)
    parts: list[Part] = [Heading(title)]
    if ended:
        parts.append(Paragraph(_closing(refresh, course, waited)))
    elif course.taken:
        parts.append(Paragraph(_in_hand(refresh, course.taken)))
    parts.append(Facts((*_facts(refresh, now, account_rep), *course_facts(course, ended=ended))))
    parts.append(Steps(tuple(_step(source, run, now) for source, run in refresh.runs)))
    if not ended:
        parts.append(_buttons(value, acknowledged=refresh.acknowledged_by is not None))
        parts.append(
            Note(
                (
                    "Retry starts what waits or has stood still for 10 minutes again, and leaves alone what moves. ",
                    "Cancel stops it and tells everyone who waits. All log lines of a run's work carry its reference.",
                )
            )
        )
    else:
        told = "; everyone who waited is told." if refresh.people else "."
        done: Words = ("Ended, ", *instant(refresh.finished_at, "now"), told)
        parts.append(Note(done))
    return Message(f"{title}.", tuple(parts), subject=title, kind="escalation")


def _closing(refresh: RefreshStatus, course: Course, waited: str) -> Words:
    """Return how long it took in all, and who took it on: ``Ready after 3 h 42 min. Acknowledged by …``."""
    ready = all(run.state is RunState.READY for _, run in refresh.runs)
    words: Words = (Strong(f"{'Ready' if ready else 'Over'} after {waited}"),)
    taken = course.taken
    if taken is None:
        return (*words, ". Nobody had acknowledged it.")
    return (*words, f". Acknowledged by {label(taken.name)}, ", When(taken.at), ".")


def _in_hand(refresh: RefreshStatus, taken: Call) -> Words:
    who: Words = (Strong(f"Acknowledged by {label(taken.name)}"), ", ", When(taken.at))
    if refresh.acknowledged_by:
        return (*who, ". Unless it ends before, the next call goes out, ", When(taken.due_at), ".")
    return (*who, ", which held until ", When(taken.due_at), ". Nobody has it in hand now.")


def _title(refresh: RefreshStatus, waited: str, *, ended: bool) -> str:
    organization = label(refresh.organization)
    if ended:
        return f"Ended · {organization}: {outcome(refresh)}"
    state = "In hand" if refresh.acknowledged_by else "Needs support"
    if is_first_read(refresh):
        return f"{state} · {organization}: first read of {what(refresh)} stands still, started {waited} ago"
    return f"{state} · {organization}: refresh of {what(refresh)} not finished after {waited}"


def is_first_read(refresh: RefreshStatus) -> bool:
    """Whether it is a first read that nobody asked for, which may take long but must move."""
    return not refresh.people and all(run.trigger is Trigger.FIRST_READ for _, run in refresh.runs)


def _facts(refresh: RefreshStatus, now: datetime, account_rep: str | None) -> tuple[tuple[str, Words], ...]:
    started = [run.started_at for _, run in refresh.runs if run.started_at]
    return (
        ("Organization", (label(refresh.organization),)),
        ("Account rep", (label(account_rep or "", empty="not set"),)),
        ("Asked by", (label(refresh.requested_by or "", empty="the schedule"),)),
        ("Asked", instant(refresh.requested_at, now=now)),
        ("Running since", instant(min(started) if started else None, "not started")),
        ("Log reference", _references(refresh)),
    )


def _references(refresh: RefreshStatus) -> Words:
    """Return the ids of the runs, those that are not finished first: each is in every log line of that run's work."""
    ordered = sorted((run for _, run in refresh.runs), key=lambda run: not run.state.active)
    words: Words = ()
    for run in ordered[:_REFERENCES]:
        words += (", ", Code(run.id)) if words else (Code(run.id),)
    more = len(ordered) - _REFERENCES
    return (*words, f" and {more} more") if more > 0 else words


def _step(source: Source, run: Run, now: datetime) -> Step:
    if run.state.active:
        moved: Words = ("; rows or stage last moved ", When(run.moved_at, now)) if run.moved_at else ()
        stage = f"stage {STAGES[run.stage]}: " if run.stage and waits(run, now) else ""
        detail: Words = (stage, *doing(run, now), f"; attempt {run.attempt}", *moved, *_alive(run, now))
        return Step(source_name(source), StepState.WORKING, detail)
    if run.goes_on:
        return Step(source_name(source), StepState.STOPPED, ("cancelled here; it goes on for others",))
    state = {"ready": StepState.DONE, "failed": StepState.FAILED}.get(run.state.value, StepState.STOPPED)
    why: Words = (
        (f": {label(run.failure.detail).rstrip('.')}. Reference ", Code(run.failure.reference)) if run.failure else ()
    )
    return Step(source_name(source), state, (ENDINGS.get(run.state, run.state.value), *why))


def _alive(run: Run, now: datetime) -> Words:
    """Return whether somebody works on it; that alone moves no rows."""
    if run.state is RunState.QUEUED or run.progress_at is None:
        return ()
    if now - run.progress_at < _QUIET:
        return ("; its worker is alive",)
    return ("; no sign of life of its worker since ", When(run.progress_at, now))


def _buttons(value: str, *, acknowledged: bool) -> Buttons:
    retry = Confirm("Retry this refresh?", "The sources that are not finished are started again.", "Retry", "Leave it")
    cancel = Confirm(
        "Cancel this refresh?", "It is stopped, and everyone who waits is told.", "Cancel refresh", "Leave it"
    )
    buttons = (
        Button("Acknowledge", actions.ESCALATION_ACKNOWLEDGE, value, ButtonStyle.PRIMARY),
        Button("Retry", actions.ESCALATION_RETRY, value, confirm=retry),
        Button("Cancel", actions.ESCALATION_CANCEL, value, ButtonStyle.DANGER, cancel),
    )
    return Buttons(buttons[1:] if acknowledged else buttons)


def escalation_told(refresh: RefreshStatus, now: datetime) -> Message:
    """Return the word to everyone who waits: it is still processing, support knows, nothing to do."""
    waited = times.span((now - refresh.requested_at).total_seconds())
    title = (
        f"{label(refresh.organization)}: refresh of {what(refresh)} is still processing after {waited}, support knows"
    )
    told: Words = (
        ("Support was told, ", When(refresh.escalated_at), ".") if refresh.escalated_at else ("Support has been told.",)
    )
    parts: list[Part] = [
        Paragraph(
            (
                Strong("Still processing."),
                f" The refresh of {what(refresh)}, asked for ",
                When(refresh.requested_at),
                f", is not finished after {waited}. ",
                *told,
                " You need not do anything; you will be told when it ends.",
            )
        ),
        Steps(tuple(brief(source, run, now) for source, run in refresh.runs)),
        Note(("Until then the data stays as it was before. Refresh ", Code(refresh.id))),
    ]
    return Message(f"{title}.", tuple(parts), subject=title, kind="escalation_told")


def brief(source: Source, run: Run, now: datetime) -> Step:
    """Return how one source stands, for whoever waits."""
    if run.state.active:
        return Step(source_name(source), StepState.WORKING, doing(run, now))
    return _step(source, run, now)
