"""The far side's reader, and what must be the same there as in QuickBooks."""

from collections import Counter
from collections.abc import Mapping, Sequence
from decimal import Decimal

from storage.facts.exchange import Pair
from tests.jobs.exchange.nights import Company

#: where the records of a list stand, and what they are called there
LISTS = {
    Pair.CUSTOMERS: ("customers", "DisplayName"),
    Pair.ITEMS: ("items", "Name"),
    Pair.VENDORS: ("vendors", "DisplayName"),
    Pair.SALES_REPS: ("employees", "DisplayName"),
}


class Inventiv:
    """Reads the files once each morning, as Inventiv would, and keeps what it read."""

    def __init__(self, world: Company, lists: Sequence[Pair] = (Pair.CUSTOMERS,)) -> None:
        self._world = world
        self.lists: dict[Pair, list[dict[str, str]]] = {pair: [] for pair in lists}
        self.invoices: dict[str, dict[str, str]] = {}
        self.revisions: Counter[tuple[str, str, str]] = Counter()

    def read(self) -> None:
        """Take the lists whole, and add the invoices to what is known."""
        for pair in self.lists:
            self.lists[pair] = self._world.rows(pair)
        found: dict[tuple[str, str, str], None] = {}
        totals: dict[str, Decimal] = {}
        for row in self._world.rows(Pair.INVOICES):
            found[row["TXN_ID"], row["REVISION"], row["STATUS"]] = None
            if row["AMOUNT"]:
                totals[row["TXN_ID"]] = totals.get(row["TXN_ID"], Decimal(0)) + Decimal(row["AMOUNT"])
        self.revisions.update(list(found))
        for key, _, status in found:
            total = totals.get(key, Decimal(0)) if status == "A" else Decimal(0)
            self.invoices[key] = {"status": status, "total": f"{total.normalize():f}"}

    def complaints(self, ever: Mapping[str, str]) -> list[str]:
        """Say what is not as it is in QuickBooks; `ever` are the invoices that it had, with how they ended."""
        wrong = []
        # What came and went before it was ever sent is nothing to the far side.
        known = {
            key: one for key, one in truth(self._world, ever).items() if one["status"] != "D" or key in self.invoices
        }
        if self.invoices != known:
            keys = sorted(set(known) | set(self.invoices))
            differ = [(key, known.get(key), self.invoices.get(key)) for key in keys]
            wrong.append(f"differ: {[one for one in differ if one[1] != one[2]]}")
        for pair, rows in self.lists.items():
            stream, name = LISTS[pair]
            records = self._world.books.records[stream].values()
            here = {(one["Id"], one[name], one.get("Active", True)) for one in records}
            if len(rows) != len(here) or {(row["NO"], row["NAME"], row["ACTIVE"] == "Y") for row in rows} != here:
                wrong.append(f"{stream} differ")
        if twice := [key for key, count in self.revisions.items() if count > 1]:
            wrong.append(f"sent twice: {twice}")
        return wrong


def truth(world: Company, ever: Mapping[str, str]) -> dict[str, dict[str, str]]:
    """Return the invoices as they stand in QuickBooks; `ever` are those that it had, with how they ended."""
    found = {}
    for key, ended in ever.items():
        record = world.books.records["invoices"].get(key)
        status = "D" if record is None else "V" if record.get("PrivateNote") == "Voided" else ended
        total = Decimal(str(record["TotalAmt"])) if record is not None and status == "A" else Decimal(0)
        found[key] = {"status": status, "total": f"{total.normalize():f}"}
    return found
