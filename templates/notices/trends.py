"""Pictures of what happened: how old data got, what refreshes brought and took, and how a metric moves.

One is drawn only where it tells something: three points or more that are not all the same.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from decimal import ROUND_HALF_UP, Context, Decimal
from itertools import pairwise

from storage.facts.charts import Chart, ChartKind, Series
from storage.facts.metrics import Calculation, Definition, Frequency, MetricState, Period, Shown
from storage.facts.runs import Run, RunState, Trigger
from storage.facts.status import SourceStatus
from templates import times
from templates.rhythm import zone_name
from templates.text import counted, label, number

#: Pictures of one history; Slack takes no more in a message.
_MOST = 2
_LEAST_POINTS = 3
#: Bars whose names can be read side by side.
_MOST_SOURCES = 5
_MINUTES, _HOURS = timedelta(hours=3), timedelta(days=4)
_FIRST_READS = frozenset({Trigger.FIRST_READ, Trigger.OLDER})
#: one absurd amount must not hide all the others
_EVERY_DIGIT = Context(prec=100)
_PERCENT = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})


@dataclass(frozen=True, slots=True)
class _Unit:
    """What a chart of durations counts in."""

    name: str
    seconds: int


def history_charts(runs: Sequence[Run], zone: str, *, most: int = _MOST) -> list[Chart]:
    """Return pictures of one source's runs: how old its data got, the rows of each, how long each took."""
    done = _ready(runs)
    drawn = (_ages(done, zone), _rows(done, zone), _took(done, zone))
    return [chart for chart in drawn if chart is not None and _tells(chart)][:most]


def _ready(runs: Sequence[Run]) -> list[Run]:
    """Return those that became ready, the oldest first."""
    done = [run for run in runs if run.state is RunState.READY and run.clocks.ready_at]
    return sorted(done, key=lambda run: run.clocks.ready_at or run.clocks.requested_at)


def run_ages(runs: Sequence[Run]) -> list[tuple[Run, timedelta]]:
    """Return how old the data had got before each run made them newer, the oldest first."""
    return [
        (run, max(timedelta(0), run.clocks.ready_at - before.clocks.source_as_of))
        for before, run in pairwise(_ready(runs))
        if run.clocks.ready_at and before.clocks.source_as_of
    ]


def standing_chart(statuses: Sequence[SourceStatus], names: Mapping[str, str], now: datetime) -> Chart | None:
    """Return how old the data of each source are as of `now`, the oldest first; None where that tells nothing.

    A source that was never read has no age, and a long list is read in its table.
    """
    known = [(now - one.last_data_refresh, names[one.source.id]) for one in statuses if one.last_data_refresh]
    if len(statuses) > _MOST_SOURCES or not known:
        return None
    known.sort(key=lambda one: (-one[0], one[1]))
    ages = [max(timedelta(0), age) for age, _ in known]
    unit = _unit(max(ages))
    said = f"The oldest data are those of {label(known[0][1])}, {_span(ages[0])} old; the newest {_span(ages[-1])}."
    missing = len(statuses) - len(known)
    said += f" {counted(missing, 'source')} never read." if missing else ""
    series = (Series("Age of the data", tuple(_amount(age, unit) for age in ages)),)
    places = tuple(label(name) for _, name in known)
    chart = Chart("How old the data are", ChartKind.BAR, places, series, "Source", unit.name, said, told=True)
    return chart if _tells(chart) else None


def _amount(span: timedelta, unit: _Unit) -> Decimal:
    return (Decimal(round(span.total_seconds())) / unit.seconds).quantize(Decimal("0.1"))


def _tells(chart: Chart) -> bool:
    points = {value for value in chart.series[0].values if value is not None}
    known = sum(value is not None for value in chart.series[0].values)
    return known >= _LEAST_POINTS and len(points) > 1


def _ages(done: Sequence[Run], zone: str) -> Chart | None:
    """Return how old the data got before each run made them newer."""
    found = [(run.clocks.ready_at, age) for run, age in run_ages(done) if run.clocks.ready_at]
    if not found:
        return None
    ages = [age for _, age in found]
    said = (
        f"Before each of these {counted(len(ages), 'run')} became ready the data were {_between(ages)} old; "
        f"{_span(ages[-1])} before the newest."
    )
    return _durations(
        "How old the data got", "Age of the data", ChartKind.LINE, [at for at, _ in found], ages, said, zone
    )


def _rows(done: Sequence[Run], zone: str) -> Chart | None:
    usual = [run for run in done if run.trigger not in _FIRST_READS]
    if not usual:
        return None
    rows = [run.changed for run in usual]
    most = f"{number(min(rows))} to {number(max(rows))} rows changed"
    said = (
        f"In each of these {counted(len(rows), 'run')} {most}; {number(rows[-1])} in the newest. Without first reads."
    )
    series = (Series("Rows changed", tuple(map(Decimal, rows))),)
    places = _places([run.clocks.ready_at or run.clocks.requested_at for run in usual], zone)
    return Chart(
        "Rows changed per refresh", ChartKind.BAR, places, series, _ready_at(zone), "Rows changed", said, told=True
    )


def _took(done: Sequence[Run], zone: str) -> Chart | None:
    ended = [(run.finished_at, run.finished_at - run.started_at) for run in done if run.finished_at and run.started_at]
    if not ended:
        return None
    took = [span for _, span in ended]
    said = f"These {counted(len(took), 'run')} took {_between(took)}; the newest {_span(took[-1])}."
    return _durations("How long refreshes took", "Duration", ChartKind.BAR, [at for at, _ in ended], took, said, zone)


def _durations(
    title: str, name: str, kind: ChartKind, at: Sequence[datetime], spans: Sequence[timedelta], said: str, zone: str
) -> Chart:
    unit = _unit(max(spans))
    values = tuple(_amount(span, unit) for span in spans)
    series = (Series(name, values),)
    return Chart(title, kind, _places(at, zone), series, _ready_at(zone), unit.name, said, told=True)


def _unit(longest: timedelta) -> _Unit:
    if longest <= _MINUTES:
        return _Unit("Minutes", 60)
    return _Unit("Hours", 3600) if longest <= _HOURS else _Unit("Days", 86_400)


def _between(spans: Sequence[timedelta]) -> str:
    least, most = _span(min(spans)), _span(max(spans))
    return least if least == most else f"{least} to {most}"


def _span(span: timedelta) -> str:
    return times.span(span.total_seconds())


def _places(at: Sequence[datetime], zone: str) -> tuple[str, ...]:
    """Return instants short enough to stand below a chart: ``Nov 21, 14:41``; the axis says in which zone."""
    return tuple(times.short(one, zone) for one in at)


def _ready_at(zone: str) -> str:
    return f"Ready at ({zone_name(zone)})"


def metric_chart(shown: Shown) -> Chart | None:
    """Return how a metric moves over its whole periods, beside its target; None where that tells nothing.

    A period that is not over would look like a fall, so it is not drawn.
    """
    definition = shown.metric.definition
    over = [kept for kept in reversed(shown.values) if kept.value.complete]
    if len({kept.currency for kept in over}) != 1:
        return None
    values = tuple(_shown(kept.value.value, definition) for kept in over)
    name = label(shown.metric.name)
    series: tuple[Series, ...] = (Series(name, values),)
    if definition.target is not None:
        series += (Series("Target", (_shown(definition.target.value, definition),) * len(over)),)
    unit = "Percent" if definition.calculation in _PERCENT else over[-1].currency or "Number"
    places = tuple(period_name(kept.value.period, definition.frequency) for kept in over)
    state = "" if shown.state is MetricState.CURRENT else f" ({shown.state.value})"
    chart = Chart(
        f"{name}{state}", ChartKind.LINE, places, series, "Whole periods", unit, _moved(name, places, values, unit),
        told=True,
    )  # fmt: skip
    return chart if _tells(chart) else None


def _moved(name: str, places: Sequence[str], values: Sequence[Decimal | None], unit: str) -> str:
    known = [(value, place) for value, place in zip(values, places, strict=True) if value is not None]
    if not known:
        return f"{name} has no value."
    (low, low_at), (high, high_at) = min(known), max(known)
    words = "" if unit == "Number" else " %" if unit == "Percent" else f" {unit}"
    (first, first_at), (last, last_at) = known[0], known[-1]
    return (
        f"From {first:,f}{words} ({first_at}) to {last:,f}{words} ({last_at}); lowest {low:,f}{words} "
        f"({low_at}), highest {high:,f}{words} ({high_at}). A period that is not over is not drawn."
    )


def _shown(value: Decimal | None, definition: Definition) -> Decimal | None:
    if value is None:
        return None
    # Rounded as the same value is on the card that the chart stands on.
    digits = 0 if definition.calculation is Calculation.COUNT else definition.decimals
    scaled = _EVERY_DIGIT.multiply(value, Decimal(100)) if definition.calculation in _PERCENT else value
    rounded = scaled.quantize(Decimal(1).scaleb(-digits), ROUND_HALF_UP, _EVERY_DIGIT)
    return rounded or rounded.copy_abs()


def period_name(period: Period, frequency: Frequency) -> str:
    """Return a period in at most 20 characters."""
    last = times.month(period.end)
    if frequency is Frequency.MONTHLY:
        return last
    if frequency is Frequency.QUARTERLY:
        return f"{times.month(period.start)[:3]} to {last}"
    return f"year to {last}" if frequency is Frequency.ANNUAL else times.day(period.start)
