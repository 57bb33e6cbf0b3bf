"""Reading Shopify's connections: pages of nodes, each node with the whole of its own lists."""

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Protocol

import msgspec

from connectors.errors import Broken
from connectors.intake import Intake
from connectors.past import ALWAYS, Span
from connectors.shapes import Shape
from connectors.shopify.bulk_documents import Bulk
from connectors.shopify.graph import Graph, TooCostly
from connectors.shopify.lists import Inner, Nodes, PageInfo, Parts, complete, connection

#: Shopify's own cap on ``first``.
LARGEST_PAGE = 250


class Count(msgspec.Struct):
    """How many there are; at least so many, where the precision is another."""

    count: int = 0
    precision: str = ""


class Inside(msgspec.Struct, rename="camel"):
    """What stands in a record of its own inside the node."""

    updated_at: datetime | None = None


class Head(msgspec.Struct, rename="camel"):
    """What must be known of a node while paging."""

    id: str
    updated_at: datetime | None = None
    #: what some kinds have in its place
    issued_at: datetime | None = None
    transaction_date: datetime | None = None
    #: a discount's node has all that it tells in here
    discount: Inside | None = None

    @property
    def moment(self) -> datetime | None:
        """When it changed last, or happened."""
        inside = self.discount.updated_at if self.discount else None
        return self.updated_at or self.issued_at or self.transaction_date or inside


@dataclass(frozen=True, slots=True)
class Root:
    """A root field of Shopify's schema, how it is read, and the connections inside its nodes."""

    shape: Shape
    #: name of the root field
    field: str
    name: str
    document: str
    #: nodes of the first page; later pages follow what the first one cost
    first: int
    #: how they are counted, and how their ids are read; empty where Shopify has no count of them
    count_name: str = ""
    count_document: str = ""
    count_field: str = ""
    keys_name: str = ""
    keys_document: str = ""
    #: the scope without which old records are not shown, so that missing ones prove nothing
    whole_scope: str | None = None
    #: the object that the connection is a field of, where that is not the root; without the object there are no nodes
    owner: str = ""
    #: changes with what is asked of a record: a cursor of another edition is not gone on from, all is read again
    edition: str = ""
    #: True where Shopify does not sort by the time of change: read in the order of ids
    by_id: bool = False
    #: connections inside its nodes
    inners: tuple[Inner, ...] = ()
    #: how all of it is read by a bulk operation; None: by pages alone
    bulk: Bulk | None = None
    #: what a search calls the day on which a record was made; empty: it is never read by periods
    dated: str = ""
    #: what is asked for beside, once a page of nodes is there
    beside: Callable[[Graph, Sequence[Parts]], Awaitable[None]] | None = None


@dataclass(frozen=True, slots=True)
class Page:
    """Complete nodes, and when they changed."""

    records: list[bytes]
    ids: list[str]
    #: when each changed last, or happened
    moments: list[datetime | None]

    @property
    def newest(self) -> datetime | None:
        """The newest of them."""
        return max((moment for moment in self.moments if moment), default=None)


class WholeRead(Protocol):
    """Another way to all nodes than pages."""

    async def read(self, intake: Intake, span: Span = ALWAYS) -> datetime | None:
        """Read all, or a period, and return since when changes may lack; None where pages are to be read instead."""
        ...

    async def begun(self, end: date | None) -> Span | None:
        """Return the period with that end that an earlier collection has begun to read; None where none has."""
        ...


class Pager:
    """Pages through one root field, as many nodes at a time as the bucket of points allows."""

    def __init__(
        self, graph: Graph, root: Root, sizes: dict[str, int] | None = None, whole: WholeRead | None = None
    ) -> None:
        self._graph = graph
        self.whole = whole
        self._root = root
        #: by name of the root field: nodes of a page that earlier collections came to; kept up to date
        self._sizes = {} if sizes is None else sizes
        self._first = self._sizes.get(root.name, root.first)

    async def pages(self, query: str | None, *, newest_first: bool = False) -> AsyncIterator[Page]:
        """Yield the pages of a filtered connection, in the order of their last change.

        `newest_first` is for documents that have the variable ``reverse``.
        """
        after, seen = None, set[str]()
        while True:
            variables: dict[str, Any] = {"after": after} if query is None else {"query": query, "after": after}
            variables |= {inner.variable: inner.first for inner in self._root.inners}
            if newest_first:
                variables["reverse"] = True
            found = await self._nodes(variables)
            yield await self._complete(found)
            after = found.after(seen, self._root.shape.label)
            if after is None:
                return

    async def keys(self) -> set[str]:
        """Return every id of the root field; ordered by id, so that changes meanwhile move nothing."""
        keys: set[str] = set()
        after, seen = None, set[str]()
        while True:
            variables = {"first": LARGEST_PAGE, "after": after}
            data = await self._graph.ask(self._root.keys_name, self._root.keys_document, variables)
            found = connection(data, self._root.field)
            keys.update(head.id for head in map(_head, found.nodes))
            after = found.after(seen, self._root.shape.label)
            if after is None:
                return keys

    async def count(self) -> int | None:
        """Return how many there are; None when Shopify does not count exactly."""
        counted = await self._counted({})
        return counted.count if counted.precision == "EXACT" else None

    async def at_least(self, query: str) -> int:
        """Return how many a search finds, or more than that."""
        return (await self._counted({"query": query})).count

    async def _counted(self, variables: dict[str, Any]) -> Count:
        data = await self._graph.ask(self._root.count_name, self._root.count_document, variables)
        try:
            found = msgspec.json.decode(data, type=dict[str, Count | None]).get(self._root.count_field)
        except msgspec.MsgspecError as error:
            raise Broken(f"Shopify counted {self._root.shape.label} unreadably", code="page_unreadable") from error
        return found or Count()

    async def _nodes(self, variables: dict[str, Any]) -> Nodes:
        root = self._root
        while True:
            try:
                data = await self._graph.ask(root.name, root.document, {**variables, "first": self._first})
            except TooCostly:
                if self._first == 1:
                    raise Broken(
                        f"one of {root.shape.label} alone costs more than Shopify allows", code="too_costly"
                    ) from None
                self._first = max(1, self._first // 2)
                self._sizes.pop(self._root.name, None)
                continue
            self._fit()
            return _found(data, root)

    def _fit(self) -> None:
        """Choose the next page's size: what the last one cost, scaled to what one query should cost."""
        cost = self._graph.bucket.costs.get(self._root.name)
        if cost and cost > 0:
            fitting = int(self._first * self._graph.bucket.ceiling / cost)
            self._first = min(max(1, fitting), LARGEST_PAGE, self._first * 4)
            self._sizes[self._root.name] = self._first

    async def _complete(self, found: Nodes) -> Page:
        heads = [_head(node) for node in found.nodes]
        records = [bytes(node) for node in found.nodes]
        if self._root.inners:
            parts = [msgspec.json.decode(node, type=Parts) for node in found.nodes]
            for head, part in zip(heads, parts, strict=True):
                for inner in self._root.inners:
                    await complete(self._graph, inner, head.id, part, self._root.shape.label)
            if self._root.beside is not None:
                await self._root.beside(self._graph, parts)
            records = [msgspec.json.encode(part) for part in parts]
        return Page(records, [head.id for head in heads], [head.moment for head in heads])


def _found(data: msgspec.Raw, root: Root) -> Nodes:
    if not root.owner:
        return connection(data, root.field)
    owner = msgspec.json.decode(data, type=Parts).get(root.owner, msgspec.Raw(b"null"))
    if bytes(owner) == b"null":
        return Nodes([], PageInfo(has_next_page=False))
    return connection(owner, root.field)


def _head(node: msgspec.Raw) -> Head:
    try:
        return msgspec.json.decode(node, type=Head)
    except msgspec.MsgspecError as error:
        raise Broken("Shopify sent a record without id or time of change", code="record_unreadable") from error
