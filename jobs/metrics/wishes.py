"""Metrics as people type them: ``Gross margin = profit and loss: GrossProfit / profit and loss: Income, quarterly``."""

import re
from collections.abc import Iterator
from dataclasses import dataclass, replace
from decimal import Decimal

from jobs.metrics.checking import MetricRefusedError, check_name
from storage.facts.metrics import Basis, Calculation, Dataset, Definition, Direction, Frequency, Selection, Target

_MOST_WORDS = 400
_MONTHS = ("january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
           "november", "december")  # fmt: skip
_ROLLING = re.compile(r"rolling(?: (?P<window>[0-9]{1,2}))?", re.ASCII)
_FISCAL = re.compile(r"fiscal year from (?P<month>[a-z]+)", re.ASCII)
_TARGET = re.compile(
    r"target at (?P<side>least|most) (?P<value>-?[0-9]{1,15}(?:\.[0-9]{1,6})?)(?P<percent> ?%)?"
    r"(?: band (?P<band>[0-9]{1,3}(?:\.[0-9]{1,2})?) ?%?)?",
    re.ASCII,
)
#: QuickBooks' pages call departments locations
_NARROWED = re.compile(r"(?P<what>class|department|location|customer) (?P<name>.+)", re.ASCII | re.IGNORECASE)
#: the item itself, without those below it
_ALONE = re.compile(r"without (?:sub-?accounts|those below)", re.ASCII)
_DECIMALS = re.compile(r"decimals (?P<digits>[0-6])", re.ASCII)


@dataclass(frozen=True, slots=True)
class Wish:
    """What somebody typed, before its names were looked up."""

    name: str
    #: one, or two for a ratio: the dataset, and the name of the item as it was typed
    items: tuple[tuple[Dataset, str], ...]
    #: all but what is selected
    rest: Definition
    #: what both sides are narrowed to: the field of the selection, and the name as it was typed
    narrowed: tuple[tuple[str, str], ...] = ()
    #: with everything below the items
    below: bool = True
    #: IANA name of the zone that says which day is today; empty: the organization's
    zone: str = ""


def read_wish(words: str) -> Wish:
    """Return what the words ask for (MetricRefusedError, which says what is wrong with them)."""
    name, equals, body = words[:_MOST_WORDS].partition("=")
    if not equals or len(words) > _MOST_WORDS:
        raise MetricRefusedError("write its name, an equals sign, and what it is calculated from")
    what, options = _parted(body)
    items = tuple(_item(part) for part in re.split(r"\s/\s", what))
    if len(items) > 2:
        raise MetricRefusedError("a ratio is one item divided by one other")
    first = Selection(items[0][0])
    divided = len(items) > 1
    rest = Definition(
        first, Calculation.RATIO if divided else Calculation.SUM, Selection(items[1][0]) if divided else None
    )
    narrowed = tuple(found for option in options if (found := _narrowing(option)))
    if len(dict(narrowed)) < len(narrowed):
        raise MetricRefusedError("one class, one department and one customer can be chosen, not several of them")
    plain = [" ".join(option.casefold().split()) for option in options if _narrowing(option) is None]
    for option in plain:
        if not _ALONE.fullmatch(option):
            rest = _with(rest, option)
    return Wish(check_name(name), items, rest, narrowed, below=not any(map(_ALONE.fullmatch, plain)))


def _parted(body: str) -> tuple[str, list[str]]:
    """Return what it is calculated from, and the options behind it; there may be commas in the name of an item."""
    parts = body.split(",")
    options: list[str] = []
    while len(parts) > 1 and _is_option(parts[-1]):
        options.insert(0, parts.pop())
    if ":" not in parts[0]:
        # No item is named: all of this is meant to be options.
        return parts[0], [*parts[1:], *options]
    return ",".join(parts), options


def _narrowing(option: str) -> tuple[str, str] | None:
    """Return the field that an option narrows and the name in it; None for another option."""
    found = _NARROWED.fullmatch(" ".join(option.split()))
    if found is None:
        return None
    what = found["what"].lower()
    return f"{'department' if what == 'location' else what}_id", found["name"]


def _is_option(part: str) -> bool:
    if _narrowing(part) is not None:
        return True
    plain, option = Definition(Selection(Dataset.REVENUE)), " ".join(part.casefold().split())
    return bool(_ALONE.fullmatch(option)) or any(True for _ in _changes(plain, option))


def _item(part: str) -> tuple[Dataset, str]:
    known, _, item = part.partition(":")
    words = "_".join(known.casefold().split())
    try:
        return Dataset(words), " ".join(item.split())
    except ValueError:
        listed = ", ".join(one.value.replace("_", " ") for one in Dataset)
        raise MetricRefusedError(f"begin with one of: {listed}; then a colon and the name of the item") from None


def _with(definition: Definition, option: str) -> Definition:
    """Return the definition with one more option."""
    for changed in _changes(definition, option):
        return changed
    raise MetricRefusedError(f"“{option[:40]}” is nothing that can be said here")


def _changes(definition: Definition, option: str) -> Iterator[Definition]:
    key = option.replace(" ", "_")
    if key in set(Frequency):
        yield replace(definition, frequency=Frequency(key))
    if key in set(Calculation) - {Calculation.RATIO, Calculation.ROLLING}:
        yield replace(definition, calculation=Calculation(key))
    if key in set(Basis):
        yield replace(definition, basis=Basis(key))
    if option == "reversed":
        yield replace(definition, reversed=True)
    if found := _ROLLING.fullmatch(option):
        yield replace(definition, calculation=Calculation.ROLLING, window=int(found["window"] or 3))
    if (found := _FISCAL.fullmatch(option)) and found["month"] in _MONTHS:
        yield replace(definition, fiscal_month=_MONTHS.index(found["month"]) + 1)
    if found := _DECIMALS.fullmatch(option):
        yield replace(definition, decimals=int(found["digits"]))
    if found := _TARGET.fullmatch(option):
        side = Direction.AT_LEAST if found["side"] == "least" else Direction.AT_MOST
        value = Decimal(found["value"]) / 100 if found["percent"] else Decimal(found["value"])
        yield replace(definition, target=Target(value, side, Decimal(found["band"] or 0)))
