"""Makes the tables that the pre-built profile looks things up in, from the records of the lake."""

from collections.abc import Iterable, Mapping
from typing import Any

SALES_REP = "Sales Rep"


def names(records: Iterable[Mapping[str, Any]], field: str = "Name") -> dict[str, str]:
    """Return the id of each record with one of its fields, where it has that: names of terms, numbers of accounts."""
    return {str(each["Id"]): str(each[field]) for each in records if each.get("Id") and each.get(field)}


def item_numbers(items: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the id of each item with what it is called in item.fil: its SKU, else its id."""
    return {str(each["Id"]): str(each.get("Sku") or each["Id"]) for each in items if each.get("Id")}


class SalesReps:
    """Finds the sales rep of each customer: the custom field of the latest invoice that has one filled in or not.

    The latest is that of the latest day, and of one day that with the highest id. Records may come in any order.
    """

    def __init__(self, custom_field: str = SALES_REP) -> None:
        self._custom_field = custom_field
        self._latest: dict[str, tuple[str, int, str, str]] = {}

    def add(self, invoice: Mapping[str, Any]) -> None:
        """Look at one invoice."""
        referred, id_ = invoice.get("CustomerRef"), str(invoice.get("Id", ""))
        customer = str(referred.get("value", "")) if isinstance(referred, dict) else ""
        found = (str(invoice.get("TxnDate", "")), len(id_), id_, self._field(invoice))
        if customer and found[:3] > self._latest.get(customer, ("", 0, "", ""))[:3]:
            self._latest[customer] = found

    def found(self) -> dict[str, str]:
        """Return the sales rep of each customer that has one."""
        return {customer: latest[3] for customer, latest in self._latest.items() if latest[3]}

    def _field(self, invoice: Mapping[str, Any]) -> str:
        listed = invoice.get("CustomField")
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and each.get("Name") == self._custom_field:
                return str(each.get("StringValue") or "")
        return ""


def sales_reps(invoices: Iterable[Mapping[str, Any]]) -> dict[str, str]:
    """Return the sales rep of each customer, by its latest invoice."""
    reps = SalesReps()
    for each in invoices:
        reps.add(each)
    return reps.found()
