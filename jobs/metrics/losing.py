"""What of a broken metric vanished from QuickBooks: only what takes its place is asked for, all else stays."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from storage.facts.metrics import Definition, ItemKind, Metric, MetricState, Selection

#: the two sides of a ratio, in the names of fields
_SIDES = ("", "by_")
_FILTERS = ("class_id", "department_id", "customer_id")


def lost_fields(metric: Metric) -> tuple[str, ...]:
    """Return the fields of a form whose choice vanished: ``item``, ``by_item``, ``class_id`` …; none of others."""
    if metric.state is not MetricState.BROKEN:
        return ()
    return tuple(f"{prefix}{name}" for prefix, one in _sides(metric.definition) for name in _lost(one, metric.reason))


def without_lost(metric: Metric) -> Definition:
    """Return the definition without what vanished; of a metric that is not broken by that all of it."""
    definition = metric.definition
    if metric.state is not MetricState.BROKEN:
        return definition
    left = [_without(one, _lost(one, metric.reason)) for _, one in _sides(definition)]
    return replace(definition, selection=left[0], divisor=left[1] if len(left) > 1 else None)


def _sides(definition: Definition) -> Iterator[tuple[str, Selection]]:
    both = (definition.selection, *((definition.divisor,) if definition.divisor else ()))
    return zip(_SIDES, both, strict=False)


def _lost(one: Selection, reason: str) -> list[str]:
    items = ["item"] if one.item and one.gone == reason else []
    return items + [name for name in _FILTERS if getattr(one, name) and one.lost(name) == reason]


def _without(one: Selection, lost: list[str]) -> Selection:
    empty: dict[str, Any] = {
        part: "" for name in lost if name != "item" for part in (name, name.replace("_id", "_name"))
    }
    if "item" in lost:
        empty |= {"kind": ItemKind.ALL, "item": "", "item_name": ""}
    return replace(one, **empty)
