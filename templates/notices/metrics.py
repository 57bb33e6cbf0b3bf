"""Metrics: all of them, and one with its values. Only a current one looks well."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    Code,
    Facts,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Sign,
    Strong,
    Table,
    When,
)
from storage.facts.metrics import Definition, Failing, Kept, MetricState, Shown
from templates import actions
from templates.notices.answers import tell
from templates.notices.metric_words import (
    as_of_words,
    changed_words,
    definition_words,
    marked_name,
    period_words,
    said_by,
    standing_words,
    state_words,
    target_words,
    value_words,
)
from templates.notices.metrics_restated import restated_part
from templates.notices.pieces import Words
from templates.notices.trends import metric_chart
from templates.text import counted, label

#: rows of a table
_MOST = 100


def metrics_list(organization: str, found: Sequence[Shown], now: datetime, noun: str = "Metric") -> Message:
    """Return all metrics with their latest values, what is not current first; `noun`: what none of them says."""
    noun = found[0].metric.definition.noun if found else noun
    if not found:
        none = f"{label(organization)} has no {noun.lower()}s yet."
        return tell(none, ("A manager makes the first one: ", Code("/data metric new"), "."))
    order = sorted(found, key=lambda one: one.state is MetricState.CURRENT)
    odd = sum(one.state is not MetricState.CURRENT for one in found)
    summary = f"{counted(len(found), noun.lower(), f'{noun.lower()}s')} of {label(organization)}, "
    summary += f"{odd} of them not current." if odd else "all current."
    rows = tuple(_row(one, now) for one in order[:_MOST])
    columns = (noun, "Value", "Period", "Data as of", "State")
    parts: list[Part] = [Heading(f"{noun}s"), Table(summary.rstrip("."), columns, rows, frozenset({1}))]
    if len(order) > _MOST:
        parts.append(Note((f"{len(order) - _MOST} more: look with ", Code("/data metric <name>"), ".")))
    return Message(summary, tuple(parts), kind="metrics")


def _row(shown: Shown, now: datetime) -> tuple[tuple[Inline, ...], ...]:
    latest = shown.values[0] if shown.values else None
    definition = shown.before or shown.metric.definition
    return (
        marked_name(shown),
        (value_words(definition, latest),),
        (period_words(latest, definition.frequency) if latest else "–",),
        as_of_words(shown, now),
        (state_words(shown),),
    )


def metric_shown(shown: Shown, now: datetime) -> Message:
    """Return one metric: value, target, as-of, where it stands, and the values before."""
    metric, definition = shown.metric, shown.metric.definition
    latest = shown.values[0] if shown.values else None
    # Values of an older definition are read as they were calculated.
    of = shown.before or definition
    name = f"{label(definition.noun)} {label(metric.name)}"
    value = value_words(of, latest)
    empty = "has no value in this period" if latest else "has no value yet"
    summary = f"{name}: {value}" if latest and latest.value.value is not None else f"{name} {empty}"
    parts: list[Part] = [Heading(name), Paragraph(_marked(shown, value, now)), Facts(metric_facts(shown, now))]
    if latest is not None and latest.value.reason:
        parts.append(Note((f"No value: {label(latest.value.reason)}.",)))
    if shown.before is not None and shown.values:
        was = definition_words(shown.before)
        parts.append(Note((f"It was changed. These values are from before: {was}.",)))
    chart = metric_chart(replace(shown, metric=replace(metric, definition=of)))
    parts += [chart] if chart is not None else []
    if shown.values:
        parts.append(values_table(of, shown.values))
        parts += restated_part(shown, said_by(shown))
    why = (Button("Why?", actions.METRIC_WHY, metric.id),) if shown.state is not MetricState.CURRENT else ()
    as_page = Button("See this as a page", actions.PAGE_LINK, metric.id)
    files = (as_page, Button("Download", actions.METRIC_FILE, metric.id)) if shown.values else ()
    parts += [Buttons((*why, *files))] if why or files else []
    state = "" if shown.state is MetricState.CURRENT else f" ({standing_words(shown)})"
    return Message(f"{summary}{state}.", tuple(parts), kind="metric")


def metric_facts(shown: Shown, now: datetime) -> tuple[tuple[str, Words], ...]:
    """Return where a metric stands, of which period its value is, what it is calculated from, and its target."""
    metric, definition = shown.metric, shown.metric.definition
    latest = shown.values[0] if shown.values else None
    rows: list[tuple[str, Words]] = [("State", (state_words(shown),))]
    if latest is not None:
        rows.append(("Period", (period_words(latest, (shown.before or definition).frequency),)))
    rows.append(("Data as of", (When(metric.as_of, now),) if metric.as_of else ("never",)))
    if shown.worst:
        rows.append(("Oldest input", (label(shown.worst),)))
    if shown.since is not None:
        rows.append(("Frozen since", (When(shown.since),)))
    rows.append(("Calculated from", (f"QuickBooks, {label(shown.company)}: {definition_words(definition)}",)))
    if shown.failing is not None:
        still = ("; the value is of the data as of ", When(metric.as_of)) if metric.as_of and latest else ()
        rows.append(("Its calculation", _failing_words(shown.failing, still)))
    if definition.target is not None:
        rows.append(("Target", (target_words(shown, latest),)))
    return tuple(rows)


def _failing_words(found: Failing, still: Words) -> Words:
    """Return since when a calculation fails, and when it is tried again."""
    return ("fails since ", When(found.since), "; it is tried again at ", When(found.again_at), *still, ".")


def _marked(shown: Shown, value: str, now: datetime) -> tuple[Inline, ...]:
    """Return the value as it stands on a card; one that is not current says so beside it, and as of when it was."""
    at = shown.metric.as_of
    if shown.state is MetricState.CURRENT or at is None:
        return (Strong(value),)
    sign, standing = Sign("white_circle", "Not current:"), standing_words(shown)
    old = ", older than promised" if "older than promised" in shown.reason else ""
    return (sign, " ", Strong(value), f" is {standing}, as of ", When(at, now), f"{old}.")


def metric_missing(name: str, noun: str = "Metric") -> Message:
    """Return that there is no such metric."""
    return tell(f"There is no {noun.lower()} called {label(name)}.", ("All of them: ", Code("/data metrics")))


def values_table(definition: Definition, values: Sequence[Kept]) -> Table:
    """Return the last values, the newest first."""
    rows = tuple(
        ((period_words(one, definition.frequency),), (value_words(definition, one),), (changed_words(one, definition),))
        for one in values
    )
    return Table(
        f"The last {counted(len(values), 'value', 'values')}", ("Period", "Value", "Note"), rows, frozenset({1})
    )
