"""A history or a metric on a page of its own: where it stands, its pictures, and the same data as a table.

A page stays open: whatever it says of freshness, it says as of the instant at which it was made.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from storage.facts.charts import Chart
from storage.facts.messages import Button, Buttons, Message, Note, Paragraph, Strong, Table, When
from storage.facts.metrics import Definition, Kept, MetricState, Shown
from storage.facts.runs import Run, RunState
from storage.facts.sources import ConnectionState, Freshness
from storage.facts.status import SourceStatus
from templates import times
from templates.actions import OPEN_LINK
from templates.notices.history import result_words
from templates.notices.metric_words import (
    changed_words,
    number_words,
    period_words,
    standing_words,
    state_words,
    value_words,
)
from templates.notices.metrics import metric_facts
from templates.notices.partly import as_of, lacks, partly_told
from templates.notices.pieces import Words
from templates.notices.status import ask_words, fresh_words, needs_person, status_facts
from templates.notices.trends import history_charts, metric_chart, run_ages
from templates.text import beginning, counted, label, number
from templates.words import FRESHNESS, TRIGGERS, provider_name, source_title

#: Rows of a table, and points of a picture.
_MOST = 60
_PICTURES = 3


@dataclass(frozen=True, slots=True)
class Sheet:
    """What a page shows, from top to bottom."""

    title: str
    #: where it stands, in a sentence with the instant at which that was so
    standing: Words
    #: whether it may look well; what is old, partly there or uncertain may not
    good: bool
    #: what is wrong, and the next step
    remarks: tuple[Words, ...]
    facts: tuple[tuple[str, Words], ...]
    charts: tuple[Chart, ...]
    table: Table
    notes: tuple[Words, ...] = ()


def page_link(name: str, url: str, until: datetime) -> Message:
    """Return the link to a page."""
    summary = f"{label(name)} as a page, with its pictures and every value in a table."
    note = (
        "The link is yours alone and works until ",
        When(until, short=True),
        ". The page is as of when you open it.",
    )
    parts = (Paragraph((summary,)), Buttons((Button("Open the page", OPEN_LINK, url=url),)), Note(note))
    return Message(summary, parts, kind="page_link")


def source_sheet(status: SourceStatus, runs: Sequence[Run], now: datetime, zone: str) -> Sheet:
    """Return the history of a source: how old its data got, the rows of each refresh and how long it took."""
    source, name = status.source, provider_name(status.source.provider)
    partly = lacks(status.last_ready)
    ordered = sorted(runs, key=lambda run: run.clocks.requested_at, reverse=True)[:_MOST]
    remarks: list[Words] = [ask_words(status, name, ())] if needs_person(status) else []
    remarks += [partly_told(source, partly)] if partly is not None else []
    known = status.last_data_refresh
    old: Words = (f" ({times.span((now - known).total_seconds())} old then)",) if known and partly is None else ()
    return Sheet(
        f"History of {source_title(source)}",
        (
            Strong(beginning(fresh_words(status))),
            " at ",
            When(now),
            ", when this page was made. Data as of ",
            *as_of(known, partly, "never"),
            *old,
            ".",
        ),
        _is_well(status),
        tuple(remarks),
        (*status_facts(status, now), ("Account", (label(source.label),))),
        tuple(history_charts(ordered, zone, most=_PICTURES)),
        _runs_table(ordered, now),
        (_about_runs(ordered),),
    )


def _is_well(status: SourceStatus) -> bool:
    connected = status.source.connection is ConnectionState.CONNECTED
    return connected and fresh_words(status) == FRESHNESS[Freshness.FRESH] and not needs_person(status)


def _about_runs(runs: Sequence[Run]) -> Words:
    more = f" The newest {_MOST}; older ones are not shown." if len(runs) == _MOST else ""
    return (f"“Data as of” moves only when a run becomes ready; a run that failed brought nothing newer.{more}",)


def _runs_table(runs: Sequence[Run], now: datetime) -> Table:
    ages = {run.id: age for run, age in run_ages(runs)}
    columns = ("Ready", "Result", "Begun by", "Data as of", "Age before it", "Rows changed", "Took")
    rows = tuple(_run_row(run, ages.get(run.id), now) for run in runs)
    caption = f"{counted(len(runs), 'run')}, newest first" if runs else "No runs yet"
    return Table(caption, columns, rows, frozenset({4, 5, 6}))


def _run_row(run: Run, age: timedelta | None, now: datetime) -> tuple[Words, ...]:
    ready, ended, started = run.state is RunState.READY, run.finished_at, run.started_at
    at: Words = (
        (When(run.clocks.ready_at),)
        if ready and run.clocks.ready_at
        else ("no, asked for ", When(run.clocks.requested_at))
    )
    return (
        at,
        result_words(run, now),
        (TRIGGERS.get(run.trigger, str(run.trigger)),),
        as_of(run.clocks.source_as_of, run.partly, "unchanged") if ready else ("unchanged",),
        (times.span(age.total_seconds()) if age is not None else "–",),
        (number(run.changed) if ready else "–",),
        (times.span((ended - started).total_seconds()) if ended and started else "–",),
    )


def metric_sheet(shown: Shown, now: datetime) -> Sheet:
    """Return a metric with its values, the latest first, beside its target."""
    metric, of = shown.metric, shown.before or shown.metric.definition
    values = shown.values[:_MOST]
    fewer = replace(shown, metric=replace(metric, definition=of), values=values)
    latest = values[0] if values else None
    chart = metric_chart(fewer)
    remarks: list[Words] = []
    if latest is not None and latest.value.reason:
        remarks.append((f"No value: {label(latest.value.reason)}.",))
    notes: list[Words] = []
    if shown.before is not None and values:
        remarks.append(("It was changed. These values are from before the change.",))
    if len(shown.values) > _MOST:
        notes.append((f"The latest {_MOST} of {number(len(shown.values))} values; the files have all of them.",))
    return Sheet(
        f"{label(metric.definition.noun)} {label(metric.name)}",
        _standing(shown, latest, of, now),
        shown.state is MetricState.CURRENT and not shown.reason and latest is not None,
        tuple(remarks),
        metric_facts(shown, now),
        (chart,) if chart is not None else (),
        _values_table(of, values, judged=shown.state is MetricState.CURRENT and shown.before is None),
        tuple(notes),
    )


def _standing(shown: Shown, latest: Kept | None, of: Definition, now: datetime) -> Words:
    at = shown.metric.as_of
    if shown.state is MetricState.CURRENT:
        state, why = beginning(standing_words(shown)), beginning(label(shown.reason, empty=""))
    else:
        state, why = "Not current", f"It is {state_words(shown)}"
    made: Words = (Strong(state), " at ", When(now), f", when this page was made.{f' {why}.' if why else ''} ")
    value: Words = (Strong(value_words(of, latest)), f", {period_words(latest, of.frequency)}. ") if latest else ()
    until: Words = (When(at), f" ({times.span((now - at).total_seconds())} old then)") if at else ("never",)
    worst = f"; oldest input: {label(shown.worst)}" if shown.worst else ""
    # What is not current says so before its value is read.
    told = (*value, *made) if shown.state is MetricState.CURRENT and not shown.reason else (*made, *value)
    return (*told, "Data as of ", *until, f"{worst}.")


def _values_table(definition: Definition, values: Sequence[Kept], *, judged: bool) -> Table:
    """Return the values; how far each is from the target only where that may be judged."""
    target = definition.target
    columns: tuple[str, ...] = ("Period", "Value")
    numeric = {1}
    if target is not None:
        columns += ("Target",) + (("Against target",) if judged else ())
        numeric |= {2, 3} if judged else {2}
    columns += ("Data as of", "Note")
    rows = []
    for kept in values:
        cells: list[Words] = [(period_words(kept, definition.frequency),), (value_words(definition, kept),)]
        if target is not None:
            cells.append((number_words(target.value, definition, kept.currency),))
            cells += [(_against(definition, kept),)] if judged else []
        rows.append((*cells, (When(kept.as_of),), (changed_words(kept, definition),)))
    caption = f"{counted(len(values), 'value')}, the latest first" if values else "No values yet"
    return Table(caption, columns, tuple(rows), frozenset(numeric))


def _against(definition: Definition, kept: Kept) -> str:
    target, value = definition.target, kept.value.value
    if target is None or value is None:
        return "–"
    off = value - target.value
    return f"{'+' if off > 0 else ''}{number_words(off, definition, kept.currency)}"
