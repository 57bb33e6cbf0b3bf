"""Changing the public fields of a running stand-in from another process, by name and with their own types."""

import dataclasses
from collections.abc import Mapping
from datetime import timedelta
from enum import StrEnum
from typing import Any


def settings(about: Any) -> dict[str, Any]:
    """Return the fields that `adjust` can change, as JSON can say them; spans of time in seconds."""
    return {name: _plain(getattr(about, name)) for name in _names(about)}


def adjust(about: Any, wishes: Mapping[str, Any]) -> None:
    """Set fields by name; ValueError names what is unknown or of the wrong kind, and then nothing was changed."""
    unknown = sorted(set(wishes) - set(_names(about)))
    if unknown:
        raise ValueError(f"no such setting: {', '.join(unknown)}; there is {', '.join(_names(about))}")
    found = {name: _read(name, getattr(about, name), wish) for name, wish in wishes.items()}
    for name, value in found.items():
        setattr(about, name, value)


def _names(about: Any) -> list[str]:
    kinds = (bool, int, float, str, timedelta, frozenset, type(None))
    fields = [field.name for field in dataclasses.fields(about) if not field.name.startswith("_")]
    return [name for name in fields if isinstance(getattr(about, name), kinds)]


def _plain(value: Any) -> Any:
    if isinstance(value, timedelta):
        return value.total_seconds()
    return sorted(value) if isinstance(value, frozenset) else value


def _read(name: str, held: Any, wish: Any) -> Any:
    """Turn what JSON said into what the field holds; a number for a field that holds nothing is a span of time."""
    if isinstance(held, StrEnum):
        return type(held)(wish)
    if isinstance(wish, list) and isinstance(held, frozenset | None):
        return frozenset(str(each) for each in wish)
    number = isinstance(wish, int | float) and not isinstance(wish, bool)
    if number and isinstance(held, timedelta | None):
        return timedelta(seconds=wish)
    nothing = wish is None and isinstance(held, frozenset | timedelta | None)
    if nothing or type(wish) is type(held):
        return wish
    raise ValueError(f"{name} cannot be {wish!r}")
