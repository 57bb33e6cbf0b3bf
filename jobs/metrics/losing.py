"""What of a broken metric vanished from QuickBooks: only what takes its place is asked for, all else stays."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from jobs.metrics.compiling import choice_of, lost_of, needs_of, sides_of, there
from storage.facts.metrics import GONE, Definition, ItemKind, Metric, MetricState, Selection

if TYPE_CHECKING:
    from storage.warehouse.apart import Question

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


def is_lost(metric: Metric) -> bool:
    """Whether it is broken because something vanished."""
    return metric.state is MetricState.BROKEN and metric.reason.endswith(GONE)


def returns(source_id: str, lost: Sequence[Metric]) -> "list[Question]":
    """Return the questions whether what vanished is there again: its lists alone, none of the records."""
    from storage.warehouse.apart import Question

    sides = [side for metric in lost for side in sides_of(metric.definition)]
    made = []
    for side in sides:
        assert side.table is not None
        choice, members = choice_of(side), side.table.members
        sql = f"WITH RECURSIVE {members} SELECT count(*) AS n FROM members WHERE kind = $2 AND key = $3"  # noqa: S608 - names of ours
        made.append(Question(sql, (source_id, choice.kind, choice.key), needs_of(members)))
    return [*made, *there(source_id, sides)]


def still_lost(lost: Sequence[Metric], found: Sequence[Sequence[Sequence[Any]]]) -> set[str]:
    """Return the ids of those of which something is still not there, by the answers to `returns`."""
    pairs = [(metric, side) for metric in lost for side in sides_of(metric.definition)]
    filters = lost_of([side for _, side in pairs], found[len(pairs) :])
    return {
        metric.id
        for (metric, _), rows, gone in zip(pairs, found, filters, strict=False)
        if gone or not rows or not rows[0][0]
    }


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
