"""Fields that a provider began to send and that nobody here knows: kept in the raw record, told once per source."""

from collections.abc import Mapping, Sequence
from typing import Any

from storage.facts.streams import Stream

#: Names that one sentence shows, and the length of each.
_SHOWN, _LONGEST = 10, 60
#: Of one stream no more are told of, ever: names without end are no fields, and what is told is kept with each run.
MOST = 200


def news(found: Mapping[str, Sequence[str]], told: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return the fields of each stream that were never told of."""
    fresh = {stream: _fresh(fields, told.get(stream, ())) for stream, fields in found.items()}
    return {stream: fields for stream, fields in fresh.items() if fields}


def _fresh(fields: Sequence[str], told: Sequence[str]) -> list[str]:
    return sorted(set(map(_plain, fields)).difference(told))[: max(MOST - len(told), 0)]


def _plain(field: str) -> str:
    """Return a provider's name as it can be shown and kept: short, and of signs that can be seen."""
    return "".join(sign if sign.isprintable() else "?" for sign in field[:_LONGEST])


def told_of(outcome: Mapping[str, Any]) -> dict[str, list[str]]:
    """Return what the run with this outcome, or one before it, told of."""
    return {stream: list(fields) for stream, fields in (outcome.get("unknown") or {}).items()}


def together(told: Mapping[str, Sequence[str]], fresh: Mapping[str, Sequence[str]]) -> dict[str, list[str]]:
    """Return everything that is told of after this run."""
    names = sorted(told.keys() | fresh.keys())
    return {name: sorted({*told.get(name, ()), *fresh.get(name, ())}) for name in names}


def sentences(fresh: Mapping[str, Sequence[str]], streams: Sequence[Stream]) -> tuple[str, ...]:
    """Return what is said about new fields, once."""
    labels = {stream.name: stream.label for stream in streams}
    kept = "They are kept in the raw record and in no column."
    return tuple(
        f"{labels.get(name, name)}: the provider sends fields that are new here: {_listed(fields)}. {kept}"
        for name, fields in sorted(fresh.items())
    )


def _listed(fields: Sequence[str]) -> str:
    shown = ", ".join(fields[:_SHOWN])
    return shown if len(fields) <= _SHOWN else f"{shown} and {len(fields) - _SHOWN} more"
