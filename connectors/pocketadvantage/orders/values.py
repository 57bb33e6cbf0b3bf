"""One value of a view at a time: each is checked strictly, and what is wrong with it is said in plain words."""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from decimal import Decimal, InvalidOperation
from typing import Any

_NUMBER = re.compile(r"-?[0-9]{1,18}(?:\.[0-9]{1,10})?", re.ASCII)
_DAY = re.compile(r"(?P<y>[0-9]{4})-?(?P<m>[0-9]{2})-?(?P<d>[0-9]{2})", re.ASCII)
_WHOLE = re.compile(r"[0-9]{1,9}", re.ASCII)
_MOST_DIGITS, _MOST_PLACES = 18, 5
_FIRST_YEAR, _LAST_YEAR = 1990, 2100
#: signs that end a line; in a note they become a space
_BREAKS = re.compile(r"[\t\r\n\v\f\x85\u2028\u2029]+")


class ValueRefused(Exception):  # noqa: N818 - the value is refused; nothing of ours went wrong
    """A value that an order cannot have; the text says which and why."""


class Row:
    """One row of the view, by our names."""

    def __init__(self, values: Mapping[str, Any]) -> None:
        self._values = values

    def raw(self, name: str) -> Any:
        """Return the value as the driver gave it; None where the view has no such column."""
        return self._values.get(name)

    def text(self, name: str, most: int, *, needed: bool = False) -> str:
        """Return text without blanks around it and without control characters."""
        value = self.raw(name)
        if isinstance(value, bool | float | bytes):
            raise ValueRefused(f"{name} is no text")
        if isinstance(value, Decimal):
            value = format(value.normalize(), "f") if value.is_finite() else str(value)
        found = _BREAKS.sub(" ", "" if value is None else str(value)).strip()
        if needed and not found:
            raise ValueRefused(f"{name} is empty")
        if len(found) > most:
            raise ValueRefused(f"{name} has more than {most} characters")
        if any(not (sign.isprintable() or sign == " ") for sign in found):
            raise ValueRefused(f"{name} holds characters that cannot be shown")
        return found

    def decimal(self, name: str, *, needed: bool = False) -> Decimal | None:
        """Return an exact number of at most 18 digits, 5 of them after the point."""
        value = self.raw(name)
        if isinstance(value, bool | float | bytes):
            raise ValueRefused(f"{name} is not kept as an exact number: let the view cast it to decimal")
        if value is None or (isinstance(value, str) and not value.strip()):
            if needed:
                raise ValueRefused(f"{name} is empty")
            return None
        if isinstance(value, str) and not _NUMBER.fullmatch(value.strip()):
            raise ValueRefused(f"{name} is no number")
        return _exact(name, value)

    def whole(self, name: str) -> int:
        """Return a number without a fraction, 0 or more."""
        value = self.raw(name)
        # Its size first: to write out a number of a hundred thousand digits is nothing that anybody wants.
        small = isinstance(value, Decimal) and value.is_finite() and value.adjusted() < _MOST_DIGITS
        if small and value == value.to_integral_value():
            value = format(value.quantize(Decimal(1)), "f")
        if isinstance(value, int) and not isinstance(value, bool):
            value = str(value)
        if not isinstance(value, str) or not _WHOLE.fullmatch(value.strip()):
            raise ValueRefused(f"{name} is no whole number from 0 to 999999999")
        return int(value)

    def day(self, name: str, *, needed: bool = False) -> date | None:
        """Return a day; a time of day with it must be midnight."""
        value = self.raw(name)
        if isinstance(value, str):
            value = _parsed(name, value.strip())
        if isinstance(value, datetime):
            if value.time() != time():
                raise ValueRefused(f"{name} has a time of day: let the view cast it to a date")
            value = value.date()
        if value is None:
            if needed:
                raise ValueRefused(f"{name} is empty")
            return None
        if not isinstance(value, date):
            raise ValueRefused(f"{name} is no date")
        if not _FIRST_YEAR <= value.year <= _LAST_YEAR:
            raise ValueRefused(f"{name} lies in the year {value.year}")
        return value


def _exact(name: str, value: Any) -> Decimal:
    try:
        found = Decimal(value.strip() if isinstance(value, str) else value)
    except (InvalidOperation, TypeError, ValueError):
        raise ValueRefused(f"{name} is no number") from None
    if not found.is_finite():
        raise ValueRefused(f"{name} is no number")
    if found.adjusted() >= _MOST_DIGITS - _MOST_PLACES:
        raise ValueRefused(f"{name} is too large")
    trimmed = found.normalize() if found else Decimal(0)
    exponent = trimmed.as_tuple().exponent
    if isinstance(exponent, int) and -exponent > _MOST_PLACES:
        raise ValueRefused(f"{name} has more than {_MOST_PLACES} digits after the point")
    return trimmed.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else trimmed


def _parsed(name: str, text: str) -> date | None:
    if not text:
        return None
    match = _DAY.fullmatch(text.removesuffix(" 00:00:00").removesuffix("T00:00:00"))
    if match is None:
        raise ValueRefused(f"{name} is no date such as 2026-11-23")
    try:
        return date(int(match["y"]), int(match["m"]), int(match["d"]))
    except ValueError:
        raise ValueRefused(f"{name} is no date of the calendar") from None
