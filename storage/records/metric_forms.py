"""Definitions and values of metrics as rows, and back."""

from collections.abc import Mapping
from dataclasses import asdict
from datetime import date
from decimal import Decimal
from typing import Any

from storage.facts.metrics import (
    Basis,
    Calculation,
    Dataset,
    Definition,
    Direction,
    Frequency,
    ItemKind,
    Kept,
    Metric,
    MetricState,
    Period,
    Selection,
    Target,
    Value,
)
from storage.tables import MetricRow, MetricValueRow


def definition_json(definition: Definition) -> dict[str, Any]:
    """Return a definition as it is stored."""
    stored = asdict(definition)
    if definition.target is not None:
        stored["target"] |= {"value": str(definition.target.value), "band": str(definition.target.band)}
    return stored


def definition_of(stored: Mapping[str, Any]) -> Definition:
    """Return a stored definition (ValueError, KeyError or TypeError for what is none)."""
    target, divisor = stored["target"], stored["divisor"]
    return Definition(
        **{
            **stored,
            "selection": _selection(stored["selection"]),
            "divisor": _selection(divisor) if divisor else None,
            "calculation": Calculation(stored["calculation"]),
            "basis": Basis(stored["basis"]),
            "frequency": Frequency(stored["frequency"]),
            "target": Target(Decimal(target["value"]), Direction(target["direction"]), Decimal(target["band"]))
            if target
            else None,
        }
    )


def without_names(stored: Mapping[str, Any]) -> dict[str, Any]:
    """Return a stored definition without what imported things were called; their ids stay."""
    return {**stored, **{side: _nameless(stored[side]) for side in ("selection", "divisor") if stored.get(side)}}


def _nameless(selection: Mapping[str, Any]) -> dict[str, Any]:
    return {field: "" if field.endswith("_name") else value for field, value in selection.items()}


def _selection(stored: Mapping[str, Any]) -> Selection:
    return Selection(**{**stored, "dataset": Dataset(stored["dataset"]), "kind": ItemKind(stored["kind"])})


def as_metric(row: MetricRow) -> Metric:
    """Turn a row into a fact."""
    return Metric(
        id=row.id,
        organization_id=row.organization_id,
        source_id=row.source_id,
        account=row.account,
        name=row.name,
        definition=definition_of(row.definition),
        version=row.version,
        owner_id=row.owner_id,
        post_to=row.post_to,
        created_at=row.created_at,
        state=MetricState(row.state),
        reason=row.reason,
        as_of=row.as_of,
        run_id=row.run_id,
        calculated_at=row.calculated_at,
        calculated_version=row.calculated_version,
    )


def as_kept(row: MetricValueRow) -> Kept:
    """Turn a row into a fact."""
    period = Period(date.fromisoformat(row.period_start), date.fromisoformat(row.period_end))
    value = Value(period, None if row.value is None else Decimal(row.value), row.reason, row.rows, row.complete)
    return Kept(value, row.revision, row.currency, row.as_of, row.run_id, row.snapshot, row.version, row.changed)
