"""The GraphQL documents against Shopify's published schema: valid, within our scopes, affordable, reading only."""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest
from graphql import (
    GraphQLSchema,
    TypeInfo,
    TypeInfoVisitor,
    Visitor,
    build_client_schema,
    get_named_type,
    parse,
    validate,
    visit,
)
from graphql.language import FieldNode, FragmentDefinitionNode, OperationDefinitionNode

from connectors.reads import BULK_RUN, operations
from connectors.shopify import inventory, offers, payments, refunds
from connectors.shopify.bulk_documents import BULK_DOCUMENTS, BULK_QUERIES
from connectors.shopify.documents.app import SCOPES
from connectors.shopify.documents.every import DOCUMENTS as PAGED
from connectors.shopify.documents.inventory import INVENTORY_BY_ID, LEVEL_CHANGES
from connectors.shopify.documents.orders import REFUNDS
from connectors.shopify.roots import ROOTS

DOCUMENTS = PAGED | BULK_QUERIES | BULK_DOCUMENTS


@pytest.fixture(scope="module")
def schema(contracts: Path) -> GraphQLSchema:
    with gzip.open(contracts / "shopify/admin_2026-10.introspection.json.gz") as file:
        said = json.load(file)
    return build_client_schema(said.get("data", said), assume_valid=True)


@pytest.mark.contracts
@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_valid(schema: GraphQLSchema, name: str) -> None:
    assert validate(schema, parse(DOCUMENTS[name])) == []


def connections(node: Any, info: TypeInfo) -> list[int]:
    """Return how deep each connection of a bulk query is."""
    found: list[int] = []

    class Deep(Visitor):
        def __init__(self) -> None:
            super().__init__()
            self.open: list[bool] = []

        def enter_field(self, _node: FieldNode, *_: Any) -> None:
            kind = get_named_type(info.get_type())
            self.open.append(kind is not None and kind.name.endswith("Connection"))
            if self.open[-1]:
                found.append(sum(self.open))

        def leave_field(self, _node: FieldNode, *_: Any) -> None:
            self.open.pop()

    visit(node, TypeInfoVisitor(info, Deep()))
    return found


@pytest.mark.contracts
@pytest.mark.parametrize("name", BULK_QUERIES)
def test_bulk_queries_keep_to_the_rules(schema: GraphQLSchema, name: str) -> None:
    deep = connections(parse(BULK_QUERIES[name]), TypeInfo(schema))
    assert 1 <= len(deep) <= 5
    assert max(deep) <= 2
    assert "first" not in BULK_QUERIES[name]
    assert validate(schema, parse(BULK_RUN)) == []


@pytest.mark.contracts
def test_a_wrong_document_would_be_noticed(schema: GraphQLSchema) -> None:
    broken = DOCUMENTS["Orders"].replace("totalPriceSet", "totalPriceSets")
    assert validate(schema, parse(broken))


class Types(Visitor):
    """Collects the types and deprecated fields that a document touches."""

    def __init__(self, info: TypeInfo) -> None:
        super().__init__()
        self.info = info
        self.types: set[str] = set()
        self.deprecated: set[str] = set()

    def enter_field(self, node: FieldNode, *_: Any) -> None:
        found = self.info.get_type()
        if found is not None:
            self.types.add(get_named_type(found).name)
        field = self.info.get_field_def()
        if field is not None and field.deprecation_reason:
            self.deprecated.add(node.name.value)


def touched(schema: GraphQLSchema, document: str) -> Types:
    info = TypeInfo(schema)
    types = Types(info)
    visit(parse(document), TypeInfoVisitor(info, types))
    return types


@pytest.mark.contracts
@pytest.mark.parametrize("name", DOCUMENTS)
def test_our_scopes_cover_every_type(contracts: Path, schema: GraphQLSchema, name: str) -> None:
    access = json.loads((contracts / "shopify/admin_2026-10.access_scopes.json").read_text())["types"]
    types = touched(schema, DOCUMENTS[name])
    assert not types.deprecated
    for kind in types.types & set(access):
        assert set(access[kind]["offlineScopes"]) & set(SCOPES), (kind, access[kind])


PROTECTED = {"MailingAddress", "CustomerEmailAddress", "CustomerPhoneNumber"}


@pytest.mark.contracts
@pytest.mark.parametrize("name", DOCUMENTS)
def test_no_protected_customer_data_is_asked_for(schema: GraphQLSchema, name: str) -> None:
    assert not touched(schema, DOCUMENTS[name]).types & PROTECTED
    for word in ("displayName", "firstName", "lastName", "email ", "phone", "note"):
        assert word not in DOCUMENTS[name].split("customer {")[0] or name not in {"Customers", "Orders"}


def cost(selection: Any, sizes: dict[str, int], fragments: dict[str, Any], schema: GraphQLSchema, kind: Any) -> int:
    """Shopify's published rule at its strictest: an object 1 point, a connection 2 and what it holds times `first`."""
    total = 0
    for node in selection.selections:
        if node.kind != "field":
            part = fragments[node.name.value] if node.kind == "fragment_spread" else node
            total += cost(part.selection_set, sizes, fragments, schema, schema.type_map[part.type_condition.name.value])
            continue
        if node.name.value == "__typename":
            continue
        field = kind.fields[node.name.value]
        inner = get_named_type(field.type)
        if node.selection_set is None:
            continue
        first = next((argument for argument in node.arguments or () if argument.name.value in {"first", "ids"}), None)
        deeper = cost(node.selection_set, sizes, fragments, schema, inner)
        total += 2 + sizes[first.value.name.value] * deeper if first else 1 + deeper
    return total


@pytest.mark.contracts
@pytest.mark.parametrize(
    "root",
    [*ROOTS, *offers.ROOTS, inventory.ROOT, inventory.LOCATIONS, payments.PAYOUTS, payments.TRANSACTIONS],
    ids=lambda root: root.field,
)
def test_first_pages_are_affordable(schema: GraphQLSchema, root: Any) -> None:
    shown = {inner.variable: inner.first for inner in root.inners}
    given = {"ids": refunds.AT_ONCE, refunds.LINES.variable: refunds.LINES.first}
    for document, sizes in (
        (root.document, {"first": root.first, "codes": 1, **shown}),
        *((inner.document, {"first": inner.more}) for inner in (*root.inners, refunds.LINES, refunds.SHIPPING)),
        *(((root.keys_document, {"first": 250}),) if root.keys_document else ()),
        (LEVEL_CHANGES, {"first": 250}),
        (INVENTORY_BY_ID, {"ids": inventory.AT_ONCE, "levels": 2}),
        (REFUNDS, {**given, refunds.SHIPPING.variable: refunds.SHIPPING.first}),
    ):
        parsed = parse(document)
        fragments = {d.name.value: d for d in parsed.definitions if isinstance(d, FragmentDefinitionNode)}
        query = next(d for d in parsed.definitions if isinstance(d, OperationDefinitionNode))
        assert cost(query.selection_set, sizes, fragments, schema, schema.query_type) < 1000


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_only_read(name: str) -> None:
    assert operations(DOCUMENTS[name]) == ["query"]
