"""What happened lately to a source."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from storage.facts.estimates import Calibration
from storage.facts.messages import Button, Buttons, Heading, Inline, Message, Note, Paragraph, Part, Table, When
from storage.facts.runs import Failure, Result, Run, RunState
from storage.facts.sources import Source
from templates import actions, times
from templates.notices.partly import as_of, lacks, lost
from templates.notices.past import back_to
from templates.notices.pieces import doing, instant, touched
from templates.notices.trends import history_charts
from templates.text import counted, label, number, shorten
from templates.words import RESULTS, STAGES, TRIGGERS, provider_name, short_names, source_title

#: Sentences of connectors that are shown below the runs, and the length of each.
_REMARKS, _LONGEST = 5, 300


def history(
    organization: str,
    source: Source | None,
    runs: Sequence[Run],
    now: datetime,
    *,
    sources: Mapping[str, Source] | None = None,
    receipts: Mapping[str, str] | None = None,
    zone: str = "UTC",
    calibration: Calibration | None = None,
) -> Message:
    """Return the runs of one source, newest first, or of all where `source` is None.

    `sources` maps source ids to sources, for the runs of several; `receipts` maps run ids to receipt ids;
    `calibration` says, for admins, how good the times were that were told before the runs.
    """
    name = provider_name(source.provider) if source else f"{len(sources or ())} sources"
    if not runs:
        said = f"{label(organization)}: no runs of {name} yet."
        return Message(said, (Paragraph((said,)),), kind="history")
    ordered = sorted(runs, key=lambda run: run.clocks.requested_at, reverse=True)
    names = short_names(list(sources.values())) if sources and source is None else {}
    rows = tuple(_row(run, now, names, receipts) for run in ordered)
    table = Table("Newest first", _columns(names, receipts), rows)
    note = Note(("“Data as of” moves only when a run becomes ready. Checked ", When(now), "."))
    heading = Heading(f"History of {source_title(source) if source else name}")
    pictures = history_charts(ordered, zone) if source else []
    as_page = (Buttons((Button("See this as a page", actions.PAGE_LINK, source.id),)),) if source else ()
    parts: tuple[Part, ...] = (
        heading, *pictures, table, *_remarks(ordered, names), *_estimates(calibration), note, *as_page,
    )  # fmt: skip
    said = _last(ordered, name, zone) if source else f"what happened lately to {name}."
    return Message(f"{label(organization)}: {said}", parts, kind="history")


def _estimates(held: Calibration | None) -> tuple[Part, ...]:
    if held is None:
        return ()
    words = (
        f"Times told before the last {counted(held.runs, 'usual run')}: {_share(held.within_long)} took no longer than "
        f"the longer one (90 % should), {_share(held.within_usual)} no longer than the shorter one (50 % should). "
        "Admins see this."
    )
    return (Note((words,)),)


def _share(share: float) -> str:
    return f"{round(share * 100)} %"


def _last(runs: Sequence[Run], name: str, zone: str) -> str:
    ready = next((run for run in runs if run.state is RunState.READY and run.clocks.source_as_of), None)
    if ready is None or ready.clocks.source_as_of is None:
        return f"none of the last {len(runs)} runs of {name} became ready."
    return f"the last ready run of {name} has data as of {times.absolute(ready.clocks.source_as_of, zone)}."


def _columns(names: Mapping[str, str], receipts: Mapping[str, str] | None) -> tuple[str, ...]:
    columns = (*(("Source",) if names else ()), "Asked", "By", "Result", "Data as of", "Rows", "Took")
    return (*columns, "Receipt") if receipts else columns


def _row(
    run: Run, now: datetime, names: Mapping[str, str], receipts: Mapping[str, str] | None
) -> tuple[tuple[Inline, ...], ...]:
    ended, started = run.finished_at, run.started_at
    took = times.span((ended - started).total_seconds()) if ended and started else "–"
    ready = run.state is RunState.READY
    row: tuple[tuple[Inline, ...], ...] = (
        *(((names.get(run.source_id, "–"),),) if names else ()),
        instant(run.clocks.requested_at),
        (TRIGGERS.get(run.trigger, str(run.trigger)),),
        result_words(run, now),
        as_of(run.clocks.source_as_of, run.partly, "unchanged") if ready else ("unchanged",),
        (_rows(run) if ready else "–",),
        (took,),
    )
    return (*row, (receipts.get(run.id, "–"),)) if receipts else row


def _rows(run: Run) -> str:
    """Return what the run did to the rows; where its result has said already that it was nothing, not once more."""
    return "none changed" if run.result in (Result.VERIFIED, Result.NOTHING_WAITED) else touched(run)


def result_words(run: Run, now: datetime) -> tuple[Inline, ...]:
    """Return what a run came to, in one line; of one that is under way, what it does."""
    if run.state.active:
        return doing(run, now)
    if run.failure and run.state is RunState.FAILED:
        return (_failed(run, run.failure),)
    partly = lacks(run)
    if partly is not None:
        rest = f"; {back_to(run.older)} are in, older ones not yet" if run.older else ""
        return (f"partial: {lost(partly)} could not be read{rest}",)
    if run.state is RunState.READY:
        alone = "only what was missing was read: " if run.only else ""
        rest = f"; {back_to(run.older)} are in, older ones not yet" if run.older else ""
        return (alone + (RESULTS[run.result] if run.result else "ready") + rest,)
    return (run.state.value,)


def _failed(run: Run, failure: Failure) -> str:
    if run.held is not None:
        found = f"{number(run.held.after)} {label(run.held.stream)} instead of {number(run.held.before)}"
        return f"suspicious empty: {found}; not loaded, a person decides ({failure.reference})"
    if run.result is Result.SUSPICIOUS:
        return f"suspicious empty: {label(failure.detail)} ({failure.reference})"
    return f"failed while {STAGES[failure.stage]} ({failure.reference})"


def _remarks(runs: Sequence[Run], names: Mapping[str, str]) -> list[Part]:
    """Return what the newest runs said beside their rows, each sentence once."""
    told = {note: run for run in reversed(runs) for note in run.notes}
    return [
        Note(
            (
                f"{names[run.source_id]}, " if run.source_id in names else "",
                "run asked for ",
                When(run.clocks.requested_at),
                f": {shorten(label(note), _LONGEST)}",
            )
        )
        for note, run in list(told.items())[-_REMARKS:]
    ]
