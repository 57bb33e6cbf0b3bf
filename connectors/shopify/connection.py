"""Reading Shopify's connections: pages of nodes, and the rest of a node's own lines."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import msgspec

from connectors.errors import Broken
from connectors.shapes import Shape
from connectors.shopify.graph import Graph, TooCostly

#: Shopify's own cap on ``first``.
LARGEST_PAGE = 250


class PageInfo(msgspec.Struct, rename="camel"):
    """Where a connection goes on."""

    has_next_page: bool
    end_cursor: str | None = None


class Nodes(msgspec.Struct, rename="camel"):
    """One page of a connection, its nodes as bytes."""

    nodes: list[msgspec.Raw]
    page_info: PageInfo


class Head(msgspec.Struct, rename="camel"):
    """What must be known of a node while paging."""

    id: str
    updated_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Root:
    """A root field of Shopify's schema, how it is read, and the connection inside its nodes."""

    shape: Shape
    #: name of the root field
    field: str
    name: str
    document: str
    #: nodes of the first page; later pages follow what the first one cost
    first: int
    count_name: str
    count_document: str
    count_field: str
    keys_name: str
    keys_document: str
    #: the scope without which old records are not shown, so that missing ones prove nothing
    whole_scope: str | None = None
    inner: str | None = None
    inner_first: int = 0
    inner_name: str = ""
    inner_document: str = ""
    inner_root: str = ""


@dataclass(frozen=True, slots=True)
class Page:
    """Complete nodes, and the newest change among them."""

    records: list[bytes]
    ids: list[str]
    newest: datetime | None


class Pager:
    """Pages through one root field, as many nodes at a time as the bucket of points allows."""

    def __init__(self, graph: Graph, root: Root, sizes: dict[str, int] | None = None) -> None:
        self._graph = graph
        self._root = root
        #: by name of the root field: nodes of a page that earlier collections came to; kept up to date
        self._sizes = {} if sizes is None else sizes
        self._first = self._sizes.get(root.name, root.first)

    async def pages(self, query: str | None) -> AsyncIterator[Page]:
        """Yield the pages of a filtered connection, in the order of their last change."""
        after: str | None = None
        while True:
            variables: dict[str, Any] = {"query": query, "after": after}
            if self._root.inner:
                variables["lines"] = self._root.inner_first
            found = await self._nodes(variables)
            yield await self._complete(found)
            after = self._next(found, after)
            if after is None:
                return

    async def keys(self) -> set[str]:
        """Return every id of the root field; ordered by id, so that changes meanwhile move nothing."""
        keys: set[str] = set()
        after: str | None = None
        while True:
            variables = {"first": LARGEST_PAGE, "after": after}
            data = await self._graph.ask(self._root.keys_name, self._root.keys_document, variables)
            found = _connection(data, self._root.field)
            keys.update(head.id for head in map(_head, found.nodes))
            after = self._next(found, after)
            if after is None:
                return keys

    async def count(self) -> int | None:
        """Return how many there are; None when Shopify does not count exactly."""
        data = await self._graph.ask(self._root.count_name, self._root.count_document, {})
        counted = msgspec.json.decode(data, type=dict[str, dict[str, Any]]).get(self._root.count_field) or {}
        return int(counted["count"]) if counted.get("precision") == "EXACT" else None

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
            return _connection(data, root.field)

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
        if self._root.inner:
            records = [await self._with_lines(node, head) for node, head in zip(found.nodes, heads, strict=True)]
        changes = [head.updated_at for head in heads if head.updated_at]
        return Page(records, [head.id for head in heads], max(changes, default=None))

    async def _with_lines(self, node: msgspec.Raw, head: Head) -> bytes:
        """Return the node with all its lines and without the cursors between them: equal nodes are equal bytes."""
        parts = msgspec.json.decode(node, type=dict[str, msgspec.Raw])
        inner = self._root.inner or ""
        lines = _connection(node, inner)
        nodes = list(lines.nodes)
        after = self._next(lines, None)
        while after is not None:
            variables = {"id": head.id, "first": self._root.inner_first * 10, "after": after}
            data = await self._graph.ask(self._root.inner_name, self._root.inner_document, variables)
            owner = msgspec.json.decode(data, type=dict[str, msgspec.Raw]).get(self._root.inner_root)
            if owner is None or bytes(owner) == b"null":  # deleted meanwhile: the count at the end will show it
                break
            lines = _connection(owner, inner)
            nodes.extend(lines.nodes)
            after = self._next(lines, after)
        parts[inner] = msgspec.Raw(msgspec.json.encode({"nodes": nodes}))
        return msgspec.json.encode(parts)

    def _next(self, found: Nodes, before: str | None) -> str | None:
        if not found.page_info.has_next_page:
            return None
        after = found.page_info.end_cursor
        if not after or after == before:
            raise Broken(f"Shopify's pages of {self._root.shape.label} do not go on", code="paging_stuck")
        return after


def _connection(data: msgspec.Raw, field: str) -> Nodes:
    try:
        parts = msgspec.json.decode(data, type=dict[str, msgspec.Raw])
        return msgspec.json.decode(parts[field], type=Nodes)
    except (msgspec.MsgspecError, KeyError) as error:
        raise Broken("Shopify sent a page of an unknown shape", code="page_unreadable") from error


def _head(node: msgspec.Raw) -> Head:
    try:
        return msgspec.json.decode(node, type=Head)
    except msgspec.MsgspecError as error:
        raise Broken("Shopify sent a record without id or time of change", code="record_unreadable") from error
