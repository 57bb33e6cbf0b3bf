"""The values of the language, and how each kind of column writes them."""

from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import StrEnum
from fractions import Fraction

from jobs.exchange.mapping.numbers import Number, number_of, plain, to_places
from jobs.exchange.mapping.problems import RecordProblem

#: None is blank; an empty text is blank, too
Value = str | Decimal | Fraction | bool | date | datetime | None

#: characters that a value may have
MOST_TEXT = 10_000
_MONEY_PLACES, _NUMBER_PLACES = 2, 5
#: digits before the point
_MOST_WHOLE = Decimal(10) ** 16
_DATE_LENGTH = 10


class Kind(StrEnum):
    """What a field of a record, or a column of a file, holds."""

    TEXT = "text"
    #: a number as it is (a field); up to five places (a column)
    NUMBER = "number"
    #: two places (a column)
    MONEY = "money"
    #: true or false; Y or N
    FLAG = "flag"
    #: a day; YYYYMMDD
    DATE = "date"
    #: an instant; YYYYMMDDHHMMSS in UTC
    INSTANT = "instant"


def called(value: Value) -> str:
    """Return what a value is called in a sentence."""
    names = {str: "text", bool: "true or false", datetime: "an instant", date: "a day"}
    return "blank" if value is None else names.get(type(value), "a number")


# -- from a record -----------------------------------------------------------------------------------------------------


def text_in(value: object) -> str | None:
    """Return what a record says as text; RecordProblem for a list, a part with fields, or true."""
    if type(value) is str:
        return value or None
    if value is None:
        return None
    number = number_of(value)
    if number is None:
        raise RecordProblem(f"is {_told(value)}, and text was expected")
    return plain(number)


def number_in(value: object) -> Decimal | None:
    """Return what a record says as a number; RecordProblem when it is none."""
    if value is None or value == "":
        return None
    number = number_of(value)
    if number is None:
        raise RecordProblem(f"is {_told(value)}, and a number was expected")
    return number


def flag_in(value: object) -> bool | None:
    """Return what a record says as true or false; RecordProblem when it is neither."""
    if value is True or value is False or value is None:
        return value
    if value in {"true", "false", ""}:
        return None if value == "" else value == "true"
    raise RecordProblem(f"is {_told(value)}, and true or false was expected")


def date_in(value: object) -> date | None:
    """Return what a record says as a day; RecordProblem when it is none."""
    if value is None or value == "":
        return None
    if type(value) is date:
        return value
    try:
        if type(value) is str and len(value) == _DATE_LENGTH and value[4] == value[7] == "-":
            return date.fromisoformat(value)
    except ValueError:
        pass
    raise RecordProblem(f"is {_told(value)}, and a day such as 2026-11-23 was expected")


def instant_in(value: object) -> datetime | None:
    """Return what a record says as an instant; RecordProblem when it is none, or has no zone."""
    if value is None or value == "":
        return None
    try:
        found = datetime.fromisoformat(value) if type(value) is str else value
    except ValueError:
        found = None
    if not isinstance(found, datetime) or found.tzinfo is None:
        raise RecordProblem(f"is {_told(value)}, and an instant with its zone was expected")
    return found


def _told(value: object) -> str:
    if isinstance(value, dict):
        return "a group of fields"
    if isinstance(value, list):
        return "a list"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int) and value.bit_length() > 1000:
        return "a number without measure"
    text = str(value)[:40]
    return f'"{text}"' if isinstance(value, str) else text


READERS: dict[Kind, Callable[[object], Value]] = {
    Kind.TEXT: text_in,
    Kind.NUMBER: number_in,
    Kind.FLAG: flag_in,
    Kind.DATE: date_in,
    Kind.INSTANT: instant_in,
}


# -- for an expression -------------------------------------------------------------------------------------------------


def as_text(value: Value) -> str:
    """Return a value as text; blank is none at all. RecordProblem for what has no one way to be written."""
    if type(value) is str:
        return value
    if value is None:
        return ""
    if isinstance(value, Decimal):
        return plain(value)
    if isinstance(value, Fraction):
        raise RecordProblem("is a number that does not end: write round(..., 2)")
    if isinstance(value, bool):
        raise RecordProblem('is true or false, and text was expected: write if ... then "Y" else "N"')
    raise RecordProblem(f'is {called(value)}, and text was expected: write format_date(..., "YYYY-MM-DD")')


def as_number(value: Value) -> Number:
    """Return a number; RecordProblem for blank and for text."""
    if isinstance(value, Decimal | Fraction):
        return value
    if value is None:
        raise RecordProblem("calculates with a value that is blank: write or_else(..., 0) where that means nothing")
    hint = ": write number(...)" if isinstance(value, str) else ""
    raise RecordProblem(f"calculates with {called(value)}{hint}")


def as_flag(value: Value) -> bool:
    """Return a condition; blank counts as false. RecordProblem for anything else."""
    if value is True or value is False:
        return value
    if value is None:
        return False
    raise RecordProblem(f"has {called(value)} where a condition was expected")


# -- for a column ------------------------------------------------------------------------------------------------------


def write_text(value: Value) -> str:
    """Write a value as the text of a column."""
    if isinstance(value, datetime):
        return write_instant(value)
    if isinstance(value, date):
        return write_date(value)
    text = as_text(value)
    if len(text) > MOST_TEXT:
        raise RecordProblem(f"has {len(text)} characters, and {MOST_TEXT} are the most")
    return text


def write_money(value: Value) -> str:
    """Write an amount with two places; RecordProblem when it has more, since nothing is rounded unasked."""
    if value is None:
        return ""
    amount = _sized(value, _MONEY_PLACES)
    return str(amount) if amount else "0.00"


def write_number(value: Value) -> str:
    """Write a quantity or a price with up to five places."""
    return "" if value is None else plain(_sized(value, _NUMBER_PLACES))


def _sized(value: Value, places: int) -> Decimal:
    number = as_number(value)
    exact = to_places(number, places)
    if exact is None:
        shown = plain(number)[:40] if isinstance(number, Decimal) else "a number that does not end"
        raise RecordProblem(f"is {shown}, and {places} places are the most: write round(..., {places})")
    if not -_MOST_WHOLE < exact < _MOST_WHOLE:
        raise RecordProblem("has more than 16 digits before the point")
    return exact


def write_flag(value: Value) -> str:
    """Write Y or N."""
    if value is True:
        return "Y"
    if value is False:
        return "N"
    if value is None:
        return ""
    raise RecordProblem(f"is {called(value)}, and true or false was expected")


def write_date(value: Value) -> str:
    """Write a day; that of an instant is refused, since it depends on the zone."""
    if value is None:
        return ""
    if type(value) is date:
        return f"{value.year:04}{value.month:02}{value.day:02}"
    raise RecordProblem(f"is {called(value)}, and a day was expected")


def write_instant(value: Value) -> str:
    """Write an instant in UTC, which no clock change repeats."""
    if value is None:
        return ""
    if isinstance(value, datetime):
        at = value.astimezone(UTC)
        return f"{at.year:04}{at.month:02}{at.day:02}{at.hour:02}{at.minute:02}{at.second:02}"
    raise RecordProblem(f"is {called(value)}, and an instant was expected")


WRITERS: dict[Kind, Callable[[Value], str]] = {
    Kind.TEXT: write_text,
    Kind.NUMBER: write_number,
    Kind.MONEY: write_money,
    Kind.FLAG: write_flag,
    Kind.DATE: write_date,
    Kind.INSTANT: write_instant,
}
