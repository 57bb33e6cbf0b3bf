"""What the lake's answers about a metric come to: its values, or why there are none."""

from collections.abc import Collection, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from zoneinfo import ZoneInfo

from jobs.metrics.compiling import Answered, Side
from jobs.metrics.currencies import not_converted
from jobs.metrics.touching import touched_periods
from jobs.metrics.values import MOST_PERIODS, Input, shown_periods, values
from storage.facts.metrics import Calculation, Metric, Value
from storage.facts.runs import Run

_WITHOUT_CURRENCY = frozenset({Calculation.COUNT, Calculation.RATIO, Calculation.GROWTH, Calculation.GROWTH_YEAR})


@dataclass(frozen=True, slots=True)
class Outcome:
    """What one metric came to: values, or why there are none."""

    metric: Metric
    as_of: datetime
    values: Sequence[Value] = ()
    currency: str = ""
    broken: str = ""
    #: nothing to calculate from is imported yet
    waits: bool = False
    #: what is in none of the values, or why it waits where there is more to say than that, in words
    note: str = ""
    #: all other periods are as they were
    partial: bool = False


def outcome_of(
    metric: Metric, answered: Sequence[tuple[Side, Answered]], run: Run, cursors: Mapping[str, str]
) -> Outcome:
    """Return what the answers to a metric's one or two sides come to."""
    as_of = as_of_all(answered, run, cursors)
    if any(found.empty for _, found in answered):
        return Outcome(metric, as_of, waits=True, note=next((one.unknown for _, one in answered if one.unknown), ""))
    inputs: list[Input] = []
    for side, found in answered:
        if found.input is None:
            return Outcome(metric, as_of, broken=side.selection.gone)
        if found.lost:
            return Outcome(metric, as_of, broken=side.selection.lost(found.lost))
        if found.input.refused:
            return Outcome(metric, as_of, broken=found.input.refused)
        # While a first read goes on with older periods, there is more before the first day.
        inputs.append(replace(found.input, whole=found.input.whole and not run.older))
    currencies = {one.currency for one in inputs if one.currency}
    wanted = metric.definition.currency
    if len(currencies) > 1 or (wanted and currencies and currencies != {wanted}):
        return Outcome(metric, as_of, broken=not_converted(currencies | ({wanted} if wanted else set())))
    second = inputs[1] if len(inputs) > 1 else None
    made = values(metric.definition, inputs[0], second, local_day(as_of, metric.definition.zone))
    left_out = _left_out([side for side, _ in answered], inputs)
    return Outcome(metric, as_of, made, _currency(metric, currencies), note=left_out)


def followed(
    metric: Metric,
    answered: Sequence[tuple[Side, Answered]],
    days: Collection[date],
    was: str | None,
    run: Run,
    cursors: Mapping[str, str],
) -> Outcome | None:
    """Return the values of the periods that changes of those days reach; None when all of them must be made.

    The answers hold what these periods need and no more. `was` is the currency of the values as they are kept.
    """
    as_of, zone = as_of_all(answered, run, cursors), metric.definition.zone
    inputs = [found.input for _, found in answered if found.input is not None and not found.input.refused]
    if metric.as_of is None or was is None or metric.definition.currency or len(inputs) < len(answered):
        return None
    then, today = local_day(metric.as_of, zone), local_day(as_of, zone)
    if today == then and not days:
        return Outcome(metric, as_of, (), was, note=metric.reason, partial=True)
    every = shown_periods(metric.definition, inputs, today)
    if today < then or (today > then and len(every) == MOST_PERIODS):
        # Time went back, or the oldest periods are not shown any more.
        return None
    only = touched_periods(metric.definition, every, days, then if today > then else None)
    now = _currency(metric, {one.currency for one in inputs if one.currency})
    # Where nothing but the day is another, what is not looked at is in the same currency as before.
    if only and now != was and (now or days):
        return None
    second = inputs[1] if len(inputs) > 1 else None
    made = values(metric.definition, inputs[0], second, today, only) if only else ()
    return Outcome(metric, as_of, made, was, note=metric.reason, partial=True)


def as_of_all(answered: Sequence[tuple[Side, Answered]], run: Run, cursors: Mapping[str, str]) -> datetime:
    """Return up to when everything is complete that a metric is calculated from."""
    at = run.clocks.source_as_of
    assert at is not None
    return min([at, *(_read_at(side, found, at, cursors) for side, found in answered)])


def local_day(at: datetime, zone: str) -> date:
    """Return which day it is there at that instant."""
    return at.astimezone(ZoneInfo(zone)).date()


def _currency(metric: Metric, found: Collection[str]) -> str:
    if metric.definition.calculation in _WITHOUT_CURRENCY:
        return ""
    return metric.definition.currency or next(iter(found), "")


def _left_out(sides: Sequence[Side], inputs: Sequence[Input]) -> str:
    """Return what is in no period, because nobody knows its day: a number that lacks it must not look whole."""
    found = {
        f"{side.table.called} ({one.undated})"
        for side, one in zip(sides, inputs, strict=True)
        if side.table and one.undated
    }
    return f"left out, because QuickBooks has no day for them: {', '.join(sorted(found))}" if found else ""


def _read_at(side: Side, found: Answered, as_of: datetime, cursors: Mapping[str, str]) -> datetime:
    """Return up to when the side's data is complete: what is read once a day is as old as that reading."""
    daily = side.table.daily if side.table else ""
    if not daily:
        return as_of
    known = [found.read_at] if found.read_at else []
    with suppress(ValueError):
        # The day of the last reading, which may have found nothing new: from its first instant on that is certain.
        known.append(datetime.combine(date.fromisoformat(cursors.get(daily, "")), datetime.min.time(), UTC))
    return min(as_of, max(known)) if known else datetime.min.replace(tzinfo=UTC)
