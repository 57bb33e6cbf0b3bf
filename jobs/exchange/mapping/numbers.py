"""Arithmetic that is exact: decimals of any length, fractions where a division does not end, rounding by name only."""

import re
from collections.abc import Callable, Iterable
from decimal import (
    ROUND_DOWN,
    ROUND_HALF_EVEN,
    ROUND_HALF_UP,
    Context,
    Decimal,
    DivisionByZero,
    Inexact,
    InvalidOperation,
    Overflow,
    Underflow,
)
from fractions import Fraction
from functools import reduce

from jobs.exchange.mapping.problems import RecordProblem

Number = Decimal | Fraction

#: digits that a result may have
DIGITS = 60
_TRAPS = [Inexact, InvalidOperation, DivisionByZero, Overflow, Underflow]
_EXACT = Context(prec=DIGITS, Emin=-99, Emax=99, traps=_TRAPS)
_ROUNDING = Context(prec=DIGITS, Emin=-99, Emax=99, traps=[InvalidOperation, Overflow])
#: how large a number of a record may be, and how fine
_MOST_EXPONENT = 30
_MOST = 10**_MOST_EXPONENT
#: bits of a fraction that a division leaves
_MOST_BITS = 1000
_WRITTEN = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?", re.ASCII)
PLACES = tuple(Decimal(1).scaleb(-places) for places in range(13))

ROUNDINGS = {"up": ROUND_HALF_UP, "even": ROUND_HALF_EVEN, "down": ROUND_DOWN}


def number_of(value: object) -> Decimal | None:
    """Return what a record says as a number; None when it is none, or one without measure."""
    if type(value) is int:
        return Decimal(value) if -_MOST < value < _MOST else None
    if type(value) is Decimal:
        number = value
    elif type(value) is str and _WRITTEN.fullmatch(value):
        number = Decimal(value)
    else:
        return None
    assert isinstance(number, Decimal)
    if not number.is_finite():
        return None
    _, digits, exponent = number.as_tuple()
    assert isinstance(exponent, int)
    fits = exponent >= -_MOST_EXPONENT and len(digits) + exponent <= _MOST_EXPONENT and len(digits) <= DIGITS
    return number if fits else None


def plus(left: Number, right: Number) -> Number:
    """Return the exact sum."""
    return _result(_EXACT.add, Fraction.__add__, left, right)


def minus(left: Number, right: Number) -> Number:
    """Return the exact difference."""
    return _result(_EXACT.subtract, Fraction.__sub__, left, right)


def times(left: Number, right: Number) -> Number:
    """Return the exact product."""
    return _result(_EXACT.multiply, Fraction.__mul__, left, right)


def total(amounts: Iterable[Decimal | None]) -> Decimal:
    """Return the exact sum of all amounts that are there."""
    try:
        made = reduce(_EXACT.add, [amount for amount in amounts if amount is not None], Decimal(0))
    except (Inexact, InvalidOperation, Overflow, Underflow):
        raise RecordProblem(f"comes to a number of more than {DIGITS} digits") from None
    if not made.is_finite():
        raise RecordProblem("calculates with what is no number")
    return made


def divided(left: Number, right: Number) -> Number:
    """Return the exact quotient; RecordProblem for a division by zero."""
    if not right:
        raise RecordProblem("divides by zero")
    return _short(Fraction(left) / Fraction(right))


def _result(
    exact: Callable[[Decimal, Decimal], Decimal],
    of_fractions: Callable[[Fraction, Fraction], Fraction],
    left: Number,
    right: Number,
) -> Number:
    if isinstance(left, Decimal) and isinstance(right, Decimal):
        try:
            made = exact(left, right)
        except (Inexact, InvalidOperation, Overflow, Underflow):
            raise RecordProblem(f"comes to a number of more than {DIGITS} digits") from None
        if not made.is_finite():
            raise RecordProblem("calculates with what is no number")
        return made
    return _short(of_fractions(Fraction(left), Fraction(right)))


def _short(value: Fraction) -> Number:
    """Return a fraction as a decimal where that is the same."""
    if value.numerator.bit_length() > _MOST_BITS or value.denominator.bit_length() > _MOST_BITS:
        raise RecordProblem(f"comes to a number of more than {DIGITS} digits")
    try:
        return _EXACT.divide(Decimal(value.numerator), Decimal(value.denominator))
    except (Inexact, Overflow, Underflow):
        return value


def rounded(value: Number, places: int, how: str = "up") -> Decimal:
    """Return a number with so many places; "up" is what an accountant does: half a cent counts as one."""
    try:
        if isinstance(value, Decimal):
            return value.quantize(PLACES[places], rounding=ROUNDINGS[how], context=_ROUNDING)
        return _rounded(value, places, how)
    except InvalidOperation:
        raise RecordProblem(f"comes to a number of more than {DIGITS} digits") from None


def _rounded(value: Fraction, places: int, how: str) -> Decimal:
    whole, rest = divmod(abs(value.numerator) * 10**places, value.denominator)
    twice = 2 * rest
    more = {"up": twice >= value.denominator, "down": False}.get(
        how, twice > value.denominator or (twice == value.denominator and whole % 2 == 1)
    )
    signed = Decimal(whole + more).scaleb(-places, context=_EXACT)
    return -signed if value < 0 else signed


def to_places(value: Number, places: int) -> Decimal | None:
    """Return a number with so many places; None when that would not be the same number."""
    if not isinstance(value, Decimal):
        return None
    try:
        return value.quantize(PLACES[places], context=_EXACT)
    except (Inexact, InvalidOperation):
        return None


def plain(value: Decimal) -> str:
    """Write a number as digits, without zeros behind."""
    text = format(value, "f")
    if "." in text:
        text = text.rstrip("0").rstrip(".")
    return "0" if text == "-0" else text
