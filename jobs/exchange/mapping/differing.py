"""What is another between two mappings, in plain words, and what that does to real records."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from jobs.exchange.fil import FilLook, FilRules, RowRefused
from jobs.exchange.mapping.mapper import Mapper
from jobs.exchange.mapping.profile import ColumnMapping, PairMapping, Profile
from jobs.exchange.mapping.results import Inputs, Mapped, Rejected, Result

#: records that a preview shows
MOST_SHOWN = 10


def differences(before: Profile, after: Profile) -> list[str]:
    """Return what is another, one sentence each: "customers PHONE: was PrimaryPhone.FreeFormNumber, is Mobile..."."""
    said: list[str] = []
    for name in sorted({*before.pairs, *after.pairs}):
        if name not in after.pairs:
            said.append(f"{name}: is not there any more")
        elif name not in before.pairs:
            said.append(f"{name}: is new, with {len(after.pairs[name].columns)} columns")
        else:
            said += [f"{name} {each}" for each in pair_differences(before.pairs[name], after.pairs[name])]
    for name in sorted({*before.tables, *after.tables}):
        said += [f"table {name}, {each}" for each in _entries(before.tables.get(name, {}), after.tables.get(name, {}))]
    return said


def pair_differences(before: PairMapping, after: PairMapping) -> list[str]:
    """Return what is another in one pair, column by column."""
    old, new = {c.name: c for c in before.columns}, {c.name: c for c in after.columns}
    said = [f"{name}: is removed (was {old[name].source})" for name in old if name not in new]
    said += [f"{name}: is new, {column.source}" for name, column in new.items() if name not in old]
    said += [f"{name}: {each}" for name, column in new.items() if name in old for each in _column(old[name], column)]
    if [name for name in old if name in new] != [name for name in new if name in old]:
        said.append(f"order of the columns: is {', '.join(new)}")
    said += [f"value {each}" for each in _entries(before.values, after.values)]
    said += [f"leaves out: not any more when {one.when}" for one in before.skips if one not in after.skips]
    said += [f"leaves out: when {one.when} ({one.because})" for one in after.skips if one not in before.skips]
    rest = ("file", "keys", "identity", "revision", "rows", "control")
    said += [f"{name}: was {getattr(before, name)}, is {getattr(after, name)}" for name in rest
             if getattr(before, name) != getattr(after, name)]  # fmt: skip
    return said


def _column(before: ColumnMapping, after: ColumnMapping) -> Iterator[str]:
    if before.source != after.source:
        yield f"was {before.source}, is {after.source}"
    if before.kind != after.kind:
        yield f"was written as {before.kind.value}, is written as {after.kind.value}"
    if before.width != after.width:
        yield f"was {_wide(before.width)}, is {_wide(after.width)}"
    if before.longer != after.longer:
        yield f"what is longer was {_longer(before)}, is {_longer(after)}"
    if before.required != after.required:
        yield "must be there now" if after.required else "may be blank now"


def _wide(width: int) -> str:
    return f"at most {width} characters" if width else "of any length"


def _longer(column: ColumnMapping) -> str:
    return "cut" if column.longer.value == "cut" else "refused"


def _entries(before: Mapping[str, str], after: Mapping[str, str]) -> Iterator[str]:
    for name in sorted({*before, *after}):
        if before.get(name) != after.get(name):
            was, now = before.get(name), after.get(name)
            yield (
                f"{name}: is removed (was {was})"
                if now is None
                else (f"{name}: is new, {now}" if was is None else f"{name}: was {was}, is {now}")
            )


@dataclass(frozen=True, slots=True)
class Shown:
    """One record before and after."""

    key: str
    before: Result
    after: Result
    #: column, what it said, what it says (of the first row in which they differ); all columns where only one was mapped
    changes: tuple[tuple[str, str, str], ...]

    @property
    def same(self) -> bool:
        """Whether nothing is another."""
        return _outcome(self.before) == _outcome(self.after) and not self.changes


@dataclass(slots=True)
class Counts:
    """What another mapping would do to all records."""

    records: int = 0
    same: int = 0
    changed: int = 0
    #: sent before, and refused or left out after; and the other way
    lost: int = 0
    won: int = 0
    #: column -> records in which it is another
    columns: Counter[str] = field(default_factory=Counter)
    #: why records are refused that were not before
    reasons: Counter[str] = field(default_factory=Counter)


class Comparing:
    """Two mappings of a pair, asked about the same records, as these would stand in the file."""

    def __init__(self, before: PairMapping, after: PairMapping, inputs: Inputs, rules: FilRules | None = None) -> None:
        rules = rules or FilRules()
        self._before, self._after = Mapper(before, inputs), Mapper(after, inputs)
        self._old = FilLook(rules, before.fil_columns, before.keys)
        self._new = FilLook(rules, after.fil_columns, after.keys)

    def looked(self, records: Iterable[dict[str, Any]], most: int = MOST_SHOWN) -> tuple[Counts, list[Shown]]:
        """Return the count of all records and some of them, in one pass: those that become another first."""
        counts, others, same = Counts(), list[Shown](), list[Shown]()
        for record in records:
            shown = self.shown(record)
            self._count(counts, shown)
            kept = same if shown.same else others
            if len(kept) < most:
                kept.append(shown)
        return counts, [*others, *same][:most]

    def shown(self, record: dict[str, Any]) -> Shown:
        """Return a record before and after; each of them is asked about once, since a key is there once."""
        before = _stands(self._old, self._before.map(record))
        after = _stands(self._new, self._after.map(record))
        return Shown(before.key or after.key, before, after, tuple(self._changes(before, after)))

    def _changes(self, before: Result, after: Result) -> Iterator[tuple[str, str, str]]:
        old = self._before.named(before.rows[0]) if isinstance(before, Mapped) else {}
        new = self._after.named(after.rows[0]) if isinstance(after, Mapped) else {}
        if isinstance(before, Mapped) and isinstance(after, Mapped):
            if before.rows == after.rows and list(old) == list(new):
                return
            for one, other in zip(before.rows, after.rows, strict=False):
                old, new = self._before.named(one), self._after.named(other)
                if any(old.get(name) != new.get(name) for name in {*old, *new}):
                    break
        for name in [*new, *(name for name in old if name not in new)]:
            if old.get(name) != new.get(name):
                yield name, old.get(name, ""), new.get(name, "")

    def _count(self, counts: Counts, shown: Shown) -> None:
        counts.records += 1
        sent_before, sent_after = isinstance(shown.before, Mapped), isinstance(shown.after, Mapped)
        if sent_before and not sent_after:
            counts.lost += 1
        elif sent_after and not sent_before:
            counts.won += 1
        elif shown.same:
            counts.same += 1
        else:
            counts.changed += 1
            counts.columns.update(name for name, _, _ in shown.changes)
        if isinstance(shown.after, Rejected) and not isinstance(shown.before, Rejected):
            counts.reasons[f"{shown.after.field}: {shown.after.reason}"] += 1


def _stands(file: FilLook, result: Result) -> Result:
    if not isinstance(result, Mapped):
        return result
    try:
        return Mapped(result.key, result.revision, file.stands(result.rows))
    except RowRefused as refused:
        return Rejected(result.key, refused.field, refused.reason)


def _outcome(result: Result) -> object:
    return len(result.rows) if isinstance(result, Mapped) else result
