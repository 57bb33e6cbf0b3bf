"""Turns expressions into functions, once for each mapping: names are checked then, and what is left is quick."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from difflib import get_close_matches
from fractions import Fraction
from operator import ge, gt, le, lt
from typing import Any

from jobs.exchange.mapping import numbers
from jobs.exchange.mapping.calls import bounded
from jobs.exchange.mapping.functions import FUNCTIONS
from jobs.exchange.mapping.nodes import Arithmetic, Call, Chain, Compare, Constant, Field, If, Node, Prefix
from jobs.exchange.mapping.numbers import Number
from jobs.exchange.mapping.parsing import MOST_NODES, parse
from jobs.exchange.mapping.problems import NotAllowed, RecordProblem
from jobs.exchange.mapping.rows import Ask, Row, getter
from jobs.exchange.mapping.values import MOST_TEXT, READERS, WRITERS, Kind, Value, as_flag, as_number, as_text, called

#: looks at all lines of a record in one expression
_MOST_LOOKS = 3
_MOST_HINTED = 40
_OPERATIONS: Mapping[str, Callable[[Number, Number], Number]] = {
    "+": numbers.plus, "-": numbers.minus, "*": numbers.times, "/": numbers.divided,
}  # fmt: skip
_ORDERS: Mapping[str, Callable[[Any, Any], bool]] = {"<": lt, "<=": le, ">": gt, ">=": ge}

Write = Callable[[Row], str]


@dataclass(frozen=True, slots=True)
class Compiled:
    """An expression, ready to be asked, and what it needs."""

    ask: Ask
    node: Node
    #: parts, with those of the values that it names
    size: int
    #: names of tables that are given from outside
    inputs: frozenset[str]
    #: whether it is another for each line
    of_line: bool
    looks: int


@dataclass(frozen=True, slots=True)
class Scope:
    """The names that an expression may use; there are no others."""

    #: "BillAddr.Line1" -> what it holds; a field of a line begins with "line."
    fields: Mapping[str, Kind] = field(default_factory=dict)
    #: values that the mapping names itself
    values: Mapping[str, Compiled] = field(default_factory=dict)
    #: tables that stand in the mapping
    tables: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    #: tables that are given from outside
    inputs: frozenset[str] = frozenset()


def compiled(source: str, scope: Scope) -> Compiled:
    """Return an expression, ready to be asked; NotAllowed with its place and what is allowed."""
    node = parse(source)
    maker = _Maker(scope)
    ask = maker.ask(node)
    return Compiled(ask, node, maker.size, frozenset(maker.inputs), maker.each_line, maker.looks)


def writer(made: Compiled, kind: Kind, scope: Scope) -> Write:
    """Return what writes a column; a plain field of text, which most are, goes the shortest way."""
    ask, write = made.ask, WRITERS[kind]
    node = made.node
    if isinstance(node, Constant):
        text = write(node.value)
        return lambda _: text
    if kind is Kind.TEXT and isinstance(node, Field) and scope.fields.get(".".join(node.path)) is Kind.TEXT:
        return _plain_text(node.path, ask)
    return lambda row: write(ask(row))


def _plain_text(path: tuple[str, ...], ask: Ask) -> Write:
    if len(path) == 1:
        return _one_text(path[0], ask)
    if len(path) == 2 and path[0] != "line":
        return _two_text(*path, ask)
    get, write = getter(path), WRITERS[Kind.TEXT]

    def text(row: Row) -> str:
        found = get(row)
        if type(found) is str and len(found) <= MOST_TEXT:
            return found
        return "" if found is None else write(ask(row))

    return text


def _one_text(name: str, ask: Ask) -> Write:
    write = WRITERS[Kind.TEXT]

    def text(row: Row) -> str:
        found = row.record.get(name)
        if type(found) is str and len(found) <= MOST_TEXT:
            return found
        return "" if found is None else write(ask(row))

    return text


def _two_text(first: str, second: str, ask: Ask) -> Write:
    write = WRITERS[Kind.TEXT]

    def text(row: Row) -> str:
        group = row.record.get(first)
        if type(group) is not dict:
            return ""
        found = group.get(second)
        if type(found) is str and len(found) <= MOST_TEXT:
            return found
        return "" if found is None else write(ask(row))

    return text


class _Maker:
    """Makes one expression, and counts what it costs."""

    def __init__(self, scope: Scope) -> None:
        self._scope = scope
        self.size = 0
        self.inputs: set[str] = set()
        self.each_line = False
        self.looks = 0
        self._makers: Mapping[type, Callable[[Any], Ask]] = {
            Constant: self._constant, Field: self._field, Call: self._call, Chain: self._chain,
            Arithmetic: self._arithmetic, Compare: self._compare, Prefix: self._prefix, If: self._if,
        }  # fmt: skip

    def ask(self, node: object) -> Ask:
        """Return a part, ready to be asked."""
        self.size += 1
        return self._makers[type(node)](node)

    def table(self, call: Call, name: str) -> Callable[[Row], dict[str, object]]:
        """Return what reads a table."""
        if name in self._scope.tables:
            own: dict[str, object] = dict(self._scope.tables[name])
            return lambda _: own
        if name in self._scope.inputs:
            self.inputs.add(name)
            return lambda row: row.inputs[name]  # type: ignore[return-value]  # it is only read
        known = sorted({*self._scope.tables, *self._scope.inputs})
        raise NotAllowed(call.arguments[0].at, f"there is no table {name[:40]}{_hint(name, known)}")

    def of_lines(self, call: Call) -> None:
        """Count a look at all lines."""
        self._look(call.at, 1)

    def of_line(self) -> None:
        """Note that the value is another for each line."""
        self.each_line = True

    def _look(self, at: int, count: int) -> None:
        self.looks += count
        if self.looks > _MOST_LOOKS:
            raise NotAllowed(at, f"an expression looks at the lines of a record at most {_MOST_LOOKS} times")

    @staticmethod
    def _constant(node: Constant) -> Ask:
        value = node.value
        return lambda _: value

    def _field(self, node: Field) -> Ask:
        name = ".".join(node.path)
        if name in self._scope.values:
            return self._value(node, self._scope.values[name])
        kind = self._scope.fields.get(name)
        if kind is None:
            if name in FUNCTIONS:
                raise NotAllowed(node.at, f"{name} is a function: write {name}({FUNCTIONS[name].takes})")
            raise NotAllowed(
                node.at, f"there is no field {name[:60]}{_hint(name, [*self._scope.fields, *self._scope.values])}"
            )
        self.each_line |= node.path[0] == "line"
        get, read = getter(node.path), READERS[kind]

        def ask(row: Row) -> Value:
            try:
                return read(get(row))
            except RecordProblem as problem:
                raise RecordProblem(f"{name} {problem}") from None

        return ask

    def _value(self, node: Field, value: Compiled) -> Ask:
        self.size += value.size
        if self.size > MOST_NODES:
            raise NotAllowed(node.at, f"an expression has at most {MOST_NODES} parts, with those of the values in it")
        self.inputs |= value.inputs
        self.each_line |= value.of_line
        self._look(node.at, value.looks)
        return value.ask

    def _call(self, node: Call) -> Ask:
        function = FUNCTIONS.get(node.name)
        if function is None:
            raise NotAllowed(node.at, f"there is no function {node.name[:60]}{_hint(node.name, list(FUNCTIONS))}")
        if not function.least <= len(node.arguments) <= function.most:
            raise NotAllowed(node.at, f"write {node.name}({function.takes})")
        return function.make(self, node)

    def _chain(self, node: Chain) -> Ask:
        asks = [self.ask(part) for part in node.parts]
        if node.sign == "&":
            return lambda row: bounded("".join([as_text(ask(row)) for ask in asks])) or None
        if node.sign == "and":
            return lambda row: all(as_flag(ask(row)) for ask in asks)
        return lambda row: any(as_flag(ask(row)) for ask in asks)

    def _arithmetic(self, node: Arithmetic) -> Ask:
        first = self.ask(node.first)
        rest = [(_OPERATIONS[sign], self.ask(part)) for sign, _, part in node.rest]

        def calculate(row: Row) -> Value:
            total = as_number(first(row))
            for operation, ask in rest:
                total = operation(total, as_number(ask(row)))
            return total

        return calculate

    def _compare(self, node: Compare) -> Ask:
        left, right = self.ask(node.left), self.ask(node.right)
        if node.sign == "=":
            return lambda row: _same(left(row), right(row))
        if node.sign == "!=":
            return lambda row: not _same(left(row), right(row))
        order = _ORDERS[node.sign]
        return lambda row: _ordered(order, left(row), right(row))

    def _prefix(self, node: Prefix) -> Ask:
        ask = self.ask(node.value)
        if node.sign == "not":
            return lambda row: not as_flag(ask(row))
        nothing = Decimal(0)
        return lambda row: numbers.minus(nothing, as_number(ask(row)))

    def _if(self, node: If) -> Ask:
        condition, then, otherwise = self.ask(node.condition), self.ask(node.then), self.ask(node.otherwise)
        return lambda row: then(row) if as_flag(condition(row)) else otherwise(row)


def _same(left: Value, right: Value) -> bool:
    if left is None or right is None:
        return left is right
    return _comparable(left, right, lambda one, other: one == other)


def _ordered(order: Callable[[Any, Any], bool], left: Value, right: Value) -> bool:
    if left is None or right is None:
        raise RecordProblem("compares with a value that is blank: write or_else(...)")
    if isinstance(left, bool):
        raise RecordProblem("asks which of true and false is larger")
    return _comparable(left, right, order)


def _comparable(left: Value, right: Value, order: Callable[[Any, Any], bool]) -> bool:
    if isinstance(left, Decimal | Fraction) and isinstance(right, Decimal | Fraction):
        if type(left) is type(right):
            return order(left, right)
        return order(Fraction(left), Fraction(right))
    if type(left) is type(right) and isinstance(left, str | bool | date | datetime):
        return order(left, right)
    raise RecordProblem(f"compares {called(left)} with {called(right)}")


def _hint(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, 1, 0.6) if len(name) <= _MOST_HINTED else []
    return f"; {near[0]} is one" if near else ""
