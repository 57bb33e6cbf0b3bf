"""The lists inside a record: a page shows their beginning, the rest of the longer ones is asked for one by one."""

from dataclasses import dataclass

import msgspec

from connectors.errors import Broken
from connectors.shopify.graph import Graph

#: A record, its parts as bytes.
Parts = dict[str, msgspec.Raw]


class PageInfo(msgspec.Struct, rename="camel"):
    """Where a connection goes on."""

    has_next_page: bool
    end_cursor: str | None = None


class Nodes(msgspec.Struct, rename="camel"):
    """One page of a connection, its nodes as bytes."""

    nodes: list[msgspec.Raw]
    page_info: PageInfo

    def after(self, seen: set[str], label: str) -> str | None:
        """Return the cursor of the next page, None at the end; Broken for one that was `seen` before, and note it."""
        if not self.page_info.has_next_page:
            return None
        after = self.page_info.end_cursor
        if not after or after in seen:
            raise Broken(f"Shopify's pages of {label} do not go on", code="paging_stuck")
        seen.add(after)
        return after


@dataclass(frozen=True, slots=True)
class Inner:
    """A connection inside a record, and the document that reads on in it."""

    field: str
    #: the variable of the record's own document that says how many of its nodes come with the record
    variable: str
    first: int
    name: str
    document: str
    #: root field of that document: ``order``
    root: str
    #: nodes of a later page
    more: int = 50


def connection(data: msgspec.Raw, field: str) -> Nodes:
    """Read a page of a connection out of what holds it (Broken when there is none)."""
    try:
        parts = msgspec.json.decode(data, type=Parts)
        return msgspec.json.decode(parts[field], type=Nodes)
    except (msgspec.MsgspecError, KeyError) as error:
        raise Broken("Shopify sent a page of an unknown shape", code="page_unreadable") from error


async def complete(graph: Graph, inner: Inner, key: str, parts: Parts, label: str) -> None:
    """Put a list in whole and without the cursors between its nodes: equal records are equal bytes."""
    try:
        found = msgspec.json.decode(parts[inner.field], type=Nodes)
    except (msgspec.MsgspecError, KeyError) as error:
        raise Broken("Shopify sent a page of an unknown shape", code="page_unreadable") from error
    nodes = list(found.nodes)
    seen = set[str]()
    after = found.after(seen, label)
    while after is not None:
        data = await graph.ask(inner.name, inner.document, {"id": key, "first": inner.more, "after": after})
        owner = msgspec.json.decode(data, type=Parts).get(inner.root)
        if owner is None or bytes(owner) == b"null":  # deleted meanwhile: the count at the end will show it
            break
        found = connection(owner, inner.field)
        nodes.extend(found.nodes)
        after = found.after(seen, label)
    parts[inner.field] = msgspec.Raw(msgspec.json.encode({"nodes": nodes}))
