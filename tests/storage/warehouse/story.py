"""Two runs with known content: what was there before a crash, and what the crashed run brings."""

from decimal import Decimal

from tests.storage.warehouse.company import CUSTOMERS, INVOICES, REPORT, Invoice, invoices, simple
from tests.storage.warehouse.model import Model, Planned


def _planned(rows: list[Invoice], deleted: list[str], names: dict[str, str], report: dict[str, Decimal]) -> Planned:
    planned = Planned()
    planned.add(invoices(rows, deleted), ((row.id, row) for row in rows))
    planned.add(simple(CUSTOMERS, names), names.items())
    planned.add(simple(REPORT, report), report.items())
    return planned


FIRST = _planned(
    [Invoice(str(n), f"c{n % 3}", Decimal(n), (("c1", Decimal(n)), ("c2", Decimal("0.01")))) for n in range(30)],
    [],
    {f"c{n}": f"Customer {n}" for n in range(3)},
    {f"a{n}": Decimal(n) for n in range(10)},
)
SECOND = _planned(
    [Invoice(str(n), f"c{n % 2}", Decimal(n) + Decimal("0.01"), (("c1", Decimal(-n)),)) for n in range(20, 50)],
    ["1", "2", "3"],
    {"c1": "Renamed", "c7": "New"},
    {f"a{n}": Decimal(n * 2) for n in range(8)},
)


def cursors(name: str) -> dict[str, str]:
    return {stream: f"{name} {stream}" for stream in (INVOICES.name, CUSTOMERS.name)}


def after_first() -> Model:
    model = Model()
    model.load(FIRST)
    return model


def after_second() -> Model:
    model = after_first()
    model.load(SECOND)
    return model
