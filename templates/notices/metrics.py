"""Metrics: all of them, one with its values, and the card before one is made. Only a current one looks well."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import ROUND_HALF_UP, Context, Decimal

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
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
from storage.facts.metrics import (
    GONE,
    Calculation,
    Definition,
    Direction,
    Failing,
    Frequency,
    Kept,
    Metric,
    MetricState,
    Period,
    Selection,
    Shown,
    Target,
)
from storage.facts.restated import currency_before
from templates import actions, times
from templates.notices.answers import tell
from templates.notices.metrics_restated import restated_part
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
        parts.append(_values(of, shown.values))
        parts += restated_part(shown, said_by(shown))
    why = (Button("Why?", actions.METRIC_WHY, metric.id),) if shown.state is not MetricState.CURRENT else ()
    as_page = Button("See this as a page", actions.PAGE_LINK, metric.id)
    files = (as_page, Button("Download", actions.METRIC_FILE, metric.id)) if shown.values else ()
    parts += [Buttons((*why, *files))] if why or files else []
    state = "" if shown.state is MetricState.CURRENT else f" ({_STATES[shown.state]})"
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


def marked_name(shown: Shown) -> tuple[Inline, ...]:
    """Return a metric's name, with a grey circle before it where it is not current."""
    name = label(shown.metric.name)
    return (name,) if shown.state is MetricState.CURRENT else (Sign("white_circle", "not current:"), " ", name)


def as_of_words(shown: Shown, now: datetime) -> tuple[Inline, ...]:
    """Return up to when the data is complete, and which input decides that."""
    at = shown.metric.as_of
    when: tuple[Inline, ...] = (When(at, now),) if at else ("never",)
    return (*when, f"; {label(shown.worst)}") if shown.worst else when


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


def _values(definition: Definition, values: Sequence[Kept]) -> Table:
    rows = tuple(
        (
            (period_words(one, definition.frequency),),
            (value_words(definition, one),),
            (changed_words(one, definition),),
        )
        for one in values
    )
    return Table(
        f"The last {counted(len(values), 'value', 'values')}", ("Period", "Value", "Note"), rows, frozenset({1})
    )


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
    what = _chosen(chosen)
    words = f"{definition.calculation.value.replace('_', ' ')} of {what} ({chosen.dataset.value.replace('_', ' ')})"
    words += _narrowed(chosen)
    if definition.divisor is not None:
        other = definition.divisor
        words += f" divided by {_chosen(other)} ({other.dataset.value.replace('_', ' ')}){_narrowed(other)}"
    turned = ", sign turned" if definition.reversed else ""
    return f"{words}, {_OFTEN[definition.frequency]}, {definition.basis.value} basis{turned}"


def _chosen(chosen: Selection) -> str:
    """Return what is chosen; its name is not known any more where the data of its source was erased."""
    if chosen.item_name or not chosen.item:
        return label(chosen.item_name, empty="all")
    return f"{chosen.kind.value} {label(chosen.item)}"


def _narrowed(chosen: Selection) -> str:
    """Return what a selection is narrowed to, in words."""
    names = (
        ("class", chosen.class_id, chosen.class_name),
        ("department", chosen.department_id, chosen.department_name),
        ("customer", chosen.customer_id, chosen.customer_name),
    )
    return "".join(f", {what} {label(name or key)}" for what, key, name in names if key)


def metric_preview(shown: Shown, now: datetime, value: str) -> Message:
    """Return the card that shows the last values of a metric before it is made."""
    metric, definition = shown.metric, shown.metric.definition
    name = f"{label(definition.noun)} {label(metric.name)}"
    rows: tuple[tuple[str, Words], ...] = (
        ("Calculated from", (f"QuickBooks, {label(shown.company)}: {definition_words(definition)}",)),
        ("Data as of", (When(metric.as_of, now),) if metric.as_of else ("never",)),
    )
    values: tuple[Part, ...] = (_values(definition, shown.values),) if shown.values else ()
    if not shown.values and not shown.reason:
        values = (Note(("Nothing of it is imported yet; its values come with the next collection.",)),)
    if shown.reason:
        values = (*values, Note((f"{label(shown.reason[:1].upper() + shown.reason[1:])}.",)))
    buttons = (Button("Make it", actions.METRIC_MAKE, value, ButtonStyle.PRIMARY),
               Button("Leave it", actions.REFRESH_DISMISS))  # fmt: skip
    parts: tuple[Part, ...] = (
        Heading(f"{name}?"), Facts(rows), *values, Buttons(buttons), Note(("The audit will show that it was you.",)),
    )  # fmt: skip
    return Message(f"{name}: nothing is made yet.", parts, kind="metric_preview")


def look_at(name: str) -> Note:
    """Return how one looks at a metric."""
    return Note(("Look at it with ", Code(f"/data metric {label(name)}"), "."))


def metric_made(name: str) -> Message:
    """Return that a metric was made."""
    return tell(
        f"{label(name)} is made, and calculated within seconds.",
        ("Look at it with ", Code(f"/data metric {label(name)}")),
    )


def metric_saved(name: str, *, changed: bool) -> Message:
    """Return that a form was saved."""
    summary = f"{label(name)} is {'changed' if changed else 'made'}, and calculated within seconds."
    return Message(summary, (Paragraph((Strong(summary),)), look_at(name)), kind="metric_saved")


def metric_not_saved(reason: str) -> Message:
    """Return why what a form asks for cannot be saved any more."""
    return tell(f"Nothing was saved: {label(reason).rstrip('.')}.", ("Go back, and choose otherwise.",))


def metric_deleted(name: str) -> Message:
    """Return that a metric is gone."""
    return tell(f"{label(name)} is deleted, with all its values.", ("The audit keeps how it was calculated.",))


def offers_new(told: Message, noun: str) -> Message:
    """Return the list with the button that makes another one, for whoever may."""
    button = Button(f"New {noun.lower()}", actions.METRIC_FORM)
    return replace(told, parts=(*told.parts, Buttons((button,))))


def offers_change(told: Message, shown: Shown, value: str) -> Message:
    """Return a metric with what may be done to it; one of which the item vanished first offers another item."""
    metric = shown.metric
    broken = shown.state is MetricState.BROKEN
    gone = broken and shown.reason.endswith(GONE)
    change = Button(another_words(shown) if gone else "Change …", actions.METRIC_CHANGE, metric.id,
                    ButtonStyle.PRIMARY if broken else ButtonStyle.PLAIN)  # fmt: skip
    return replace(told, parts=(*told.parts, Buttons((change, delete_button(metric, value)))))


def another_words(shown: Shown) -> str:
    """Return what is written on the button that chooses something else for what vanished."""
    definition = shown.metric.definition
    both = (definition.selection, *((definition.divisor,) if definition.divisor else ()))
    for name in ("class_id", "department_id", "customer_id"):
        if any(getattr(one, name) and one.lost(name) == shown.reason for one in both):
            return f"Choose another {name.removesuffix('_id')}"
    return "Choose another account"


def called_so(told: Message, rest: str) -> Message:
    """Return a metric whose name begins as a command does, with the way to the other one that may have been meant."""
    other = Note(("This one is called so. To change or delete ", Strong(label(rest)), " itself: ",
                  Code(f"/data metric {label(rest)}")))  # fmt: skip
    return replace(told, parts=(*told.parts, other))


def metric_delete(shown: Shown, value: str) -> Message:
    """Return the card that asks whether a metric is to be deleted."""
    metric = shown.metric
    name = f"{label(metric.definition.noun)} {label(metric.name)}"
    buttons = (delete_button(metric, value), Button("Leave it", actions.REFRESH_DISMISS))
    parts = (
        Heading(f"Delete {name}?"),
        Paragraph(("Its values go with it, and everything that was ever restated. QuickBooks is not touched.",)),
        Buttons(buttons),
        Note(("Nothing has changed yet. The audit will show that it was you.",)),
    )
    return Message(f"Delete {name}? Nothing has changed yet.", parts, kind="metric_delete")


def delete_button(metric: Metric, value: str) -> Button:
    """Return the button that deletes a metric, after a confirm."""
    sure = Confirm(
        f"Delete {label(metric.name)}?", "Its values go with it. This cannot be undone.", "Delete it", "Leave it"
    )
    return Button("Delete …", actions.METRIC_DELETE, value, ButtonStyle.DANGER, sure)


def metric_by_hand(noun: str) -> Message:
    """Return that no value is typed in."""
    one = noun.lower()
    return tell(
        f"The value of a {one} cannot be set by hand."
        if one != "objective"
        else "The value of an objective cannot be set by hand.",
        (
            "It is calculated from QuickBooks after each collection. Correct the record there, or set a target with ",
            Code("/data metric change <name>"),
            ".",
        ),
    )


def noun_shown(noun: str, *, changed: bool = False) -> Message:
    """Return what the organization calls its metrics."""
    if changed:
        return tell(f"They are called {noun}s from now on.", ("Commands stay as they are: ", Code("/data metrics")))
    return tell(f"They are called {noun}s here.", ("An admin chooses: ", Code("/data metric noun goal")))


def noun_refused(reason: str) -> Message:
    """Return which words there are."""
    return tell(f"Nothing was changed: {label(reason)}.", ("For example: ", Code("/data metric noun goal")))


def metric_refused(reason: str, noun: str = "Metric") -> Message:
    """Return why a metric cannot be made, and what to write."""
    return tell(
        f"That {noun.lower()} cannot be made: {label(reason)}.", ("For example: ", Code(f"/data metric {EXAMPLE}"))
    )


def metric_needs_quickbooks(noun: str = "Metric", *, connects: bool) -> Message:
    """Return that QuickBooks must be connected first, with the way to do it for whoever may."""
    summary = f"{noun}s are calculated from QuickBooks, and no company is connected."
    if not connects:
        return tell(summary, ("An admin connects one with ", Code("/data connect quickbooks")))
    parts: tuple[Part, ...] = (
        Paragraph((Strong(summary),)), Buttons((Button("Connect QuickBooks", actions.CONNECT_ASK),)),
    )  # fmt: skip
    return Message(summary, parts, kind="metric_needs_quickbooks")
