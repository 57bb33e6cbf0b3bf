"""The confirmation: said once as a post and as an e-mail when a refresh has ended, whatever way."""

from collections.abc import Mapping, Sequence

from storage.facts.messages import (
    Button,
    Buttons,
    Facts,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Person,
    Strong,
    Table,
)
from storage.facts.runs import Run, RunState
from storage.facts.sources import Source
from storage.facts.status import RefreshStatus
from templates import actions, times
from templates.notices import again
from templates.notices.card import explanations, for_others, headline, next_steps, receipt_words
from templates.notices.disconnect import stopped_because
from templates.notices.feedback import thumbs
from templates.notices.held import held_buttons
from templates.notices.partly import as_of, lacks, lost, notes_of, partly_parts
from templates.notices.past import past_parts, unread
from templates.notices.pieces import Words, instant, touched, why_buttons
from templates.text import label, number
from templates.words import ENDINGS, long_names, short_names, source_title, stream_words

_KINDS = {
    RunState.READY: "refresh_ready",
    RunState.FAILED: "refresh_failed",
    RunState.CANCELLED: "refresh_cancelled",
}
#: People who are named; a longer list is a sum.
_NAMED = 20
#: Up to this many sources each show their four clocks; more become one table.
_IN_FULL = 3


def refresh_finished(
    refresh: RefreshStatus,
    *,
    receipts: Mapping[str, str] | None = None,
    people: Sequence[Person] = (),
    admins: Sequence[str] = (),
    streams: Mapping[str, str] | None = None,
    zone: str = "UTC",
) -> Message:
    """Return the confirmation of a refresh whose runs have all ended.

    `receipts` maps run ids to receipt ids, `people` are mentioned in Slack, `streams` maps stream names to labels.
    """
    parts: list[Part] = [Heading(headline(refresh))]
    parts += _for_people(people)
    parts += _clocks(refresh) if len(refresh.runs) <= _IN_FULL else [_overview(refresh)]
    parts += again.told(refresh)
    parts += [Paragraph(words) for words in explanations(refresh)]
    parts += [Paragraph(words) for words in next_steps(refresh, admins)]
    parts += held_buttons(refresh.runs)
    parts += [*partly_parts(refresh.runs), *past_parts(refresh.runs)]
    parts += _next_for_cancelled(refresh)
    parts += _rows(refresh, streams or {}) if len(refresh.runs) <= _IN_FULL else []
    parts += notes_of(refresh.runs)
    late = [source for source, run in refresh.runs if run.state is RunState.FAILED or _is_older(run)]
    told = Button("Who was told?", actions.DELIVERIES, refresh.id)
    parts.append(Buttons((told, *why_buttons(late))))
    parts.append(Note(_references(refresh, receipts or {})))
    parts.append(thumbs(refresh.id))
    kinds = {_KINDS[run.state] for _, run in refresh.runs if run.state in _KINDS}
    kind = kinds.pop() if len(kinds) == 1 else "refresh_mixed"
    return Message(_summary(refresh, zone), tuple(parts), subject=headline(refresh), kind=kind)


def _is_older(run: Run) -> bool:
    """Whether its data is older than the question, or only a part came."""
    as_of = run.clocks.source_as_of
    if run.state is not RunState.READY:
        return False
    return run.partly is not None or (as_of is not None and as_of < run.clocks.requested_at)


def _for_people(people: Sequence[Person]) -> list[Part]:
    if not people:
        return []
    words: list[Inline] = ["For "]
    for position, person in enumerate(people[:_NAMED]):
        last = position == len(people) - 1
        words += [person] if not position else [" and " if last else ", ", person]
    rest = f" and {len(people) - _NAMED} more" if len(people) > _NAMED else ""
    return [Paragraph((*words, f"{rest}."))]


def _summary(refresh: RefreshStatus, zone: str) -> str:
    said = f"{headline(refresh)}."
    if len(refresh.runs) != 1 or refresh.runs[0][1].state is not RunState.READY:
        return said
    clocks, partly = refresh.runs[0][1].clocks, lacks(refresh.runs[0][1])
    if partly is not None:
        rest, oldest = partly.rest_as_of, clocks.source_as_of
        old = f"{lost(partly)} as of {times.absolute(oldest, zone)}" if oldest else f"{lost(partly)} never"
        return f"{said} {old}" + (f", all else as of {times.absolute(rest, zone)}." if rest else ".")
    return f"{said} Data as of {times.absolute(clocks.source_as_of, zone)}." if clocks.source_as_of else said


def _clocks(refresh: RefreshStatus) -> list[Part]:
    """Return the four clocks of each source, by their names."""
    parts: list[Part] = []
    for source, run in refresh.runs:
        if len(refresh.runs) > 1:
            parts.append(Paragraph((Strong(f"{source_title(source)}: {_ending(run)}"),)))
        before = refresh.before.get(source.id)
        if run.state is RunState.READY:
            rows: tuple[tuple[str, Words], ...] = (
                ("Data as of", as_of(run.clocks.source_as_of, run.partly, "not known")),
                (f"Before this {'read' if refresh.again else 'refresh'}, data as of", instant(before, "no data")),
                ("Asked", instant(run.clocks.requested_at)),
                ("Loaded", instant(run.clocks.loaded_at, "nothing to load")),
                (_ready_label(run), instant(run.clocks.ready_at)),
                ("Rows", (touched(run),)),
            )
        else:
            rows = (
                ("Data as of (unchanged)", instant(before, "never")),
                ("Asked", instant(run.clocks.requested_at)),
                ("Ended", instant(run.finished_at)),
            )
        parts.append(Facts(rows))
    return parts


def _ready_label(run: Run) -> str:
    """Return the name of the fourth clock, which must not sound complete where something is missing."""
    if lacks(run) is not None:
        return "Ready to import (only what could be read)"
    return "Ready to import (what is in)" if unread(run) else "Ready to import"


def _ending(run: Run) -> str:
    partly = lacks(run)
    if partly is not None:
        return f"only partly refreshed, {lost(partly)} could not be read"
    return ENDINGS.get(run.state, run.state.value) + (", older periods are not in yet" if unread(run) else "")


def _overview(refresh: RefreshStatus) -> Table:
    names = long_names([source for source, _ in refresh.runs])
    rows = tuple(_overview_row(refresh, source, run, names[source.id]) for source, run in refresh.runs)
    columns = ("Source", "Result", "Data as of", "Before", "Rows")
    return Table("Result per source", columns, rows)


def _overview_row(refresh: RefreshStatus, source: Source, run: Run, name: str) -> tuple[tuple[Inline, ...], ...]:
    before = refresh.before.get(source.id)
    after = run.clocks.source_as_of if run.state is RunState.READY else before
    rows = touched(run) if run.state is RunState.READY else "unchanged"
    return (
        (name,),
        (_ending(run),),
        as_of(after, lacks(run), "never"),
        instant(before, "never"),
        (rows,),
    )


def _rows(refresh: RefreshStatus, streams: Mapping[str, str]) -> list[Part]:
    """Return what changed, per kind of record; kinds without a change are summed up in the last row."""
    names = short_names([source for source, _ in refresh.runs])
    rows: list[tuple[tuple[Inline, ...], ...]] = []
    quiet = 0
    for source, run in refresh.runs:
        for stream, count in run.counts.items():
            if not count.touched:
                quiet += 1
                continue
            name = streams.get(stream) or stream_words(stream)
            told = name if len(refresh.runs) == 1 else f"{names[source.id]}: {name}"
            numbers = (count.new, count.changed, count.deleted, count.total)
            rows.append(((told,), *((number(value),) for value in numbers)))
    if not rows:
        return []
    table = Table(
        "Rows that changed", ("Records", "New", "Changed", "Deleted", "Total now"), tuple(rows), frozenset({1, 2, 3, 4})
    )
    return [
        table,
        *(
            [
                Note(
                    (
                        f"{number(quiet)} other kinds of record had no change."
                        if quiet > 1
                        else "One other kind of record had no change.",
                    )
                )
            ]
            if quiet
            else []
        ),
    ]


def _next_for_cancelled(refresh: RefreshStatus) -> list[Part]:
    names = short_names([source for source, _ in refresh.runs])
    told: list[Part] = [
        Paragraph((f"The run of {names[source.id]} goes on{for_others(refresh, source)}; it is not told here.",))
        for source, run in refresh.runs[:_IN_FULL]
        if run.goes_on
    ]
    cancelled = [source for source, run in refresh.runs if run.state is RunState.CANCELLED and not run.goes_on]
    told += [Paragraph(words) for source in cancelled if (words := stopped_because(source))]
    if any(not source.on_purpose for source in cancelled):
        dropped = "What was not ready yet was dropped; nothing half-done can be seen. Ask again whenever you like."
        told.append(Paragraph((dropped,)))
    return told


def _references(refresh: RefreshStatus, receipts: Mapping[str, str]) -> Words:
    shown = [receipts[run.id] for _, run in refresh.runs if run.id in receipts]
    asker = label(refresh.requested_by) if refresh.requested_by else "the schedule"
    return (f"Asked for by {asker}. ", *receipt_words(shown), f"Refresh {refresh.id}.")
