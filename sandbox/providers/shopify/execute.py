"""Answers one GraphQL request: read, check, price, throttle, run."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache, lru_cache
from typing import Any

from graphql import (
    DocumentNode,
    GraphQLError,
    GraphQLSchema,
    OperationDefinitionNode,
    OperationType,
    build_schema,
    is_non_null_type,
    parse,
    validate,
)
from graphql.execution.values import get_variable_values

from sandbox.providers.shopify import bulk, errors
from sandbox.providers.shopify.bucket import Bucket
from sandbox.providers.shopify.errors import Refused
from sandbox.providers.shopify.oauth import Grant
from sandbox.providers.shopify.plan import MUTATION_COST, Planner, Resolver, Run, Step, operation_of
from sandbox.providers.shopify.resolve import resolvers
from sandbox.providers.shopify.sdl import SDL
from sandbox.providers.shopify.store import Store

#: Most points of a single query.
MAX_COST = 1000
_REMEMBERED = 64
#: Root fields that take a search, and what they search.
_SEARCHED = {"orders": "Order", "products": "Product", "productVariants": "ProductVariant", "customers": "Customer",
             "inventoryItems": "InventoryItem", "draftOrders": "DraftOrder",
             "abandonedCheckouts": "AbandonedCheckout", "discountNodes": "DiscountNode"}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Ask:
    """A GraphQL request as it came."""

    query: str
    variables: Mapping[str, Any] = field(default_factory=dict)
    operation: str | None = None


@cache
def admin_schema() -> GraphQLSchema:
    """Return the schema that is served; it never changes."""
    return build_schema(SDL)


@lru_cache(_REMEMBERED)
def _document(query: str) -> DocumentNode | list[GraphQLError]:
    """Read and check a document, once for all shops: every stand-in serves the same schema."""
    try:
        document = parse(query)
    except GraphQLError as mistake:
        return [mistake]
    return validate(admin_schema(), document) or document


@dataclass(frozen=True, slots=True)
class Others:
    """What bulk operations read with."""

    schema: GraphQLSchema
    resolvers: Mapping[tuple[str, str], Resolver]


class Executor:
    """Runs requests against stores."""

    def __init__(self) -> None:
        self.schema = admin_schema()

    def document(self, query: str) -> DocumentNode | list[GraphQLError]:
        """Return the parsed and checked document, or what is wrong with it."""
        return _document(query)

    def answer(self, ask: Ask, store: Store, grant: Grant, bucket: Bucket, bulks: bulk.Bulk) -> dict[str, Any]:
        """Return the body of the answer."""
        document = self.document(ask.query)
        if isinstance(document, list):
            return {"errors": [_error(mistake) for mistake in document]}
        operation = operation_of(document, ask.operation)
        if operation is None:
            return {"errors": [{"message": "An operation name is required"}]}
        variables = get_variable_values(self.schema, operation.variable_definitions or (), dict(ask.variables))
        if isinstance(variables, list):
            return {"errors": [_error(mistake) for mistake in variables]}
        try:
            readers = resolvers(store, grant)
            readers |= bulk.resolvers(store, bulks, self.document, Others(self.schema, dict(readers)))
            steps = Planner(self.schema, document, readers, variables).plan(operation)
        except GraphQLError as mistake:
            return {"errors": [_error(mistake)]}
        return _priced(self.schema, operation, steps, store, bucket)


def _priced(
    schema: GraphQLSchema,
    operation: OperationDefinitionNode,
    steps: tuple[Step, ...] | Any,
    store: Store,
    bucket: Bucket,
) -> dict[str, Any]:
    now = store.clock.now()
    changing = operation.operation is OperationType.MUTATION
    requested = sum(step.cost() for step in steps) + (MUTATION_COST if changing else 0)
    if requested > MAX_COST:
        return {"errors": [errors.too_expensive(requested, MAX_COST).body()]}
    if not bucket.take(requested, now):
        return {"errors": [errors.throttled().body()], "extensions": {"cost": _cost(requested, None, bucket, store)}}
    run = Run()
    found, mistakes = _run(schema, operation, steps, run)
    actual = run.cost + (MUTATION_COST if changing else 0)
    bucket.give_back(requested - actual)
    answer: dict[str, Any] = {"data": found}
    if mistakes:
        answer["errors"] = mistakes
    extensions: dict[str, Any] = {"cost": _cost(requested, actual, bucket, store)}
    warnings = _search_warnings(steps, store)
    if warnings:
        extensions["search"] = warnings
    return {**answer, "extensions": extensions}


def _run(
    schema: GraphQLSchema, operation: OperationDefinitionNode, steps: Any, run: Run
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Read the root fields; a refused one is null, and takes the whole data with it where null is not allowed."""
    root = schema.get_root_type(operation.operation)
    found: dict[str, Any] | None = {}
    mistakes = []
    for step in steps:
        try:
            value = run.field(step, {})
        except Refused as refused:
            mistakes.append(refused.body([step.key]))
            value = None
            if root is not None and is_non_null_type(root.fields[step.name].type):
                found = None
        if found is not None:
            found[step.key] = value
    return found, mistakes


def _cost(requested: int, actual: int | None, bucket: Bucket, store: Store) -> dict[str, Any]:
    status = bucket.status(store.clock.now())
    return {"requestedQueryCost": requested, "actualQueryCost": actual, "throttleStatus": status}


def _search_warnings(steps: Any, store: Store) -> list[dict[str, Any]]:
    found = []
    for step in steps:
        query = step.arguments.get("query")
        if step.name in _SEARCHED and query:
            warnings = store.search(_SEARCHED[step.name], query).warnings
            if warnings:
                found.append({"path": [step.key], "query": query, "parsed": {}, "warnings": list(warnings)})
    return found


def _error(mistake: GraphQLError) -> dict[str, Any]:
    placed = [{"line": place.line, "column": place.column} for place in mistake.locations or ()]
    return {"message": mistake.message, "locations": placed}
