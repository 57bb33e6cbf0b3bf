"""The form of a metric: only what fits what was chosen so far, and the last values before anything is saved."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from decimal import Decimal

from storage.facts.messages import (
    Button,
    Buttons,
    Choice,
    Facts,
    Form,
    Inline,
    Note,
    Option,
    Paragraph,
    Part,
    Search,
    Strong,
    TextInput,
    When,
)
from storage.facts.metric_drafts import Draft, Filling, Pick, Side
from storage.facts.metrics import (
    Basis,
    Calculation,
    Definition,
    Direction,
    Frequency,
    ItemKind,
    Kept,
    Selection,
    Shown,
)
from templates import actions, times
from templates.notices import metric_words
from templates.notices.trends import period_name
from templates.text import counted, label, shorten

#: The two sides of a ratio, in the names of fields.
FIRST, SECOND = "", "by_"
_CALCULATIONS: Mapping[Calculation, str] = {
    Calculation.SUM: "Sum of the period",
    Calculation.END_BALANCE: "Balance at the end of the period",
    Calculation.AVERAGE: "Average of its records",
    Calculation.COUNT: "Number of records",
    Calculation.RATIO: "Ratio: divided by something else",
    Calculation.GROWTH: "Growth against the period before",
    Calculation.GROWTH_YEAR: "Growth against the year before",
    Calculation.CUMULATIVE: "Sum since the fiscal year began",
    Calculation.ROLLING: "Average of the last periods",
}
_OFTEN: Mapping[Frequency, str] = {
    Frequency.DAILY: "Each day",
    Frequency.WEEKLY: "Each week, from Monday",
    Frequency.MONTHLY: "Each month",
    Frequency.QUARTERLY: "Each quarter",
    Frequency.ANNUAL: "Each fiscal year",
}
_BASES = {Basis.ACCRUAL: "Accrual: when it is invoiced", Basis.CASH: "Cash: when it is paid"}
_DIRECTIONS = {Direction.AT_LEAST: "At least the target", Direction.AT_MOST: "At most the target"}
_FILTERS = {"class_id": "Only the class", "department_id": "Only the department", "customer_id": "Only the customer"}
#: of accounts: the report's own word is one
_SECTION = "line of the report"
_GROWTHS = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})
_LONGEST_TEXT = 75


def waiting(noun: str, callback: str = actions.METRIC_FORM) -> Form:
    """Return the form as it opens, at once; a moment later it is filled."""
    said = Paragraph(("One moment, your QuickBooks data is being looked at.",))
    return Form(callback, noun, "", (said,), close="Close")


def metric_form(filling: Filling, private: str) -> Form:
    """Return the form as it stands: with what fits, and with everything where few settings are asked for."""
    draft, noun = filling.draft, filling.desk.noun
    title = f"Change {noun.lower()}" if draft.metric_id else f"New {noun.lower()}"
    if filling.gone:
        inputs, parts = _instead(filling), list[Part](_gone(filling))
    else:
        inputs, parts = [*_usual(filling), *(_rare(filling) if filling.more else ())], []
    if len(filling.desk.companies) == 1 or draft.metric_id:
        company = filling.desk.companies.get(draft.source_id, "QuickBooks")
        parts.append(Note((f"Calculated from QuickBooks, {label(company)}, after each of its collections.",)))
    if not filling.more:
        parts.append(Buttons((Button("More settings", actions.METRIC_MORE),)))
    return Form(actions.METRIC_FORM, title, "Look at it first", tuple(parts), inputs, private)


def block_of(form: Form, field: str) -> str:
    """Return the name of the input of a field; of the first one where the form has none."""
    names = [one.name for one in form.inputs]
    return next((name for name in names if field_of(name).partition(".")[0] == field.partition(".")[0]), names[0])


def field_of(name: str) -> str:
    """Return the field behind the name of an input."""
    first, colon, rest = name.partition(":")
    return rest if colon else first


def options_of(picks: Sequence[Pick] | None) -> tuple[Option, ...]:
    """Return what a menu offers; while nothing is known yet it says so, and that cannot be chosen."""
    if picks is None:
        return (Option(":", "Still being looked up. Type one more letter in a moment."),)
    return tuple(
        Option(value_of(one), _tail(one.name), _SECTION if one.kind is ItemKind.SECTION else one.note) for one in picks
    )


def value_of(pick: Pick) -> str:
    """Return what a menu carries for something chosen."""
    return f"{pick.kind.value if pick.kind else ''}:{pick.key}" if pick.kind else pick.key


def preview_form(shown: Shown, draft: Draft, private: str, now: datetime) -> Form:
    """Return the last values, with the button that saves."""
    metric, definition = shown.metric, shown.metric.definition
    facts = Facts(
        (
            ("Name", (Strong(label(metric.name)),)),
            ("Calculated from", (f"QuickBooks, {label(shown.company)}: {metric_words.definition_words(definition)}",)),
            ("Data as of", (When(metric.as_of, now),) if metric.as_of else ("never",)),
        )
    )
    parts: list[Part] = [facts]
    if shown.reason:
        parts.append(Note((f"{label(shown.reason[:1].upper() + shown.reason[1:]).rstrip('.')}.",)))
    if shown.values:
        said = tuple(_value(one, definition) for one in shown.values)
        parts += [Paragraph((Strong(f"The last {counted(len(said), 'value', 'values')}"),)), Facts(said)]
    elif not shown.reason:
        parts.append(Note(("Nothing of it is imported yet; its values come with the next collection.",)))
    if draft.metric_id:
        parts.append(Note(("The values from before stay shown until it is calculated anew, within seconds.",)))
    parts.append(Note(("Nothing is saved yet. The audit will show that it was you.",)))
    submit = "Save" if draft.metric_id else "Make it"
    return Form(actions.METRIC_SAVE, "Its last values", submit, tuple(parts), (), private, close="Back")


def _value(kept: Kept, definition: Definition) -> tuple[str, tuple[Inline, ...]]:
    note = metric_words.changed_words(kept, definition)
    said = (metric_words.value_words(definition, kept), "" if note == "–" else f" ({note})")
    return period_name(kept.value.period, definition.frequency), said


def refused_form(reason: str, noun: str) -> Form:
    """Return that it cannot be calculated, and why; closing it leads back to the form."""
    said = Paragraph((Strong(f"This {noun.lower()} cannot be calculated: "), f"{label(reason)}."))
    note = Note(("Press Back and choose otherwise; nothing of what you filled in is lost.",))
    return Form(actions.METRIC_SAVE, "Not possible", "", (said, note), close="Back")


def _gone(filling: Filling) -> list[Part]:
    """Return what vanished, in a sentence."""
    words = f"{label(filling.gone)}, so {label(filling.draft.name)} stands at its last values. "
    return [Paragraph((words, "Choose what it is calculated from now; everything else stays as it is."))]


def _instead(filling: Filling) -> list[TextInput | Choice | Search]:
    """Return only the menu of what takes the place of what vanished."""
    definition, shape, source_id = filling.draft.definition, filling.fits, filling.draft.source_id
    sides = [(FIRST, definition.selection, shape.first)]
    if shape.second is not None and definition.divisor is not None:
        sides.append((SECOND, definition.divisor, shape.second))
    # All of it is one of the things that can be wanted, but nobody may come to it by leaving a field empty.
    found: list[Search] = []
    for prefix, selection, side in sides:
        asked = [*_item(prefix, selection, side, source_id), *_narrowing(prefix, selection, side, "")]
        found += [
            replace(one, hint="Type a part of its name.", optional=False)
            for one in asked
            if isinstance(one, Search) and field_of(one.name).partition(".")[0] in filling.lost
        ]
    return [replace(one, focus=number == 0) for number, one in enumerate(found)]


def _usual(filling: Filling) -> list[TextInput | Choice | Search]:
    draft, shape = filling.draft, filling.fits
    definition = draft.definition
    found: list[TextInput | Choice | Search] = []
    if len(filling.desk.companies) > 1 and not draft.metric_id:
        companies = [(key, shorten(label(name), _LONGEST_TEXT)) for key, name in filling.desk.companies.items()]
        found.append(_told("company", "QuickBooks company", companies, draft.source_id))
    found.append(_told("dataset", "What it is calculated from", _datasets(filling), definition.selection.dataset.value))
    found += _item(FIRST, definition.selection, shape.first, draft.source_id)
    key = f"calculation.{definition.selection.dataset.value}"
    calculations = [(one.value, _CALCULATIONS[one]) for one in shape.calculations]
    found.append(_told(key, "Calculation", calculations, definition.calculation.value))
    if shape.second is not None and definition.divisor is not None:
        found.append(_told("by_dataset", "Divided by", _datasets(filling), definition.divisor.dataset.value))
        found += _item(SECOND, definition.divisor, shape.second, draft.source_id)
    if shape.window:
        found.append(TextInput("window", "Periods in the average", "From 2 to 60.", str(definition.window)))
    often = [(one.value, _OFTEN[one]) for one in shape.frequencies]
    found.append(_told(f"frequency.{len(often)}", "How often", often, definition.frequency.value))
    if len(shape.bases) > 1:
        found.append(_told("basis", "Basis", [(one.value, _BASES[one]) for one in shape.bases], definition.basis.value))
    percent = " percent" if definition.calculation in _GROWTHS else ""
    found.append(TextInput("target", f"Target{percent}", "A number, such as 40000. Empty: no target.",
                           _target(draft), optional=True))  # fmt: skip
    directions = [(one.value, _DIRECTIONS[one]) for one in Direction]
    chosen = definition.target.direction if definition.target else Direction.AT_LEAST
    found.append(_one("direction", "It should be", directions, chosen.value))
    found.append(TextInput("name", "Name", "As people will look for it: Net income, Cash in the bank.", draft.name))
    return found


def _rare(filling: Filling) -> list[TextInput | Choice | Search]:
    draft, shape = filling.draft, filling.fits
    definition, desk = draft.definition, filling.desk
    found = _narrowing(FIRST, definition.selection, shape.first, "")
    if shape.second is not None and definition.divisor is not None:
        found += _narrowing(SECOND, definition.divisor, shape.second, " (of what divides)")
    turned = [("no", "As in QuickBooks"), ("yes", "Turned around: minus becomes plus")]
    if definition.calculation is not Calculation.COUNT:
        found.append(_one("reversed", "Sign", turned, "yes" if definition.reversed else "no"))
    if shape.fiscal:
        months = [(str(number), name) for number, name in enumerate(times.MONTHS, 1)]
        found.append(_one("fiscal_month", "The fiscal year begins in", months, str(definition.fiscal_month)))
    if definition.target is not None:
        found.append(TextInput("band", "Nearly met within", "Percent of the target, such as 5.",
                               f"{definition.target.band:f}"))  # fmt: skip
    if shape.currency:
        found.append(TextInput("currency", "Currency", "Three letters; empty: the company's own. Nothing is converted.",
                               definition.currency, optional=True))  # fmt: skip
    if shape.decimals:
        digits = [(str(number), str(number)) for number in range(7)]
        found.append(_one("decimals", "Digits after the point", digits, str(definition.decimals)))
    found.append(_search("zone", "Time zone in which its days begin", (Option(definition.zone, definition.zone),)))
    owner = desk.owners.get(draft.owner_id)
    found.append(_search("owner", "Who looks after it", (Option(draft.owner_id, label(owner)),) if owner else ()))
    place = desk.channels.get(draft.post_to)
    if desk.channels:
        found.append(_search("post_to", "Posted in", (Option(draft.post_to, label(place)),) if place else (),
                             hint="Only channels where Tidings may speak.", optional=True))  # fmt: skip
        now = desk.posts.get(draft.post_to)
        kept = (
            f"Empty: as it is, {now}." if now else "Empty: as it is for that channel, mondays at 09:00 for a new one."
        )
        found.append(TextInput("post_time", "Posted when (all of that channel)", f"Such as: fridays at 16:00. {kept}",
                               draft.post_time, optional=True))  # fmt: skip
    return found


def _item(prefix: str, selection: Selection, side: Side, source_id: str) -> list[TextInput | Choice | Search]:
    if not side.takes:
        return []
    # Another company, other data: a menu of its own, so that nothing chosen before stays in it.
    name = f"{prefix}item.{selection.dataset.value}.{source_id}"
    chosen: tuple[Option, ...] = ()
    if selection.kind is not ItemKind.ALL:
        text = _tail(selection.item_name or selection.item)
        chosen = (Option(f"{selection.kind.value}:{selection.item}", text),)
    hint = "Type a part of its name." if side.needed else "Type a part of its name. Empty: all."
    return [_search(name, side.called, chosen, hint=hint, optional=not side.needed)]


def _narrowing(prefix: str, selection: Selection, side: Side, of: str) -> list[TextInput | Choice | Search]:
    found: list[TextInput | Choice | Search] = []
    if side.below:
        below = [("yes", "With everything below it"), ("no", "It alone")]
        found.append(
            _one(f"{prefix}below", f"Sub-accounts and the like{of}", below, "yes" if selection.below else "no")
        )
    for name in side.filters:
        kind, key = name.removesuffix("_id"), getattr(selection, name)
        value = f"customer:{key}" if kind == "customer" else f"{key}"
        called = getattr(selection, f"{kind}_name")
        chosen = (Option(value, _tail(called or key)),) if key else ()
        found.append(_search(f"{prefix}{name}", f"{_FILTERS[name]}{of}", chosen, optional=True))
    return found


def _datasets(filling: Filling) -> list[tuple[str, str]]:
    return [(one.value, name) for one, name in filling.fits.datasets.items()]


def _target(draft: Draft) -> str:
    definition = draft.definition
    if definition.target is None:
        return ""
    value = definition.target.value * (100 if definition.calculation in _GROWTHS else 1)
    return f"{value.normalize() if value != value.to_integral() else value.quantize(Decimal(1)):f}"


def _one(name: str, said: str, options: Sequence[tuple[str, str]], chosen: str) -> Choice:
    return Choice(name, said, tuple(options), chosen, menu=True)


def _told(field: str, said: str, options: Sequence[tuple[str, str]], chosen: str) -> Choice:
    return Choice(f"{actions.METRIC_TURN}:{field}", said, tuple(options), chosen, menu=True, tells=True)


def _search(field: str, said: str, chosen: tuple[Option, ...], *, hint: str = "", optional: bool = False) -> Search:
    return Search(f"{actions.METRIC_SEARCH}:{field}", said, chosen, placeholder="Search", hint=hint, optional=optional)


def _tail(name: str) -> str:
    """Return a name that fits into a menu; of a long one its end, which tells accounts below one another apart."""
    plain = label(name)
    return plain if len(plain) <= _LONGEST_TEXT else f"…{plain[-(_LONGEST_TEXT - 1) :]}"
