"""What stands in the fields of a form becomes a draft; what is wrong with one is said beside it."""

import re
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from enum import StrEnum
from typing import Any, TypeVar

from jobs.metrics.calling import LONGEST_KEPT_NAME
from jobs.metrics.checking import MetricRefusedError, check, check_name
from jobs.metrics.choosing import Names, filter_of, items_of
from jobs.metrics.fitting import fits, fitted
from jobs.metrics.post_times import read_post_time
from jobs.slots import known_zone
from storage.facts.metric_drafts import Desk, Draft
from storage.facts.metrics import (
    Basis,
    Calculation,
    Dataset,
    Definition,
    Direction,
    Frequency,
    ItemKind,
    Selection,
    Target,
)

_E = TypeVar("_E", bound=StrEnum)
_AMOUNT = re.compile(r"-?[0-9]{1,15}(?:\.[0-9]{1,6})?", re.ASCII)
#: Commas stand between thousands alone: 12,5 is not 125.
_GROUPED = re.compile(r"-?[0-9]{1,3}(?:,[0-9]{3})+(?:\.[0-9]*)?", re.ASCII)
_PERCENT = re.compile(r"[0-9]{1,3}(?:\.[0-9]{1,2})?", re.ASCII)
_CURRENCY = re.compile(r"[A-Z]{3}", re.ASCII)
#: Divided by 100: a target of growth is typed in percent, as it is shown.
GROWTHS = frozenset({Calculation.GROWTH, Calculation.GROWTH_YEAR})
_MONTHS, _MOST_DECIMALS, _MOST_WINDOW = 12, 6, 60
#: What the two sides of a ratio are called in the names of fields.
FIRST, SECOND = "", "by_"


def filled(draft: Draft, fields: Mapping[str, str], desk: Desk, names: Names | None) -> tuple[Draft, dict[str, str]]:
    """Return the draft with what stands in the fields, and what is wrong, by field.

    A field that is not there leaves the draft as it is. Without `names` nothing that was imported is looked up: what is
    chosen there is kept as it was.
    """
    wrong: dict[str, str] = {}
    company = draft.source_id
    draft = _plain(draft, fields, desk, wrong)
    if draft.source_id != company:
        # Ids of another company are nothing here.
        draft = replace(draft, definition=_emptied(draft.definition))
    definition = _sides(draft, fields, names, wrong)
    definition = _how(definition, fields, wrong)
    definition = fitted(replace(definition, target=_target(definition, fields, wrong)))
    return replace(draft, definition=definition), wrong


def complaints(draft: Draft) -> dict[str, str]:
    """Return what keeps a draft from being calculated, by field."""
    found: dict[str, str] = {}
    shape = fits(draft.definition)
    for prefix, side, chosen in (
        (FIRST, shape.first, draft.definition.selection),
        (SECOND, shape.second, draft.definition.divisor),
    ):
        if side is not None and chosen is not None and side.needed and chosen.kind is ItemKind.ALL:
            found[f"{prefix}item"] = "Choose one: type a part of its name."
    if not found:
        try:
            check(draft.definition)
        except MetricRefusedError as error:
            found["dataset"] = _sentence(str(error))
    try:
        check_name(draft.name)
    except MetricRefusedError as error:
        found["name"] = _sentence(str(error))
    return found


def _plain(draft: Draft, fields: Mapping[str, str], desk: Desk, wrong: dict[str, str]) -> Draft:
    """Return the draft with what is not about its calculation."""
    company = fields.get("company", draft.source_id)
    if draft.metric_id and company != draft.source_id:
        # Another company has other accounts under the same ids: that is another metric.
        wrong["company"] = "It stays with its company; make another one for that company."
    elif company in desk.companies:
        draft = replace(draft, source_id=company)
    else:
        wrong["company"] = "This company is not connected any more; choose another."
    owner, post_to = fields.get("owner", draft.owner_id), fields.get("post_to", draft.post_to)
    if owner not in desk.owners:
        wrong["owner"] = "Not a member any more; choose somebody else."
    if post_to and post_to not in desk.channels:
        wrong["post_to"] = "Tidings may not speak there any more; choose another channel."
    when = " ".join(fields.get("post_time", draft.post_time).split())
    if when and read_post_time(when) is None:
        wrong["post_time"] = "Say a day and a time, such as: fridays at 16:00. Empty: as it is for that channel."
    elif when and not post_to:
        wrong["post_time"] = "Choose the channel, too; empty where it is posted nowhere."
    name = " ".join(fields.get("name", draft.name).split())
    return replace(draft, name=name, owner_id=owner, post_to=post_to, post_time=when)


def _emptied(definition: Definition) -> Definition:
    divisor = Selection(definition.divisor.dataset) if definition.divisor else None
    return replace(definition, selection=Selection(definition.selection.dataset), divisor=divisor)


def _sides(draft: Draft, fields: Mapping[str, str], names: Names | None, wrong: dict[str, str]) -> Definition:
    definition = draft.definition
    fields = {_bare(name, draft.source_id): said for name, said in fields.items()}
    first = _side(definition.selection, FIRST, fields, names, wrong)
    calculation = _one_of(Calculation, fields, "calculation", definition.calculation)
    divisor = definition.divisor
    if calculation is Calculation.RATIO:
        divisor = _side(divisor or Selection(first.dataset), SECOND, fields, names, wrong)
    # What does not fit the data any more is taken out before the rest is read.
    return fitted(replace(definition, selection=first, calculation=calculation, divisor=divisor))


def _side(
    selection: Selection, prefix: str, fields: Mapping[str, str], names: Names | None, wrong: dict[str, str]
) -> Selection:
    dataset = _one_of(Dataset, fields, f"{prefix}dataset", selection.dataset)
    if dataset is not selection.dataset:
        # What was chosen of other data is nothing here.
        selection = Selection(dataset)
    selection = _item(selection, f"{prefix}item", fields.get(f"{prefix}item.{dataset.value}"), names, wrong)
    if f"{prefix}below" in fields:
        selection = replace(selection, below=fields[f"{prefix}below"] != "no")
    for name in ("class_id", "department_id", "customer_id"):
        said = fields.get(f"{prefix}{name}")
        if said is None:
            continue
        kind, colon, rest = said.partition(":")
        kind, key = (kind, rest) if colon else ("", said)
        if key == getattr(selection, name):
            continue
        found = names.named(filter_of(name), kind, key) if key and names is not None else None
        if key and found is None:
            wrong[f"{prefix}{name}"] = "This is not in QuickBooks any more; choose another."
            continue
        called = found.name[:LONGEST_KEPT_NAME] if found else ""
        narrowed: dict[str, Any] = {name: key, name.replace("_id", "_name"): called}
        selection = replace(selection, **narrowed)
    return selection


def _item(selection: Selection, field: str, said: str | None, names: Names | None, wrong: dict[str, str]) -> Selection:
    if said is None:
        return selection
    if not said:
        return replace(selection, kind=ItemKind.ALL, item="", item_name="")
    kind, _, key = said.partition(":")
    if (selection.kind.value, selection.item) == (kind, key):
        return selection
    if names is None:
        wrong[field] = "Its name could not be looked up in time; press again in a moment."
        return selection
    found = names.named(items_of(selection.dataset), kind, key)
    if found is None or found.kind is None:
        wrong[field] = "This is not in QuickBooks any more; choose another."
        return selection
    return replace(selection, kind=found.kind, item=key, item_name=found.name[:LONGEST_KEPT_NAME])


def _how(definition: Definition, fields: Mapping[str, str], wrong: dict[str, str]) -> Definition:
    """Return the definition with how it is calculated and shown."""
    zone = fields.get("zone", definition.zone)
    if not known_zone(zone):
        wrong["zone"] = "This is no time zone that I know; choose one from the list."
        zone = definition.zone
    currency = fields.get("currency", definition.currency).strip().upper()
    if currency and not _CURRENCY.fullmatch(currency):
        wrong["currency"] = "A currency has three letters, such as USD. Empty: the company's own."
        currency = definition.currency
    window = _whole(fields.get("window"), definition.window, 2, _MOST_WINDOW)
    if window is None:
        wrong["window"] = f"Say how many periods, from 2 to {_MOST_WINDOW}."
    return replace(
        definition,
        basis=_one_of(Basis, fields, "basis", definition.basis),
        reversed=fields.get("reversed", "yes" if definition.reversed else "no") == "yes",
        frequency=_one_of(Frequency, fields, "frequency", definition.frequency),
        fiscal_month=_whole(fields.get("fiscal_month"), definition.fiscal_month, 1, _MONTHS) or definition.fiscal_month,
        zone=zone,
        currency=currency,
        decimals=_whole(fields.get("decimals"), definition.decimals, 0, _MOST_DECIMALS) or 0,
        window=window or definition.window,
    )


def _target(definition: Definition, fields: Mapping[str, str], wrong: dict[str, str]) -> Target | None:
    """Return the target as it is typed: an amount, or percent where growth is shown in percent."""
    before = definition.target
    said = fields.get("target")
    if said is None:
        return before
    plain = said.replace("%", "").strip()
    if not plain:
        return None
    if _GROUPED.fullmatch(plain):
        plain = plain.replace(",", "")
    if not _AMOUNT.fullmatch(plain):
        wrong["target"] = "Write a number, such as 40000 or 0.35; empty for no target."
        return before
    direction = _one_of(Direction, fields, "direction", before.direction if before else Direction.AT_LEAST)
    band = (fields.get("band") or (f"{before.band:f}" if before else "0")).replace("%", "").strip()
    if not _PERCENT.fullmatch(band):
        wrong["band"] = "Write percent from 0 to 999, such as 5."
        band = "0"
    value = Decimal(plain)
    return Target(value / 100 if definition.calculation in GROWTHS else value, direction, Decimal(band))


def _bare(name: str, source_id: str) -> str:
    """Return the name of a field without the company that its menu is of."""
    return name.removesuffix(f".{source_id}")


def _one_of(of: type[_E], fields: Mapping[str, str], name: str, before: _E) -> _E:
    """Return what was chosen from a list of ours; what is none of it changes nothing."""
    said = fields.get(name)
    return of(said) if said in set(of) else before


def _whole(said: str | None, before: int, least: int, most: int) -> int | None:
    """Return the number that was typed; None for none in those bounds."""
    if said is None:
        return before
    plain = said.strip()
    if not (plain.isascii() and plain.isdecimal() and len(plain) <= 2 and least <= int(plain) <= most):
        return None
    return int(plain)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:]}."
