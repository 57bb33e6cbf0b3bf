"""The board of metrics in App Home: each with value, period, target and as-of; what is not current is grey."""

from collections.abc import Set as AbstractSet
from datetime import datetime

from storage.facts.home import Board
from storage.facts.messages import Button, Buttons, Inline, Paragraph, Part, Rule, Sign, Strong
from storage.facts.metrics import MetricState, Shown
from storage.facts.people import Action
from templates import actions
from templates.notices.metric_words import as_of_words, is_over, period_words, state_words, target_words, value_words
from templates.text import label, shorten

_APART = " · "
#: of a reason, on a page of many
_LONGEST = 200


def board_parts(board: Board, noun: str, may: AbstractSet[Action], now: datetime) -> list[Part]:
    """Return the metrics that come first, and the way to all of them."""
    some = board.count > len(board.shown)
    told = f"{len(board.shown)} of " if some else ""
    told += f"{board.count:,}" + ("; what is not current first, then what has a target" if some else "")
    buttons = [Button(f"All {noun.lower()}s", actions.METRIC_LIST)]
    changes = Action.CHANGE_METRICS in may
    if changes:
        buttons.append(Button(f"New {noun.lower()}", actions.METRIC_FORM))
    rows = [_row(one, now, changes=changes) for one in board.shown]
    return [Rule(), Paragraph((Strong(f"{noun}s"), f"  {told}")), *rows, Buttons(tuple(buttons))]


def _row(shown: Shown, now: datetime, *, changes: bool) -> Paragraph:
    metric, definition = shown.metric, shown.before or shown.metric.definition
    latest = shown.values[0] if shown.values else None
    current = shown.state is MetricState.CURRENT
    name, value = label(metric.name), value_words(definition, latest)
    head: tuple[Inline, ...] = (Strong(name), f"  {value}")
    if not current:
        head = (Sign("white_circle", "not current:"), " ", *head)
    under: list[tuple[Inline, ...]] = []
    if not current:
        under.append((shorten(state_words(shown), _LONGEST),))
    told = []
    if latest is not None:
        # A reason belongs to an empty value; of a current metric it says what is left out.
        so_far = "" if latest.value.complete or is_over(latest, definition) else ", so far"
        told.append(f"{period_words(latest, definition.frequency)}{so_far}")
    if definition.target is not None:
        told.append(f"Target: {target_words(shown, latest)}")
    if current and shown.reason:
        told.append(shorten(label(shown.reason), _LONGEST))
    if told:
        under.append((_APART.join(told),))
    under.append(("Data as of: ", *as_of_words(shown, now)))
    menu = [Button("Show", actions.METRIC_SHOW, metric.name), Button("Why?", actions.METRIC_WHY, metric.id)]
    if changes and shown.state is not MetricState.FROZEN:
        menu.append(Button("Change …", actions.METRIC_CHANGE, metric.id))
    return Paragraph(head, tuple(menu), tuple(under))
