"""Reads an expression. The grammar has no loops, no parts of values and no calls but of named functions.

expression = "if" expression "then" expression "else" expression | or
or = and {"or" and};  and = not {"and" not};  not = "not" not | compared
compared = joined [("=" | "!=" | "<" | "<=" | ">" | ">=") joined];  joined = sum {"&" sum}
sum = product {("+" | "-") product};  product = signed {("*" | "/") signed};  signed = "-" signed | value
value = number | text | "true" | "false" | "blank" | field | call | "(" expression ")"
call = function "(" [expression {"," expression}] ")"
"""

from decimal import Decimal

from jobs.exchange.mapping.nodes import Arithmetic, Call, Chain, Compare, Constant, Field, If, Node, Prefix
from jobs.exchange.mapping.problems import NotAllowed
from jobs.exchange.mapping.tokens import Token, tokens

MOST_DEPTH = 50
MOST_NODES = 500

_OR, _AND, _NOT, _COMPARE, _JOIN, _SUM, _PRODUCT, _SIGNED = range(1, 9)
_BINDS = {
    "or": _OR, "and": _AND, "&": _JOIN, "+": _SUM, "-": _SUM, "*": _PRODUCT, "/": _PRODUCT,
    **dict.fromkeys(("=", "!=", "<", "<=", ">", ">="), _COMPARE),
}  # fmt: skip
_CONSTANTS: dict[str, bool | None] = {"true": True, "false": False, "blank": None}
_KEYWORDS = {"if", "then", "else", "and", "or", "not"}
_VALUE = 'a value is expected: a field, a number, "text", a function or parentheses'


def parse(source: str) -> Node:
    """Return the expression; NotAllowed with the place and what may stand there."""
    return _Parser(source).whole()


class _Parser:
    def __init__(self, source: str) -> None:
        self._tokens = tokens(source)
        self._place = 0
        self._depth = 0
        self._nodes = 0

    def whole(self) -> Node:
        made = self._expression(0)
        if self._next.kind != "end":
            raise self._refused("the expression is over before it")
        return made

    @property
    def _next(self) -> Token:
        return self._tokens[self._place]

    def _take(self) -> Token:
        token = self._next
        self._place += 1
        return token

    def _refused(self, reason: str) -> NotAllowed:
        token = self._next
        return NotAllowed(token.at, f"{token.text[:40] or 'the end'}; {reason}")

    def _count(self, at: int) -> None:
        self._nodes += 1
        if self._nodes > MOST_NODES:
            raise NotAllowed(at, f"an expression has at most {MOST_NODES} parts")

    def _expression(self, binds: int) -> Node:
        self._depth += 1
        if self._depth > MOST_DEPTH:
            raise NotAllowed(self._next.at, f"parts lie at most {MOST_DEPTH} deep in each other")
        left = self._first()
        while self._next.kind in {"sign", "name"}:
            level = _BINDS.get(self._next.text, 0)
            if level <= binds:
                break
            left = self._chained(left, level)
        self._depth -= 1
        return left

    def _chained(self, left: Node, level: int) -> Node:
        token = self._take()
        self._count(token.at)
        right = self._expression(level)
        if level == _COMPARE:
            if _BINDS.get(self._next.text) == _COMPARE and self._next.kind == "sign":
                raise self._refused("two values are compared at a time")
            return Compare(token.at, token.text, left, right)
        rest = [(token.text, token.at, right)]
        while _BINDS.get(self._next.text) == level and self._next.kind in {"sign", "name"}:
            token = self._take()
            self._count(token.at)
            rest.append((token.text, token.at, self._expression(level)))
        if level in {_SUM, _PRODUCT}:
            return Arithmetic(rest[0][1], left, tuple(rest))
        return Chain(rest[0][1], rest[0][0], (left, *(part for _, _, part in rest)))

    def _first(self) -> Node:
        token = self._take()
        self._count(token.at)
        if token.kind == "number":
            return Constant(token.at, Decimal(token.text))
        if token.kind == "text":
            return Constant(token.at, token.text[1:-1].replace('""', '"') or None)
        if token.kind == "name":
            return self._named(token)
        if token.text == "(":
            inner = self._expression(0)
            self._expect(")")
            return inner
        if token.text == "-":
            return Prefix(token.at, "-", self._expression(_PRODUCT))
        self._place -= 1
        raise self._refused(_VALUE)

    def _named(self, token: Token) -> Node:
        if token.text in _CONSTANTS:
            return Constant(token.at, _CONSTANTS[token.text])
        if token.text == "if":
            condition = self._expression(0)
            self._expect("then")
            then = self._expression(0)
            self._expect("else")
            return If(token.at, condition, then, self._expression(0))
        if token.text == "not":
            return Prefix(token.at, "not", self._expression(_NOT))
        if token.text in _KEYWORDS:
            self._place -= 1
            raise self._refused(_VALUE)
        if self._next.text == "(" and self._next.kind == "sign":
            return Call(token.at, token.text, self._arguments())
        return Field(token.at, tuple(token.text.split(".")))

    def _arguments(self) -> tuple[Node, ...]:
        self._expect("(")
        found: list[Node] = []
        while self._next.text != ")" or self._next.kind != "sign":
            found.append(self._expression(0))
            if self._next.text != "," or self._next.kind != "sign":
                break
            self._take()
        self._expect(")")
        return tuple(found)

    def _expect(self, text: str) -> None:
        if self._next.text != text or self._next.kind not in {"sign", "name"}:
            raise self._refused(f"{text} is expected")
        self._take()
