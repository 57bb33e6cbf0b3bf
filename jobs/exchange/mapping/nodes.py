"""What an expression consists of, once it is read."""

from dataclasses import dataclass
from decimal import Decimal


@dataclass(frozen=True, slots=True)
class Constant:
    """A number, a text, true, false or blank (None)."""

    at: int
    value: Decimal | str | bool | None


@dataclass(frozen=True, slots=True)
class Field:
    """A field of the record or, beginning with `line`, of its line; or a value that the mapping names."""

    at: int
    path: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Call:
    """A function with what it is given."""

    at: int
    name: str
    arguments: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Chain:
    """Parts between `and`, `or` or `&`."""

    at: int
    sign: str
    parts: "tuple[Node, ...]"


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Numbers that are added and taken away, or multiplied and divided, from left to right."""

    at: int
    first: "Node"
    #: sign, its place, and the number after it
    rest: "tuple[tuple[str, int, Node], ...]"


@dataclass(frozen=True, slots=True)
class Compare:
    """Two values that are compared."""

    at: int
    sign: str
    left: "Node"
    right: "Node"


@dataclass(frozen=True, slots=True)
class Prefix:
    """`not`, or a minus before a number."""

    at: int
    sign: str
    value: "Node"


@dataclass(frozen=True, slots=True)
class If:
    """One of two values."""

    at: int
    condition: "Node"
    then: "Node"
    otherwise: "Node"


Node = Constant | Field | Call | Chain | Arithmetic | Compare | Prefix | If
