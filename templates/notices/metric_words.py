"""Words of metrics: a value with its currency, a period, where it stands, its target, how it is calculated."""

from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from storage.facts.messages import Inline, Sign, When
from storage.facts.metrics import (
    Calculation,
    Definition,
    Direction,
    Frequency,
    ItemKind,
    Kept,
    MetricState,
    Period,
    Selection,
    Shown,
    Target,
)
from storage.facts.restated import currency_before
from templates import times
from templates.text import label

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
#: how it is called before what is chosen, and what follows behind it
_CALCULATED = {
    Calculation.SUM: ("sum", ""),
    Calculation.END_BALANCE: ("end balance", ""),
    Calculation.AVERAGE: ("average", ""),
    Calculation.COUNT: ("count", ""),
    Calculation.RATIO: ("ratio", ""),
    Calculation.GROWTH: ("growth", ", against the period before"),
    Calculation.GROWTH_YEAR: ("growth", ", against the year before"),
    Calculation.CUMULATIVE: ("sum", ", since the fiscal year began"),
    Calculation.ROLLING: ("average", ", over the last {periods} periods"),
}
#: what may have others below it, which count with it unless it was chosen without them
_WITH_MORE = frozenset({ItemKind.ACCOUNT, ItemKind.ITEM, ItemKind.CUSTOMER})
_PERCENT = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})
#: one absurd amount must not hide all the others
_EVERY_DIGIT = Context(prec=100)


def marked_name(shown: Shown) -> tuple[Inline, ...]:
    """Return a metric's name, with a grey circle before it where it is not current."""
    name = label(shown.metric.name)
    return (name,) if shown.state is MetricState.CURRENT else (Sign("white_circle", "not current:"), " ", name)


def as_of_words(shown: Shown, now: datetime) -> tuple[Inline, ...]:
    """Return up to when the data is complete, and which input decides that."""
    at = shown.metric.as_of
    when: tuple[Inline, ...] = (When(at, now),) if at else ("never",)
    return (*when, f"; {label(shown.worst)}") if shown.worst else when


def changed_words(kept: Kept, definition: Definition) -> str:
    """Return what is worth knowing of one value: it is empty, not over, not whole, or was another."""
    notes = [label(kept.value.reason)] if kept.value.reason else []
    if kept.changed.get("why") == "data" and kept.changed.get("complete_before"):
        before = kept.changed.get("before")
        notes.append(
            f"restated, was {number_words(Decimal(before), definition, currency_before(kept)) if before else 'empty'}"
        )
    if not kept.value.complete:
        notes.append("not imported whole" if is_over(kept, definition) else "so far")
    return "; ".join(notes) or "–"


def is_over(kept: Kept, definition: Definition) -> bool:
    """Whether the value's period was over up to when its data is complete, by the days of the definition's zone."""
    return kept.value.period.end < kept.as_of.astimezone(times.zone_of(definition.zone)).date()


def standing_words(shown: Shown) -> str:
    """Return where a metric stands, in a word or two."""
    return _STATES[shown.state]


def state_words(shown: Shown) -> str:
    """Return where a metric stands, and why where it is not current."""
    words = _STATES[shown.state]
    return f"{words}: {label(shown.reason).rstrip('.')}" if shown.reason else words


def target_words(shown: Shown, latest: Kept | None) -> str:
    """Return the target, and whether that value meets it; nothing that is not current is judged."""
    target = shown.metric.definition.target
    assert target is not None
    words = _target_named(shown, latest)
    words += f", with a band of {target.band.normalize():f} %" if target.band else ""
    value = latest.value.value if latest else None
    # Nothing that is not current, and nothing that lacks records, is called met.
    if latest is None or value is None:
        return f"{words}; not judged, because there is no value"
    if shown.state is not MetricState.CURRENT:
        return f"{words}; not judged, because it is not current"
    if shown.reason:
        return f"{words}; not judged, because something is left out"
    return f"{words}; {_judged(target, value, over=is_over(latest, shown.metric.definition))}"


def target_verdict(shown: Shown, last: Kept | None) -> str:
    """Return in few words whether a value of a whole period meets the target, and which; a dash where there is none."""
    target, value = shown.metric.definition.target, last.value.value if last else None
    if target is None or last is None or value is None or not last.value.complete:
        return "–"
    if shown.reason:
        return "not judged, something is left out"
    judged = _judged(target, value, over=True)
    return f"{'nearly met' if 'band' in judged else judged} ({_target_named(shown, last)})"


def _target_named(shown: Shown, latest: Kept | None) -> str:
    definition, target = shown.metric.definition, shown.metric.definition.target
    assert target is not None
    side = "at least" if target.direction is Direction.AT_LEAST else "at most"
    return f"{side} {number_words(target.value, definition, latest.currency if latest else definition.currency)}"


def _judged(target: Target, value: Decimal, *, over: bool) -> str:
    """Return how a value stands to its target; what is not over can still change, and misses nothing yet."""
    off = target.value - value if target.direction is Direction.AT_LEAST else value - target.value
    # Of the size of the target: a band of 10 % around -100 is 10 wide, and around zero there is none.
    if off <= 0:
        return "met" if over else "met so far"
    if off <= abs(target.value) * target.band / 100:
        return "missed, but within the band" if over else "within the band so far"
    return "missed" if over else "not met so far; the period is not over"


def value_words(definition: Definition, kept: Kept | None) -> str:
    """Return a value as people read it: ``1,204.50 USD``, ``12.4 %``; a dash for none."""
    if kept is None or kept.value.value is None:
        return "–"
    return number_words(kept.value.value, definition, kept.currency)


def said_by(shown: Shown) -> Callable[[Decimal, str], str]:
    """Return what writes amounts as the metric's values were calculated."""
    definition = shown.before or shown.metric.definition
    return lambda value, currency: number_words(value, definition, currency)


def number_words(value: Decimal, definition: Definition, currency: str) -> str:
    """Return an amount as a metric shows it: ``1,204.50 USD``, ``12.4 %``."""
    percent = definition.calculation in _PERCENT
    plain = definition.calculation is Calculation.COUNT
    shown = (_EVERY_DIGIT.multiply(value, Decimal(100)) if percent else value).quantize(
        Decimal(1) if plain else Decimal(1).scaleb(-definition.decimals), ROUND_HALF_UP, _EVERY_DIGIT
    )
    # What is rounded to nothing has no sign.
    shown = shown or shown.copy_abs()
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
    what = _chosen(chosen)
    sort, against = _CALCULATED[definition.calculation]
    words = f"{sort} of {what} ({chosen.dataset.value.replace('_', ' ')}){_narrowed(chosen)}"
    if definition.divisor is not None:
        other = definition.divisor
        words += f" divided by {_chosen(other)} ({other.dataset.value.replace('_', ' ')}){_narrowed(other)}"
    turned = ", sign turned" if definition.reversed else ""
    words += against.format(periods=definition.window)
    year = "" if definition.fiscal_month == 1 else f", fiscal year from {times.MONTHS[definition.fiscal_month - 1]}"
    return f"{words}, {_OFTEN[definition.frequency]}{year}, {definition.basis.value} basis{turned}"


def _chosen(chosen: Selection) -> str:
    """Return what is chosen; its name is not known any more where the data of its source was erased."""
    alone = "" if chosen.below or chosen.kind not in _WITH_MORE else " without those below it"
    if chosen.item_name or not chosen.item:
        return f"{label(chosen.item_name, empty='all')}{alone}"
    return f"{chosen.kind.value} {label(chosen.item)}{alone}"


def _narrowed(chosen: Selection) -> str:
    """Return what a selection is narrowed to, in words."""
    names = (
        ("class", chosen.class_id, chosen.class_name),
        ("department", chosen.department_id, chosen.department_name),
        ("customer", chosen.customer_id, chosen.customer_name),
    )
    return "".join(f", {what} {label(name or key)}" for what, key, name in names if key)
