"""How the functions of the language are made: pure, of bounded cost, their fixed parts checked when they are made."""

import re
from collections.abc import Callable
from datetime import date
from decimal import Decimal
from typing import Protocol

from jobs.exchange.mapping import numbers
from jobs.exchange.mapping.nodes import Call, Constant
from jobs.exchange.mapping.problems import NotAllowed, RecordProblem, SkipRecord
from jobs.exchange.mapping.rows import MOST_LINES, Ask, Row, walk
from jobs.exchange.mapping.values import (
    MOST_TEXT,
    Value,
    as_number,
    as_text,
    called,
    number_in,
    text_in,
)

_MOST_PLACES = 12
_MOST_PADDING = 200
_FORMAT = re.compile(r"YYYY|YY|MM|DD|[-/. ]", re.ASCII)
#: how a part of a day is written
_PARTS = {"YYYY": "{0.year:04}", "YY": "{1:02}", "MM": "{0.month:02}", "DD": "{0.day:02}"}
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*(\.[A-Za-z][A-Za-z0-9_]*)*", re.ASCII)


class Making(Protocol):
    """What a function asks the compiler for."""

    def ask(self, node: object) -> Ask:
        """Return an argument, ready to be asked."""

    def table(self, call: Call, name: str) -> Callable[[Row], "dict[str, object]"]:
        """Return what reads a table; NotAllowed when none has the name."""

    def of_lines(self, call: Call) -> None:
        """Count a look at all lines; NotAllowed when it is one too many."""

    def of_line(self) -> None:
        """Note that the value is another for each line."""


# -- arguments ---------------------------------------------------------------------------------------------------------


def _constant(call: Call, place: int, of: type, what: str) -> Value:
    argument = call.arguments[place]
    if not isinstance(argument, Constant) or not isinstance(argument.value, of):
        raise NotAllowed(argument.at, f"{call.name} needs {what} here, as it is")
    return argument.value


def _word(call: Call, place: int, what: str) -> str:
    return str(_constant(call, place, str, f"{what} between quotes"))


def _count(call: Call, place: int, most: int) -> int:
    value = _constant(call, place, Decimal, f"a whole number from 0 to {most}")
    assert isinstance(value, Decimal)
    if value != int(value) or value > most:
        raise NotAllowed(call.arguments[place].at, f"{call.name} needs a whole number from 0 to {most} here, as it is")
    return int(value)


def _text(value: Value) -> str:
    text = as_text(value)
    return bounded(text)


def bounded(text: str) -> str:
    """Return a text that is not too long; RecordProblem otherwise."""
    if len(text) > MOST_TEXT:
        raise RecordProblem(f"comes to {len(text)} characters, and {MOST_TEXT} are the most")
    return text


def make_of_text(change: Callable[[str], str]) -> Callable[[Making, Call], Ask]:
    """Return a function of one text: blank stays blank."""

    def make(making: Making, call: Call) -> Ask:
        ask = making.ask(call.arguments[0])
        return lambda row: bounded(change(_text(ask(row)))) or None

    return make


# -- text --------------------------------------------------------------------------------------------------------------


def make_left(making: Making, call: Call) -> Ask:
    """Make `left`."""
    ask, count = making.ask(call.arguments[0]), _count(call, 1, MOST_TEXT)
    return lambda row: _text(ask(row))[:count] or None


def make_right(making: Making, call: Call) -> Ask:
    """Make `right`."""
    ask, count = making.ask(call.arguments[0]), _count(call, 1, MOST_TEXT)
    return lambda row: (_text(ask(row))[-count:] if count else "") or None


def make_replace(making: Making, call: Call) -> Ask:
    """Make `replace`."""
    ask, old = making.ask(call.arguments[0]), _word(call, 1, "a text")
    new = call.arguments[2]
    if not isinstance(new, Constant) or not isinstance(new.value, str | None):
        raise NotAllowed(new.at, "replace needs a text between quotes here, as it is")
    put = new.value or ""

    def replace(row: Row) -> Value:
        text = _text(ask(row))
        if len(text) + text.count(old) * (len(put) - len(old)) > MOST_TEXT:
            raise RecordProblem(f"comes to more than {MOST_TEXT} characters")
        return text.replace(old, put) or None

    return replace


def make_join(making: Making, call: Call) -> Ask:
    """Make `join`."""
    between = _word(call, 0, "what stands between the others,")
    asks = [making.ask(argument) for argument in call.arguments[1:]]
    return lambda row: bounded(between.join([text for ask in asks if (text := _text(ask(row)))])) or None


def make_pad_left(making: Making, call: Call) -> Ask:
    """Make `pad_left`."""
    ask, width, filling = making.ask(call.arguments[0]), _count(call, 1, _MOST_PADDING), _word(call, 2, "one character")
    if len(filling) != 1:
        raise NotAllowed(call.arguments[2].at, "pad_left needs one character between quotes here, as it is")

    def pad(row: Row) -> Value:
        text = _text(ask(row))
        return text.rjust(width, filling) if text else None

    return pad


def make_contains(making: Making, call: Call) -> Ask:
    """Make `contains`."""
    ask, part = making.ask(call.arguments[0]), making.ask(call.arguments[1])
    return lambda row: _text(part(row)) in _text(ask(row))


def make_starts_with(making: Making, call: Call) -> Ask:
    """Make `starts_with`."""
    ask, part = making.ask(call.arguments[0]), making.ask(call.arguments[1])
    return lambda row: _text(ask(row)).startswith(_text(part(row)))


# -- numbers -----------------------------------------------------------------------------------------------------------


def make_number(making: Making, call: Call) -> Ask:
    """Make `number`."""
    ask = making.ask(call.arguments[0])

    def number(row: Row) -> Value:
        value = ask(row)
        return number_in(value) if isinstance(value, str | None) else as_number(value)

    return number


def make_round(making: Making, call: Call) -> Ask:
    """Make `round`."""
    ask, places = making.ask(call.arguments[0]), _count(call, 1, _MOST_PLACES)
    how = _word(call, 2, '"up", "down" or "even"') if len(call.arguments) > 2 else "up"
    if how not in numbers.ROUNDINGS:
        raise NotAllowed(call.arguments[2].at, 'round needs "up", "down" or "even" here')

    def rounded(row: Row) -> Value:
        value = ask(row)
        return None if value is None else numbers.rounded(as_number(value), places, how)

    return rounded


def make_format_number(making: Making, call: Call) -> Ask:
    """Make `format_number`."""
    ask, places = making.ask(call.arguments[0]), _count(call, 1, _MOST_PLACES)

    def written(row: Row) -> Value:
        value = ask(row)
        if value is None:
            return None
        exact = numbers.to_places(as_number(value), places)
        if exact is None:
            raise RecordProblem(f"has more than {places} places: write round(..., {places})")
        return format(exact or abs(exact), "f")

    return written


# -- days --------------------------------------------------------------------------------------------------------------


def _parts_of(call: Call, place: int) -> list[str]:
    wanted = _word(call, place, 'a format such as "YYYY-MM-DD"')
    parts = _FORMAT.findall(wanted)
    if "".join(parts) != wanted:
        raise NotAllowed(
            call.arguments[place].at, f"{call.name} knows YYYY, YY, MM, DD and - / . or a space between them"
        )
    return parts


def make_date(making: Making, call: Call) -> Ask:
    """Make `date`."""
    ask, parts = making.ask(call.arguments[0]), _parts_of(call, 1)
    if sorted(part for part in parts if part.isalpha()) != ["DD", "MM", "YYYY"]:
        raise NotAllowed(call.arguments[1].at, "date needs YYYY, MM and DD, each of them once")
    form = "".join(re.escape(part) if len(part) == 1 else f"(?P<{part}>[0-9]{{{len(part)}}})" for part in parts)
    pattern, shown = re.compile(form, re.ASCII), "".join(parts)

    def read(row: Row) -> Value:
        text = _text(ask(row))
        found = pattern.fullmatch(text)
        if found is None:
            if not text:
                return None
            raise RecordProblem(f'is "{text[:40]}", and a day written {shown} was expected')
        try:
            return date(int(found["YYYY"]), int(found["MM"]), int(found["DD"]))
        except ValueError:
            raise RecordProblem(f'is "{text[:40]}", which is no day') from None

    return read


def make_format_date(making: Making, call: Call) -> Ask:
    """Make `format_date`."""
    ask, parts = making.ask(call.arguments[0]), _parts_of(call, 1)
    form = "".join(_PARTS.get(part, part) for part in parts)

    def written(row: Row) -> Value:
        value = ask(row)
        if value is None:
            return None
        if type(value) is not date:
            raise RecordProblem(f"has {called(value)} where a day was expected")
        return form.format(value, value.year % 100)

    return written


# -- choosing ----------------------------------------------------------------------------------------------------------


def make_or_else(making: Making, call: Call) -> Ask:
    """Make `or_else`."""
    asks = [making.ask(argument) for argument in call.arguments]

    def first(row: Row) -> Value:
        for ask in asks:
            value = ask(row)
            if value is not None:
                return value
        return None

    return first


def make_lookup(making: Making, call: Call) -> Ask:
    """Make `lookup`."""
    name = _word(call, 0, "the name of a table")
    table, key = making.table(call, name), making.ask(call.arguments[1])
    otherwise = making.ask(call.arguments[2]) if len(call.arguments) > 2 else None

    def look(row: Row) -> Value:
        wanted = _text(key(row))
        if not wanted:
            return None if otherwise is None else otherwise(row)
        found = table(row).get(wanted)
        if found is None or found == "":
            if otherwise is None:
                raise RecordProblem(f'finds no "{wanted[:40]}" in {name}: add it, or say what stands for it')
            return otherwise(row)
        return found if isinstance(found, str) else number_in(found)

    return look


# -- the record --------------------------------------------------------------------------------------------------------


def _list_of(row: Row, name: str) -> list[dict[str, object]]:
    found = row.record.get(name)
    if type(found) is not list:
        return []
    if len(found) > MOST_LINES:
        raise RecordProblem(f"has {len(found)} lines, and {MOST_LINES} are the most")
    return [each for each in found if type(each) is dict]


def make_custom_field(making: Making, call: Call) -> Ask:
    """Make `custom_field`."""
    name = _word(call, 0, "the name of a custom field")
    making.of_lines(call)

    def read(row: Row) -> Value:
        for each in _list_of(row, "CustomField"):
            if each.get("Name") == name:
                return text_in(each.get("StringValue"))
        return None

    return read


def make_line_total(making: Making, call: Call) -> Ask:
    """Make `line_total`."""
    kind = _word(call, 0, "a kind of line")
    making.of_lines(call)

    def total(row: Row) -> Value:
        # A line of text alone has no amount, and adds nothing.
        found = [each.get("Amount") for each in _list_of(row, "Line") if each.get("DetailType") == kind]
        return numbers.total([one if type(one) is Decimal else number_in(one) for one in found if one is not None])

    return total


def make_line_value(making: Making, call: Call) -> Ask:
    """Make `line_value`."""
    kind, way = _word(call, 0, "a kind of line"), _word(call, 1, "a field of the line")
    if not _NAME.fullmatch(way):
        raise NotAllowed(call.arguments[1].at, "line_value needs a field here, written Name.Name")
    path = tuple(way.split("."))
    making.of_lines(call)

    def read(row: Row) -> Value:
        for each in _list_of(row, "Line"):
            if each.get("DetailType") == kind:
                found = walk(each, path)
                return numbers.number_of(found) if isinstance(found, Decimal | int) else text_in(found)
        return None

    return read


def make_linked(making: Making, call: Call) -> Ask:
    """Make `linked`."""
    kind = _word(call, 0, "a kind of transaction")
    making.of_lines(call)

    def read(row: Row) -> Value:
        for each in _list_of(row, "LinkedTxn"):
            if each.get("TxnType") == kind:
                return text_in(each.get("TxnId"))
        return None

    return read


def make_line_number(making: Making, call: Call) -> Ask:  # noqa: ARG001 - it is given nothing
    """Make `line_number`."""
    making.of_line()
    return lambda row: Decimal(row.number)


def make_deleted(making: Making, call: Call) -> Ask:  # noqa: ARG001 - it is given nothing
    """Make `deleted`."""
    return lambda row: row.deleted


def make_skip_row(making: Making, call: Call) -> Ask:  # noqa: ARG001 - its reason stands as it is
    """Make `skip_row`."""
    reason = _word(call, 0, "a reason")

    def skip(_: Row) -> Value:
        raise SkipRecord(reason)

    return skip


def make_reject(making: Making, call: Call) -> Ask:  # noqa: ARG001 - its reason stands as it is
    """Make `reject`."""
    reason = _word(call, 0, "a reason")

    def refuse(_: Row) -> Value:
        raise RecordProblem(reason)

    return refuse
