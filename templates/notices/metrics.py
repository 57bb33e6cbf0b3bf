"""Metrics: all of them, one with its values, and the card before one is made. Only a current one looks well."""

from collections.abc import Sequence
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Facts,
    Heading,
    Inline,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    Table,
    When,
)
from storage.facts.metrics import Calculation, Definition, Direction, Frequency, Kept, MetricState, Period, Shown
from templates import actions, times
from templates.notices.answers import say
from templates.notices.pieces import Words
from templates.notices.trends import metric_chart
from templates.text import counted, label

_STATES = {
    MetricState.CALCULATING: "being calculated",
    MetricState.CURRENT: "current",
    MetricState.STALE: "stale",
    MetricState.FROZEN: "frozen",
    MetricState.BROKEN: "broken",
}
_OFTEN = {
    Frequency.DAILY: "each day",
    Frequency.WEEKLY: "each week",
    Frequency.MONTHLY: "each month",
    Frequency.QUARTERLY: "each quarter",
    Frequency.ANNUAL: "each fiscal year",
}
_PERCENT = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})
#: how one is made
EXAMPLE = "new Net income = profit and loss: NetIncome, monthly, target at least 4000"
#: one absurd amount must not hide all the others
_EVERY_DIGIT = Context(prec=100)
#: rows of a table
_MOST = 100


def metrics_list(organization: str, found: Sequence[Shown], now: datetime) -> Message:
    """Return all metrics with their latest values, what is not current first."""
    if not found:
        return say(
            f"{label(organization)} has no metrics yet.",
            ("A manager makes the first one: ", Code("/data metric new")),
        )
    order = sorted(found, key=lambda one: one.state is MetricState.CURRENT)
    odd = sum(one.state is not MetricState.CURRENT for one in found)
    summary = f"{counted(len(found), 'metric', 'metrics')} of {label(organization)}, "
    summary += f"{odd} of them not current." if odd else "all current."
    rows = tuple(_row(one, now) for one in order[:_MOST])
    columns = ("Metric", "Value", "Period", "Data as of", "State")
    parts: list[Part] = [Heading("Metrics"), Table(summary.rstrip("."), columns, rows, frozenset({1}))]
    if len(order) > _MOST:
        parts.append(Note((f"{len(order) - _MOST} more: look with ", Code("/data metric <name>"), ".")))
    return Message(summary, tuple(parts), kind="metrics")


def _row(shown: Shown, now: datetime) -> tuple[tuple[Inline, ...], ...]:
    latest = shown.values[0] if shown.values else None
    return (
        (label(shown.metric.name),),
        (value_words(shown.metric.definition, latest),),
        (period_words(latest, shown.metric.definition.frequency) if latest else "–",),
        (When(shown.metric.as_of, now),) if shown.metric.as_of else ("never",),
        (_state(shown),),
    )


def metric_shown(shown: Shown, now: datetime) -> Message:
    """Return one metric: value, target, as-of, where it stands, and the values before."""
    metric, definition = shown.metric, shown.metric.definition
    latest = shown.values[0] if shown.values else None
    name = f"{label(definition.noun)} {label(metric.name)}"
    value = value_words(definition, latest)
    empty = "has no value in this period" if latest else "has no value yet"
    summary = f"{name}: {value}" if latest and latest.value.value is not None else f"{name} {empty}"
    rows: list[tuple[str, Words]] = [("State", (_state(shown),))]
    if latest is not None:
        rows.append(("Period", (period_words(latest, definition.frequency),)))
    rows.append(("Data as of", (When(metric.as_of, now),) if metric.as_of else ("never",)))
    if shown.since is not None:
        rows.append(("Frozen since", (When(shown.since),)))
    rows.append(("Calculated from", (f"QuickBooks, {label(shown.company)}: {definition_words(definition)}",)))
    if definition.target is not None:
        rows.append(("Target", (_target(shown, latest),)))
    parts: list[Part] = [Heading(name), Paragraph((Strong(value),)), Facts(tuple(rows))]
    if latest is not None and latest.value.reason:
        parts.append(Note((f"No value: {label(latest.value.reason)}.",)))
    chart = metric_chart(shown)
    parts += [chart] if chart is not None else []
    if shown.values:
        parts.append(_values(definition, shown.values))
    state = "" if shown.state is MetricState.CURRENT else f" ({_STATES[shown.state]})"
    return Message(f"{summary}{state}.", tuple(parts), kind="metric")


def metric_missing(name: str) -> Message:
    """Return that there is no such metric."""
    return say(f"There is no metric called {label(name)}.", ("All of them: ", Code("/data metrics")))


def _values(definition: Definition, values: Sequence[Kept]) -> Table:
    rows = tuple(
        (
            (period_words(one, definition.frequency),),
            (value_words(definition, one),),
            (_changed(one, definition),),
        )
        for one in values
    )
    return Table(
        f"The last {counted(len(values), 'value', 'values')}", ("Period", "Value", "Note"), rows, frozenset({1})
    )


def _changed(kept: Kept, definition: Definition) -> str:
    """Return what is worth knowing of one value: it is empty, not over, not whole, or was another."""
    notes = [label(kept.value.reason)] if kept.value.reason else []
    if kept.changed.get("why") == "data" and kept.changed.get("complete_before"):
        before = kept.changed.get("before")
        notes.append(f"restated, was {_number(Decimal(before), definition, kept.currency) if before else 'empty'}")
    if not kept.value.complete:
        notes.append("so far" if kept.value.period.end >= kept.as_of.date() else "not imported whole")
    return "; ".join(notes) or "–"


def _state(shown: Shown) -> str:
    words = _STATES[shown.state]
    return f"{words}: {label(shown.reason).rstrip('.')}" if shown.reason else words


def _target(shown: Shown, latest: Kept | None) -> str:
    definition, target = shown.metric.definition, shown.metric.definition.target
    assert target is not None
    side = "at least" if target.direction is Direction.AT_LEAST else "at most"
    words = f"{side} {_number(target.value, definition, latest.currency if latest else definition.currency)}"
    value = latest.value.value if latest else None
    # Nothing that is not current is called met.
    if value is None or shown.state is not MetricState.CURRENT:
        return f"{words}; not judged, because it is not current"
    slack = abs(target.value) * target.band / 100
    off = target.value - value if target.direction is Direction.AT_LEAST else value - target.value
    return f"{words}; {'met' if off <= 0 else 'nearly met' if off <= slack else 'missed'}"


def value_words(definition: Definition, kept: Kept | None) -> str:
    """Return a value as people read it: ``1,204.50 USD``, ``12.4 %``; a dash for none."""
    if kept is None or kept.value.value is None:
        return "–"
    return _number(kept.value.value, definition, kept.currency)


def _number(value: Decimal, definition: Definition, currency: str) -> str:
    percent = definition.calculation in _PERCENT
    plain = definition.calculation is Calculation.COUNT
    shown = (value * 100 if percent else value).quantize(
        Decimal(1) if plain else Decimal(1).scaleb(-definition.decimals), ROUND_HALF_UP, _EVERY_DIGIT
    )
    return f"{shown:,f}{' %' if percent else f' {currency}' if currency else ''}"


def period_words(kept: Kept, frequency: Frequency) -> str:
    """Return a period in days; one that is not over says so."""
    return _days(kept.value.period, frequency)


def _days(period: Period, frequency: Frequency) -> str:
    if frequency is Frequency.DAILY:
        return times.day(period.start)
    return f"{times.day(period.start)} to {times.day(period.end)}"


def definition_words(definition: Definition) -> str:
    """Return how a metric is calculated, in words."""
    chosen = definition.selection
    what = label(chosen.item_name) if chosen.item_name else "all"
    words = f"{definition.calculation.value.replace('_', ' ')} of {what} ({chosen.dataset.value.replace('_', ' ')})"
    if definition.divisor is not None:
        other = definition.divisor
        by = label(other.item_name) if other.item_name else "all"
        words += f" divided by {by} ({other.dataset.value.replace('_', ' ')})"
    turned = ", sign turned" if definition.reversed else ""
    return f"{words}, {_OFTEN[definition.frequency]}, {definition.basis.value} basis{turned}"


def metric_preview(shown: Shown, now: datetime, value: str) -> Message:
    """Return the card that shows the last values of a metric before it is made."""
    metric, definition = shown.metric, shown.metric.definition
    name = f"{label(definition.noun)} {label(metric.name)}"
    rows: tuple[tuple[str, Words], ...] = (
        ("Calculated from", (f"QuickBooks, {label(shown.company)}: {definition_words(definition)}",)),
        ("Data as of", (When(metric.as_of, now),) if metric.as_of else ("never",)),
    )
    values: tuple[Part, ...] = (_values(definition, shown.values),) if shown.values else (
        Note(("Nothing of it is imported yet; its values come with the next collection.",)),
    )  # fmt: skip
    buttons = (Button("Make it", actions.METRIC_MAKE, value, ButtonStyle.PRIMARY),
               Button("Leave it", actions.REFRESH_DISMISS))  # fmt: skip
    parts: tuple[Part, ...] = (
        Heading(f"{name}?"), Facts(rows), *values, Buttons(buttons), Note(("The audit will show that it was you.",)),
    )  # fmt: skip
    return Message(f"{name}: nothing is made yet.", parts, kind="metric_preview")


def metric_made(name: str) -> Message:
    """Return that a metric was made."""
    return say(
        f"{label(name)} is made, and calculated within seconds.",
        ("Look at it with ", Code(f"/data metric {label(name)}")),
    )


def metric_refused(reason: str) -> Message:
    """Return why a metric cannot be made, and what to write."""
    return say(f"That metric cannot be made: {label(reason)}.", ("For example: ", Code(f"/data metric {EXAMPLE}")))


def metric_needs_quickbooks(*, connects: bool) -> Message:
    """Return that QuickBooks must be connected first, with the way to do it for whoever may."""
    summary = "Metrics are calculated from QuickBooks, and no company is connected."
    if not connects:
        return say(summary, ("An admin connects one with ", Code("/data connect quickbooks")))
    parts: tuple[Part, ...] = (
        Paragraph((Strong(summary),)), Buttons((Button("Connect QuickBooks", actions.CONNECT_ASK),)),
    )  # fmt: skip
    return Message(summary, parts, kind="metric_needs_quickbooks")
