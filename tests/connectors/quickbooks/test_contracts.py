"""What is asked for exists in Intuit's schema, and published answers decode."""

import json
import xml.etree.ElementTree as ET
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from connectors.decode import decode
from connectors.quickbooks.known import KNOWN
from connectors.quickbooks.statements import ENTITIES, Entity
from connectors.shapes import Shape, Tree

pytestmark = pytest.mark.contracts

_XS = "{http://www.w3.org/2001/XMLSchema}"
BY_NAME = {entity.name: entity for entity in ENTITIES}
#: not of the schema: how JSON writes references and open lists
_OF_JSON = {"value", "name", "type"}
#: the schema names it for sales and deposits only; companies with several currencies have it elsewhere too
_WIDER = {"HomeTotalAmt"}


@pytest.fixture(scope="module")
def schema(contracts: Path) -> dict[str, ET.Element]:
    """Every complex type by its name."""
    files = sorted((contracts / "qbo/xsd").glob("*.xsd"))
    roots = [ET.fromstring(file.read_bytes()) for file in files]
    return {kind.attrib["name"]: kind for root in roots for kind in root.findall(f"{_XS}complexType")}


def bases(schema: dict[str, ET.Element], name: str) -> list[str]:
    """The types that a type is made of, itself first."""
    kind = schema.get(name)
    if kind is None:
        return []
    found = [ext.attrib["base"].split(":")[-1] for ext in kind.iter(f"{_XS}extension")]
    return [name, *(inner for base in found for inner in bases(schema, base))]


def elements(schema: dict[str, ET.Element], name: str) -> dict[str, str]:
    """The elements of a type with their types."""
    return {
        (item.attrib.get("name") or item.attrib["ref"].split(":")[-1]): item.attrib.get("type", "").split(":")[-1]
        for base in bases(schema, name)
        for item in schema[base].iter(f"{_XS}element")
    }


def unknown(schema: dict[str, ET.Element], kind: str, tree: dict[str, Tree]) -> list[str]:
    """The names of a shape that a type of the schema does not have."""
    known = elements(schema, kind)
    found = [
        f"{kind}.{name}" for name in tree if name.removesuffix("[]") not in known and name not in _OF_JSON | _WIDER
    ]
    for name, inner in tree.items():
        typed = known.get(name.removesuffix("[]"), "")
        if isinstance(inner, dict) and typed in schema:
            found += unknown(schema, typed, inner)
    return found


@pytest.mark.parametrize("entity", ENTITIES, ids=lambda entity: entity.name)
def test_each_entity_and_field_is_in_intuits_schema(schema: dict[str, ET.Element], entity: Entity) -> None:
    assert "IntuitEntity" in bases(schema, entity.name)
    assert unknown(schema, entity.name, entity.shape.tree) == []


def test_every_field_of_intuits_schema_is_known(schema: dict[str, ET.Element]) -> None:
    missing = {name for entity in ENTITIES for name in elements(schema, entity.name)} - KNOWN
    assert not missing


def test_a_made_up_entity_or_field_is_noticed(schema: dict[str, ET.Element]) -> None:
    assert bases(schema, "Receipt") == []
    tree: dict[str, Tree] = {"Nowhere": {}, "Line[]": {"Amount": {}, "SalesItemLineDetail": {"Colour": {}}}}
    assert unknown(schema, "Invoice", tree) == ["Invoice.Nowhere", "SalesItemLineDetail.Colour"]


@pytest.mark.parametrize(
    "file, name", [("query_invoices", "Invoice"), ("query_customers", "Customer"), ("query_items", "Item")]
)
def test_published_answers_decode(contracts: Path, file: str, name: str) -> None:
    said = json.loads((contracts / f"qbo/synthetic/responses/{file}.json").read_bytes())
    records = said["QueryResponse"][name]
    assert [row["id"] for row in decoded(BY_NAME[name].shape, records)] == [record["Id"] for record in records]


def test_the_published_estimate_is_read_to_the_cent(contracts: Path) -> None:
    said = json.loads((contracts / "qbo/synthetic/responses/estimate_create_response.json").read_bytes())["Estimate"]
    (row,) = decoded(BY_NAME["Estimate"].shape, [said])
    assert (row["doc_number"], row["txn_status"]) == (said["DocNumber"], said["TxnStatus"])
    assert row["total_amount"] == Decimal(str(said["TotalAmt"]))


def decoded(shape: Shape, records: list[Any]) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = decode(
        shape, [[json.dumps(record).encode() for record in records]]
    ).batch.rows.to_pylist()
    return rows
