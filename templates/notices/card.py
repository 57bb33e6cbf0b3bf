"""The living card of a refresh: one message, edited until every source has ended."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
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
from storage.facts.runs import Run, RunState
from storage.facts.sources import Source
from storage.facts.status import RefreshStatus
from templates import actions
from templates.notices import again
from templates.notices.held import held_buttons, held_only, held_words
from templates.notices.partly import as_of, lacks, lost, notes_of, partly_parts
from templates.notices.past import past_parts, unread
from templates.notices.pieces import Words, because, instant, rows_so_far, touched, usual, waits, why_buttons, why_older
from templates.text import counted, label, listed
from templates.words import STAGES, failure_words, on_timer, provider_name, run_words, short_names

_STEPS = {
    RunState.QUEUED: StepState.WAITING,
    RunState.RUNNING: StepState.WORKING,
    RunState.CANCELLING: StepState.WORKING,
    RunState.READY: StepState.DONE,
    RunState.FAILED: StepState.FAILED,
    RunState.CANCELLED: StepState.STOPPED,
}


def refresh_card(
    refresh: RefreshStatus,
    now: datetime,
    *,
    cancel_value: str | None = None,
    receipts: Mapping[str, str] | None = None,
    admins: Sequence[str] = (),
) -> Message:
    """Return the card for whatever state the refresh is in; `receipts` maps run ids to receipt ids."""
    names = short_names([source for source, _ in refresh.runs])
    active = any(run.state.active for _, run in refresh.runs)
    parts: list[Part] = [Heading(headline(refresh))]
    steps = tuple(_step(refresh, source, run, names[source.id], now) for source, run in refresh.runs)
    parts.append(Steps(steps, _plan_title(refresh)))
    parts += again.told(refresh)
    parts += [Paragraph(words) for words in explanations(refresh)]
    parts += [Paragraph(words) for words in next_steps(refresh, admins)]
    parts += [] if active else [*partly_parts(refresh.runs), *past_parts(refresh.runs)]
    parts += _overdue(refresh) if active else []
    parts += [] if active else held_buttons(refresh.runs)
    parts += [] if active else notes_of(refresh.runs)
    parts.append(Note(_small_print(refresh, receipts or {})))
    waiting = [source for source, run in refresh.runs if run.state is RunState.FAILED or waits(run, now)]
    ask = why_buttons(waiting)
    cancel = _cancel(refresh, cancel_value) if active and cancel_value is not None else ()
    parts += [Buttons((*cancel, *ask))] if cancel or ask else []
    return Message(summary=f"{headline(refresh)}.", parts=tuple(parts), kind="refresh_card")


def _plan_title(refresh: RefreshStatus) -> str:
    """Return the heading above several sources; a single one needs no plan."""
    if len(refresh.runs) == 1:
        return ""
    active = any(run.state.active for _, run in refresh.runs)
    return "What each source is at" if active else "How each source ended"


def what(refresh: RefreshStatus) -> str:
    """Return what the refresh covers: the provider's name, or ``all 3 sources``."""
    sources = [source for source, _ in refresh.runs]
    if len(sources) == 1:
        return provider_name(sources[0].provider)
    if len(sources) == 2:
        return listed(list(short_names(sources).values()))
    return f"all {len(sources)} sources" if refresh.everything else f"{len(sources)} sources"


def _data_of(refresh: RefreshStatus) -> str:
    return f"data of {what(refresh)}" if len(refresh.runs) > 2 else f"{what(refresh)} data"


def headline(refresh: RefreshStatus) -> str:
    """Return the state of the whole refresh in one line."""
    return f"{label(refresh.organization)}: {outcome(refresh)}"


def outcome(refresh: RefreshStatus) -> str:
    """Return the state of the whole refresh, after the organization's name."""
    states = [run.state for _, run in refresh.runs]
    if (words := again.outcome(refresh, what(refresh))) is not None:
        return words
    if any(state.active for state in states):
        return _progress(refresh, states)
    partly = sum(lacks(run) is not None for _, run in refresh.runs)
    if len(set(states)) == 1 and not partly:
        return _single(refresh, states[0])
    if len(states) == 1:
        return _in_part(refresh)
    counts = [
        (partly, "only partly refreshed"),
        (states.count(RunState.FAILED), "failed"),
        (states.count(RunState.CANCELLED), "cancelled"),
    ]
    first = f"{states.count(RunState.READY) - partly} of {len(states)} sources ready to import"
    others = [f"{count} {words}" for count, words in counts if count]
    return ", ".join([first, *others])


def _in_part(refresh: RefreshStatus) -> str:
    partly = lacks(refresh.runs[0][1])
    assert partly is not None
    return f"{_data_of(refresh)} is only partly refreshed, {lost(partly)} could not be read"


def _progress(refresh: RefreshStatus, states: Sequence[RunState]) -> str:
    name = what(refresh)
    if all(state is RunState.QUEUED for state in states):
        return f"refresh of {name} is queued"
    if any(state is RunState.CANCELLING for state in states):
        return f"refresh of {name} is being stopped"
    ended = sum(not state.active for state in states)
    return f"refreshing {name}" + (f", {ended} of {len(states)} done" if len(states) > 1 else "")


def _single(refresh: RefreshStatus, state: RunState) -> str:
    if state is RunState.READY:
        rest = ", older periods are not in yet" if any(unread(run) for _, run in refresh.runs) else ""
        return f"{_data_of(refresh)} is ready to import{rest}"
    if state is RunState.CANCELLED:
        return f"refresh of {what(refresh)} was cancelled"
    if held_only(refresh.runs):
        return f"refresh of {what(refresh)} is held: far fewer records came, a person decides"
    stages = {run.failure.stage for _, run in refresh.runs if run.failure}
    return f"refresh of {what(refresh)} failed" + (f" while {STAGES[stages.pop()]}" if len(stages) == 1 else "")


def _step(refresh: RefreshStatus, source: Source, run: Run, name: str, now: datetime) -> Step:
    if waits(run, now):
        assert run.next_attempt_at is not None
        return Step(name, StepState.WAITING, ("waiting, next attempt ", When(run.next_attempt_at), *because(run)))
    # What is only partly there bears no sign of "done".
    state = StepState.FAILED if lacks(run) is not None else _STEPS[run.state]
    return Step(name, state, _detail(refresh, source, run))


def _detail(refresh: RefreshStatus, source: Source, run: Run) -> Words:
    if run.state is RunState.READY:
        before = refresh.before.get(source.id)
        if run.partly is not None:
            stands = as_of(run.clocks.source_as_of, run.partly, "not known")
            return (f"only partly refreshed; {touched(run)}; data as of ", *stands)
        moved: Words = (*instant(before, "no data before"), " → ") if before != run.clocks.source_as_of else ()
        times = (*moved, *instant(run.clocks.source_as_of, "not known"))
        return ("data as of ", *times, f"; {touched(run)}")
    if run.state is RunState.FAILED:
        stage = f" while {STAGES[run.failure.stage]}" if run.failure else ""
        ended = f"failed{stage}" if run.held is None else f"held, a person decides: {held_words(run.held)}"
        return (f"{ended}; data as of ", *instant(refresh.before.get(source.id), "never"), " stays")
    if run.goes_on:
        return (f"cancelled here; goes on{for_others(refresh, source)}",)
    if run.state is RunState.CANCELLED:
        return ("cancelled; data as of ", *instant(refresh.before.get(source.id), "never"), " stays")
    rows = rows_so_far(run)
    took = usual(refresh.durations.get(source.id))
    words = run_words(run) + (f", {rows}" if rows else "")
    return (words, "; usually takes ", *took) if took and not rows else (words,)


def for_others(refresh: RefreshStatus, source: Source) -> str:
    """Return for whom the run of a source goes on that was cancelled for this refresh only; empty once it is over."""
    names = refresh.goes_on_for.get(source.id, ())
    return f" for {listed(list(names), most=3)}" if names else " for others"


def explanations(refresh: RefreshStatus) -> list[Words]:
    """Return why a timer source's data may be, or is, older than the question."""
    ready = [
        why_older(source, run, refresh.next_collection.get(source.id), refresh.failing.get(source.id))
        for source, run in refresh.runs
        if run.state is RunState.READY and run.partly is None
    ]
    running = [
        _will_be_older(source, refresh.next_collection.get(source.id))
        for source, run in refresh.runs
        if run.state.active and on_timer(source)
    ]
    return [words for words in (*ready, *running) if words][:3]


def _will_be_older(source: Source, following: datetime | None) -> Words:
    name = provider_name(source.provider)
    words: Words = (f"{name} is collected by a timer; this refresh makes ready what is already collected.",)
    return (*words, " Next collection: ", When(following), ".") if following else words


def next_steps(refresh: RefreshStatus, admins: Sequence[str]) -> list[Words]:
    """Return, for the first sources that failed, what happened and the one next step."""
    names = short_names([source for source, _ in refresh.runs])
    failed = [
        (source, run.failure, run.held) for source, run in refresh.runs if run.state is RunState.FAILED and run.failure
    ]
    told: list[Words] = []
    for source, failure, held in failed[:4]:
        words = failure_words(failure, source, admins)
        seen = f"{held_words(held)}, so nothing was loaded or replaced." if held else words.what
        told.append((Strong(f"{names[source.id]}:"), f" {seen} ", Strong("Next step:"), f" {words.next_step}"))
    if len(failed) > 4:
        told.append((f"… {counted(len(failed) - 4, 'more source')} failed; see the list above.",))
    return told


def _overdue(refresh: RefreshStatus) -> list[Part]:
    if refresh.escalated_at is None:
        return []
    seen = f" {label(refresh.acknowledged_by)} of support is looking at it." if refresh.acknowledged_by else ""
    return [
        Paragraph(
            (
                Strong("This takes longer than it should."),
                " Support was told, ",
                When(refresh.escalated_at),
                f".{seen}",
            )
        )
    ]


def _small_print(refresh: RefreshStatus, receipts: Mapping[str, str]) -> Words:
    asker = label(refresh.requested_by) if refresh.requested_by else "the schedule"
    words: Words = (f"Asked for by {asker}, ", When(refresh.requested_at))
    joined = [name for name in refresh.people if name != refresh.requested_by]
    told = (f"; {listed(joined)} joined",) if joined else ()
    shown = [receipts[run.id] for _, run in refresh.runs if run.id in receipts]
    name = "Reference " if refresh.again else "Refresh "
    return (*words, *told, ". ", *receipt_words(shown), name, Code(refresh.id))


def receipt_words(receipts: Sequence[str]) -> Words:
    """Return the receipt ids, for copying; nothing where there are none."""
    words: Words = ()
    for receipt in receipts[:4]:
        words += ("Receipt " if not words else ", ", Code(receipt))
    rest = f" … {len(receipts) - 4} more" if len(receipts) > 4 else ""
    return (*words, f"{rest}. ") if words else ()


def _cancel(refresh: RefreshStatus, value: str) -> tuple[Button, ...]:
    if all(run.state is RunState.CANCELLING for _, run in refresh.runs if run.state.active):
        return ()
    others = len(refresh.people) > 1
    asked = Confirm(
        "Stop reading it again?" if refresh.again else "Stop this refresh?",
        "Data that is already ready stays as it is."
        + (
            f" {counted(len(refresh.people), 'person waits', 'people wait')} for it and will be told." if others else ""
        ),
        "Stop it",
        "Keep going",
    )
    text = "Stop it" if refresh.again else "Cancel refresh"
    return (Button(text, actions.REFRESH_CANCEL, value, ButtonStyle.DANGER, asked),)
