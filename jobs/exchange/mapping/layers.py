"""What one organization wants otherwise: a layer over a profile, kept apart from it so that updates leave it alone.

A layer says what it changes, adds, removes and moves by name. What it rests upon and is not there any more is a
conflict that is told, never a silent loss.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from jobs.exchange.mapping.problems import MappingError
from jobs.exchange.mapping.profile import ColumnMapping, PairMapping, Profile, Skip
from jobs.exchange.mapping.reading import (
    COLUMN_KEYS,
    MOST_COLUMNS,
    Problems,
    checked_pair,
    column_of,
    fields,
    mapping,
    skips,
    tables,
    values,
)
from jobs.exchange.mapping.values import Kind
from jobs.exchange.mapping.yaml_text import YamlProblem, plain_yaml

#: a column goes to the beginning, or after another one
FIRST = "first"
_ORDERS = "what an order becomes in QuickBooks is fixed, and cannot be mapped"

_PAIR = {"change", "add", "remove", "move", "fields", "values", "skip"}


@dataclass(frozen=True, slots=True)
class Layer:
    """What is wanted otherwise in one pair."""

    #: column -> what is said of it (from, kind, width, longer, required); the rest stays as the profile has it
    change: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    add: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    remove: tuple[str, ...] = ()
    #: column -> "first", or the column after which it goes
    move: Mapping[str, str] = field(default_factory=dict)
    fields: Mapping[str, Kind] = field(default_factory=dict)
    values: Mapping[str, str] = field(default_factory=dict)
    #: None: the profile's
    skips: tuple[Skip, ...] | None = None


@dataclass(frozen=True, slots=True)
class Layers:
    """An organization's own layer over all pairs, as it was written."""

    pairs: Mapping[str, Layer] = field(default_factory=dict)
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Conflict:
    """Something that a layer rests upon and that the profile does not have."""

    pair: str
    #: the column, or what else it is
    name: str
    reason: str

    def __str__(self) -> str:
        return f"{self.pair} {self.name}: {self.reason}"


@dataclass(frozen=True, slots=True)
class Merged:
    """A profile with a layer over it; where there are conflicts it must not be used."""

    profile: Profile
    conflicts: tuple[Conflict, ...] = ()


def read_layers(text: str) -> Layers:
    """Return the layer that a text is; MappingError with everything that is wrong. An empty text changes nothing."""
    problems = Problems()
    try:
        data = plain_yaml(text)
    except YamlProblem as problem:
        raise MappingError([str(problem)]) from None
    top = mapping(data if data is not None else {}, "", {"pairs", "tables"}, problems)
    pairs = {
        name: _layer(name, said, problems)
        for name, said in mapping(top.get("pairs", {}), "pairs", None, problems).items()
    }
    found = tables(top.get("tables", {}), "tables", problems)
    problems.stop()
    return Layers(pairs, found)


def _layer(pair: str, data: Any, problems: Problems) -> Layer:
    part = mapping(data, pair, _PAIR, problems)
    removed = part.get("remove", [])
    if not isinstance(removed, list) or not all(isinstance(each, str) for each in removed):
        problems.add(f"{pair} remove", "a list of columns is expected")
        removed = []
    moved = mapping(part.get("move", {}), f"{pair} move", None, problems)
    if not all(isinstance(each, str) for each in moved.values()):
        problems.add(f"{pair} move", f'"{FIRST}", or the column after which it goes, is expected')
        moved = {}
    return Layer(
        _said(part.get("change", {}), f"{pair} change", COLUMN_KEYS, problems),
        _said(part.get("add", {}), f"{pair} add", {*COLUMN_KEYS, "after"}, problems),
        tuple(removed),
        moved,
        fields(part.get("fields", {}), f"{pair} fields", problems),
        values(part.get("values", {}), f"{pair} values", problems),
        skips(part["skip"], f"{pair} skip", problems) if "skip" in part else None,
    )


def _said(data: Any, place: str, known: set[str], problems: Problems) -> dict[str, dict[str, Any]]:
    """Return what is said of columns: their expression alone, or a group."""
    return {
        name: {"from": str(said)}
        if type(said) in {str, int}
        else mapping(said, f"{place} {name[:60]}", known, problems)
        for name, said in mapping(data, place, None, problems).items()
    }


def merged(profile: Profile, layers: Layers) -> Merged:
    """Return a profile with a layer over it; MappingError where the layer itself is wrong."""
    problems, conflicts = Problems(), list[Conflict]()
    found = {**profile.tables, **{name: {**profile.tables.get(name, {}), **own} for name, own in layers.tables.items()}}
    pairs = {name: replace(pair, tables=found) for name, pair in profile.pairs.items()}
    for name, layer in layers.pairs.items():
        if name not in pairs:
            why = _ORDERS if name == "orders" else f"{profile.name} {profile.version} has no such pair"
            conflicts.append(Conflict(name[:60], "pair", why))
            continue
        pairs[name] = _Merge(profile, pairs[name], layer, problems, conflicts).pair()
    problems.stop()
    if not conflicts:
        pairs = {name: checked_pair(pair, name, problems) for name, pair in pairs.items()}
        problems.stop()
    return Merged(replace(profile, pairs=pairs, tables=found), tuple(conflicts))


class _Merge:
    """Lays a layer over one pair."""

    def __init__(
        self, profile: Profile, pair: PairMapping, layer: Layer, problems: Problems, conflicts: list[Conflict]
    ) -> None:
        self._named = f"{profile.name} {profile.version}"
        self._pair = pair
        self._layer = layer
        self._problems = problems
        self._conflicts = conflicts
        self._columns = {column.name: column for column in pair.columns}
        self._order = [column.name for column in pair.columns]

    def pair(self) -> PairMapping:
        layer, pair = self._layer, self._pair
        for name, said in layer.change.items():
            self._change(name, said)
        for name, said in layer.add.items():
            self._add(name, said)
        for name in layer.remove:
            self._remove(name)
        for name, after in layer.move.items():
            if self._there(name, "move"):
                self._place(name, after)
        if len(self._order) > MOST_COLUMNS:
            self._problems.add(pair.name, f"at most {MOST_COLUMNS} columns are possible")
        return replace(
            pair,
            columns=tuple(self._columns[name] for name in self._order),
            fields={**pair.fields, **layer.fields},
            values={**pair.values, **layer.values},
            skips=pair.skips if layer.skips is None else layer.skips,
        )

    def _change(self, name: str, said: Mapping[str, Any]) -> None:
        if self._there(name, "change"):
            before = self._columns[name]
            self._columns[name] = self._column(name, {**_as_said(before), **said})

    def _add(self, name: str, said: Mapping[str, Any]) -> None:
        if name in self._columns:
            self._conflict(name, "has this column itself, and your layer adds one of that name")
            return
        self._columns[name] = self._column(name, {key: value for key, value in said.items() if key != "after"})
        self._order.append(name)
        if "after" in said:
            self._place(name, str(said["after"]))

    def _remove(self, name: str) -> None:
        if not self._there(name, "remove"):
            return
        control = self._pair.control
        needed = {*self._pair.keys, *((control.sum, control.total, *control.plus, *control.minus) if control else ())}
        if name in needed:
            self._problems.add(f"{self._pair.name} {name}", "is a key or a control total, and cannot be removed")
            return
        del self._columns[name]
        self._order.remove(name)

    def _place(self, name: str, after: str) -> None:
        if after != FIRST and (after not in self._columns or after == name):
            self._conflict(name, f"has no column {after[:40]}, after which your layer puts it")
            return
        self._order.remove(name)
        self._order.insert(0 if after == FIRST else self._order.index(after) + 1, name)

    def _there(self, name: str, what: str) -> bool:
        if name not in self._columns:
            self._conflict(name, f"has no such column, which your layer would {what}")
        return name in self._columns

    def _conflict(self, name: str, reason: str) -> None:
        self._conflicts.append(Conflict(self._pair.name, name[:60], f"{self._named} {reason}"))

    def _column(self, name: str, said: Mapping[str, Any]) -> ColumnMapping:
        return column_of(name, dict(said), self._pair.name, self._problems)


def _as_said(column: ColumnMapping) -> dict[str, Any]:
    return {
        "from": column.source, "kind": column.kind.value, "width": column.width, "longer": column.longer.value,
        "required": column.required,
    }  # fmt: skip
