"""Connections: a slice of a sorted list, with cursors that belong to one sort and filter only."""

import base64
import binascii
import hashlib
from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from sandbox.providers.shopify.errors import Refused

#: Most nodes in a page, and most that one query may page through.
MAX_FIRST = 250
MAX_DEPTH = 25_000

#: A node's place: its sort value and its id.
Place = tuple[Any, int]


@dataclass(frozen=True, slots=True)
class Connection:
    """One page."""

    nodes: Sequence[Mapping[str, Any]]
    places: Sequence[Place]
    #: what the cursors belong to
    scope: str
    has_next: bool
    has_previous: bool

    def cursor(self, index: int) -> str:
        """Return the cursor of a node."""
        value, id_ = self.places[index]
        text = msgspec.json.encode({"last_id": id_, "last_value": value, "for": self.scope})
        return base64.b64encode(text).decode()

    @property
    def page_info(self) -> dict[str, Any]:
        """Return the PageInfo."""
        return {
            "hasNextPage": self.has_next,
            "hasPreviousPage": self.has_previous,
            "startCursor": self.cursor(0) if self.nodes else None,
            "endCursor": self.cursor(len(self.nodes) - 1) if self.nodes else None,
        }

    @property
    def edges(self) -> list[dict[str, Any]]:
        """Return the edges."""
        return [{"cursor": self.cursor(index), "node": node} for index, node in enumerate(self.nodes)]


def scope_of(*parts: object) -> str:
    """Return a short name of a sort and filter, for cursors."""
    return hashlib.sha256(repr(parts).encode()).hexdigest()[:8]


def wanted(field: str, arguments: Mapping[str, Any]) -> int:
    """Return how many nodes a page asks for; raises Refused for none, both ends, or too many."""
    first, last = arguments.get("first"), arguments.get("last")
    if (first is None) == (last is None):
        message = (
            f"you must provide one of first or last for {field}" if first is None else "providing both is unsupported"
        )
        raise Refused(message, "BAD_REQUEST")
    count = first if first is not None else last
    if not isinstance(count, int) or not 0 <= count <= MAX_FIRST:
        raise Refused(f"The number of {field} asked for must be from 0 to {MAX_FIRST}, it is {count}.", "BAD_REQUEST")
    return count


def page(
    field: str,
    places: Sequence[Place],
    lookup: Mapping[int, Mapping[str, Any]],
    scope: str,
    arguments: Mapping[str, Any],
    *,
    reverse: bool = False,
) -> Connection:
    """Cut the page that the arguments ask for out of an ascending list of places, read from its end if reversed."""
    if arguments.get("bulk"):
        # Bulk operations page for themselves, and have no end at which that stops.
        return Connection([lookup[id_] for _, id_ in places], places, scope, has_next=False, has_previous=False)
    count = wanted(field, arguments)
    low, high = _window(places, scope, arguments, reverse=reverse)
    start = low if arguments.get("first") is not None else max(low, high - count)
    end = min(high, start + count)
    if start + count > MAX_DEPTH:
        raise Refused(
            f"Pagination is limited to the first {MAX_DEPTH} objects of a query.", "PAGINATION_LIMIT_EXCEEDED"
        )
    size = len(places)
    kept = places[size - end : size - start][::-1] if reverse else places[start:end]
    return Connection([lookup[id_] for _, id_ in kept], kept, scope, has_next=end < high, has_previous=start > low)


def _window(places: Sequence[Place], scope: str, arguments: Mapping[str, Any], *, reverse: bool) -> tuple[int, int]:
    """Return the first and last position between the cursors, in the order of reading."""
    low, high = 0, len(places)
    if arguments.get("after") is not None:
        after = _place(str(arguments["after"]), scope)
        low = high - bisect_left(places, after) if reverse else bisect_right(places, after)
    if arguments.get("before") is not None:
        before = _place(str(arguments["before"]), scope)
        high = high - bisect_right(places, before) if reverse else bisect_left(places, before)
    return low, max(low, high)


def _place(cursor: str, scope: str) -> Place:
    try:
        content = msgspec.json.decode(base64.b64decode(cursor, validate=True), type=dict[str, Any])
        if content["for"] == scope:
            return content["last_value"], int(content["last_id"])
    except (binascii.Error, msgspec.DecodeError, KeyError, TypeError, ValueError):
        pass
    raise Refused("Invalid cursor for current pagination sort.", "INVALID_CURSOR")
