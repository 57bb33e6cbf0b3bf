"""What words mean of that which was imported: an account, product or the like, what it is narrowed to, a company."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TypeVar

from jobs.metrics.checking import MetricRefusedError
from storage.facts.metrics import Dataset, ItemKind, Selection
from storage.facts.sources import Source

T = TypeVar("T")
#: characters of a name as it was called when it was chosen; a form that carries it has few
LONGEST_KEPT_NAME = 200


def chosen_of(dataset: Dataset, name: str, found: Sequence[tuple[ItemKind, str, str]]) -> Selection:
    """Return the one item that is called so (MetricRefusedError: none is, or several are)."""
    if not name:
        return Selection(dataset)
    best = _best(name, found, lambda one: one[2])
    if len(best) == 1:
        kind, key, called = best[0]
        return Selection(dataset, kind, key, called[:LONGEST_KEPT_NAME])
    what = "several things there are" if found else "nothing there is"
    raise MetricRefusedError(f"{what} called “{name}” in QuickBooks: write the whole name, as QuickBooks shows it")


def narrowing_to(wanted: tuple[str, str], rows: Sequence[Sequence[str]]) -> Callable[[Selection], Selection]:
    """Return what narrows to the one that is called so (MetricRefusedError: none is, or several are)."""
    field, name = wanted
    what = field.removesuffix("_id")
    best = _best(name, rows, lambda row: row[1])
    if len(best) != 1:
        which = f"several of the {what} names in QuickBooks are" if rows else f"no {what} in QuickBooks is"
        raise MetricRefusedError(f"{which} called “{name[:40]}”: write the whole name, as QuickBooks shows it")
    key, called = best[0][0], best[0][1][:LONGEST_KEPT_NAME]
    match field:
        case "class_id":
            return lambda one: replace(one, class_id=key, class_name=called)
        case "department_id":
            return lambda one: replace(one, department_id=key, department_name=called)
        case _:
            return lambda one: replace(one, customer_id=key, customer_name=called)


def _best(name: str, found: Sequence[T], called: Callable[[T], str]) -> Sequence[T]:
    """Return those that are called exactly so, else those called so in another case: ``sales`` is not ``Sales``."""
    exact = [one for one in found if called(one) == name]
    return exact or [one for one in found if " ".join(called(one).split()).lower() == name.lower()] or found


def in_company(words: str, connected: Sequence[Source]) -> tuple[Source, str]:
    """Return the company that the last words name, and the words before; of one alone nothing has to be said.

    MetricRefusedError: there are several, and the words name none of them, or two that are called the same.
    """
    plain = words.casefold().rstrip()
    for one in sorted(connected, key=lambda source: -len(source.company)):
        for name in filter(None, (one.label, one.company)):
            same = [other for other in connected if other.company == name]
            end = f", in {name.casefold()}"
            if plain.endswith(end) and len(same) <= 1:
                return one, words.rstrip()[: -len(end)]
    if len(connected) == 1:
        return connected[0], words
    called = [one.company or one.label for one in connected]
    named = [one.label if called.count(name) > 1 else name for one, name in zip(connected, called, strict=True)]
    listed = " or ".join(f"“, in {name}”" for name in named)
    raise MetricRefusedError(f"several QuickBooks companies are connected: end with {listed}")


def company_of(name: str, connected: Sequence[Source]) -> Source:
    """Return the connected company of that name; without one the only one there is (MetricRefusedError, `company`)."""
    plain = name.casefold()
    found = [one for one in connected if not plain or plain in {one.label.casefold(), one.company.casefold()}]
    if len(found) == 1:
        return found[0]
    listed = " or ".join(one.label for one in connected)
    raise MetricRefusedError(f"company: one that is connected, as Tidings calls it: {listed}", "company")
