"""Making, changing and deleting a metric: the card before it, and what is said after it."""

from dataclasses import replace
from datetime import datetime

from storage.facts.messages import (
    Button,
    Buttons,
    ButtonStyle,
    Code,
    Confirm,
    Facts,
    Heading,
    Message,
    Note,
    Paragraph,
    Part,
    Strong,
    When,
)
from storage.facts.metrics import GONE, Metric, MetricState, Shown
from templates import actions
from templates.notices.answers import tell
from templates.notices.metric_words import definition_words
from templates.notices.metrics import values_table
from templates.notices.pieces import Words
from templates.text import label

#: how one is made
EXAMPLE = "new Net income = profit and loss: NetIncome, monthly, target at least 4000"


def metric_preview(shown: Shown, now: datetime, value: str) -> Message:
    """Return the card that shows the last values of a metric before it is made."""
    metric, definition = shown.metric, shown.metric.definition
    name = f"{label(definition.noun)} {label(metric.name)}"
    rows: tuple[tuple[str, Words], ...] = (
        ("Calculated from", (f"QuickBooks, {label(shown.company)}: {definition_words(definition)}",)),
        ("Data as of", (When(metric.as_of, now),) if metric.as_of else ("never",)),
    )
    values: tuple[Part, ...] = (values_table(definition, shown.values),) if shown.values else ()
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
