"""What fits a definition: only that is asked for in a form, and what does not fit any more is taken out of it."""

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from jobs.metrics.datasets import Table, tables
from storage.facts.metric_drafts import Fits, Side
from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Frequency, ItemKind, Selection

_WHOLE = frozenset({Frequency.DAILY, Frequency.WEEKLY})
_OF_YEARS = frozenset({Frequency.QUARTERLY, Frequency.ANNUAL})
_RATIOS = frozenset({Calculation.COUNT, Calculation.RATIO, Calculation.GROWTH, Calculation.GROWTH_YEAR})
_WITH_MORE = frozenset({ItemKind.ACCOUNT, ItemKind.ITEM, ItemKind.CUSTOMER})
_FILTERS = ("class_id", "department_id", "customer_id")
_CALLED: Mapping[Dataset, str] = {
    Dataset.PROFIT_AND_LOSS: "Account or line of the report",
    Dataset.BALANCE_SHEET: "Account or line of the report",
    Dataset.ACCOUNTS: "Account",
    Dataset.CATEGORIES: "Type of accounts",
    Dataset.REVENUE: "Income account",
    Dataset.EXPENSES: "Expense account",
    Dataset.ITEMS: "Product or service",
    Dataset.CUSTOMERS: "Customer",
}
#: A form begins with this.
BEGINS = Definition(Selection(Dataset.PROFIT_AND_LOSS))


def fits(definition: Definition) -> Fits:
    """Return what fits a definition that `fitted` has been over."""
    both = _both(definition)
    monthly = any(table.monthly for table in both)
    first = both[0]
    calculation = definition.calculation
    # In the order of the enum: what most people want comes first.
    offered = tuple(one for one in Calculation if one in first.calculations)
    return Fits(
        datasets={dataset: table.label for (dataset, basis), table in tables().items() if basis is Basis.ACCRUAL},
        calculations=offered,
        bases=tuple(basis for basis in Basis if _there(definition, basis)),
        frequencies=tuple(one for one in Frequency if not (monthly and one in _WHOLE) and _adds_up(calculation, one)),
        first=_side(definition.selection, both[0], calculation),
        second=_side(definition.divisor, both[1], calculation) if definition.divisor else None,
        fiscal=definition.frequency in _OF_YEARS or calculation is Calculation.CUMULATIVE,
        window=calculation is Calculation.ROLLING,
        currency=calculation not in _RATIOS,
        decimals=calculation is not Calculation.COUNT,
    )


def fitted(definition: Definition) -> Definition:
    """Return the definition without what cannot go together, as little changed as possible."""
    if definition.basis is not Basis.ACCRUAL and not _there(definition, definition.basis):
        definition = replace(definition, basis=Basis.ACCRUAL)
    first = tables()[definition.selection.dataset, definition.basis]
    calculation = definition.calculation
    if calculation not in first.calculations:
        calculation = next(one for one in (Calculation.SUM, Calculation.END_BALANCE) if one in first.calculations)
    divisor = definition.divisor
    if calculation is Calculation.RATIO:
        divisor = divisor or Selection(definition.selection.dataset)
        if Calculation.RATIO not in tables()[divisor.dataset, definition.basis].calculations:
            divisor = Selection(definition.selection.dataset)
    else:
        divisor = None
    definition = replace(definition, calculation=calculation, divisor=divisor)
    definition = replace(
        definition,
        selection=_narrowed(definition.selection, definition.basis, calculation),
        divisor=_narrowed(divisor, definition.basis, calculation) if divisor else None,
    )
    if definition.reversed and calculation is Calculation.COUNT:
        # A number of records has no sign.
        definition = replace(definition, reversed=False)
    if definition.frequency not in fits(definition).frequencies:
        definition = replace(definition, frequency=Frequency.MONTHLY)
    return definition


def _narrowed(selection: Selection, basis: Basis, calculation: Calculation) -> Selection:
    """Return the selection without what its dataset does not know."""
    table = tables()[selection.dataset, basis]
    alien = [name for name in _FILTERS if name not in table.filters_for(calculation)]
    gone: dict[str, Any] = {part: "" for name in alien for part in (name, name.replace("_id", "_name"))}
    if selection.kind not in table.kinds:
        return replace(selection, kind=ItemKind.ALL, item="", item_name="", below=True, **gone)
    return replace(selection, **gone)


def _both(definition: Definition) -> list[Table]:
    chosen = (definition.selection, *((definition.divisor,) if definition.divisor else ()))
    return [tables()[one.dataset, definition.basis] for one in chosen]


def _there(definition: Definition, basis: Basis) -> bool:
    chosen = (definition.selection, *((definition.divisor,) if definition.divisor else ()))
    return all((one.dataset, basis) in tables() for one in chosen)


def _adds_up(calculation: Calculation, frequency: Frequency) -> bool:
    return not (calculation is Calculation.CUMULATIVE and frequency is Frequency.WEEKLY)


def _side(selection: Selection, table: Table, calculation: Calculation) -> Side:
    return Side(
        _CALLED[selection.dataset],
        needed=ItemKind.ALL not in table.kinds,
        takes=bool(table.kinds - {ItemKind.ALL}),
        below=bool(table.kinds & _WITH_MORE),
        filters=tuple(name for name in _FILTERS if name in table.filters_for(calculation)),
    )
