"""Whether a definition can be calculated at all, in words for whoever asks for it."""

from jobs.errors import RequestError
from jobs.metrics.datasets import Table, adds_up, tables
from jobs.slots import known_zone
from storage.facts.metrics import LONGEST_NAME, Basis, Calculation, Definition, Frequency, ItemKind, Selection

_FILTERS = {"class_id": "class", "department_id": "department", "customer_id": "customer"}
_MONTHS, _MOST_DECIMALS, _MOST_WINDOW = 12, 6, 60


class MetricRefusedError(RequestError):
    """A metric that cannot be made; the text says what to choose instead."""

    def __init__(self, words: str, field: str = "") -> None:
        super().__init__(words)
        #: the field of a form that it is about; empty for all of it
        self.field = field


def check(definition: Definition) -> None:
    """Refuse what cannot be calculated (MetricRefusedError)."""
    if (definition.calculation is Calculation.RATIO) != (definition.divisor is not None):
        raise MetricRefusedError("a ratio needs two items, and nothing else has a second one")
    for selection in (definition.selection, *((definition.divisor,) if definition.divisor else ())):
        _check_selection(selection, definition)
    if definition.calculation is Calculation.CUMULATIVE and definition.frequency is Frequency.WEEKLY:
        raise MetricRefusedError("weeks lie across fiscal years: choose days, months or quarters to add up")
    if definition.reversed and definition.calculation is Calculation.COUNT:
        raise MetricRefusedError("a number of records has no sign to turn around")
    if not 1 < definition.window <= _MOST_WINDOW:
        raise MetricRefusedError(f"rolling takes 2 to {_MOST_WINDOW} periods")
    if definition.target is not None and definition.target.band and not definition.target.value:
        raise MetricRefusedError("a band is in percent of the target, and of zero there is none: choose one of both")
    sound = (
        1 <= definition.fiscal_month <= _MONTHS
        and 0 <= definition.decimals <= _MOST_DECIMALS
        and known_zone(definition.zone)
    )
    if not sound:
        raise MetricRefusedError("the fiscal year, the decimals or the zone is none that can be")


def check_name(name: str) -> str:
    """Return a name without spaces around it (MetricRefusedError: empty, too long, or not plain text)."""
    plain = " ".join(name.split())
    if not plain or len(plain) > LONGEST_NAME or not plain.isprintable():
        raise MetricRefusedError(f"a name has 1 to {LONGEST_NAME} plain characters")
    return plain


def _check_selection(selection: Selection, definition: Definition) -> None:
    table = tables().get((selection.dataset, definition.basis))
    if table is None:
        raise MetricRefusedError("the cash basis is there for profit and loss and for the balance sheet only")
    if selection.kind is ItemKind.ALL and ItemKind.ALL not in table.kinds:
        raise MetricRefusedError(
            f"{table.label}: write a colon and the name of what is meant there, as QuickBooks shows it"
        )
    if selection.kind not in table.kinds:
        raise MetricRefusedError(f"{table.label}: that is nothing to choose there")
    if definition.calculation not in table.calculations:
        raise MetricRefusedError(f"{table.label}: that calculation is not there; choose another one or other data")
    if table.monthly and definition.frequency in {Frequency.DAILY, Frequency.WEEKLY}:
        raise MetricRefusedError(f"{table.label} is there by month: choose months, quarters or years")
    for name, word in _FILTERS.items():
        if getattr(selection, name):
            _check_narrowed(table, selection, definition, name, word)


def _check_narrowed(table: Table, selection: Selection, definition: Definition, name: str, word: str) -> None:
    """Refuse what QuickBooks says for all of it alone, in words that say where it can be chosen."""
    accrual = tables()[selection.dataset, Basis.ACCRUAL]
    if name in accrual.filters and name not in table.filters:
        raise MetricRefusedError(
            f"{table.label}: QuickBooks says what {word} an amount is of on the accrual basis only: choose that basis"
        )
    if name not in table.filters:
        there = sorted({other.label for other in tables().values() if name in other.filters})
        raise MetricRefusedError(
            f"{table.label}: QuickBooks does not say there what {word} an amount is of; "
            f"a {word} can be chosen for: {', '.join(there)}"
        )
    if name not in table.filters_for(definition.calculation):
        raise MetricRefusedError(
            f"{table.label}: where an account stood before the first posting that is imported is not known by {word}; "
            f"choose the sum of the period, or the sum since the fiscal year began, instead of the end balance"
        )
    if selection.kind is ItemKind.SECTION and not adds_up(selection.dataset, selection.item):
        raise MetricRefusedError(
            f"{table.label}: QuickBooks prints this line for the whole company only; with a {word}, choose an account, "
            "or a line such as Income, Expenses or NetIncome"
        )
