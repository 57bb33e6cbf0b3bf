"""What we serve exists under the same name and type in the collected contracts."""

import gzip
import json
import os
import re
from pathlib import Path
from typing import Any

import pytest
from graphql import GraphQLEnumType, GraphQLObjectType, GraphQLSchema, build_client_schema, build_schema

from sandbox.providers.quickbooks import QuickBooks
from sandbox.providers.shopify.sdl import SDL
from tests.sandbox.providers.conftest import REALM

pytestmark = pytest.mark.contracts

CONTRACTS = Path(os.environ.get("CONTRACTS_DIR") or Path(__file__).parents[4] / "shared" / "contracts")


@pytest.fixture(scope="module")
def contracts() -> Path:
    if not CONTRACTS.is_dir():
        pytest.skip("the collected provider contracts are absent: set CONTRACTS_DIR to their folder")
    return CONTRACTS


def differences(ours: GraphQLSchema, real: GraphQLSchema) -> list[str]:
    """Types, fields, arguments and enum values of ours that the real schema lacks or types differently."""
    found = []
    for name, kind in ours.type_map.items():
        if name.startswith("__"):
            continue
        other = real.type_map.get(name)
        if other is None:
            found.append(name)
        elif isinstance(kind, GraphQLEnumType) and isinstance(other, GraphQLEnumType):
            found += [f"{name}.{value}" for value in kind.values if value not in other.values]
        elif isinstance(kind, GraphQLObjectType) and isinstance(other, GraphQLObjectType):
            for field, definition in kind.fields.items():
                known = other.fields.get(field)
                if known is None or str(known.type) != str(definition.type):
                    found.append(f"{name}.{field}: {definition.type}, really {known.type if known else 'missing'}")
                    continue
                for argument, detail in definition.args.items():
                    there = known.args.get(argument)
                    same = there is not None and str(there.type) == str(detail.type)
                    if not same or there.default_value != detail.default_value:
                        found.append(f"{name}.{field}({argument})")
    return found


@pytest.fixture(scope="module")
def real_schema(contracts: Path) -> GraphQLSchema:
    with gzip.open(contracts / "shopify" / "admin_2026-10.introspection.json.gz") as file:
        data = json.load(file)
    return build_client_schema(data.get("data", data), assume_valid=True)


def test_our_schema_is_a_part_of_shopifys(real_schema: GraphQLSchema) -> None:
    assert differences(build_schema(SDL), real_schema) == []


def test_the_comparison_catches_each_kind_of_difference(real_schema: GraphQLSchema) -> None:
    wrong = SDL.replace("amount: Decimal!", "amount: Float!").replace("sku: String\n", "skew: String\n")
    wrong = wrong.replace("enum CountPrecision { AT_LEAST", "enum CountPrecision { ABOUT").replace(
        "truncateAt", "cutAt"
    )
    found = " ".join(differences(build_schema(wrong), real_schema))
    for part in ("MoneyV2.amount", "LineItem.skew", "CountPrecision.ABOUT", "Product.description(cutAt)"):
        assert part in found


def names(record: object) -> set[str]:
    """Every key anywhere in a record."""
    if isinstance(record, dict):
        return set(record) | {name for value in record.values() for name in names(value)}
    if isinstance(record, list):
        return {name for value in record for name in names(value)}
    return set()


def test_every_name_in_a_quickbooks_record_is_in_intuits_schema(contracts: Path) -> None:
    known = set()
    for file in (contracts / "qbo" / "xsd").glob("*.xsd"):
        known |= set(re.findall(r'\bname="(\w+)"', file.read_text()))
    known |= {"value", "any"}
    books = QuickBooks.generated(invoices=60, documents=2).books[REALM]
    for entity in books.tables:
        used = {name for record in books.truth(entity) for name in names(record)}
        assert used - known == set(), entity
    assert names(books.company) - known == set()
    assert {"NoSuchName"} - known


def test_fault_shapes_are_those_of_the_contracts(contracts: Path) -> None:
    from sandbox.providers.quickbooks import faults

    folder = contracts / "qbo" / "synthetic" / "faults"

    def shape(value: object) -> object:
        if isinstance(value, dict):
            return {key: shape(inner) for key, inner in value.items()}
        return [shape(inner) for inner in value] if isinstance(value, list) else type(value).__name__

    def sample(name: str) -> Any:
        return json.loads((folder / name).read_text())

    assert shape(faults.gateway(401, 1, detail="x")) == shape(sample("401_gateway_lowercase.json"))
    assert shape(faults.gateway(403, 1)) == shape(sample("403_gateway_lowercase.json"))
    assert shape(faults.throttled().body("t")) == shape(sample("429_throttle.json"))
    assert set(faults.in_200("6070").body("t")["Fault"]) == set(sample("200_with_fault.json")["Fault"])
