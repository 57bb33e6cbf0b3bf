"""Metrics as they are posted once a week: the last whole period, what moved, and plainly what is not current."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.messages import Code, Heading, Inline, Message, Note, Paragraph, Part, Sign, Strong, Table, When
from storage.facts.metrics import Calculation, Kept, MetricState, Shown
from templates.notices.metrics import (
    as_of_words,
    marked_name,
    number_words,
    said_by,
    standing_words,
    target_words,
    value_words,
)
from templates.notices.metrics_restated import restated_week
from templates.notices.pieces import Words
from templates.notices.trends import metric_chart, period_name
from templates.rhythm import zone_name
from templates.text import label

#: rows of the table; charts; metrics that are explained one by one
MOST, _CHARTS, _MOST_ODD = 20, 2, 10
_DAY = timedelta(days=1)
_POINTS = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})
_UNSET = "–"


@dataclass(frozen=True, slots=True)
class MetricsWeek:
    """What one channel is told once a week."""

    organization: str
    #: IANA name, in which it is Monday
    zone: str
    #: each with its last values
    shown: tuple[Shown, ...]
    #: when it was due, where it comes late
    late_since: datetime | None = None
    #: since when values of closed periods that moved are told; the post before
    since: datetime | None = None


def metrics_week(week: MetricsWeek, now: datetime) -> Message:
    """Return the post."""
    name = label(week.organization)
    if not week.shown:
        summary = f"No metric of {name} is posted here any more."
        return Message(summary, (Paragraph((summary,)),), kind="metrics_weekly")
    order = by_standing(week.shown)
    odd = [one for one in order if one.state is not MetricState.CURRENT]
    verdict, noun = verdict_of(order), _noun(order)
    parts: list[Part] = [
        Heading(f"{name}: {noun.lower()}s of the week"),
        Paragraph((Strong(verdict),)),
        week_table(order, now),
    ]
    parts += [odd_words(one, now) for one in odd[:_MOST_ODD]]
    parts += restated_week([(one, said_by(one)) for one in order], week.since) if week.since else []
    charts = [metric_chart(one) for one in order] if len(order) <= _CHARTS else []
    parts += [chart for chart in charts if chart is not None]
    if len(order) > MOST:
        parts.append(Note((f"{len(order) - MOST} more: ", Code("/data metrics"), ".")))
    parts.append(Note(_small_print(week, now)))
    return Message(f"{name}, {noun.lower()}s of the week: {verdict}", tuple(parts), kind="metrics_weekly")


def metrics_in(shown: Sequence[Shown], now: datetime) -> list[Part]:
    """Return metrics as a part of another message."""
    order = by_standing(shown)
    odd = [one for one in order if one.state is not MetricState.CURRENT]
    said = Paragraph((Strong(f"{_noun(order)}s: "), verdict_of(order)))
    return [said, week_table(order, now), *(odd_words(one, now) for one in odd[:_MOST_ODD])]


def by_standing(shown: Sequence[Shown]) -> list[Shown]:
    """Return what is current first, by name."""
    return sorted(shown, key=lambda one: one.state is not MetricState.CURRENT)


def _noun(shown: Sequence[Shown]) -> str:
    """Return what the organization calls its metrics."""
    return shown[0].metric.definition.noun if shown else "Metric"


def verdict_of(shown: Sequence[Shown]) -> str:
    """Return how many are current, in a sentence."""
    odd, one = sum(one.state is not MetricState.CURRENT for one in shown), _noun(shown).lower()
    if not odd:
        return f"the {one} is current." if len(shown) == 1 else f"all {len(shown)} are current."
    if odd == len(shown):
        return f"the {one} is not current." if odd == 1 else f"none of {odd} is current."
    return f"{len(shown) - odd} current, {odd} not current."


def week_table(order: Sequence[Shown], now: datetime) -> Table:
    """Return each metric's last whole period, marked where it is not current, with its as-of and oldest input."""
    rows = tuple(_row(one, now) for one in order[:MOST])
    columns = (_noun(order), "Last whole period", "Value", "Data as of", "Change", "Target")
    return Table("Each against the period before", columns, rows, frozenset({2, 4}))


def _row(shown: Shown, now: datetime) -> tuple[tuple[Inline, ...], ...]:
    last = last_whole(shown.values)
    # Values of an older definition are read as they were calculated.
    definition = shown.before or shown.metric.definition
    current = shown.state is MetricState.CURRENT
    value: list[Inline] = [value_words(definition, last)]
    if not current:
        value.append(f" ({standing_words(shown)})")
    whole = last is not None and last.value.complete
    target = target_words(shown, last) if definition.target is not None and current and whole else _UNSET
    period = period_name(last.value.period, definition.frequency) if last else _UNSET
    return (
        marked_name(shown),
        (period if whole or last is None else f"{period} (so far)",),
        tuple(value),
        as_of_words(shown, now),
        (change_words(shown),) if current else ("not compared",),
        (target,),
    )


def odd_words(shown: Shown, now: datetime) -> Paragraph:
    """Return why a metric is not current, and as of when it was."""
    at, why = shown.metric.as_of, label(shown.reason).rstrip(".") if shown.reason else ""
    when: Words = (", its data as of ", When(at, now)) if at else (", without any value yet",)
    name = Strong(label(shown.metric.name))
    words = f" is {standing_words(shown)}"
    return Paragraph((Sign("white_circle", "Not current:"), " ", name, words, *when, f": {why}." if why else "."))


def last_whole(values: Sequence[Kept]) -> Kept | None:
    """Return the newest value of a period that is over and imported whole, else the newest."""
    return next((one for one in values if one.value.complete), values[0] if values else None)


def change_words(shown: Shown) -> str:
    """Return by how much the last whole period differs from the one before; a dash where that cannot be told."""
    last = last_whole(shown.values)
    if last is None or last.value.value is None or not last.value.complete:
        return _UNSET
    start = last.value.period.start
    before = next((one for one in shown.values if one.value.period.end + _DAY == start), None)
    if before is None or before.value.value is None or not before.value.complete or before.currency != last.currency:
        return _UNSET
    definition, was = shown.before or shown.metric.definition, before.value.value
    moved = last.value.value - was
    words = f"{'+' if moved > 0 else ''}{number_words(moved, definition, last.currency)}"
    if definition.calculation in _POINTS:
        return words.replace(" %", " percentage points")
    share = f" ({moved / abs(was) * 100:+,.1f} %)" if was and moved else ""
    return f"{words}{share}" if moved else "unchanged"


def _small_print(week: MetricsWeek, now: datetime) -> tuple[Inline, ...]:
    late: tuple[Inline, ...] = ()
    if week.late_since is not None:
        late = ("It was due and waited since ", When(week.late_since), ", and is as of ", When(now), " now. ")
    rhythm = f"Posted every Monday at 09:00 ({zone_name(week.zone)}). One of them: "
    stop = ". Stop it (managers): "
    return (*late, rhythm, Code("/data metric <name>"), stop, Code("/data metric <name> post nowhere"), ".")
