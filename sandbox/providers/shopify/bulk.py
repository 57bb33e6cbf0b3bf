"""Bulk operations: a query's whole result as lines of JSON, written in the background, not grouped by parent."""

import gzip
import secrets
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import msgspec
from graphql import DocumentNode, FieldNode, OperationDefinitionNode
from graphql.execution.values import get_variable_values

from sandbox.providers.shopify.errors import Refused, access_denied
from sandbox.providers.shopify.money import gid
from sandbox.providers.shopify.paging import Connection, page, scope_of
from sandbox.providers.shopify.plan import CONNECTION_COST, Planner, Resolver, Run, Step
from sandbox.providers.shopify.store import Node, Store, number, text_of

KIND = "BulkOperation"
#: Most operations of one app in one shop at the same time, connections in one query, and connections within another.
AT_ONCE, MOST_CONNECTIONS, DEEPEST = 5, 5, 2
_FIRST = 720_000_001
_DONE = frozenset({"COMPLETED", "FAILED", "CANCELED", "EXPIRED"})
#: Reads and checks a query: the document, or what is wrong with it.
Read = Callable[[str], DocumentNode | Sequence[Any]]


@dataclass
class Work:
    """One operation: what is told of it, and its file."""

    node: Node
    lines: list[bytes]
    key: str = field(default_factory=lambda: secrets.token_hex(8))
    #: how it ends
    fate: str = "COMPLETED"
    asked: int = 0


@dataclass
class Bulk:
    """The operations of one app in one shop; every field may be changed while it runs."""

    #: whether the app may run any
    allowed: bool = True
    #: how the next operations end: COMPLETED, FAILED, CANCELED or EXPIRED
    fates: deque[str] = field(default_factory=deque)
    #: how often one is asked about before it is done
    polls: int = 1
    #: the next files come without their last lines, so many of them
    cut: int = 0
    #: whether files are packed, without a word of it in the headers
    packed: bool = False
    #: where files are fetched
    address: str = ""
    works: dict[str, Work] = field(default_factory=dict)

    def running(self) -> int:
        """Count the operations that are not done."""
        return sum(work.node["status"] not in _DONE for work in self.works.values())

    def file(self, name: str, key: str) -> bytes | None:
        """Return a file by its name and signature."""
        work = self.works.get(gid(KIND, int(name))) if name.isdigit() else None
        if work is None or not secrets.compare_digest(work.key, key) or work.node["status"] == "EXPIRED":
            return None
        lines = work.lines
        if self.cut:
            self.cut -= 1
            lines = lines[: len(lines) * 2 // 3]
        body = b"".join(line + b"\n" for line in lines)
        return gzip.compress(body, 1) if self.packed else body


def resolvers(store: Store, bulk: Bulk, read: Read, others: Any) -> dict[tuple[str, str], Resolver]:
    """Return the readers of bulk operations; `others` reads what they ask for."""
    return {
        ("Mutation", "bulkOperationRunQuery"): partial(_begin, store, bulk, read, others),
        ("QueryRoot", "bulkOperation"): partial(_told, store, bulk),
        ("QueryRoot", "bulkOperations"): partial(_recent, bulk),
    }


def _begin(store: Store, bulk: Bulk, read: Read, others: Any, _source: Any, arguments: Mapping[str, Any]) -> Node:
    if not bulk.allowed:
        raise access_denied("bulkOperationRunQuery", "bulk operations")
    if bulk.running() >= AT_ONCE:
        return _refused("LIMIT_REACHED", "Bulk operations limit reached. Please try again later.")
    text = str(arguments["query"])
    document = read(text)
    steps = _steps(document, others)
    if steps is None:
        return _refused("INVALID", "Invalid bulk query.")
    id_ = _FIRST + len(bulk.works)
    node: Node = {"__typename": KIND, "id": gid(KIND, id_), "type": "QUERY", "status": "CREATED", "query": text}
    node |= {"createdAt": text_of(store.clock.now()), "completedAt": None, "errorCode": None, "fileSize": None}
    node |= {"objectCount": "0", "rootObjectCount": "0", "url": None, "partialDataUrl": None}
    fate = bulk.fates.popleft() if bulk.fates else "COMPLETED"
    try:
        found = [line for step in steps for line in _lines(step, {}, None)]
    except Refused:
        found, fate = [], "DENIED"
    lines = [msgspec.json.encode(line) for line in _scattered(found)]
    bulk.works[node["id"]] = Work(node, lines, fate=fate)
    return {"bulkOperation": node, "userErrors": []}


def _refused(code: str, message: str) -> Node:
    return {"bulkOperation": None, "userErrors": [{"field": None, "message": message, "code": code}]}


def _steps(document: Any, others: Any) -> Sequence[Step] | None:
    """Plan a bulk query; None for one that breaks the rules of bulk queries."""
    if not isinstance(document, DocumentNode):
        return None
    operation = next((node for node in document.definitions if isinstance(node, OperationDefinitionNode)), None)
    if operation is None or any(_named(node) in {"node", "nodes"} for node in operation.selection_set.selections):
        return None
    variables = get_variable_values(others.schema, (), {})
    if isinstance(variables, list):
        return None
    steps = Planner(others.schema, document, others.resolvers, variables).plan(operation)
    depths = [depth for step in steps for depth in _depths(step, 1, within_list=False)]
    fine = depths and len(depths) <= MOST_CONNECTIONS and max(depths) <= DEEPEST + 1 and -1 not in depths
    return steps if fine else None


def _named(node: Any) -> str:
    return node.name.value if isinstance(node, FieldNode) else ""


def _depths(step: Step, depth: int, *, within_list: bool) -> Iterator[int]:
    """Yield how deep each connection is, -1 for one inside a list."""
    if step.plan is None:
        return
    connection = step.weight == CONNECTION_COST
    if connection:
        yield -1 if within_list else depth
    inner = {each.key: each for steps in step.plan.steps.values() for each in steps}
    listed = within_list or (step.is_list and step.name not in {"edges", "nodes"})
    for each in inner.values():
        yield from _depths(each, depth + connection, within_list=listed)


def _lines(step: Step, source: Any, parent: str | None) -> Iterator[Node]:
    if step.resolver is None or step.weight != CONNECTION_COST:
        raise Refused("only connections can be read in bulk", "BAD_REQUEST")
    connection: Connection = step.resolver(source, {**step.arguments, "bulk": True})
    assert step.plan is not None, "a connection has fields"
    plan = next(each for each in step.plan.of({}) if each.name in {"edges", "nodes"})
    assert plan.plan is not None, "edges have fields"
    inner = next(each for each in plan.plan.of({}) if each.name == "node") if plan.name == "edges" else plan
    assert inner.plan is not None, "nodes have fields"
    run = Run()
    for node in connection.nodes:
        steps = inner.plan.of(node)
        line = {each.key: run.field(each, node) for each in steps if each.weight != CONNECTION_COST}
        yield line | ({"__parentId": parent} if parent else {})
        for each in steps:
            if each.weight == CONNECTION_COST:
                yield from _lines(each, node, line["id"])


def _scattered(lines: Sequence[Node]) -> list[Node]:
    """Return the lines as they come ungrouped: some children before all parents, some after; siblings in order."""
    roots = [line for line in lines if "__parentId" not in line]
    children = [line for line in lines if "__parentId" in line]
    early = [line for line in children if number(line["__parentId"]) % 3 == 0]
    return early + roots[::-1] + [line for line in children if number(line["__parentId"]) % 3]


def _told(store: Store, bulk: Bulk, _source: Any, arguments: Mapping[str, Any]) -> Node | None:
    work = bulk.works.get(str(arguments["id"]))
    if work is None:
        return None
    work.asked += 1
    if work.node["status"] not in _DONE:
        _go_on(store, bulk, work)
    return work.node


def _go_on(store: Store, bulk: Bulk, work: Work) -> None:
    roots = sum(b'"__parentId":' not in line for line in work.lines)
    if work.asked <= bulk.polls:
        done = work.asked / (bulk.polls + 1)
        told = {"objectCount": str(int(len(work.lines) * done)), "rootObjectCount": str(int(roots * done))}
        work.node |= {"status": "RUNNING", **told}
        return
    counted = {"objectCount": str(len(work.lines)), "rootObjectCount": str(roots)}
    url = f"{bulk.address}/bulk-{number(work.node['id'])}.jsonl?sig={work.key}" if work.lines else None
    work.node |= {"completedAt": text_of(store.clock.now())}
    if work.fate == "COMPLETED":
        size = sum(len(line) + 1 for line in work.lines)
        work.node |= counted | {"status": "COMPLETED", "url": url, "fileSize": str(size) if size else None}
    elif work.fate == "DENIED":
        work.node |= {"status": "FAILED", "errorCode": "ACCESS_DENIED"}
    else:
        error = "TIMEOUT" if work.fate == "FAILED" else None
        work.node |= counted | {"status": work.fate, "errorCode": error, "partialDataUrl": url}


def _recent(bulk: Bulk, _source: Any, arguments: Mapping[str, Any]) -> Connection:
    nodes = [work.node for work in bulk.works.values()][::-1]
    places = [(place, place) for place in range(len(nodes))]
    return page("bulkOperations", places, dict(enumerate(nodes)), scope_of("bulkOperations"), arguments)
