"""Metrics as files: every period with its exact value, and beside each how old and in which state it is.

Nobody may read a stale value as a fresh one: state, as-of and oldest input stand in every row and in every object.
"""

import csv
import io
import json
import re
from collections.abc import Iterator, Mapping
from datetime import datetime
from decimal import Decimal
from enum import StrEnum
from typing import Any

from storage.facts.metrics import Calculation, Definition, Kept, MetricState, Selection, Shown
from storage.facts.restated import currency_before

_RATIOS = frozenset({Calculation.RATIO, Calculation.GROWTH, Calculation.GROWTH_YEAR})
#: What a spreadsheet takes for the beginning of a formula, in half and full width, after whatever it skips.
_FORMULA = re.compile(r"[\s\x00-\x1f]*[=+\-@\uff1d\uff0b\uff0d\uff20\t\r\n]")
COLUMNS = (
    *("metric", "state", "data_as_of", "oldest_input", "why_not_current", "period_start", "period_end", "value"),
    *("unit", "currency", "complete", "revision", "restated_from", "empty_because", "value_as_of", "run", "definition"),
)


class FileForm(StrEnum):
    """How a metric is written into a file."""

    CSV = "csv"
    JSON = "json"


def as_csv(shown: Shown, *, marked: bool = True) -> bytes:
    """Return a metric as CSV by RFC 4180 in UTF-8, a row for each period; `marked` begins it so that Excel knows that.

    A text that a spreadsheet would take for a formula has an apostrophe before it; numbers are plain digits.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    writer.writerow(COLUMNS)
    writer.writerows(_rows(shown))
    return out.getvalue().encode("utf-8-sig" if marked else "utf-8")


def _rows(shown: Shown) -> Iterator[list[str]]:
    metric, definition = shown.metric, shown.before or shown.metric.definition
    first = [metric.name, shown.state.value, _instant(metric.as_of) or "", shown.worst, shown.reason]
    plain = [safe(text) for text in first]
    if not shown.values:
        yield [*plain, *[""] * (len(COLUMNS) - len(plain))]
    for kept in shown.values:
        value, before = kept.value, _restated(kept)
        yield [
            *plain, value.period.start.isoformat(), value.period.end.isoformat(), _exact(value.value) or "",
            unit(definition), safe(kept.currency), "yes" if value.complete else "no", str(kept.revision),
            ("" if before is None else _was(before, kept.currency)), safe(value.reason), _instant(kept.as_of) or "",
            safe(kept.run_id), str(kept.version),
        ]  # fmt: skip


def _was(before: Mapping[str, Any], currency: str) -> str:
    """Return what a value was; with its currency where that is another than the one beside it now."""
    value: str | None = before["value"]
    if value is None:
        return "empty"
    # A number is plain digits; with its currency it is a text, and a minus before that begins a formula.
    return value if before["currency"] == currency else safe(f"{value} {before['currency']}")


def safe(text: str) -> str:
    """Return a text that no spreadsheet takes for a formula."""
    return f"'{text}" if _FORMULA.match(text) else text


def as_json(shown: Shown) -> bytes:
    """Return a metric with all its values as JSON."""
    return json.dumps(as_object(shown, values=True), ensure_ascii=False, indent=1).encode()


def as_object(shown: Shown, *, values: bool) -> dict[str, Any]:
    """Return a metric as JSON has it: where it stands first; with all its values, or with the latest alone."""
    metric, definition = shown.metric, shown.metric.definition
    # Values of an older definition are read as they were calculated.
    said = [_value(kept, shown.before or definition) for kept in shown.values]
    found: dict[str, Any] = {
        "id": metric.id,
        "name": metric.name,
        "state": shown.state.value,
        "current": shown.state is MetricState.CURRENT,
        "as_of": _instant(metric.as_of),
        "oldest_input": shown.worst,
        "why_not_current": shown.reason,
        "frozen_since": _instant(shown.since),
        "company": shown.company,
        "source": metric.source_id,
        "noun": definition.noun,
        "unit": unit(definition),
        "definition": {"version": metric.version, **_definition(definition)},
        "calculated_at": _instant(metric.calculated_at),
    }
    return found | ({"values": said} if values else {"latest": said[0] if said else None})


def unit(definition: Definition) -> str:
    """Return what a value counts in: an amount of its currency, a number of records, or a ratio (0.12 is 12 %)."""
    if definition.calculation is Calculation.COUNT:
        return "records"
    return "ratio" if definition.calculation in _RATIOS else "amount"


def _value(kept: Kept, definition: Definition) -> dict[str, Any]:
    value = kept.value
    return {
        "period": {"start": value.period.start.isoformat(), "end": value.period.end.isoformat()},
        "value": _exact(value.value),
        "unit": unit(definition),
        "currency": kept.currency,
        "complete": value.complete,
        "empty_because": value.reason,
        "revision": kept.revision,
        "restated": _restated(kept),
        "as_of": _instant(kept.as_of),
        "run": kept.run_id,
        "definition": kept.version,
    }


def _restated(kept: Kept) -> Mapping[str, Any] | None:
    """Return what a whole period's value was before newer data made it another."""
    if kept.changed.get("why") != "data" or not kept.changed.get("complete_before"):
        return None
    was = {"value": kept.changed.get("before"), "currency": currency_before(kept)}
    return {**was, "run": kept.changed.get("run_before")}


def _definition(definition: Definition) -> dict[str, Any]:
    target = definition.target
    return {
        "selection": _selection(definition.selection),
        "divisor": _selection(definition.divisor) if definition.divisor else None,
        "calculation": definition.calculation.value,
        "basis": definition.basis.value,
        "reversed": definition.reversed,
        "frequency": definition.frequency.value,
        "fiscal_month": definition.fiscal_month,
        "zone": definition.zone,
        "window": definition.window,
        "decimals": definition.decimals,
        "target": {"value": _exact(target.value), "direction": target.direction.value, "band": _exact(target.band)}
        if target
        else None,
    }


def _selection(selection: Selection) -> dict[str, Any]:
    kind = selection.kind.value
    # What it is narrowed to belongs to what the number is: without it a part would be read as the whole.
    narrowed = {
        name: {"id": key, "name": called}
        for name, key, called in (
            ("class", selection.class_id, selection.class_name),
            ("department", selection.department_id, selection.department_name),
            ("customer", selection.customer_id, selection.customer_name),
        )
        if key
    }
    said = {"dataset": selection.dataset.value, "kind": kind, "item": selection.item, "name": selection.item_name}
    return {**said, "below": selection.below, "narrowed_to": narrowed}


def _exact(value: Decimal | None) -> str | None:
    return None if value is None else f"{value:f}"


def _instant(at: datetime | None) -> str | None:
    return at.isoformat(timespec="seconds") if at else None
