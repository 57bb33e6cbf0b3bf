"""Metrics as they are posted once a week: the last whole period, what moved, and plainly what is not current."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from storage.facts.messages import Code, Heading, Inline, Message, Note, Paragraph, Part, Sign, Strong, Table, When
from storage.facts.metrics import NINE_ON_MONDAYS, Calculation, Kept, MetricState, PostTime, Shown
from templates.notices.metric_words import (
    marked_name,
    number_words,
    said_by,
    standing_words,
    target_verdict,
    value_words,
)
from templates.notices.metrics_restated import restated_week
from templates.notices.pieces import Words
from templates.notices.trends import metric_chart, period_name
from templates.rhythm import weekly, zone_name
from templates.text import label, listed

#: rows of the table; charts; reasons that are explained one by one; names that stand before one of them
MOST, _CHARTS, _MOST_ODD, _MOST_NAMED = 20, 2, 10, 5
_DAY = timedelta(days=1)
_POINTS = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})
_UNSET = "–"


@dataclass(frozen=True, slots=True)
class MetricsWeek:
    """What one channel is told once a week."""

    organization: str
    #: IANA name, in which it is that day and time
    zone: str
    #: each with its last values
    shown: tuple[Shown, ...]
    #: when it was due, where it comes late
    late_since: datetime | None = None
    #: since when values of closed periods that moved are told; the post before
    since: datetime | None = None
    when: PostTime = NINE_ON_MONDAYS


def metrics_week(week: MetricsWeek, now: datetime) -> Message:
    """Return the post."""
    name = label(week.organization)
    if not week.shown:
        summary = f"No numbers of {name} are posted here any more."
        return Message(summary, (Paragraph((summary,)),), kind="metrics_weekly")
    order = by_standing(week.shown)
    verdict, noun = verdict_of(order), _noun(order)
    parts: list[Part] = [
        Heading(f"{name}: {noun.lower()}s of the week"),
        Paragraph((Strong(f"{verdict[:1].upper()}{verdict[1:]}"),)),
        week_table(order),
        *as_of_notes(order, now),
        *odd_notes(order, now),
    ]
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
    said = Paragraph((Strong(f"{_noun(order)}s: "), verdict_of(order)))
    return [said, week_table(order), *as_of_notes(order, now), *odd_notes(order, now)]


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


def week_table(order: Sequence[Shown]) -> Table:
    """Return each metric's last whole period, against the one before and its target; marked where it is not current.

    The period that most of them are of stands above the table, up to when their data is complete below it.
    """
    shown = order[:MOST]
    usual = _usual_period(shown)
    caption = f"{usual}, each against the period before" if usual else "Each against the period before"
    rows = tuple(_row(one, usual) for one in shown)
    return Table(caption, (_noun(order), "Value", "Change", "Target"), rows, frozenset({1, 2}))


def _row(shown: Shown, usual: str) -> tuple[tuple[Inline, ...], ...]:
    last = last_whole(shown.values)
    # Values of an older definition are read as they were calculated.
    definition = shown.before or shown.metric.definition
    current = shown.state is MetricState.CURRENT
    period = _period(shown)
    notes = [
        period if period != usual else "",
        "so far" if last is not None and not last.value.complete else "",
        "" if current else standing_words(shown),
    ]
    beside = ", ".join(note for note in notes if note)
    value = f"{value_words(definition, last)} ({beside})" if beside else value_words(definition, last)
    judged = target_verdict(shown, last) if definition.target is not None and current else _UNSET
    return (marked_name(shown), (value,), (change_words(shown) if current else "not compared",), (judged,))


def _period(shown: Shown) -> str:
    last = last_whole(shown.values)
    frequency = (shown.before or shown.metric.definition).frequency
    return period_name(last.value.period, frequency) if last is not None else ""


def _usual_period(shown: Sequence[Shown]) -> str:
    """Return the period that most of them are of."""
    found = Counter(period for one in shown if (period := _period(one)))
    return found.most_common(1)[0][0] if found else ""


def as_of_notes(order: Sequence[Shown], now: datetime) -> list[Part]:
    """Return up to when the data of the current ones is complete, and which input decides it; what is alike, once."""
    alike: dict[tuple[datetime | None, str], list[str]] = defaultdict(list)
    for one in order[:MOST]:
        if one.state is MetricState.CURRENT:
            alike[one.metric.as_of, one.worst].append(one.metric.name)
    most_first = sorted(alike.items(), key=lambda each: -len(each[1]))
    notes: list[Part] = []
    for number, ((at, worst), names) in enumerate(most_first):
        whose = f"{listed(names, most=_MOST_NAMED)}: data as of " if number else "Data as of "
        when: Inline = When(at, now) if at else "never"
        notes.append(Note((whose, when, f"; {label(worst)}." if worst else ".")))
    left_out = [one for one in order[:MOST] if one.state is MetricState.CURRENT and one.reason]
    return [*notes, *(Note((f"{label(one.metric.name)}: {label(one.reason).rstrip('.')}.",)) for one in left_out)]


def odd_notes(order: Sequence[Shown], now: datetime) -> list[Part]:
    """Return why those that are not current are not, and as of when they were; what is alike in all of that, once."""
    alike: dict[tuple[MetricState, str, datetime | None, str], list[Shown]] = defaultdict(list)
    for one in order:
        if one.state is not MetricState.CURRENT:
            alike[one.state, one.reason, one.metric.as_of, one.worst].append(one)
    notes: list[Part] = [_odd_words(some, now) for some in list(alike.values())[:_MOST_ODD]]
    rest = [one.metric.name for some in list(alike.values())[_MOST_ODD:] for one in some]
    if rest:
        notes.append(Note((f"Not current either: {listed(rest, most=_MOST_NAMED)}. Why: ", Code("/data metrics"), ".")))
    return notes


def _odd_words(some: Sequence[Shown], now: datetime) -> Paragraph:
    first = some[0]
    at, why = first.metric.as_of, f": {label(first.reason).rstrip('.')}" if first.reason else ""
    names, one = Strong(listed([each.metric.name for each in some], most=_MOST_NAMED)), len(some) == 1
    words = f" {'is' if one else 'are'} {standing_words(first)}{why}. "
    oldest = f"; {label(first.worst)}." if first.worst else "."
    whose = f"{'Its' if one else 'Their'} data as of "
    when: Words = (whose, When(at, now), oldest) if at else ("Without any value yet.",)
    return Paragraph((Sign("white_circle", "Not current:"), " ", names, words, *when))


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
    rhythm = f"Posted {weekly(week.when)} ({zone_name(week.zone)}). One of them: "
    stop = ". Stop it (managers): "
    return (*late, rhythm, Code("/data metric <name>"), stop, Code("/data metric <name> post nowhere"), ".")
