"""Mappings of a few columns, so that what is tried is the exchange and not a profile."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from jobs.exchange.building import Map
from jobs.exchange.fil import Column
from jobs.exchange.mapping.results import Mapped, Rejected, Skipped
from storage.facts.exchange import Pair
from storage.sessions import Session


@dataclass(frozen=True, slots=True)
class Plain:
    """One of them."""

    file: str
    columns: tuple[Column, ...]
    keys: tuple[str, ...]
    map: Map
    version: str = "plain 1"
    inputs: tuple[str, ...] = ()

    def begin(self, _tables: Mapping[str, Mapping[str, object]]) -> Map:
        return self.map


def _named(name: str) -> Map:
    def mapped(record: dict[str, Any], *, deleted: bool = False) -> Mapped | Skipped | Rejected:
        assert not deleted
        row = (record["Id"], str(record[name]), "Y" if record.get("Active", True) else "N")
        return Mapped(record["Id"], record["SyncToken"], (row,))

    return mapped


def _invoice(record: dict[str, Any], *, deleted: bool = False) -> Mapped | Skipped | Rejected:
    key, token = record["Id"], record["SyncToken"]
    if deleted or record.get("PrivateNote") == "Voided":
        return Mapped(key, token, ((key, token, "D" if deleted else "V", "", "", str(record["TotalAmt"])),))
    lines = [line for line in record["Line"] if line["DetailType"] == "SalesItemLineDetail"]
    if sum(Decimal(line["Amount"]) for line in lines) != Decimal(record["TotalAmt"]):
        return Rejected(key, "TOTAL", "its lines are not its total", control=True)
    rows = [(key, token, "A", line["Id"], str(line["Amount"]), str(record["TotalAmt"])) for line in lines]
    return Mapped(key, token, tuple(rows))


_LIST = (Column("NO"), Column("NAME", 41), Column("ACTIVE"))
_INVOICE = tuple(map(Column, ("TXN_ID", "REVISION", "STATUS", "LINE_ID", "AMOUNT", "TOTAL")))
_ALL = {
    Pair.CUSTOMERS: Plain("customer", _LIST, ("NO",), _named("DisplayName")),
    Pair.ITEMS: Plain("item", _LIST, ("NO",), _named("Name")),
    Pair.VENDORS: Plain("vendor", _LIST, ("NO",), _named("DisplayName")),
    Pair.SALES_REPS: Plain("salesrep", _LIST, ("NO",), _named("DisplayName")),
    Pair.INVOICES: Plain("invoice", _INVOICE, ("TXN_ID", "LINE_ID"), _invoice),
}


def plain(_session: Session, _organization_id: str, pair: Pair) -> Plain:
    """Return the mapping of a pair."""
    return _ALL[pair]
