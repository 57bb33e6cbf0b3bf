"""The query language: SELECT … FROM … WHERE … ORDERBY … STARTPOSITION … MAXRESULTS …, as far as readers use it."""

import re
from dataclasses import dataclass

from sandbox.providers.quickbooks.faults import Refusal

MAX_RESULTS = 1000
DEFAULT_RESULTS = 100
MAX_START = 2**31 - 1

_TOKEN = re.compile(
    r"\s*(?:(?P<string>'(?:[^'\\]|\\.)*')|(?P<number>-?\d+(?:\.\d+)?)|(?P<word>[A-Za-z_][\w.]*)|(?P<sign><=|>=|!=|[=<>(),*]))"
)


@dataclass(frozen=True, slots=True)
class Condition:
    """One comparison; all of a query's hold together."""

    field: str
    operator: str
    values: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Query:
    """A parsed statement; names are as written."""

    entity: str
    count: bool = False
    conditions: tuple[Condition, ...] = ()
    order: tuple[tuple[str, bool], ...] = ()
    start: int = 1
    size: int = DEFAULT_RESULTS


def parse(text: str) -> Query:
    """Read a statement; raises Refusal with fault 4000 (grammar) or 4001 (values)."""
    return _Parser(text).statement()


def _tokens(text: str) -> list[tuple[str, str]]:
    found = []
    position = 0
    stripped = text.rstrip()
    while position < len(stripped):
        match = _TOKEN.match(stripped, position)
        if match is None:
            raise Refusal.grammar(stripped[position:].strip()[:20], position)
        kind = str(match.lastgroup)
        found.append((kind, match.group(kind)))
        position = match.end()
    return found


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = _tokens(text)
        self._at = 0

    def statement(self) -> Query:
        self._expect("select")
        count = self._projection()
        self._expect("from")
        entity = self._take("word")
        conditions = self._conditions() if self._accept("where") else ()
        order = self._order()
        start, size = self._paging()
        if self._at != len(self._tokens):
            raise Refusal.grammar(self._tokens[self._at][1], self._at)
        return Query(entity, count, conditions, order, start, size)

    def _projection(self) -> bool:
        if self._accept("*"):
            return False
        name = self._take("word")
        if name.lower() == "count":
            for sign in "(*)":
                self._expect(sign)
            return True
        while self._accept(","):
            self._take("word")
        return False

    def _conditions(self) -> tuple[Condition, ...]:
        conditions = [self._condition()]
        while self._accept("and"):
            conditions.append(self._condition())
        return tuple(conditions)

    def _condition(self) -> Condition:
        field = self._take("word")
        if self._accept("in"):
            self._expect("(")
            values = [self._value()]
            while self._accept(","):
                values.append(self._value())
            self._expect(")")
            return Condition(field, "in", tuple(values))
        if self._accept("like"):
            return Condition(field, "like", (self._value(),))
        sign = self._take("sign")
        if sign not in ("=", "<", ">", "<=", ">="):
            raise Refusal.grammar(sign, self._at)
        return Condition(field, sign, (self._value(),))

    def _order(self) -> tuple[tuple[str, bool], ...]:
        if self._accept("order"):
            self._expect("by")
        elif not self._accept("orderby"):
            return ()
        keys = [self._order_key()]
        while self._accept(","):
            keys.append(self._order_key())
        return tuple(keys)

    def _order_key(self) -> tuple[str, bool]:
        field = self._take("word")
        if self._accept("desc"):
            return field, True
        self._accept("asc")
        return field, False

    def _paging(self) -> tuple[int, int]:
        start, size = 1, DEFAULT_RESULTS
        if self._accept("startposition"):
            start = _within(self._take("number"), MAX_START)
        if self._accept("maxresults"):
            size = _within(self._take("number"), MAX_RESULTS)
        return start, size

    def _value(self) -> str:
        if self._at < len(self._tokens):
            kind, text = self._tokens[self._at]
            if kind == "string":
                self._at += 1
                return re.sub(r"\\(.)", r"\1", text[1:-1])
            if kind == "number" or (kind == "word" and text.lower() in ("true", "false")):
                self._at += 1
                return text
        raise self._lost()

    def _accept(self, text: str) -> bool:
        if (
            self._at < len(self._tokens)
            and self._tokens[self._at][0] != "string"
            and self._tokens[self._at][1].lower() == text
        ):
            self._at += 1
            return True
        return False

    def _expect(self, text: str) -> None:
        if not self._accept(text):
            raise self._lost()

    def _take(self, kind: str) -> str:
        if self._at < len(self._tokens) and self._tokens[self._at][0] == kind:
            self._at += 1
            return self._tokens[self._at - 1][1]
        raise self._lost()

    def _lost(self) -> Refusal:
        return Refusal.grammar(self._tokens[self._at][1] if self._at < len(self._tokens) else "<EOF>", self._at)


def _within(text: str, largest: int) -> int:
    if not text.lstrip("-").isdigit():
        raise Refusal.grammar(text, 0)
    value = int(text)
    if value < 1:
        raise Refusal.query(f"value {value} is too small. Min allowed value is 1")
    if value > largest:
        raise Refusal.query(f"value {value} is too large. Max allowed value is {largest}")
    return value
